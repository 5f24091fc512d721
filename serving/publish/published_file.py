"""Publish the marts: when every gate has passed, replace the one file that readers open, in one rename."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from serving.publish.marts_copy import Rebuilt, copy_marts, note_published
from serving.publish.old_names import create_views
from serving.publish.versions import Version, building, next_publish_number, put_live
from settings import Settings, UserError
from warehouse.connection import connect
from warehouse.sql_text import literal, quote

# Rule of rows that a later row replaced; they break no contract.
REPLACED = "tie"
LAYERS = ("raw", "staging", "marts")


class NotPublishableError(UserError):
    """The gates failed or did not run; the published file is unchanged."""


@dataclass(frozen=True)
class PublishResult:
    path: Path
    as_of_date: date
    rows_by_table: dict[str, int]
    rows_set_aside: int
    checks: dict[str, int]
    bytes_written: int
    # The version that readers had before, if it is kept.
    replaced: Version | None
    # Of tables that differ from it on some days only.
    days_written: dict[str, Rebuilt]


def publish(settings: Settings, run_id: str, descriptions: Mapping[tuple[str, str], str]) -> PublishResult:
    """Copy schema `marts` of the warehouse, with `publish_info`, into a new file and swap it in.

    `descriptions`, by table and column ("" for the table itself), become comments of the new file.
    The caller holds the warehouse's lock. Raises `NotPublishableError` if a critical check failed, or data changed
    after its last check.
    """
    with building(settings) as built:
        with connect(settings.warehouse_path) as connection:
            checks = _checks(connection)
            # The file is for readers, who keep versions of it.
            connection.execute("reset disabled_compression_methods")
            copied = copy_marts(connection, settings, built)
            _write_comments(connection, descriptions)
            create_views(connection)
            publish_number = next_publish_number(settings)
            info = _write_publish_info(connection, settings, run_id, publish_number, checks)
            connection.execute("checkpoint serving")
            connection.execute("detach serving")
        size = built.stat().st_size
        replaced = put_live(settings, built)
        with connect(settings.warehouse_path) as connection:
            note_published(connection, copied, run_id, publish_number)
    return PublishResult(
        settings.serving_path, info[0], copied.rows_by_table, info[1], checks, size, replaced, copied.days_written
    )


def _checks(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Count the results of each table's newest full check as passed, warned and failed.

    A check of single days does not replace a full one, but its later failures count.
    """
    try:
        results = connection.execute(
            """
            select results.layer, results.table_name, results.expectation, results.status, results.severity
            from quality.expectation_results as results
            inner join (
                select
                    layer, table_name, max_by(run_id, (coalesce(turn, 0), checked_at)) as run_id,
                    coalesce(max(turn), 0) as turn
                from quality.expectation_results
                where first_day is null
                group by layer, table_name
            ) as newest on results.layer = newest.layer and results.table_name = newest.table_name
            where (results.first_day is null and results.run_id = newest.run_id)
                or (results.first_day is not null and results.turn > newest.turn and results.status <> 'passed')
            order by results.layer, results.table_name, results.expectation
            """
        ).fetchall()
    except (duckdb.CatalogException, duckdb.BinderException):
        # No gate has run, or only one of a version without these columns.
        results = []
    missing = [layer for layer in LAYERS if layer not in {row[0] for row in results}]
    if missing:
        raise NotPublishableError(f"the gate on {', '.join(missing)} has no results: run `growth run`")
    counts = {"passed": 0, "warned": 0, "failed": 0}
    _require_checks_after_changes(connection)
    blocking = []
    for layer, table, expectation, status, severity in results:
        outcome = _outcome(status, severity)
        counts[outcome] += 1
        if outcome == "failed":
            blocking.append(f"{layer}.{table}: {expectation} ({status})")
    if blocking:
        raise NotPublishableError(
            "failed checks block publishing: "
            + "; ".join(blocking[:5])
            + ". `growth ui` shows the result of every check: fix the cause and run again"
        )
    _require_full_checks(connection)
    return counts


def _require_full_checks(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise if only some days of a table were checked since it was last checked in full.

    Compares turns, since the clock may be wrong; rows without a turn are the oldest.
    """
    tables = connection.execute(
        """
        select layer || '.' || table_name from quality.expectation_results group by layer, table_name
        having coalesce(max(turn) filter (where first_day is not null), -1)
            > coalesce(max(turn) filter (where first_day is null), 0) order by all
        """
    ).fetchall()
    if tables:
        raise NotPublishableError(
            f"only some days of {', '.join(table for (table,) in tables)} were checked since the last full check: "
            "run `growth run`"
        )


def _require_checks_after_changes(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise if data was loaded or models were built after the last full check."""
    row = connection.execute(
        """
        with wholly_checked as (
            select layer, coalesce(max(turn), 0) as turn
            from quality.expectation_results
            where first_day is null
            group by layer
        )
        select
            (select case when count(*) > 0 then coalesce(max(turn), 0) end from raw.loaded_files)
                > (select turn from wholly_checked where layer = 'raw') as is_loaded_since,
            (select case when count(*) > 0 then coalesce(max(turn), 0) end from quality.builds)
                > (select turn from wholly_checked where layer = 'marts') as is_built_since
        """
    ).fetchone()
    for is_stale, layer in zip(row or (), ("raw", "marts"), strict=True):
        if is_stale is not False:
            raise NotPublishableError(
                f"{layer} was never checked, or has changed since its last check: run `growth run`"
            )


def _outcome(status: str, severity: str) -> str:
    """A check that could not run counts as failed."""
    if status == "passed":
        return "passed"
    return "warned" if status == "failed" and severity == "warning" else "failed"


def _write_comments(connection: duckdb.DuckDBPyConnection, descriptions: Mapping[tuple[str, str], str]) -> None:
    """Describe what was copied; a table that dbt does not know any more is left without comments."""
    copied = connection.execute(
        """
        select table_name, '' as column_name, comment from duckdb_tables() where database_name = 'serving'
        union all
        select table_name, column_name, comment from duckdb_columns() where database_name = 'serving'
        order by all
        """
    ).fetchall()
    # In one transaction: each by itself would wait for the disk.
    connection.execute("begin")
    for table, column, comment in copied:
        description = descriptions.get((table, column))
        if description and description != comment:
            name = f"serving.marts.{quote(table)}"
            kind, name = ("column", f"{name}.{quote(column)}") if column else ("table", name)
            connection.execute(f"comment on {kind} {name} is {literal(description)}")
    connection.execute("commit")


def _write_publish_info(
    connection: duckdb.DuckDBPyConnection, settings: Settings, run_id: str, publish_number: int, checks: dict[str, int]
) -> tuple[date, int]:
    row = connection.execute("select as_of_date, last_closed_month from intermediate.int_data_day").fetchone()
    if row is None:
        raise NotPublishableError("no data day: run `growth run`")
    as_of_date, last_closed_month = row
    set_aside_by_table = {
        _source_table(table): count
        for table, count in connection.execute(
            "select table_name, count(*) from raw.rejected_rows where rule <> ? group by table_name order by 1",
            [REPLACED],
        ).fetchall()
    }
    set_aside = sum(set_aside_by_table.values())
    freshness = connection.execute(
        "select source_name, newest_at from intermediate.int_source_freshness order by source_name"
    ).fetchall()
    columns: list[tuple[str, str, object, str]] = [
        ("run_id", "varchar", run_id, "Run that published this file."),
        ("as_of_date", "date", as_of_date, "Data day: every figure holds at the end of this UTC day."),
        ("last_closed_month", "date", last_closed_month, "First day of the newest closed month."),
        ("published_at", "timestamp", datetime.now(UTC).replace(tzinfo=None), "UTC instant of publishing."),
        (
            "publish_number",
            "bigint",
            publish_number,
            "Publish number: later publishes have larger ones.",
        ),
        (
            "is_day_asked_for",
            "boolean",
            settings.as_of is not None,
            "Whether GROWTH_AS_OF set the data day; otherwise it is the newest complete day of usage.",
        ),
        *(
            (f"{source}_newest_at", "timestamp", newest_at, f"UTC instant of the newest record of source {source}.")
            for source, newest_at in freshness
        ),
        (
            "empty_source_tables",
            "varchar",
            ", ".join(_empty_source_tables(connection)),
            "Source tables without rows, separated by commas: figures based on them are unknown.",
        ),
        ("rows_set_aside", "bigint", set_aside, "Source rows that broke the contract and are left out."),
        (
            "rows_set_aside_by_table",
            "varchar",
            json.dumps(set_aside_by_table),
            "Rows set aside by source table, as a JSON object.",
        ),
        *(
            (f"checks_{outcome}", "bigint", count, f"Expectations that {outcome} at their last check.")
            for outcome, count in checks.items()
        ),
    ]
    declared = ", ".join(f"{quote(name)} {kind}" for name, kind, _, _ in columns)
    marks = ", ".join("?" for _ in columns)
    connection.execute(f"create table serving.marts.publish_info ({declared})")
    connection.execute(
        f"insert into serving.marts.publish_info values ({marks})",  # noqa: S608
        [value for _, _, value, _ in columns],
    )
    for name, _, _, comment in columns:
        connection.execute(f"comment on column serving.marts.publish_info.{quote(name)} is {literal(comment)}")
    return as_of_date, set_aside


def _empty_source_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    tables = connection.execute(
        """
        select table_name from duckdb_tables()
        where database_name = current_database() and schema_name = 'raw' and regexp_matches(table_name, '^[a-z].*__')
        order by table_name
        """
    ).fetchall()
    empty = []
    for (table,) in tables:
        if connection.execute(f"select 1 from raw.{quote(table)} limit 1").fetchone() is None:  # noqa: S608
            empty.append(_source_table(table))
    return empty


def _source_table(raw_table: str) -> str:
    """The input contract's name of a raw table: crm.accounts for crm__accounts."""
    return raw_table.replace("__", ".", 1)
