"""Alerts of finished runs for the owners of assets: one alert per failure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    AssetSpec,
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
)

from orchestration.assets.keys import OWNERS
from orchestration.checks.sentences import sentence_of_error, sentences_of_check

KINDS = {
    "run_failed": "a run ended without a failed step: its process was killed, or it never started",
    "step_failed": "a step of a run failed, and downstream steps were skipped",
    "check_failed": "a blocking check failed, and downstream steps were skipped",
    "check_warned": "data is not as expected; nothing was stopped",
    "refresh_is_late": "no refresh has succeeded for longer than a day and a half",
    "figure_crossed": "a figure crossed the bound of a rule in seed figure_alert_rules; nothing was stopped",
}
# A failed check causes these errors: Dagster ends the step, and publishing refuses.
CONSEQUENCES = {"DagsterAssetCheckFailedError", "NotPublishableError"}
STOPS_NOTHING = {"check_warned", "figure_crossed"}
DETAIL_CHARACTERS = 1000


Owners = Mapping[AssetKey, Sequence[str]]


class Alert(NamedTuple):
    """One failure. `about` is the asset and check, the step, or the job, and identifies a repeated failure."""

    kind: str
    about: str
    detail: str
    owners: tuple[str, ...]

    @property
    def severity(self) -> Literal["warning", "error"]:
        """`error` if something was stopped."""
        return "warning" if self.kind in STOPS_NOTHING else "error"


def owners_of_specs(specs: Iterable[AssetSpec]) -> Owners:
    """The owners of each asset."""
    return {spec.key: spec.owners for spec in specs}


def alerts_of_run(instance: DagsterInstance, run: DagsterRun, owners: Owners) -> list[Alert]:
    asked = {DagsterEventType.ASSET_CHECK_EVALUATION, DagsterEventType.STEP_FAILURE, DagsterEventType.RUN_FAILURE}
    events = _events(instance, run, asked)
    of_checks = [each for each in events if each.event_type is DagsterEventType.ASSET_CHECK_EVALUATION]
    checks = [each.asset_check_evaluation_data for each in of_checks]
    alerts = [_of_check(check, owners) for check in checks if not check.passed]
    has_failed_check = any(alert.kind == "check_failed" for alert in alerts)
    failures = {event.step_key: event for event in events if event.is_step_failure}
    if failures:
        by_step = _owners_of_steps(instance, run, owners)
        alerts += [
            _alert(
                "step_failed",
                str(step),
                sentence_of_error(event.step_failure_data.error),
                by_step.get(str(step)) or OWNERS,
            )
            for step, event in failures.items()
            if not (has_failed_check and _class_name(event) in CONSEQUENCES)
        ]
    elif run.status is DagsterRunStatus.FAILURE:
        said = [_reason_of_failure(event) for event in events if event.event_type is DagsterEventType.RUN_FAILURE]
        alerts.append(_alert("run_failed", run.job_name, "; ".join(filter(None, said)) or "no message", OWNERS))
    return alerts


def _events(instance: DagsterInstance, run: DagsterRun, kinds: set[DagsterEventType]) -> list[DagsterEvent]:
    records = instance.get_records_for_run(run.run_id, of_type=kinds).records
    return [event for record in records if (event := record.event_log_entry.dagster_event)]


def _of_check(check: AssetCheckEvaluation, owners: Owners) -> Alert:
    kind = "check_failed" if check.severity is AssetCheckSeverity.ERROR else "check_warned"
    about = f"{check.asset_key.to_user_string()} {check.check_name}"
    return _alert(kind, about, "; ".join(sentences_of_check(check)), _owners_of([check.asset_key], owners))


def _reason_of_failure(event: DagsterEvent) -> str | None:
    """Why a run failed before its first step, such as a damaged warehouse, or else Dagster's own message."""
    # A killed run was reported by another process, which knows no error.
    error = event.event_specific_data and event.job_failure_data.error
    return sentence_of_error(error) if error else event.message


def _class_name(event: DagsterEvent) -> str | None:
    error = event.step_failure_data.error
    return (error.cause or error).cls_name if error else None


def _owners_of_steps(instance: DagsterInstance, run: DagsterRun, owners: Owners) -> dict[str, list[str]]:
    """The owners of the assets or checks that each step was to produce."""
    planned = {DagsterEventType.ASSET_MATERIALIZATION_PLANNED, DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}
    keys: dict[str, list[AssetKey]] = {}
    for event in _events(instance, run, planned):
        is_check = event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
        key = event.asset_check_planned_data.asset_key if is_check else event.asset_key
        if event.step_key and key:
            keys.setdefault(event.step_key, []).append(key)
    return {step: _owners_of(each, owners) for step, each in keys.items()}


def _owners_of(keys: Iterable[AssetKey], owners: Owners) -> list[str]:
    """The owners of the assets; the project's owners for keys that are no longer assets."""
    known = [owner for key in keys for owner in owners.get(key, [])]
    return sorted(set(known)) or OWNERS


def _alert(kind: str, about: str, detail: str, owners: Iterable[str]) -> Alert:
    return Alert(kind, about, detail[:DETAIL_CHARACTERS], tuple(owners))
