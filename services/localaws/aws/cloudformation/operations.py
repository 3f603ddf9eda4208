"""The API of CloudFormation: importing this module declares every operation.

https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

from localaws.aws.cloudformation import (
    change_set_operations,
    read_operations,
    stack_operations,
    template_operations,
)
from localaws.aws.cloudformation.service import service

__all__ = [
    "change_set_operations",
    "read_operations",
    "service",
    "stack_operations",
    "template_operations",
]
