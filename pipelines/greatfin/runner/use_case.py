"""Use cases: what each one is, and where to find them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from greatfin.errors import UnknownUseCase

if TYPE_CHECKING:
    from greatfin.console import Report
    from greatfin.runner.step import Context, Step

PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class UseCase:
    """The manifest of a use case.

    Attributes:
        name: ``<domain>/<use-case>``.
        question: what the business asks.
        services: AWS services it uses.
        minutes: minutes of a run at scale 1.
        memory_mb: memory of the pipeline's own process at scale 1, in MB.
        aws_cost: what a run at scale 1 costs on AWS, with the prices it follows from.
        steps: return the steps of a run, in order; called late, it may import much.
        check: return the steps that only compare what is there.
        report: return the answer once the steps are done.
        measure: measure its rule on a file of real outcomes, where that makes sense.
    """

    name: str
    title: str
    chapter: int
    question: str
    services: tuple[str, ...]
    minutes: float
    memory_mb: int
    aws_cost: str
    steps: Callable[[], Sequence[Step]]
    check: Callable[[], Sequence[Step]]
    report: Callable[[Context], Report]
    measure: Callable[[Path], Report] | None = None

    @property
    def folder(self) -> Path:
        """Return the use case's folder."""
        return PACKAGE / self.name.replace("-", "_")

    @property
    def template(self) -> Path:
        """Return its CloudFormation template."""
        return self.folder / "template.yaml"

    @property
    def stack_name(self) -> str:
        """Return the name of its CloudFormation stack."""
        return "greatfin-" + self.name.replace("/", "-")


def find_all() -> list[UseCase]:
    """Return every use case, by name: a folder with a ``use_case.py`` is one."""
    return [
        _load(path.parent.parent.name, path.parent.name)
        for path in sorted(PACKAGE.glob("*/*/use_case.py"))
    ]


def find(name: str) -> UseCase:
    """Return the use case called `name`.

    Raises:
        UnknownUseCase: there is none.
    """
    domain, _, rest = name.strip("/").partition("/")
    folder = rest.replace("-", "_")
    if (
        not (domain + folder).isidentifier()
        or not (PACKAGE / domain / folder / "use_case.py").is_file()
    ):
        known = ", ".join(case.name for case in find_all())
        raise UnknownUseCase(
            f"There is no use case {name}; there is {known}", actions=("greatfin list",)
        )
    return _load(domain, folder)


def _load(domain: str, folder: str) -> UseCase:
    found = import_module(f"greatfin.{domain}.{folder}.use_case").USE_CASE
    assert isinstance(found, UseCase)
    return found
