"""The ledger: what each operation of each service really does."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from botocore import xform_name

from localaws.core.service import Services
from localaws.gateway.forward import METADATA_SERVICES
from localaws.gateway.models import service_model


@dataclass(frozen=True)
class Entry:
    """One operation: its level, and in the note what is not as on AWS."""

    service: str
    operation: str
    level: str
    note: str
    unsupported_parameters: tuple[str, ...] = ()


def ledger(service: str | None = None) -> list[dict[str, object]]:
    """Return the entries of one service or of all, sorted; unlisted services are unsupported."""
    services = Services()
    names = sorted({*services.names, *METADATA_SERVICES})
    entries: list[Entry] = []
    for name in names if service is None else [service]:
        if name in services.names:
            entries.extend(_own(services, name))
        elif name in METADATA_SERVICES:
            entries.append(Entry(name, "*", "metadata", METADATA_SERVICES[name]))
        else:
            entries.append(Entry(name, "*", "unsupported", ""))
    return [asdict(entry) for entry in entries]


def _own(services: Services, name: str) -> list[Entry]:
    service = services.get(name)
    assert service is not None
    model = service_model(name)
    entries = []
    for aws_name in model.operation_names:
        operation = service.operations.get(xform_name(aws_name))
        if operation is None:
            entries.append(Entry(name, aws_name, "unsupported", ""))
            continue
        shape = model.operation_model(aws_name).input_shape
        members = shape.members if shape is not None else {}
        missing = tuple(
            member for member in members if xform_name(member) not in operation.parameters
        )
        entries.append(Entry(name, aws_name, operation.level, operation.note, missing))
    return entries
