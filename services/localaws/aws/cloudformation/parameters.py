"""Parameters: what a template asks for, checked against what the caller gives.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from localaws.aws.cloudformation.errors import format_error, template_error, validation_error
from localaws.core.service import Shape

TYPES = ("String", "Number", "List<Number>", "CommaDelimitedList")
MASK = "****"

_MEMBERS = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Default",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
        "NoEcho",
        "Type",
    }
)


def text(value: object) -> str:
    """Return a scalar of a template as the text CloudFormation makes of it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def check_declarations(declared: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise a ValidationError for a parameter that is declared wrongly or of a type not here."""
    for name, body in declared.items():
        if unknown := sorted(set(body) - _MEMBERS):
            raise format_error(f"Invalid parameter property '{unknown[0]}' of parameter {name}")
        kind = body.get("Type")
        if kind is None:
            raise format_error(f"Every Parameters object must contain a Type member: {name}.")
        if kind not in TYPES:
            raise template_error(f"type {kind} of parameter {name} is not implemented here")
        pattern = body.get("AllowedPattern")
        if pattern is not None:
            try:
                re.compile(str(pattern))
            except re.error as error:
                raise format_error(f"AllowedPattern of parameter {name} is not valid") from error


def bind_parameters(
    declared: Mapping[str, Mapping[str, Any]],
    given: Sequence[Shape],
    previous: Mapping[str, str] | None,
) -> dict[str, str]:
    """Return the value of every declared parameter, as text.

    Args:
        declared: the template's `Parameters`.
        given: the caller's Parameter structures.
        previous: values of the stack that is there, for ``UsePreviousValue``; None for a new one.

    Raises:
        AwsError: ValidationError for missing, unknown or unsuitable values.
    """
    values: dict[str, str] = {}
    for item in given:
        key = item.get("ParameterKey")
        if not key:
            raise validation_error("Parameters: a ParameterKey is missing")
        if key in values:
            raise validation_error(f"Parameters: [{key}] must not be given twice")
        if item.get("UsePreviousValue"):
            if "ParameterValue" in item:
                raise validation_error(
                    f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as "
                    "true and also specify a parameter value"
                )
            if previous is None or key not in previous:
                raise validation_error(
                    f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as "
                    "true for a parameter key not in the previous template"
                )
            values[key] = previous[key]
        elif "ParameterValue" in item:
            values[key] = item["ParameterValue"]
        else:
            raise validation_error(
                f"Invalid input for parameter key {key}. Need to specify either usePreviousValue "
                "as true or a value for the parameter"
            )
    if unknown := [key for key in values if key not in declared]:
        raise validation_error(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing: list[str] = []
    for name, body in declared.items():
        if name not in values:
            if "Default" not in body:
                missing.append(name)
                continue
            values[name] = _default(name, body["Default"])
        _check(name, body, values[name])
    if missing:
        raise validation_error(f"Parameters: [{', '.join(missing)}] must have values")
    return {name: values[name] for name in declared}


def parameter_value(body: Mapping[str, Any], value: str) -> str | list[str]:
    """Return what ``Ref`` gives for a parameter: text, or a list for the list types."""
    if body["Type"] in ("CommaDelimitedList", "List<Number>"):
        return [item.strip() for item in value.split(",")] if value else []
    return value


def shown_value(body: Mapping[str, Any] | None, value: str) -> str:
    """Return a value as an answer may show it: masked where the template says NoEcho."""
    return MASK if body is not None and text(body.get("NoEcho", False)) == "true" else value


def _default(name: str, value: object) -> str:
    if isinstance(value, dict | list):
        raise format_error(
            f"Every Default member must be a string, number or boolean: that of {name} is not."
        )
    return text(value)


def _check(name: str, body: Mapping[str, Any], value: str) -> None:
    kind = body["Type"]
    items = [value] if kind in ("String", "Number") else parameter_value(body, value)
    for item in items:
        reason = _violation(name, body, kind, item)
        if reason is not None:
            described = body.get("ConstraintDescription")
            raise validation_error(
                reason
                if described is None
                else f"Parameter {name} failed to satisfy constraint: {described}"
            )


def _violation(name: str, body: Mapping[str, Any], kind: str, item: str) -> str | None:
    if kind in ("Number", "List<Number>"):
        try:
            number = float(item)
        except ValueError:
            return f"Parameter validation failed: parameter value for parameter name {name} is \
not a number"
        if "MinValue" in body and number < float(body["MinValue"]):
            return f"Parameter '{name}' must be a number not less than {text(body['MinValue'])}"
        if "MaxValue" in body and number > float(body["MaxValue"]):
            return f"Parameter '{name}' must be a number not greater than {text(body['MaxValue'])}"
    if "AllowedValues" in body and item not in {text(allowed) for allowed in body["AllowedValues"]}:
        return f"Parameter '{name}' must be one of AllowedValues"
    if kind == "String":
        if "MinLength" in body and len(item) < int(body["MinLength"]):
            return f"Parameter '{name}' must contain at least {body['MinLength']} characters"
        if "MaxLength" in body and len(item) > int(body["MaxLength"]):
            return f"Parameter '{name}' must contain at most {body['MaxLength']} characters"
    pattern = body.get("AllowedPattern")
    if pattern is not None and re.fullmatch(str(pattern), item) is None:
        return f"Parameter '{name}' must match pattern {pattern}"
    return None
