"""The expectations as asset checks: one step a layer, and nothing downstream starts before it has passed."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckKey,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    Failure,
    MetadataValue,
    TableRecord,
    multi_asset_check,
)

from expectations.suites import Suite, load_suites
from orchestration.keys import table_key
from orchestration.resources import Warehouse

if TYPE_CHECKING:
    from expectations.run import Result

LAYERS = ("raw", "staging", "marts")
CRITICAL = "critical_expectations"
WARNING = "warning_expectations"


def build_gates() -> list[AssetChecksDefinition]:
    """A gate for each layer."""
    suites = load_suites()
    return [_gate(layer, [suite for suite in suites if suite.layer == layer]) for layer in LAYERS]


def _gate(layer: str, suites: Sequence[Suite]) -> AssetChecksDefinition:
    specs = [
        AssetCheckSpec(check_name, asset=table_key(layer, suite.table), blocking=check_name == CRITICAL)
        for suite in suites
        for check_name in sorted({_check_name(expectation.severity) for expectation in suite.expectations})
    ]

    @multi_asset_check(specs=specs, name=f"gate_{layer}", can_subset=True, pool="warehouse")
    def gate(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
        from expectations.run import run_layer

        settings = warehouse.settings
        results = run_layer(
            settings.warehouse_path,
            layer,
            run_id=context.run.run_id,
            as_of=settings.as_of,
            tables={key.asset_key.path[-1] for key in context.selected_asset_check_keys},
            say=context.log.info,
        )
        for key in sorted(context.selected_asset_check_keys):
            of_check = [
                result
                for result in results
                if result.table == key.asset_key.path[-1] and _check_name(result.severity) == key.name
            ]
            yield _check_result(key, of_check)
        errors = [f"{result.table}: {result.name}: {result.detail}" for result in results if result.status == "error"]
        if errors:
            raise Failure(f"{len(errors)} checks of {layer} could not run: " + "; ".join(errors), allow_retries=False)

    return gate


def _check_name(severity: str) -> str:
    return CRITICAL if severity == "critical" else WARNING


def _check_result(key: AssetCheckKey, results: Sequence["Result"]) -> AssetCheckResult:
    """One check for all expectations of a table and severity: an event each would cost more than the queries."""
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
    return AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=bool(results) and all(result.status == "passed" for result in results),
        severity=AssetCheckSeverity.ERROR if key.name == CRITICAL else AssetCheckSeverity.WARN,
        metadata={"expectations": MetadataValue.table(rows)},
    )
