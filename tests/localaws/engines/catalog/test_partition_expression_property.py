"""Random partition expressions in the database and in memory against a direct evaluation."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localaws.core.clock import Clock
from localaws.core.database import Database
from localaws.engines.catalog.evaluator import compile_condition
from localaws.engines.catalog.expression import parse
from localaws.engines.catalog.postgresql import PostgresCatalog
from localaws.engines.postgresql import EmbeddedPostgres

Row = tuple[str, ...]
Test = Callable[[Row], bool | None]
"""Three-valued: None is unknown."""

NULL = "__HIVE_DEFAULT_PARTITION__"
KEYS = {"s": "string", "n": "int", "day": "date", "q": "decimal(8,2)"}
TEXTS = ["", "a", "ab", "b", "B", "it's", "a%", "_", "é", "10", "\\", '"', NULL]
NUMBERS = ["-2", "0", "1", "007", "10", "9", "x", "", NULL]
DAYS = ["2023-12-31", "2024-01-01", "2024-02-29", "2024-1-1", "x", NULL]
QUANTITIES = ["1.5", "1.50", "-0.25", "2e1", "20", ".5", NULL]
COMPARE: dict[str, Callable[[object, object], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
}


def value_of(key: str, text: str) -> str | Decimal | None:
    if key == "s":
        return text
    if key == "day":
        return text if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else None
    return Decimal(text) if re.fullmatch(r"[+-]?\d+(\.\d*)?([eE]\d+)?", text) else None


@dataclass(frozen=True)
class Sample:
    text: str
    test: Test


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@st.composite
def literals(draw: st.DrawFn, key: str) -> str:
    """Return the text of a literal that the key's type has."""
    if key == "s":
        return draw(
            st.sampled_from(TEXTS)
            | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)
        )
    if key == "day":
        return draw(st.sampled_from([each for each in DAYS if value_of("day", each)]))
    if key == "n":
        return str(draw(st.integers(-3, 12)))
    return draw(st.sampled_from(["1.5", "-0.25", "20", "3", "1.500"]))


@st.composite
def atoms(draw: st.DrawFn) -> Sample:
    key = draw(st.sampled_from(list(KEYS)))
    place = list(KEYS).index(key)

    def sql(text: str) -> str:
        bare = key in ("n", "q") and draw(st.booleans())
        return text if bare else quoted(text)

    def known(test: Callable[[str | Decimal], bool]) -> Test:
        def three_valued(row: Row) -> bool | None:
            value = value_of(key, row[place])
            return None if value is None else test(value)

        return three_valued

    form = draw(st.sampled_from(["compare", "in", "between", "null", "like"]))
    word = draw(st.sampled_from([key, key.upper(), f'"{key}"', f"`{key}`", f"({key})"]))
    if form == "compare":
        operator = draw(st.sampled_from(list(COMPARE)))
        text = draw(literals(key))
        wanted = value_of(key, text)
        return Sample(
            f"{word}{operator} {sql(text)}", known(lambda v: COMPARE[operator](v, wanted))
        )
    if form == "in":
        texts = draw(st.lists(literals(key), min_size=1, max_size=3))
        members = [value_of(key, text) for text in texts]
        negated = draw(st.booleans())
        listed = ", ".join(sql(text) for text in texts)
        return Sample(
            f"{word} {'NOT ' if negated else ''}in ({listed})",
            known(lambda v: (v in members) != negated),
        )
    if form == "between":
        low, high = draw(literals(key)), draw(literals(key))
        lowest, highest = value_of(key, low), value_of(key, high)
        return Sample(
            f"{word} BETWEEN {sql(low)} and {sql(high)}",
            known(lambda v: lowest <= v <= highest),  # type: ignore[operator]
        )
    if form == "like" and key == "s":
        pattern = draw(st.text("a%_b'\\", max_size=4))
        negated = draw(st.booleans())
        expression = re.compile(
            "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in pattern), re.DOTALL
        )
        return Sample(
            f"{word} {'not ' if negated else ''}LIKE {quoted(pattern)}",
            known(lambda v: bool(expression.fullmatch(str(v))) != negated),
        )
    negated = draw(st.booleans())
    return Sample(
        f"{word} is {'not ' if negated else ''}null",
        lambda row: (row[place] == NULL) != negated,
    )


def combine(children: st.SearchStrategy[Sample]) -> st.SearchStrategy[Sample]:
    def negate(child: Sample) -> Sample:
        def test(row: Row) -> bool | None:
            value = child.test(row)
            return None if value is None else not value

        return Sample(f"not ({child.text})", test)

    def join(word: str, decisive: bool) -> Callable[[list[Sample]], Sample]:
        def make(samples: list[Sample]) -> Sample:
            def test(row: Row) -> bool | None:
                values = [sample.test(row) for sample in samples]
                if decisive in values:
                    return decisive
                return None if None in values else not decisive

            return Sample(f" {word} ".join(f"({sample.text})" for sample in samples), test)

        return make

    several = st.lists(children, min_size=2, max_size=3)
    return (
        children.map(negate)
        | several.map(join("and", decisive=False))
        | several.map(join("OR", decisive=True))
    )


ROWS = st.lists(
    st.tuples(*(st.sampled_from(each) for each in (TEXTS, NUMBERS, DAYS, QUANTITIES))),
    min_size=1,
    max_size=25,
    unique=True,
)


class Table:
    """A table of a real catalog, refilled for each example."""

    def __init__(self, runner: asyncio.Runner, catalog: PostgresCatalog) -> None:
        self._runner = runner
        self._catalog = catalog
        self._where = (f"{uuid.uuid4().hex}/r", "db", "t")
        self._runner.run(catalog.create_database(self._where[0], {"Name": "db"}))

    def select(self, rows: list[Row], expression: str) -> list[Row]:
        return self._runner.run(self._select(rows, expression))

    async def _select(self, rows: list[Row], expression: str) -> list[Row]:
        catalog, database, name = self._where
        await self._catalog.delete_tables(catalog, database, [name])
        keys = [{"Name": key, "Type": type_} for key, type_ in KEYS.items()]
        partitions = [{"Values": list(row)} for row in rows]
        definition = {"Name": name, "PartitionKeys": keys}
        await self._catalog.create_table(catalog, database, definition, partitions)
        found = await self._catalog.get_partitions(*self._where, expression)
        return [tuple(each["Values"]) for each in found]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Table]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"), flush=False)
    with asyncio.Runner() as runner:
        database = Database(runner.run(server.start()))
        runner.run(database.start())
        yield Table(runner, PostgresCatalog(database, Clock()))
        runner.run(database.stop())
        runner.run(server.stop())


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS, sample=st.recursive(atoms(), combine, max_leaves=6))
def test_the_database_selects_what_the_expression_says(
    table: Table, rows: list[Row], sample: Sample
) -> None:
    expected = sorted(row for row in rows if sample.test(row) is True)
    assert table.select(rows, sample.text) == expected


@settings(max_examples=500, deadline=None)
@given(rows=ROWS, sample=st.recursive(atoms(), combine, max_leaves=6))
def test_a_condition_in_memory_says_what_the_expression_says(
    rows: list[Row], sample: Sample
) -> None:
    condition = parse(sample.text, list(KEYS.items()))
    assert condition is not None
    test = compile_condition(condition)
    assert [test(row) for row in rows] == [sample.test(row) for row in rows]
