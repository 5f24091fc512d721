"""Live systems as assets: one a configured system, upstream of the raw tables, made by the step that loads.

The load goes on with what is there when a landing fails, so landing is no step of its own, which would hold the load
up: the asset stays as old as its last landing, which its freshness shows, and its check says why.
"""

from collections.abc import Iterator, Set

from dagster import (
    AssetCheckKey,
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetSpec,
    MaterializeResult,
)

from connectors.report import LandingError, LandingReport
from connectors.systems import System, configured_systems, land_system
from orchestration.assets.keys import OWNERS, SOURCE_KEY
from settings import Settings

IS_LANDED = "is_landed"


def system_key(system: System) -> AssetKey:
    return AssetKey([SOURCE_KEY.path[0], system.name])


def system_specs(settings: Settings) -> list[AssetSpec]:
    """An asset for each configured system."""
    return [
        AssetSpec(
            system_key(system),
            description=f"What was landed of {system.name} as files in the source root.",
            group_name="sources",
            owners=OWNERS,
            kinds={"python"},
            skippable=True,
        )
        for system in configured_systems(settings)
    ]


def system_checks(settings: Settings) -> list[AssetCheckSpec]:
    """A check for each configured system, which fails when its landing did."""
    return [
        AssetCheckSpec(
            IS_LANDED,
            asset=system_key(system),
            description="The landing succeeded. If not, the run goes on with the files of earlier landings.",
        )
        for system in configured_systems(settings)
    ]


def land_systems(
    context: AssetExecutionContext, settings: Settings, selected: Set[AssetKey]
) -> Iterator[MaterializeResult | AssetCheckResult]:
    """Land each selected system. One that fails is reported, and stops neither the others nor the load."""
    for system in configured_systems(settings):
        if system_key(system) not in selected:
            continue
        try:
            report = land_system(system, settings)
        except LandingError as error:
            report = LandingReport(system.name, failures=str(error).splitlines())
        for warning in report.warnings:
            context.log.warning(warning)
        if not report.failures:
            yield MaterializeResult(
                asset_key=system_key(system),
                metadata={
                    "rows_landed": sum(table.rows_landed for table in report.tables),
                    "files": sum(table.files for table in report.tables),
                    "seconds": report.seconds,
                },
            )
        if AssetCheckKey(system_key(system), IS_LANDED) in context.selected_asset_check_keys:
            yield AssetCheckResult(
                asset_key=system_key(system),
                check_name=IS_LANDED,
                passed=not report.failures,
                severity=AssetCheckSeverity.ERROR,
                description="; ".join(report.failures) or "What is new is landed.",
            )
