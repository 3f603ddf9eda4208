"""Converting and checking input by its shape, with AWS's wording of what is wrong.

A shape is compiled once into a function, so that a call costs little: `convert(shape)(raw)`.
"""

from __future__ import annotations

import base64
import binascii
import re
import weakref
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import botocore.model
from botocore.utils import parse_timestamp

from localaws.core.errors import AwsError

Shape = botocore.model.Shape

Path = tuple[Any, ...]
"""Where a value stands: the parent's path and a name, written out only when something is wrong."""

Converter = Callable[[Any, Path, "Problems"], Any]


class SerializationError(AwsError):
    """The input's types are not those of the model."""

    def __init__(self, path: Path, expected: str) -> None:
        where = _written(path)
        super().__init__("SerializationException", f"Value at '{where}' is not a {expected}")


def _written(path: Path) -> str:
    """Write a path as AWS does: ``databaseInput.name``, ``tags.1.member``."""
    parts: list[str] = []
    while path:
        path, name = path
        parts.append(name[:1].lower() + name[1:] if isinstance(name, str) else f"{name}.member")
    return ".".join(reversed(parts))


class Problems(list[str]):
    """Violated constraints, in AWS's wording."""

    def add(self, path: Path, value: Any, constraint: str) -> None:
        """Note that the value at a path violates a constraint."""
        shown = "null" if value is None else f"'{value}'"
        where = _written(path)
        self.append(f"Value {shown} at '{where}' failed to satisfy constraint: {constraint}")

    def text(self) -> str:
        """Return all problems as one message."""
        plural = "s" if len(self) > 1 else ""
        return f"{len(self)} validation error{plural} detected: " + "; ".join(self)


_converters: weakref.WeakKeyDictionary[Shape, Converter] = weakref.WeakKeyDictionary()


def converter(shape: Shape) -> Converter:
    """Return the function that converts and checks raw values of a shape."""
    found = _converters.get(shape)
    if found is None:
        found = _converters[shape] = _compile(shape)
    return found


def _compile(shape: Shape) -> Converter:
    kind = shape.type_name
    if kind == "structure":
        return _structure(shape)  # type: ignore[arg-type]
    if kind == "list":
        return _list(shape)  # type: ignore[arg-type]
    if kind == "map":
        return _map(shape)  # type: ignore[arg-type]
    if kind == "string":
        return _string(shape)
    if kind in ("integer", "long", "float", "double"):
        return _number(shape)
    return {"boolean": _boolean, "timestamp": _timestamp, "blob": _blob}.get(kind, _as_it_is)


def _as_it_is(value: Any, path: Path, problems: Problems) -> Any:
    return value


class _Lazy:
    """Looks a member's converter up at its first use, so that recursive shapes end."""

    __slots__ = ("_converter", "_shape")

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._converter: Converter | None = None

    def __call__(self, value: Any, path: Path, problems: Problems) -> Any:
        if self._converter is None:
            self._converter = converter(self._shape)
        return self._converter(value, path, problems)


def _structure(shape: botocore.model.StructureShape) -> Converter:
    if getattr(shape, "is_document_type", False):
        return _as_it_is
    members = {name: _Lazy(member) for name, member in shape.members.items()}
    required = tuple(shape.required_members)

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        if not isinstance(value, dict):
            raise SerializationError(path, "structure")
        result = {}
        for name, raw in value.items():
            member = members.get(name)
            if member is not None and raw is not None:
                result[name] = member(raw, (path, name), problems)
        for name in required:
            if name not in result:
                problems.add((path, name), None, "Member must not be null")
        return result

    return convert


def _length(shape: Shape, what: str) -> Callable[[Any, Path, Problems], None]:
    low = shape.metadata.get("min")
    high = shape.metadata.get("max")

    def check(value: Any, path: Path, problems: Problems) -> None:
        if low is not None and len(value) < low:
            problems.add(path, value, f"Member must have length greater than or equal to {low}")
        if high is not None and len(value) > high:
            problems.add(path, value, f"Member must have length less than or equal to {high}")

    return check


def _list(shape: botocore.model.ListShape) -> Converter:
    item = _Lazy(shape.member)
    check = _length(shape, "list")

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        if not isinstance(value, list):
            raise SerializationError(path, "list")
        check(value, path, problems)
        return [item(raw, (path, number), problems) for number, raw in enumerate(value, 1)]

    return convert


def _map(shape: botocore.model.MapShape) -> Converter:
    key = _Lazy(shape.key)
    item = _Lazy(shape.value)

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        if not isinstance(value, dict):
            raise SerializationError(path, "map")
        return {
            key(name, path, problems): item(raw, (path, name), problems)
            for name, raw in value.items()
            if raw is not None
        }

    return convert


def _string(shape: Shape) -> Converter:
    check = _length(shape, "string")
    choices = frozenset(getattr(shape, "enum", None) or ())
    shown = ", ".join(getattr(shape, "enum", None) or ())
    pattern_text = shape.metadata.get("pattern")
    pattern = _pattern(pattern_text) if pattern_text else None

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        if not isinstance(value, str):
            raise SerializationError(path, "string")
        check(value, path, problems)
        if choices and value not in choices:
            problems.add(path, value, f"Member must satisfy enum value set: [{shown}]")
        if pattern is not None and pattern.fullmatch(value) is None:
            problems.add(
                path, value, f"Member must satisfy regular expression pattern: {pattern_text}"
            )
        return value

    return convert


def _pattern(text: str) -> re.Pattern[str] | None:
    """Compile a model's (Java) pattern, or None where Python has no equal for it."""
    text = text.replace(r"\uD800\uDC00-\uDBFF\uDFFF", "\U00010000-\U0010ffff")
    text = text.replace(r"\p{L}\p{M}\p{Z}\p{N}\p{P}", r"\s\S").replace(r"\p{L}", r"^\W\d_")
    try:
        return re.compile(text, re.DOTALL)
    except re.error:
        return None


def _number(shape: Shape) -> Converter:
    whole = shape.type_name in ("integer", "long")
    low = shape.metadata.get("min")
    high = shape.metadata.get("max")

    def convert(value: Any, path: Path, problems: Problems) -> Any:
        if isinstance(value, str):
            try:
                value = int(value) if whole else float(value)
            except ValueError as error:
                raise SerializationError(path, shape.type_name) from error
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SerializationError(path, shape.type_name)
        if whole and value != int(value):
            raise SerializationError(path, shape.type_name)
        if low is not None and value < low:
            problems.add(path, value, f"Member must have value greater than or equal to {low}")
        if high is not None and value > high:
            problems.add(path, value, f"Member must have value less than or equal to {high}")
        return int(value) if whole else value

    return convert


def _boolean(value: Any, path: Path, problems: Problems) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise SerializationError(path, "boolean")


def _timestamp(value: Any, path: Path, problems: Problems) -> Any:
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
        parsed: datetime = parse_timestamp(value)
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise SerializationError(path, "timestamp") from error
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _blob(value: Any, path: Path, problems: Problems) -> Any:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise SerializationError(path, "blob")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise SerializationError(path, "blob") from error
