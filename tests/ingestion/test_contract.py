"""The contract holds together, and what follows from it is up to date."""

import copy
import re
import subprocess
import sys
from typing import Any

import duckdb
import pytest
import yaml

from ingestion.contract.documents import stale_documents
from ingestion.contract.model import CONTRACT_PATH, Column, Field, load_contract, parse_contract
from ingestion.contract.raw_tables import create_missing_tables
from ingestion.errors import ContractError
from settings import PROJECT_DIR
from tests.support.dbt_models import MODEL_FILES, described_models

TABLES = {
    "product_db/organizations": ("id", "updated_at"),
    "product_db/users": ("id", "updated_at"),
    "product_db/organization_memberships": ("organization_id", "user_id", "updated_at"),
    "usage/usage_reports": ("date", "organization_id", "received_at"),
    "billing/billing_customers": ("organization_id", "updated_at"),
    "stripe/customers": ("id",),
    "stripe/products": ("id",),
    "stripe/prices": ("id",),
    "stripe/subscriptions": ("id",),
    "stripe/invoices": ("id",),
    "stripe/credit_notes": ("id",),
    "enrichment/companies": ("domain", "enriched_at"),
    "crm/accounts": ("id", "updated_at"),
    "crm/opportunities": ("id", "updated_at"),
    "crm/account_merges": ("organization_id",),
    "crm/contacts": ("id", "updated_at"),
    "crm/activities": ("id",),
    "crm/feature_requests": ("id",),
    "support/tickets": ("id",),
    "product_events/events_daily": ("date", "organization_id"),
    "spend/sales_and_marketing": ("month", "category"),
    "costs/unit_costs": ("month", "product_key", "region"),
    "costs/account_costs": ("month", "organization_id", "category"),
    "closed_months/mrr_lines": ("month", "invoice_id", "line_number", "slice_number"),
}
OPTIONAL = {
    path for path in TABLES if path.startswith(("enrichment", "crm", "support", "product_events", "spend", "costs"))
}
OPTIONAL |= {"stripe/prices", "stripe/credit_notes", "closed_months/mrr_lines"}


def test_every_table_of_the_input_has_its_key_and_stamp() -> None:
    assert {table.path: table.version for table in load_contract().tables} == TABLES
    assert {table.path for table in load_contract().tables if not table.required} == OPTIONAL


def test_every_column_is_described() -> None:
    for table in load_contract().tables:
        assert table.description.endswith(".")
        parts: list[Column | Field] = [*table.columns, *table.fields]
        for described in parts:
            assert described.description.strip(), f"{table.path}.{described.name}"


def test_generated_files_are_up_to_date() -> None:
    assert stale_documents() == [], "run `growth contract`"


def test_a_file_that_was_changed_by_hand_is_stale(tmp_path: Any) -> None:
    command = [sys.executable, "-m", "cli", "contract", "--check"]
    assert subprocess.run(command, cwd=PROJECT_DIR, check=False).returncode == 0
    assert len(stale_documents(tmp_path)) == len(load_contract().sources) + 2


def test_empty_raw_tables_have_the_contract_s_columns() -> None:
    with duckdb.connect() as connection:
        create_missing_tables(connection)
        create_missing_tables(connection)
        for table in load_contract().tables:
            found = connection.execute(f"describe raw.{table.raw_name}").fetchall()
            expected = [
                (column.name, column.sql_type.upper(), "YES" if column.nullable else "NO")
                for column in (*table.columns, *table.technical_columns)
            ]
            assert [row[:3] for row in found] == expected


def test_reading_the_contract_imports_nothing_heavy() -> None:
    script = (
        "import sys; from ingestion.contract.model import load_contract; load_contract(); "
        "print([name for name in ('duckdb', 'dlt', 'pyarrow', 'pandas', 'numpy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", script], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_importing_the_load_does_not_import_dlt() -> None:
    script = "import sys, ingestion.load; print('dlt' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


def _changed(change: dict[str, Any]) -> dict[str, Any]:
    content = yaml.safe_load(CONTRACT_PATH.read_text())
    table = copy.deepcopy(content["tables"]["crm.accounts"])
    return {"tables": {"crm.accounts": {**table, **change}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stored": "somehow"}, "crm.accounts: stored 'somehow' is not one of"),
        ({"stamp": None}, "crm.accounts: versions and days need a stamp"),
        ({"key": ["organization_id"]}, "crm.accounts: key or stamp organization_id must"),
        (
            {"columns": {"id": {"type": "text", "description": "x"}}},
            "crm.accounts.id: type 'text' is not one of",
        ),
        ({"columns": {"id": {"type": "string"}}}, "crm.accounts.id: key 'description' is missing"),
        (
            {"columns": {"id": {"type": "string", "description": "x", "unit": "kg"}}},
            "crm.accounts.id: key 'unit' is unknown",
        ),
        ({"owner": "me"}, "crm.accounts: key 'owner' is unknown; keys are source"),
        ({"requried": True}, "crm.accounts: key 'requried' is unknown; did you mean 'required'"),
        ({"subjects": {"robot": "id"}}, "crm.accounts: subjects.* 'robot' is not one of 'organization'"),
        ({"fields": {}}, "crm.accounts: objects have fields"),
    ],
)
def test_a_contract_that_contradicts_itself_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        parse_contract(_changed(change))


def test_unknown_figures_name_marts_that_depend_on_the_table() -> None:
    reads = {path.stem: set(re.findall(r"ref\(\s*[\"'](\w+)", path.read_text())) for path in MODEL_FILES}
    marts = described_models("marts")
    places = [(table, place) for table in load_contract().tables for place in table.unknown_marts]
    assert len(places) > 20
    for table, place in places:
        mart, _, column = place.partition(".")
        assert not column or column in {each["name"] for each in marts[mart]["columns"]}, place
        above, new = set(), {mart}
        while new:
            above |= new
            new = {name for model in new for name in reads.get(model, ())} - above
        assert f"stg_{table.source}__{table.name}" in above, place
