"""Send alerts: at the end of a command-line run, and from a sensor for all other runs."""

import logging
from datetime import UTC, datetime, timedelta

from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    DefaultSensorStatus,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from orchestration.alerts.channels import channels_of, senders
from orchestration.alerts.messages import Alert, Owners, alerts_of_run, owners_of_specs
from orchestration.alerts.outbox import KEPT, Outbox, utc_now
from orchestration.assets.keys import OWNERS
from orchestration.instance.run_processes import close_dead_runs
from settings import STALE_AFTER, Settings

EVERY_SECONDS = 60
ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE]


def tell_of_ended_runs(instance: DagsterInstance, owners: Owners, settings: Settings, log: logging.Logger) -> None:
    """Send the alerts of unprocessed runs of the last two days, whoever started them.

    Never raises: errors are logged and do not fail a run.
    """
    try:
        since = datetime.now(UTC) - KEPT
        records = instance.get_run_records(RunsFilter(statuses=ENDED, updated_after=since), ascending=True)
        runs = {record.dagster_run.run_id: record.dagster_run for record in records}
        outbox = _outbox(settings)
        unseen = outbox.unseen(runs.keys())
        for run_id, run in runs.items():
            if run_id in unseen:
                link = f"{settings.ui_address}/runs/{run_id}"
                where = f"run {run_id} of {run.job_name}: {link}; what to do: docs/runbook.md"
                _put(outbox, settings, run_id, where, alerts_of_run(instance, run, owners))
        send_waiting(settings, log)
    except Exception as error:  # noqa: BLE001 (what cannot be told ends no run; the log has it)
        log.warning(
            f"alerts could not be made: {type(error).__name__}: {error}. If {settings.alerts_path} is damaged, move it "
            "away: alerts of two days are repeated"
        )


def send_waiting(settings: Settings, log: logging.Logger) -> dict[tuple[str, str], bool]:
    """Send what waits in the outbox; whether all was sent, by channel and owner."""
    return _outbox(settings).send(senders(settings, log), log, utc_now())


def build_alerts_sensor(settings: Settings, job_name: str) -> SensorDefinition:
    """The sensor. It also alerts when no refresh has succeeded for too long, which no run can report."""

    @sensor(
        name="alerts",
        minimum_interval_seconds=EVERY_SECONDS,
        default_status=DefaultSensorStatus.RUNNING,
        description="Tells the owners of assets what failed: by the log, e-mail and webhook, as the settings have it.",
    )
    def alerts(context: SensorEvaluationContext) -> SkipReason:
        assert context.repository_def is not None
        # Nobody else notices a code server that was killed together with its run.
        close_dead_runs(context.instance)
        if settings.env == "production":
            _put_if_late(context.instance, settings, job_name, datetime.now(UTC))
        assets = context.repository_def.assets_defs_by_key.values()
        owners = owners_of_specs(spec for each in assets for spec in each.specs)
        tell_of_ended_runs(context.instance, owners, settings, context.log)
        return SkipReason("this sensor starts no run; its log has what it told")

    return alerts


def _put_if_late(instance: DagsterInstance, settings: Settings, job_name: str, now: datetime) -> None:
    """Store an alert, once a day, that the refresh is late; a pipeline that never ran is not."""
    succeeded = RunsFilter(job_name=job_name, statuses=[DagsterRunStatus.SUCCESS])
    newest = instance.get_run_records(succeeded, limit=1)
    # A run that ended in the future had a wrong clock and may be arbitrarily old.
    if newest and abs(now - newest[0].update_timestamp) >= STALE_AFTER:
        late = now - newest[0].update_timestamp
        detail = (
            f"the last one that succeeded ended {late // timedelta(hours=1)} hours ago"
            if late > timedelta()
            else f"the last one that succeeded says that it ended at {newest[0].update_timestamp:%Y-%m-%d %H:%M} UTC, "
            "which has not come yet: the clock was wrong, and nobody knows how long ago it was"
        )
        subject = f"late since {newest[0].dagster_run.run_id}, day {late.days}"
        where = "what to do: docs/runbook.md"
        _put(_outbox(settings), settings, subject, where, [Alert("refresh_is_late", job_name, detail, tuple(OWNERS))])


def _put(outbox: Outbox, settings: Settings, subject: str, where: str, alerts: list[Alert]) -> None:
    by_receiver: dict[tuple[str, str], list[Alert]] = {}
    for alert in alerts:
        for owner in alert.owners:
            for channel in channels_of(settings, alert, owner):
                by_receiver.setdefault((channel, owner), []).append(alert)
    outbox.put(subject, where, by_receiver, utc_now())


def _outbox(settings: Settings) -> Outbox:
    return Outbox(settings.alerts_path, timedelta(hours=settings.alert_repeat_hours))
