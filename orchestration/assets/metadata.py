"""Figures that Dagster draws over time: rows of what was built, and what the run's process has used."""

import resource
import sys
import time
from collections.abc import Iterable

from dagster import AssetKey

from settings import Settings
from warehouse.connection import connect


def row_counts(keys: Iterable[AssetKey], settings: Settings) -> dict[AssetKey, dict[str, int]]:
    """Rows of those that are tables, as metadata; a view would have to be computed."""
    by_name = {(key.path[0], key.path[-1]): key for key in keys}
    with connect(settings.warehouse_path, read_only=True) as connection:
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where database_name = current_database()"
        ).fetchall()
        wanted = [name for name in tables if name in by_name]
        counts = [f"select '{schema}', '{table}', count(*) from {schema}.{table}" for schema, table in wanted]  # noqa: S608
        rows = connection.execute(" union all ".join(counts)).fetchall() if counts else []
    return {by_name[schema, table]: {"dagster/row_count": count} for schema, table, count in rows}


def used_by_this_process(settings: Settings) -> dict[str, float | int]:
    """CPU and memory that the run has taken so far, and the size that the working file has grown to."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "run_cpu_seconds": round(time.process_time(), 1),
        "run_peak_memory_bytes": peak if sys.platform == "darwin" else peak * 1024,
        "working_file_bytes": settings.warehouse_path.stat().st_size,
    }
