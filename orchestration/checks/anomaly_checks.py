"""Checks that warn about figures unusual for their weekday, and show earlier values."""

from collections.abc import Iterator, Sequence

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    MetadataValue,
    TableRecord,
    multi_asset_check,
)

from expectations.anomalies import ROWS_OF_TABLES, Judgement, judge_figures, load_figures
from orchestration.assets.keys import PUBLISHED_KEY, table_key
from orchestration.resources import Warehouse
from orchestration.retries import RETRY, permanent_unless_transient
from warehouse.connection import connect

AS_USUAL = "is_as_usual"
DATA_DAY = "select as_of_date from intermediate.int_data_day"


def build_anomalies() -> AssetChecksDefinition:
    """A check for each table with figures, and one on the published file for the row counts of all tables."""
    keys = {figure.table: table_key(*figure.table.split(".")) for figure in load_figures()}
    specs = [
        AssetCheckSpec(
            AS_USUAL,
            asset=key,
            description="Its figures on the data day are like those of the same weekday in the weeks before.",
        )
        for key in [*keys.values(), PUBLISHED_KEY]
    ]

    @multi_asset_check(specs=specs, name="anomalies", can_subset=True, pool="warehouse", retry_policy=RETRY)
    def anomalies(context: AssetCheckExecutionContext, warehouse: Warehouse) -> Iterator[AssetCheckResult]:
        with (
            permanent_unless_transient(),
            connect(warehouse.settings.warehouse_path, read_only=True) as connection,
        ):
            judged = judge_figures(connection, connection.execute(DATA_DAY).fetchall()[0][0])
        by_key: dict[AssetKey, list[Judgement]] = {}
        for each in judged:
            key = PUBLISHED_KEY if each.figure == ROWS_OF_TABLES else keys[each.table]
            by_key.setdefault(key, []).append(each)
        for check in sorted(context.selected_asset_check_keys):
            yield _result(check.asset_key, by_key.get(check.asset_key, []))

    return anomalies


def _result(key: AssetKey, judged: Sequence[Judgement]) -> AssetCheckResult:
    unusual = [each for each in judged if each.status == "unusual"]
    not_judged = sum(each.status == "not judged" for each in judged)
    rows = [
        TableRecord(
            {
                "figure": f"{each.figure} of {each.table}",
                "status": each.status,
                "note": each.note,
                "usual": "" if each.usual is None else f"{each.usual:,.2f}",
                "weeks before": ", ".join(f"{value:,.2f}" for value in each.past),
            }
        )
        for each in judged
    ]
    return AssetCheckResult(
        asset_key=key,
        check_name=AS_USUAL,
        passed=not unusual,
        severity=AssetCheckSeverity.WARN,
        description=(
            f"Unusual: {', '.join(f'{each.figure} of {each.table}' for each in unusual) or 'no figure'}. "
            f"{len(judged)} figures were judged or have too little history ({not_judged})."
        ),
        metadata={
            "unusual": len(unusual),
            "not_judged": not_judged,
            "figures": MetadataValue.table(rows) if rows else "none of the tables was counted by a gate before",
            # Dagster plots these over time, and row counts with their tables.
            **{
                f"value of {each.figure}": each.value
                for each in judged
                if each.figure != ROWS_OF_TABLES and each.value is not None
            },
        },
    )
