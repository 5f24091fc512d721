"""A sensor that reports to Dagster the days that refreshes have built and not reported."""

from dagster import (
    AssetKey,
    AssetMaterialization,
    AssetsDefinition,
    DagsterInstance,
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from orchestration.assets.days import published_data_day
from settings import Settings

EVERY_SECONDS = 30
# An event costs Dagster's SQLite storage 4 to 10 ms of CPU: a tick takes some seconds.
MAX_EVENTS = 500
HOW_BUILT = "Built by a refresh, which itself reports its newest days alone."


def build_built_days_sensor(settings: Settings, days: AssetsDefinition) -> SensorDefinition:
    """The sensor for the tables that are built by days. All of their days that are published were built."""

    @sensor(
        name="built_days",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description="Reports the days that a refresh has built: the refresh itself reports its newest days alone.",
    )
    def built_days(context: SensorEvaluationContext) -> SkipReason:
        data_day = published_data_day(settings)
        if data_day is None:
            return SkipReason("nothing is published yet")
        unreported = _unreported(context.instance, days, data_day.isoformat())
        now = unreported[:MAX_EVENTS]
        for day, key in now:
            context.instance.report_runless_asset_event(AssetMaterialization(key, partition=day, description=HOW_BUILT))
        return SkipReason(f"reported {len(now)} partitions, {len(unreported) - len(now)} are left")

    return built_days


def _unreported(instance: DagsterInstance, days: AssetsDefinition, last: str) -> list[tuple[str, AssetKey]]:
    """Each day up to the last one, and its table, that no run has reported; oldest first."""
    assert days.partitions_def is not None
    published = {day for day in days.partitions_def.get_partition_keys() if day <= last}
    unreported = []
    for key in days.keys:
        missing = sorted(published - instance.get_materialized_partitions(key))
        if missing:
            # A backfill of one that failed, or is running, says more than the publish before it. To ask this of all
            # days at each tick would cost ten times as much.
            by_day = instance.get_status_by_partition(key, missing, days.partitions_def) or {}
            unreported += [(day, key) for day in missing if by_day.get(day) is None]
    return sorted(unreported)
