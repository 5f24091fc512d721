"""`python -m serving publish`: put what passed the gates before the readers."""

import argparse
import sys
from datetime import UTC, datetime

from common.settings import get_settings
from common.warehouse import hold
from serving.publish import NotPublishableError, publish


def main() -> int:
    """Run the command; 0 when done, 1 with a sentence when not."""
    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__)
    parser.add_subparsers(dest="command", required=True).add_parser("publish", help="swap in a new serving.duckdb")
    parser.parse_args()
    settings = get_settings()
    run_id = f"manual-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with hold(settings.warehouse_path, f"serving publish {run_id}"):
        try:
            published = publish(settings, run_id)
        except NotPublishableError as error:
            print(error, file=sys.stderr)
            return 1
    print(f"published {published.path}: {sum(published.rows_by_table.values()):,} rows as of {published.as_of_date}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
