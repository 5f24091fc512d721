"""A warehouse with two small marts of one version, gates that passed, and readers that never stop."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from settings import PROJECT_DIR, Settings
from warehouse.connection import connect

RESULTS = """
create or replace table quality.expectation_results as
select * from (values
    ('run-1', 'raw', 'usage', 'keys', 'critical', 'passed', timestamp '2026-11-01 02:00:00', cast(null as date), 2),
    ('run-1', 'staging', 'stg_usage', 'keys', 'critical', 'passed', timestamp '2026-11-01 02:01:00', null, 3),
    ('run-1', 'marts', 'fct_a', 'sums', '{severity}', '{status}', timestamp '2026-11-01 02:02:00', null, 5)
) as results (run_id, layer, table_name, expectation, severity, status, checked_at, first_day, turn)
"""

READER = """
import os, sys
import duckdb
path, stop = sys.argv[1:]
queries, mixed, versions = 0, 0, set()
print("reading", flush=True)
while not os.path.exists(stop):
    connection = duckdb.connect(path, read_only=True)
    first = connection.execute("select max(version), min(version), count(*) from marts.fct_a").fetchone()
    second = connection.execute("select max(version), min(version), count(*) from marts.fct_b").fetchone()
    run = connection.execute("select run_id from marts.publish_info").fetchone()[0]
    connection.close()
    queries += 3
    mixed += first != second or first[0] != first[1] or run != f"run-{first[0]}"
    versions.add(first[0])
print(queries, mixed, len(versions), flush=True)
"""


def gated_warehouse(settings: Settings) -> Settings:
    """Make the warehouse of a data folder, with marts of version 1."""
    settings.data_dir.mkdir()
    with connect(settings.warehouse_path) as connection:
        for schema in ("raw", "intermediate", "marts", "quality"):
            connection.execute(f"create schema {schema}")
        connection.execute(
            "create table raw.rejected_rows as select 'usage__usage_reports' as table_name, 'a.csv' as file, "
            "unnest(['contract', 'tie']) as rule"
        )
        connection.execute(
            "create table raw.loaded_files as select timestamp '2026-11-01 01:58' as loaded_at, 1 as turn"
        )
        connection.execute("create table quality.builds as select timestamp '2026-11-01 02:01' as built_at, 4 as turn")
        connection.execute(
            "create table intermediate.int_data_day as "
            "select date '2026-10-31' as as_of_date, date '2026-09-01' as last_closed_month"
        )
        connection.execute(
            "create table intermediate.int_source_freshness as "
            "select 'usage' as source_name, timestamp '2026-11-01 00:10:00' as newest_at"
        )
        connection.execute(RESULTS.format(severity="critical", status="passed"))
    build_marts(settings, version=1)
    return settings


def build_marts(settings: Settings, version: int) -> None:
    """Two marts whose every row holds the version, as a run would rebuild them."""
    with connect(settings.warehouse_path) as connection:
        for table in ("fct_a", "fct_b"):
            connection.execute(
                f"create or replace table marts.{table} as select {version} as version, i from range(20000) as r (i)"
            )


def read(settings: Settings, query: str) -> list[tuple]:
    """Rows of the published file."""
    with duckdb.connect(str(settings.serving_path), read_only=True) as connection:
        return connection.execute(query).fetchall()


@contextmanager
def readers_without_pause(settings: Settings) -> Iterator[None]:
    """Two other processes query the published file all the while; none sees an error or parts of two versions."""
    stop = settings.data_dir / "stop"
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(settings.serving_path), str(stop)],
            cwd=PROJECT_DIR,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    try:
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "reading\n"
        yield
        stop.touch()
        for reader in readers:
            output, errors = reader.communicate()
            assert reader.returncode == 0, errors
            queries, mixed, versions = (int(number) for number in output.split())
            assert queries > 0
            assert mixed == 0
            assert versions > 1
    finally:
        for reader in readers:
            reader.kill()
