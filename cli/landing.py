"""The command that lands live sources as files in the source root."""

from typing import TYPE_CHECKING, Annotated

import typer

from settings import Settings, get_settings

if TYPE_CHECKING:
    from connectors.report import LandingReport
    from connectors.systems import System


def land(
    systems: Annotated[list[str] | None, typer.Argument(help="by default all that are set up")] = None,
) -> None:
    """Land what is new in live sources as files in GROWTH_SOURCE_ROOT; `growth run` begins with it."""
    from connectors.report import LandingError
    from connectors.systems import land_system

    settings = get_settings()
    has_failed = False
    for system in _chosen(settings, systems or []):
        try:
            report = land_system(system, settings)
        except LandingError as error:
            has_failed = True
            print(f"failed: {error}")
        else:
            has_failed |= bool(report.failures)
            _print(report)
    if has_failed:
        raise typer.Exit(1)


def _chosen(settings: Settings, names: list[str]) -> "list[System]":
    from connectors.report import LandingError
    from connectors.systems import SYSTEMS, configured_systems

    known = {system.name: system for system in SYSTEMS}
    if unknown := [name for name in names if name not in known]:
        raise LandingError(f"{unknown[0]} is not a live source: choose one of {', '.join(known)}")
    chosen = [known[name] for name in names] or configured_systems(settings)
    if not chosen:
        raise LandingError(
            "no live source is set up: set GROWTH_LAND_POSTGRES_URL, GROWTH_LAND_STRIPE_KEY or another of "
            ".env.example's live sources"
        )
    return chosen


def _print(report: "LandingReport") -> None:
    print(f"{report.system:<38}{'rows seen':>12}{'new':>12}{'changed':>12}{'removed':>12}{'files':>8}")
    for table in report.tables:
        print(
            f"{table.source_table:<38}{table.rows_seen:>12,}{table.rows_new:>12,}{table.rows_changed:>12,}"
            f"{table.rows_removed:>12,}{table.files:>8,}"
        )
    for warning in report.warnings:
        print(f"warning: {warning}")
    for failure in report.failures:
        print(f"failed: {failure}")
    print(f"landed in {report.seconds:.1f} s")
