"""The warehouse file as an asset that shows its size and, after a publish, is compacted if much of it is unused."""

from dagster import AssetExecutionContext, MaterializeResult, MetadataValue, TableRecord, asset

from orchestration.assets.keys import OWNERS, PUBLISHED_KEY, WAREHOUSE_KEY
from orchestration.resources import Warehouse
from orchestration.retries import RETRY, permanent_unless_transient
from warehouse.compaction import compact, size_of
from warehouse.connection import connect
from warehouse.sizes import table_sizes
from warehouse.spark import expire_snapshots, remove_orphans

JOB_NAME = "compact_warehouse"
# How long a snapshot of Iceberg can still be read: time enough to see what a run changed.
SNAPSHOTS_KEPT_DAYS = 7
SHOWN_TABLES = 20


@asset(
    key=WAREHOUSE_KEY,
    deps=[PUBLISHED_KEY],
    group_name="maintenance",
    owners=OWNERS,
    kinds={"duckdb"},
    pool="warehouse",
    retry_policy=RETRY,
)
def warehouse_file(context: AssetExecutionContext, warehouse: Warehouse) -> MaterializeResult:
    """The warehouse file, rewritten without its unused blocks if they are a third of it.

    On Spark it also deletes the files in Iceberg that only old snapshots have, and in its own weekly job those of
    writes that were killed.
    """
    path = warehouse.settings.warehouse_path
    of_iceberg = {}
    with permanent_unless_transient():
        if warehouse.settings.target == "spark":
            deleted = expire_snapshots(warehouse.settings, SNAPSHOTS_KEPT_DAYS)
            # It reads the folder of each table, which is too much for every run.
            if context.job_name == JOB_NAME:
                deleted += remove_orphans(warehouse.settings)
            of_iceberg["iceberg_files_deleted"] = deleted
        before = compact(path)
        file = size_of(path)
        with connect(path, read_only=True) as connection:
            largest = table_sizes(connection)[:SHOWN_TABLES]
    if before is None:
        context.log.info(f"{file.bytes_unused:,} of {file.bytes_in_all:,} bytes are unused, too few for a copy")
    return MaterializeResult(
        metadata={
            "bytes": file.bytes_in_all,
            **of_iceberg,
            "bytes_unused": file.bytes_unused,
            "bytes_given_back": before.bytes_in_all - file.bytes_in_all if before else 0,
            "largest_tables": MetadataValue.table(
                [
                    TableRecord({"table": f"{size.schema}.{size.table}", "rows": size.rows, "bytes": size.bytes})
                    for size in largest
                ]
            ),
        }
    )
