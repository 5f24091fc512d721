"""The file that readers open, as an asset downstream of every mart."""

from collections.abc import Sequence

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, MaterializeResult, asset

from orchestration.failures import RETRY, permanent_unless_transient
from orchestration.keys import OWNERS, PUBLISHED_KEY
from orchestration.measured import used_by_this_process
from orchestration.resources import Warehouse
from orchestration.unchanged import note_published, unchanged_since


def build_published(marts: Sequence[AssetKey]) -> AssetsDefinition:
    """The publishing step; it waits for every mart and, through their blocking checks, for the gate."""

    @asset(
        key=PUBLISHED_KEY,
        deps=marts,
        group_name="published",
        owners=OWNERS,
        kinds={"duckdb"},
        pool="warehouse",
        retry_policy=RETRY,
    )
    def published(context: AssetExecutionContext, warehouse: Warehouse) -> MaterializeResult:
        """Schema `marts` in one read-only file, `serving.duckdb`, swapped in by one rename."""
        from serving.publish import publish

        published_by = unchanged_since(context, warehouse.settings)
        if published_by:
            context.log.info(f"nothing is new since run {published_by}: the published file stays as it is")
            return MaterializeResult(
                metadata={"unchanged_since_run": published_by, **used_by_this_process(warehouse.settings)}
            )
        with permanent_unless_transient():
            result = publish(warehouse.settings, context.run_id)
            note_published(warehouse.settings, context.run_id)
        return MaterializeResult(
            metadata={
                "dagster/row_count": sum(result.rows_by_table.values()),
                "path": str(result.path),
                "as_of_date": result.as_of_date.isoformat(),
                "rows_by_table": result.rows_by_table,
                "rows_set_aside": result.rows_set_aside,
                "checks": result.checks,
                "bytes": result.bytes_written,
                **used_by_this_process(warehouse.settings),
            }
        )

    return published
