"""Run use cases: steps in order, each of which may be killed and started again."""

from greatfin.runner.step import Context, Options, Step, StepResult
from greatfin.runner.use_case import UseCase

__all__ = ["Context", "Options", "Step", "StepResult", "UseCase"]
