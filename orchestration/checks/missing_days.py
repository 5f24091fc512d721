"""A check that lists missing and failed days, with the command that builds them."""

from collections.abc import Mapping, Sequence
from datetime import date

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetPartitionStatus,
    AssetsDefinition,
    DagsterInstance,
    MetadataValue,
    TableRecord,
    asset_check,
)

from orchestration.assets.keys import table_key
from orchestration.resources import Warehouse
from orchestration.retries import RETRY, permanent_unless_transient
from transform.days import ranges_of
from warehouse.connection import connect

NOT_BUILT = """
select days.date
from intermediate.int_history_days as days
left join quality.built_inputs as built on built.kind = 'usage' and built.key = cast(days.date as varchar)
where built.key is null
order by days.date
"""
MENDED_BY = {
    "missing": "the next refresh builds them; at once: growth backfill --from {first} --to {last}",
    "failed": "growth backfill --from {first} --to {last}, or the same days as partitions in the UI",
}


def build_missing_days(days: AssetsDefinition) -> AssetChecksDefinition:
    """The check. It warns, since the next refresh builds missing days."""

    @asset_check(
        asset=table_key("marts", "fct_usage_daily"),
        additional_deps=[table_key("intermediate", "int_days_to_build")],
        pool="warehouse",
        retry_policy=RETRY,
        description="Every day up to the data day is built, and the newest attempt at no day has failed.",
    )
    def every_day_is_built(context: AssetCheckExecutionContext, warehouse: Warehouse) -> AssetCheckResult:
        with permanent_unless_transient():
            with connect(warehouse.settings.warehouse_path, read_only=True) as connection:
                missing = [day for (day,) in connection.execute(NOT_BUILT).fetchall()]
            failed = _failed_days(context.instance, days)
        rows = list_days({"missing": missing, "failed": failed})
        return AssetCheckResult(
            passed=not rows,
            severity=AssetCheckSeverity.WARN,
            description="; ".join(
                f"{row['first_day']} to {row['last_day']} {row['state']}: {row['mended_by']}" for row in rows
            )
            or "Every day up to the data day is built.",
            metadata={"days": len({*missing, *failed}), "list": MetadataValue.table([TableRecord(row) for row in rows])}
            if rows
            else {"days": 0},
        )

    return every_day_is_built


def list_days(days_by_state: Mapping[str, Sequence[date]]) -> list[dict[str, str]]:
    """A row for each range of days in a state, with the command that fixes it."""
    return [
        {
            "first_day": str(days.first),
            "last_day": str(days.last),
            "state": state,
            "mended_by": MENDED_BY[state].format(first=days.first, last=days.last),
        }
        for state, each in days_by_state.items()
        for days in ranges_of(each)
    ]


def _failed_days(instance: DagsterInstance, days: AssetsDefinition) -> list[date]:
    assert days.partitions_def is not None
    keys = days.partitions_def.get_partition_keys()
    statuses = [instance.get_status_by_partition(asset, keys, days.partitions_def) or {} for asset in days.keys]
    failed = {key for by_key in statuses for key, status in by_key.items() if status is AssetPartitionStatus.FAILED}
    return [date.fromisoformat(key) for key in sorted(failed)]
