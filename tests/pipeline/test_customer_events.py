"""A customer's history is what the other tables say of it, counted a second time in Python."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from serving.reader import snapshot
from settings import Settings
from tests.support.running import read

Rows = list[dict[str, Any]]
Event = tuple[str, date, str, str, str | None, Decimal | None]
TABLES = (
    "dim_organizations",
    "fct_account_routing_history",
    "fct_bill_forecasts",
    "fct_mrr_monthly",
    "fct_mrr_movements",
    "fct_onboarding_queue",
    "fct_organization_segments",
    "rpt_account_risk",
    "rpt_cross_sell",
)
# What the tables of the input contract know, which are not published; the unit tests of the models count these.
OF_SOURCES = ("bill_paid", "bill_unpaid", "credit_started", "credit_ended", "owner_came", "owner_left")
TIERS = (("large", 100_000), ("medium", 5_000), ("small", 1_000), ("micro", Decimal("0.01")), ("none", 0))
BANDS = (("1m", 1_000_000), ("50k", 50_000), ("25k", 25_000), ("below", 0))
LINES = {"onboarding": Decimal(500), "sales_lead": Decimal("1666.67")}


def test_the_history_of_a_company_that_was_worked_out_by_hand(undisturbed: Path) -> None:
    # Forecasts are estimates, and so is what a list makes of them.
    assert read(
        undisturbed,
        "select day, kind, subject, what, figure from marts.fct_customer_events where customer_id = 'org-acme' "
        "and kind not in ('signal_fired', 'signal_ended', 'forecast_crossed_line') order by day, kind, subject",
    ) == [
        (date(2026, 8, 3), "signed_up", "org-acme", "word_of_mouth", None),
        (date(2026, 8, 4), "activated", "org-acme", None, None),
        (date(2026, 8, 4), "product_first_used", "product_analytics", None, None),
        (date(2026, 9, 1), "signed_up", "org-acme-eu", "not_stated", None),
        (date(2026, 9, 9), "activated", "org-acme-eu", None, None),
        (date(2026, 9, 10), "bill_paid", "in_1", "paid", Decimal("50.0000")),
        (date(2026, 10, 3), "mrr_moved", "2026-09-01", "new", Decimal("50.0000")),
        (date(2026, 10, 3), "tier_changed", "size_tier", "none to micro", Decimal("600.0000")),
        (date(2026, 10, 10), "bill_paid", "in_2", "paid", Decimal("324.4000")),
        (date(2026, 11, 3), "mrr_moved", "2026-10-01", "expansion", Decimal("274.4000")),
        (date(2026, 11, 3), "tier_changed", "size_tier", "micro to small", Decimal("3892.8000")),
    ]


def closes_on(month: date) -> date:
    """Three days after the last day of the month."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) + timedelta(days=2)


def place(bounds: tuple, arr_usd_year: Decimal) -> str:
    return next(name for name, bound in bounds if max(arr_usd_year, Decimal(0)) >= bound)


def of_sign_ups(tables: dict[str, Rows], customer: str) -> list[Event]:
    found: list[Event] = []
    for row in tables["dim_organizations"]:
        if row["customer_id"] == customer:
            channel = row["signup_channel"] or "not_stated"
            found.append((customer, row["created_at"].date(), "signed_up", row["organization_id"], channel, None))
            if row["activated_at"]:
                found.append((customer, row["activated_at"], "activated", row["organization_id"], None, None))
    return found


def of_months(tables: dict[str, Rows], customer: str) -> list[Event]:
    found: list[Event] = []
    months = sorted(
        (row["month"], row["arr_usd_year"]) for row in tables["fct_mrr_monthly"] if row["customer_id"] == customer
    )
    for (_, before), (month, arr) in pairwise([(date.min, Decimal(0)), *months]):
        for kind, attribute, bounds in (("tier_changed", "size_tier", TIERS), ("band_changed", "arr_mix_band", BANDS)):
            if place(bounds, before) != place(bounds, arr):
                change = f"{place(bounds, before)} to {place(bounds, arr)}"
                found.append((customer, closes_on(month), kind, attribute, change, arr))
        if arr != before:
            names = {
                row["month"]: row["movement"] for row in tables["fct_mrr_movements"] if row["customer_id"] == customer
            }
            found.append((customer, closes_on(month), "mrr_moved", str(month), names[month], (arr - before) / 12))
    return found


def of_segments(tables: dict[str, Rows], customer: str) -> list[Event]:
    spans = sorted(
        (row["valid_from"], row["icp_segment"])
        for row in tables["fct_organization_segments"]
        if row["organization_id"] == customer
    )
    return [
        (customer, day, "segment_changed", "icp_segment", f"{before} to {after}", None)
        for (_, before), (day, after) in pairwise(spans)
        if before != after
    ]


def of_forecasts(tables: dict[str, Rows], customer: str) -> list[Event]:
    accounts = {row["organization_id"] for row in tables["dim_organizations"] if row["customer_id"] == customer}
    days: dict[date, Decimal] = defaultdict(Decimal)
    for row in tables["fct_bill_forecasts"]:
        if row["organization_id"] in accounts:
            days[row["as_of_date"]] += row["forecast_payable_usd"]
    return [
        (customer, day, "forecast_crossed_line", line, "up" if payable >= bound else "down", payable)
        for (_, before), (day, payable) in pairwise([(date.min, Decimal(0)), *sorted(days.items())])
        for line, bound in LINES.items()
        if (payable >= bound) != (before >= bound)
    ]


def of_lists(tables: dict[str, Rows], customer: str) -> list[Event]:
    found: list[Event] = []
    for table in ("rpt_account_risk", "rpt_cross_sell"):
        found += [
            (customer, row["since"], "signal_fired", row["signal"], row["what_fired"], row["figure"])
            for row in tables[table]
            if row["customer_id"] == customer
        ]
    for row in [row for row in tables["fct_onboarding_queue"] if row["customer_id"] == customer]:
        account = row["organization_id"]
        entry = (row["entered_on"], "queue_entered", account, row["queue_reason"], row["entry_forecast_usd"])
        found.append((customer, *entry))
        if row["exited_on"]:
            exit_ = (row["exited_on"], "queue_left", account, row["exit_reason"], row["latest_forecast_usd"])
            found.append((customer, *exit_))
    for row in [row for row in tables["fct_account_routing_history"] if row["customer_id"] == customer]:
        if role := row["suggested_owner_role"]:
            found.append((customer, row["valid_from"], "person_needed", role, row["reason"], None))
            if row["valid_to"]:
                found.append((customer, row["valid_to"], "person_no_longer_needed", role, row["reason"], None))
    return found


COUNTS: tuple[Callable[[dict[str, Rows], str], list[Event]], ...] = (
    of_sign_ups,
    of_months,
    of_segments,
    of_forecasts,
    of_lists,
)


@pytest.mark.slow
def test_events_of_ten_customers_match_the_other_tables(sample: Settings) -> None:
    with snapshot(sample.serving_path) as connection:
        tables = {table: connection.sql(f"from {table}").to_arrow_table().to_pylist() for table in TABLES}
        customers = [
            who
            for (who,) in connection.execute(
                "select customer_id from dim_customers order by arr_usd_year desc, customer_id limit 4"
            ).fetchall()
            + connection.execute("select customer_id from fct_onboarding_queue order by entered_on limit 4").fetchall()
            + connection.execute("select customer_id from dim_customers order by customer_id desc limit 2").fetchall()
        ]
        elsewhere = ("product_first_used", "limit_reached", "deal_stage_changed", *OF_SOURCES)
        found = connection.execute(
            "select customer_id, day, kind, subject, what, figure from fct_customer_events "
            "where list_contains(?, customer_id) and not list_contains(?, kind) and source_table not in "
            "('rpt_large_deals', 'rpt_product_led_leads', 'rpt_limits_hit', 'rpt_startup_rolloffs', "
            "'rpt_credit_runway')",
            [customers, list(elsewhere)],
        ).fetchall()
    expected = [event for who in dict.fromkeys(customers) for count in COUNTS for event in count(tables, who)]
    assert len(expected) > 200
    assert Counter(found) - Counter(expected) == Counter()
    assert Counter(expected) - Counter(found) == Counter()
