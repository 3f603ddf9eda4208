"""The parts of a server's archive that are needed, without the rest on disk.

The archive holds each jar once, as a file of the first plugin that has it, and as hard links to
that file for the others: what is kept may be links to what is not.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath


def unpack(archive: Path, folder: Path, plugins: Iterable[str]) -> None:
    """Unpack the server's own libraries and the plugins named.

    Args:
        archive: the server's ``.tar.gz``, whose members are in one top folder.
        folder: where ``lib/`` and ``plugin/`` are made.
        plugins: names of folders in ``plugin/``.

    Raises:
        tarfile.TarError: the archive is broken, or has members that lead elsewhere.
    """
    wanted: dict[str, list[str]] = {}
    kept = {"lib", "secrets-plugin", *(f"plugin/{name}" for name in plugins)}
    with tarfile.open(archive, "r|gz") as members:
        for member in members:
            name = _within(member.name)
            if name is None or not _kept(name, kept):
                continue
            if member.isreg():
                wanted.setdefault(member.name, []).append(name)
            elif member.islnk():
                wanted.setdefault(member.linkname, []).append(name)
    with tarfile.open(archive, "r|gz") as members:
        for member in members:
            names = wanted.get(member.name)
            if not names or not member.isreg():
                continue
            content = members.extractfile(member)
            assert content is not None
            first = folder / names[0]
            first.parent.mkdir(parents=True, exist_ok=True)
            with first.open("wb") as file:
                while chunk := content.read(1 << 20):
                    file.write(chunk)
            for other in names[1:]:
                (folder / other).parent.mkdir(parents=True, exist_ok=True)
                os.link(first, folder / other)
    if not (folder / "lib").is_dir():
        raise tarfile.TarError(f"{archive} is no archive of a server")


def _within(name: str) -> str | None:
    """Return a member's path below the top folder, or None where it is none."""
    parts = PurePosixPath(name).parts
    if len(parts) < 2 or ".." in parts or name.startswith("/"):
        return None
    return "/".join(parts[1:])


def _kept(name: str, kept: set[str]) -> bool:
    parts = name.split("/")
    return parts[0] in kept or "/".join(parts[:2]) in kept
