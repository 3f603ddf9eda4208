"""Dependency order: what must be there before what, and running it with all the room there is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from graphlib import TopologicalSorter

from localaws.aws.cloudformation.errors import validation_error

CONCURRENCY = 8

Dependencies = Mapping[str, frozenset[str]]


def check_acyclic(dependencies: Dependencies) -> None:
    """Raise CloudFormation's ValidationError where resources depend on each other in a circle."""
    if circle := circular(dependencies):
        raise validation_error(f"Circular dependency between resources: [{', '.join(circle)}]")


def circular(dependencies: Dependencies) -> list[str]:
    """Return, in order of declaration, what is on a circle or between two; empty for none."""
    left = {name: set(others) & set(dependencies) for name, others in dependencies.items()}
    while True:
        wanted = set().union(*left.values())
        loose = {name for name, others in left.items() if not others or name not in wanted}
        if not loose:
            return list(left)
        left = {name: others - loose for name, others in left.items() if name not in loose}


def reverse(dependencies: Dependencies) -> dict[str, frozenset[str]]:
    """Return who depends on whom: the order of deletion."""
    dependents: dict[str, set[str]] = {name: set() for name in dependencies}
    for name, others in dependencies.items():
        for other in others:
            if other in dependents:
                dependents[other].add(name)
    return {name: frozenset(others) for name, others in dependents.items()}


async def run_in_order(
    dependencies: Dependencies,
    step: Callable[[str], Awaitable[bool]],
    *,
    go_on: bool = False,
) -> list[str]:
    """Run `step` for each name once those it depends on are done, several at a time.

    Args:
        dependencies: names and what they depend on; unknown names in there are ignored.
        step: returns False where it failed.
        go_on: carry on with what does not depend on a failure; else begin nothing after one.

    Returns:
        The names that failed, in order of failure. What depends on them was not begun.
    """
    sorter = TopologicalSorter(
        {
            name: [other for other in others if other in dependencies]
            for name, others in dependencies.items()
        }
    )
    sorter.prepare()
    failed: list[str] = []
    running: dict[asyncio.Task[bool], str] = {}
    waiting: list[str] = []

    def begin(names: Iterable[str]) -> None:
        waiting.extend(names)
        while waiting and len(running) < CONCURRENCY and (go_on or not failed):
            name = waiting.pop(0)
            running[asyncio.ensure_future(step(name))] = name

    try:
        begin(sorter.get_ready())
        while running:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            ready: list[str] = []
            for task in done:
                name = running.pop(task)
                if task.result():
                    sorter.done(name)
                else:
                    failed.append(name)
            ready.extend(sorter.get_ready() if sorter.is_active() else ())
            begin(ready)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return failed
