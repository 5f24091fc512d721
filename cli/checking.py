"""`growth init` and `growth check`: the way of one's own data into the project."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ingestion.check import SourceCheck, TableCheck
    from settings import Settings


def init(folder: Annotated[Path, typer.Argument(help="a new folder")]) -> None:
    """Write a folder to start from: a small company as files, templates, mappings, settings, what to change."""
    from sample_company.starter_files import write_starter

    folder = folder.expanduser().resolve()
    write_starter(folder)
    print((folder / "README.md").read_text(encoding="utf-8"))
    print(f"All of this is in {folder}: `cd` to it first.")


def check(
    source_root: Annotated[
        str | None, typer.Argument(help="a folder or address; by default that of the settings, and the live systems")
    ] = None,
) -> None:
    """Say what a load would refuse or set aside, and what would stay unknown; it loads nothing."""
    from settings import get_settings

    settings = get_settings()
    is_live_fine = source_root is not None or _check_live(settings)
    if source_root is not None:
        address = source_root if "://" in source_root else str(Path(source_root).expanduser().resolve())
        settings = settings.model_copy(update={"source_root": address})
    if not _check_files(settings) or not is_live_fine:
        raise typer.Exit(1)


def _check_live(settings: "Settings") -> bool:
    """Check the connection and the mapping of each live system; whether all are fine."""
    from connectors.systems import configured_systems

    is_fine = True
    for system in configured_systems(settings):
        faults = system.check(settings)
        for fault in faults:
            print(f"fault: {fault}")
        print(f"{system.name}: " + (f"{len(faults)} faults" if faults else "the connection and the mapping are fine"))
        is_fine = is_fine and not faults
    return is_fine


def _check_files(settings: "Settings") -> bool:
    """Check the files of the source root; whether they would load."""
    from ingestion.check import check_sources, unknowns

    done = check_sources(settings)
    print(f"the files of {done.address}:")
    _print_tables(done)
    for sentence, marts in unknowns(done):
        print(f"unknown: {sentence}{' (' + ', '.join(marts) + ')' if marts else ''}")
    for warning in done.warnings:
        print(f"warning: {warning}")
    for fault in done.faults:
        print(f"fault: {fault}")
    verdict = f"a load fails: {len(done.faults)} faults" if done.faults else "a load passes"
    print(f"{verdict} (checked in {done.seconds:.1f} s)")
    return not done.faults


def _print_tables(done: "SourceCheck") -> None:
    print(f"{'table':<38}{'files':>8}{'rows':>12}{'set aside':>12}{'first day':>13}{'last day':>13}")
    for each in done.tables:
        files = f"{each.files:,}" if each.files else "none"
        print(
            f"{each.table.path:<38}{files:>8}{each.rows_read:>12,}{each.rows_set_aside:>12,}"
            f"{each.first_day or '-':>13}{each.last_day or '-':>13}"
        )
    for each in done.tables:
        if each.never_filled:
            print(f"no value in any row: {each.table.path} {', '.join(each.never_filled)}")
    for each in done.tables:
        _print_examples(each)


def _print_examples(each: "TableCheck") -> None:
    for example in each.examples:
        print(f"set aside: {example}")
    if each.rows_set_aside > len(each.examples):
        print(f"set aside: {each.rows_set_aside - len(each.examples):,} more rows of {each.table.path}")
