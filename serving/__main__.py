"""`python -m serving <command>`: put what passed the gates before the readers, read it, compare it, or take it back."""

from warehouse.process import start_command

if __name__ == "__main__":
    # Before anything else, since libraries take a second to load.
    start_command()

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from pydantic import ValidationError

from serving.exports.send import export
from serving.exports.webhook import NotSentError
from serving.postgres import PostgresError, publish_to_postgres
from serving.publish.comparison import as_table, changes
from serving.publish.published_file import NotPublishableError, publish
from serving.publish.versions import NoSuchVersionError, Version, roll_back, version_before, version_named, versions
from serving.reader import query
from settings import Settings, describe_settings_errors, get_settings
from warehouse.folder import DataDirError, full_disk
from warehouse.lock import WarehouseBusyError, hold

SHOWN_ROWS = 100
SAID_IN_A_SENTENCE = (
    NotPublishableError,
    NoSuchVersionError,
    NotSentError,
    PostgresError,
    WarehouseBusyError,
    DataDirError,
    OSError,
    duckdb.Error,
)


def main() -> int:
    """Run the command; 0 when done, 1 with a sentence when not."""
    options = _parser().parse_args()
    try:
        return COMMANDS[options.command](options)
    except ValidationError as error:
        print(describe_settings_errors(error), file=sys.stderr)
        return 2
    except SAID_IN_A_SENTENCE as error:
        print(full_disk(get_settings().data_dir, error) or error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("publish", help="swap in a new serving.duckdb")
    commands.add_parser("versions", help="list the versions of serving.duckdb that are kept")
    comparing = commands.add_parser("changes", help="print what differs from an earlier version: rows and money")
    comparing.add_argument("version", nargs="?", help="left out: the one before the published one")
    going_back = commands.add_parser("rollback", help="put an earlier version before the readers again")
    going_back.add_argument("version", nargs="?", help="left out: the one before the published one")
    commands.add_parser("postgres", help="copy what is published to the database of GROWTH_POSTGRES_URL")
    commands.add_parser("page", help="make daily.html of what is published")
    drawing = commands.add_parser("images", help="draw the main charts of the page as PNG")
    drawing.add_argument("folder", type=Path, help="such as: docs/images")
    exporting = commands.add_parser("export", help="say what has changed on the work lists since they were last sent")
    exporting.add_argument("--send", action="store_true", help="and send it")
    reading = commands.add_parser("query", help="print what a query on the published file gives")
    reading.add_argument("sql", help="such as: from rpt_arr_mix_progress")
    return parser


def _publish(_options: argparse.Namespace) -> int:
    settings = get_settings()
    run_id = f"manual-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with hold(settings.warehouse_path, f"serving publish {run_id}"):
        published = publish(settings, run_id)
    print(f"published {published.path}: {sum(published.rows_by_table.values()):,} rows as of {published.as_of_date}")
    return 0


def _versions(_options: argparse.Namespace) -> int:
    found = versions(get_settings())
    for version in found:
        print(f"{version}{' <- published' if version.is_live else ''}")
    if not found:
        print("nothing is published yet: `make run` first")
    return 0


def _changes(options: argparse.Namespace) -> int:
    settings = get_settings()
    earlier = _earlier(settings, options)
    print(f"from {earlier} to what is published:")
    print(as_table(changes(earlier.path, settings.serving_path)))
    return 0


def _rollback(options: argparse.Namespace) -> int:
    settings = get_settings()
    # Chosen before waiting: a run that publishes meanwhile does not make another version the one before.
    earlier = _earlier(settings, options)
    with hold(settings.warehouse_path, "serving rollback"):
        replaced = roll_back(settings, earlier)
        instead = f"{replaced}, which is kept" if replaced else "a file that does not open"
        print(f"published again: {earlier}\ninstead of:      {instead}")
        status = _page_again(settings)
    if settings.postgres_url is not None:
        _postgres(options)
    return status


def _postgres(_options: argparse.Namespace) -> int:
    copied = publish_to_postgres(get_settings())
    if copied.is_unchanged:
        print(f"PostgreSQL has what run {copied.run_id} published already")
    else:
        print(f"PostgreSQL has what run {copied.run_id} published: {sum(copied.rows_by_table.values()):,} rows")
    return 0


def _page_again(settings: Settings) -> int:
    """The page of the version that was taken back would contradict the file beside it."""
    try:
        return _page(argparse.Namespace())
    except (OSError, duckdb.Error) as error:
        settings.page_path.unlink(missing_ok=True)
        print(f"{settings.page_path} is removed, since none can be made of this version: {error}", file=sys.stderr)
        return 1


def _earlier(settings: Settings, options: argparse.Namespace) -> Version:
    return version_named(settings, options.version) if options.version else version_before(settings)


def _page(_options: argparse.Namespace) -> int:
    from serving.page.build import write_page

    page = write_page(get_settings())
    print(f"wrote {page.path} ({page.bytes_written / 1e6:.1f} MB) as of {page.as_of_date}")
    for sentence in page.missing:
        print(f"  {sentence}")
    for sentence, fault in page.faults.items():
        print(f"warning: {sentence} {fault}", file=sys.stderr)
    return 0


def _images(options: argparse.Namespace) -> int:
    from serving.page.images import write_images

    for path in write_images(get_settings(), options.folder):
        print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)")
    return 0


def _export(options: argparse.Namespace) -> int:
    done = export(get_settings(), send=options.send)
    print(f"work lists as of {done.as_of_date}, {'sent' if options.send else 'to be sent (a dry run: --send sends)'}:")
    for line in done.lines():
        print(f"  {line}")
    return 1 if done.refused else 0


def _query(options: argparse.Namespace) -> int:
    with query(options.sql) as result:
        result.show(max_rows=SHOWN_ROWS, max_width=180)
    return 0


COMMANDS = {
    "publish": _publish,
    "versions": _versions,
    "changes": _changes,
    "rollback": _rollback,
    "postgres": _postgres,
    "page": _page,
    "images": _images,
    "export": _export,
    "query": _query,
}

if __name__ == "__main__":
    sys.exit(main())
