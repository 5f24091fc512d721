"""A copy of what a data folder cannot make again, taken between two runs, and the way back from it.

A backup is a folder with its files as they lie in the data folder, and a manifest of their sizes and hashes, which is
written last. What is not in it is made anew: the sample, dbt's artifacts, private copies.
"""

import hashlib
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from ingestion.privacy.suppression import requests_since
from settings import Settings
from warehouse.connection import connect
from warehouse.folder import RESTORING, DataDirError
from warehouse.lock import hold

logger = logging.getLogger(__name__)

SUPPRESSION = "state/suppression"
KEPT = ("warehouse.duckdb", "published", "exports", "state/exports", "state/alerts.sqlite", SUPPRESSION, "dagster")
MANIFEST = "manifest.json"
BEFORE = "before_restore"
UNFINISHED = ".unfinished"
SQLITE_HEADER = b"SQLite format 3\0"
# The logs of databases: a copy by SQLite, or after a checkpoint, has all that is in them.
LOGS = (".wal", "-wal", "-shm", "-journal")


class BackupError(DataDirError):
    """No backup was made, or none was restored; the message names the file, and the data folder is as it was."""

    code = 1


def back_up(settings: Settings, folder: Path) -> Path:
    """Copy the data folder's own state into a new folder below `folder`, in one rename, and return it.

    Waits while a run holds the working file. Raises `DataDirError` if there is nothing yet, or no room, and
    `BackupError` if a file cannot be copied.
    """
    if not settings.warehouse_path.exists():
        raise DataDirError(f"there is nothing to back up in {settings.data_dir} yet: `growth run` first")
    holder = "growth backup"
    backup = folder.resolve() / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    building = backup.with_name(backup.name + UNFINISHED)
    # Whoever sends work lists by hand holds their ledger, not the warehouse.
    with (
        _saying_what_is_in_the_way(folder),
        hold(settings.warehouse_path, holder),
        hold(settings.export_ledger_path, holder),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        for killed in folder.glob(f"*{UNFINISHED}"):
            shutil.rmtree(killed)
        # It has customers' data in it.
        building.mkdir(mode=0o700)
        try:
            _checkpoint(settings.warehouse_path, settings.export_ledger_path)
            for name in _files(settings.data_dir):
                _copy(settings.data_dir / name, building / name)
            files = {str(name): _fingerprint(building / name) for name in _files(building)}
            manifest = {"made_at": datetime.now(UTC).isoformat(timespec="seconds"), "files": files}
            (building / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
            os.sync()
            building.rename(backup)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    return backup


def restore(settings: Settings, backup: Path) -> str:
    """Put a backup in the place of the data folder's state, which is kept in `before_restore`; when it was made.

    Everything is copied and compared with the manifest before anything is moved. A restore that is killed while it
    moves files keeps every other command out, and the next restore goes on from there. Raises `BackupError`.
    """
    aside, moving = settings.data_dir / BEFORE, settings.data_dir / RESTORING
    incoming = moving.with_name(RESTORING + UNFINISHED)
    with (
        _saying_what_is_in_the_way(settings.data_dir),
        hold(settings.warehouse_path, "growth restore", to_restore=True),
    ):
        if moving.exists():
            logger.info("a restore was cut short: it is finished now, and no other is begun")
        else:
            shutil.rmtree(incoming, ignore_errors=True)
            try:
                _fetch(backup, incoming)
                shutil.rmtree(aside, ignore_errors=True)
                os.sync()
                incoming.rename(moving)
            finally:
                shutil.rmtree(incoming, ignore_errors=True)
        made_at, files = _read_manifest(moving)
        for name in KEPT:
            if name == SUPPRESSION and settings.suppression_dir.exists():
                # An older list would bring back whoever asked to be deleted since.
                continue
            is_saved = any(Path(file).is_relative_to(name) for file in files)
            _exchange(settings.data_dir / name, moving / name, aside / name, is_saved=is_saved)
        if since := requests_since(settings, made_at):
            logger.info(
                f"{since} requests for deletion are newer than the backup, which has those people: make them again "
                "(docs/personal_data.md)"
            )
        _close_runs(settings)
        os.sync()
        shutil.rmtree(moving)
    return made_at


def _files(root: Path) -> Iterator[Path]:
    """What is kept of a data folder, or is in a backup, relative to it."""
    for kept in KEPT:
        for path in sorted([root / kept, *(root / kept).rglob("*")]):
            if path.is_file() and not path.name.endswith((*LOGS, ".lock")):
                yield path.relative_to(root)


def _checkpoint(*databases: Path) -> None:
    """What is in a log only would be missing in a copy of the file."""
    for database in databases:
        if database.exists():
            with connect(database) as connection:
                connection.execute("checkpoint")


def _copy(source: Path, target: Path) -> None:
    """Copy a file as it is, and what SQLite keeps as one state of it, whoever writes it meanwhile."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as file:
        is_sqlite = file.read(len(SQLITE_HEADER)) == SQLITE_HEADER
    if not is_sqlite:
        shutil.copy2(source, target)
        return
    try:
        with closing(sqlite3.connect(source, timeout=60)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be copied, so no backup was made: {error}") from error


def _fingerprint(path: Path) -> dict[str, int | str]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _read_manifest(folder: Path) -> tuple[str, dict[str, dict[str, int | str]]]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
        return manifest["made_at"], dict(manifest["files"])
    except (FileNotFoundError, NotADirectoryError):
        raise BackupError(f"{folder} is no whole backup, since it has no {MANIFEST}: give another") from None
    except (ValueError, KeyError, TypeError):
        raise BackupError(f"{folder / MANIFEST} is damaged: restore another backup") from None


def _fetch(backup: Path, target: Path) -> None:
    """Copy a backup, and see that what arrives is what was saved."""
    _, files = _read_manifest(backup)
    for name, fingerprint in files.items():
        _refuse_outside(backup, name)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(backup / name, target / name)
        except FileNotFoundError:
            raise BackupError(f"{backup / name} is missing: restore another backup") from None
        if _fingerprint(target / name) != fingerprint:
            raise BackupError(f"{backup / name} is not what was saved: restore another backup")
    shutil.copy2(backup / MANIFEST, target / MANIFEST)


def _refuse_outside(backup: Path, name: str) -> None:
    """Whoever writes a manifest may not name a file that is not of the backup, nor one that is a way out of it."""
    path = PurePosixPath(name)
    is_kept = any(path.is_relative_to(kept) for kept in KEPT)
    if not is_kept or ".." in path.parts or "\\" in name:
        raise BackupError(f"{backup / MANIFEST} names {name!r}, which is no file of a backup: restore another backup")
    folders = [backup.joinpath(*path.parts[:depth]) for depth in range(1, len(path.parts) + 1)]
    if any(each.is_symlink() for each in folders):
        raise BackupError(f"{backup / name} is a link, which no backup has: restore another backup")


def _exchange(there: Path, saved: Path, aside: Path, *, is_saved: bool) -> None:
    """Move what is there aside, and what was saved in its place, unless a restore that was killed has done so."""
    if is_saved and not saved.exists():
        return
    # A log that stays behind would be read into the file that is restored.
    for log in ("", *LOGS):
        if (old := there.with_name(there.name + log)).exists():
            aside.parent.mkdir(parents=True, exist_ok=True)
            old.rename(aside.with_name(aside.name + log))
    if is_saved:
        there.parent.mkdir(parents=True, exist_ok=True)
        saved.rename(there)


def _close_runs(settings: Settings) -> None:
    """What was at work when the backup was made has no process any more, on whatever machine that was."""
    from dagster import DagsterInstance

    from orchestration.instance.home import prepare_dagster_home
    from orchestration.instance.run_processes import close_dead_runs

    # A database has not been restored, and its runs may be at work.
    if not settings.dagster_postgres_url:
        prepare_dagster_home(settings)
        with DagsterInstance.get() as instance:
            close_dead_runs(instance, are_all_dead=True)


@contextmanager
def _saying_what_is_in_the_way(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataDirError(
            f"{error.filename or folder}: {error.strerror}; see that {folder} can be written and its disk has room "
            "for a copy of the working file and of what is published"
        ) from error
