"""The onboarding queue from raw usage: who is in it and why, and the same whichever days were built before."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.contract.raw_tables import create_missing_tables
from settings import Settings
from tests.dbt_project.building import insert, read, stripe
from transform.dbt_runner import build_models

pytestmark = pytest.mark.slow

FIRST_DAY = date(2026, 8, 10)
LAST_DAY = date(2026, 10, 11)
MODELS = ("fct_onboarding_queue", "fct_queue_exclusions", "rpt_limits_hit", "rpt_startup_rolloffs")
# Built by days as well, and compared with the queue.
HISTORIES = ("fct_usage_daily", "fct_bill_forecasts", "fct_bill_forecast_products")
SELECTION = [f"+{model},resource_type:model" for model in (*MODELS, *HISTORIES)]
STAYS = "select organization_id, entered_on, entry_forecast_usd, exited_on, exit_reason from marts.fct_onboarding_queue"

# Identified events a day, in spells from their first day on. 160,000 a day are 4.8 million in 30 days: 539.20 dollars.
USAGE: dict[str, list[tuple[date, int]]] = {
    "trap": [(date(2026, 10, 2), 160_000)],
    "starts-late": [(date(2026, 10, 2), 1_000), (date(2026, 10, 8), 900_000)],
    "handed-over": [(date(2026, 10, 2), 160_000)],
    "fades": [(date(2026, 9, 9), 160_000), (date(2026, 9, 21), 0)],
    "churns": [(date(2026, 10, 2), 160_000)],
    "on-trial": [(date(2026, 10, 2), 160_000)],
    "paid": [(date(2026, 10, 2), 160_000)],
    "paid-merged": [(FIRST_DAY, 10)],
    "outgrows": [(date(2026, 10, 2), 160_000), (date(2026, 10, 8), 9_000_000)],
    "startup": [(FIRST_DAY, 160_000)],
}
PERIODS = {"fades": ("2026-09-09", "2026-10-09")}
SETTINGS: dict[str, dict[str, Any]] = {
    "on-trial": {"free_trial_until": "2026-10-09 12:00"},
    "startup": {"startup_program": "yc", "credit_balance_usd": 1000, "credit_expires_at": "2027-08-01"},
    "outgrows": {"custom_limits_usd": '{"enhanced_persons": 1700}'},
}


def write_company(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        create_missing_tables(connection)
        for organization_id in USAGE:
            _write_organization(connection, organization_id)
        _write_usage(connection)
        _write_billing(connection, "churns", "2026-10-10 10:00", has_active_subscription=False)
        _write_billing(
            connection,
            "fades",
            "2026-10-09 00:00",
            current_period_start="2026-10-09",
            current_period_end="2026-11-09",
        )
        insert(
            connection, "crm__account_merges", {"organization_id": "paid-merged", "canonical_organization_id": "paid"}
        )
        owned = {"owner_email": "ae@vendor.example", "owner_role": "technical_ae", "owner_since": "2026-10-09 08:00"}
        account = {"id": "acc", "organization_id": "handed-over", "name": "Handed over", "do_not_contact": False}
        insert(connection, "crm__accounts", {**account, "updated_at": "2026-10-02 08:00"})
        insert(connection, "crm__accounts", {**account, **owned, "updated_at": "2026-10-09 08:00"})
        stripe(
            connection,
            "customers",
            {"id": "cus_paid", "metadata": {"organization_id": "paid-merged"}},
            "2026-08-10",
        )
        bill = {"id": "in_paid", "customer": "cus_paid", "status": "paid", "currency": "usd", "amount_paid": 101}
        stripe(connection, "invoices", {**bill, "lines": {"data": []}}, "2026-09-01")


def _write_organization(connection: duckdb.DuckDBPyConnection, organization_id: str) -> None:
    row = {"id": organization_id, "name": organization_id, "region": "US", "for_internal_metrics": False}
    times = {"created_at": "2026-08-10 09:00", "updated_at": "2026-08-10 09:00"}
    insert(connection, "product_db__organizations", {**row, **times})
    if organization_id != "paid-merged":
        _write_billing(connection, organization_id, "2026-08-10 10:00")


def _write_billing(
    connection: duckdb.DuckDBPyConnection, organization_id: str, updated_at: str, **changes: Any
) -> None:
    start, end = PERIODS.get(organization_id, ("2026-10-02", "2026-11-01"))
    row = {
        "organization_id": organization_id,
        "has_active_subscription": True,
        "subscribed_products": '["product_analytics", "enhanced_persons"]',
        "custom_limits_usd": "{}",
        "discount_percent": 0,
        "credit_balance_usd": 0,
        "current_period_start": start,
        "current_period_end": end,
        "updated_at": updated_at,
    }
    insert(connection, "billing__billing_customers", {**row, **SETTINGS.get(organization_id, {}), **changes})


def _write_usage(connection: duckdb.DuckDBPyConnection) -> None:
    counters = [
        name
        for (name,) in connection.execute(
            "select column_name from duckdb_columns() where schema_name = 'raw' "
            "and table_name = 'usage__usage_reports' and column_name like '%_in_period'"
        ).fetchall()
    ]
    zeros = dict.fromkeys(counters, "0")
    for organization_id, spells in USAGE.items():
        for (since, units), (until, _) in pairwise([(FIRST_DAY, 0), *spells, (LAST_DAY + timedelta(days=1), 0)]):
            values = {
                "date": "cast(day as date)",
                "organization_id": f"'{organization_id}'",
                "received_at": "day + interval 26 hour",
                "organization_user_count": "1",
                **zeros,
                "event_count_in_period": f"{units}",
                "enhanced_persons_event_count_in_period": f"{units}",
                "_path": "'by hand'",
                "_row": "1",
            }
            connection.execute(
                f"insert into raw.usage__usage_reports ({', '.join(values)}) select {', '.join(values.values())} "
                "from range(cast(? as timestamp), cast(? as timestamp), interval 1 day) as days (day)",
                [since, until],
            )


def _days(first: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((LAST_DAY - first).days + 1))


def _build(data_dir: Path, day: date, *also: str) -> None:
    build_models([*also, *SELECTION], Settings(data_dir=data_dir, as_of=day))


def _tables(data_dir: Path) -> dict[str, list[tuple]]:
    return {model: read(data_dir, f"from marts.{model} order by all") for model in (*MODELS, *HISTORIES)}


@pytest.fixture(scope="module")
def backfilled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole history of the company, built once on its last day; tests read it."""
    data_dir = tmp_path_factory.mktemp("backfilled")
    write_company(data_dir / "warehouse.duckdb")
    _build(data_dir, LAST_DAY, "resource_type:seed")
    return data_dir


def test_stays_follow_from_usage_subscriptions_owners_and_trials(backfilled: Path) -> None:
    stays = {
        organization_id: (entered_on, float(forecast), exited_on, exit_reason)
        for organization_id, entered_on, forecast, exited_on, exit_reason in read(backfilled, STAYS)
    }
    constant = (date(2026, 10, 2), 539.20)
    late = stays.pop("starts-late")
    assert late[0] > date(2026, 10, 7)
    assert 500 <= late[1] < 1666.67
    fading = stays.pop("fades")
    assert (fading[0], fading[2:]) == (date(2026, 9, 9), (date(2026, 10, 8), "faded"))
    outgrown = stays.pop("outgrows")
    assert (outgrown[:2], outgrown[3]) == (constant, "outgrown")
    assert stays == {
        "trap": (*constant, None, None),
        "handed-over": (*constant, date(2026, 10, 9), "handed_over"),
        "churns": (*constant, date(2026, 10, 10), "churned"),
        "on-trial": (date(2026, 10, 9), 539.20, None, None),
        "startup": (date(2026, 10, 2), 539.20, None, None),
    }


def test_forecast_of_day_10_is_of_units_and_not_of_dollars(backfilled: Path) -> None:
    trap = (
        "select amount_to_date_usd, forecast_payable_usd from marts.fct_bill_forecasts where organization_id = 'trap'"
    )
    assert [tuple(map(float, row)) for row in read(backfilled, f"{trap} and as_of_date = '2026-10-11'")] == [
        (148.80, 539.20)
    ]


def test_specialist_who_asks_why_gets_the_reason(backfilled: Path) -> None:
    reasons = read(
        backfilled,
        "select organization_id, reason, min(as_of_date), max(as_of_date) from marts.fct_queue_exclusions "
        "where organization_id not in ('outgrows', 'starts-late') group by all order by 1",
    )
    assert reasons == [
        ("churns", "no_subscription", date(2026, 10, 10), LAST_DAY),
        ("handed-over", "owned", date(2026, 10, 9), LAST_DAY),
        ("on-trial", "on_trial", date(2026, 10, 2), date(2026, 10, 8)),
        ("paid", "paid_before", date(2026, 10, 2), LAST_DAY),
    ]


def test_startup_that_rolls_off_and_limit_that_cuts_are_listed(backfilled: Path) -> None:
    rolloffs = (
        "select organization_id, signal, cast(credit_left_usd as double), runway_days from marts.rpt_startup_rolloffs"
    )
    assert read(backfilled, rolloffs) == [("startup", "two_months_before", 851.20, 47)]
    limits = "select organization_id, signal, cast(limit_usd as int), cut_usd > 0 from marts.rpt_limits_hit"
    assert read(backfilled, limits) == [("outgrows", "at_limit", 1700, True)]


@pytest.mark.parametrize("days", [7, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(1800)])])
def test_days_built_one_by_one_give_the_queue_of_one_backfill(backfilled: Path, tmp_path: Path, days: int) -> None:
    write_company(tmp_path / "warehouse.duckdb")
    known: dict[date, list[tuple]] = {}
    for day in _days(LAST_DAY - timedelta(days=days - 1)):
        _build(tmp_path, day, *([] if known else ["resource_type:seed"]))
        known[day] = read(tmp_path, STAYS)
    assert _tables(tmp_path) == _tables(backfilled)

    # Nor did a later day change what was known on an earlier one: this company's usage is never restated.
    for day, stays_then in known.items():
        stays = [stay for stay in read(backfilled, STAYS) if stay[1] <= day]
        expected = [(*stay[:3], *(stay[3:] if stay[3] and stay[3] <= day else (None, None))) for stay in stays]
        assert sorted(stays_then) == sorted(expected)
