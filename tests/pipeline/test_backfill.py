"""A quarter of the sample company's days, built one by one and in one run, is what the first run had built."""

import shutil
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from settings import Settings
from tests.support.running import read, run_pipeline
from transform.days import Days
from transform.dbt_runner import build_models

pytestmark = pytest.mark.slow

BY_DAYS = "config.materialized:incremental"
TABLES = (
    "marts.fct_usage_daily",
    "marts.fct_bill_forecasts",
    "marts.fct_bill_forecast_products",
    "marts.fct_queue_exclusions",
    "intermediate.int_bill_forecasts",
    "intermediate.int_forecast_errors",
    "intermediate.int_judged_forecasts",
    "intermediate.int_quantity_methods",
    "intermediate.int_method_errors",
)


def differing_rows(warehouse: Path, expected: Path) -> dict[str, int]:
    """For each table, the rows that only one of the two files has."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(f"attach '{expected}' as expected (read_only)")
        return {
            table: connection.execute(
                f"select count(*) from ((from {table} except all from expected.{table}) "
                f"union all (from expected.{table} except all from {table}))"
            ).fetchall()[0][0]
            for table in TABLES
        }


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_ninety_days_one_by_one_are_those_of_one_backfill(tmp_path: Path) -> None:
    assert run_pipeline(tmp_path).returncode == 0
    ((data_day,),) = read(tmp_path, "select as_of_date from marts.publish_info")
    settings = Settings(data_dir=tmp_path)
    first = data_day - timedelta(days=89)
    expected = Path(shutil.copy(settings.warehouse_path, tmp_path / "expected.duckdb"))
    each_day = [first + timedelta(days=number) for number in range(90)]
    for runs in ([Days(day, day) for day in each_day], [Days(first, data_day)]):
        as_of_before = settings.model_copy(update={"as_of": first - timedelta(days=1)})
        build_models([f"+{BY_DAYS},resource_type:model"], as_of_before)
        assert all(differing_rows(settings.warehouse_path, expected).values())
        for days in runs:
            build_models([BY_DAYS], settings, days=days)
        assert differing_rows(settings.warehouse_path, expected) == dict.fromkeys(TABLES, 0)
