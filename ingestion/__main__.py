"""`python -m ingestion sample|load|contract`."""

import argparse
import sys

from common.settings import PROJECT_DIR


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m ingestion", description="Bring the sources into schema raw.")
    commands = parser.add_subparsers(dest="command", required=True)
    contract = commands.add_parser("contract", help="write the files that follow from ingestion/contract.yml")
    contract.add_argument("--check", action="store_true", help="write nothing; fail if a file is stale")
    options = parser.parse_args(arguments)
    return _contract(check=options.check)


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
