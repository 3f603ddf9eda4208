"""``localaws up``, ``status`` and ``stop``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localaws.cli.frame import CommandError, ExitCode, Run, framed, home_of, setting_options
from localaws.cli.meant import names_embedded, refuse_settings
from localaws.compose.options import compose_options, start_options
from localaws.settings import Settings

if TYPE_CHECKING:
    from localaws.console.base import Table
    from localaws.home import Home, RunRecord

WAIT_SECONDS = 60.0


@click.command()
@click.option("--detach", "-d", is_flag=True, help="Return once it serves; it runs on.")
@compose_options(reads=False)
@start_options
@setting_options()
@framed
def up(
    run: Run,
    detach: bool,
    compose: bool,
    project_directory: Path | None,
    build: bool,
    profile: tuple[str, ...],
    scale: tuple[str, ...],
    **options: Any,
) -> None:
    """Start the platform; where it runs already, say so.

    With --compose: build the images that are missing, start the containers, wait until each is
    healthy, and return. What a run that failed or was stopped had done is not done again.
    """
    if compose or project_directory is not None:
        from localaws.compose import start

        refuse_settings(options)
        start.up(run, project_directory, profiles=profile, scale=scale, rebuild=build)
        return
    if build or profile or scale:
        raise CommandError(
            "Usage",
            "--build, --profile and --scale go with --compose",
            ("localaws up --compose",),
            exit_code=ExitCode.USAGE,
        )
    _up_embedded(run, detach, options)


def _up_embedded(run: Run, detach: bool, options: dict[str, Any]) -> None:
    from localaws.cli.ports import require_free
    from localaws.home import Home

    settings = Settings.from_environment(**options)
    home = Home(settings.home)
    if home.is_locked():
        with run.console.step(1, 1, f"Platform on {home.path} runs already"):
            record = wait_healthy(home)
        if options["port"] not in (None, 0, record.port):
            run.warn(f"it serves port {record.port}, not {options['port']}; stop it to change that")
        _welcome(run, record, home, already=True)
        return
    with run.console.step(1, 3, f"Home {home.path}"):
        require_free(settings)
        home.prepare()
    if detach:
        _detach(run, settings, home)
    else:
        _serve(run, settings, home)


def _detach(run: Run, settings: Settings, home: Home) -> None:
    from localaws.launch import launch

    with run.console.step(2, 3, "Database, object store, catalog, SQL, gateway"):
        try:
            launched = launch(settings)
        except BaseException as error:
            raise start_error(error, home, settings) from error
        launched.release()
    with run.console.step(3, 3, "Endpoint answers"):
        wait_healthy(home)
    _welcome(run, launched.record, home)


def _serve(run: Run, settings: Settings, home: Home) -> None:
    from localaws.bootstrap import Gateway, configure_logging

    started = time.monotonic()
    configure_logging(settings)

    def ready(record: RunRecord) -> None:
        seconds = time.monotonic() - started
        run.console.note(
            f"[2/3] Database, object store, catalog, SQL, gateway ({seconds:.1f} s)\n"
            "[3/3] Endpoint answers; Ctrl-C stops it"
        )
        _welcome(run, record, home)

    try:
        Gateway(settings, ready).run()
    except Exception as error:
        raise start_error(error, home, settings) from error
    run.console.note(f"Stopped. Data is kept in {home.path}")


def _welcome(run: Run, record: RunRecord, home: Home, already: bool = False) -> None:
    run.data = {
        "endpoint": record.url,
        "home": str(home.path),
        "pid": record.pid,
        "already_running": already,
    }
    run.console.line(f"Endpoint  {record.url}")
    run.console.line(f"Health    {record.url}/_localaws/health")
    run.console.line(f"Ledger    {record.url}/_localaws/ledger")
    own = "" if home.path == Settings.from_environment().home else f" --home {home.path}"
    run.console.note(f'Next: eval "$(localaws env{own})" && aws s3 ls')


def start_error(error: BaseException, home: Home, settings: Settings) -> BaseException:
    """Return the error of a command for one of the start: what failed, its log, the cure."""
    from localaws.core.errors import LocalAwsError
    from localaws.engines.process import tail
    from localaws.launch import StartError

    kind = error.kind if isinstance(error, StartError) else type(error).__name__
    if kind == "PortTaken":
        from localaws.cli.ports import port_taken

        return port_taken(settings.host, settings.port)
    if kind == "AlreadyRunning":
        return CommandError(kind, str(error), ("localaws status",), retryable=True)
    if not isinstance(error, Exception):
        return error
    message = str(error) if isinstance(error, LocalAwsError) else f"{kind}: {error}"
    if not isinstance(error, StartError):
        message += "\n" + tail(home.log("gateway"), 10)
    actions = ("localaws doctor", f"localaws logs --home {home.path}")
    return CommandError("StartFailed", message.rstrip(), actions)


def wait_healthy(home: Home) -> RunRecord:
    """Return the record of a platform that is running or starting, once it answers.

    Raises:
        CommandError: it does not answer in time.
    """
    from localaws.cli.health import health
    from localaws.engines.process import tail

    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        record = home.record()
        if record is not None and health(record.url).get("status") == "healthy":
            return record
        if not home.is_locked():
            raise CommandError(
                "Ended",
                f"the platform on {home.path} has ended:\n{tail(home.log('gateway'), 10)}",
                (f"localaws up --home {home.path}", "localaws doctor"),
                retryable=True,
            )
        time.sleep(0.05)
    raise CommandError(
        "NotHealthy",
        f"the platform on {home.path} runs but does not answer",
        (f"localaws logs --home {home.path}", f"localaws stop --home {home.path}"),
        retryable=True,
    )


@click.command()
@compose_options(reads=False)
@setting_options("home")
@framed
def stop(run: Run, home: Path | None, compose: bool, project_directory: Path | None) -> None:
    """Stop the platform; its data is kept."""
    if compose or project_directory is not None:
        from localaws.compose import commands

        commands.stop(run, project_directory)
        return
    place = home_of(home)
    record = place.record()
    with run.console.step(1, 1, f"Stop the platform on {place.path}"):
        stopped = place.stop()
    run.data = {"stopped": stopped, "pid": record.pid if record else None}
    run.console.line("Stopped." if stopped else "It was not running.")
    if not stopped and not names_embedded(home):
        from localaws.compose.stack import found_running

        with found_running() as stack:
            if stack is not None and any(one.running for one in stack.containers()):
                run.warn("the containers run; stop them: localaws stop --compose")


@click.command()
@compose_options(reads=True)
@setting_options("home")
@framed
def status(run: Run, home: Path | None, compose: bool, project_directory: Path | None) -> None:
    """Show what is declared, running, healthy and has data.

    Without --compose and --home: of the embedded platform, and of the containers if there are any.
    """
    from localaws.compose.stack import found_running, opened

    if compose or project_directory is not None:
        from localaws.compose import commands

        with opened(project_directory) as stack:
            run.data = {"containers": commands.status(run, stack)}
        return
    place = home_of(home)
    if names_embedded(home):
        run.data = {**_status_embedded(run, place, brief=False), "containers": None}
        return
    with found_running() as found:
        run.data = _status_embedded(run, place, brief=found is not None)
        run.data["containers"] = None
        if found is not None:
            from localaws.compose import commands

            run.data["containers"] = commands.status(run, found)


def _status_embedded(run: Run, place: Home, *, brief: bool) -> dict[str, Any]:
    """Show the embedded platform; `brief`: in one line where it does not run."""
    from localaws.cli.health import health
    from localaws.engines.supervisor import EngineStatus, memory_of

    record = place.record()
    answer = health(record.url) if record else {}
    engines = answer.get("engines", [])
    memory = memory_of(record.pid) if record else 0  # with its children, which the engines are
    gateway = EngineStatus(
        name="gateway",
        running=record is not None,
        healthy=answer.get("status") == "healthy",
        has_data=place.has_data,
        pid=record.pid if record else None,
        memory_bytes=max(0, memory - sum(engine["memory_bytes"] for engine in engines)),
    )
    rows = [gateway.as_json(), *engines]
    state = f"serves {record.url}" if record else "is stopped: localaws up"
    run.console.line(f"Platform on {place.path} {state}")
    if record is not None or not brief:
        run.console.table(_status_table(rows))
    if record is not None and not all(row["healthy"] for row in rows if row["running"]):
        run.exit_code = ExitCode.PROBLEMS
    return {
        "home": str(place.path),
        "endpoint": record.url if record else None,
        "started": record.started if record else None,
        "version": answer.get("version"),
        "services": answer.get("services", []),
        "processes": rows,
    }


def _status_table(rows: list[dict[str, Any]]) -> Table:
    from localaws.console.base import Table

    columns = ("service", "declared", "running", "healthy", "has data", "pid", "memory", "note")
    cells = []
    for row in rows:
        flags = ["yes" if row[flag] else "no" for flag in _FLAGS]
        notes = [f"restarts: {row['restarts']}"] if row["restarts"] else []
        notes += [row["error"]] if row["error"] else []
        memory = f"{row['memory_bytes'] / 2**20:.0f} MB" if row["memory_bytes"] else ""
        pid = str(row["pid"] or "")
        cells.append((row["name"], *flags, pid, memory, "; ".join(notes)))
    return Table(columns, cells)


_FLAGS = ("declared", "running", "healthy", "has_data")
