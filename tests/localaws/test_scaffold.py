"""A scaffolded service is valid code that tells the truth."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from botocore import xform_name

from localaws.gateway.models import UnknownService, service_model
from localaws.scaffold import ScaffoldError, scaffold


def test_signatures_come_from_the_model(tmp_path: Path) -> None:
    files = scaffold("kinesis", ["PutRecord", "ListStreams"], tmp_path)
    operations = tmp_path / "services/localaws/aws/kinesis/operations.py"
    assert operations in files
    module = ast.parse(operations.read_text())
    functions = {node.name: node for node in module.body if isinstance(node, ast.AsyncFunctionDef)}
    put = functions["put_record"].args
    required = [
        argument.arg
        for argument, default in zip(put.kwonlyargs, put.kw_defaults, strict=True)
        if default is None
    ]
    shape = service_model("kinesis").operation_model("PutRecord").input_shape
    assert shape is not None
    assert shape.required_members
    assert set(required) == {xform_name(member) for member in shape.required_members}
    assert "exclusive_start_stream_name" in [
        a.arg for a in functions["list_streams"].args.kwonlyargs
    ]
    assert not any(node.decorator_list for node in functions.values()), "the ledger would lie"
    compile(operations.read_text(), str(operations), "exec")


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    scaffold("kinesis", [], tmp_path)
    with pytest.raises(ScaffoldError, match="is there already"):
        scaffold("kinesis", [], tmp_path)


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownService):
        scaffold("no-such-service", [], tmp_path)
    with pytest.raises(ScaffoldError, match="NoSuchOperation"):
        scaffold("kinesis", ["NoSuchOperation"], tmp_path)
    assert not list(tmp_path.iterdir())
