"""`python -m serving publish|query|export`: put what passed the gates before the readers, or read it."""

import argparse
import sys
from datetime import UTC, datetime

import duckdb

from common.settings import get_settings
from common.warehouse import hold
from serving.exports.send import export
from serving.exports.webhook import NotSentError, ReceiverAwayError
from serving.publish import NotPublishableError, publish
from serving.reader import query

SHOWN_ROWS = 100


def main() -> int:
    """Run the command; 0 when done, 1 with a sentence when not."""
    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("publish", help="swap in a new serving.duckdb")
    reading = commands.add_parser("query", help="print what a query on the published file gives")
    reading.add_argument("sql", help="such as: from rpt_arr_mix_progress")
    exporting = commands.add_parser("export", help="say what has changed on the work lists since they were last sent")
    exporting.add_argument("--send", action="store_true", help="and send it")
    options = parser.parse_args()
    try:
        if options.command == "export":
            return _export(send=options.send)
        return _publish() if options.command == "publish" else _query(options.sql)
    except (NotPublishableError, NotSentError, ReceiverAwayError, FileNotFoundError, duckdb.Error) as error:
        print(error, file=sys.stderr)
        return 1


def _publish() -> int:
    settings = get_settings()
    run_id = f"manual-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with hold(settings.warehouse_path, f"serving publish {run_id}"):
        published = publish(settings, run_id)
    print(f"published {published.path}: {sum(published.rows_by_table.values()):,} rows as of {published.as_of_date}")
    return 0


def _export(*, send: bool) -> int:
    done = export(get_settings(), send=send)
    print(f"work lists as of {done.as_of_date}, {'sent' if send else 'to be sent (a dry run: --send sends)'}:")
    for line in done.lines():
        print(f"  {line}")
    return 1 if done.refused else 0


def _query(sql: str) -> int:
    with query(sql) as result:
        result.show(max_rows=SHOWN_ROWS, max_width=180)
    return 0


if __name__ == "__main__":
    sys.exit(main())
