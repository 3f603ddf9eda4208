"""The scaffold: the folder of a new service, with signatures taken from AWS's own model."""

from __future__ import annotations

import keyword
from pathlib import Path

import botocore.model
from botocore import xform_name

from localaws.core.errors import LocalAwsError
from localaws.gateway.models import service_model

_TYPES = {
    "string": "str",
    "integer": "int",
    "long": "int",
    "float": "float",
    "double": "float",
    "boolean": "bool",
    "timestamp": "datetime",
    "blob": "bytes",
    "structure": "Shape",
    "list": "list[Any]",
    "map": "dict[str, Any]",
}

_OPERATIONS = '''"""{title}: the API, one function per operation.

{link}
"""

from __future__ import annotations

{imports}from localaws.core.errors import not_implemented
from localaws.core.platform import Context
from localaws.core.service import Service, Shape

service = Service("{service}")
{functions}'''

_FUNCTION = '''

# Declare it with @service.operation("executed") once it does what it says: until then the ledger
# lists it as unsupported, and the gateway refuses it.
async def {name}(ctx: Context{parameters}) -> Shape:
    """Refuse {operation}: not written yet."""
    raise not_implemented("{service}.{operation}")
'''

_TEST = '''"""{title} as a client sees it."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError


def test_the_service_answers(localaws) -> None:
    client = localaws.client("{service}")
    with pytest.raises(ClientError) as caught:
        client.{name}()
    assert caught.value.response["Error"]["Code"] == "NotImplementedException"
'''


class ScaffoldError(LocalAwsError):
    """The service cannot be added."""


def scaffold(service: str, operations: list[str], root: Path) -> list[Path]:
    """Write the folder of a new service and its first test.

    Args:
        service: botocore's name of the service, e.g. ``kinesis``.
        operations: AWS's names of the first operations; their signatures come from the model.
        root: the project's folder.

    Returns:
        The files written.

    Raises:
        ScaffoldError: the service is there already, or the model has no such operation.
        UnknownService: AWS has no service of this name.
    """
    model = service_model(service)
    unknown = sorted(set(operations) - set(model.operation_names))
    if unknown:
        raise ScaffoldError(f"{service} has no operation {', '.join(unknown)}")
    folder = root / "services" / "localaws" / "aws" / service.replace("-", "_")
    if folder.exists():
        raise ScaffoldError(f"{folder.relative_to(root)} is there already")
    folder.mkdir(parents=True)
    functions = "".join(_function(model, name) for name in operations)
    title = str(model.metadata.get("serviceFullName", service))
    imports = "".join(
        line
        for line, word in (
            ("from datetime import datetime\n", "datetime"),
            ("from typing import Any\n", "Any"),
        )
        if word in functions
    )
    files = {
        folder / "__init__.py": "",
        folder / "operations.py": _OPERATIONS.format(
            title=title,
            link=f"https://docs.aws.amazon.com/search?searchQuery={service}+api+reference",
            imports=imports + "\n" if imports else "",
            service=service,
            functions=functions,
        ),
        folder / "model.py": f'"""Resources of {title} as typed documents, and their rules."""\n',
        folder / "errors.py": f'"""Error codes of {title}."""\n',
    }
    if operations:
        test = root / "tests" / "localaws" / "aws" / f"test_{service.replace('-', '_')}.py"
        files[test] = _TEST.format(title=title, service=service, name=xform_name(operations[0]))
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return list(files)


def _function(model: botocore.model.ServiceModel, name: str) -> str:
    shape = model.operation_model(name).input_shape
    required: list[str] = []
    optional: list[str] = []
    for member, item in (shape.members if shape is not None else {}).items():
        argument = xform_name(member)
        argument += "_" if keyword.iskeyword(argument) else ""
        kind = _TYPES[item.type_name]
        if shape is not None and member in shape.required_members:
            required.append(f"    {argument}: {kind},\n")
        else:
            optional.append(f"    {argument}: {kind} | None = None,\n")
    parameters = "".join(required + optional)
    return _FUNCTION.format(
        name=xform_name(name),
        operation=name,
        service=model.service_name,
        parameters=f",\n    *,\n{parameters}" if parameters else "",
    )
