"""Forecasts of a company made by hand: constant usage, terms at their ends, and days built one by one."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.contract.raw_tables import create_missing_tables
from settings import Settings
from transform.days import Days
from transform.dbt_runner import DbtError, build_models

pytestmark = pytest.mark.slow

DATA_DAY = date(2028, 2, 29)
FIRST_DAY = date(2028, 1, 30)
MISSING_DAY = date(2028, 2, 5)
MODELS = ["+fct_bill_forecast_products,resource_type:model", "+rpt_forecast_accuracy,resource_type:model"]
TABLES = [
    "marts.fct_usage_daily",
    "marts.fct_bill_forecasts",
    "marts.fct_bill_forecast_products",
    "intermediate.int_bill_forecasts",
    "intermediate.int_forecast_errors",
    "intermediate.int_judged_forecasts",
    "intermediate.int_quantity_methods",
    "intermediate.int_method_errors",
]

# Organization: period, events a day, and what its row of billing has that the others' have not.
ACCOUNTS: dict[str, tuple[str, str, int, dict]] = {
    "trap": ("2028-02-20", "2028-03-21", 160_000, {}),
    "of 31 days": ("2028-01-30", "2028-03-01", 100_000, {}),
    "of leap February": ("2028-02-01", "2028-03-01", 100_000, {}),
    "of 28 days": ("2028-02-02", "2028-03-01", 100_000, {}),
    "on its last day": ("2028-02-06", "2028-03-01", 100_000, {}),
    "backwards": ("2028-03-01", "2028-02-01", 100_000, {}),
    "passed": ("2028-01-30", "2028-02-15", 100_000, {}),
    "without usage": ("2028-02-01", "2028-03-01", 0, {}),
    "without subscription": ("2028-02-01", "2028-03-01", 100_000, {"has_active_subscription": False}),
    "limit of 0": ("2028-02-06", "2028-03-01", 100_000, {"custom_limits_usd": '{"product_analytics": 0}'}),
    "discount of 100": ("2028-02-06", "2028-03-01", 100_000, {"discount_percent": 100}),
    "in debt": ("2028-02-06", "2028-03-01", 100_000, {"credit_balance_usd": -50}),
    "with credit": ("2028-02-06", "2028-03-01", 100_000, {"credit_balance_usd": 60}),
    "with a package": ("2028-02-06", "2028-03-01", 0, {"platform_package": "boost"}),
    "of another plan": ("2028-02-06", "2028-03-01", 100_000, {"subscribed_products": '["surveys"]'}),
}


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict]) -> None:
    names = ", ".join(f'"{name}"' for name in rows[0])
    places = ", ".join("?" * len(rows[0]))
    connection.executemany(
        f'insert into raw."{table}" ({names}) values ({places})', [list(row.values()) for row in rows]
    )


def write_company(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        create_missing_tables(connection)
        counters = [
            name
            for (name,) in connection.execute(
                "select column_name from duckdb_columns() where schema_name = 'raw' "
                "and table_name = 'usage__usage_reports' and column_name like '%_in_period'"
            ).fetchall()
        ]
        organizations, billing, usage = [], [], []
        for name, (start, end, events, terms) in ACCOUNTS.items():
            keys = {"_path": "by hand", "_row": 1, "_row_hash": ""}
            organizations.append(
                {"id": name, "name": name, "created_at": "2028-01-01", "updated_at": "2028-01-01"}
                | {"region": "US", "for_internal_metrics": False}
                | keys
            )
            billing.append(
                {
                    "organization_id": name,
                    "has_active_subscription": True,
                    "subscribed_products": '["product_analytics", "enhanced_persons"]',
                    "platform_package": None,
                    "current_period_start": start,
                    "current_period_end": end,
                    "custom_limits_usd": "{}",
                    "discount_percent": 0,
                    "credit_balance_usd": 0,
                    "updated_at": "2028-01-02",
                }
                | terms
                | keys
            )
            first = max(FIRST_DAY, min(date.fromisoformat(start), date.fromisoformat(end)))
            # The day after the data day has been reported too: it does not exist yet.
            for number in range((DATA_DAY - first).days + 2):
                day = first + timedelta(days=number)
                if day != MISSING_DAY:
                    identified = events if name == "trap" else 0
                    counted = {"event_count_in_period": events, "enhanced_persons_event_count_in_period": identified}
                    usage.append(
                        {"date": day, "organization_id": name, "received_at": day + timedelta(days=2)}
                        | {"organization_user_count": 1, "_path": "by hand", "_row": 1}
                        | dict.fromkeys(counters, 0)
                        | counted
                    )
        insert(connection, "product_db__organizations", organizations)
        insert(connection, "billing__billing_customers", billing)
        insert(connection, "usage__usage_reports", usage)


def build(data_dir: Path, day: date = DATA_DAY, also: Sequence[str] = ()) -> date:
    """Build the forecasts as of a day; returns the first day that was built."""
    build_models([*also, *MODELS], Settings(data_dir=data_dir, as_of=day))
    return query(data_dir, "select first_day from intermediate.int_days_to_build")[0][0]


def build_days(data_dir: Path, first: date, last: date) -> Days:
    """Build these days again; returns the days that were built."""
    models = [table.split(".")[1] for table in TABLES]
    build_models(models, Settings(data_dir=data_dir, as_of=DATA_DAY), days=Days(first, last))
    return Days(*query(data_dir, "select first_day, last_day from intermediate.int_days_to_build")[0])


def query(data_dir: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def rows_of(data_dir: Path) -> list[list[tuple]]:
    return [query(data_dir, f"select * from {table} order by all") for table in TABLES]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("forecasts")
    write_company(directory / "warehouse.duckdb")
    build(directory, also=["resource_type:seed"])
    return directory


def on_data_day(data_dir: Path, column: str) -> dict[str, Decimal]:
    return dict(
        query(
            data_dir,
            f"select organization_id, {column} from marts.fct_bill_forecasts where as_of_date = date '{DATA_DAY}'",
        )
    )


def test_units_are_projected_and_not_dollars(data_dir: Path) -> None:
    assert on_data_day(data_dir, "amount_to_date_usd")["trap"] == Decimal("148.80")
    assert on_data_day(data_dir, "forecast_bill_usd")["trap"] == Decimal("539.20")


@pytest.mark.parametrize(
    ("name", "days", "bill"),
    [
        ("trap", 10, "539.20"),
        ("of 31 days", 31, "87.73"),
        ("of leap February", 29, "80.87"),
        ("of 28 days", 28, "77.44"),
    ],
)
def test_constant_usage_is_forecast_the_same_on_every_day_of_the_period(
    data_dir: Path, name: str, days: int, bill: str
) -> None:
    forecasts = query(
        data_dir, f"select forecast_bill_usd from marts.fct_bill_forecasts where organization_id = '{name}'"
    )
    assert forecasts == [(Decimal(bill),)] * days


def test_missing_day_is_no_zero_and_the_forecast_says_so(data_dir: Path) -> None:
    rows = query(
        data_dir,
        "select as_of_date, missing_days, method, amount_to_date_usd from marts.fct_bill_forecasts "
        "where organization_id = 'of leap February' and as_of_date in ('2028-02-04', '2028-02-05', '2028-02-29') "
        "order by as_of_date",
    )
    assert [row[1:3] for row in rows] == [(0, "usage"), (1, "usage_with_missing_days"), (1, "usage_with_missing_days")]
    assert rows[-1][3] == Decimal("77.44")


def test_on_the_last_day_the_forecast_and_its_interval_are_the_bill(data_dir: Path) -> None:
    found = query(
        data_dir,
        "select amount_to_date_usd, forecast_bill_usd, forecast_low_usd, forecast_high_usd "
        "from marts.fct_bill_forecasts where organization_id = 'on its last day' and as_of_date = date '2028-02-29'",
    )
    assert found == [(Decimal("63.72"),) * 4]


def test_only_open_periods_of_subscriptions_have_a_forecast(data_dir: Path) -> None:
    names = on_data_day(data_dir, "forecast_bill_usd").keys()
    assert ACCOUNTS.keys() - names == {"backwards", "passed", "without subscription"}
    last = query(data_dir, "select max(as_of_date) from marts.fct_bill_forecasts where organization_id = 'passed'")
    assert last == [(date(2028, 2, 14),)]
    assert query(data_dir, "select max(date) from marts.fct_usage_daily") == [(DATA_DAY,)]


def test_terms_at_their_ends(data_dir: Path) -> None:
    bills = on_data_day(data_dir, "forecast_bill_usd")
    payable = on_data_day(data_dir, "forecast_payable_usd")
    assert bills["without usage"] == bills["limit of 0"] == bills["discount of 100"] == bills["of another plan"] == 0
    assert on_data_day(data_dir, "forecast_after_discount_usd")["limit of 0"] == Decimal("63.72")
    assert payable["in debt"] == Decimal("63.72")
    assert payable["with credit"] == Decimal("3.72")
    assert bills["with a package"] == Decimal("250.00")


def test_days_built_one_by_one_are_those_of_one_build(data_dir: Path) -> None:
    before = rows_of(data_dir)
    assert build(data_dir) == DATA_DAY + timedelta(days=1)
    assert rows_of(data_dir) == before
    earlier = DATA_DAY - timedelta(days=2)
    build(data_dir, earlier)
    assert query(data_dir, "select max(as_of_date) from marts.fct_bill_forecasts") == [(earlier,)]
    for number in range(1, 3):
        day = earlier + timedelta(days=number)
        assert build(data_dir, day) == day
    assert rows_of(data_dir) == before


def test_days_that_are_asked_for_are_built_and_no_others(data_dir: Path) -> None:
    build(data_dir)
    before = rows_of(data_dir)
    day = DATA_DAY - timedelta(days=3)
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as connection:
        for days, sign in ((f"= date '{day}'", 1), (f"> date '{day}'", -1)):
            connection.execute(f"update marts.fct_bill_forecasts set missing_days = {sign} where as_of_date {days}")
    assert build_days(data_dir, day, day) == Days(day, day)
    found = query(data_dir, "select distinct as_of_date from marts.fct_bill_forecasts where missing_days = -1")
    assert [found_day for (found_day,) in sorted(found)] == [day + timedelta(days=number) for number in range(1, 4)]
    assert build_days(data_dir, day + timedelta(days=1), DATA_DAY).last == DATA_DAY
    assert rows_of(data_dir) == before
    assert build(data_dir) == DATA_DAY + timedelta(days=1)


def test_seven_days_one_by_one_are_those_of_one_backfill(data_dir: Path) -> None:
    build(data_dir)
    before = rows_of(data_dir)
    first = DATA_DAY - timedelta(days=6)
    build(data_dir, first - timedelta(days=1))
    for number in range(7):
        day = first + timedelta(days=number)
        assert build_days(data_dir, day, day) == Days(day, day)
    assert rows_of(data_dir) == before
    build(data_dir, first - timedelta(days=1))
    assert build_days(data_dir, first, DATA_DAY) == Days(first, DATA_DAY)
    assert rows_of(data_dir) == before
    assert build(data_dir) == DATA_DAY + timedelta(days=1)


def test_intervals_of_months_after_a_past_data_day_are_made_again(data_dir: Path) -> None:
    build(data_dir)
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as connection:
        connection.execute(
            "insert into intermediate.int_forecast_intervals values (date '2028-01-01', 0, 'all', -1, 1), "
            "(date '2028-02-01', 0, 'all', -1, 1)"
        )
    # What is corrected now says nothing of February, which is not there.
    build(data_dir, date(2028, 1, 31))
    assert query(data_dir, "select month from intermediate.int_forecast_intervals") == [(date(2028, 1, 1),)]


def test_a_day_is_never_built_without_the_days_before_it(data_dir: Path) -> None:
    build(data_dir)
    before = rows_of(data_dir)
    build(data_dir, DATA_DAY - timedelta(days=3))
    assert build_days(data_dir, DATA_DAY, DATA_DAY) == Days(DATA_DAY - timedelta(days=2), DATA_DAY)
    assert rows_of(data_dir) == before


def test_days_after_the_data_day_are_refused(data_dir: Path) -> None:
    with pytest.raises(DbtError, match="Days up to 2028-03-01 are asked for, but the data day is 2028-02-29"):
        build_days(data_dir, DATA_DAY, DATA_DAY + timedelta(days=1))


def test_a_backfill_over_a_late_report_restates_the_days_after_it(data_dir: Path) -> None:
    build(data_dir)
    day = DATA_DAY - timedelta(days=5)
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as connection:
        connection.execute(
            "update raw.usage__usage_reports set event_count_in_period = 800000 "
            f"where organization_id = 'trap' and date = '{day}'"
        )
    assert build_days(data_dir, day, day) == Days(day, DATA_DAY)
    restated = rows_of(data_dir)
    assert build(data_dir) == DATA_DAY + timedelta(days=1)
    assert rows_of(data_dir) == restated


def test_late_report_restates_its_day_and_those_after_it(data_dir: Path) -> None:
    build(data_dir)
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as connection:
        connection.execute(
            "update raw.usage__usage_reports set event_count_in_period = 900000 "
            "where organization_id = 'on its last day' and date = '2028-02-25'"
        )
    # Killed after the days were marked and before anything was built: the mark is what mends it.
    build_models(["+int_days_to_build,resource_type:model"], Settings(data_dir=data_dir, as_of=DATA_DAY))
    assert build(data_dir) == date(2028, 2, 25)
    restated = rows_of(data_dir)
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as connection:
        connection.execute("drop table quality.built_inputs")
    assert build(data_dir) == date(1900, 1, 1)
    assert rows_of(data_dir) == restated
