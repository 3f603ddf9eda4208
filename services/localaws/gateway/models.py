"""botocore's service models, loaded when first needed and stripped of their documentation."""

from __future__ import annotations

import functools
import sys
from typing import Any

# botocore imports awscrt where it is installed (a tenth of a second) for signatures of a kind that
# the gateway does not make; the modules that need awscrt import it themselves later.
if "awscrt" not in sys.modules:
    sys.modules["awscrt"] = None  # type: ignore[assignment]
    try:
        import botocore.compat
    finally:
        del sys.modules["awscrt"]
import botocore.loaders
import botocore.model
from botocore import xform_name

from localaws.core.errors import LocalAwsError

ServiceModel = botocore.model.ServiceModel
OperationModel = botocore.model.OperationModel


class UnknownService(LocalAwsError):
    """No AWS service has this name."""


SIGNING_NAMES = {
    "airflow": "mwaa",
    "aoss": "opensearchserverless",
    "catalog.marketplace": "marketplace-catalog",
    "elasticloadbalancing": "elbv2",
    "elasticmapreduce": "emr",
    "email": "ses",
    "es": "opensearch",
    "execute-api": "apigatewaymanagementapi",
    "kinesisanalytics": "kinesisanalyticsv2",
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
    "s3express": "s3",
}
"""Names in a signature's scope that are not the service's botocore name."""


def _load(service: str) -> dict[str, Any]:
    loader = botocore.loaders.Loader()
    try:
        description: dict[str, Any] = loader.load_service_model(service, "service-2")
    except botocore.loaders.UnknownServiceError as error:
        raise UnknownService(service) from error
    return description


@functools.cache
def known_services() -> frozenset[str]:
    """Return the botocore names of all services."""
    return frozenset(botocore.loaders.Loader().list_available_services("service-2"))


@functools.cache
def service_model(service: str) -> ServiceModel:
    """Return the model of a service.

    Raises:
        UnknownService: there is none of this name.
    """
    description = _load(service)
    _strip(description)
    return ServiceModel(description, service)


@functools.cache
def service_metadata(service: str) -> dict[str, Any]:
    """Return a model's metadata (endpoint prefix, protocol …) without keeping the model."""
    return dict(_load(service)["metadata"])


def service_of_signing_name(name: str) -> str | None:
    """Return the botocore name for the service in a signature's scope."""
    if name in SIGNING_NAMES:
        return SIGNING_NAMES[name]
    return name if name in known_services() else None


@functools.cache
def operation_names(service: str) -> dict[str, str]:
    """Return AWS's operation names of a service by their snake_case names."""
    return {xform_name(name): name for name in service_model(service).operation_names}


def _strip(node: Any) -> None:
    if isinstance(node, dict):
        node.pop("documentation", None)
        for key, value in node.items():
            # A structure may have a member called "documentation": members are kept whole.
            if key == "members" and isinstance(value, dict):
                for member in value.values():
                    _strip(member) if isinstance(member, dict) else None
            else:
                _strip(value)
    elif isinstance(node, list):
        for item in node:
            _strip(item)
