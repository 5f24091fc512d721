"""A deletion request: somebody out of all that the pipeline keeps, and out of what it loads from now on.

What is found outside of the warehouse goes first, while schema raw still says what to look for. A request that is ended
on its way leaves a mark, and the same request again finishes it.
"""

import logging
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Literal

import duckdb

from ingestion.privacy.erase_raw import list_request, rewrite_raw
from ingestion.privacy.spellings import eraser
from ingestion.privacy.suppression import apply_list, clear_texts
from operations.backup import BEFORE, LOGS, SQLITE_HEADER, UNFINISHED
from settings import Settings
from warehouse.compaction import compact
from warehouse.connection import connect
from warehouse.folder import RESTORING, DataDirError
from warehouse.lock import hold

logger = logging.getLogger(__name__)

HOLDER = "growth forget"
RESULTS = "quality.expectation_results"
ERASED_REASON = "it was about somebody who asked to be deleted"
INSTEAD = "deleted"
LOCK_SECONDS = 60.0


def forget(settings: Settings, kind: Literal["address", "organization"], value: str) -> bool:
    """Take whoever is meant out of everything, build and publish without them; whether all of it was done.

    Says what was taken out, by place, and never the value.
    """
    unfinished = settings.suppression_dir / "unfinished"
    with hold(settings.warehouse_path, HOLDER):
        was_unfinished = unfinished.exists()
        request = list_request(settings, kind, value)
        if request.possibly_meant:
            logger.info(f"not taken out, but perhaps meant as well: organization {', '.join(request.possibly_meant)}")
        unfinished.touch()
        removed = _forget_outside(settings, kind, value, eraser(request.words, INSTEAD))
        removed |= rewrite_raw(settings) | _forget_results(settings)
        for place, count in removed.items():
            if count:
                logger.info(f"taken out of {place}: {count:,}")
        if not any(removed.values()) and not was_unfinished:
            unfinished.unlink()
            known = "nothing is known here of this request, and it is on the list: what comes of it is left out"
            logger.info(known if request.newly_listed else "nothing is left of this request, and it is on the list")
            return True
        _delete_copies(settings)
    return _build_without(settings, unfinished)


def _build_without(settings: Settings, unfinished: Path) -> bool:
    """Load, build and publish as every day does, then drop what was published before and what the file has freed."""
    from orchestration.instance.run import run_daily
    from serving.publish.versions import drop_earlier

    if not run_daily(settings).success:
        logger.info("nothing new was published: fix what failed and repeat the request, which continues from here")
        return False
    with hold(settings.warehouse_path, HOLDER):
        logger.info(
            f"deleted {drop_earlier(settings)} earlier published versions, since any of them may have had the person"
        )
        compact(settings.warehouse_path, least_unused_share=0)
        unfinished.unlink()
    logger.info("the warehouse was rewritten without the deleted bytes")
    if settings.dagster_postgres_url:
        logger.info(
            "Dagster's history is in PostgreSQL and was not searched: docs/personal_data.md says what it may hold"
        )
    return True


def _forget_outside(settings: Settings, kind: str, value: str, erase: Callable[[str], str]) -> dict[str, int]:
    """Clear what was exported and what was written down of runs; by place, how many rows, texts or files."""
    from serving.exports.erase import forget_exported

    removed = forget_exported(settings, value if kind == "organization" else None, erase)
    files = [path for path in settings.dagster_home.rglob("*") if path.is_file() and not path.name.endswith(LOGS)]
    databases = [path for path in files if _is_database(path)]
    alerts = [settings.alerts_path] if settings.alerts_path.exists() else []
    removed["what Dagster and alerts remember"] = sum(_clear_database(path, erase) for path in [*databases, *alerts])
    logs = [*(path for path in files if path not in databases), *settings.dbt_target_dir.rglob("*.log*")]
    removed["logs of steps and of dbt"] = sum(_clear_file(path, erase) for path in logs)
    return removed


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE_HEADER)) == SQLITE_HEADER


def _clear_database(path: Path, erase: Callable[[str], str]) -> int:
    """Take words out of every text of an SQLite file, and out of its free pages; in how many texts they were.

    Raises `DataDirError` if another process keeps it from being done.
    """
    cleared = 0
    try:
        with closing(sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
            connection.create_function("erase", 1, lambda raw: _erased(raw, erase))
            tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
            for (table,) in tables:
                for _, column, *_ in connection.execute(f'pragma table_info("{table}")').fetchall():
                    cleared += _clear_column(connection, f'"{table}"', f'"{column}"')
            # Pages that nothing uses have what was deleted before, and the rest of a page what was updated.
            connection.execute("vacuum")
            # What was there before is also in SQLite's own log for as long as another process has the file open.
            is_busy = connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise DataDirError(f"{path} is in use, and was not cleared ({error}): make the request again") from error
    if is_busy:
        raise DataDirError(f"{path} is being read, and its log may still have what is to go: make the request again")
    return cleared


def _clear_column(connection: sqlite3.Connection, table: str, column: str) -> int:
    """Clear the texts of a column, as bytes: SQLite keeps text that is no UTF-8, too."""
    connection.execute(
        f"update {table} set {column} = cast(erase(cast({column} as blob)) as text) "  # noqa: S608
        f"where typeof({column}) = 'text' and erase(cast({column} as blob)) <> cast({column} as blob)"
    )
    return int(connection.execute("select changes()").fetchone()[0])


def _clear_file(path: Path, erase: Callable[[str], str]) -> int:
    """Take words out of a file of text; 1 if there was one."""
    before = path.read_bytes()
    after = _erased(before, erase)
    if after != before:
        path.write_bytes(after)
    return int(after != before)


def _erased(raw: bytes, erase: Callable[[str], str]) -> bytes:
    """Text without the words; bytes that are no UTF-8 stay as they are."""
    return erase(raw.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _forget_results(settings: Settings) -> dict[str, int]:
    """Clear what gates have quoted; keys of organizations stay, as everywhere."""
    with connect(settings.warehouse_path) as connection:
        apply_list(connection, settings)
        cleared = f"observed = null, detail = '{ERASED_REASON}'"
        try:
            return {RESULTS: clear_texts(connection, RESULTS, ("observed", "detail"), cleared)}
        except duckdb.CatalogException:
            return {}


def _delete_copies(settings: Settings) -> None:
    """People's private copies of the working file, and what a restore has taken the place of."""
    private = list((settings.data_dir / "private").glob("*/warehouse*"))
    for path in private:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    if private:
        logger.info("private copies of the working file are deleted: growth copy makes new ones")
    # What a restore that was ended on its way had copied from a backup.
    shutil.rmtree(settings.data_dir / (RESTORING + UNFINISHED), ignore_errors=True)
    if (settings.data_dir / BEFORE).exists():
        shutil.rmtree(settings.data_dir / BEFORE)
        logger.info(f"{BEFORE}/, what was there before a restore, is deleted")
