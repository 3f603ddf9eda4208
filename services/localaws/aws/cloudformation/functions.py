"""Intrinsic functions: what each gives for arguments that are known.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from localaws.aws.cloudformation.errors import template_error
from localaws.aws.cloudformation.parameters import text

_VARIABLE = re.compile(r"\$\{(!?)([^{}]*)\}")


def scalar(value: object, function: str) -> str:
    """Return a scalar argument as text.

    Raises:
        AwsError: ValidationError where it is a list or an object.
    """
    if value is None or isinstance(value, dict | list):
        raise template_error(f"every {function} object requires values that are strings")
    return text(value)


def join(arguments: Any) -> str:
    """Return the strings of ``[delimiter, [strings]]`` as one."""
    if (
        not isinstance(arguments, list)
        or len(arguments) != 2
        or not isinstance(arguments[0], str)
        or not isinstance(arguments[1], list)
    ):
        raise template_error(
            "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list "
            "of strings to be joined or a function that returns a list of strings (such as "
            "Fn::GetAZs) to be joined."
        )
    return arguments[0].join(scalar(item, "Fn::Join") for item in arguments[1])


def split(arguments: Any) -> list[str]:
    """Return the parts of ``[delimiter, string]``."""
    if (
        not isinstance(arguments, list)
        or len(arguments) != 2
        or not isinstance(arguments[0], str)
        or not arguments[0]
    ):
        raise template_error(
            "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a "
            "string to be split or a function that returns a string to be split."
        )
    return scalar(arguments[1], "Fn::Split").split(arguments[0])


def select(arguments: Any) -> Any:
    """Return the item of ``[index, list]``."""
    if not isinstance(arguments, list) or len(arguments) != 2 or not isinstance(arguments[1], list):
        raise template_error(
            "Fn::Select requires a list argument with two elements: an integer index and a list"
        )
    try:
        index = int(scalar(arguments[0], "Fn::Select"))
    except ValueError as error:
        raise template_error("Fn::Select requires an integer index") from error
    if not 0 <= index < len(arguments[1]):
        raise template_error(f"Fn::Select cannot select nonexistent value at index {index}")
    return arguments[1][index]


def substitute(template: str, value_of: Callable[[str], Any]) -> list[Any]:
    """Return the pieces of a ``Fn::Sub`` text: literal text, and what `value_of` gives per name."""
    pieces: list[Any] = []
    position = 0
    for match in _VARIABLE.finditer(template):
        pieces.append(template[position : match.start()])
        literal, name = match.groups()
        pieces.append("${" + name + "}" if literal else value_of(name.strip()))
        position = match.end()
    pieces.append(template[position:])
    return pieces


def base64_of(argument: Any) -> str:
    """Return a string in base64."""
    return base64.b64encode(scalar(argument, "Fn::Base64").encode()).decode()


def cidr(arguments: Any) -> list[str]:
    """Return the address blocks of ``[block, count, bits]``."""
    if not isinstance(arguments, list) or len(arguments) not in (2, 3):
        raise template_error("every Fn::Cidr object requires an ipBlock, a count and cidrBits")
    try:
        network = ipaddress.ip_network(scalar(arguments[0], "Fn::Cidr"))
        count = int(scalar(arguments[1], "Fn::Cidr"))
        bits = int(scalar(arguments[2], "Fn::Cidr")) if len(arguments) == 3 else None
        if bits is None:
            if network.version == 6:
                raise template_error("Fn::Cidr requires cidrBits for an IPv6 block")
            bits = 32 - network.prefixlen - max(count - 1, 0).bit_length()
        blocks = network.subnets(new_prefix=network.max_prefixlen - bits)
        found = [str(block) for _, block in zip(range(count), blocks, strict=False)]
    except ValueError as error:
        raise template_error(f"Fn::Cidr: {error}") from error
    if not 1 <= count <= 256 or len(found) < count:
        raise template_error(f"Fn::Cidr cannot make {count} blocks of {arguments[0]}")
    return found


def zones(region: str) -> list[str]:
    """Return the availability zones of a region."""
    return [f"{region}{letter}" for letter in "abc"]


def length(argument: Any) -> int:
    """Return the number of items of a list."""
    if not isinstance(argument, list):
        raise template_error("Fn::Length requires a list")
    return len(argument)


def to_json(argument: Any) -> str:
    """Return a list or an object as JSON without white space."""
    if not isinstance(argument, dict | list):
        raise template_error("Fn::ToJsonString requires an object or a list")
    return json.dumps(argument, separators=(",", ":"), ensure_ascii=False)


def find_in_map(mappings: Any, path: Sequence[str]) -> Any:
    """Return ``mappings[map][first][second]``, or None where it is not there."""
    found = mappings
    for key in path:
        if not isinstance(found, dict) or key not in found:
            return None
        found = found[key]
    return found
