"""The raw tables as assets: one step loads, and one simulates the sample company if no source root is set."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    AssetSpec,
    Failure,
    MaterializeResult,
    asset,
    multi_asset,
)

from ingestion.contract.model import Contract
from orchestration.assets.keys import OWNERS, SOURCE_KEY, table_key
from orchestration.assets.landing import land_systems, system_checks, system_specs
from orchestration.resources import Warehouse
from orchestration.retries import RETRY, permanent_unless_transient
from settings import Settings

if TYPE_CHECKING:
    from ingestion.load import TableReport

REJECTED_ROWS_KEY = table_key("raw", "rejected_rows")
USAGE_DAYS_KEY = table_key("raw", "usage_days")


def raw_assets(settings: Settings, contract: Contract) -> list[AssetsDefinition]:
    """The loading step and, if no source root is set, the simulation it reads."""
    loading = _loading_step(settings, contract)
    return [loading] if settings.source_root else [sample_company, loading]


@asset(
    key=SOURCE_KEY,
    group_name="sources",
    owners=OWNERS,
    kinds={"python", "parquet"},
    pool="warehouse",
    retry_policy=RETRY,
    description="A simulated company in the shape of the input contract, written once and kept.",
)
def sample_company(context: AssetExecutionContext, warehouse: Warehouse) -> MaterializeResult:
    """Write the sample company's files unless they exist."""
    from sample_company import write_sample_company

    settings = warehouse.settings
    with permanent_unless_transient():
        is_written = write_sample_company(settings.sample_dir, size=settings.sample_size)
    return MaterializeResult(
        metadata={"folder": str(settings.sample_dir), "size": settings.sample_size, "is_written_now": is_written}
    )


def _loading_step(settings: Settings, contract: Contract) -> AssetsDefinition:
    systems = system_specs(settings)
    of_systems = {spec.key for spec in systems}
    upstream = [*([] if settings.source_root else [SOURCE_KEY]), *(spec.key for spec in systems)]

    @multi_asset(
        specs=[*systems, *_table_specs(contract, upstream)],
        check_specs=system_checks(settings),
        name="load",
        can_subset=True,
        pool="warehouse",
        retry_policy=RETRY,
    )
    def load(context: AssetExecutionContext, warehouse: Warehouse) -> Iterator[MaterializeResult | AssetCheckResult]:
        """Land what is new in live systems, then load new and changed files of the selected tables."""
        from ingestion.load import load_sources

        selected = context.selected_asset_keys
        yield from land_systems(context, warehouse.settings, selected)
        if selected <= of_systems:
            return
        tables = {key.path[-1] for key in selected - of_systems - {REJECTED_ROWS_KEY, USAGE_DAYS_KEY}}
        with permanent_unless_transient():
            report = load_sources(warehouse.settings, tables=tables)
        for warning in report.warnings:
            context.log.warning(warning)
        for table in report.tables:
            # A table that refers to a selected one may have been loaded with it.
            if table.table_name in tables:
                tables.remove(table.table_name)
                yield _loaded(table)
        if REJECTED_ROWS_KEY in context.selected_asset_keys:
            in_all = {"rows_set_aside_in_all": report.rows_rejected}
            yield MaterializeResult(asset_key=REJECTED_ROWS_KEY, metadata=in_all)
        if USAGE_DAYS_KEY in context.selected_asset_keys:
            yield MaterializeResult(asset_key=USAGE_DAYS_KEY)
        if tables:
            raise Failure(f"the load reported nothing of {', '.join(sorted(tables))}", allow_retries=False)

    return load


def _table_specs(contract: Contract, upstream: Sequence[AssetKey]) -> list[AssetSpec]:
    """The raw tables of the contract, and what the load notes beside them."""
    rejected = "What the load did not take: rows at fault, and rows that a later one replaces."
    days = "What the reports of each day of usage are, so that a build knows which days changed."
    tables = [
        *((table_key("raw", t.raw_name), t.description, f"raw_{t.source}", {"dlt", "duckdb"}) for t in contract.tables),
        (REJECTED_ROWS_KEY, rejected, "raw_rejected", {"duckdb"}),
        (USAGE_DAYS_KEY, days, "raw_usage", {"duckdb"}),
    ]
    return [
        AssetSpec(
            key,
            deps=upstream,
            description=description,
            group_name=group,
            owners=OWNERS,
            kinds=kinds,
            skippable=True,
        )
        for key, description, group, kinds in tables
    ]


def _loaded(table: "TableReport") -> MaterializeResult:
    return MaterializeResult(
        asset_key=table_key("raw", table.table_name),
        metadata={
            "dagster/row_count": table.rows_total,
            "is_absent": table.is_absent,
            "files_read": table.files_read,
            "rows_read": table.rows_read,
            "rows_changed": table.rows_changed,
            "rows_set_aside": table.rows_set_aside,
            "seconds": table.seconds,
        },
    )
