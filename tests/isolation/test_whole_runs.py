"""Odd rows and odd customers together in a whole run: it publishes, lists each, and moves nobody else's figures."""

import json
import shutil
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from settings import Settings
from tests.isolation.odd_customers import ODD, Company, odd_companies
from tests.isolation.odd_rows import odd_rows, write_odd_rows
from tests.support.hand_made import write_hand_made_company
from tests.support.running import read, run_pipeline

pytestmark = pytest.mark.slow

# A place in a list is one among others: what may not change is who of the others comes before whom.
ORDER = "rank() over (order by list_rank)"
# The bill is of a Stripe customer that is not held, and in a currency without a rate.
WITHOUT_BILL = {"payer_not_held", "no_rate"}


def write_optional_tables(root: Path) -> None:
    """One row in each table that the hand-made company does without, so that none of them is unknown."""
    when = "2026-08-15T00:00:00Z"
    rows: dict[str, dict[str, Any]] = {
        "crm/accounts": {
            "id": "acc-acme",
            "organization_id": "org-acme",
            "name": "Acme",
            "owner_email": "csm@vendor.example",
            "owner_role": "csm",
            "owner_since": when,
            "do_not_contact": False,
            "updated_at": when,
        },
        "crm/account_merges": {"organization_id": "org-acme-eu", "canonical_organization_id": "org-acme"},
        "enrichment/companies": {
            "domain": "acme.example",
            "status": "scored",
            "employees": 40,
            "investors": ["Accel"],
            "founder_previous_companies": [],
            "company_type": "private",
            "country": "US",
            "enriched_at": when,
        },
        "crm/contacts": {"id": "con-acme", "account_id": "acc-acme", "role": "champion", "updated_at": when},
        "crm/activities": {"id": "act-acme", "account_id": "acc-acme", "kind": "email", "happened_at": when},
        "crm/feature_requests": {
            "id": "fr-acme",
            "account_id": "acc-acme",
            "feature": "audit log",
            "requested_at": when,
        },
        "support/tickets": {"id": "t-acme", "organization_id": "org-acme", "created_at": when},
        "product_events/events_daily": {"date": "2026-08-15", "organization_id": "org-acme", "queries": 3},
        "costs/unit_costs": {
            "month": "2026-08-01",
            "product_key": "surveys",
            "region": "all",
            "cost_usd_per_unit": "0.001",
        },
        "costs/account_costs": {
            "month": "2026-08-01",
            "organization_id": "org-acme",
            "category": "support",
            "amount_usd": 10,
        },
        "closed_months/mrr_lines": {
            **{"month": "2026-06-01", "invoice_id": "in-acme", "line_number": 1, "slice_number": 1},
            **{"closed_as_of": "2026-07-04", "invoice_status": "paid", "invoice_created_at": when, "is_counted": True},
            **{"customer_id": "org-acme", "product_key": "surveys", "currency": "usd", "usd_per_minor_unit": "0.01"},
            **dict.fromkeys(("line_amount_minor", "line_discount_minor", "list_minor", "discount_minor"), 0),
            **{"startup_credit_minor": 0, "credited_minor": 0, "mrr_usd": 0},
        },
        "spend/sales_and_marketing": {"month": "2026-08-01", "category": "ads", "channel": "ads", "amount_usd": 100},
    }
    for table, row in rows.items():
        write_rows(root, table, "good", [row])


def write_rows(root: Path, table: str, name: str, rows: list[dict]) -> None:
    """Add a file of rows to a table."""
    by_folder: dict[Path, list[dict]] = {}
    for row in rows:
        folder = root / table / f"date={row['date']}" if table == "usage/usage_reports" else root / table
        by_folder.setdefault(folder, []).append(row)
    for folder, of_folder in by_folder.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in of_folder))


def write_companies(root: Path, companies: list[Company]) -> None:
    """Add the rows of customers to a source root."""
    for table in sorted({table for each in companies for table in each.rows}):
        write_rows(root, table, "companies", [row for each in companies for row in each.rows.get(table, [])])


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run without anything odd: `source` and `data`."""
    folder = tmp_path_factory.mktemp("clean")
    write_hand_made_company(folder / "source")
    write_optional_tables(folder / "source")
    done = run_pipeline(folder / "data", folder / "source")
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def odd(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run with everything odd."""
    folder = tmp_path_factory.mktemp("odd")
    shutil.copytree(clean / "source", folder / "source")
    write_odd_rows(folder / "source", odd_rows())
    write_companies(folder / "source", odd_companies())
    done = run_pipeline(folder / "data", folder / "source", GROWTH_MAX_SET_ASIDE_SHARE="1")
    assert done.returncode == 0, done.stdout
    return folder


def figures_of_the_others(data_dir: Path) -> dict[str, list[tuple]]:
    """Every row of every mart that is about a customer or an organization of the company without the odd ones.

    What is learned from everybody is among them: it takes 20 accounts with eight weeks of usage, or 30 closed periods,
    and then moves by one rank at most for an account (unit tests of int_weekday_rhythm and int_forecast_intervals).
    """
    with duckdb.connect(str(Settings(data_dir=data_dir).serving_path), read_only=True) as connection:
        columns: dict[str, list[str]] = {}
        for table, column in connection.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'marts' order by column_index"
        ).fetchall():
            columns.setdefault(table, []).append(column)
        found = {}
        for table, names in columns.items():
            keys = [name for name in ("customer_id", "organization_id") if name in names]
            if keys:
                shown = ", ".join(ORDER if name == "list_rank" else f'"{name}"' for name in names)
                where = " and ".join(f"{key} not like 'odd-%'" for key in keys)
                query = f"select {shown} from marts.{table} where {where} order by all"
                found[table] = connection.execute(query).fetchall()
        return found


def query_warehouse(data_dir: Path, query: str) -> list[tuple]:
    with duckdb.connect(str(Settings(data_dir=data_dir).warehouse_path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_figures_of_everybody_else_are_the_same(clean: Path, odd: Path) -> None:
    expected, found = figures_of_the_others(clean / "data"), figures_of_the_others(odd / "data")
    assert expected.keys() == found.keys()
    assert {table: found[table] for table in found if found[table] != expected[table]} == {}
    assert len(expected["dim_organizations"]) == 3


def test_data_day_does_not_move(clean: Path, odd: Path) -> None:
    query = "select as_of_date from marts.publish_info"
    [(day,)] = read(clean / "data", query)
    assert isinstance(day, date)
    assert read(odd / "data", query) == [(day,)]


@pytest.mark.parametrize("name", ODD)
def test_odd_customer_is_listed_with_what_to_do(odd: Path, name: str) -> None:
    kind = ODD[name]
    subjects = read(
        odd / "data",
        f"select subject from marts.rpt_data_quality where finding = '{kind.finding}' and length(what_to_do) > 0",
    )
    wanted = kind.subject.format(name=name)
    assert any(wanted in subject for (subject,) in subjects), subjects


def test_every_customer_keeps_its_own_bill(odd: Path) -> None:
    """A bill of 25 dollars for September, in the customer's own row and month and in no other."""
    [(euro_usd,)] = query_warehouse(
        odd / "data",
        "select usd_per_unit from seeds.exchange_rates where currency = 'eur' and month = date '2026-09-01'",
    )
    september = date(2026, 9, 1)
    bills = {(f"odd-{name}", september): Decimal(25) for name in ODD if name not in WITHOUT_BILL}
    bills["odd-two_currencies", september] += (25 * euro_usd).quantize(Decimal("0.01"), ROUND_HALF_UP)
    kept = read(
        odd / "data",
        "select customer_id, month, list_usd from marts.fct_mrr_monthly "
        "where customer_id like 'odd-%' and list_usd <> 0",
    )
    assert {(customer, month): usd for customer, month, usd in kept} == bills
