"""The working DuckDB file: how it is opened, and who holds it.

DuckDB lets one process open a file for writing and refuses every other, so each process that opens the
working file first takes the lock beside it. The kernel drops the lock when the process ends, however it ends.
"""

import errno
import fcntl
import json
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import duckdb

# The folder of a restore that has begun to move files: until it has ended, the data folder is of two moments.
RESTORING = "restoring"
POLL_SECONDS = 0.5
PROGRESS_EVERY_SECONDS = 15.0
# Folders beside the working file that readers have no business in. `published` is theirs.
PRIVATE_FOLDERS = ("before_restore", "dagster", "docs", "exports", "private", "sample", "state")
# What DuckDB says of a file that was cut short, overwritten, or never was one of its own.
DAMAGE = (
    "not a valid DuckDB database file",
    "Could not read enough bytes",
    "Failure while replaying WAL",
    "Is a directory",
)
# Of a block, without the file's name; only a database has any.
DAMAGED_BLOCK = "Corrupt database file"
CLOSED = ("Permission denied", "Read-only file system")
# A full disk, a quota that is used up, or the largest file that the user may write; libraries have words of their own.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_WORDS = (*(os.strerror(number) for number in FULL), "database or disk is full")
MAKE_ANEW = "move it away and run again, which makes it anew, or restore a backup (docs/deploy.md)"


class DataDirError(RuntimeError):
    """The data folder cannot be used; the message says which folder, why, and what to do."""


def make_data_folder(folder: Path) -> None:
    """Make the data folder, through which readers pass to what is published and to nothing else.

    Raises `OSError`, and `DataDirError` if a file has the place of one of its folders.
    """
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(exist_ok=True)
        missing.chmod(0o755)
    for place in (folder / name for name in ("published", *PRIVATE_FOLDERS)):
        if place.exists() and not place.is_dir():
            raise DataDirError(f"{place} is no folder: move it away and run again")


def clear(place: Path) -> None:
    """Take away a folder of passing things, or what has its place."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


class DamagedFileError(DataDirError):
    """A database file is not what was written there; the message names it and says the way back."""


class WarehouseBusyError(RuntimeError):
    """The working file stayed in use for longer than the caller was willing to wait."""


class FullDiskError(DataDirError):
    """Nothing more can be written; the message says where, and what to do."""


def full_disk(folder: Path, error: BaseException | None) -> FullDiskError | None:
    """What to raise if the error, or one that it came from, means that the disk of the data folder is full.

    Not of an error that says already which folder it is about, nor of a file that is elsewhere.
    """
    # An error that is raised again may have come from one that came from it.
    seen: set[int] = set()
    while error is not None and id(error) not in seen and not isinstance(error, DataDirError):
        seen.add(id(error))
        said, written = str(error), getattr(error, "filename2", None) or getattr(error, "filename", None)
        if written and not Path(written).is_relative_to(folder):
            return None
        if getattr(error, "errno", None) in FULL or any(words in said for words in FULL_WORDS):
            reason = next((line for line in said.splitlines() if any(words in line for words in FULL_WORDS)), said)
            free = shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free
            return FullDiskError(
                f"nothing more can be written into {folder} ({reason.strip()}): make room on its disk, where "
                f"{free:,} bytes are free, and run again. What was half done is not kept"
            )
        error = error.__cause__ or error.__context__
    return None


def unwritable(folder: Path, error: OSError) -> DataDirError:
    """What to raise when the system refuses to write in the data folder."""
    return full_disk(folder, error) or DataDirError(
        f"the data folder {folder} cannot be written ({error.strerror}): "
        "set GROWTH_DATA_DIR to a folder that you own, or change its mode"
    )


def damage(path: Path, message: str, way_back: str = MAKE_ANEW) -> DamagedFileError | None:
    """What to raise if what DuckDB says of the file at `path` means that it is damaged, or closed to this user."""
    first_line = message.partition("\n")[0]
    # The same may be said of a file of the sources.
    is_about_it = str(path) in message
    if DAMAGED_BLOCK in message or (is_about_it and any(words in message for words in DAMAGE)):
        return DamagedFileError(f"{path} is damaged: {way_back}. DuckDB says: {first_line}")
    if is_about_it and any(words in message for words in CLOSED):
        return DamagedFileError(f"{path} cannot be opened: see its owner and mode. DuckDB says: {first_line}")
    return None


@contextmanager
def hold(
    path: Path,
    holder: str,
    *,
    wait_seconds: float = 3600.0,
    say: Callable[[str], None] = print,
    to_restore: bool = False,
) -> Iterator[None]:
    """Hold the working file at `path` for `holder` (a run's id or a command) until the block ends.

    Waits up to `wait_seconds` while another process holds it and says which one does.
    Raises `WarehouseBusyError` after that, `DataDirError` if the folder cannot be written or is only half restored,
    also if the disk is full before the block has ended.
    Whoever holds it `to_restore` it gets it in any state, and one that does not open.
    """
    lock = _open_lock(path)
    try:
        _wait_for_lock(lock, holder, wait_seconds, say)
        if not to_restore:
            _refuse_if_half_restored(path)
            _wait_for_file(path, holder, wait_seconds, say)
        _sign(lock, holder)
        yield
    except Exception as error:
        if full := full_disk(path.parent, error):
            raise full from error
        raise
    finally:
        _close_to_others(path)
        lock.close()


@contextmanager
def connect(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A short-lived connection to a DuckDB file, in UTC. The caller's process holds the file (see `hold`).

    Raises `DamagedFileError` if the file turns out to be damaged.
    """
    try:
        if not (read_only or path.exists()):
            _make(path)
        with duckdb.connect(str(path), read_only=read_only) as connection:
            connection.execute("set TimeZone = 'UTC'")
            yield connection
    except duckdb.Error as error:
        if damaged := damage(path, str(error)):
            raise damaged from error
        raise


def _make(path: Path) -> None:
    """Make a new file in one rename: one that a kill or a full disk cuts short would be taken for a damaged one."""
    building = path.with_suffix(".building")
    building.unlink(missing_ok=True)
    duckdb.connect(str(building)).close()
    # The log of a file that was moved away.
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    building.replace(path)


def next_turn(connection: duckdb.DuckDBPyConnection) -> int:
    """The number of what is written now: a later load, build or check has a larger one, whatever the clock says.

    The caller's process holds the file. dbt's macro `take_turn` counts in the same table.
    """
    connection.execute("create schema if not exists quality")
    connection.execute("create table if not exists quality.turns (turn bigint not null)")
    return connection.execute(
        "insert into quality.turns select coalesce(max(turn), 0) + 1 from quality.turns returning turn"
    ).fetchall()[0][0]


def _open_lock(path: Path) -> TextIO:
    lock_path = path.with_suffix(".lock")
    try:
        make_data_folder(path.parent)
        _close_to_others(path)
        return lock_path.open("a+")
    except OSError as error:
        raise unwritable(path.parent, error) from error


def _close_to_others(path: Path) -> None:
    """Take from users who are neither owner nor group what the pipeline alone reads; a group may be let in by hand."""
    for name in (path.name, f"{path.name}.wal", path.with_suffix(".lock").name, *PRIVATE_FOLDERS):
        each = path.with_name(name)
        # Another user's file is that user's to close.
        with suppress(OSError):
            mode = stat.S_IMODE(each.stat().st_mode)
            if mode & 0o007:
                each.chmod(mode & ~0o007)


def _wait_for_lock(lock: TextIO, holder: str, wait_seconds: float, say: Callable[[str], None]) -> None:
    started = said = time.monotonic()
    first = True
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            now = time.monotonic()
            if now - started >= wait_seconds:
                raise WarehouseBusyError(
                    f"{holder} waited {wait_seconds:.0f} s for the warehouse: {_read_holder(lock)} holds it. "
                    "Let it end, or stop it, and start again"
                ) from None
            if first or now - said >= PROGRESS_EVERY_SECONDS:
                say(f"waiting for the warehouse: {_read_holder(lock)} holds it")
                first, said = False, now
            time.sleep(POLL_SECONDS)


def _refuse_if_half_restored(path: Path) -> None:
    if path.with_name(RESTORING).exists():
        raise DataDirError(
            f"a restore into {path.parent} was cut short: `python -m orchestration restore` again, which finishes it"
        )


def _wait_for_file(path: Path, holder: str, wait_seconds: float, say: Callable[[str], None]) -> None:
    """A child of a killed run (dbt) may live on and keep the file open for a moment: wait until it is gone."""
    if not path.exists():
        return
    started = time.monotonic()
    first = True
    while True:
        try:
            duckdb.connect(str(path)).close()
            return
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error):
                if damaged := damage(path, str(error)):
                    raise damaged from error
                raise
            if time.monotonic() - started >= wait_seconds:
                raise WarehouseBusyError(f"{holder} cannot open {path}: {error}") from error
            if first:
                say(f"waiting for a process outside the pipeline that has {path.name} open: {error}")
                first = False
            time.sleep(POLL_SECONDS)


def _sign(lock: TextIO, holder: str) -> None:
    lock.seek(0)
    lock.truncate()
    json.dump({"holder": holder, "pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}, lock)
    lock.flush()


def _read_holder(lock: TextIO) -> str:
    lock.seek(0)
    try:
        signed = json.loads(lock.read())
    except ValueError:
        return "another process"
    return f"{signed['holder']} (process {signed['pid']}, since {signed['since']})"
