"""The service that CloudFormation's operations and its job are declared on."""

from __future__ import annotations

from localaws.aws.cloudformation import operation
from localaws.core.service import Service

service = Service("cloudformation")
service.job(operation.JOB)(operation.run_operation)
