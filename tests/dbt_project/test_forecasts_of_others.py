"""What forecasts learn from everybody: an odd account among many moves nobody else's."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from ingestion.contract.model import load_contract
from ingestion.contract.raw_tables import create_missing_tables
from settings import Settings
from tests.dbt_project.building import insert, read
from transform.dbt_runner import build_models

pytestmark = pytest.mark.slow

DATA_DAY = date(2028, 2, 29)
DAYS = 60
# The fewest accounts that a rhythm is learned from, and one more.
ACCOUNTS = [f"account {number:02}" for number in range(21)]
COUNTERS = [column.name for column in load_contract().table("usage__usage_reports").columns if column.default == 0]
USED = "case when dayofweek(day) in (0, 6) then {weekend} else {workday} end"
QUANTITIES = (
    "select organization_id, product_key, projected_quantity from marts.fct_bill_forecast_products "
    "where organization_id <> 'odd' order by all"
)
RHYTHM = f"select columns('factor') from intermediate.int_weekday_rhythm where date = date '{DATA_DAY}'"


def add_account(data_dir: Path, name: str, counters: dict[str, str]) -> None:
    """An account with an open period that used these for 60 days: a counter and how much of it, in SQL of `day`."""
    keys = "'by hand' as _path, 1 as _row"
    counted = ", ".join(f"{counters.get(counter, '0')} as {counter}" for counter in COUNTERS)
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as connection:
        created = {"created_at": "2027-12-01", "updated_at": "2027-12-01", "region": "US"}
        organization = {"id": name, "name": name, "for_internal_metrics": False}
        insert(connection, "product_db__organizations", created | organization)
        insert(
            connection,
            "billing__billing_customers",
            {
                "organization_id": name,
                "has_active_subscription": True,
                "subscribed_products": '["product_analytics", "session_replay", "surveys"]',
                "current_period_start": "2028-02-10",
                "current_period_end": "2028-03-10",
                "custom_limits_usd": "{}",
                "discount_percent": 0,
                "credit_balance_usd": 0,
                "updated_at": "2027-12-01",
            },
        )
        connection.execute(
            f"insert into raw.usage__usage_reports by name select cast(day as date) as date, '{name}' as "
            f"organization_id, day + interval 26 hour as received_at, {counted}, {keys} "
            f"from generate_series(timestamp '{DATA_DAY - timedelta(days=DAYS - 1)}', timestamp '{DATA_DAY}', "
            "interval 1 day) as days(day)"
        )


def build(data_dir: Path) -> None:
    models = ["resource_type:seed", "+fct_bill_forecast_products,resource_type:model"]
    build_models(models, Settings(data_dir=data_dir, as_of=DATA_DAY))


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company whose accounts each rest a little less at weekends than the one before."""
    data_dir = tmp_path_factory.mktemp("others")
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as connection:
        create_missing_tables(connection)
    for number, name in enumerate(ACCOUNTS):
        used = USED.format(weekend=500_000 + 500 * number, workday=1_000_000)
        add_account(data_dir, name, {"event_count_in_period": used})
    build(data_dir)
    return data_dir


def test_account_that_lives_at_weekends_moves_no_quantity_of_another(company: Path) -> None:
    quantities, rhythm = read(company, QUANTITIES), read(company, RHYTHM)
    assert {name for name, _, _ in quantities} == set(ACCOUNTS)
    # DATA_DAY is a Tuesday: of the days from it back, the third and the fourth are of a weekend.
    [factors] = rhythm
    assert [factor < 1 for factor in factors] == [False, False, True, True, False, False, False]
    used = USED.format(weekend=900_000_000, workday=1)
    counters = ("event_count_in_period", "recording_count_in_period", "survey_responses_count_in_period")
    add_account(company, "odd", dict.fromkeys(counters, used))
    build(company)
    learned = "select count(*) from intermediate.int_usage_windows where account_id like '%odd%' and age_days = 55"
    assert read(company, f"{learned} and date = date '{DATA_DAY}'") == [(3,)]
    assert read(company, RHYTHM) == rhythm
    assert read(company, QUANTITIES) == quantities
