"""`growth init` and `growth check`: the way of one's own data into the project."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from settings import Settings, get_settings

if TYPE_CHECKING:
    from ingestion.check import SourceCheck, TableCheck


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
    settings = get_settings()
    if source_root is not None:
        address = source_root if "://" in source_root else str(Path(source_root).expanduser().resolve())
        is_fine = _check_files(settings.model_copy(update={"source_root": address}), is_landed=False)
    else:
        faults = _check_live(settings)
        is_fine = _check_files(settings, is_landed=bool(faults)) and not any(faults.values())
    if not is_fine:
        raise typer.Exit(1)


def _check_live(settings: Settings) -> dict[str, list[str]]:
    """Check the connection and the mapping of each live system; its faults, by its name."""
    from connectors.systems import configured_systems

    faults = {system.name: system.check(settings) for system in configured_systems(settings)}
    for name, of_system in faults.items():
        for fault in of_system:
            print(f"fault: {fault}")
        print(f"{name}: {len(of_system)} faults" if of_system else f"{name}: the connection and the mapping are fine")
    return faults


def _check_files(settings: Settings, *, is_landed: bool) -> bool:
    """Check the files of the source root; whether they would load.

    `is_landed`: live systems are landed there, so there may be none yet.
    """
    from ingestion.check import check_sources, unknowns

    done = check_sources(settings)
    if is_landed and done.is_empty:
        print(f"nothing is landed in {done.address} yet: `growth land` does it, and each run begins with it")
        return True
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
        _print_faults(each)


def _print_faults(each: "TableCheck") -> None:
    for kind in each.faults:
        more = f" ({kind.rows:,} rows are like this)" if kind.rows > 1 else ""
        print(f"set aside: {kind.example}{more}")
    if rest := each.rows_set_aside - sum(kind.rows for kind in each.faults):
        print(f"set aside: {rest:,} more rows of {each.table.path}, for other reasons")
