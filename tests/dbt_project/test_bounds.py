"""The models hold every value that the load lets pass: at the bounds of the contract nothing stops for anybody."""

import csv
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.load import load_sources
from settings import PROJECT_DIR, Settings
from tests.dbt_project.building import dbt, read
from tests.support.source_root import (
    COUNTERS,
    FIRST_DAY,
    Rows,
    company,
    instant,
    invoice,
    usage_report,
    write_source_root,
)

pytestmark = pytest.mark.slow

USAGE_COUNTERS = PROJECT_DIR / "dbt_project" / "seeds" / "usage_counters.csv"
LARGEST, MOST_MONEY, PEOPLE = 10**15, Decimal("999999999999999.99"), 10**10
LAST_DAY = FIRST_DAY + timedelta(days=40)
END = datetime(2100, 1, 1, tzinfo=UTC)
MANY_LINES = 5_000
NO_PAYER = {"customer_id": None}
PRODUCTS = sorted({row["product_key"] for row in csv.DictReader(USAGE_COUNTERS.open())})


def company_at_the_bounds() -> Rows:
    """Organization 1 has the largest value in every place, for one month or for good; the others are as usual."""
    rows = company()
    days = [FIRST_DAY + timedelta(days=n) for n in range((LAST_DAY - FIRST_DAY).days + 1)]
    rows["usage/usage_reports"] = [usage_report(day, f"org-{n}", 1_000 * n) for day in days for n in (2, 3, 4)]
    rows["usage/usage_reports"] += [usage_report(day, "org-1") | dict.fromkeys(COUNTERS, LARGEST) for day in days]
    billing = rows["billing/billing_customers"]
    for row in billing:
        row |= {"current_period_start": instant(date(2026, 4, 1)), "current_period_end": instant(date(2026, 5, 1))}
    billing[0] |= {
        "custom_limits_usd": {"product_analytics": MOST_MONEY, "session_replay": Decimal(-5)},
        "discount_percent": Decimal(0),
        "credit_balance_usd": MOST_MONEY,
        "startup_program": "startup",
        "startup_plan_start_at": instant(date(2026, 1, 1)),
        "credit_expires_at": END,
        "annual_plan_start_at": instant(date(2026, 1, 1)),
        "annual_plan_end_at": END,
    }
    # Every bill is a payment, and pays for a lot of months at the daily bill; a period as long as any, with one report.
    of_all = {
        "custom_limits_usd": dict.fromkeys(PRODUCTS, -MOST_MONEY),
        "subscribed_products": PRODUCTS,
        "credit_balance_usd": -MOST_MONEY,
    }
    of_cents = {"custom_limits_usd": {"product_analytics": Decimal("0.01")}, "credit_balance_usd": MOST_MONEY}
    of_cents |= {"startup_program": "yc", "startup_plan_start_at": instant(date(2026, 1, 1)), "credit_expires_at": END}
    long = {
        "current_period_start": instant(LAST_DAY),
        "current_period_end": instant(LAST_DAY + timedelta(days=400)),
        "subscribed_products": PRODUCTS,
    }
    for number, (changes, used_on) in enumerate([(of_all, days), (of_cents, days), (long, [LAST_DAY])], start=5):
        organization = f"org-{number}"
        payer = {"stripe_customer_id": None, "organization_id": organization}
        rows["product_db/organizations"].append(rows["product_db/organizations"][0] | {"id": organization} | NO_PAYER)
        billing.append(billing[1] | payer | changes)
        counters = dict.fromkeys(COUNTERS, 10**8 if changes is of_cents else LARGEST)
        rows["usage/usage_reports"] += [usage_report(day, organization) | counters for day in used_on]
    # A bill with too many digits between others, with a discount and a credit note as large.
    sent = [invoice(n, "cus_1", date(2026, n, 1), LARGEST if n == 2 else 5_000) for n in (1, 2, 3)]
    sent += [invoice(100 + n, "cus_1", date(2026, n, 1), LARGEST, currency="eur") for n in (1, 2, 3)]
    sent[1]["lines"]["data"][0]["discount_amounts"] = [{"amount": LARGEST}]
    sent.append(invoice(50, "cus_2", date(2026, 3, 1), 7_500))
    # So many lines that their sum has more digits than any amount.
    sent.append(invoice(60, "cus_1", date(2026, 2, 1), LARGEST))
    sent[-1]["lines"]["data"] *= MANY_LINES
    rows["stripe/invoices"] = sent
    rows["stripe/credit_notes"][0] |= {"invoice": "in_102", "lines": None, "subtotal": LARGEST}
    people = {
        "employees", "employees_180d_ago", "engineering_employees", "consumer_monthly_active_users", "social_followers"
    }  # fmt: skip
    rows["enrichment/companies"][0] |= dict.fromkeys(people, PEOPLE)
    rows["enrichment/companies"][0] |= dict.fromkeys(("estimated_annual_revenue_usd", "total_funding_usd"), MOST_MONEY)
    rows["crm/opportunities"][0] |= {"amount_usd_year": MOST_MONEY, "stakeholders": PEOPLE}
    rows["spend/sales_and_marketing"] = [
        {**rows["spend/sales_and_marketing"][0], "month": date(2026, n, 1), "amount_usd": MOST_MONEY} for n in (1, 2, 3)
    ]
    return rows


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with everything that is made of these rows, of which none is set aside."""
    folder = tmp_path_factory.mktemp("bounds")
    write_source_root(folder / "source", company_at_the_bounds())
    settings = Settings(source_root=str(folder / "source"), data_dir=folder / "data")
    assert load_sources(settings).rows_rejected == 0
    done = dbt(settings.data_dir, "build", "--exclude-resource-type", "test", "unit_test", as_of=str(LAST_DAY))
    assert done.returncode == 0, done.stdout
    return settings.data_dir


def test_a_counter_at_its_bound_is_used_and_billed_as_it_is(built: Path) -> None:
    usage = (
        f"select distinct quantity from marts.fct_usage_daily where organization_id = 'org-1' and date = '{LAST_DAY}'"
    )
    assert [value for (value,) in read(built, usage + " order by 1")] == [LARGEST // 1000, LARGEST]
    forecast = (
        "select quantity_to_date, projected_quantity from marts.fct_bill_forecast_products "
        f"where organization_id = 'org-1' and product_key = 'session_replay' and as_of_date = '{LAST_DAY}'"
    )
    assert read(built, forecast) == [(10 * LARGEST, 30 * LARGEST)]


def test_who_has_no_such_value_has_the_figures_of_always(built: Path) -> None:
    mrr = "select month, mrr_usd_month from marts.fct_mrr_monthly where customer_id = 'org-2' and mrr_usd_month <> 0"
    assert read(built, mrr) == [(date(2026, 3, 1), Decimal("75.00"))]
    largest = "select max(mrr_usd_month) from marts.fct_mrr_monthly where customer_id = 'org-1'"
    assert read(built, largest)[0][0] > LARGEST // 100


def test_negative_limit_is_the_bill_and_huge_credit_lasts_to_the_last_date(built: Path) -> None:
    bills = (
        f"select forecast_bill_usd from marts.fct_bill_forecasts where as_of_date = '{LAST_DAY}' and organization_id "
    )
    assert read(built, bills + "= 'org-5'") == [(-len(PRODUCTS) * MOST_MONEY,)]
    rolls_off = "select rolls_off_on from marts.rpt_startup_rolloffs where organization_id = 'org-6'"
    assert read(built, rolls_off) == []
    runway = (
        "select runway_days from intermediate.int_onboarding_forecasts "
        f"where organization_id = 'org-6' and as_of_date = '{LAST_DAY}'"
    )
    assert read(built, runway) == [((END.date() - LAST_DAY).days,)]


def test_the_bill_of_a_year_that_starts_with_the_largest_day_is_held(built: Path) -> None:
    quantity = (
        "select projected_quantity from marts.fct_bill_forecast_products "
        f"where organization_id = 'org-7' and product_key = 'session_replay' and as_of_date = '{LAST_DAY}'"
    )
    assert read(built, quantity) == [(400 * LARGEST,)]


def test_an_invoice_of_many_lines_is_added_up(built: Path) -> None:
    lines = "select sum(list_usd) from marts.fct_mrr_monthly where customer_id = 'org-1' and month = date '2026-02-01'"
    assert read(built, lines)[0][0] > MANY_LINES * LARGEST // 100
