"""What readers open: the published file, downstream of every mart, the page and the PostgreSQL copy."""

import shutil
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    MaterializeResult,
    MetadataValue,
    asset,
)

from orchestration.assets.keys import OWNERS, PAGE_KEY, POSTGRES_KEY, PUBLISHED_KEY
from orchestration.assets.metadata import used_by_this_process
from orchestration.build_state import note_published, project_digest, unchanged_since
from orchestration.resources import Warehouse
from orchestration.retries import RETRY, permanent_unless_transient
from settings import Settings, get_settings
from transform.dbt_runner import descriptions_of_marts
from warehouse.folder import DamagedFileError

if TYPE_CHECKING:
    from serving.publish.published_file import PublishResult


def build_published(marts: Sequence[AssetKey]) -> AssetsDefinition:
    """The publishing step; it waits for every mart and, through blocking checks, for the gate."""

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
        from serving.publish.published_file import publish

        published_by = unchanged_since(context, warehouse.settings)
        if published_by:
            context.log.info(f"nothing is new since run {published_by}: the published file stays as it is")
            return MaterializeResult(
                metadata={"unchanged_since_run": published_by, **used_by_this_process(warehouse.settings)}
            )
        with permanent_unless_transient():
            result = publish(warehouse.settings, context.run_id, descriptions_of_marts(warehouse.settings))
            note_published(context, warehouse.settings)
            changed = _changed_since(result, warehouse.settings)
        return MaterializeResult(
            metadata={
                "dagster/row_count": sum(result.rows_by_table.values()),
                "path": str(result.path),
                "as_of_date": result.as_of_date.isoformat(),
                "rows_by_table": result.rows_by_table,
                "rows_set_aside": result.rows_set_aside,
                "checks": result.checks,
                "bytes": result.bytes_written,
                "changes": MetadataValue.md(changed),
                **used_by_this_process(warehouse.settings),
            }
        )

    return published


def _changed_since(result: "PublishResult", settings: Settings) -> str:
    """The differences from the previous version, as Markdown; a damaged version is deleted."""
    from serving.publish.comparison import as_table, changes_since

    if result.replaced is None:
        return "no earlier version is kept"
    try:
        return as_table(changes_since(result.replaced, result.days_written, settings))
    except DamagedFileError:
        shutil.rmtree(result.replaced.path.parent)
        return "the version before was damaged, and is not kept"


def after_publishing(key: AssetKey, kind: str, **more: Any) -> Callable[[Callable], AssetsDefinition]:
    """Make a function the step of an asset that is made of the published file."""
    return asset(
        key=key, deps=[PUBLISHED_KEY], group_name="published", owners=OWNERS, kinds={kind}, retry_policy=RETRY, **more
    )


PAGE_CHECK = AssetCheckSpec(
    "every_section_is_drawn", asset=PAGE_KEY, description="Each section of the page shows what it is to show."
)


@after_publishing(PAGE_KEY, "html", check_specs=[PAGE_CHECK])
def daily_page() -> MaterializeResult:
    """One HTML file with the figures of the published file; it opens from disk without a network."""
    from serving.page.once import page_of_published_file

    with permanent_unless_transient():
        page = page_of_published_file(get_settings(), project_digest())
    return MaterializeResult(
        metadata={
            "path": str(page.path),
            "as_of_date": page.as_of_date.isoformat(),
            "bytes": page.bytes_written,
            "not_shown": page.missing,
        },
        check_results=[
            AssetCheckResult(
                check_name=PAGE_CHECK.name,
                passed=not page.faults,
                severity=AssetCheckSeverity.WARN,
                # Alerts show the description. Error messages may contain a name, so they are metadata only.
                description=" ".join(page.faults) or None,
                metadata=page.faults,
            )
        ],
    )


@after_publishing(POSTGRES_KEY, "postgres")
def postgres_copy() -> MaterializeResult:
    """The published file as schema `marts` of a PostgreSQL database, for readers that need a server."""
    from serving.postgres import publish_to_postgres

    with permanent_unless_transient():
        copied = publish_to_postgres(get_settings())
    return MaterializeResult(
        metadata={
            "dagster/row_count": sum(copied.rows_by_table.values()),
            "rows_by_table": copied.rows_by_table,
            "run_id": copied.run_id,
            "was_there_already": copied.is_unchanged,
        }
    )
