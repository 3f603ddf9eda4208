"""Errors a user of ``greatfin`` sees: what failed, on which object, and the next command."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NEEDS_CONFIRMATION = 3
    CREDENTIALS = 4
    RESOURCES_MISSING = 5
    CHECKS_FAILED = 6


class GreatFinError(Exception):
    """Base of all errors of the pipelines.

    Args:
        message: names the object and the cure.
        actions: commands to type next.
    """

    code = "Failed"
    exit = Exit.FAILED
    retryable = False

    def __init__(self, message: str, *, actions: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.actions = actions


class UnknownUseCase(GreatFinError):
    """No use case has this name."""

    code = "UnknownUseCase"
    exit = Exit.USAGE


class UsageError(GreatFinError):
    """The command line asks for something that cannot be."""

    code = "Usage"
    exit = Exit.USAGE


class ConfirmationNeeded(GreatFinError):
    """Real money or data would be touched, and nobody agreed to it."""

    code = "ConfirmationNeeded"
    exit = Exit.NEEDS_CONFIRMATION


class CredentialsError(GreatFinError):
    """The target does not accept the credentials, or there are none."""

    code = "Credentials"
    exit = Exit.CREDENTIALS


class EndpointDown(GreatFinError):
    """Nothing answers at the target's endpoint."""

    code = "EndpointDown"
    exit = Exit.RESOURCES_MISSING
    retryable = True


class StepFailed(GreatFinError):
    """AWS refused a call of a step, or a service behind it was not there."""

    code = "StepFailed"
    retryable = True


class StackFailed(GreatFinError):
    """CloudFormation could not reach the state that the template asks for."""

    code = "StackFailed"


class QueryFailed(GreatFinError):
    """An Athena query failed or was cancelled."""

    code = "QueryFailed"


class Interrupted(GreatFinError):
    """The user stopped the run; what is done stays done."""

    code = "Interrupted"
    retryable = True
