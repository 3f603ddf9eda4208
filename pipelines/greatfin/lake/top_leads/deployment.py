"""The first step: the stack is what the template says."""

from __future__ import annotations

from greatfin import deploy
from greatfin.errors import GreatFinError
from greatfin.lake.top_leads.use_case import USE_CASE
from greatfin.runner import Context, StepResult


def deploy_stack(context: Context) -> StepResult:
    """Create or update the stack and keep its outputs."""
    events: list[str] = []
    context.outputs, changed = deploy.deploy(
        context.clients.cloudformation,
        USE_CASE.stack_name,
        USE_CASE.template.read_text(),
        {},
        events.append,
    )
    done = sum(event.startswith(("CREATE_COMPLETE", "UPDATE_COMPLETE")) for event in events)
    what = f"{done} resources of stack {USE_CASE.stack_name}" if changed else "stack is up to date"
    return StepResult(what, unchanged=not changed)


def find_stack(context: Context) -> StepResult:
    """Take the outputs of the stack that an earlier run deployed.

    Raises:
        GreatFinError: there is none.
    """
    stack = deploy.describe(context.clients.cloudformation, USE_CASE.stack_name)
    if stack is None:
        raise GreatFinError(
            f"Stack {USE_CASE.stack_name} is not deployed; run the use case first",
            actions=(f"greatfin run {USE_CASE.name}",),
        )
    context.outputs = deploy.outputs(stack)
    return StepResult(f"stack {USE_CASE.stack_name}", unchanged=True)
