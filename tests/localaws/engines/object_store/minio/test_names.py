"""Names of keys: any key has one that a file system takes, and they sort as their keys do."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from localaws.engines.object_store.minio.names import (
    aside_of_key,
    key_of_name,
    name_of_key,
    name_of_prefix,
)

LAST = "\U0010ffff"
short = st.text(st.sampled_from(["a", "/", ".", " ", "\t", "-", "0", LAST, "é"]), max_size=8)
keys = short.filter(bool)
any_keys = (
    keys
    | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
    | st.builds(lambda text, count: (text * count)[:340], keys, st.integers(1, 300))
)


@given(any_keys)
@example("a\\..\\b")
@example("x" * 255)
@example("x/xl.meta")
@example("x__XLDIR__")
def test_a_file_system_takes_the_name_of_any_key(key: str) -> None:
    for name in (name_of_key(key), aside_of_key(key)):
        assert len(name.encode()) <= 1024
        assert "\0" not in name
        assert "//" not in name
        assert not name.startswith("/")
        for segment in name.replace("\\", "/").split("/"):
            assert segment.strip() not in (".", "..")
            assert segment not in ("xl.meta", "xl.json")
            assert len(segment.encode()) <= 255
        assert key_of_name(name) in (key, None)


sorted_keys = keys.filter(lambda key: LAST not in key[:-1])


@given(sorted_keys, sorted_keys)
@example(".", f"-{LAST}")
def test_names_sort_as_their_keys(one: str, other: str) -> None:
    names = (name_of_key(one).encode(), name_of_key(other).encode())
    assert (one.encode() < other.encode()) == (names[0] < names[1])
    assert (one == other) == (names[0] == names[1])
    if one.encode() < other.encode() and not one.endswith("0"):
        assert aside_of_key(one).encode() < names[1]


@given(any_keys, st.integers(0, 400))
def test_the_names_of_a_prefix_start_alike(key: str, length: int) -> None:
    prefix = key[:length]
    name, exact = name_of_prefix(prefix)
    assert name_of_key(key).startswith(name)
    if exact:
        assert key_of_name(name) in (prefix, None)


def test_ordinary_keys_are_their_own_names() -> None:
    for key in ("a", "a/b=1/part-0.parquet", "a/.hidden", "_delta_log/0.json", "dir/", "ü/é"):
        assert name_of_key(key) == key
