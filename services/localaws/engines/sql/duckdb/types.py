"""Trino's types: parsing, printing, common types, and how DuckDB holds each one.

Every value travels through DuckDB in the representation `Type.duckdb` names. The ones that are not
obvious: intervals are integers (milliseconds, months), a timestamp with time zone is the UTC
instant as a plain TIMESTAMP (only UTC zones exist here), JSON is its text, and a row is a STRUCT
with its own field names where they are all there and distinct, else ``f1``, ``f2`` …
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from localaws.engines.sql.types import TypeNode, TypeTextError, parse_trino_type

INTEGRAL = ("tinyint", "smallint", "integer", "bigint")
MAX_DECIMAL = 38
_INTEGRAL_DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
_RANK = {name: rank for rank, name in enumerate((*INTEGRAL, "decimal", "real", "double"))}
_DUCKDB = {
    "boolean": "BOOLEAN",
    "tinyint": "TINYINT",
    "smallint": "SMALLINT",
    "integer": "INTEGER",
    "bigint": "BIGINT",
    "real": "FLOAT",
    "double": "DOUBLE",
    "varchar": "VARCHAR",
    "char": "VARCHAR",
    "varbinary": "BLOB",
    "json": "VARCHAR",
    "date": "DATE",
    "time": "TIME",
    "timestamp": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMP",
    "interval day to second": "BIGINT",
    "interval year to month": "INTEGER",
    "unknown": "BOOLEAN",
}


@dataclass(frozen=True)
class Type:
    """A Trino type.

    Attributes:
        name: the base name, e.g. ``decimal``, ``timestamp with time zone``.
        params: lengths, precision and scale, in order; empty where the type has none.
        args: element types of arrays, maps and rows.
        fields: row field names, ``None`` where anonymous.
    """

    name: str
    params: tuple[int, ...] = ()
    args: tuple[Type, ...] = ()
    fields: tuple[str | None, ...] = ()

    def __str__(self) -> str:
        if self.name == "row":
            parts = (
                f"{_quoted(field)} {arg}" if field else str(arg)
                for field, arg in zip(self.fields, self.args, strict=True)
            )
            return f"row({', '.join(parts)})"
        if self.args:
            return f"{self.name}({', '.join(map(str, self.args))})"
        if self.name == "timestamp with time zone":
            return f"timestamp({self.params[0]}) with time zone"
        if self.params:
            return f"{self.name}({','.join(map(str, self.params))})"
        return self.name

    @property
    def element(self) -> Type:
        """The element type of an array."""
        return self.args[0]

    @property
    def is_numeric(self) -> bool:
        """Whether arithmetic applies."""
        return self.name in _RANK

    @property
    def is_integral(self) -> bool:
        """Whether this is one of the four integer types."""
        return self.name in INTEGRAL

    @property
    def is_floating(self) -> bool:
        """Whether this is ``real`` or ``double``."""
        return self.name in ("real", "double")

    @property
    def is_text(self) -> bool:
        """Whether this is ``varchar`` of any length."""
        return self.name == "varchar"

    @property
    def precision(self) -> int:
        """Decimal digits, of a decimal or of the decimal an integer coerces to."""
        return self.params[0] if self.name == "decimal" else _INTEGRAL_DIGITS[self.name]

    @property
    def scale(self) -> int:
        """Decimal places."""
        return self.params[1] if self.name == "decimal" else 0

    @property
    def duckdb(self) -> str:
        """The DuckDB type that holds values of this type."""
        if self.name == "decimal":
            return f"DECIMAL({self.params[0]},{self.params[1]})"
        if self.name == "array":
            return f"{self.args[0].duckdb}[]"
        if self.name == "map":
            return f"MAP({self.args[0].duckdb}, {self.args[1].duckdb})"
        if self.name == "row":
            names = self.struct_fields
            inner = (
                f'"{_escaped(n)}" {arg.duckdb}' for n, arg in zip(names, self.args, strict=True)
            )
            return f"STRUCT({', '.join(inner)})"
        return _DUCKDB[self.name]

    @property
    def struct_fields(self) -> tuple[str, ...]:
        """The names the fields of a row have in its DuckDB STRUCT."""
        lowered = [field.lower() for field in self.fields if field]
        if len(lowered) == len(self.args) == len(set(lowered)):
            return tuple(field or "" for field in self.fields)
        return tuple(f"f{index}" for index in range(1, len(self.args) + 1))

    @property
    def is_orderable(self) -> bool:
        """Whether ``<`` and ORDER BY apply."""
        if self.name in ("map", "json", "function"):
            return False
        return all(arg.is_orderable for arg in self.args)

    @property
    def is_comparable(self) -> bool:
        """Whether ``=``, DISTINCT and GROUP BY apply."""
        return all(arg.is_comparable for arg in self.args)

    def contains(self, *names: str) -> bool:
        """Return whether this type or a nested one has one of the base names."""
        return self.name in names or any(arg.contains(*names) for arg in self.args)


BOOLEAN = Type("boolean")
TINYINT, SMALLINT, INTEGER, BIGINT = (Type(name) for name in INTEGRAL)
REAL, DOUBLE = Type("real"), Type("double")
VARCHAR, VARBINARY, JSON, DATE = Type("varchar"), Type("varbinary"), Type("json"), Type("date")
UNKNOWN = Type("unknown")
DAY_TO_SECOND = Type("interval day to second")
YEAR_TO_MONTH = Type("interval year to month")
TIMESTAMP_MILLIS = Type("timestamp", (3,))
INSTANT_MILLIS = Type("timestamp with time zone", (3,))


def decimal(precision: int, scale: int) -> Type:
    """Return ``decimal(precision,scale)``."""
    return Type("decimal", (precision, scale))


def varchar(length: int) -> Type:
    """Return ``varchar(length)``."""
    return Type("varchar", (length,))


def timestamp(precision: int) -> Type:
    """Return ``timestamp(precision)``."""
    return Type("timestamp", (precision,))


def array(element: Type) -> Type:
    """Return ``array(element)``."""
    return Type("array", args=(element,))


def map_of(key: Type, value: Type) -> Type:
    """Return ``map(key, value)``."""
    return Type("map", args=(key, value))


def row(args: tuple[Type, ...], fields: tuple[str | None, ...] = ()) -> Type:
    """Return a row of `args`; anonymous fields where no names are given."""
    return Type("row", args=args, fields=fields or (None,) * len(args))


def _escaped(name: str) -> str:
    return name.replace('"', '""')


def _quoted(name: str) -> str:
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) else f'"{_escaped(name)}"'


# -- text --------------------------------------------------------------------------------------

_ALIASES = {
    "int": "integer",
    "string": "varchar",
    "float": "real",
    "numeric": "decimal",
    "binary": "varbinary",
    "double precision": "double",
    "timestamp without time zone": "timestamp",
    "time without time zone": "time",
}


@lru_cache(maxsize=4096)
def parse_type(text: str) -> Type:
    """Parse Trino's type text, e.g. ``row(a integer, b array(decimal(10,2)))``.

    Raises:
        ValueError: the text names no type known here.
    """
    try:
        found = _known(parse_trino_type(text))
    except TypeTextError:
        found = None
    if found is None:
        raise ValueError(f"Unknown type: {text}")
    return found


def _known(node: TypeNode) -> Type | None:
    name = _ALIASES.get(node.name, node.name)
    args = tuple(_known(element) for element in node.elements)
    known = tuple(arg for arg in args if arg is not None)
    if len(known) < len(args):
        return None
    if name == "row":
        return row(known, node.fields)
    if known:
        return Type(name, args=known)
    params = node.numbers
    if name == "decimal":
        params = (*(params or (MAX_DECIMAL,)), 0)[:2]
    elif name == "char":
        params = params or (1,)
    elif name.partition(" ")[0] in ("timestamp", "time"):
        params = params or (3,)
    elif name not in _DUCKDB:
        return None
    return Type(name, params)


# -- relations between types -------------------------------------------------------------------


def common_type(a: Type, b: Type) -> Type | None:
    """Return the type both coerce to without a cast, or None where there is none."""
    if a == b or b.name == "unknown":
        return a
    if a.name == "unknown":
        return b
    if a.is_numeric and b.is_numeric:
        return _common_number(a, b)
    if a.name == b.name:
        return _common_same(a, b)
    pair = {a.name, b.name}
    if pair == {"varchar", "char"}:
        return None  # padded comparison: not answered here
    temporal = ("date", "timestamp", "timestamp with time zone")
    if a.name in temporal and b.name in temporal:
        name = max(a.name, b.name, key=temporal.index)
        return Type(name, (max((*a.params, *b.params)),))
    return None


def _common_number(a: Type, b: Type) -> Type:
    if "decimal" in (a.name, b.name) and not (a.is_floating or b.is_floating):
        scale = max(a.scale, b.scale)
        whole = max(a.precision - a.scale, b.precision - b.scale)
        return decimal(min(MAX_DECIMAL, whole + scale), scale)
    return max(a, b, key=lambda t: _RANK[t.name])


def _common_same(a: Type, b: Type) -> Type | None:
    if a.name == "varchar":
        return varchar(max(a.params[0], b.params[0])) if a.params and b.params else VARCHAR
    if a.name in ("timestamp", "timestamp with time zone", "time", "char"):
        return Type(a.name, (max(a.params[0], b.params[0]),))
    if len(a.args) != len(b.args) or not a.args:
        return None
    args = [common_type(x, y) for x, y in zip(a.args, b.args, strict=True)]
    fields = tuple(x if x == y else None for x, y in zip(a.fields, b.fields, strict=True))
    known = tuple(arg for arg in args if arg is not None)
    return Type(a.name, args=known, fields=fields) if len(known) == len(args) else None


def coercible(source: Type, target: Type) -> bool:
    """Return whether `source` becomes `target` implicitly (function arguments, set operations)."""
    return common_type(source, target) == target
