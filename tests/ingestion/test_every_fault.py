"""A load that fails says everything that is wrong with every table, not the first thing that it met."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from ingestion.errors import SourceError
from ingestion.load import is_all_loaded
from ingestion.plan import usage_days
from tests.ingestion.conftest import Source
from tests.support.source_root import FIRST_DAY, company, write_file
from warehouse.connection import connect

USERS = "product_db/users"
ORGANIZATIONS = "product_db/organizations"
INVOICES = "stripe/invoices"
USAGE = "usage/usage_reports"


def put(root: Path, path: str, text: str) -> None:
    """Write a file of these words."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def fault_of(source: Source) -> str:
    """What a load says that fails."""
    with pytest.raises(SourceError) as raised:
        source.load(max_set_aside_share=0.01)
    return str(raised.value)


def damage_five_tables(root: Path) -> None:
    """Two files of one table that cannot be read, bad rows in two, a wrong format in one, and one that is missing."""
    put(root, f"{USERS}/a.csv", "id;email\n1;a@x.example\n")
    put(root, f"{USERS}/b.csv", "id,email\n1,a@x.example\n")
    (root / "stripe/products.jsonl").unlink()
    put(root, "crm/accounts/a.xlsx", "PK")
    invoice = company()[INVOICES][0]
    put(root, "stripe/invoices.jsonl", "".join(json.dumps({**invoice, "id": n}) + "\n" for n in range(11)))
    report = company()[USAGE][0]
    bad = [{**report, "organization_id": f"org-{n}", "event_count_in_period": -1} for n in range(12)]
    write_file(root / f"{USAGE}/date={FIRST_DAY}/more.csv", USAGE, bad)


def test_one_failed_load_names_the_faults_of_every_table(source: Source) -> None:
    damage_five_tables(source.root)
    first, *lines = fault_of(source).split("\n")
    assert first == "6 faults, so nothing is loaded:"
    said = [
        f"- the source root {source.root} has no stripe/products:",
        "- crm/accounts/a.xlsx has none of the extensions",
        "- product_db/users/a.csv: the values are separated by semicolons",
        "- product_db/users/b.csv has no column date_joined",
        "- usage/usage_reports: 12 of ",
        "- stripe/invoices: 11 of 11 rows break the contract",
    ]
    assert len(lines) == len(said)
    for sentence in said:
        assert any(line.startswith(sentence) for line in lines), (sentence, lines)


def test_rejects_list_the_rows_of_every_table_that_was_refused(source: Source) -> None:
    damage_five_tables(source.root)
    fault_of(source)
    [(usage, invoices)] = source.query(
        "select count(*) filter (table_name = 'usage__usage_reports'), "
        "count(*) filter (table_name = 'stripe__invoices') from raw.rejected_rows"
    )
    assert (usage, invoices) == (12, 11)


def test_a_table_that_cannot_be_read_makes_no_row_of_another_look_bad(source: Source) -> None:
    source.load()
    put(source.root, f"{ORGANIZATIONS}/later.csv", "id;name\n")
    billing = [{**row, "organization_id": "org-new"} for row in company()["billing/billing_customers"]]
    write_file(source.root / "billing/billing_customers/new.csv", "billing/billing_customers", billing * 20)
    assert "\n" not in fault_of(source)


def test_broken_days_of_usage_are_named_in_every_batch(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_days, "BATCH_BYTES", 1)
    broken = [f"{USAGE}/date={FIRST_DAY + timedelta(days=n)}/b.csv" for n in (0, 5)]
    for path in broken:
        put(source.root, path, "")
    said = fault_of(source)
    assert [path for path in broken if f"- {path} has no header" not in said] == []


def test_a_broken_file_hides_no_bad_row_of_the_files_beside_it(source: Source) -> None:
    user = company()[USERS][0]
    bad = [{**user, "id": n, "is_staff": "no"} for n in range(900, 911)]
    write_file(source.root / f"{USERS}/bad.csv", USERS, bad)
    put(source.root, f"{USERS}/broken.csv", "")
    said = fault_of(source)
    assert "product_db/users/broken.csv has no header" in said
    assert "product_db/users: 11 of" in said


def test_a_file_that_no_load_can_read_is_no_source_without_news(source: Source) -> None:
    source.load()
    with connect(source.settings().warehouse_path) as connection:
        assert is_all_loaded(connection, source.settings())
        put(source.root, "crm/opportunities/a.xlsx", "PK")
        assert not is_all_loaded(connection, source.settings())


def test_what_was_mended_loads_after_a_load_that_failed(source: Source) -> None:
    before = source.load()
    put(source.root, f"{USERS}/broken.csv", "")
    fault_of(source)
    (source.root / f"{USERS}/broken.csv").unlink()
    write_file(source.root / f"{USERS}/more.csv", USERS, [{**company()[USERS][0], "id": 900}])
    after = source.load()
    rows = {table.table_name: table.rows_total for table in before.tables}
    assert {table.table_name: table.rows_total for table in after.tables} == rows | {
        "product_db__users": rows["product_db__users"] + 1
    }
