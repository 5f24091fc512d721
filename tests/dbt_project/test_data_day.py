"""The data day and the last closed month, from usage and invoices as they lie in raw."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.contract.raw_tables import create_missing_tables
from settings import Settings
from tests.dbt_project.building import insert, read, stripe
from transform.dbt_runner import DbtError, build_models
from warehouse.data_day import newest_complete_day

pytestmark = pytest.mark.slow

FIRST, LAST = date(2026, 9, 1), date(2026, 10, 15)
Reports = list[tuple[date, int]]


def days(first: date, count: int, organizations: int) -> Reports:
    """So many days in a row, each reported by so many organizations."""
    return [(first + timedelta(days=number), organizations) for number in range(count)]


COMPANY = days(FIRST, (LAST - FIRST).days + 1, 10)
HISTORIES: dict[str, tuple[Reports, date, date]] = {
    "nothing is wrong": (COMPANY, LAST, FIRST),
    "one report of 1970": ([*COMPANY, (date(1970, 1, 1), 1)], LAST, FIRST),
    "one report of 2003": ([*COMPANY, (date(2003, 5, 6), 1)], LAST, FIRST),
    "one report of 2036": ([*COMPANY, (date(2036, 2, 7), 1)], LAST, FIRST),
    "one report of 2062": ([*COMPANY, (date(2062, 10, 15), 1)], LAST, FIRST),
    "one report of 2150": ([*COMPANY, (date(2150, 1, 1), 1)], LAST, FIRST),
    "eight days in a row of 2062": ([*COMPANY, *days(date(2062, 10, 15), 8, 1)], LAST, FIRST),
    "two wrong clocks": ([*COMPANY, *days(date(2036, 2, 7), 9, 1), *days(date(2062, 1, 1), 9, 1)], LAST, FIRST),
    "a clock that is ten days ahead": ([*COMPANY, *days(LAST + timedelta(days=1), 10, 1)], LAST, FIRST),
    "a folder that arrived in part": ([*COMPANY, (LAST + timedelta(days=1), 1)], LAST, FIRST),
    "a fifth on a Sunday": ([*COMPANY, (LAST + timedelta(days=1), 2)], LAST + timedelta(days=1), FIRST),
    "usage that was gone for two weeks": (
        [*COMPANY, *days(LAST + timedelta(days=15), 1, 9)],
        LAST + timedelta(days=15),
        FIRST,
    ),
    "a company of one organization": ([(day, 1) for day, _ in COMPANY], LAST, FIRST),
    "its report of 2062": ([(LAST, 1), (date(2062, 10, 15), 1)], LAST, LAST),
    "a company on its first day": ([(LAST, 3)], LAST, LAST),
    "a company that grows a hundredfold": (
        [*days(FIRST, 20, 1), *days(FIRST + timedelta(days=20), 20, 100)],
        FIRST + timedelta(days=39),
        FIRST,
    ),
    "a company that loses most of its organizations in months": (
        [
            report
            for step, organizations in enumerate((100, 60, 35, 20, 12, 7))
            for report in days(FIRST + timedelta(days=10 * step), 10, organizations)
        ],
        FIRST + timedelta(days=59),
        FIRST,
    ),
}


@pytest.fixture(scope="module")
def empty(parsed: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A warehouse in which the seeds and the models up to the history of days were built once, and their SQL."""
    settings = Settings(data_dir=Path(shutil.copytree(parsed, tmp_path_factory.mktemp("empty") / "data")))
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        create_missing_tables(connection)
        report_usage(connection, COMPANY)
    build_models(["resource_type:seed", "+int_history_days"], settings)
    return settings


@pytest.fixture
def warehouse(empty: Settings, tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A copy of it, without usage."""
    shutil.copy(empty.warehouse_path, tmp_path / "warehouse.duckdb")
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("delete from raw.usage__usage_reports")
        yield connection


def report_usage(connection: duckdb.DuckDBPyConnection, reports: Reports) -> None:
    """Reports of each day by its first organizations, all received on the next day."""
    counters = connection.execute(
        "select string_agg('5 as ' || column_name, ', ') from duckdb_columns() "
        "where table_name = 'usage__usage_reports' and (column_name like '%_in_period' or column_name like '%_count')"
    ).fetchall()[0][0]
    connection.execute(
        f"insert into raw.usage__usage_reports by name select date, 'org-' || number as organization_id, {counters}, "
        "cast(date + interval 26 hour as timestamp) as received_at, 'by hand' as _path, number as _row "
        "from (select unnest($1::date[]) as date, unnest($2::int[]) as organizations) "
        "cross join range(100) as numbers (number) where number < organizations",
        [[day for day, _ in reports], [organizations for _, organizations in reports]],
    )


def built(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Run the SQL of the models again."""
    for model in ("int_usage_days", "int_data_day", "int_history_days"):
        [path] = (settings.dbt_target_dir / "run" / "compiled" / "growth" / "models").rglob(f"{model}.sql")
        connection.execute(f"create or replace table intermediate.{model} as {path.read_text()}")


@pytest.mark.parametrize(("reports", "data_day", "first_day"), HISTORIES.values(), ids=HISTORIES)
def test_data_day_follows_the_company_and_no_wrong_clock(
    reports: Reports, data_day: date, first_day: date, empty: Settings, warehouse: duckdb.DuckDBPyConnection
) -> None:
    report_usage(warehouse, reports)
    built(warehouse, empty)
    assert warehouse.execute("select as_of_date, first_usage_day from intermediate.int_data_day").fetchall() == [
        (data_day, first_day)
    ]
    assert newest_complete_day(warehouse) == data_day
    length = (data_day - first_day).days + 1
    history = "select count(*), min(date), max(date) from intermediate.int_history_days"
    assert warehouse.execute(history).fetchall() == [(length, first_day, data_day)]


def test_few_reports_leave_a_day_missing_for_everybody(empty: Settings, warehouse: duckdb.DuckDBPyConnection) -> None:
    missing = date(2026, 10, 3)
    report_usage(warehouse, [(day, 1 if day == missing else count) for day, count in COMPANY])
    built(warehouse, empty)
    not_reported = "select date from intermediate.int_history_days where not is_reported"
    assert warehouse.execute(not_reported).fetchall() == [(missing,)]


def test_history_of_thirty_years_is_not_cut_off(empty: Settings, warehouse: duckdb.DuckDBPyConnection) -> None:
    report_usage(warehouse, [(date(2000, 1, 1) + timedelta(days=90 * number), 1) for number in range(123)])
    built(warehouse, empty)
    assert warehouse.execute("select count(*), max(date) from intermediate.int_history_days").fetchall() == [
        (10_981, date(2000, 1, 1) + timedelta(days=10_980))
    ]


def seconds(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def test_no_false_fall_around_the_end_of_a_month(empty: Settings, tmp_path: Path) -> None:
    """Two customers have paid 25 dollars of every month since July, each on the first day of the next."""
    data_dir = Path(shutil.copytree(empty.data_dir, tmp_path / "data"))
    walk = [date(2026, 10, 28) + timedelta(days=number) for number in range(9)]
    with duckdb.connect(str(data_dir / empty.warehouse_path.name)) as connection:
        report_usage(connection, [(day, 10) for day in walk])
        stripe(connection, "products", {"id": "prod", "metadata": {"product_key": "product_analytics"}}, "2026-01-01")
        for number in range(2):
            organization, customer = f"org-{number}", f"cus-{number}"
            since = "2026-06-01 09:00"
            row: dict[str, Any] = {"id": organization, "name": organization, "created_at": since, "updated_at": since}
            row |= {"customer_id": customer, "region": "US", "for_internal_metrics": False}
            insert(connection, "product_db__organizations", row)
            stripe(
                connection, "customers", {"id": customer, "metadata": {"organization_id": organization}}, "2026-06-01"
            )
            for month in (7, 8, 9, 10):
                start, end = date(2026, month, 1), date(2026, month + 1, 1)
                period = {"start": seconds(start), "end": seconds(end)}
                line = {
                    "id": "il",
                    "amount": 2500,
                    "subscription": "sub",
                    "period": period,
                    "price": {"product": "prod"},
                }
                invoice = {"id": f"in-{number}-{month}", "customer": customer, "status": "paid", "currency": "usd"}
                lines = {"subscription": "sub", "lines": {"data": [line]}}
                stripe(connection, "invoices", {**invoice, **lines}, f"{end} 09:00")
    selection = ["+rpt_arr_mix_progress", "+fct_mrr_movements"]
    for as_of in walk:
        build_models(selection, Settings(data_dir=data_dir, as_of=as_of))
        selection = ["int_data_day+,+rpt_arr_mix_progress", "int_data_day+,+fct_mrr_movements"]
        [(arr,)] = read(data_dir, f"select sum(arr_usd) from marts.rpt_arr_mix_progress where as_of = date '{as_of}'")
        [(movements, last_month)] = read(
            data_dir,
            "select (select string_agg(distinct movement) from marts.fct_mrr_movements), "
            "(select max(month) from marts.fct_mrr_monthly)",
        )
        closed = date(2026, 10 if as_of >= date(2026, 11, 3) else 9, 1)
        assert (as_of, arr, movements, last_month) == (as_of, 600, "new", closed)


def test_view_where_a_table_belongs_is_replaced_and_a_table_stays_until_the_new_one_is_whole(
    empty: Settings, tmp_path: Path
) -> None:
    data_dir = Path(shutil.copytree(empty.data_dir, tmp_path / "data"))
    settings, selection = Settings(data_dir=data_dir), ["int_data_day", "stg_usage__usage_reports"]
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("drop table intermediate.int_data_day")
        connection.execute("create view intermediate.int_data_day as select 1 as x")
        connection.execute("drop view staging.stg_usage__usage_reports")
        connection.execute("create table staging.stg_usage__usage_reports as select 1 as x")
    build_models(selection, settings)
    assert read(data_dir, "select as_of_date from intermediate.int_data_day") == [(LAST,)]
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("delete from intermediate.int_usage_days")
    with pytest.raises(DbtError, match="No day of usage is complete"):
        build_models(selection, settings)
    assert read(data_dir, "select as_of_date from intermediate.int_data_day") == [(LAST,)]
