"""Run the tests of the containers: ``python tests/compose/run.py [PYTEST ARGUMENT…]``.

Brings up a stack of its own (project, ports and volumes), runs ``pytest -m compose`` against it and
takes it down with its data. Images are built where they are missing and stay. It fails where there
is no Docker: a test that cannot run has not passed. Then it does what needs no container but is too
large for ``make test``: `localaws install trino`, and the tests of what that installs.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PORTS = (
    "LOCALAWS_PORT",
    "LOCALAWS_POSTGRES_PORT",
    "LOCALAWS_OBJECT_STORE_PORT",
    "LOCALAWS_OBJECT_STORE_CONSOLE_PORT",
    "LOCALAWS_KAFKA_PORT",
    "LOCALAWS_HIVE_METASTORE_PORT",
    "LOCALAWS_TRINO_PORT",
    "LOCALAWS_SPARK_PORT",
    "LOCALAWS_SPARK_REST_PORT",
    "LOCALAWS_SPARK_UI_PORT",
    "LOCALAWS_NOTEBOOK_PORT",
)
LOCALAWS = Path(sys.executable).with_name("localaws")
PYTEST = [sys.executable, "-m", "pytest"]
ON_BOTH = (
    "tests/clients",
    *(
        f"tests/localaws/aws/test_{name}.py"
        for name in (
            *("athena_ddl", "athena_queries", "athena_workgroups", "athena_writes"),
            *("cloudformation", "glue_cloudformation", "s3_cloudformation"),
            *("glue_databases", "glue_partitions", "glue_tables"),
            *("s3_buckets", "s3_listing", "s3_objects", "s3_uploads"),
        )
    ),
    *(
        f"tests/greatfin/test_top_leads.py::test_{name}"
        for name in (
            "second_run_changes_nothing",
            "files_that_nobody_agreed_to_wait_in_the_quarantine",
            "interrupted_after_any_step_and_started_again_ends_the_same[standardize]",
        )
    ),
)
"""Tests of `make test` that say nothing of a stack: real clients, the services, the use case."""


def free_ports(count: int) -> list[str]:
    """Return ports of the loopback address that nobody listens on."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [str(each.getsockname()[1]) for each in sockets]


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would lead anything elsewhere."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("LOCALAWS_", "AWS_"))}


def stack_environment() -> dict[str, str]:
    """Return the environment of a stack of our own, and of the tests against it."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    host = "127.0.0.1"
    urls = {
        "LOCALAWS_TEST_ENDPOINT_URL": f"http://{host}:{ports['LOCALAWS_PORT']}",
        "LOCALAWS_TEST_OBJECT_STORE_URL": f"http://{host}:{ports['LOCALAWS_OBJECT_STORE_PORT']}",
        "LOCALAWS_TEST_CATALOG_URL": f"thrift://{host}:{ports['LOCALAWS_HIVE_METASTORE_PORT']}",
        "LOCALAWS_TEST_SQL_URL": f"http://{host}:{ports['LOCALAWS_TRINO_PORT']}",
        "LOCALAWS_TEST_STREAM_URL": f"{host}:{ports['LOCALAWS_KAFKA_PORT']}",
        "LOCALAWS_TEST_SPARK_URL": f"http://{host}:{ports['LOCALAWS_SPARK_REST_PORT']}",
        "LOCALAWS_TEST_SPARK_UI_URL": f"http://{host}:{ports['LOCALAWS_SPARK_UI_PORT']}",
        "LOCALAWS_TEST_DATABASE_URL": (
            f"postgresql://postgres:localaws@{host}:{ports['LOCALAWS_POSTGRES_PORT']}/localaws"
        ),
        "LOCALAWS_TEST_OBJECT_STORE_KEY": "localaws",
        "LOCALAWS_TEST_OBJECT_STORE_SECRET": "localaws-secret",
    }
    project = {"COMPOSE_PROJECT_NAME": f"localaws-test-{os.getpid()}"}
    return clean_environment() | ports | urls | project


def compose(environment: dict[str, str], *arguments: str) -> int:
    """Run docker compose on the repository's file and return its exit code."""
    return subprocess.call(["docker", "compose", *arguments], cwd=ROOT, env=environment)


def test_installed() -> int:
    """Install the exact SQL engine and run its tests; return the exit code."""
    environment = clean_environment()
    installed = subprocess.call([LOCALAWS, "install", "trino"], env=environment)
    if installed != 0:
        return installed
    return subprocess.call(
        [*PYTEST, "-m", "installed", "-n", "0"],
        cwd=ROOT,
        env=environment | {"LOCALAWS_TEST_INSTALLED": "1"},
    )


def test_containers(arguments: Sequence[str]) -> int:
    """Bring up, test, take down; return the exit code."""
    environment = stack_environment()
    code = 1
    try:
        begun = time.monotonic()
        if compose(environment, "build", "--quiet") != 0:
            return 1
        built = time.monotonic()
        if compose(environment, "up", "--detach", "--wait", "--quiet-pull") != 0:
            compose(environment, "logs", "--tail", "40")
            return 1
        sys.stderr.write(
            f"images {built - begun:.0f} s, containers {time.monotonic() - built:.0f} s\n"
        )
        quiet = [*PYTEST, "-m", "compose and not faults", "-n", "2", "--dist", "loadgroup"]
        code = subprocess.call([*quiet, *arguments], cwd=ROOT, env=environment)
        if code == 0 and not arguments:
            same = environment | {
                "LOCALAWS_TEST_ENDPOINT": environment["LOCALAWS_TEST_ENDPOINT_URL"]
            }
            either = [*PYTEST, "-m", "not compose and not installed", "-n", "2", *ON_BOTH]
            code = subprocess.call(either, cwd=ROOT, env=same)
        if code == 0 and not arguments:
            # what kills containers runs alone, and last
            faults = [*PYTEST, "-m", "faults", "-n", "0", "tests/compose"]
            code = subprocess.call(faults, cwd=ROOT, env=environment)
        if code != 0:
            compose(environment, "ps", "--all")
            compose(environment, "logs", "--tail", "25", "gateway")
    finally:
        compose(environment, "down", "--volumes", "--timeout", "5")
    return code


def main(arguments: Sequence[str]) -> int:
    """Run all, or on the containers only the tests that the arguments select."""
    code = test_containers(arguments)
    return code or (0 if arguments else test_installed())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
