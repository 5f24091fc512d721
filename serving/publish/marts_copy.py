"""Copy the marts into the file to publish: all of them, or what differs from the file that readers have.

The warehouse notes what the last published file holds (`quality.published_marts`: of each table its columns and a
fingerprint of its rows) and which days were built since (`quality.days_rebuilt`, written by the build before it changes
them). If readers have just that file, it is copied as it is, and only tables and days that differ are written again.
Otherwise, after a rollback, a restore or a deletion request, or when a third of that file is unused, all is copied.
"""

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from serving.publish.versions import live_version
from settings import Settings
from warehouse.connection import next_turn
from warehouse.sql_text import literal, quote

# The oldest version, so readable by most clients, that refuses the log of another file.
STORAGE_VERSION = "v1.4.0"
# Replaced rows leave unused blocks in a copy; above this share everything is written anew.
MOST_UNUSED_SHARE = 1 / 3
CREATE_NOTES = """
create schema if not exists quality;
create table if not exists quality.published_marts (
    run_id varchar, publish_number bigint, turn bigint, table_name varchar, made_of varchar
);
create table if not exists quality.days_rebuilt (
    table_name varchar, day_column varchar, first_day date, last_day date, turn bigint
);
"""
COLUMNS = """
select table_name, list(column_name order by column_index), list(data_type order by column_index)
from duckdb_columns()
where database_name = current_database() and schema_name = 'marts'
    and table_name in (
        select table_name from duckdb_tables() where database_name = current_database() and schema_name = 'marts'
    )
group by table_name
order by table_name
"""


@dataclass(frozen=True)
class Rebuilt:
    """The days of a table that were built since the last publish, both ends included."""

    day_column: str
    first: date
    last: date

    @property
    def condition(self) -> str:
        """SQL for whether a row is of these days."""
        return f"{quote(self.day_column)} between {literal(self.first)} and {literal(self.last)}"


@dataclass(frozen=True)
class Copied:
    """What a new file was made of, to be noted once readers have it.

    Of the tables in `days_written` only these days were written; their other rows are those of the file before.
    """

    turn: int
    made_of: dict[str, str]
    rows_by_table: dict[str, int]
    days_written: dict[str, Rebuilt]


def copy_marts(connection: duckdb.DuckDBPyConnection, settings: Settings, built: Path) -> Copied:
    """Attach a file at `built` as `serving` with the tables of schema `marts`; the caller detaches it.

    `connection` is to the warehouse, which is changed only by its notes.
    """
    connection.execute(CREATE_NOTES)
    turn = next_turn(connection)
    columns = {
        table: dict(zip(names, kinds, strict=True)) for table, names, kinds in connection.execute(COLUMNS).fetchall()
    }
    by_days = {
        table for (table,) in connection.execute("select distinct table_name from quality.days_rebuilt").fetchall()
    }
    made_of = {table: _made_of(connection, table, of, table in by_days) for table, of in columns.items()}
    before = _published_before(connection, settings)
    days_written: dict[str, Rebuilt] = {}
    if before and _attach_copy_of(connection, settings.serving_path, built):
        rebuilt = _days_rebuilt(connection)
        rows = {}
        for table in columns:
            days = rebuilt.get(table)
            is_same = before.get(table) == made_of[table] and _write_days(connection, table, days)
            if is_same and days:
                days_written[table] = days
            rows[table] = _count(connection, f"serving.marts.{quote(table)}") if is_same else _copy(connection, table)
        _drop_what_is_gone(connection, set(columns))
    else:
        connection.execute(f"attach {literal(built)} as serving (storage_version '{STORAGE_VERSION}')")
        connection.execute("create schema serving.marts")
        rows = {table: _copy(connection, table) for table in columns}
    return Copied(turn, made_of, rows, days_written)


def note_published(connection: duckdb.DuckDBPyConnection, copied: Copied, run_id: str, publish_number: int) -> None:
    """Note what readers have from now on; a process that ends before it does has the next publish copy everything."""
    connection.execute("begin")
    connection.execute("delete from quality.published_marts")
    connection.executemany(
        "insert into quality.published_marts values (?, ?, ?, ?, ?)",
        [(run_id, publish_number, copied.turn, table, made_of) for table, made_of in copied.made_of.items()],
    )
    connection.execute("commit")


def forget_published(connection: duckdb.DuckDBPyConnection) -> None:
    """Have the next publish write every byte anew: a copy would have deleted rows in its unused blocks."""
    connection.execute("drop table if exists quality.published_marts")


def _made_of(connection: duckdb.DuckDBPyConnection, table: str, columns: dict[str, str], is_by_days: bool) -> str:
    """Differs if the table's columns or rows do; of a table that is built by days, if its columns do."""
    declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    if is_by_days:
        return declared
    values = ", ".join(map(quote, columns))
    rows = connection.execute(
        f"select count(*), sum(hash({values})::hugeint)::varchar from marts.{quote(table)}"  # noqa: S608
    ).fetchall()
    return f"{declared} {rows[0]}"


def _published_before(connection: duckdb.DuckDBPyConnection, settings: Settings) -> dict[str, str]:
    """What the tables of the file that readers have are made of; empty if that is not known."""
    live = live_version(settings)
    if live is None:
        return {}
    return dict(
        connection.execute(
            "select table_name, made_of from quality.published_marts where run_id = ? and publish_number = ?",
            [live.run_id, live.publish_number],
        ).fetchall()
    )


def _attach_copy_of(connection: duckdb.DuckDBPyConnection, published: Path, built: Path) -> bool:
    """Attach a copy of the published file as `serving`; False, and nothing is there, if too much of it is unused."""
    shutil.copyfile(published, built)
    built.chmod(0o600)
    connection.execute(f"attach {literal(built)} as serving")
    blocks = connection.execute(
        "select total_blocks, free_blocks from pragma_database_size() where database_name = 'serving'"
    ).fetchall()
    in_all, unused = blocks[0]
    if unused <= MOST_UNUSED_SHARE * in_all:
        return True
    connection.execute("detach serving")
    built.unlink()
    return False


def _days_rebuilt(connection: duckdb.DuckDBPyConnection) -> dict[str, Rebuilt]:
    rows = connection.execute(
        "select table_name, any_value(day_column), min(first_day), max(last_day) from quality.days_rebuilt "
        "where turn > (select max(turn) from quality.published_marts) group by table_name"
    ).fetchall()
    return {table: Rebuilt(*rest) for table, *rest in rows}


def _write_days(connection: duckdb.DuckDBPyConnection, table: str, days: Rebuilt | None) -> bool:
    """Write these days of a table again; False if the table has other rows than the warehouse then.

    Then somebody built it by hand, and nothing says which of its days differ.
    """
    name = quote(table)
    if days:
        connection.execute(f"delete from serving.marts.{name} where {days.condition}")  # noqa: S608
        connection.execute(f"insert into serving.marts.{name} from marts.{name} where {days.condition}")
    return _count(connection, f"serving.marts.{name}") == _count(connection, f"marts.{name}")


def _drop_what_is_gone(connection: duckdb.DuckDBPyConnection, tables: set[str]) -> None:
    """Drop views, which are made again, `publish_info`, and tables that are no longer built."""
    found = connection.execute(
        "select 'view', view_name from duckdb_views() where database_name = 'serving' and schema_name = 'marts' "
        "and not internal union all "
        "select 'table', table_name from duckdb_tables() where database_name = 'serving' and schema_name = 'marts'"
    ).fetchall()
    for kind, name in found:
        if name not in tables:
            connection.execute(f"drop {kind} serving.marts.{quote(name)}")


def _copy(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    """Write the whole table, in the place of one from before; returns its rows."""
    name = quote(table)
    connection.execute(f"drop table if exists serving.marts.{name}")
    return int(connection.execute(f"create table serving.marts.{name} as from marts.{name}").fetchall()[0][0])


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(connection.execute(f"select count(*) from {relation}").fetchall()[0][0])  # noqa: S608
