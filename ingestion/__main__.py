"""`python -m ingestion sample|load|contract`."""

import argparse
import sys

from common.settings import PROJECT_DIR, get_settings
from ingestion.errors import SourceError
from ingestion.load import LoadReport, load_sources


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ingestion", description="Bring the sources into schema raw.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("sample", help="write the sample company, if it is not there yet")
    commands.add_parser("load", help="load new and changed files of the source root into schema raw")
    contract = commands.add_parser("contract", help="write the files that follow from ingestion/contract.yml")
    contract.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    options = parser.parse_args(arguments)
    if options.command == "sample":
        return _sample()
    return _load() if options.command == "load" else _contract(check=options.check)


def _sample() -> int:
    from ingestion.sample_company import write_sample_company

    settings = get_settings()
    write_sample_company(settings.sample_dir, size=settings.sample_size)
    return 0


def _load() -> int:
    from common.warehouse import hold

    settings = get_settings()
    try:
        with hold(settings.warehouse_path, "python -m ingestion load"):
            report = load_sources(settings)
    except SourceError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _print(report)
    return 0


def _print(report: LoadReport) -> None:
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
        print(f"{report.rows_rejected:,} rows are set aside in all: see raw.rejected_rows")
    print(f"loaded in {report.seconds:.1f} s")


def _contract(*, check: bool) -> int:
    from ingestion.documents import stale_documents, write_documents

    paths = stale_documents() if check else write_documents()
    for path in paths:
        print(f"{'stale' if check else 'written'}: {path.relative_to(PROJECT_DIR)}")
    if check and paths:
        print("run `python -m ingestion contract` and commit the result")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
