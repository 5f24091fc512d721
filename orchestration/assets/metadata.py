"""Metadata that Dagster plots over time: row counts, and resources used by the run."""

import resource
import sys
import time
from collections.abc import Iterable

from dagster import AssetKey

from settings import Settings
from warehouse.connection import connect


def row_counts(keys: Iterable[AssetKey], settings: Settings) -> dict[AssetKey, dict[str, int]]:
    """Row counts of the tables among `keys`, as metadata; views would have to be computed."""
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
    """CPU seconds and peak memory of the run so far, and the size of the warehouse file, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "run_cpu_seconds": round(time.process_time(), 1),
        "run_peak_memory_bytes": peak if sys.platform == "darwin" else peak * 1024,
        "warehouse_bytes": settings.warehouse_path.stat().st_size,
    }
