"""Errors of CloudFormation, in its own words."""

from __future__ import annotations

from localaws.core.errors import AwsError


def validation_error(message: str) -> AwsError:
    """Return a ValidationError."""
    return AwsError("ValidationError", message)


def format_error(message: str) -> AwsError:
    """Return the error of a template that is not well-formed."""
    return validation_error(f"Template format error: {message}")


def template_error(message: str) -> AwsError:
    """Return the error of a template whose functions cannot be evaluated."""
    return validation_error(f"Template error: {message}")


def stack_not_found(name: str) -> AwsError:
    """Return the error of a stack that is not there."""
    return validation_error(f"Stack with id {name} does not exist")


def stack_already_exists(name: str) -> AwsError:
    """Return the error of a name that a live stack has."""
    return AwsError("AlreadyExistsException", f"Stack [{name}] already exists")


def change_set_not_found(name: str) -> AwsError:
    """Return the error of a change set that is not there."""
    return AwsError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)


def invalid_change_set_status(message: str) -> AwsError:
    """Return the error of a change set that cannot be executed or deleted now."""
    return AwsError("InvalidChangeSetStatus", message)


def insufficient_capabilities(missing: list[str]) -> AwsError:
    """Return the error of a template whose effects were not acknowledged."""
    return AwsError(
        "InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]"
    )


def token_already_exists(token: str) -> AwsError:
    """Return the error of a client request token that was used for something else."""
    return AwsError(
        "TokenAlreadyExistsException",
        f"A client request token {token} already exists for another operation",
    )
