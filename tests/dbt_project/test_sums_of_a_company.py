"""A company of more than sixty accounts whose sums are known, as of two days: what is added up, and the same past."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.contract.raw_tables import create_missing_tables
from settings import Settings
from tests.dbt_project.building import insert, read, stripe
from tests.support.source_root import invoice
from transform.dbt_runner import build_models

pytestmark = pytest.mark.slow

FIRST_DAY = date(2026, 6, 1)
# All periods but one have 31 days and begin on the 10th; both days are in it, and a month was closed between them.
PERIOD = ("2026-08-10", "2026-09-10")
EARLIER_DAY = date(2026, 8, 25)
LATER_DAY = date(2026, 9, 8)
MODELS = ("fct_account_routing", "rpt_product_led_leads", "rpt_cross_sell", "rpt_account_risk", "rpt_line_crossers")
OTHERS = ("fct_queue_exclusions", "fct_onboarding_queue", "fct_bill_forecasts", "rpt_limits_hit", "dim_customers")
SELECTION = ["resource_type:seed", *(f"+{model},resource_type:model" for model in (*MODELS, *OTHERS))]

# Recordings a day, in spells from their first day on. With 5,000 free, 31 days of 5,000 are 155,000 recordings and
# 381.00 dollars, and of 10,000 they are 644.50; of 24,000 they are 1,333.50 and of 5,500 they are 407.35.
Spells = list[tuple[date, int]]


@dataclass
class Organization:
    """One organization: its usage, and the versions of its row in billing (none: billing does not know it)."""

    recordings: Spells = field(default_factory=list)
    events: Spells = field(default_factory=list)
    created: str = "2026-06-01 06:00"
    stripe_customer: str | None = None
    merged_into: str | None = None
    billing: list[dict[str, Any]] = field(default_factory=lambda: [{}])


def steady(recordings: int) -> Spells:
    return [(date(2026, 8, 10), recordings)]


FREE = [{"has_active_subscription": False, "current_period_start": None, "current_period_end": None}]
COMPANY: dict[str, Organization] = {
    "small-1": Organization(steady(5_000)),
    "small-2": Organization(steady(5_000), merged_into="small-1"),
    # It signs up after the earlier day, and is of a customer that was there.
    "small-3": Organization([(date(2026, 9, 1), 5_000)], created="2026-09-01 06:00", merged_into="small-1"),
    "above-1": Organization(steady(24_000)),
    "above-2": Organization(steady(5_500), merged_into="above-1"),
    "pool-known": Organization(steady(5_000), created="2026-06-02 06:00", stripe_customer="cus_pool"),
    "pool-unknown": Organization(steady(5_000), stripe_customer="cus_pool", billing=[]),
    # The plan stands with an organization that has no subscription of its own.
    "credit-pays": Organization(steady(10_000), stripe_customer="cus_credit"),
    "credit-holder": Organization(
        created="2026-06-02 06:00",
        stripe_customer="cus_credit",
        billing=[
            FREE[0] | {"startup_program": "yc", "credit_balance_usd": 50_000, "credit_expires_at": "2027-06-01"},
        ],
    ),
    "rolloff-pays": Organization(steady(10_000), stripe_customer="cus_rolloff"),
    "rolloff-holder": Organization(
        created="2026-06-02 06:00",
        stripe_customer="cus_rolloff",
        billing=[
            FREE[0] | {"startup_program": "yc", "credit_balance_usd": 50_000, "credit_expires_at": "2026-10-01"},
        ],
    ),
    "no-owner": Organization(steady(10_000)),
    "owned-1": Organization(steady(5_000)),
    "owned-2": Organization(steady(5_000), merged_into="owned-1"),
    # In the queue with a limit of 1,000 dollars, out of it once the limit is lifted, and three bills later still above.
    "outgrew": Organization(
        [(date(2026, 6, 10), 60_000)],
        billing=[
            {
                "current_period_start": "2026-06-10",
                "current_period_end": "2026-07-10",
                "custom_limits_usd": '{"session_replay": 1000}',
            },
            {
                "current_period_start": "2026-06-10",
                "current_period_end": "2026-07-10",
                "updated_at": "2026-06-25 10:00",
            },
            {
                "current_period_start": "2026-07-10",
                "current_period_end": "2026-08-10",
                "updated_at": "2026-07-10 00:00",
            },
            {"updated_at": "2026-08-10 00:00"},
        ],
    ),
    # What these do after the earlier day changes nothing before it: a customer, or each of its accounts, reaches the
    # line, one account gets a plan, and a company whose subscription has ended signs up with another organization.
    "reaches-later": Organization(
        steady(5_000),
        billing=[
            {"custom_limits_usd": '{"session_replay": 100}'},
            {"updated_at": "2026-09-01 10:00"},
        ],
    ),
    "reaches-later-too": Organization(steady(5_000), merged_into="reaches-later"),
    "churns": Organization(
        steady(10_000), billing=[{}, {"has_active_subscription": False, "updated_at": "2026-08-20 10:00"}]
    ),
    "signs-up-later": Organization([(date(2026, 9, 1), 10)], created="2026-09-01 06:00", merged_into="churns"),
    "grows-later": Organization([*steady(5_000), (date(2026, 9, 1), 24_000)]),
    "grows-later-too": Organization([*steady(3_000), (date(2026, 9, 1), 24_000)], merged_into="grows-later"),
    "plan-later-too": Organization(steady(5_000), merged_into="plan-later"),
    "plan-later": Organization(
        steady(5_000),
        billing=[
            {},
            {
                "updated_at": "2026-09-01 10:00",
                "startup_program": "yc",
                "credit_balance_usd": 900,
                "credit_expires_at": "2026-10-01",
            },
        ],
    ),
    # Paying customers, for whom there are suggestions.
    "limited": Organization(
        steady(10_000),
        billing=[
            {"custom_limits_usd": '{"session_replay": 200}'},
            {"custom_limits_usd": '{"session_replay": 500}', "updated_at": "2026-08-21 10:00"},
        ],
    ),
    "departments": Organization(events=[(date(2026, 6, 2), 100_000)]),
    "grows": Organization(events=[(date(2026, 6, 2), 100_000), (date(2026, 7, 27), 120_000)]),
    "began-lately": Organization(events=[(date(2026, 7, 20), 100_000)]),
    "crosses": Organization(events=[(date(2026, 6, 2), 1)]),
}
# 7,750 recordings are 13.75 dollars, and forty times that 550.00.
COMPANY |= {
    f"tiny-{number:02}": Organization(steady(250), merged_into="tiny-01" if number > 1 else None)
    for number in range(1, 41)
}
MRR_USD: dict[str, list[float]] = {
    "limited": [100, 100, 100, 100],
    "departments": [100, 100, 100, 100],
    "grows": [100, 100, 100, 100],
    "began-lately": [100, 100, 100, 100],
    # A quarter more each month: 500 is reached 17.4 days after July, while August is open.
    "crosses": [281.6, 352, 440, 550],
}
MONTHS = [date(2026, month, 1) for month in (5, 6, 7, 8)]
DEPARTMENTS = {"engineering": "2026-06-03", "design": "2026-06-20", "sales": "2026-07-15", "marketing": "2026-08-01"}


def write_company(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        create_missing_tables(connection)
        for organization_id, organization in COMPANY.items():
            _write_organization(connection, organization_id, organization)
            _write_usage(connection, organization_id, organization)
        _write_stripe(connection)
        _write_people(connection)


def _write_organization(
    connection: duckdb.DuckDBPyConnection, organization_id: str, organization: Organization
) -> None:
    created = organization.created
    stripe_customer = organization.stripe_customer or f"cus_{organization_id}"
    row = {"id": organization_id, "name": organization_id, "region": "US", "for_internal_metrics": False}
    row |= {"created_at": created, "updated_at": created, "customer_id": stripe_customer}
    insert(connection, "product_db__organizations", row)
    for version in organization.billing:
        period = {"current_period_start": PERIOD[0], "current_period_end": PERIOD[1], "updated_at": created}
        terms = {"discount_percent": 0, "credit_balance_usd": 0, "custom_limits_usd": "{}"}
        known = {"has_active_subscription": True, "subscribed_products": '["session_replay"]'}
        billed = {"organization_id": organization_id, "stripe_customer_id": stripe_customer}
        insert(connection, "billing__billing_customers", billed | known | terms | period | version)
    if organization.merged_into:
        merge = {"organization_id": organization_id, "canonical_organization_id": organization.merged_into}
        insert(connection, "crm__account_merges", merge)


def _write_usage(connection: duckdb.DuckDBPyConnection, organization_id: str, organization: Organization) -> None:
    counters = [
        name
        for (name,) in connection.execute(
            "select column_name from duckdb_columns() where schema_name = 'raw' "
            "and table_name = 'usage__usage_reports' and column_name like '%_in_period'"
        ).fetchall()
    ]
    values = dict.fromkeys(counters, "0") | {
        "date": "cast(day as date)",
        "organization_id": f"'{organization_id}'",
        "received_at": "day + interval 26 hour",
        "organization_user_count": "1",
        "recording_count_in_period": _spells(organization.recordings),
        "event_count_in_period": _spells(organization.events),
        "_path": "'by hand'",
        "_row": "1",
    }
    connection.execute(
        f"insert into raw.usage__usage_reports ({', '.join(values)}) select {', '.join(values.values())} "
        "from range(greatest(cast(? as date), cast(? as date)), cast(? as date), interval 1 day) as days (day)",
        [FIRST_DAY, organization.created[:10], LATER_DAY + timedelta(days=1)],
    )


def _spells(spells: Spells) -> str:
    cases = [f"when day >= date '{since}' then {units}" for since, units in reversed(spells)]
    return f"case {' '.join(cases)} else 0 end" if cases else "0"


def _write_stripe(connection: duckdb.DuckDBPyConnection) -> None:
    for customer in sorted({o.stripe_customer or f"cus_{name}" for name, o in COMPANY.items()}):
        stripe(connection, "customers", {"id": customer, "metadata": {}}, "2026-06-01")
    product = {"id": "prod_1", "object": "product", "metadata": {"product_key": "product_analytics"}}
    stripe(connection, "products", product, "2026-06-01")
    numbers = iter(range(1, 1000))
    for name, amounts in MRR_USD.items():
        for month, amount in zip(MONTHS, amounts, strict=True):
            bill = invoice(next(numbers), f"cus_{name}", month, round(100 * amount))
            stripe(connection, "invoices", bill, f"{datetime.fromtimestamp(bill['created'], UTC):%Y-%m-%d}")
    for paid in ("2026-07-10", "2026-08-10", "2026-08-20"):
        bill = {"id": f"in_{paid}", "customer": "cus_outgrew", "status": "paid", "currency": "usd", "amount_paid": 5000}
        stripe(connection, "invoices", {**bill, "lines": {"data": []}}, paid)


def _write_people(connection: duckdb.DuckDBPyConnection) -> None:
    for number, (role, joined_at) in enumerate(DEPARTMENTS.items(), start=1):
        user = {"id": number, "email": f"{role}@departments.example", "role_at_organization": role, "is_staff": False}
        times = {"date_joined": joined_at, "updated_at": joined_at, "last_login": joined_at}
        insert(connection, "product_db__users", {**user, **times, "is_active": True})
        member = {"organization_id": "departments", "user_id": number, "level": 15 if number == 1 else 1}
        insert(
            connection,
            "product_db__organization_memberships",
            {**member, "joined_at": joined_at, "updated_at": joined_at},
        )
    account = {"owner_role": "technical_ae", "do_not_contact": False, "updated_at": "2026-06-01 08:00"}
    owner = {"owner_email": "ae@vendor.example", "owner_since": "2026-06-01 08:00"}
    insert(connection, "crm__accounts", {"id": "acc-1", "organization_id": "no-owner", "name": "Nobody", **account})
    insert(
        connection, "crm__accounts", {"id": "acc-2", "organization_id": "owned-2", "name": "Owned", **account, **owner}
    )


@pytest.fixture(scope="module")
def companies(tmp_path_factory: pytest.TempPathFactory) -> Mapping[date, Path]:
    """The company's marts as of each of the two days, each built from nothing; tests read them."""
    built = {}
    for day in (EARLIER_DAY, LATER_DAY):
        data_dir = tmp_path_factory.mktemp("company")
        write_company(data_dir / "warehouse.duckdb")
        build_models(SELECTION, Settings(data_dir=data_dir, as_of=day))
        built[day] = data_dir
    return built


def _stays(data_dir: Path) -> dict[str, tuple]:
    query = "select customer_id, organization_id, queue_reason, entered_on, cast(entry_forecast_usd as double)"
    return {row[0]: row[1:] for row in read(data_dir, f"{query} from marts.fct_onboarding_queue")}


@pytest.mark.parametrize("day", [EARLIER_DAY, LATER_DAY])
def test_queue_goes_by_all_accounts_of_a_customer_however_small(companies: Mapping[date, Path], day: date) -> None:
    from_the_start = {
        "small-1": ("small-1", "first_bill", 762.00),
        "tiny-01": ("tiny-01", "first_bill", 550.00),
        "pool-unknown": ("pool-unknown", "first_bill", 644.50),
        "rolloff-pays": ("rolloff-pays", "startup_rolloff", 644.50),
        "no-owner": ("no-owner", "first_bill", 644.50),
        "churns": ("churns", "first_bill", 644.50),
        "grows-later": ("grows-later", "first_bill", 639.50),
        "plan-later": ("plan-later", "first_bill", 762.00),
    }
    expected = {
        customer: (organization, reason, date(2026, 8, 10), forecast)
        for customer, (organization, reason, forecast) in from_the_start.items()
    }
    expected["outgrew"] = ("outgrew", "first_bill", date(2026, 6, 10), 1000.00)
    if day == LATER_DAY:
        expected["reaches-later"] = ("reaches-later", "first_bill", date(2026, 9, 1), 762.00)
    assert _stays(companies[day]) == expected


@pytest.mark.parametrize("day", [EARLIER_DAY, LATER_DAY])
def test_excluded_customer_is_explained_by_all_of_its_accounts(companies: Mapping[date, Path], day: date) -> None:
    excluded = read(
        companies[day],
        "select organization_id, reason, cast(forecast_bill_usd as double), cast(customer_forecast_bill_usd as double) "
        f"from marts.fct_queue_exclusions where as_of_date = date '{day}' order by 1",
    )
    assert excluded == [
        ("above-1", "above_line", 1333.50, 1740.85),
        ("churns", "no_subscription", 644.50, 644.50),
        ("credit-pays", "credit_covers", 644.50, 644.50),
        ("limited", "paid_before", 500.00, 500.00),
        ("outgrew", "paid_before", 3007.50, 3007.50),
        ("owned-1", "owned", 381.00, 762.00),
    ]


def test_leads_are_of_all_accounts_together(companies: Mapping[date, Path]) -> None:
    leads = read(
        companies[EARLIER_DAY],
        "select customer_id, cast(figure as double) from marts.rpt_product_led_leads "
        "where signal = 'first_bill' order by 1",
    )
    assert leads == [
        ("above-1", 1740.85),
        ("grows-later", 639.50),
        ("no-owner", 644.50),
        ("plan-later", 762.00),
        ("pool-unknown", 644.50),
        ("small-1", 762.00),
        ("tiny-01", 550.00),
    ]


@pytest.mark.parametrize("day", [EARLIER_DAY, LATER_DAY])
def test_sales_has_whom_the_queue_outgrew_also_after_the_third_bill(companies: Mapping[date, Path], day: date) -> None:
    routed = read(
        companies[day],
        "select customer_id, suggested_owner_role, reason, since from marts.fct_account_routing "
        "where suggested_owner_role <> 'onboarding_specialist' order by 1",
    )
    assert routed == [
        ("above-1", "technical_ae", "first_bill_above_sales_line", date(2026, 8, 10)),
        ("outgrew", "technical_ae", "outgrew_onboarding_queue", date(2026, 6, 25)),
    ]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (EARLIER_DAY, [("reaches-later", "at_limit", 100.0, date(2026, 8, 15))]),
        (LATER_DAY, [("limited", "at_limit", 500.0, date(2026, 9, 1))]),
    ],
)
def test_limit_is_hit_since_the_present_one_was(
    companies: Mapping[date, Path], day: date, expected: list[tuple]
) -> None:
    hit = "select customer_id, signal, cast(limit_usd as double), since from marts.rpt_limits_hit"
    assert read(companies[day], hit) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (
            EARLIER_DAY,
            [
                ("departments", "several_departments", 4.0, date(2026, 7, 15)),
                ("grows", "events_growth", 20.0, date(2026, 8, 25)),
            ],
        ),
        (
            LATER_DAY,
            [
                ("crosses", "prepaid_plan", 550.0, date(2026, 9, 3)),
                ("departments", "several_departments", 4.0, date(2026, 7, 15)),
                ("limited", "near_limit", 100.0, date(2026, 8, 26)),
            ],
        ),
    ],
)
def test_suggestions_compare_full_windows(companies: Mapping[date, Path], day: date, expected: list[tuple]) -> None:
    suggested = read(
        companies[day],
        "select customer_id, signal, cast(figure as double), since from marts.rpt_cross_sell "
        "where signal not in ('pair', 'peers_use', 'replay_for_other_roles') order by 1, 2",
    )
    assert suggested == expected


def test_line_that_is_crossed_in_the_open_month_is_listed(companies: Mapping[date, Path]) -> None:
    crossers = "select customer_id, line, direction, crosses_on from marts.rpt_line_crossers"
    assert read(companies[EARLIER_DAY], crossers) == [("crosses", "onboarding", "up", date(2026, 8, 18))]


@pytest.mark.parametrize(
    "history",
    [
        "from marts.fct_usage_daily where date <= {day}",
        "from marts.fct_bill_forecasts where as_of_date <= {day}",
        "from marts.fct_bill_forecast_products where as_of_date <= {day}",
        "from marts.fct_queue_exclusions where as_of_date <= {day}",
        "from marts.fct_mrr_monthly where month <= date '2026-07-01'",
        "select customer_id, organization_id, queue_reason, entered_on, entry_forecast_usd, "
        "case when exited_on <= {day} then exited_on end as exited_on, "
        "case when exited_on <= {day} then exit_reason end as exit_reason "
        "from marts.fct_onboarding_queue where entered_on <= {day}",
        "select customer_id, suggested_owner_role, reason, valid_from, "
        "case when valid_to <= {day} then valid_to end as valid_to "
        "from marts.fct_account_routing_history where valid_from <= {day}",
    ],
)
def test_history_is_the_same_whichever_day_it_is_built_from(companies: Mapping[date, Path], history: str) -> None:
    query = history.format(day=f"date '{EARLIER_DAY}'") + " order by all"
    rows = read(companies[EARLIER_DAY], query)
    assert rows
    assert read(companies[LATER_DAY], query) == rows
