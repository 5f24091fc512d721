"""`python -m serving publish|page|images|query`: put what passed the gates before the readers, or read it."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from common.settings import get_settings
from common.warehouse import hold
from serving.publish import NotPublishableError, publish
from serving.reader import query

SHOWN_ROWS = 100


def main() -> int:
    """Run the command; 0 when done, 1 with a sentence when not."""
    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("publish", help="swap in a new serving.duckdb")
    commands.add_parser("page", help="make daily.html of what is published")
    drawing = commands.add_parser("images", help="draw the main charts of the page as PNG")
    drawing.add_argument("folder", type=Path, help="such as: docs/images")
    reading = commands.add_parser("query", help="print what a query on the published file gives")
    reading.add_argument("sql", help="such as: from rpt_arr_mix_progress")
    options = parser.parse_args()
    try:
        if options.command == "publish":
            return _publish()
        if options.command == "page":
            return _page()
        if options.command == "images":
            return _images(options.folder)
        return _query(options.sql)
    except (NotPublishableError, FileNotFoundError, duckdb.Error) as error:
        print(error, file=sys.stderr)
        return 1


def _publish() -> int:
    settings = get_settings()
    run_id = f"manual-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with hold(settings.warehouse_path, f"serving publish {run_id}"):
        published = publish(settings, run_id)
    print(f"published {published.path}: {sum(published.rows_by_table.values()):,} rows as of {published.as_of_date}")
    return 0


def _page() -> int:
    from serving.page.build import write_page

    page = write_page(get_settings())
    print(f"wrote {page.path} ({page.bytes_written / 1e6:.1f} MB) as of {page.as_of_date}")
    for sentence in page.missing:
        print(f"  {sentence}")
    return 0


def _images(folder: Path) -> int:
    from serving.page.images import write_images

    for path in write_images(get_settings(), folder):
        print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)")
    return 0


def _query(sql: str) -> int:
    with query(sql) as result:
        result.show(max_rows=SHOWN_ROWS, max_width=180)
    return 0


if __name__ == "__main__":
    sys.exit(main())
