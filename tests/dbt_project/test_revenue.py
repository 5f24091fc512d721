"""MRR from Stripe's objects as they are sent: each shape, interval, coupon and status, and each way to be wrong."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.contract.raw_tables import create_missing_tables
from settings import Settings
from tests.dbt_project.building import insert, read, stripe
from transform.dbt_runner import build_models

DATA_DAY = "2026-07-03"
NAMES = ("fct_mrr_movements_by", "rpt_retention", "int_revenue_findings", "int_invoice_findings")
PRODUCTS = {"prod_events": "product_analytics", "prod_boost": "boost", "prod_new": "quantum_replay"}

# Start and end of a line's period.
APRIL, MAY, JUNE = ("2026-04-01", "2026-05-01"), ("2026-05-01", "2026-06-01"), ("2026-06-01", "2026-07-01")


def unix(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def line(amount: int, period: tuple[str, str], discount: int = 0, product: str = "prod_events", **more: Any) -> dict:
    """A recurring line in the older shape of the API."""
    return {
        "amount": amount,
        "subscription": "sub_1",
        "proration": False,
        "price": {"product": product},
        "discount_amounts": [{"amount": discount, "discount": "di_1"}] if discount else [],
        "period": {"start": unix(period[0]), "end": unix(period[1])},
        **more,
    }


def newer(line: dict) -> dict:
    """The same line in the newer shape."""
    kept = {name: line[name] for name in ("amount", "discount_amounts", "period")}
    details = {"subscription": line["subscription"], "proration": line["proration"]}
    return {
        **kept,
        "parent": {"type": "subscription_item_details", "subscription_item_details": details},
        "pricing": {"type": "price_details", "price_details": line["price"]},
    }


SHAPED = [
    line(60000, JUNE, discount=10000),
    line(-5000, JUNE, product="prod_boost", proration=True),
    line(2500, JUNE, product="prod_boost"),
]

# Customer: the lines of its invoices, one invoice each, and what the invoices have that others have not.
CUSTOMERS: dict[str, tuple[list[list[dict]], dict[str, Any]]] = {
    "old shape": ([SHAPED], {"tax": 900, "subscription": "sub_1"}),
    "new shape": (
        [[newer(each) for each in SHAPED]],
        {"total_taxes": [{"amount": 900}], "parent": {"subscription_details": {"subscription": "sub_1"}}},
    ),
    "a year": ([[line(120007, ("2025-07-01", "2026-07-01"))]], {}),
    "six months": ([[line(60000, ("2026-01-15", "2026-07-15"))]], {}),
    "a quarter": ([[line(30001, ("2026-04-01", "2026-07-01"))]], {}),
    "a month": ([[line(10000, ("2026-05-31", "2026-06-30"))]], {}),
    "weeks": ([[line(700, (f"2026-06-{day:02}", f"2026-06-{day + 7:02}"))] for day in (1, 8, 15, 22)], {}),
    "a week into the next month": ([[line(700, ("2026-06-29", "2026-07-06"))]], {}),
    "tiers, one a line": ([[line(0, JUNE), line(5000, JUNE), line(-1000, JUNE)]], {}),
    "coupon once": ([[line(10000, APRIL, 5000)], [line(10000, MAY)], [line(10000, JUNE)]], {}),
    "coupon for two months": ([[line(10000, APRIL, 2500)], [line(10000, MAY, 2500)], [line(10000, JUNE)]], {}),
    "coupon for ever": ([[line(10000, period, 1500)] for period in (APRIL, MAY, JUNE)], {}),
    "trial first": ([[line(0, APRIL)], [line(10000, MAY)], [line(10000, JUNE)]], {}),
    "gone in its first month": ([[line(1000, ("2026-04-05", "2026-04-20"))]], {}),
    "away for a month": ([[line(1000, APRIL)], [line(3000, JUNE)]], {}),
    "grows and shrinks": ([[line(1000, APRIL)], [line(3000, MAY)], [line(2000, JUNE)]], {}),
    "draft": ([[line(1000, JUNE)]], {"status": "draft"}),
    "void": ([[line(1000, JUNE)]], {"status": "void"}),
    "open": ([[line(1000, JUNE)]], {"status": "open"}),
    "uncollectible": ([[line(1000, JUNE)]], {"status": "uncollectible"}),
    "one-off": ([[line(1000, JUNE, subscription=None)]], {}),
    "yen beside dollars": ([[line(10000, JUNE)], [line(10000, JUNE)]], {"currencies": ["usd", "jpy"]}),
    "no rate": ([[line(2000, JUNE)], [line(10000, JUNE)]], {"currencies": ["usd", "chf"]}),
    "unmapped": ([[line(1000, JUNE, product="prod_new"), line(500, JUNE)]], {}),
    "wrong subtotal": ([[line(1000, JUNE), line(500, JUNE)]], {"subtotal": 1400}),
    "credited too much": ([[line(10000, JUNE)]], {}),
    "backwards": ([[line(1000, ("2026-06-15", "2026-05-15"))]], {}),
    "deleted in Stripe": ([[line(1000, JUNE)]], {}),
}  # fmt: skip

EXPECTED = {
    "old shape": {"06": "525.00"},
    "new shape": {"06": "525.00"},
    "a year": {**dict.fromkeys(("01", "02", "03", "04", "05"), "100.00"), "06": "100.07"},
    "six months": dict.fromkeys(("02", "03", "04", "05", "06"), "100.00"),
    "a quarter": {"04": "100.00", "05": "100.00", "06": "100.01"},
    "a month": {"06": "100.00"},
    "weeks": {"06": "28.00"},
    "tiers, one a line": {"06": "40.00"},
    "coupon once": {"04": "50.00", "05": "100.00", "06": "100.00"},
    "coupon for two months": {"04": "75.00", "05": "75.00", "06": "100.00"},
    "coupon for ever": {"04": "85.00", "05": "85.00", "06": "85.00"},
    "trial first": {"05": "100.00", "06": "100.00"},
    "gone in its first month": {"04": "10.00"},
    "away for a month": {"04": "10.00", "06": "30.00"},
    "grows and shrinks": {"04": "10.00", "05": "30.00", "06": "20.00"},
    "open": {"06": "10.00"},
    "uncollectible": {"06": "10.00"},
    "no rate": {"06": "20.00"},
    "unmapped": {"06": "15.00"},
    "wrong subtotal": {"06": "15.00"},
    "credited too much": {"06": "-50.00"},
    "backwards": {"06": "10.00"},
    "deleted in Stripe": {"06": "10.00"},
}


def write_invoices(connection: duckdb.DuckDBPyConnection, name: str, invoices: list[list[dict]], more: dict) -> None:
    currencies = more.get("currencies", ["usd"] * len(invoices))
    for number, (lines, currency) in enumerate(zip(invoices, currencies, strict=True)):
        subtotal = sum(each["amount"] for each in lines)
        discount = sum(each["amount"] for line in lines for each in line.get("discount_amounts", []))
        taxes = [each["amount"] for each in more.get("total_taxes", [])]
        identified = [{**each, "id": f"il_{name}_{number}_{n}"} for n, each in enumerate(lines)]
        payload = {
            "id": f"in_{name}_{number}",
            "customer": f"cus_{name}",
            "status": "paid",
            "currency": currency,
            "subtotal": subtotal,
            "total": subtotal - discount + sum(taxes) + more.get("tax", 0),
            "lines": {"has_more": False, "data": identified},
            **{key: value for key, value in more.items() if key != "currencies"},
        }
        stripe(connection, "invoices", payload, "2026-06-20 01:00")


def write_company(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        create_missing_tables(connection)
        signed_up = "2025-01-01 09:00"
        for name, (invoices, more) in CUSTOMERS.items():
            organization = {"id": name, "name": name, "created_at": signed_up, "updated_at": signed_up}
            rest = {"customer_id": f"cus_{name}", "region": "US", "for_internal_metrics": False}
            insert(connection, "product_db__organizations", {**organization, **rest})
            if name == "deleted in Stripe":
                customer = {"id": f"cus_{name}", "object": "customer", "deleted": True}
            else:
                customer = {"id": f"cus_{name}", "metadata": {"organization_id": name}}
            stripe(connection, "customers", customer, signed_up)
            write_invoices(connection, name, invoices, more)
        for product, key in PRODUCTS.items():
            stripe(connection, "products", {"id": product, "metadata": {"product_key": key}}, signed_up)
        note = {"id": "cn_1", "invoice": "in_credited too much_0", "status": "issued", "subtotal": 15000}
        stripe(connection, "credit_notes", note, "2026-06-21")
        subscription = {"id": "sub_1", "customer": "cus_a month", "status": "canceled", "ended_at": unix("2026-05-30")}
        stripe(connection, "subscriptions", subscription, "2026-05-31")
        for merged, canonical in (("open", "open"), ("weeks", "nobody")):
            insert(
                connection, "crm__account_merges", {"organization_id": merged, "canonical_organization_id": canonical}
            )
        counters = [
            name
            for (name,) in connection.execute(
                "select column_name from duckdb_columns() where schema_name = 'raw' "
                "and table_name = 'usage__usage_reports' and column_name like '%_in_period'"
            ).fetchall()
        ]
        report = {"date": DATA_DAY, "organization_id": "a month", "received_at": "2026-07-04 02:00"}
        insert(
            connection,
            "usage__usage_reports",
            {**report, "organization_user_count": 1, **dict.fromkeys(counters, 0), "event_count_in_period": 5},
        )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data_dir = tmp_path_factory.mktemp("revenue")
    write_company(data_dir / "warehouse.duckdb")
    models = [f"+{name},resource_type:model" for name in NAMES]
    build_models(["resource_type:seed", *models], Settings(data_dir=data_dir))
    return data_dir


@pytest.fixture(scope="module")
def mrr(built: Path) -> dict[str, dict[str, Decimal]]:
    """Customer to its months of 2026 (their two digits) with MRR."""
    query = "select customer_id, month, mrr_usd_month from marts.fct_mrr_monthly where mrr_usd_month <> 0"
    found: dict[str, dict[str, Decimal]] = {name: {} for name in CUSTOMERS}
    for customer, month, amount in read(built, f"{query} and month >= date '2026-01-01' order by 1, 2"):
        found[customer][f"{month:%m}"] = amount
    return found


@pytest.mark.parametrize("name", [name for name in CUSTOMERS if name != "yen beside dollars"])
def test_mrr_of_what_stripe_sends_is_what_was_worked_out_by_hand(mrr: dict, name: str) -> None:
    assert mrr[name] == {month: Decimal(amount) for month, amount in EXPECTED.get(name, {}).items()}


def test_customer_in_two_currencies_is_added_up_in_dollars(built: Path, mrr: dict) -> None:
    [(rate,)] = read(
        built, "select usd_per_unit from seeds.exchange_rates where currency = 'jpy' and month = date '2026-06-01'"
    )
    assert mrr["yen beside dollars"] == {"06": round(Decimal(100) + 10000 * rate, 2)}


def test_movements_are_named_for_what_the_customer_did(built: Path) -> None:
    names = ("gone in its first month", "away for a month", "grows and shrinks", "trial first")
    moved = read(
        built, f"select customer_id, month, movement from marts.fct_mrr_movements where customer_id in {names}"
    )
    assert sorted(moved) == [
        ("away for a month", date(2026, 4, 1), "new"),
        ("away for a month", date(2026, 5, 1), "churn"),
        ("away for a month", date(2026, 6, 1), "reactivation"),
        ("gone in its first month", date(2026, 4, 1), "new"),
        ("gone in its first month", date(2026, 5, 1), "churn"),
        ("grows and shrinks", date(2026, 4, 1), "new"),
        ("grows and shrinks", date(2026, 5, 1), "expansion"),
        ("grows and shrinks", date(2026, 6, 1), "contraction"),
        ("trial first", date(2026, 5, 1), "new"),
    ]


def test_product_that_no_seed_knows_is_in_the_total(built: Path) -> None:
    products = read(
        built, "select product_key, mrr_usd_month from marts.fct_mrr_products where customer_id = 'unmapped' order by 1"
    )
    assert products == [("product_analytics", Decimal("5.00")), ("unmapped", Decimal("10.00"))]


def test_line_without_a_rate_is_left_out_and_kept_in_sight(built: Path) -> None:
    left_out = read(
        built,
        "select customer_id, currency, list_minor, list_usd from intermediate.int_mrr_lines "
        "where not has_exchange_rate",
    )
    assert left_out == [("no rate", "chf", 10000, None)]


def test_what_is_doubtful_is_listed(built: Path) -> None:
    listed = read(
        built,
        "select finding, subject, cast(figure as int) from intermediate.int_revenue_findings union all "
        "select finding, subject, cast(figure as int) from intermediate.int_invoice_findings order by 1, 2",
    )
    assert listed == [
        ("credit_notes_above_invoice", "in_credited too much_0", 5000),
        ("customer_in_several_currencies", "no rate", 2),
        ("customer_in_several_currencies", "yen beside dollars", 2),
        ("invoice_lines_differ_from_subtotal", "in_wrong subtotal_0", 100),
        ("invoices_of_deleted_stripe_customer", "cus_deleted in Stripe", 1),
        ("line_ends_before_it_starts", "in_backwards_0 line 1 (il_backwards_0_0)", 1000),
        ("merge_to_itself", "open", 1),
        ("merge_with_unknown_organization", "weeks", 1),
        ("subscription_ends_before_it_starts", "sub_1", 86400),
    ]
