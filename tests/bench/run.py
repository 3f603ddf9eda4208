"""The benchmarks: ``make bench``. Measures, asserts nothing.

``endpoints`` runs one client program against this platform and its rivals, one after the other in
one session, and tables the ratios. ``platform`` measures start, restart and idle memory.
``scale`` runs the flagship use case at growing scales with its time and peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parent.parent.parent
CLIENT = ROOT.parent / "shared" / "bench" / "aws_bench.py"
BIN = Path(sys.executable).parent
RIVALS = {
    "ministack": ("ministack[full]==1.5.33", "ministack"),
    "moto server": ("moto[server]==5.2.5", "moto_server"),
}


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 60) -> float:
    """Return the seconds until the URL answers anything."""
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        if process.poll() is not None:
            raise SystemExit(f"{process.args} ended with {process.returncode}")
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            return time.perf_counter() - start
        except OSError:
            time.sleep(0.005)
        else:
            return time.perf_counter() - start
    raise SystemExit(f"{url} did not answer in {seconds} s")


def memory_mb(pid: int) -> float:
    """Return the proportional memory of a process and its children, in MB."""
    root = psutil.Process(pid)
    total = 0
    for process in [root, *root.children(recursive=True)]:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total / 1e6


@contextmanager
def serving(command: list[str], url: str, environment: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Run a server; yield how long it took to answer, and its memory when idle."""
    process = subprocess.Popen(
        command,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        ready = wait_for(url, process)
        time.sleep(3)
        yield {"ready_s": round(ready, 2), "idle_MB": round(memory_mb(process.pid))}
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def rival(name: str) -> Path:
    """Return the server command of a rival, installed in an environment of its own."""
    package, command = RIVALS[name]
    folder = ROOT / ".bench" / name.replace(" ", "-")
    if not (folder / "bin" / command).exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", package], check=True)
    return folder / "bin" / command


def measure(name: str, rows: int) -> dict[str, Any]:
    """Return what the client program saw of one endpoint."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        if name == "localaws":
            command = [str(BIN / "localaws"), "up", "--home", home, "--port", str(port)]
            probe = f"{url}/_localaws/health"
            environment = {}
        elif name == "ministack":
            command = [str(rival(name))]
            probe = f"{url}/_ministack/health"
            environment = {
                "GATEWAY_PORT": str(port),
                "PERSIST_STATE": "1",
                "S3_PERSIST": "1",
                "STATE_DIR": home,
                "S3_DATA_DIR": f"{home}/s3",
            }
        else:
            command = [str(rival(name)), "-p", str(port)]
            probe = url
            environment = {}
        with serving(command, probe, environment) as seen:
            out = Path(home) / "bench.json"
            client = [sys.executable, CLIENT, url, "--json", out, "--rows", str(rows)]
            subprocess.run(client, check=True, stdout=sys.stderr)
            return seen | json.loads(out.read_text())


def endpoints(rows: int) -> str:
    """Return a table of this platform and its rivals, with ratios (above 1 is ahead)."""
    if not CLIENT.exists():
        return "The client program is not here: endpoints are not compared.\n"
    results = {name: measure(name, rows) for name in ("localaws", *RIVALS)}
    lines = [
        "| measure | localaws | ministack | moto server | ÷ ministack | ÷ moto |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for key, ours in results["localaws"].items():
        theirs = [results[name].get(key, "") for name in RIVALS]
        ratios = [_ratio(key, ours, value) for value in theirs]
        shown = " | ".join(_short(value) for value in (ours, *theirs, *ratios))
        lines.append(f"| {key} | {shown} |")
    return "\n".join(lines) + "\n"


def _short(value: Any) -> str:
    return "fails" if str(value).startswith(("ERR", "WRONG")) else str(value)


def _ratio(key: str, ours: Any, theirs: Any) -> str:
    if not isinstance(ours, int | float) or not isinstance(theirs, int | float):
        return ""
    smaller_is_better = key.endswith(("_ms", "_s", "_MB")) and not key.endswith("per_s")
    top, bottom = (theirs, ours) if smaller_is_better else (ours, theirs)
    return f"{top / bottom:.1f}" if bottom else ""


def platform() -> str:
    """Return a table of start, restart and idle memory."""
    lines = ["| measure | seconds or MB |", "|---|--:|"]
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        environment = {"LOCALAWS_HOME": home}

        def up(label: str, work: Callable[[str], None] | None = None) -> None:
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            command = [str(BIN / "localaws"), "up", "--port", str(port)]
            with serving(command, f"{url}/_localaws/health", environment) as seen:
                lines.append(f"| {label}: ready | {seen['ready_s']} |")
                lines.append(f"| {label}: memory of all processes, idle | {seen['idle_MB']} |")
                if work is not None:
                    work(url)

        def fill(url: str) -> None:
            subprocess.run(
                [BIN / "greatfin", "run", "lake/top-leads"],
                env=os.environ | {"AWS_ENDPOINT_URL": url, "GREATFIN_HOME": f"{home}/greatfin"},
                check=True,
                stdout=sys.stderr,
            )

        up("empty home", fill)
        up("restart with data")
    return "\n".join(lines) + "\n"


def scale(scales: list[float]) -> str:
    """Return a table of the flagship use case over scales."""
    lines = [
        "| scale | customers | seconds | peak MB, all processes |",
        "|--:|--:|--:|--:|",
    ]
    for factor in scales:
        with tempfile.TemporaryDirectory(prefix="bench-") as home:
            port = free_port()
            url = f"http://127.0.0.1:{port}"
            command = [str(BIN / "localaws"), "up", "--home", home, "--port", str(port)]
            with serving(command, f"{url}/_localaws/health", {}):
                server = next(
                    item.pid
                    for item in psutil.net_connections("tcp")
                    if item.laddr
                    and item.laddr.port == port
                    and item.status == "LISTEN"
                    and item.pid
                )
                environment = os.environ | {
                    "AWS_ENDPOINT_URL": url,
                    "GREATFIN_HOME": f"{home}/greatfin",
                }
                run = [BIN / "greatfin", "run", "lake/top-leads", "--scale", f"{factor:g}"]
                start = time.perf_counter()
                process = subprocess.Popen(run, env=environment, stdout=sys.stderr)
                peak = 0.0
                while process.poll() is None:
                    peak = max(peak, memory_mb(server) + memory_mb(process.pid))
                    time.sleep(0.2)
                seconds = time.perf_counter() - start
                if process.returncode:
                    raise SystemExit(f"the use case failed at scale {factor:g}")
                lines.append(
                    f"| {factor:g} | {int(factor * 10_000):,} | {seconds:.1f} | {peak:.0f} |"
                )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the parts asked for and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=["platform", "endpoints", "scale"])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--scales", type=float, nargs="+", default=[1, 10, 100])
    options = parser.parse_args()
    tables = {
        "platform": platform,
        "endpoints": lambda: endpoints(options.rows),
        "scale": lambda: scale(options.scales),
    }
    for part in options.parts:
        sys.stdout.write(f"\n### {part}\n\n{tables[part]()}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
