"""Every corpus query is answered as real Trino answered it, or refused: never wrongly."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import duckdb
import pytest
from corpus.entries import FIXTURES, Entry, recorded, topics

from localaws.engines.sql.base import Column, Session, SqlError, SqlRefused, TableSchema
from localaws.engines.sql.duckdb.translate import map_runtime_error, parse, translate

SESSION = Session("corpus", "000000000000", "us-east-1", catalog="memory", database="default")
FLOOR = 0.9
# sums of doubles and transcendental functions: the last digits depend on the order and the libm
_INEXACT = re.compile(
    r"\b(stddev|stddev_pop|stddev_samp|variance|var_pop|var_samp|corr|covar_pop|covar_samp"
    r"|regr_slope|regr_intercept|sin|cos|tan|exp|ln|log2|log10|pow|power|cbrt|degrees|radians"
    r"|sum|avg)\("
)


def _table(name: str) -> TableSchema:
    columns = translate(parse(FIXTURES[name]), SESSION, {}).columns
    return TableSchema("memory", "default", name, columns, (), "s3://none/", "", "")


RELATIONS = {("memory", "default", name): _table(name) for name in FIXTURES}


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    made = duckdb.connect()
    for name, sql in FIXTURES.items():
        columns = RELATIONS[("memory", "default", name)].columns
        listed = ", ".join(f'"{column.name}"' for column in columns)
        body = translate(parse(sql), SESSION, {}).sql
        made.execute(f"CREATE TABLE {name}_({listed}) AS {body}")
    yield made
    made.close()


def answer(connection: duckdb.DuckDBPyConnection, entry: Entry) -> tuple[str, object]:
    """Return ``refused``, ``error`` with its name, or ``rows`` with types and rows."""
    try:
        translation = translate(parse(entry.sql), SESSION, RELATIONS)
    except SqlRefused as refusal:
        return "refused", refusal.message
    except SqlError as error:
        return "error", (error.name, error.message)
    scans = ", ".join(
        f"{scan.alias} AS (SELECT * FROM {scan.table.name}_)" for scan in translation.scans
    )
    sql = f"WITH {scans} {translation.result_sql}" if scans else translation.result_sql
    try:
        rows = connection.execute(sql).fetchall()
    except duckdb.Error as error:
        mapped = map_runtime_error(str(error))
        if isinstance(mapped, SqlRefused):
            return "refused", mapped.message
        return "error", (mapped.name, mapped.message)
    return "rows", (translation.columns, rows)


def verdict(connection: duckdb.DuckDBPyConnection, entry: Entry) -> tuple[str, str]:
    """Return ``right``, ``refused`` or ``wrong``, and why."""
    kind, found = answer(connection, entry)
    if kind == "refused":
        return "refused", str(found)
    if kind == "error":
        name, message = found  # type: ignore[misc]
        if entry.error == name:
            return "right", message
        if entry.error is not None and name in _ALIKE.get(entry.error, ()):
            return "right", message
        return "wrong", f"{name}: {message}; Trino: {entry.error or entry.rows[:3]}"
    columns, rows = found  # type: ignore[misc]
    if entry.error is not None:
        return "wrong", f"{rows[:3]}; Trino: {entry.error}: {entry.message}"
    return _compare(entry, columns, rows)


# Trino's own names for the same failure differ by where it is noticed
_ALIKE = {
    "INVALID_CAST_ARGUMENT": ("NUMERIC_VALUE_OUT_OF_RANGE",),
    "NUMERIC_VALUE_OUT_OF_RANGE": ("INVALID_CAST_ARGUMENT",),
    "GENERIC_INTERNAL_ERROR": ("NUMERIC_VALUE_OUT_OF_RANGE",),
    # whether the database exists is asked before a query is translated
    "SCHEMA_NOT_FOUND": ("TABLE_NOT_FOUND",),
    "CATALOG_NOT_FOUND": ("TABLE_NOT_FOUND",),
}


def _compare(
    entry: Entry, columns: tuple[Column, ...], rows: list[tuple[str | None, ...]]
) -> tuple[str, str]:
    names = tuple(column.name for column in columns)
    if names != tuple(name.lower() for name in entry.names):
        return "wrong", f"names {names}; Trino: {entry.names}"
    types = [_bare(column.type) for column in columns]
    if types != [_bare(type) for type in entry.columns]:
        return "wrong", f"types {types}; Trino: {entry.columns}"
    ours = [_normal(row, types) for row in rows]
    theirs = [_normal(row, types) for row in entry.rows]
    if not parse(entry.sql).args.get("order"):
        ours, theirs = sorted(ours, key=repr), sorted(theirs, key=repr)
    if ours == theirs or (_INEXACT.search(entry.sql) and _close(ours, theirs, types)):
        return "right", ""
    different = [pair for pair in zip(ours, theirs, strict=False) if pair[0] != pair[1]][:2]
    return "wrong", f"{different or (len(ours), len(theirs))}"


def _bare(type: str) -> str:
    """Return a type without lengths of varchar, which Athena does not show."""
    return re.sub(r"varchar\(\d+\)", "varchar", type)


def _normal(row: tuple[str | None, ...], types: list[str]) -> tuple[str | None, ...]:
    """Return the row with the entries of maps in a fixed order: Trino's order is unspecified."""
    return tuple(
        "{" + ", ".join(sorted(value[1:-1].split(", "))) + "}"
        if value is not None and type.startswith("map")
        else value
        for value, type in zip(row, types, strict=True)
    )


def _close(
    ours: list[tuple[str | None, ...]], theirs: list[tuple[str | None, ...]], types: list[str]
) -> bool:
    """Return whether the rows agree but for the last digits of doubles."""
    if len(ours) != len(theirs):
        return False
    for left, right in zip(ours, theirs, strict=True):
        for a, b, type in zip(left, right, types, strict=True):
            if a == b:
                continue
            if type != "double" or a is None or b is None:
                return False
            if not abs(float(a) - float(b)) <= 1e-12 * abs(float(b)):
                return False
    return True


Verdicts = dict[str, list[tuple[Entry, str, str]]]


@pytest.fixture(scope="module")
def verdicts(connection: duckdb.DuckDBPyConnection) -> Verdicts:
    return {
        path.stem: [(entry, *verdict(connection, entry)) for entry in recorded(path)]
        for path in topics()
    }


@pytest.mark.parametrize("topic", [path.stem for path in topics()])
def test_no_answer_is_wrong(verdicts: Verdicts, topic: str) -> None:
    wrong = [f"{entry.sql}\n    {why}" for entry, what, why in verdicts[topic] if what == "wrong"]
    assert not wrong, f"{len(wrong)} wrong answers:\n" + "\n".join(wrong)


def test_most_queries_are_answered(verdicts: Verdicts) -> None:
    counted = Counter(what for entries in verdicts.values() for _, what, _ in entries)
    assert counted.total() >= 1500
    assert counted["right"] / counted.total() >= FLOOR, counted
