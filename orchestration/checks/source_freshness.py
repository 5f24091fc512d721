"""The freshness of each source on the data day, as checks."""

from collections.abc import Iterator

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    multi_asset_check,
)

from ingestion.contract.model import Contract
from orchestration.assets.keys import table_key
from orchestration.resources import Warehouse
from orchestration.retries import RETRY, permanent_unless_transient
from warehouse.connection import connect

IS_FRESH = "is_fresh"
FRESHNESS = "select source_name, newest_at, age_days, max_age_days from intermediate.int_source_freshness"


def build_source_freshness(contract: Contract) -> AssetChecksDefinition:
    """A warning check for each source, on its first table; skipped if the source has no data."""
    first_tables = {
        source: next(table for table in contract.tables if table.source == source) for source in contract.sources
    }
    specs = [
        AssetCheckSpec(
            IS_FRESH,
            asset=table_key("raw", table.raw_name),
            additional_deps=[table_key("intermediate", "int_source_freshness")],
            description=f"The newest record of {source} on the data day is no older than seed source_freshness allows.",
        )
        for source, table in first_tables.items()
    ]

    @multi_asset_check(specs=specs, name="source_freshness", can_subset=True, pool="warehouse", retry_policy=RETRY)
    def source_freshness(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
        with permanent_unless_transient(), connect(warehouse.settings.warehouse_path, read_only=True) as connection:
            found = {source: row for source, *row in connection.execute(FRESHNESS).fetchall()}
        for source, table in first_tables.items():
            if AssetCheckKey(table_key("raw", table.raw_name), IS_FRESH) not in context.selected_asset_check_keys:
                continue
            newest_at, age_days, max_age_days = found[source]
            if newest_at is None:
                # Dagster shows a check without a result as skipped.
                context.log.info(f"source {source} is not given: whether it is fresh is not asked")
            else:
                yield AssetCheckResult(
                    asset_key=table_key("raw", table.raw_name),
                    check_name=IS_FRESH,
                    passed=age_days <= max_age_days,
                    severity=AssetCheckSeverity.WARN,
                    description=f"The newest record of {source} is {age_days} days old; {max_age_days} are allowed.",
                    metadata={"newest_at": str(newest_at), "age_days": age_days, "max_age_days": max_age_days},
                )

    return source_freshness
