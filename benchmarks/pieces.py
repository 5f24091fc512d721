"""Pieces of work to measure: `python -m benchmarks.pieces NAME ARGUMENTS`; each prints its figures."""

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from settings import get_settings

if TYPE_CHECKING:
    from transform.days import Days

RAW_USAGE = "usage__usage_reports"
TABLES_BY_DAYS = ("fct_usage_daily", "fct_bill_forecasts", "fct_bill_forecast_products", "fct_queue_exclusions")


def load(*tables: str) -> None:
    """Ours: load the given raw tables, or all. Prints the rows read."""
    from ingestion.load import load_sources

    report = load_sources(get_settings(), tables=set(tables) or None)
    print(sum(table.rows_read for table in report.tables))


def bare_load(source: str, target: str) -> None:
    """DuckDB's: read Parquet into a table, without deduplication or crash safety. Prints the rows."""
    connection = duckdb.connect(target)
    connection.execute(
        "create table usage as select * from read_parquet(?, union_by_name = true, hive_partitioning = false)",
        [f"{source}/usage/usage_reports/*/*.parquet"],
    )
    print(_one(connection.execute("select count(*) from usage")))


def bare_copy_out(url: str, path: str) -> None:
    """PostgreSQL's: psql writes the same rows to a file."""
    os.execvp("psql", ["psql", url, "--command", f"\\copy (select * from organization) to '{path}' csv header"])


def dbt(target_dir: str, *arguments: str) -> None:
    """Ours: a dbt command."""
    from transform.dbt_runner import invoke_dbt

    invoke_dbt(arguments, get_settings(), Path(target_dir))


def models(target_dir: str, *selection: str) -> None:
    """Ours: the selected models, or all, with the project already parsed. Prints CPU seconds without start-up.

    The selection is dbt's: `--select` or `--exclude`, and names.
    """
    from transform.dbt_runner import invoke_dbt

    settings = get_settings()
    project = invoke_dbt(["parse"], settings, Path(target_dir))
    started = time.process_time()
    invoke_dbt(["run", *selection], settings, Path(target_dir), manifest=project)
    print(time.process_time() - started)


def history(first_day: str) -> None:
    """Ours: seeds and every model, with usage from a day on."""
    from transform.dbt_runner import build_models

    settings = get_settings()
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(f'delete from raw."{RAW_USAGE}" where date < ?', [first_day])
    build_models(["resource_type:seed", "resource_type:model"], settings)


def one_day() -> None:
    """Ours: the tables of the newest partition. Prints CPU seconds without start-up."""
    from transform.dbt_runner import build_models

    settings = get_settings()
    build_models(["int_data_day"], settings)
    days = _data_day()
    started = time.process_time()
    build_models(TABLES_BY_DAYS, settings, days=days)
    print(time.process_time() - started)


def run_of_one_day() -> None:
    """Ours: a run of the newest partition with its gates; publishes nothing."""
    from orchestration.instance.run import run_days

    if not run_days(get_settings(), _data_day()).success:
        raise SystemExit("the run of one day failed")


def mrr_history(customers: str, months: str) -> None:
    """Synthetic input of the mix projection: customers arrive, grow, have good and bad months, and leave.

    Prints how many pay in the last month.
    """
    path = get_settings().warehouse_path
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(path)) as connection:
        for schema in ("intermediate", "marts"):
            connection.execute(f"create schema {schema}")
        connection.execute(
            "create table intermediate.int_data_day as "
            "select date '2026-10-31' as as_of_date, date '2026-10-01' as last_closed_month"
        )
        # Nothing was billed by the candidate price list.
        connection.execute(
            "create table intermediate.int_repriced_mrr "
            "(customer_id varchar, month date, mrr_change_usd decimal(18, 2))"
        )
        connection.execute(
            "create table marts.fct_mrr_monthly as "
            "with customers as (select id, hash(id) % 997 / 997.0 as size, hash(id, 1) % ($months * 2) as first_month, "
            "hash(id, 2) % 100 / 1000.0 as growth, hash(id, 3) % 60 + 3 as stays from range($customers) as ids (id)) "
            "select 'customer_' || id as customer_id, "
            "cast(date '2026-10-01' - to_months(cast($months - 1 - month as int)) as date) as month, "
            "cast(case when month < first_month - $months + stays then "
            "exp(2 + 8 * size + growth * month) * (0.9 + hash(id, month) % 20 / 100.0) else 0 end as decimal(18, 2)) "
            "as mrr_usd_month "
            "from customers, range($months) as months (month) where month >= first_month - $months",
            {"customers": int(customers), "months": int(months)},
        )
        print(
            _one(
                connection.execute(
                    "select count(*) from marts.fct_mrr_monthly where month = date '2026-10-01' and mrr_usd_month > 0"
                )
            )
        )


def bare_build(statements: str, database: str) -> None:
    """DuckDB's: the models' compiled SQL, one statement after the other on one connection. Prints CPU seconds."""
    started = time.process_time()
    connection = duckdb.connect(database)
    connection.execute("set TimeZone = 'UTC'")
    for kind, name, sql in json.loads(Path(statements).read_text()):
        connection.execute(f"create or replace {kind} {name} as {sql}")
    print(time.process_time() - started)


def gates(*tables: str) -> None:
    """Ours: the gates of every layer, or of the given raw tables. Prints expectations, CPU seconds after start-up."""
    import great_expectations  # noqa: F401

    from expectations.gate import run_layer

    path = get_settings().warehouse_path
    run_layer(path, "raw", run_id="warm-up", as_of=None, tables={"crm__account_merges"})
    started = time.process_time()
    checks = 0
    for layer in ("raw",) if tables else ("raw", "staging", "marts"):
        checks += len(run_layer(path, layer, run_id="bench", as_of=None, tables=set(tables) or None))
    print(checks, time.process_time() - started)


def bare_usage_gate() -> None:
    """DuckDB's: the gate of raw usage as one hand-written query. Prints CPU seconds."""
    connection = duckdb.connect(str(get_settings().warehouse_path), read_only=True)
    described = connection.execute(f"describe raw.{RAW_USAGE}").fetchall()
    counters = [column[0] for column in described if column[0].endswith("_in_period")]
    started = time.process_time()
    parts = [f"count(*) filter ({name} is null or {name} < 0)" for name in counters]
    connection.execute(
        "select count(*), count(*) filter (date is null or organization_id is null or received_at is null), "
        "count(*) - count(distinct (date, organization_id)), max(date), max(received_at), "
        f"{', '.join(parts)} from raw.{RAW_USAGE}"
    ).fetchall()
    print(time.process_time() - started)


def bare_gates() -> None:
    """DuckDB's: the gates of every layer, as one query per table and the suites' own queries. Prints CPU seconds."""
    from expectations.suites import QUERY, load_suites

    connection = duckdb.connect(str(get_settings().warehouse_path), read_only=True)
    as_of = f"date '{_one(connection.execute('select as_of_date from intermediate.int_data_day'))}'"
    dates = {"{as_of}": as_of, "{first_day}": "date '1900-01-01'", "{last_day}": "date '9999-12-31'"}
    started = time.process_time()
    for suite in load_suites():
        table = f'{suite.layer}."{suite.table}"'
        counts = ["count(*)"]
        for each in suite.expectations:
            kwargs = each.kwargs
            asked = str(kwargs.get("unexpected_rows_query") or kwargs.get("condition"))
            for placeholder, value in dates.items():
                asked = asked.replace(placeholder, value)
            if each.type == QUERY:
                connection.execute(f"select count(*) from ({asked.format(batch=table)})").fetchall()
            elif each.type == "expect_rows_to_satisfy":
                counts.append(f"count(*) filter (({asked}) is not true)")
            elif each.type.endswith("to_be_unique"):
                columns = ", ".join(f'"{column}"' for column in kwargs.get("column_list") or [kwargs["column"]])
                counts.append(f"count(*) - count(distinct ({columns}))")
            elif each.type.startswith("expect_column_values"):
                # A set or a bound costs DuckDB what a null does: one column read, one comparison.
                counts.append(f"""count(*) - count("{kwargs["column"]}")""")
            elif each.type.startswith("expect_column_pair"):
                counts.append(f"""count(*) filter ("{kwargs["column_A"]}" < "{kwargs["column_B"]}")""")
        connection.execute(f"select {', '.join(counts)} from {table}").fetchall()
    print(time.process_time() - started)


def publish() -> None:
    """Ours: publish the marts. Prints the rows."""
    from serving.publish.published_file import publish as publish_marts
    from transform.dbt_runner import descriptions_of_marts

    settings = get_settings()
    print(sum(publish_marts(settings, "bench", descriptions_of_marts(settings)).rows_by_table.values()))


def bare_copy(target: str) -> None:
    """DuckDB's: copy the marts into another file."""
    connection = duckdb.connect(str(get_settings().warehouse_path))
    tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    connection.execute(f"attach '{target}' as copied")
    connection.execute("create schema copied.marts")
    for (table,) in tables:
        connection.execute(f"create table copied.marts.{table} as from marts.{table}")


def _data_day() -> "Days":
    from transform.days import Days

    with duckdb.connect(str(get_settings().warehouse_path), read_only=True) as connection:
        [(day,)] = connection.execute("select as_of_date from intermediate.int_data_day").fetchall()
    return Days(day, day)


def _one(result: duckdb.DuckDBPyConnection) -> object:
    row = result.fetchone()
    assert row is not None
    return row[0]


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
