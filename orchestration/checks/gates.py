"""The expectations as asset checks: one step per layer, and downstream steps wait for it."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    DagsterRun,
    Failure,
    MetadataValue,
    TableRecord,
    asset_check,
    multi_asset_check,
)

from expectations.results import Result, results_of_run
from expectations.suites import LAYERS, Expectation, Suite, load_suites
from orchestration.assets.keys import table_key
from orchestration.assets.models import DAYS_BUILT
from orchestration.build_state import unchanged_since
from orchestration.resources import Warehouse
from orchestration.retries import RETRY, permanent_unless_transient
from settings import Settings
from transform.days import Days, days_of_tags
from warehouse.connection import connect
from warehouse.data_day import newest_complete_day

MEETS_EXPECTATIONS = "meets_expectations"


def build_gates(settings: Settings, by_days: Collection[AssetKey]) -> list[AssetChecksDefinition]:
    """A gate per layer and, in production, a check that usage still arrives.

    Checks of tables built by days do not block: blocking would separate them from the marts built in the same step.
    Publishing refuses instead.
    """
    suites = load_suites()
    gates = [_gate(layer, [suite for suite in suites if suite.layer == layer], by_days) for layer in LAYERS]
    is_about_today = settings.env == "production" and settings.as_of is None
    return [*gates, usage_still_arrives] if is_about_today else gates


def gates_of(tables: Collection[AssetKey], gates: Sequence[AssetChecksDefinition]) -> list[AssetCheckKey]:
    """The checks of these tables that consist of expectations."""
    return sorted(
        key for gate in gates for key in gate.check_keys if key.asset_key in tables and key.name == MEETS_EXPECTATIONS
    )


@asset_check(asset=table_key("raw", "usage__usage_reports"), blocking=True, pool="warehouse", retry_policy=RETRY)
def usage_still_arrives(warehouse: Warehouse) -> AssetCheckResult:
    """The newest complete day is near today. The data day follows usage, so a dead feed would go unnoticed.

    A day in the future fails too.
    """
    settings = warehouse.settings
    with connect(settings.warehouse_path, read_only=True) as connection:
        newest_day = newest_complete_day(connection)
    age_days = (datetime.now(UTC).date() - newest_day).days if newest_day else None
    return AssetCheckResult(
        passed=age_days is not None and 0 <= age_days <= settings.max_usage_age_days,
        severity=AssetCheckSeverity.ERROR,
        metadata={"newest_complete_day": str(newest_day), "age_days": age_days if age_days is not None else -1},
    )


def _gate(layer: str, suites: Sequence[Suite], by_days: Collection[AssetKey]) -> AssetChecksDefinition:
    specs = [
        AssetCheckSpec(
            MEETS_EXPECTATIONS,
            asset=key,
            # Only a result of severity ERROR stops what is downstream.
            blocking=key not in by_days and any(map(_is_critical, suite.expectations)),
            description=_description(suite),
        )
        for suite in suites
        for key in [table_key(layer, suite.table)]
    ]

    @multi_asset_check(specs=specs, name=f"gate_{layer}", can_subset=True, pool="warehouse", retry_policy=RETRY)
    def gate(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
        settings = warehouse.settings
        published_by = unchanged_since(context, settings)
        with permanent_unless_transient():
            if published_by:
                results = results_of_run(settings.warehouse_path, layer, published_by)
            else:
                # Great Expectations takes seconds to import.
                from expectations.gate import run_layer

                results = run_layer(
                    settings.warehouse_path,
                    layer,
                    run_id=context.run.run_id,
                    as_of=settings.as_of,
                    tables={key.asset_key.path[-1] for key in context.selected_asset_check_keys},
                    days=_days_built(context.run, settings),
                    settings=settings,
                    only_changed=True,
                )
        for key in sorted(context.selected_asset_check_keys):
            of_check = [result for result in results if result.table == key.asset_key.path[-1]]
            # A check that could not run yields no result, so that the UI does not call the data bad.
            if all(result.status != "error" for result in of_check):
                yield _check_result(key, of_check, published_by)
        errors = [f"{result.table}: {result.name}: {result.detail}" for result in results if result.status == "error"]
        if errors:
            raise Failure(f"{len(errors)} checks of {layer} could not run: " + "; ".join(errors), allow_retries=False)

    return gate


def _days_built(run: DagsterRun, settings: Settings) -> Days | None:
    """The days a run was for, with neighbouring days built with them; None for a run of everything."""
    asked = days_of_tags(run.tags)
    if asked is None:
        return None
    with connect(settings.warehouse_path, read_only=True) as connection:
        first, last, _ = connection.execute(DAYS_BUILT).fetchall()[0]
    # Always include the requested days: on a resumed run a refresh may have built others since.
    return Days(min(asked.first, first), max(asked.last, last))


def _is_critical(each: Expectation | Result) -> bool:
    return each.severity == "critical"


def _description(suite: Suite) -> str:
    """The expectations of a table with their reasons, as a list in Markdown."""
    return "\n".join(
        f"- `{each.name}`{' (blocks)' if _is_critical(each) else ''}: {each.description}"
        for each in sorted(suite.expectations, key=_is_critical, reverse=True)
    )


def _check_result(key: AssetCheckKey, results: Sequence[Result], published_by: str | None) -> AssetCheckResult:
    """One check for all expectations of a table: an event each would cost more than the queries."""
    unchanged = {"unchanged_since_run": published_by} if published_by else {}
    of_days = sorted({f"{first} to {last}" for first, last in (result.days for result in results if result.days)})
    days = {"days": ", ".join(of_days)} if of_days else {}
    looked_at = sorted({f"{first} to {last}" for first, last in (each.looked_at for each in results if each.looked_at)})
    if looked_at:
        days["days_that_changed"] = ", ".join(looked_at)
    rows = [
        TableRecord(
            {
                "expectation": result.name,
                "status": result.status,
                "observed": str(result.observed),
                "unexpected_rows": result.unexpected_rows or 0,
                "detail": result.detail or "",
            }
        )
        for result in results
    ]
    failed = sorted((each for each in results if each.status != "passed"), key=_is_critical, reverse=True)
    return AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=bool(results) and not failed,
        description=_first_line(failed, results),
        severity=AssetCheckSeverity.ERROR if any(map(_is_critical, failed)) else AssetCheckSeverity.WARN,
        metadata={"expectations": MetadataValue.table(rows), **unchanged, **days},
    )


def _first_line(failed: Sequence[Result], results: Sequence[Result]) -> str:
    """What failed, for the list of checks in the UI."""
    if not failed:
        return f"{len(results)} of {len(results)} expectations hold."
    named = (f"{each.name} ({each.unexpected_rows:,} rows)" if each.unexpected_rows else each.name for each in failed)
    return f"{len(failed)} of {len(results)} expectations failed: {', '.join(named)}."
