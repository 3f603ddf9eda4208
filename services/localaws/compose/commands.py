"""The commands over the containers that run: status, logs, stop, destroy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from localaws.cli.frame import CommandError, ExitCode, Run
from localaws.compose.project import Project, plugin_version
from localaws.compose.stack import Stack, opened

ALL_PROFILES = ("--profile", "*")


def stop(run: Run, folder: Path | None) -> None:
    """Stop and remove the containers; volumes, with all data, and images are kept."""
    plugin_version()
    with opened(folder) as stack:
        count = len(stack.containers())
        with run.console.step(1, 1, f"Stop {count} containers of {stack.name}"):
            _with_folder(stack).run(*ALL_PROFILES, "down", "--remove-orphans")
    run.data = {"stopped": count > 0, "containers": count}
    run.console.line(
        "Stopped; the data is kept in volumes." if count else "No container was there."
    )


def destroy(run: Run, folder: Path | None, yes: bool) -> None:
    """Remove the containers and their volumes with all data; images are kept.

    Raises:
        CommandError: it was not confirmed.
    """
    plugin_version()
    with opened(folder) as stack:
        containers, volumes = stack.containers(), sorted(stack.engine.volumes(stack.name))
        run.data = {"destroyed": False, "containers": len(containers), "volumes": volumes}
        if not containers and not volumes:
            run.console.line(f"Nothing to delete: {stack.name} has no containers and no volumes.")
            return
        if not yes:
            raise CommandError(
                "NeedsConfirmation",
                f"this deletes {len(containers)} containers of {stack.name} and the volumes "
                f"{', '.join(volumes) or '(none)'} with all their data; nothing was deleted",
                ("localaws destroy --compose --yes",),
                exit_code=ExitCode.NEEDS_CONFIRMATION,
            )
        with run.console.step(1, 1, f"Delete the containers and volumes of {stack.name}"):
            _with_folder(stack).run(*ALL_PROFILES, "down", "--volumes", "--remove-orphans")
    run.data["destroyed"] = True
    run.console.line("Deleted. The images are kept: docker compose down --rmi local")


def _with_folder(stack: Stack) -> Project:
    if stack.project is None:
        raise CommandError(
            "NoProject",
            f"the folder that the containers of {stack.name} were started from is gone",
            ("give the checkout: --project-directory CHECKOUT",),
            exit_code=ExitCode.RESOURCES,
        )
    return stack.project


def status(run: Run, stack: Stack) -> dict[str, Any]:
    """Show the containers; the command ends with exit code 6 where one is not well.

    Returns:
        What the envelope tells of them.
    """
    containers = stack.containers()
    rows = stack.rows(containers)
    endpoint = stack.endpoint(containers)
    runs = any(row["running"] for row in rows)
    used = sum(row["memory_bytes"] for row in rows)
    state = f"serve {endpoint}" if runs and endpoint else "run" if runs else "are stopped"
    cure = "" if runs else ": localaws up --compose"
    run.console.line(f"Containers of {stack.name} {state}{cure}")
    run.console.table(_table(rows))
    if runs:
        run.console.line(f"Memory of all containers: {used / 2**20:,.0f} MB")
    if runs and not all(row["healthy"] for row in rows if row["declared"]):
        run.exit_code = ExitCode.PROBLEMS
    return {
        "project": stack.name,
        "folder": str(stack.project.folder) if stack.project else None,
        "endpoint": endpoint if runs else None,
        "memory_bytes": used,
        "services": rows,
    }


def _table(rows: list[dict[str, Any]]) -> Any:
    from localaws.console.base import Table

    columns = (
        *("service", "declared", "running", "healthy", "has data"),
        *("memory", "limit", "restarts", "note"),
    )
    cells = []
    for row in rows:
        flags = [
            "yes" if row[flag] else "no" for flag in ("declared", "running", "healthy", "has_data")
        ]
        note = row["error"] or ("starting" if row["health"] == "starting" else "")
        cells.append(
            (
                row["name"],
                *flags,
                _megabytes(row["memory_bytes"]),
                _megabytes(row["memory_limit_bytes"]),
                str(row["restarts"]) if row["container"] else "",
                note,
            )
        )
    return Table(columns, cells)


def _megabytes(size: int) -> str:
    return f"{size / 2**20:,.0f} MB" if size else ""


def logs(run: Run, stack: Stack, service: str | None, follow: bool, lines: int) -> None:
    """Show the last lines of one service or of all, and go on with what comes if asked to.

    Raises:
        CommandError: there is no container of that service.
    """
    names = sorted({one.service for one in stack.containers()})
    if service is not None and service not in names:
        known = ", ".join(names) or "none yet"
        raise CommandError(
            "NoSuchLog",
            f"there is no container of {service} in {stack.name}; there are: {known}",
            ("localaws logs --compose", "localaws status --compose"),
            exit_code=ExitCode.USAGE,
        )
    shown = names if service is None else [service]
    run.data = {}
    for name in shown:
        ours = [one for one in stack.containers() if one.service == name]
        run.data[name] = [
            line for one in ours for line in stack.engine.tail(one, lines).splitlines()
        ]
        if not follow:
            for line in run.data[name]:
                run.console.line(line if len(shown) == 1 else f"{name} | {line}")
    if follow:
        _follow(stack, service, lines)


def _follow(stack: Stack, service: str | None, lines: int) -> None:
    """Leave the following to the plugin, which also follows containers that are started again."""
    command = ["docker", "compose", "--project-name", stack.name, "logs", "--follow"]
    command += ["--no-color", "--tail", str(lines)]
    command += ["--no-log-prefix", service] if service is not None else []
    folder = stack.project.folder if stack.project else None
    plugin_version()
    sys.stdout.flush()
    with subprocess.Popen(command, cwd=folder) as process:
        try:
            process.wait()
        except KeyboardInterrupt:
            process.wait()
        finally:
            if process.poll() is None:
                process.terminate()
