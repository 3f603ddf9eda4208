"""Documents: typed, versioned, in order; two writers cannot both win."""

from __future__ import annotations

import asyncio
from typing import ClassVar

import pytest

from localaws.core.database import Database
from localaws.core.state import Document, DocumentExists, Scope, StaleVersion, State

HERE = Scope("111111111111", "us-east-1")
THERE = Scope("111111111111", "eu-west-1")


class Thing(Document):
    kind: ClassVar[str] = "test.thing"
    name: str
    size: int = 0


async def test_a_document_is_read_as_it_was_written(database: Database) -> None:
    state = State(database)
    await state.create(HERE, "a", Thing(name="é", size=3))
    found = await state.get(HERE, Thing, "a")
    assert found is not None
    assert (found.value, found.version) == (Thing(name="é", size=3), 1)
    assert await state.get(THERE, Thing, "a") is None
    with pytest.raises(DocumentExists):
        await state.create(HERE, "a", Thing(name="other"))


async def test_of_twenty_writers_of_one_version_one_wins(database: Database) -> None:
    state = State(database)
    await state.create(HERE, "a", Thing(name="a"))

    async def write(number: int) -> bool:
        try:
            await state.replace(HERE, "a", Thing(name="a", size=number), version=1)
        except StaleVersion:
            return False
        return True

    won = await asyncio.gather(*(write(number) for number in range(1, 21)))
    assert sum(won) == 1
    found = await state.get(HERE, Thing, "a")
    assert found is not None
    assert (found.value.size, found.version) == (won.index(True) + 1, 2)


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    state = State(database)

    async def half() -> None:
        async with database.transaction() as connection:
            await state.create(HERE, "a", Thing(name="a"), connection)
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        await half()
    assert await state.get(HERE, Thing, "a") is None


async def test_pages_are_by_id_and_recent_ones_by_time(database: Database) -> None:
    state = State(database)
    for id in ("b/2", "a", "b/1", "c"):
        await state.create(HERE, id, Thing(name=id))
    assert [item.id for item in await state.page(HERE, Thing)] == ["a", "b/1", "b/2", "c"]
    assert [item.id for item in await state.page(HERE, Thing, prefix="b/")] == ["b/1", "b/2"]
    page = await state.page(HERE, Thing, after="a", limit=2)
    assert [item.id for item in page] == ["b/1", "b/2"]
    newest = await state.recent(HERE, Thing, limit=2)
    assert [item.id for item in newest] == ["c", "b/1"]
    last = newest[-1]
    older = await state.recent(HERE, Thing, before=(last.created_at, last.id))
    assert [item.id for item in older] == ["a", "b/2"]


async def test_what_is_gone_cannot_be_replaced(database: Database) -> None:
    state = State(database)
    await state.create(HERE, "a", Thing(name="a"))
    assert await state.delete(HERE, Thing, "a")
    assert not await state.delete(HERE, Thing, "a")
    with pytest.raises(StaleVersion):
        await state.replace(HERE, "a", Thing(name="a"))
