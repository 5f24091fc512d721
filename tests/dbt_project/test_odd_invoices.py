"""Invoices, links and terms as no rule expects them, all in one source root that is loaded and built.

Each customer has the MRR that was worked out by hand: no odd row changes another's figures. Each is listed by its id.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from expectations.gate import check_suites
from expectations.suites import load_suites
from ingestion.load import load_sources
from settings import Settings
from tests.dbt_project.building import read
from tests.support.source_root import COUNTERS, Row, write_source_root
from transform.dbt_runner import build_models
from warehouse.connection import connect

pytestmark = pytest.mark.slow

DATA_DAY = date(2026, 10, 15)
SIGNED_UP = datetime(2025, 1, 5, tzinfo=UTC)
LARGEST = 10**15
SEPTEMBER = ("2026-09-01", "2026-10-01")
YEAR_2026 = ("2026-01-01", "2027-01-01")
MONTHS_OF_2026 = [f"{month:02}" for month in range(1, 10)]


def unix(instant: str) -> int:
    return int(datetime.fromisoformat(instant).replace(tzinfo=UTC).timestamp())


def line(amount: int, period: tuple[str, str] = SEPTEMBER, **more: Any) -> Row:
    """A subscription's own line in the older shape of the API."""
    return {
        "id": "il_1",
        "amount": amount,
        "type": "subscription",
        "subscription": "sub_1",
        "proration": False,
        "price": {"product": "prod_1", "type": "recurring"},
        "period": {"start": unix(period[0]), "end": unix(period[1])},
        **more,
    }


def new_line(
    kind: str, amount: int, period: tuple[str, str] = SEPTEMBER, price: str = "price_month", **more: Any
) -> Row:
    """A line in the newer shape, whose parent is of `kind`."""
    details = {"subscription": "sub_1", "proration": more.pop("proration", False)}
    return {
        "id": "il_1",
        "amount": amount,
        "parent": {"type": kind, kind: details},
        "pricing": {"type": "price_details", "price_details": {"price": price, "product": "prod_1"}},
        "period": {"start": unix(period[0]), "end": unix(period[1])},
        **more,
    }


def inclusive(amount: int, tax: int) -> Row:
    return {"amount": amount, "tax_amounts": [{"amount": tax, "inclusive": True}]}


FEE: Row = {"type": "invoiceitem", "price": {"id": "price_fee", "product": "prod_1", "type": "one_time"}}
MONTHLY = {"product": "prod_1", "type": "recurring", "recurring": {"interval": "month", "interval_count": 1}}
NO_LENGTH = ("2026-09-01", "2026-09-01")
GRANT = [{"amount": 400_000, "type": "credit_balance_transaction"}]

# Customer: the lines of its invoices, one invoice each; a line alone is an invoice of that line.
INVOICES: dict[str, list[list[Row]]] = {
    "plain": [
        [line(10_000, (f"2026-{month:02}-01", f"2026-{month + 1:02}-01"))] for month in range(1, 10)
    ],
    "annual-cancel": [
        [line(1_200_000, YEAR_2026)],
        [line(-900_000, ("2026-04-01", "2027-01-01"), proration=True)],
    ],
    "annual-upgrade": [
        [line(1_200_000, YEAR_2026)],
        [
            line(-600_000, ("2026-07-01", "2027-01-01"), proration=True),
            line(1_200_000, ("2026-07-01", "2027-01-01"), proration=True, id="il_2"),
        ],
    ],
    "annual-cancel-new-shape": [
        [new_line("subscription_item_details", 1_200_000, ("2026-01-12", "2027-01-12"), "price_year")],
        [new_line("invoice_item_details", -900_000, ("2026-04-12", "2027-01-12"), "price_year", proration=True)],
    ],
    "cancelled-in-the-last-month": [
        [new_line("subscription_item_details", 1_200_000, ("2025-10-01", "2026-10-01"), "price_year")],
        [new_line("subscription_item_details", -50_000, ("2026-09-16", "2026-10-01"), "price_year", proration=True)],
    ],
    "monthly-upgrade": [
        [
            line(10_000),
            line(-5_000, ("2026-09-16", "2026-10-01"), proration=True, price=MONTHLY),
            line(10_000, ("2026-09-16", "2026-10-01"), proration=True, price=MONTHLY),
            new_line("invoice_item_details", 7_000, ("2026-09-16", "2026-10-01"), proration=True),
        ]
    ],
    "grant-of-nobody": [[line(400_000, pretax_credit_amounts=GRANT)]],
    "grant-of-a-startup": [[line(400_000, pretax_credit_amounts=GRANT)]],
    "grant-of-a-contract": [[line(400_000, pretax_credit_amounts=GRANT)]],
    "setup-fee": [[line(10_000), line(500_000, NO_LENGTH, **FEE)]],
    "setup-fee-new-shape": [
        [
            new_line("subscription_item_details", 10_000),
            new_line("invoice_item_details", 500_000, NO_LENGTH, "price_fee"),
        ]
    ],
    "setup-fee-of-no-type": [
        [line(10_000, type=None), line(500_000, type=None, price={"product": "prod_1", "type": "one_time"})]
    ],
    "no-length": [[line(5_000, ("2026-09-30T23:59:59", "2026-09-30T23:59:59"))]],
    "same-line-id": [[line(10_000, id="sub_1"), line(20_000, id="sub_1")]],
    "same-line-id-credited": [[line(10_000, id="sub_1"), line(20_000, id="sub_1")]],
    "old-shape": [[line(10_000, subscription=None)]],
    "licence": [[new_line("license_fee_subscription_details", 10_000)]],
    "unknown-parent": [[line(10_000), new_line("gift_details", 7_700, id="il_2")]],
    "fee-alone": [[line(3_300, **FEE)]],
    "a-hundred-years": [[line(120_000, ("2000-01-01", "2100-01-01"))]],
    "inclusive-tax": [[line(period=SEPTEMBER, **inclusive(12_000, 2_000))]],
    "inclusive-tax-credited": [[line(period=SEPTEMBER, **inclusive(12_000, 2_000))]],
    "inclusive-tax-new-shape": [
        [new_line("subscription_item_details", 11_900, taxes=[{"amount": 1_900, "tax_behavior": "inclusive"}])]
    ],
    "amount-without-tax": [[line(12_000, amount_excluding_tax=10_000)]],
    "discount-on-the-invoice": [[line(10_000)]],
    "backwards": [[line(10_000, ("2026-09-15", "2026-08-15"))]],
    "a-cent-off": [[line(10_000)]],
    "largest": [[line(LARGEST)], [line(LARGEST)], [line(LARGEST, YEAR_2026)], [line(-LARGEST, id="il_2")]],
    "largest-after-small": [
        *[[line(100_000, (f"2026-{month:02}-01", f"2026-{month + 1:02}-01"))] for month in range(1, 9)],
        [line(LARGEST)],
    ],
    "largest-startup": [[line(LARGEST, discount_amounts=[{"amount": LARGEST - 1}])]],
    "largest-in-yen": [[line(LARGEST)]],
    "pooled-first": [[line(60_000)]],
    "link-to-nobody": [[line(10_000)]],
}  # fmt: skip

# What an invoice of a customer has that those of others have not.
OF_INVOICES: dict[str, Row] = {
    "discount-on-the-invoice": {"total": 8_000, "total_discount_amounts": [{"amount": 2_000, "discount": "di_1"}]},
    "a-cent-off": {"subtotal": 10_001},
    "largest-startup": {"starting_balance": -LARGEST, "ending_balance": LARGEST},
    "largest-in-yen": {"currency": "jpy"},
    "pooled-first": {"starting_balance": -60_000, "ending_balance": 0},
    "fee-alone": {"subscription": "sub_1"},
}

# What billing says of a customer beside that it has a subscription; none is said of those that are None.
TERMS: dict[str, Row | None] = {
    "grant-of-a-startup": {"startup_program": "yc"},
    "grant-of-a-contract": {
        "annual_plan_start_at": datetime(2026, 1, 1, tzinfo=UTC),
        "annual_plan_end_at": datetime(2027, 1, 1, tzinfo=UTC),
    },
    "largest-startup": {"startup_program": "startup"},
    "pooled-first": None,
    "pooled-second": {"stripe_customer_id": "cus_pooled-first"},
    "pooled-third": {
        "stripe_customer_id": "cus_pooled-first",
        "startup_program": "startup",
        "has_active_subscription": False,
    },
    "backwards": {"custom_limits_usd": {"product_analytics": -5}},
}
SHARERS = [f"sharer-{number:02}" for number in range(1, 21)]

CREDIT_NOTES = {
    "same-line-id-credited": {"lines": {"data": [{"id": "cnli_1", "invoice_line_item": "sub_1", "amount": 6_000}]}},
    "inclusive-tax-credited": {
        "lines": {"data": [{"id": "cnli_1", "invoice_line_item": "il_1", **inclusive(6_000, 1_000)}]}
    },
}

HUNDRED = {"09": "100.00"}
EXPECTED: dict[str, dict[str, str]] = {
    "plain": dict.fromkeys(MONTHS_OF_2026, "100.00"),
    "annual-cancel": dict.fromkeys(MONTHS_OF_2026[:3], "1000.00"),
    "annual-upgrade": {**dict.fromkeys(MONTHS_OF_2026[:6], "1000.00"), **dict.fromkeys(MONTHS_OF_2026[6:], "2000.00")},
    "annual-cancel-new-shape": dict.fromkeys(MONTHS_OF_2026[1:4], "1000.00"),
    "cancelled-in-the-last-month": {**dict.fromkeys(MONTHS_OF_2026[:8], "1000.00"), "09": "500.00"},
    "monthly-upgrade": HUNDRED,
    "grant-of-nobody": {"09": "4000.00"},
    "grant-of-a-startup": {},
    "grant-of-a-contract": {"09": "4000.00"},
    "setup-fee": HUNDRED,
    "setup-fee-new-shape": HUNDRED,
    "setup-fee-of-no-type": HUNDRED,
    "no-length": {"09": "50.00"},
    "same-line-id": {"09": "300.00"},
    "same-line-id-credited": {"09": "240.00"},
    "old-shape": HUNDRED,
    "licence": HUNDRED,
    "unknown-parent": HUNDRED,
    "a-hundred-years": dict.fromkeys(MONTHS_OF_2026, "1.00"),
    "inclusive-tax": HUNDRED,
    "inclusive-tax-credited": {"09": "50.00"},
    "inclusive-tax-new-shape": HUNDRED,
    "amount-without-tax": HUNDRED,
    "discount-on-the-invoice": HUNDRED,
    "backwards": HUNDRED,
    "a-cent-off": HUNDRED,
    "largest": {
        **dict.fromkeys(MONTHS_OF_2026[:8], "833333333333.33"),
        "09": "10833333333333.33",
    },
    "largest-after-small": {**dict.fromkeys(MONTHS_OF_2026[:8], "1000.00"), "09": "10000000000000.00"},
    "largest-startup": {},
}  # fmt: skip


def organization(name: str, stripe_customer: str | None, number: int) -> Row:
    created = SIGNED_UP.replace(hour=number // 60, minute=number % 60)
    common = {"region": "US", "for_internal_metrics": False, "created_at": created, "updated_at": created}
    return {"id": name, "name": name, "customer_id": stripe_customer, **common}


def billing_customer(name: str, terms: Row) -> Row:
    return {
        "organization_id": name,
        "stripe_customer_id": f"cus_{name}",
        "has_active_subscription": True,
        "subscribed_products": ["product_analytics"],
        "current_period_start": datetime(2026, 10, 1, tzinfo=UTC),
        "current_period_end": datetime(2026, 11, 1, tzinfo=UTC),
        "custom_limits_usd": {},
        "discount_percent": Decimal(0),
        "credit_balance_usd": Decimal(0),
        "updated_at": SIGNED_UP,
        **terms,
    }


def invoices_of(name: str) -> list[Row]:
    sent = []
    for number, lines in enumerate(INVOICES[name]):
        total = sum(each["amount"] - sum(d["amount"] for d in each.get("discount_amounts", [])) for each in lines)
        total -= sum(grant["amount"] for each in lines for grant in each.get("pretax_credit_amounts", []))
        sent.append(
            {
                "id": f"in_{name}_{number}",
                "object": "invoice",
                "livemode": True,
                "created": unix("2026-10-01T01:00"),
                "customer": f"cus_{name}",
                "status": "paid",
                "currency": "usd",
                "subtotal": sum(each["amount"] for each in lines),
                "total": total,
                "lines": {"has_more": False, "data": lines},
                **OF_INVOICES.get(name, {}),
            }
        )
    return sent


def company() -> dict[str, list[Row]]:
    owners = [*INVOICES, "pooled-second", "pooled-third", "link-to-nobody-too"]
    stripe_customers = {
        **{name: f"cus_{name}" for name in owners},
        "pooled-second": "cus_pooled-first",
        "pooled-third": None,
        "link-to-nobody-too": "cus_link-to-nobody",
        **dict.fromkeys(SHARERS, "cus_shared"),
    }
    created = unix("2025-01-05")
    common = {"livemode": True, "created": created}
    report = {"date": DATA_DAY, "received_at": datetime(2026, 10, 16, 1, tzinfo=UTC), "organization_user_count": 1}
    held = [f"cus_{name}" for name in INVOICES if name != "link-to-nobody"]
    return {
        "product_db/organizations": [
            organization(name, customer, number) for number, (name, customer) in enumerate(stripe_customers.items())
        ],
        "product_db/users": [],
        "product_db/organization_memberships": [],
        "usage/usage_reports": [
            {**report, "organization_id": "plain", **dict.fromkeys(COUNTERS, 0), "event_count_in_period": 10}
        ],
        "billing/billing_customers": [
            billing_customer(name, terms)
            for name in owners
            if name != "link-to-nobody-too" and (terms := TERMS.get(name, {})) is not None
        ],
        "stripe/customers": [
            {"id": customer, "object": "customer", **common, "metadata": {}} for customer in [*held, "cus_shared"]
        ],
        "stripe/products": [
            {"id": "prod_1", "object": "product", **common, "metadata": {"product_key": "product_analytics"}}
        ],
        "stripe/prices": [
            {"id": price, "object": "price", **common, "product": "prod_1", "type": kind, "recurring": recurring}
            for price, kind, recurring in (
                ("price_month", "recurring", {"interval": "month", "interval_count": 1}),
                ("price_year", "recurring", {"interval": "year", "interval_count": 1}),
                ("price_fee", "one_time", None),
            )
        ],
        "stripe/subscriptions": [],
        "stripe/invoices": [sent for name in INVOICES for sent in invoices_of(name)],
        "stripe/credit_notes": [
            {
                "id": f"cn_{name}",
                "object": "credit_note",
                "livemode": True,
                "created": unix("2026-10-02"),
                "invoice": f"in_{name}_0",
                "status": "issued",
                **note,
            }
            for name, note in CREDIT_NOTES.items()
        ],
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd")
    root = write_source_root(folder / "source", company(), "jsonl")
    settings = Settings(source_root=str(root), data_dir=folder / "data")
    load_sources(settings)
    build_models(["resource_type:seed", "resource_type:model"], settings)
    return folder / "data"


@pytest.fixture(scope="module")
def mrr(built: Path) -> dict[str, dict[str, Decimal]]:
    """Customer to its months of 2026 (their two digits) with MRR."""
    query = "select customer_id, month, mrr_usd_month from marts.fct_mrr_monthly where mrr_usd_month <> 0"
    found: dict[str, dict[str, Decimal]] = {name: {} for name in INVOICES}
    for customer, month, amount in read(built, f"{query} and month >= date '2026-01-01' order by 1, 2"):
        found[customer][f"{month:%m}"] = amount
    return found


@pytest.mark.parametrize("name", [name for name in INVOICES if name != "largest-in-yen"])
def test_mrr_is_what_was_worked_out_by_hand(mrr: dict, name: str) -> None:
    assert mrr[name] == {month: Decimal(amount) for month, amount in EXPECTED.get(name, {}).items()}


def test_largest_amount_is_converted(built: Path, mrr: dict) -> None:
    [(rate,)] = read(
        built, "select usd_per_unit from seeds.exchange_rates where currency = 'jpy' and month = date '2026-09-01'"
    )
    assert mrr["largest-in-yen"] == {"09": LARGEST * rate}


def test_line_of_a_hundred_years_changes_no_history(built: Path) -> None:
    found = read(
        built,
        "select customer_id, min(month), max(month), count(*) from marts.fct_mrr_monthly "
        "where customer_id in ('a-hundred-years', 'plain', 'setup-fee') group by 1 order by 1",
    )
    september = date(2026, 9, 1)
    assert found == [
        ("a-hundred-years", date(2000, 1, 1), september, 321),
        ("plain", date(2026, 1, 1), september, 9),
        ("setup-fee", september, september, 1),
    ]
    slices = "select count(*), sum(list_minor) from intermediate.int_mrr_lines where customer_id = 'a-hundred-years'"
    assert read(built, slices) == [(1200, 120_000)]


def test_credit_grant_lowers_mrr_only_on_the_startup_plan(built: Path) -> None:
    found = read(
        built,
        "select customer_id, list_usd, credit_applied_usd from marts.fct_mrr_monthly "
        "where customer_id like 'grant%' order by 1",
    )
    grant, nothing = Decimal("4000.00"), Decimal("0.00")
    assert found == [
        ("grant-of-a-contract", grant, nothing),
        ("grant-of-a-startup", grant, grant),
        ("grant-of-nobody", grant, nothing),
    ]


def test_account_has_the_startup_plan_of_any_of_its_organizations(built: Path) -> None:
    columns = "customer_id, credit_applied_usd, mrr_usd_month"
    query = f"select {columns} from marts.fct_mrr_monthly where customer_id like 'pooled%'"
    assert read(built, query) == [("pooled-first", Decimal("600.00"), Decimal("0.00"))]
    assert read(built, "select count(*) from marts.fct_mrr_movements where customer_id like 'pooled%'") == [(0,)]


def test_stripe_customer_that_no_file_holds_joins_nothing(built: Path) -> None:
    query = "select organization_id, customer_id from intermediate.int_customers where organization_id like 'link%'"
    assert sorted(read(built, query)) == [
        ("link-to-nobody", "link-to-nobody"),
        ("link-to-nobody-too", "link-to-nobody-too"),
    ]


def test_bill_paid_by_credit_is_no_payment(built: Path) -> None:
    query = "select customer_id, bill_number from intermediate.int_paid_bills where customer_id in "
    assert read(built, f"{query} ('pooled-first', 'grant-of-a-startup', 'old-shape')") == [("old-shape", 1)]


def test_each_odd_row_is_listed_by_its_id(built: Path) -> None:
    listed = read(
        built,
        "select finding, subject, cast(figure as bigint) from intermediate.int_invoice_findings union all "
        "select finding, subject, cast(figure as bigint) from intermediate.int_billing_findings order by 1, 2",
    )
    assert listed == [
        ("credit_grant_outside_a_plan", "in_grant-of-nobody_0", 400_000),
        ("invoice_lines_differ_from_subtotal", "in_a-cent-off_0", -1),
        ("invoice_total_not_explained", "in_discount-on-the-invoice_0", 2_000),
        ("line_ends_before_it_starts", "in_backwards_0 line 1 (il_1)", 10_000),
        ("line_of_unknown_kind", "in_unknown-parent_0 line 2 (il_2)", 7_700),
        ("negative_spend_limit", "backwards product_analytics", -5),
        ("stripe_customer_not_held", "cus_link-to-nobody of organization link-to-nobody", 1),
        ("stripe_customer_not_held", "cus_link-to-nobody of organization link-to-nobody-too", 1),
        ("stripe_customer_shared_by_many", "cus_shared", 20),
        ("subscription_without_recurring_line", "in_fee-alone_0", 3_300),
    ]


def test_no_gate_of_revenue_blocks(built: Path) -> None:
    looked_at = ("fct_mrr_monthly", "fct_mrr_movements", "fct_mrr_products")
    suites = [suite for suite in load_suites() if suite.table in looked_at or suite.table.startswith("stg_stripe__")]
    with connect(built / "warehouse.duckdb", read_only=True) as connection:
        results = check_suites(connection, suites, DATA_DAY)
    assert len(results) > 20
    assert [r for r in results if r.severity == "critical" and r.status != "passed"] == []
