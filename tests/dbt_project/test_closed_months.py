"""Every kind of change after a month was closed has one cause, and the causes add up to the cent."""

import shutil
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.contract.raw_tables import create_missing_tables
from ingestion.load import load_sources
from operations.closing import ClosingError, close_month
from settings import Settings
from tests.dbt_project.building import insert, read, stripe
from tests.dbt_project.test_revenue import JUNE, MAY, line
from transform.dbt_runner import build_models

pytestmark = pytest.mark.slow

JUNE_1 = date(2026, 6, 1)
MODELS = ("rpt_closed_months", "rpt_closed_month_differences", "fct_mrr_monthly", "int_month_lines")

# Customer: the lines of its first invoice for June, and what that invoice has that others have not.
CUSTOMERS: dict[str, tuple[list[dict], dict[str, Any]]] = {
    "stays": ([line(10000, JUNE)], {}),
    "credited": ([line(10000, JUNE)], {}),
    "billed late": ([line(10000, MAY)], {}),
    "used late": ([line(10000, JUNE)], {}),
    "merged": ([line(10000, JUNE)], {}),
    "in euro": ([line(10000, JUNE, discount=1001)], {"currency": "eur"}),
    "in francs": ([line(10000, JUNE)], {"currency": "chf"}),
    "uncollectible": ([line(10000, JUNE)], {"status": "uncollectible"}),
    "void": ([line(10000, JUNE)], {}),
    "sent again": ([line(10000, JUNE), line(2000, JUNE)], {}),
    "startup": ([line(10000, JUNE)], {"starting_balance": -4000, "ending_balance": 0}),
    "mapped": ([line(10000, JUNE, product="prod_new")], {}),
    "our own": ([line(10000, JUNE)], {}),
    "draft": ([line(10000, JUNE)], {"status": "draft"}),
    "in pounds": ([line(10000, JUNE)], {"currency": "gbp"}),
    "several": ([line(10000, JUNE, product="prod_new")], {"currency": "eur"}),
}
PRODUCTS = {"prod_events": "product_analytics", "prod_new": "quantum_replay"}
SIGNED_UP, MADE, LATER = "2025-01-01 09:00", "2026-07-01 01:00", "2026-07-09 01:00"


def invoice(connection: duckdb.DuckDBPyConnection, name: str, lines: list[dict], number: int = 0, **more: Any) -> None:
    """An invoice of a customer; the same number again replaces it."""
    made = more.pop("made", MADE)
    connection.execute("delete from raw.stripe__invoices where id = ?", [f"in_{name}_{number}"])
    subtotal = sum(each["amount"] for each in lines)
    payload = {
        "id": f"in_{name}_{number}",
        "customer": f"cus_{name}",
        "status": "paid",
        "currency": "usd",
        "subtotal": subtotal,
        "total": subtotal,
        "lines": {"has_more": False, "data": [{**each, "id": f"il_{number}_{n}"} for n, each in enumerate(lines)]},
        **more,
    }
    stripe(connection, "invoices", payload, made)


def customer(connection: duckdb.DuckDBPyConnection, name: str, **metadata: str) -> None:
    connection.execute("delete from raw.stripe__customers where id = ?", [f"cus_{name}"])
    stripe(connection, "customers", {"id": f"cus_{name}", "metadata": {"organization_id": name, **metadata}}, SIGNED_UP)


def report(connection: duckdb.DuckDBPyConnection, day: str) -> None:
    """A day of usage, which makes it the data day."""
    columns = connection.execute(
        "select column_name from duckdb_columns() where schema_name = 'raw' "
        "and table_name = 'usage__usage_reports' and column_name like '%_in_period'"
    ).fetchall()
    row = {"date": day, "organization_id": "stays", "received_at": f"{day} 23:59:59", "organization_user_count": 1}
    row["received_at"] = str(date.fromordinal(date.fromisoformat(day).toordinal() + 1)) + " 02:00"
    insert(connection, "usage__usage_reports", {**row, **dict.fromkeys((name for (name,) in columns), 0)})


def write_company(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        create_missing_tables(connection)
        for name, (lines, more) in CUSTOMERS.items():
            organization = {"id": name, "name": name, "created_at": SIGNED_UP, "updated_at": SIGNED_UP}
            rest = {"customer_id": f"cus_{name}", "region": "US", "for_internal_metrics": False}
            insert(connection, "product_db__organizations", {**organization, **rest})
            customer(connection, name)
            invoice(connection, name, lines, **more)
        for product, key in PRODUCTS.items():
            stripe(connection, "products", {"id": product, "metadata": {"product_key": key}}, SIGNED_UP)
        report(connection, "2026-07-04")


def change_everything(warehouse: Path) -> None:
    """What happens after the closing, one kind of change a customer, and several to the last one."""
    with duckdb.connect(str(warehouse)) as connection:
        for name in ("credited", "several"):
            note = {"id": f"cn_{name}", "invoice": f"in_{name}_0", "status": "issued", "subtotal": 3333}
            stripe(connection, "credit_notes", note, LATER)
        invoice(connection, "billed late", [line(5000, JUNE)], 1, made=LATER)
        invoice(connection, "used late", [line(700, JUNE)], 1, made=LATER)
        for name in ("merged", "several"):
            insert(connection, "crm__account_merges", {"organization_id": name, "canonical_organization_id": "stays"})
        connection.execute(
            "update seeds.exchange_rates set usd_per_unit = usd_per_unit * 1.1 "
            "where currency = 'eur' and month = date '2026-06-01'"
        )
        connection.execute("insert into seeds.exchange_rates values (date '2026-06-01', 'chf', 1.25, 2)")
        connection.execute("update seeds.invoice_statuses set is_counted = false where status = 'uncollectible'")
        invoice(connection, "void", [line(10000, JUNE)], status="void")
        invoice(connection, "sent again", [line(9000, JUNE)])
        customer(connection, "startup", is_startup_plan="true")
        connection.execute("delete from raw.stripe__products where id = 'prod_new'")
        stripe(connection, "products", {"id": "prod_new", "metadata": {"product_key": "surveys"}}, SIGNED_UP)
        connection.execute("update raw.product_db__organizations set for_internal_metrics = true where id = 'our own'")
        invoice(connection, "draft", [line(10000, JUNE)])
        report(connection, "2026-07-10")


# Customer and cause: what they change in June, in USD, worked out by hand. The rate of June is 1.1537 before.
CHANGED = {
    ("credited", "credit_note"): "-33.33",
    ("billed late", "late_invoice"): "50.00",
    ("used late", "late_usage"): "7.00",
    ("merged", "merge"): "-100.00",
    ("in francs", "currency"): "125.00",
    ("uncollectible", "rule_changed"): "-100.00",
    ("void", "invoice_not_counted"): "-100.00",
    ("sent again", "invoice_changed"): "-30.00",
    ("startup", "startup_credit"): "-40.00",
    ("mapped", "product_mapping"): "0.00",
    ("our own", "account_left"): "-100.00",
    ("draft", "counted_later"): "100.00",
}


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """June closed as of 4 July, then everything changed, and built again as of 10 July."""
    data_dir, root = tmp_path_factory.mktemp("closed"), tmp_path_factory.mktemp("root")
    settings = Settings(data_dir=data_dir, source_root=str(root))
    write_company(settings.warehouse_path)
    models = [f"+{name},resource_type:model" for name in MODELS]
    build_models(["resource_type:seed"], settings)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("update seeds.exchange_rates set usd_per_unit = 1.0123456789 where currency = 'gbp'")
    build_models(models, settings)
    close_month(settings, JUNE_1)
    file = root / "closed_months" / "mrr_lines" / "2026-06.parquet"
    assert file.stat().st_mode & 0o222 == 0
    shutil.copyfile(settings.warehouse_path, data_dir / "before.duckdb")
    report = load_sources(settings, tables={"closed_months__mrr_lines"})
    assert report.rows_rejected == 0
    change_everything(settings.warehouse_path)
    build_models(models, settings)
    return settings


def test_each_later_change_has_its_one_cause(closed: Settings) -> None:
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for name, cause, difference in read(
        closed.data_dir,
        "select substr(invoice_id, 4, length(invoice_id) - 5), cause, difference_usd "
        "from marts.rpt_closed_month_differences where month = date '2026-06-01' "
        "and not (cause in ('merge', 'product_mapping') and difference_usd > 0 and customer_id = 'stays')",
    ):
        found[name, cause] += difference
    several = {cause: found.pop(("several", cause)) for name, cause in list(found) if name == "several"}
    euro = {cause: found.pop(("in euro", cause)) for name, cause in list(found) if name == "in euro"}
    assert found == {key: Decimal(amount) for key, amount in CHANGED.items()}
    assert euro.keys() == {"currency"}
    assert several.keys() == {"credit_note", "currency", "merge", "product_mapping"}


def test_causes_add_up_to_what_was_said_and_is_said_to_the_cent(closed: Settings) -> None:
    [(said, now, difference, explained, unexplained)] = read(
        closed.data_dir,
        "select closed_mrr_usd, mrr_usd_month, difference_usd, explained_usd, unexplained_usd "
        "from marts.rpt_closed_months",
    )
    # Summed here from the two builds' tables of revenue, which know nothing of closings.
    with duckdb.connect(str(closed.data_dir / "before.duckdb"), read_only=True) as connection:
        june = "select sum(mrr_usd_month) from marts.fct_mrr_monthly where month = date '2026-06-01'"
        [(before,)] = connection.execute(june).fetchall()
    [(after,)] = read(closed.data_dir, june)
    assert (said, now, difference) == (before, after, after - before)
    assert (explained, unexplained) == (difference, 0)
    assert difference != 0


def test_change_of_each_customer_is_that_of_its_revenue(closed: Settings) -> None:
    june = "select customer_id, mrr_usd_month from marts.fct_mrr_monthly where month = date '2026-06-01'"
    with duckdb.connect(str(closed.data_dir / "before.duckdb"), read_only=True) as connection:
        before = dict(connection.execute(june).fetchall())
    after = dict(read(closed.data_dir, june))
    changed = {
        name: after.get(name, Decimal(0)) - before.get(name, Decimal(0)) for name in before.keys() | after.keys()
    }
    assert {name: change for name, change in changed.items() if change} == {
        name: change
        for name, change in read(
            closed.data_dir,
            "select customer_id, sum(difference_usd) from marts.rpt_closed_month_differences group by customer_id",
        )
        if change
    }


def test_month_is_closed_once_and_not_before_its_time(closed: Settings) -> None:
    with pytest.raises(ClosingError, match="2026-06 is closed already"):
        close_month(closed, JUNE_1)
    with pytest.raises(ClosingError, match=r"2026-07 is not complete: .* is 2026-06"):
        close_month(closed, date(2026, 7, 1))
    with pytest.raises(ClosingError, match="2020-01 has no line"):
        close_month(closed, date(2020, 1, 1))
    folder = Path(str(closed.source_root)) / "closed_months" / "mrr_lines"
    assert [path.name for path in folder.iterdir()] == ["2026-06.parquet"]
