"""Read the notation in which DuckDB names the types it finds in files."""

from __future__ import annotations

import re

from localaws.engines.sql.duckdb.types import Type

_TOKEN = re.compile(r'"(?:[^"]|"")*"|[^\s(),\[\]"]+|[(),\[\]]')
_TRINO = {"struct": "row", "float": "real", "blob": "varbinary", "numeric": "decimal"}


def parse_stored(text: str) -> Type:
    """Return a type such as ``STRUCT(a BIGINT, b VARCHAR[])`` under Trino's names.

    Types Trino does not have (``uinteger``, ``timestamp_ns``, ``uuid``) keep DuckDB's name in
    lower case. Field names keep their case.

    Raises:
        ValueError: `text` is not a type.
    """
    found, rest = _type(_TOKEN.findall(text))
    if rest:
        raise ValueError(f"not a type: {text}")
    return found


def _type(tokens: list[str]) -> tuple[Type, list[str]]:
    if not tokens or tokens[0] in "(),[]":
        raise ValueError("a type is missing")
    base, tokens = tokens[0].lower(), tokens[1:]
    base = _TRINO.get(base, base)
    found = Type(base)
    if tokens[:1] == ["("]:
        if base == "row":
            found, tokens = _row(tokens[1:])
        elif base == "map":
            key, tokens = _type(tokens[1:])
            value, tokens = _type(tokens[1:])
            found, tokens = Type(base, args=(key, value)), tokens[1:]
        else:
            end = tokens.index(")")
            params = tuple(int(token) for token in tokens[1:end] if token.isdigit())
            found, tokens = Type(base, params), tokens[end + 1 :]
    while tokens and tokens[0].isalpha():  # TIMESTAMP WITH TIME ZONE
        found, tokens = Type(f"{found.name} {tokens[0].lower()}"), tokens[1:]
    while tokens[:1] == ["["]:
        found, tokens = Type("array", args=(found,)), tokens[tokens.index("]") + 1 :]
    return found, tokens


def _row(tokens: list[str]) -> tuple[Type, list[str]]:
    names: list[str | None] = []
    args: list[Type] = []
    while True:
        name, tokens = tokens[0], tokens[1:]
        names.append(name[1:-1].replace('""', '"') if name.startswith('"') else name)
        arg, tokens = _type(tokens)
        args.append(arg)
        if tokens[0] == ")":
            return Type("row", args=tuple(args), fields=tuple(names)), tokens[1:]
        tokens = tokens[1:]
