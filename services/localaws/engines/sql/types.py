"""Type text: what a catalog says (``struct<a:int>``), and what SQL says (``row(a integer)``).

Both spellings parse into one small tree. Which spelling means what is Trino's Hive connector's:
https://trino.io/docs/current/connector/hive.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from localaws.core.errors import LocalAwsError

_TOKEN = re.compile(r"\s*(?:\"((?:[^\"]|\"\")*)\"|`([^`]*)`|([^\s<>(),:\"`]+)|([<>(),:]))")
_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]*\Z")

_HIVE_TO_TRINO = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "int": "integer",
    "integer": "integer",
    "bigint": "bigint",
    "float": "real",
    "double": "double",
    "string": "varchar",
    "binary": "varbinary",
    "date": "date",
    "timestamp": "timestamp(3)",
}
_TRINO_TO_HIVE = {
    "boolean": "boolean",
    "tinyint": "tinyint",
    "smallint": "smallint",
    "integer": "int",
    "int": "int",
    "bigint": "bigint",
    "real": "float",
    "double": "double",
    "varchar": "string",
    "varbinary": "binary",
    "date": "date",
    "timestamp": "timestamp",
}


class TypeTextError(LocalAwsError):
    """Text is not a type of the language it is read in."""


@dataclass(frozen=True)
class TypeNode:
    """A type: lower-case name, numbers (precision, length), element types, and field names."""

    name: str
    numbers: tuple[int, ...] = ()
    elements: tuple[TypeNode, ...] = ()
    fields: tuple[str | None, ...] = ()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, bool]] = []
        position = 0
        stripped = text.rstrip()
        while position < len(stripped):
            match = _TOKEN.match(text, position)
            if match is None:
                raise TypeTextError(f"'{text}' is not a type")
            quoted = match[1] if match[1] is not None else match[2]
            if quoted is not None:
                self.tokens.append((quoted.replace('""', '"'), True))
            else:
                self.tokens.append((match[3] or match[4], False))
            position = match.end()
        self.position = 0

    def peek(self) -> str:
        return self.tokens[self.position][0] if self.position < len(self.tokens) else ""

    def next(self) -> str:
        if self.position >= len(self.tokens):
            raise TypeTextError(f"'{self.text}' is not a type")
        self.position += 1
        return self.tokens[self.position - 1][0]

    def expect(self, token: str) -> None:
        if self.next() != token:
            raise TypeTextError(f"'{self.text}' is not a type")

    def numbers(self) -> tuple[int, ...]:
        values: list[int] = []
        if self.peek() == "(":
            self.next()
            while True:
                number = self.next()
                if not number.isdigit():
                    raise TypeTextError(f"'{self.text}' is not a type")
                values.append(int(number))
                if self.next_of(",", ")") == ")":
                    break
        return tuple(values)

    def next_of(self, *choices: str) -> str:
        token = self.next()
        if token not in choices:
            raise TypeTextError(f"'{self.text}' is not a type")
        return token

    def done(self) -> None:
        if self.position != len(self.tokens):
            raise TypeTextError(f"'{self.text}' is not a type")


def parse_hive_type(text: str) -> TypeNode:
    """Parse a type as the catalog has it, e.g. ``map<string,array<decimal(10,2)>>``.

    Raises:
        TypeTextError: it is not one.
    """
    reader = _Reader(text)
    node = _hive(reader)
    reader.done()
    return node


def _hive(reader: _Reader) -> TypeNode:
    name = reader.next().lower()
    if name in ("array", "map"):
        reader.expect("<")
        elements = [_hive(reader)]
        if name == "map":
            reader.expect(",")
            elements.append(_hive(reader))
        reader.expect(">")
        return TypeNode(name, elements=tuple(elements))
    if name == "struct":
        reader.expect("<")
        fields: list[str | None] = []
        types: list[TypeNode] = []
        while True:
            fields.append(reader.next().lower())
            reader.expect(":")
            types.append(_hive(reader))
            if reader.next_of(",", ">") == ">":
                return TypeNode("struct", elements=tuple(types), fields=tuple(fields))
    if name in ("decimal", "char", "varchar"):
        numbers = reader.numbers()
        if name == "decimal":
            numbers = (*numbers, *(10, 0)[len(numbers) :])
        if len(numbers) != (2 if name == "decimal" else 1):
            raise TypeTextError(f"'{reader.text}' is not a type")
        return TypeNode(name, numbers)
    if name not in _HIVE_TO_TRINO:
        raise TypeTextError(f"'{name}' is not a type")
    return TypeNode("int" if name == "integer" else name)


def parse_trino_type(text: str) -> TypeNode:
    """Parse a type as SQL has it, e.g. ``row(a integer, b array(varchar))``.

    Raises:
        TypeTextError: it is not one.
    """
    reader = _Reader(text)
    node = _trino(reader)
    reader.done()
    return node


def _trino(reader: _Reader) -> TypeNode:
    words = [reader.next().lower()]
    if words[0] in ("array", "map"):
        reader.expect("(")
        elements = [_trino(reader)]
        if words[0] == "map":
            reader.expect(",")
            elements.append(_trino(reader))
        reader.expect(")")
        return TypeNode(words[0], elements=tuple(elements))
    if words[0] == "row":
        return _row(reader)
    numbers = reader.numbers()
    while (word := reader.peek()) and word not in "<>(),:":
        words.append(reader.next().lower())
    return TypeNode(" ".join(words), numbers)


def _row(reader: _Reader) -> TypeNode:
    reader.expect("(")
    fields: list[str | None] = []
    types: list[TypeNode] = []
    while True:
        start = reader.position
        quoted = reader.tokens[start][1] if start < len(reader.tokens) else False
        name = reader.next()
        following = reader.peek()
        named = quoted or (
            following not in (",", ")", "(")
            and f"{name.lower()} {following.lower()}"
            not in ("timestamp with", "time with", "interval day", "interval year")
        )
        if not named:
            reader.position = start
        fields.append((name if quoted else name.lower()) if named else None)
        types.append(_trino(reader))
        if reader.next_of(",", ")") == ")":
            return TypeNode("row", elements=tuple(types), fields=tuple(fields))


def spell_trino_type(node: TypeNode) -> str:
    """Return the text of an SQL type, as Trino's DESCRIBE has it but for blanks in numbers."""
    if node.name == "row":
        fields = ", ".join(
            f"{_quoted(name)} {spell_trino_type(element)}" if name else spell_trino_type(element)
            for name, element in zip(node.fields, node.elements, strict=True)
        )
        return f"row({fields})"
    if node.elements:
        return _nested(node, spell_trino_type, "()")
    first, blank, rest = node.name.partition(" ")
    numbers = f"({','.join(map(str, node.numbers))})" if node.numbers else ""
    return f"{first}{numbers}{blank}{rest}"


def hive_to_trino(text: str) -> str:
    """Return the SQL type of a catalog type: ``struct<a:int>`` is ``row(a integer)``.

    Raises:
        TypeTextError: the text is not a catalog type.
    """
    return _spell_trino(parse_hive_type(text))


def trino_to_hive(text: str) -> str:
    """Return the catalog type of an SQL type: ``varchar`` is ``string``.

    Raises:
        TypeTextError: there is none (``time``, ``json``, intervals, rows with unnamed fields).
    """
    return _spell_hive(parse_trino_type(text))


def _nested(node: TypeNode, spell: Callable[[TypeNode], str], brackets: str) -> str:
    inner = ", " if brackets == "()" else ","
    return f"{node.name}{brackets[0]}{inner.join(map(spell, node.elements))}{brackets[1]}"


def _spell_trino(node: TypeNode) -> str:
    if node.name == "struct":
        fields = ", ".join(
            f"{_quoted(name or '')} {_spell_trino(element)}"
            for name, element in zip(node.fields, node.elements, strict=True)
        )
        return f"row({fields})"
    if node.elements:
        return _nested(node, _spell_trino, "()")
    if node.numbers:
        return f"{node.name}({','.join(map(str, node.numbers))})"
    return _HIVE_TO_TRINO[node.name]


def _quoted(name: str) -> str:
    return name if _IDENTIFIER.match(name) else '"' + name.replace('"', '""') + '"'


def _spell_hive(node: TypeNode) -> str:
    if node.name == "row":
        if None in node.fields:
            raise TypeTextError(
                "Anonymous row type is not supported in Hive. Please give each field a name"
            )
        fields = ",".join(
            f"{name}:{_spell_hive(element)}"
            for name, element in zip(node.fields, node.elements, strict=True)
        )
        return f"struct<{fields}>"
    if node.elements:
        return _nested(node, _spell_hive, "<>")
    if node.name in ("decimal", "char", "varchar") and node.numbers:
        return f"{node.name}({','.join(map(str, node.numbers))})"
    if node.name == "decimal":
        return "decimal(38,0)"
    hive = _TRINO_TO_HIVE.get(node.name)
    if hive is None:
        numbers = f"({','.join(map(str, node.numbers))})" if node.numbers else ""
        first, _, rest = node.name.partition(" ")
        raise TypeTextError(f"Unsupported Hive type: {first}{numbers}{' ' + rest if rest else ''}")
    return hive
