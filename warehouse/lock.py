"""The lock on the warehouse: one process holds it from its first step to its last.

DuckDB lets one process open a file for writing, so each takes the lock beside it first. The kernel releases it when the
process ends.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from settings import UserError
from warehouse import postgres
from warehouse.connection import spill_folder
from warehouse.folder import (
    clear,
    close_to_others,
    damage,
    make_data_folder,
    out_of_room,
    refuse_half_restored,
    unwritable,
)

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.5
PROGRESS_EVERY_SECONDS = 15.0


class WarehouseBusyError(UserError):
    """The warehouse stayed locked for longer than the caller would wait."""


@contextmanager
def hold(
    path: Path,
    holder: str,
    *,
    wait_seconds: float = 3600.0,
    say: Callable[[str], None] = logger.info,
    to_restore: bool = False,
) -> Iterator[None]:
    """Hold the lock on the warehouse at `path` for `holder` (a run's id or a command).

    Waits up to `wait_seconds`, then raises `WarehouseBusyError`. Raises `DataDirError` if the folder cannot be written
    or is half restored, or its disk is full before the block ends. With `to_restore`, the lock is granted even if the
    file is corrupt or half restored.
    """
    lock = _lock(path, holder, wait_seconds, say)
    try:
        if not to_restore:
            refuse_half_restored(path.parent)
            if not postgres.is_on_server(path):
                _wait_for_file(path, holder, wait_seconds, say)
            clear(spill_folder(path))
        with _hold_server(holder, wait_seconds, say) if postgres.is_on_server(path) else nullcontext():
            yield
    except Exception as error:
        if full := out_of_room(path.parent, error):
            raise full from error
        raise
    finally:
        close_to_others(path)
        lock.release()


def _lock(path: Path, holder: str, wait_seconds: float, say: Callable[[str], None]) -> FileLock:
    """The lock beside the file, taken and signed with its holder, which others show while they wait."""
    lock_path, said = path.with_suffix(".lock"), -PROGRESS_EVERY_SECONDS

    def sign(descriptor: int) -> None:
        since = datetime.now(UTC).isoformat(timespec="seconds")
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps({"holder": holder, "pid": os.getpid(), "since": since}).encode())

    def say_who_holds_it() -> bool:
        nonlocal said
        if time.monotonic() - said >= PROGRESS_EVERY_SECONDS:
            say(f"waiting for the warehouse: {_read_holder(lock_path)} holds it")
            said = time.monotonic()
        return False

    try:
        make_data_folder(path.parent)
        close_to_others(path)
        # A soft lock would outlive a killed process.
        lock = FileLock(lock_path, on_acquired=sign, fallback_to_soft=False)
        lock.acquire(timeout=wait_seconds, poll_interval=POLL_SECONDS, cancel_check=say_who_holds_it)
    except Timeout:
        raise WarehouseBusyError(
            f"{holder} waited {wait_seconds:.0f} s for the warehouse: {_read_holder(lock_path)} holds it. "
            "Wait for it to end, or stop it, and run again"
        ) from None
    except OSError as error:
        raise unwritable(path.parent, error) from error
    return lock


@contextmanager
def _hold_server(holder: str, wait_seconds: float, say: Callable[[str], None]) -> Iterator[None]:
    """Other machines may build in the same database: the file's lock is not enough."""
    try:
        with postgres.hold(holder, wait_seconds, say):
            yield
    except TimeoutError as error:
        raise WarehouseBusyError(
            f"{holder} waited {wait_seconds:.0f} s for the warehouse: {error} holds it. "
            "Wait for it to end, or stop it, and run again"
        ) from None


def _wait_for_file(path: Path, holder: str, wait_seconds: float, say: Callable[[str], None]) -> None:
    """Wait for a child of a killed run (dbt) that may keep the file open for a moment."""
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


def _read_holder(lock_path: Path) -> str:
    try:
        signed = json.loads(lock_path.read_text())
    except (OSError, ValueError):
        return "another process"
    return f"{signed['holder']} (process {signed['pid']}, since {signed['since']})"
