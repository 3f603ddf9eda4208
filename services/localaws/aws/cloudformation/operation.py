"""The work of an operation on a stack, phase by phase, from wherever it was cut off.

The stack's status is the phase. Each phase ends by moving the stack to the next status in one
transaction, so a resumed operation goes on with the phase it finds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from localaws.aws.cloudformation.evaluate import Evaluator
from localaws.aws.cloudformation.exports import lock_exports, replace_exports
from localaws.aws.cloudformation.functions import scalar
from localaws.aws.cloudformation.graph import reverse, run_in_order
from localaws.aws.cloudformation.journal import Journal
from localaws.aws.cloudformation.model import LiveName, Operation, Stack, StackResource
from localaws.aws.cloudformation.plan import Plan, evaluate_outputs, make_plan
from localaws.aws.cloudformation.steps import Live, Steps, describe
from localaws.core.database import Connection
from localaws.core.errors import AwsError
from localaws.core.jobs import Job
from localaws.core.platform import Context, Platform, Principal

JOB = "cloudformation.operation"
ATTEMPTS = 5

log = logging.getLogger(__name__)

finished: dict[str, asyncio.Event] = {}
"""Operations that someone in this process waits for, by id."""


async def run_operation(platform: Platform, job: Job) -> None:
    """Carry out an operation; one that was cut off, here or in another process, goes on."""
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await _run_once(platform, job)
                return
            except Exception:
                if attempt == ATTEMPTS:
                    raise
                log.exception("operation %s was cut off; going on with it", job.id)
                await asyncio.sleep(0.2 * 2**attempt)
    finally:
        if job.id in finished:
            finished[job.id].set()


async def _run_once(platform: Platform, job: Job) -> None:
    stored = await platform.state.get(job.scope, Stack, str(job.payload))
    if stored is None:
        return
    stack = stored.value
    operation = stack.operation
    if operation is None or operation.id != job.id:
        return
    journal = Journal(platform, job.scope, stack)
    resources = await journal.load()
    ctx = operation_context(platform, job, stack, operation)
    run = StackOperation(ctx, stack, operation, journal, resources)
    while (phase := run.phases().get(stack.status)) is not None:
        await phase()


def operation_context(platform: Platform, job: Job, stack: Stack, operation: Operation) -> Context:
    """Return the context handlers run in: the caller's, or that of the stack's role."""
    principal = Principal(operation.principal, operation.root)
    if stack.role is not None:
        role = stack.role.rsplit("/", 1)[-1]
        account = stack.role.split(":")[4]
        principal = Principal(
            f"arn:aws:sts::{account}:assumed-role/{role}/AWSCloudFormation", root=False
        )
    return Context(
        platform=platform,
        account=job.scope.account,
        region=job.scope.region,
        principal=principal,
        request_id=operation.id,
        endpoint=operation.endpoint,
    )


class StackOperation:
    """One operation on one stack."""

    def __init__(
        self,
        ctx: Context,
        stack: Stack,
        operation: Operation,
        journal: Journal,
        resources: dict[str, StackResource],
    ) -> None:
        self.ctx = ctx
        self.stack = stack
        self.operation = operation
        self.journal = journal
        self.resources = resources
        self.steps = Steps(ctx, operation, journal, resources)

    def phases(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """Return what carries on from each status."""
        return {
            "CREATE_IN_PROGRESS": self._forward,
            "UPDATE_IN_PROGRESS": self._forward,
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": self._clean_up,
            "ROLLBACK_IN_PROGRESS": self._roll_back_creation,
            "UPDATE_ROLLBACK_IN_PROGRESS": self._roll_back_update,
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS": self._clean_up_rollback,
            "DELETE_IN_PROGRESS": self._delete,
        }

    def _plan(self) -> Plan:
        assert self.stack.definition is not None
        return make_plan(self.ctx.scope, self.stack.name, self.stack.id, self.stack.definition)

    # forward

    async def _forward(self) -> None:
        plan = self._plan()
        async with self.ctx.platform.database.transaction() as connection:
            imports = await lock_exports(
                self.ctx.platform, self.ctx.scope, plan.imports, connection
            )
        for name in sorted(plan.imports - set(imports)):
            return await self._fail(f"No export named {name} found.")
        live = Live(self.resources, imports)
        evaluator = Evaluator(plan.template, plan.definition.parameters, plan.pseudo, live)

        async def step(name: str) -> bool:
            return await self.steps.forward(name, plan.resources[name], evaluator)

        failed = await run_in_order(plan.dependencies, step)
        if failed:
            created = [name for name in failed if self.resources[name].status == "CREATE_FAILED"]
            verb = "create" if created else "update"
            names = ", ".join(created or failed)
            return await self._fail(f"The following resource(s) failed to {verb}: [{names}].")
        try:
            await self._give_outputs(evaluate_outputs(replace(evaluator, where="Outputs")))
        except AwsError as error:
            await self._fail(f"{error.message}.")

    async def _give_outputs(self, evaluated: Mapping[str, Mapping[str, Any]]) -> None:
        outputs = [
            {**output, "OutputKey": name, "OutputValue": scalar(output["Value"], "Outputs")}
            for name, output in evaluated.items()
        ]
        exports = {
            str(output["ExportName"]): output["OutputValue"]
            for output in outputs
            if "ExportName" in output
        }

        async def give(connection: Connection) -> None:
            await replace_exports(
                self.ctx.platform, self.ctx.scope, self.stack, exports, connection
            )
            self.stack.outputs = outputs

        creating = self.operation.kind == "CREATE"
        await self.journal.stack_status(
            "CREATE_COMPLETE" if creating else "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", also=give
        )

    async def _fail(self, reason: str) -> None:
        creating = self.operation.kind == "CREATE"
        if self.operation.disable_rollback or self.operation.on_failure == "DO_NOTHING":
            if not creating:
                await self._settle_failed_update()
            await self.journal.stack_status(
                "CREATE_FAILED" if creating else "UPDATE_FAILED", reason
            )
        elif creating and self.operation.on_failure == "DELETE":
            await self.journal.stack_status(
                "DELETE_IN_PROGRESS", f"{reason} Delete requested by user."
            )
        else:
            await self.journal.stack_status(
                "ROLLBACK_IN_PROGRESS" if creating else "UPDATE_ROLLBACK_IN_PROGRESS",
                f"{reason} Rollback requested by user.",
            )

    async def _settle_failed_update(self) -> None:
        """Leave no replaced instance behind where nothing will be rolled back."""
        for name, resource in self.resources.items():
            if resource.operation == self.operation.id and resource.change == "replace":
                if not resource.done:
                    await self.steps.undo(name)
                await self.steps.dispose(name)

    async def _clean_up(self) -> None:
        plan = self._plan()
        await run_in_order(reverse(plan.dependencies), self.steps.dispose, go_on=True)
        await self._remove_those_not_in(plan)

        async def forget(connection: Connection) -> None:
            self.stack.previous = None
            self.stack.imports = sorted(plan.imports)

        await self.journal.stack_status("UPDATE_COMPLETE", also=forget)

    # back

    async def _roll_back_creation(self) -> None:
        failed = await self._remove_all(lambda resource: resource.deletion_policy == "Retain")
        if failed:
            await self.journal.stack_status(
                "ROLLBACK_FAILED",
                f"The following resource(s) failed to delete: [{', '.join(failed)}]. ",
            )
        else:
            await self.journal.stack_status("ROLLBACK_COMPLETE")

    async def _roll_back_update(self) -> None:
        touched = {
            name: frozenset(resource.dependencies) for name, resource in self.resources.items()
        }
        failed = await run_in_order(touched, self.steps.undo, go_on=True)
        if failed:
            await self.journal.stack_status(
                "UPDATE_ROLLBACK_FAILED",
                f"The following resource(s) failed to update: [{', '.join(failed)}]. ",
            )
            return

        async def restore(connection: Connection) -> None:
            if self.stack.previous is not None:
                self.stack.definition, self.stack.previous = self.stack.previous, None

        await self.journal.stack_status(
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", also=restore
        )

    async def _clean_up_rollback(self) -> None:
        plan = self._plan()
        await run_in_order(reverse(plan.dependencies), self.steps.dispose, go_on=True)
        await self._remove_those_not_in(plan)
        for order, (name, planned) in enumerate(plan.resources.items()):
            if name in self.resources:
                describe(self.resources[name], planned, order)
                await self.journal.save(self.resources[name])

        async def forget(connection: Connection) -> None:
            self.stack.imports = sorted(plan.imports)
            self.stack.description = plan.template.description

        await self.journal.stack_status("UPDATE_ROLLBACK_COMPLETE", also=forget)

    # deletion

    async def _delete(self) -> None:
        created_here = self.operation.kind == "CREATE"
        retain = frozenset(self.operation.retain)

        def keep(resource: StackResource) -> bool:
            if resource.logical_id in retain:
                return True
            if created_here:
                return resource.deletion_policy == "Retain"
            return resource.deletion_policy != "Delete"

        failed = await self._remove_all(keep)
        if failed:
            await self.journal.stack_status(
                "DELETE_FAILED",
                f"The following resource(s) failed to delete: [{', '.join(failed)}]. ",
            )
            return

        async def forget(connection: Connection) -> None:
            state = self.ctx.platform.state
            await replace_exports(self.ctx.platform, self.ctx.scope, self.stack, {}, connection)
            await state.delete(self.ctx.scope, LiveName, self.stack.name, connection)

        await self.journal.stack_status("DELETE_COMPLETE", also=forget)

    async def _remove_all(self, keep: Callable[[StackResource], bool]) -> list[str]:
        async def step(name: str) -> bool:
            return await self.steps.remove(name, keep)

        return await run_in_order(reverse(self._dependencies()), step, go_on=True)

    async def _remove_those_not_in(self, plan: Plan) -> None:
        async def step(name: str) -> bool:
            resource = self.resources[name]
            made_here = resource.operation == self.operation.id and resource.change == "create"
            rolled_back = "ROLLBACK" in self.stack.status
            removed = await self.steps.remove(
                name,
                lambda item: (
                    item.deletion_policy == "Retain"
                    or (
                        item.deletion_policy == "RetainExceptOnCreate"
                        and not (made_here and rolled_back)
                    )
                ),
            )
            if removed:
                await self.journal.remove(resource)
            return removed

        gone = {
            name: others
            for name, others in self._dependencies().items()
            if name not in plan.resources
        }
        await run_in_order(reverse(gone), step, go_on=True)

    def _dependencies(self) -> dict[str, frozenset[str]]:
        return {name: frozenset(item.dependencies) for name, item in self.resources.items()}
