"""What changes an earlier day has it built again: days that came one by one are those of a full build."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.contract.raw_tables import create_missing_tables
from settings import Settings
from tests.dbt_project.building import insert, read, stripe
from transform import dbt_runner
from transform.dbt_runner import invoke_dbt, parsed_project

pytestmark = pytest.mark.slow

# Nobody reports on the fifth of January, the fifth day of the annual period, and one alone on the 26th of June.
USAGE = """
insert into raw.usage__usage_reports by name
select
    organizations.id as organization_id, days.day::date as date, days.day + interval 26 hour as received_at,
    'by hand' as _path, 1 as _row, 1 as organization_user_count, counters.*,
    case
        when organizations.id = 'monthly' and days.day = date '2026-06-26' then 900
        when organizations.id = 'yearly' and days.day < date '2026-01-01' then 100
        else 10
    end * 100_000 as event_count_in_period
from (select id from raw.product_db__organizations) as organizations
cross join range(timestamp '2025-12-01', timestamp '2026-06-29', interval 1 day) as days(day)
cross join (select {zeros}) as counters
where days.day <> date '2026-01-05' and (days.day <> date '2026-06-26' or organizations.id = 'monthly')
"""
FORECASTS = "select * from marts.fct_bill_forecasts order by all"
BY_PRODUCT = "select * from marts.fct_bill_forecast_products order by all"


@contextmanager
def warehouse(data_dir: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(data_dir / "warehouse.duckdb")) as connection:
        yield connection


def says(connection: duckdb.DuckDBPyConnection, organization: str, at: str, **terms: object) -> None:
    """A version of billing."""
    row = {
        "organization_id": organization,
        "stripe_customer_id": f"cus_{organization}",
        "has_active_subscription": True,
        "subscribed_products": '["product_analytics"]',
        "custom_limits_usd": "{}",
        "discount_percent": 0,
        "credit_balance_usd": 0,
        "updated_at": at,
    }
    insert(connection, "billing__billing_customers", row | terms)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A company with an annual and a monthly account, built up to the twentieth of June."""
    data_dir = tmp_path_factory.mktemp("company")
    with warehouse(data_dir) as connection:
        create_missing_tables(connection)
        for organization in ("yearly", "monthly", "elsewhere", *(f"free {number}" for number in range(9))):
            row = {"id": organization, "name": organization, "created_at": "2025-11-01", "updated_at": "2025-11-01"}
            insert(connection, "product_db__organizations", row | {"region": "US", "for_internal_metrics": False})
            stripe(connection, "customers", {"id": f"cus_{organization}", "metadata": {}}, "2025-11-01")
        columns = connection.execute(
            "select column_name from duckdb_columns() where table_name = 'usage__usage_reports' "
            "and column_name like '%_in_period' and column_name <> 'event_count_in_period'"
        ).fetchall()
        connection.execute(USAGE.format(zeros=", ".join(f"0 as {name}" for (name,) in columns)))
        year = {"current_period_start": "2026-01-01", "current_period_end": "2027-01-01"}
        says(connection, "yearly", "2026-01-01 00:00", **year)
        says(
            connection,
            "monthly",
            "2026-05-28 00:00",
            current_period_start="2026-05-28",
            current_period_end="2026-06-28",
        )
    build(data_dir, "2026-06-20", "build")
    return data_dir


@pytest.fixture
def data_dir(company: Path, tmp_path: Path) -> Path:
    """A copy of the company's data folder, to change."""
    shutil.copy(company / "warehouse.duckdb", tmp_path)
    return tmp_path


def build(data_dir: Path, as_of: str, command: str = "run", *more: str, project: Any = None) -> str:
    """Build everything that is built by days; returns the first day that was."""
    settings = Settings(data_dir=data_dir, as_of=date.fromisoformat(as_of))
    arguments = [command, "--select", "+config.materialized:incremental", "--exclude", "resource_type:test"]
    project = project or parsed_project(settings)
    invoke_dbt([*arguments, *more], settings, data_dir / "target", manifest=project)
    return str(read(data_dir, "select first_day from intermediate.int_days_to_build")[0][0])


def assert_as_built_at_once(data_dir: Path, as_of: str) -> None:
    at_once = data_dir / "at_once"
    at_once.mkdir()
    shutil.copy(data_dir / "warehouse.duckdb", at_once)
    build(at_once, as_of, "run", "--full-refresh")
    for query in (FORECASTS, BY_PRODUCT):
        assert read(data_dir, query)
        assert read(data_dir, query) == read(at_once, query)


def test_missing_day_early_in_a_long_period_is_estimated_as_in_a_full_build(data_dir: Path) -> None:
    assert build(data_dir, "2026-06-21") == "2026-06-21"
    assert_as_built_at_once(data_dir, "2026-06-21")


def test_forecast_is_no_less_than_what_was_used_on_a_day_that_few_reported(data_dir: Path) -> None:
    build(data_dir, "2026-06-27")
    [(is_reported,)] = read(
        data_dir, "select is_reported from intermediate.int_history_days where date = date '2026-06-26'"
    )
    assert not is_reported
    below = "select count(*) from marts.fct_bill_forecasts where forecast_bill_usd < amount_to_date_usd"
    assert read(data_dir, below) == [(0,)]


def test_late_version_that_leaves_for_an_account_without_subscribers_ends_the_forecasts_of_its_days(
    data_dir: Path,
) -> None:
    with warehouse(data_dir) as connection:
        elsewhere = {"stripe_customer_id": "cus_elsewhere", "has_active_subscription": False}
        says(connection, "monthly", "2026-06-15 00:00", **elsewhere)
    assert build(data_dir, "2026-06-21") == "2026-06-15"
    assert_as_built_at_once(data_dir, "2026-06-21")


def test_new_version_of_a_customer_that_left_builds_no_earlier_day(data_dir: Path) -> None:
    left = {"has_active_subscription": False, "current_period_start": None, "current_period_end": None}
    with warehouse(data_dir) as connection:
        says(connection, "monthly", "2026-06-10 00:00", **left)
    build(data_dir, "2026-06-21")
    with warehouse(data_dir) as connection:
        says(connection, "monthly", "2026-06-22 00:00", **left)
    assert build(data_dir, "2026-06-22") == "2026-06-22"


def test_edited_macro_builds_every_day_again_and_a_shell_that_does_not_know_of_it_none(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert build(data_dir, "2026-06-20") == "2026-06-21"
    project = parsed_project(Settings(data_dir=data_dir))
    for said, first_day in (("edited", "1900-01-01"), ("edited", "2026-06-21"), ("", "2026-06-21")):
        monkeypatch.setattr(dbt_runner, "files_digest", lambda *_, said=said: said)
        assert build(data_dir, "2026-06-20", project=project) == first_day
    # As in a warehouse of which only a shell has built the days.
    with warehouse(data_dir) as connection:
        connection.execute("delete from quality.built_inputs where kind = 'macros'")
    for first_day in ("1900-01-01", "2026-06-21"):
        assert build(data_dir, "2026-06-20", project=project) == first_day
