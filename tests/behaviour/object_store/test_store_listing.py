from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_help import all_pages, chunks, empty, stored

from localaws.engines.object_store.base import ObjectStore

names = st.text("ab/é\U0001f600-", min_size=1, max_size=6)


def model(keys: set[str], prefix: str, delimiter: str) -> tuple[list[str], list[str]]:
    """What S3 lists: keys and common prefixes in the order of their UTF-8."""
    found: list[str] = []
    rolled: set[str] = set()
    for key in keys:
        if key.startswith(prefix):
            at = key.find(delimiter, len(prefix)) if delimiter else -1
            if at >= 0:
                rolled.add(key[: at + len(delimiter)])
            else:
                found.append(key)
    return sorted(found, key=str.encode), sorted(rolled, key=str.encode)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    keys=st.sets(names, max_size=25),
    prefix=st.text("ab/é", max_size=2),
    delimiter=st.sampled_from(["", "/", "a", "é", "ab"]),
    limit=st.integers(1, 7),
)
async def test_pages_are_what_a_model_lists(
    object_store: ObjectStore,
    bucket: str,
    keys: set[str],
    prefix: str,
    delimiter: str,
    limit: int,
) -> None:
    await empty(object_store, bucket)
    for key in keys:
        await object_store.put(bucket, key, chunks(b""))
    listed = await all_pages(object_store, bucket, prefix, delimiter, limit)
    assert listed == model(keys, prefix, delimiter)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    keys=st.sets(names, max_size=12),
    after=names,
    prefix=st.text("ab/", max_size=1),
    delimiter=st.sampled_from(["", "/", "a"]),
)
async def test_a_page_may_start_anywhere(
    object_store: ObjectStore,
    bucket: str,
    keys: set[str],
    after: str,
    prefix: str,
    delimiter: str,
) -> None:
    await empty(object_store, bucket)
    for key in keys:
        await object_store.put(bucket, key, chunks(b""))
    behind = {key for key in keys if key.encode() > after.encode()}
    if delimiter and after.startswith(prefix) and after.endswith(delimiter):
        at = after.find(delimiter, len(prefix))
        if at == len(after) - len(delimiter) >= len(prefix):  # a common prefix, already listed
            behind = {key for key in behind if not key.startswith(after)}
    page = await object_store.page(bucket, prefix, delimiter, after)
    listed = ([info.key for info in page.objects], list(page.prefixes))
    assert listed == model(behind, prefix, delimiter)


steps = st.lists(
    st.tuples(st.sampled_from(["put", "put", "delete"]), names, st.binary(max_size=8)), max_size=30
)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=steps)
async def test_any_course_of_writes_equals_a_dict(
    object_store: ObjectStore, bucket: str, steps: list[tuple[str, str, bytes]]
) -> None:
    await empty(object_store, bucket)
    expected: dict[str, bytes] = {}
    for step, key, data in steps:
        if step == "put":
            await object_store.put(bucket, key, chunks(data))
            expected[key] = data
        else:
            await object_store.delete(bucket, [key])
            expected.pop(key, None)
        keys, _ = await all_pages(object_store, bucket)
        assert keys == sorted(expected, key=str.encode)
    for key, data in expected.items():
        assert await stored(object_store, bucket, key) == data


async def test_a_page_starts_behind_what_it_is_told(object_store: ObjectStore, bucket: str) -> None:
    for key in ("a", "b/1", "b/2", "c"):
        await object_store.put(bucket, key, chunks(b""))
    page = await object_store.page(bucket, after="a")
    assert [info.key for info in page.objects] == ["b/1", "b/2", "c"]
    page = await object_store.page(bucket, delimiter="/", after="b/")
    assert ([info.key for info in page.objects], page.prefixes) == (["c"], ())
    assert not (await object_store.page(bucket, limit=0)).truncated
