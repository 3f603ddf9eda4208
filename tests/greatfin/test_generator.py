from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from greatfin.console import CapturedConsole
from greatfin.errors import UsageError
from greatfin.generator import Bank, Chaos, DeliveredFile, deliver
from greatfin.generator import config as generator_config
from greatfin.generator.tables import TABLES
from greatfin.generator.write import write

SMALL = 0.02


def files(bank: Bank) -> dict[str, DeliveredFile]:
    return {file.path: file for file in deliver(bank)}


def lines(bank: Bank) -> dict[str, Counter[bytes]]:
    """The delivered lines by table and delivery, whichever file they are in."""
    found: dict[str, Counter[bytes]] = {}
    for file in deliver(bank):
        body = file.content.splitlines()
        if file.path.endswith(".csv"):
            body = body[1:]
        found.setdefault(f"{file.table} {file.delivery}", Counter()).update(body)
    return found


def test_same_seed_same_bytes_and_another_seed_others() -> None:
    first, again = files(Bank(SMALL, 7)), files(Bank(SMALL, 7))
    assert {path: file.content for path, file in first.items()} == {
        path: file.content for path, file in again.items()
    }
    other = files(Bank(SMALL, 8))
    same = [path for path, file in other.items() if first[path].content == file.content]
    assert same == ["core_banking/ref/branches/branches_20221130_00000.csv"]


def test_bytes_are_these_on_every_machine() -> None:
    digest = hashlib.sha256()
    for file in deliver(Bank(SMALL, 1)):
        digest.update(file.path.encode() + b"\0" + file.content)
    assert digest.hexdigest() == GOLDEN


GOLDEN = "425d66b90d250ffad6be9b70e659b8725e7fde88d9dea5f4fdac5044f0021497"


def test_block_size_and_scale_do_not_change_a_customer(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = lines(Bank(SMALL))
    monkeypatch.setattr(generator_config, "BLOCK", 64)
    assert len(list(deliver(Bank(SMALL)))) > len(TABLES) * 2
    assert lines(Bank(SMALL)) == whole
    for name, smaller in lines(Bank(SMALL / 2)).items():
        assert smaller <= whole[name]


def test_every_table_of_every_system_is_delivered() -> None:
    found = {file.table for file in deliver(Bank(SMALL))}
    assert found == {table.path for table in TABLES}
    assert {path.split("/")[0] for path in found} == {
        "core_banking", "mortgages", "cards", "securities", "crm", "external",
    }  # fmt: skip


def test_clean_systems_make_no_mistakes_and_do_not_drift() -> None:
    for file in deliver(Bank(SMALL, chaos=Chaos.none(), drift=False)):
        assert file.truth.anomalies == {}
        body = file.content.decode().splitlines()
        if file.path.endswith(".csv"):
            header = next(table for table in TABLES if table.path == file.table).columns
            assert body[0].split(",") == list(header)
            assert {len(line.split(",")) for line in body} == {len(header)}
        else:
            assert all(json.loads(line) for line in body)
        assert len(body) == file.truth.rows + file.path.endswith(".csv")


@pytest.mark.parametrize(
    "kind", ["nulls", "bad_values", "malformed", "duplicates", "changed", "late"]
)
def test_each_kind_of_chaos_is_there_and_counted(kind: str) -> None:
    chaos = replace(Chaos.none(), **{kind: 500})
    clean = files(Bank(0.1, chaos=Chaos.none()))
    spoilt = files(Bank(0.1, chaos=chaos))
    counted = Counter[str]()
    for file in spoilt.values():
        counted.update(file.truth.anomalies)
    assert set(counted) == {kind}
    extra = sum(file.truth.rows for file in spoilt.values()) - sum(
        file.truth.rows for file in clean.values()
    )
    assert extra == (counted[kind] if kind in ("duplicates", "changed") else 0)
    if kind == "malformed":
        assert sum(map(broken_lines, spoilt.values())) == counted[kind]
    if kind == "late":
        moved = sum(
            file.truth.rows - clean[path].truth.rows
            for path, file in spoilt.items()
            if file.delivery == "2022-12-31" and path in clean
        )
        new = sum(file.truth.rows for path, file in spoilt.items() if path not in clean)
        assert moved + new == counted[kind]


def broken_lines(file: DeliveredFile) -> int:
    body = file.content.decode().splitlines()
    if file.path.endswith(".csv"):
        return sum(line.count(",") != body[0].count(",") for line in body)
    return sum(not line.endswith("}") for line in body)


def test_second_delivery_drifts() -> None:
    headers = {
        file.path.rsplit("/", 1)[1][:-10]: file.content.decode().splitlines()[0].split(",")
        for file in deliver(Bank(SMALL))
    }
    assert set(headers["customers_20221231"]) - set(headers["customers_20221130"]) == {"segment"}
    assert "open_date" in headers["accounts_20221231"]
    assert sorted(headers["dealings_20221231"]) == sorted(headers["dealings_20221130"])
    assert headers["dealings_20221231"] != headers["dealings_20221130"]


@given(st.floats(allow_nan=True, allow_infinity=True).filter(lambda scale: not 0 < scale <= 1e5))
def test_impossible_scales_are_refused(scale: float) -> None:
    with pytest.raises(UsageError):
        Bank(scale)


@settings(max_examples=5, deadline=None)
@given(st.integers(min_value=-(2**70), max_value=2**70))
def test_any_integer_is_a_seed(seed: int) -> None:
    assert sum(file.truth.rows for file in deliver(Bank(0.0005, seed))) > 60


def test_memory_is_that_of_one_block() -> None:
    program = """
import resource, sys
from greatfin.generator import Bank, deliver, config
config.BLOCK = 2_000
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
for file in deliver(Bank(0.4)): pass
before = peak()
for file in deliver(Bank(2)): pass
print(peak() - before)
"""
    grown = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert float(grown.stdout) < 40


def test_write_leaves_files_and_a_manifest(tmp_path: Path) -> None:
    report = write(CapturedConsole(), tmp_path, scale=0.01, seed=3, clean=False)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    for path, truth in manifest["files"].items():
        content = (tmp_path / path).read_bytes()
        assert content.count(b"\n") == truth["rows"] + path.endswith(".csv")
    rows = report.data["rows"]
    assert isinstance(rows, dict)
    assert sum(rows.values()) == sum(truth["rows"] for truth in manifest["files"].values())
