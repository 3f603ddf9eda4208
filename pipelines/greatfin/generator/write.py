"""Write a generated bank to a folder, with a manifest of what is really in it."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

from greatfin.console import Console, Report, Table
from greatfin.generator.config import Bank, Chaos
from greatfin.generator.deliveries import deliver

MANIFEST = "manifest.json"


def write(console: Console, out: Path, *, scale: float, seed: int, clean: bool) -> Report:
    """Write every file of the bank and a ``manifest.json`` beside them."""
    bank = Bank(scale, seed, Chaos.none() if clean else Chaos(), drift=not clean)
    rows: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    wrong: dict[str, Counter[str]] = {}
    files: dict[str, dict[str, object]] = {}
    started = time.perf_counter()
    for file in deliver(bank):
        path = out / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        rows[file.table] += file.truth.rows
        sizes[file.table] += len(file.content)
        wrong.setdefault(file.table, Counter()).update(file.truth.anomalies)
        files[file.path] = {"rows": file.truth.rows, "anomalies": file.truth.anomalies}
        done = min(rows["core_banking/cbs/customers"], bank.customers)
        console.progress(done, bank.customers, "customers", time.perf_counter() - started)
    out.mkdir(parents=True, exist_ok=True)
    manifest = {"scale": scale, "seed": seed, "files": files}
    (out / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
    seconds = time.perf_counter() - started
    return Report(
        f"{sum(rows.values()):,} rows in {len(files):,} files under {out}, {seconds:.1f} s",
        [
            Table(
                "Source tables",
                ("table", "rows", "KB", "gone wrong"),
                [
                    (table, rows[table], sizes[table] // 1000, sum(wrong[table].values()))
                    for table in sorted(rows)
                ],
            )
        ],
        data={
            "out": str(out),
            "rows": dict(rows),
            "anomalies": {table: dict(counts) for table, counts in wrong.items()},
        },
    )
