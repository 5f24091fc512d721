"""The expectations as asset checks: one step a layer, and nothing downstream starts before it has passed."""

from collections.abc import Iterator, Sequence

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    Failure,
    multi_asset_check,
)
from expectations.suites import Suite, load_suites

from orchestration.keys import table_key
from orchestration.resources import Warehouse

LAYERS = ("raw", "staging", "marts")


def build_gates() -> list[AssetChecksDefinition]:
    """A gate for each layer."""
    suites = load_suites()
    return [_gate(layer, [suite for suite in suites if suite.layer == layer]) for layer in LAYERS]


def _gate(layer: str, suites: Sequence[Suite]) -> AssetChecksDefinition:
    specs = [
        AssetCheckSpec(
            expectation.name,
            asset=table_key(layer, suite.table),
            description=expectation.why,
            blocking=expectation.severity == "critical",
        )
        for suite in suites
        for expectation in suite.expectations
    ]

    @multi_asset_check(specs=specs, name=f"gate_{layer}", can_subset=True, pool="warehouse")
    def gate(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
        from expectations.run import run_layer

        selected = {(key.asset_key.path[-1], key.name) for key in context.selected_asset_check_keys}
        settings = warehouse.settings
        results = run_layer(
            settings.warehouse_path,
            layer,
            run_id=context.run_id,
            as_of=settings.as_of,
            tables={table for table, _ in selected},
            say=context.log.info,
        )
        for result in results:
            if (result.table, result.name) in selected and result.status != "error":
                yield AssetCheckResult(
                    asset_key=table_key(layer, result.table),
                    check_name=result.name,
                    passed=result.status == "passed",
                    severity=AssetCheckSeverity.ERROR if result.severity == "critical" else AssetCheckSeverity.WARN,
                    metadata={
                        "observed": str(result.observed),
                        "unexpected_rows": result.unexpected_rows or 0,
                        "total_rows": result.total_rows or 0,
                        "detail": result.detail or "",
                    },
                )
        errors = [f"{result.table}: {result.name}: {result.detail}" for result in results if result.status == "error"]
        if errors:
            raise Failure(f"{len(errors)} checks of {layer} could not run: " + "; ".join(errors), allow_retries=False)

    return gate
