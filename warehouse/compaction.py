"""Compact the warehouse: replaced rows leave unused blocks, which DuckDB does not return.

The tables of the copy are counted, and it is swapped in by one rename; a killed process leaves the old or the new file.
"""

import shutil
from pathlib import Path
from typing import NamedTuple

import duckdb

from settings import UserError
from warehouse import postgres
from warehouse.connection import PLAIN_NUMBERS, connect, limit_memory
from warehouse.folder import sync
from warehouse.sql_text import literal, quote

# Below this share compaction is not worth it: a run needs some unused blocks again.
LEAST_UNUSED_SHARE = 1 / 3
# Bytes of free disk needed per used byte, for the copy and its log.
ROOM_NEEDED = 1.2
DEFINITIONS = """
select 'table ' || schema_name || '.' || table_name, sql || coalesce(comment, '') from duckdb_tables()
where database_name = '{0}'
union all
select 'view ' || schema_name || '.' || view_name, sql || coalesce(comment, '') from duckdb_views()
where database_name = '{0}' and not internal
union all
select 'column ' || schema_name || '.' || table_name || '.' || column_name, coalesce(comment, '') from duckdb_columns()
where database_name = '{0}' and not internal
order by all
"""
TABLES = "select schema_name, table_name from duckdb_tables() where database_name = 'before' order by all"


class CompactionError(UserError):
    """The warehouse is unchanged; the message says why and what to do."""


class FileSize(NamedTuple):
    """Bytes of a DuckDB file, in all and in unused blocks."""

    bytes_in_all: int
    bytes_unused: int


def size_of(path: Path) -> FileSize:
    """The size of the warehouse, with its log. The caller holds the lock."""
    if postgres.is_on_server(path):
        return FileSize(postgres.database_bytes(), 0)
    with connect(path) as connection:
        connection.execute("checkpoint")
        row = connection.execute("select block_size, total_blocks, free_blocks from pragma_database_size()").fetchall()
    block_size, _, free_blocks = row[0]
    return FileSize(path.stat().st_size, free_blocks * block_size)


def compact(path: Path, least_unused_share: float = LEAST_UNUSED_SHARE) -> FileSize | None:
    """Copy the used blocks of a file into a new one and swap it in; returns the size before.

    None if too little is unused, and on a server, which does this itself. The caller holds the lock. Raises
    `CompactionError` if the disk is too full or the copy differs.
    """
    if postgres.is_on_server(path):
        postgres.vacuum(rewrite=least_unused_share == 0)
        return None
    building = path.with_name(path.stem + ".compacting") / path.name
    shutil.rmtree(building.parent, ignore_errors=True)
    before = size_of(path)
    if before.bytes_unused < least_unused_share * before.bytes_in_all:
        return None
    _require_room(path, before)
    building.parent.mkdir()
    try:
        _copy(path, building)
        # A log that belongs to the old file would be replayed into the new one.
        if path.with_name(path.name + ".wal").exists():
            raise CompactionError(f"{path.name} was written while it was copied and is unchanged: run again")
        sync(building)
        building.replace(path)
        sync(path.parent)
    finally:
        shutil.rmtree(building.parent, ignore_errors=True)
    return before


def _require_room(path: Path, size: FileSize) -> None:
    needed = int(ROOM_NEEDED * (size.bytes_in_all - size.bytes_unused))
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise CompactionError(
            f"compacting {path.name} needs {needed:,} bytes of disk in {path.parent} and {free:,} are free, so it is "
            "unchanged: free some space, or delete the file and run again, which rebuilds everything"
        )


def _copy(path: Path, building: Path) -> None:
    # Views name their database, so the copy is attached under its final name.
    name = quote(path.stem)
    with duckdb.connect() as connection:
        limit_memory(connection, path)
        connection.execute(PLAIN_NUMBERS)
        connection.execute(f"attach {literal(building)} as {name}")
        connection.execute(f"attach {literal(path)} as before (read_only)")
        connection.execute(f"copy from database before to {name}")
        if (
            connection.execute(DEFINITIONS.format("before")).fetchall()
            != connection.execute(DEFINITIONS.format(path.stem)).fetchall()
        ):
            raise CompactionError("the copy has other tables, views or comments than the warehouse, which is unchanged")
        for schema, table in connection.execute(TABLES).fetchall():
            # Counted alone: to compare the values of a large company took as long as a third of the copy.
            rows = [
                connection.execute(f"select count(*) from {database}.{quote(schema, table)}").fetchall()  # noqa: S608
                for database in ("before", name)
            ]
            if rows[0] != rows[1]:
                raise CompactionError(f"the copy of {schema}.{table} has other rows; the warehouse is unchanged")
        connection.execute(f"checkpoint {name}")
        connection.execute(f"detach {name}")
