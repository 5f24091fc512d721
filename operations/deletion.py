"""Deletion requests: erase a person from all stored data and from later loads.

Data outside the warehouse goes first, while schema raw still says what to look for. Repeating an interrupted request
completes it.
"""

import logging
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal

import duckdb

from connectors.erasure import erase_landed
from ingestion.privacy.erase_raw import list_request, rewrite_raw
from ingestion.privacy.spellings import eraser
from ingestion.privacy.suppression import apply_list, clear_texts
from operations.backup import BEFORE, LOGS, SQLITE_HEADER, UNFINISHED
from operations.history_on_postgres import clear_history
from serving.publish.marts_copy import forget_published
from settings import Settings
from warehouse.compaction import compact
from warehouse.connection import connect
from warehouse.folder import RESTORING, DataDirError
from warehouse.lock import hold
from warehouse.spark import expire_snapshots

logger = logging.getLogger(__name__)

HOLDER = "growth forget"
RESULTS = "quality.expectation_results"
ERASED_REASON = "it was about somebody who asked to be deleted"
REPLACEMENT = "deleted"
LOCK_SECONDS = 60.0


def forget(settings: Settings, kind: Literal["address", "organization"], value: str) -> bool:
    """Erase everyone a request concerns, rebuild and publish; returns whether all of it succeeded.

    Logs the places, never the value.
    """
    unfinished = settings.suppression_dir / "unfinished"
    with hold(settings.warehouse_path, HOLDER):
        was_unfinished = unfinished.exists()
        request = list_request(settings, kind, value)
        if request.possibly_meant:
            logger.info(f"not erased, but possibly meant too: organization {', '.join(request.possibly_meant)}")
        unfinished.touch()
        removed = _forget_outside(settings, kind, value, eraser(request.words, REPLACEMENT))
        landed, left = erase_landed(settings)
        removed |= landed | rewrite_raw(settings) | _forget_results(settings)
        for place, count in removed.items():
            if count:
                logger.info(f"erased from {place}: {count:,}")
        for sentence in left:
            logger.info(sentence)
        if not any(removed.values()) and not was_unfinished:
            unfinished.unlink()
            if left:
                return _is_complete(left)
            known = "no data about this request was found; the list now keeps it out of later loads"
            logger.info(known if request.newly_listed else "nothing is left about this request; it is on the list")
            return True
        _delete_copies(settings)
        with connect(settings.warehouse_path) as connection:
            forget_published(connection)
    return _build_without(settings, unfinished) and _is_complete(left)


def _is_complete(left: Sequence[str]) -> bool:
    """Say at the end what is left, since a run has said much since it was named."""
    if left:
        logger.info(
            f"landed files that may still have somebody in them: {len(left):,}, named above. Correct or delete them in "
            "the source root, and repeat the request"
        )
    return not left


def _build_without(settings: Settings, unfinished: Path) -> bool:
    """Run the daily job, then delete earlier versions and compact the warehouse."""
    from orchestration.instance.run import run_daily
    from serving.publish.versions import drop_earlier

    if not run_daily(settings).success:
        logger.info("nothing new was published: fix what failed and repeat the request, which continues from here")
        return False
    with hold(settings.warehouse_path, HOLDER):
        logger.info(
            f"deleted {drop_earlier(settings)} earlier published versions, since any of them may contain the person"
        )
        compact(settings.warehouse_path, least_unused_share=0)
        if settings.target == "spark":
            logger.info(f"deleted {expire_snapshots(settings, keep_days=0):,} files of earlier snapshots in Iceberg")
        unfinished.unlink()
    logger.info("the warehouse was rewritten without the deleted bytes")
    return True


def _forget_outside(settings: Settings, kind: str, value: str, erase: Callable[[str], str]) -> dict[str, int]:
    """Erase from exports, alerts, Dagster's history and logs; returns changed rows, texts or files by place."""
    from serving.exports.erase import forget_exported

    removed = forget_exported(settings, value if kind == "organization" else None, erase)
    files = [path for path in settings.dagster_home.rglob("*") if path.is_file() and not path.name.endswith(LOGS)]
    databases = [path for path in files if _is_database(path)]
    alerts = [settings.alerts_path] if settings.alerts_path.exists() else []
    removed["Dagster's history and alerts"] = sum(_clear_database(path, erase) for path in [*databases, *alerts])
    if settings.dagster_postgres_url:
        removed["Dagster's history in PostgreSQL"] = clear_history(settings.dagster_postgres_url, erase)
    logs = [*(path for path in files if path not in databases), *settings.dbt_target_dir.rglob("*.log*")]
    removed["logs of steps and of dbt"] = sum(_clear_file(path, erase) for path in logs)
    # Its tracebacks quote values.
    errors = [settings.errors_path] if settings.errors_path.exists() else []
    removed["state/errors.log"] = sum(_clear_file(path, erase) for path in errors)
    return removed


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SQLITE_HEADER)) == SQLITE_HEADER


def _clear_database(path: Path, erase: Callable[[str], str]) -> int:
    """Erase words from an SQLite file, including its free pages; returns the changed texts.

    Raises `DataDirError` if another process has the file locked.
    """
    cleared = 0
    try:
        with closing(sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)) as connection:
            connection.create_function("erase", 1, lambda raw: _erased(raw, erase))
            tables = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
            for (table,) in tables:
                for _, column, *_ in connection.execute(f'pragma table_info("{table}")').fetchall():
                    cleared += _clear_column(connection, f'"{table}"', f'"{column}"')
            # Free pages and page remainders still hold deleted and updated content.
            connection.execute("vacuum")
            # SQLite's log also holds the old content while another process has the file open.
            is_busy = connection.execute("pragma wal_checkpoint(truncate)").fetchone()[0]
    except sqlite3.OperationalError as error:
        raise DataDirError(f"{path} is in use and was not cleared ({error}): repeat the request") from error
    if is_busy:
        raise DataDirError(f"{path} is being read, and its log may still contain the data: repeat the request")
    return cleared


def _clear_column(connection: sqlite3.Connection, table: str, column: str) -> int:
    """Erase from a column as bytes, since SQLite also stores text that is not UTF-8."""
    connection.execute(
        f"update {table} set {column} = cast(erase(cast({column} as blob)) as text) "  # noqa: S608
        f"where typeof({column}) = 'text' and erase(cast({column} as blob)) <> cast({column} as blob)"
    )
    return int(connection.execute("select changes()").fetchone()[0])


def _clear_file(path: Path, erase: Callable[[str], str]) -> int:
    """Erase words from a text file; returns 1 if it changed."""
    before = path.read_bytes()
    after = _erased(before, erase)
    if after != before:
        path.write_bytes(after)
    return int(after != before)


def _erased(raw: bytes, erase: Callable[[str], str]) -> bytes:
    """Text without the words; bytes that are not UTF-8 are unchanged."""
    return erase(raw.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _forget_results(settings: Settings) -> dict[str, int]:
    """Clear values quoted in gate results; organization keys stay, as everywhere."""
    with connect(settings.warehouse_path) as connection:
        apply_list(connection, settings)
        cleared = f"observed = null, detail = '{ERASED_REASON}'"
        try:
            return {RESULTS: clear_texts(connection, RESULTS, ("observed", "detail"), cleared)}
        except duckdb.CatalogException:
            return {}


def _delete_copies(settings: Settings) -> None:
    """Delete private copies of the warehouse, trials made of them too, and what a restore replaced."""
    private = settings.data_dir / "private"
    # A person may keep the folder, or what is in it, elsewhere behind a link.
    people = [person.resolve() for person in private.iterdir()] if private.is_dir() else []
    copies = [path for person in people for name in ("warehouse*", "trial") for path in person.glob(name)]
    for copy in copies:
        for path in {copy.resolve(), copy}:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    if copies:
        logger.info("private copies of the warehouse are deleted: make new ones with `growth copy`")
    former = settings.data_dir / "warehouse.duckdb"
    if settings.target == "postgres" and former.exists():
        for path in (former, former.with_name(f"{former.name}.wal")):
            path.unlink(missing_ok=True)
        logger.info(f"{former} is deleted: the warehouse is in PostgreSQL now")
    # Copied from a backup by an interrupted restore.
    shutil.rmtree(settings.data_dir / (RESTORING + UNFINISHED), ignore_errors=True)
    if (settings.data_dir / BEFORE).exists():
        shutil.rmtree(settings.data_dir / BEFORE)
        logger.info(f"{BEFORE}/, the state before a restore, is deleted")
