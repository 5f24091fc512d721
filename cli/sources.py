"""Commands for the files that come in."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sample_company import DEFAULT_SEED
from settings import PROJECT_DIR, UserError, get_settings

if TYPE_CHECKING:
    from ingestion.load import LoadReport


class Size(StrEnum):
    """How large the sample company is."""

    SMALL = "small"
    MEDIUM = "medium"
    FULL = "full"
    HUGE = "huge"


def load() -> None:
    """Load new and changed files of the source root, and nothing else."""
    from ingestion.load import load_sources
    from warehouse.lock import hold

    settings = get_settings()
    with hold(settings.warehouse_path, "growth load"):
        report = load_sources(settings)
    _print(report)


def rejects() -> None:
    """List the rows that are set aside, and why."""
    from ingestion.write.ledger import count_replaced
    from warehouse.connection import connect
    from warehouse.lock import hold

    settings = get_settings()
    if not settings.warehouse_path.exists():
        raise UserError(f"there is no {settings.warehouse_path} yet: `growth load` first")
    with hold(settings.warehouse_path, "growth rejects"), connect(settings.warehouse_path) as connection:
        rows = connection.execute(
            "select file, position, coalesce(column_name, 'the whole row'), reason, original_text "
            "from raw.rejected_rows order by file, position, column_name"
        ).fetchall()
        rows_replaced = sum(count_replaced(connection).values())
    for file, position, column, reason, text in rows:
        print(f"{file} row {position}, {column}: {reason}\n    {text}")
    print(f"{len(rows) - rows_replaced:,} rows are set aside")
    if rows_replaced:
        print(f"{rows_replaced:,} more are replaced by later ones that have the same key and other values")


def sample(
    size: Annotated[Size | None, typer.Option(help="by default GROWTH_SAMPLE_SIZE")] = None,
    seed: Annotated[int, typer.Option(help="another seed is another company; give it a folder (--to)")] = DEFAULT_SEED,
    to: Annotated[Path | None, typer.Option(help="a folder; by default sample/SIZE in the data folder")] = None,
) -> None:
    """Write the sample company. Another one in the folder is replaced; one that is the same is kept."""
    from sample_company import write_sample_company

    settings = get_settings()
    chosen = size.value if size else settings.sample_size
    folder = to or settings.data_dir / "sample" / chosen
    is_written = write_sample_company(folder, size=chosen, seed=seed)
    print(f"{folder} {'is written' if is_written else 'was there already'}")


def contract(
    check: Annotated[bool, typer.Option("--check", help="write nothing; fail if a file is stale")] = False,
) -> None:
    """Write the files that follow from the input contract: dbt's sources and bounds, and docs/sources.md."""
    from ingestion.contract.documents import stale_documents, write_documents

    paths = stale_documents() if check else write_documents()
    for path in paths:
        print(f"{'stale' if check else 'written'}: {path.relative_to(PROJECT_DIR)}")
    if check and paths:
        print("run `growth contract` and commit the result")
        raise typer.Exit(1)


def _print(report: "LoadReport") -> None:
    print(f"{'table':<38}{'files read':>12}{'rows read':>12}{'changed':>12}{'set aside':>12}{'rows in all':>13}")
    for table in report.tables:
        files = "absent" if table.is_absent else f"{table.files_read:,} of {table.files_seen:,}"
        print(
            f"{table.table_name:<38}{files:>12}{table.rows_read:>12,}{table.rows_changed:>12,}"
            f"{table.rows_set_aside:>12,}{table.rows_total:>13,}"
        )
    for warning in report.warnings:
        print(f"warning: {warning}")
    if report.rows_rejected:
        print(f"{report.rows_rejected:,} rows are set aside in all: `growth rejects` lists them")
    print(f"loaded in {report.seconds:.1f} s")
