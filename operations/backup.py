"""Back up the data that cannot be rebuilt, and restore it.

A backup has the files at their paths in the data folder, and a manifest of sizes and hashes, written last.
"""

import hashlib
import json
import logging
import os
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from ingestion.privacy.suppression import requests_since
from settings import Settings
from warehouse.connection import connect
from warehouse.folder import RESTORING, DataDirError
from warehouse.lock import hold
from warehouse.postgres import require_file

logger = logging.getLogger(__name__)

SUPPRESSION = "state/suppression"
PUBLISHED = "published"
KEPT = ("warehouse.duckdb", PUBLISHED, "exports", "state/exports", "state/alerts.sqlite", SUPPRESSION, "dagster")
MANIFEST = "manifest.json"
BEFORE = "before_restore"
UNFINISHED = ".unfinished"
SQLITE_HEADER = b"SQLite format 3\0"
# Database logs: empty after a checkpoint, and SQLite's backup API includes their content.
LOGS = (".wal", "-wal", "-shm", "-journal")


class BackupError(DataDirError):
    """The backup or restore failed. The message names the file; the data folder is unchanged."""

    code = 1


def back_up(settings: Settings, folder: Path) -> Path:
    """Copy the data folder's state into a new folder below `folder`, in one rename; returns it.

    Waits for the warehouse's lock. Raises `DataDirError` if there is nothing to back up or no space, and `BackupError`
    if a file cannot be copied.
    """
    require_file(settings.warehouse_path, "growth backup", "pg_dump copies the database; copy the data folder with it")
    if not settings.warehouse_path.exists():
        raise DataDirError(f"nothing to back up in {settings.data_dir} yet: run `growth run` first")
    holder = "growth backup"
    backup = folder.resolve() / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    building = backup.with_name(backup.name + UNFINISHED)
    # Sending work lists by hand locks their ledger, not the warehouse.
    with (
        _explaining_os_errors(folder),
        hold(settings.warehouse_path, holder),
        hold(settings.export_ledger_path, holder),
    ):
        folder.mkdir(parents=True, exist_ok=True)
        for killed in folder.glob(f"{'[0-9]' * 8}T{'[0-9]' * 6}Z{UNFINISHED}"):
            shutil.rmtree(killed)
        # It contains customer data.
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
    """Restore a backup, keeping the old state in `before_restore`; returns when the backup was made.

    Everything is copied and verified before anything moves. After an interrupted restore all other commands refuse to
    run, and the next restore completes it. Raises `BackupError`.
    """
    require_file(settings.warehouse_path, "growth restore", "pg_restore brings a database back")
    holder = "growth restore"
    aside, moving = settings.data_dir / BEFORE, settings.data_dir / RESTORING
    incoming = moving.with_name(RESTORING + UNFINISHED)
    with (
        _explaining_os_errors(settings.data_dir),
        hold(settings.warehouse_path, holder, to_restore=True),
    ):
        if moving.exists():
            logger.info("completing an interrupted restore; no new one is started")
        else:
            shutil.rmtree(incoming, ignore_errors=True)
            try:
                _fetch(backup, incoming)
                shutil.rmtree(aside, ignore_errors=True)
                os.sync()
                # A send that is under way ends first; one that waits for it sees the restore, and refuses.
                with hold(settings.export_ledger_path, holder, to_restore=True):
                    incoming.rename(moving)
            finally:
                shutil.rmtree(incoming, ignore_errors=True)
        made_at, files = _read_manifest(moving)
        for name in KEPT:
            if name == SUPPRESSION and settings.suppression_dir.exists():
                # An older list would bring back people who asked to be deleted since.
                continue
            is_saved = any(Path(file).is_relative_to(name) for file in files)
            _swap(settings.data_dir / name, moving / name, aside / name, is_saved=is_saved)
        if since := requests_since(settings, made_at):
            logger.info(
                f"{since} deletion requests are newer than the backup, so it contains these people: repeat the "
                "requests (docs/personal_data.md)"
            )
        _close_runs(settings)
        os.sync()
        # In one step: without its manifest it could not be completed.
        moving.rename(incoming)
        shutil.rmtree(incoming)
    return made_at


def _files(root: Path) -> Iterator[Path]:
    """The files to back up, or those in a backup, relative to `root`."""
    for kept in KEPT:
        for path in sorted([root / kept, *(root / kept).rglob("*")]):
            if path.is_file() and not path.name.endswith((*LOGS, ".lock")):
                yield path.relative_to(root)


def _checkpoint(*databases: Path) -> None:
    """Write the logs into the files, so that copies are complete."""
    for database in databases:
        if database.exists():
            with connect(database) as connection:
                connection.execute("checkpoint")


def _copy(source: Path, target: Path) -> None:
    """Copy a file; an SQLite file as one consistent state, even while it is being written."""
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
        raise BackupError(f"{folder} is not a complete backup: it has no {MANIFEST}. Give another") from None
    except (ValueError, KeyError, TypeError):
        raise BackupError(f"{folder / MANIFEST} is damaged: restore another backup") from None


def _fetch(backup: Path, target: Path) -> None:
    """Copy a backup and verify every file against the manifest."""
    _, files = _read_manifest(backup)
    for name, fingerprint in files.items():
        _refuse_outside(backup, name)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copy2(backup / name, target / name)
        except FileNotFoundError:
            raise BackupError(f"{backup / name} is missing: restore another backup") from None
        if _fingerprint(target / name) != fingerprint:
            raise BackupError(f"{backup / name} differs from the manifest: restore another backup")
    shutil.copy2(backup / MANIFEST, target / MANIFEST)


def _refuse_outside(backup: Path, name: str) -> None:
    """Refuse manifest entries outside the backup: other paths, and links out of it."""
    path = PurePosixPath(name)
    is_kept = any(path.is_relative_to(kept) for kept in KEPT)
    if not is_kept or ".." in path.parts or "\\" in name:
        raise BackupError(
            f"{backup / MANIFEST} names {name!r}, which is not a file of a backup: restore another backup"
        )
    folders = [backup.joinpath(*path.parts[:depth]) for depth in range(1, len(path.parts) + 1)]
    if any(each.is_symlink() for each in folders):
        raise BackupError(f"{backup / name} is a link, which no backup contains: restore another backup")


def _swap(there: Path, saved: Path, aside: Path, *, is_saved: bool) -> None:
    """Move the current file aside and the saved one in its place, unless an interrupted restore did."""
    if is_saved and not saved.exists():
        return
    # A log left behind would be replayed into the restored file.
    for log in ("", *LOGS):
        if (old := there.with_name(there.name + log)).exists():
            aside.parent.mkdir(parents=True, exist_ok=True)
            old.rename(aside.with_name(aside.name + log))
    if is_saved:
        _open_as_before(saved, aside)
        there.parent.mkdir(parents=True, exist_ok=True)
        saved.rename(there)


def _open_as_before(saved: Path, aside: Path) -> None:
    """Give saved folders the modes of those that they replace: a copy is closed to others by the umask."""
    for folder in (each for each in [saved, *saved.rglob("*")] if each.is_dir()):
        before = aside / folder.relative_to(saved)
        if before.is_dir():
            folder.chmod(stat.S_IMODE(before.stat().st_mode))
        elif folder == saved and saved.name == PUBLISHED:
            folder.chmod(0o755)


def _close_runs(settings: Settings) -> None:
    """Mark the runs that were active when the backup was made as failed."""
    from dagster import DagsterInstance

    from orchestration.instance.home import prepare_dagster_home
    from orchestration.instance.run_processes import close_dead_runs

    # A PostgreSQL history is not restored, and its runs may be active.
    if not settings.dagster_postgres_url:
        prepare_dagster_home(settings)
        with DagsterInstance.get() as instance:
            close_dead_runs(instance, are_all_dead=True)


@contextmanager
def _explaining_os_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataDirError(
            f"{error.filename or folder}: {error.strerror}. Check that {folder} is writable and its disk has space "
            "for a copy of the warehouse and of the published files"
        ) from error
