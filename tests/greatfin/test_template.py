from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from greatfin.generator import Bank, deliver
from greatfin.lake.top_leads.contracts import CONTRACTS, UNKNOWN_LAYOUT
from greatfin.lake.top_leads.oracle import expect
from greatfin.lake.top_leads.propensity import load_points
from greatfin.lake.top_leads.reconcile import PRODUCT_COLUMNS
from greatfin.lake.top_leads.rule import sql_parameters
from greatfin.lake.top_leads.transform import SQL, SqlFile
from greatfin.lake.top_leads.use_case import USE_CASE


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags, which are left as their text."""


_Loader.add_multi_constructor(
    "!", lambda loader, _suffix, node: loader.construct_scalar(node)
    if isinstance(node, yaml.ScalarNode)
    else loader.construct_sequence(node)
)  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> dict[tuple[str, str], dict[str, Any]]:
    """The template's tables by database resource and name."""
    template = yaml.load(USE_CASE.template.read_text(), _Loader)
    return {
        (item["Properties"]["DatabaseName"], item["Properties"]["TableInput"]["Name"]): item[
            "Properties"
        ]["TableInput"]
        for item in template["Resources"].values()
        if item["Type"] == "AWS::Glue::Table"
    }


def names(table: dict[str, Any]) -> list[str]:
    columns = table["StorageDescriptor"]["Columns"] + table.get("PartitionKeys", [])
    return [column["Name"] for column in columns]


def test_cfn_lint_finds_nothing() -> None:
    command = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run(
        [command, "--", USE_CASE.template], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_tables_have_the_columns_that_the_contracts_say(
    tables: dict[tuple[str, str], dict[str, Any]],
) -> None:
    for contract in CONTRACTS:
        raw = tables["RawDatabase", contract.name]
        assert names(raw) == ["line", "delivery_date", "layout"]
        assert raw["StorageDescriptor"]["Location"].endswith(f"/{contract.path}/")
        standardized = tables["StandardizedDatabase", contract.name]
        assert tuple(names(standardized)) == contract.columns
        assert standardized["StorageDescriptor"]["Location"].endswith(f"/{contract.path}/")
    assert tuple(names(tables["MarketingDatabase", "top_leads_by_region"])) == PRODUCT_COLUMNS
    leads = names(tables["MarketingDatabase", "leads"])
    assert leads == expect([], load_points()).leads.columns


def test_every_parameter_of_the_sql_is_known() -> None:
    known = {
        "raw", "standardized", "marketing", "quarantine", "table", "columns", "key",
        "newest_first", "checked", "source", "hop", *sql_parameters(load_points()),
    }  # fmt: skip
    files = sorted(SQL.rglob("*.sql"))
    assert {path.stem for path in files} >= {contract.name for contract in CONTRACTS}
    for path in files:
        used = set(re.findall(r"\$\{(.*?)\}", path.read_text()))
        assert used <= known, path
        assert "${" not in SqlFile(path.read_text()).substitute(dict.fromkeys(known, "x"))


def test_generated_files_have_known_layouts() -> None:
    by_path = {contract.path: contract for contract in CONTRACTS}
    for file in deliver(Bank(0.005)):
        first = file.content.decode().splitlines()[0]
        assert by_path[file.table].layout_of(first) != UNKNOWN_LAYOUT
    assert by_path["core_banking/cbs/accounts"].layout_of("id,name") == UNKNOWN_LAYOUT
    assert by_path["crm/salesforce/leads"].layout_of("id,name") == UNKNOWN_LAYOUT
