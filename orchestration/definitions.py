"""What Dagster serves: assets, gates, jobs, schedules and sensors."""

from datetime import timedelta
from typing import Any

from dagster import (
    AssetsDefinition,
    AssetSelection,
    AssetSpec,
    DefaultScheduleStatus,
    Definitions,
    FreshnessPolicy,
    ScheduleDefinition,
    apply_freshness_policy,
    define_asset_job,
    in_process_executor,
    map_asset_specs,
)

from ingestion.contract.model import load_contract
from orchestration.alerts.sensor import build_alerts_sensor
from orchestration.assets.exposures import as_reader, reader_specs
from orchestration.assets.keys import DIGEST_KEY, SOURCE_KEY, WAREHOUSE_KEY
from orchestration.assets.models import build_dbt_assets
from orchestration.assets.published import build_published, daily_page, postgres_copy
from orchestration.assets.raw import raw_assets
from orchestration.assets.told import figure_alerts, weekly_digest, work_list_exports
from orchestration.assets.warehouse_file import JOB_NAME as COMPACT_JOB_NAME
from orchestration.assets.warehouse_file import warehouse_file
from orchestration.automation.built_days import build_built_days_sensor
from orchestration.automation.new_files import build_new_files_sensor
from orchestration.checks.anomaly_checks import build_anomalies
from orchestration.checks.gates import build_gates, gates_of
from orchestration.checks.missing_days import build_missing_days
from orchestration.checks.source_freshness import build_source_freshness
from orchestration.instance.progress import progress_logger
from orchestration.resources import Warehouse
from settings import LATE_AFTER, STALE_AFTER, Settings, get_settings
from transform.dbt_runner import current_manifest

DAILY_JOB_NAME = "daily_refresh"
DAYS_JOB_NAME = "build_days_again"
DIGEST_JOB_NAME = "tell_of_the_week"
# Name, job, when in UTC, and why then.
SCHEDULES = (
    ("every_day", DAILY_JOB_NAME, "30 1 * * *", "After the day is over and its usage reports have been sent."),
    ("every_week", COMPACT_JOB_NAME, "0 5 * * 0", "After Sunday's refresh, whose turn comes first."),
    ("every_monday", DIGEST_JOB_NAME, "0 6 * * 1", "The week that ended on Sunday, after Monday's refresh."),
)
PROGRESS: dict[str, Any] = {"loggers": {"progress": {}}}
FRESHNESS = FreshnessPolicy.time_window(warn_window=LATE_AFTER, fail_window=STALE_AFTER)
WEEKLY = FreshnessPolicy.time_window(warn_window=timedelta(days=8), fail_window=timedelta(days=15))


def build_definitions() -> Definitions:
    settings = get_settings()
    contract = load_contract()
    manifest = current_manifest(settings)
    models, days = build_dbt_assets(manifest, settings)
    readers = reader_specs(manifest)
    marts = sorted(key for model_set in [*models, days] for key in model_set.keys if key.path[0] == "marts")
    by_days = AssetSelection.assets(days)
    gates = build_gates(settings, days.keys)
    jobs = {
        DAILY_JOB_NAME: (
            AssetSelection.all() - by_days - AssetSelection.assets(weekly_digest) | AssetSelection.all_asset_checks(),
            "Load what is new, build, validate, publish and tidy up: what `growth run` does.",
        ),
        DAYS_JOB_NAME: (
            by_days.without_checks() | AssetSelection.checks(*gates_of(days.keys, gates)),
            "Rebuild the selected days and validate them. First half of a backfill: daily_refresh publishes.",
        ),
        COMPACT_JOB_NAME: (
            AssetSelection.assets(warehouse_file),
            "Show how large the warehouse is, and give back what nothing in it uses.",
        ),
        DIGEST_JOB_NAME: (
            AssetSelection.assets(weekly_digest),
            "Tell receiver `digest` what happened in the week up to the published data day.",
        ),
    }
    assets = [
        *raw_assets(settings, contract),
        *models,
        days,
        build_published(marts),
        *steps_after_publishing(settings),
        weekly_digest,
        warehouse_file,
    ]
    steps = map_asset_specs(lambda spec: with_freshness(as_reader(spec, readers)), assets)
    made_here = {key for each in assets for key in each.keys}
    return Definitions(
        # A reader that is not our step, such as a BI tool, is shown but never run.
        assets=[*steps, *(spec for key, spec in readers.items() if key not in made_here)],
        asset_checks=[
            *gates,
            build_missing_days(days),
            build_source_freshness(contract),
            build_anomalies(),
        ],
        jobs=[
            define_asset_job(name, selection=selection, config=PROGRESS, description=description)
            for name, (selection, description) in jobs.items()
        ],
        schedules=_schedules(settings),
        sensors=[
            build_new_files_sensor(settings, DAILY_JOB_NAME),
            build_alerts_sensor(settings, DAILY_JOB_NAME),
            build_built_days_sensor(settings, days),
        ],
        resources={"warehouse": Warehouse()},
        loggers={"progress": progress_logger},
        # One process per run: with data of this size starting interpreters costs more than the work.
        executor=in_process_executor,
    )


def steps_after_publishing(settings: Settings) -> list[AssetsDefinition]:
    """What a run does even if nothing is new: a page may be gone, and a receiver may have refused."""
    return [daily_page, work_list_exports, figure_alerts, *([] if settings.postgres_url is None else [postgres_copy])]


def _schedules(settings: Settings) -> list[ScheduleDefinition]:
    """They run in production; elsewhere a person who wants one switches it on."""
    is_production = settings.env == "production"
    return [
        ScheduleDefinition(
            name=name,
            job_name=job_name,
            cron_schedule=when,
            execution_timezone="UTC",
            description=description,
            default_status=DefaultScheduleStatus.RUNNING if is_production else DefaultScheduleStatus.STOPPED,
        )
        for name, job_name, when, description in SCHEDULES
    ]


def with_freshness(spec: AssetSpec) -> AssetSpec:
    """One freshness policy for the whole graph, so that no new asset lacks one; the simulation is written once."""
    if spec.key == SOURCE_KEY:
        return spec
    return apply_freshness_policy(spec, WEEKLY if spec.key in (WAREHOUSE_KEY, DIGEST_KEY) else FRESHNESS)


definitions = build_definitions()
