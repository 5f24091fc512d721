"""Landings in processes of their own, which are killed."""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

from connectors.postgres.land import land_postgres
from settings import Settings


def land_and_kill(settings: Settings, after_seconds: float | None = None, *, at_write: int | None = None) -> bool:
    """Land in another process and kill -9 it, after a time or in place of its nth write; whether it was killed."""
    process = multiprocessing.get_context("fork").Process(target=_land, args=(settings, at_write))
    process.start()
    process.join(after_seconds)
    if process.is_alive():
        process.kill()
        process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


def _land(settings: Settings, at_write: int | None) -> None:
    if at_write is not None:
        _die_at_write(at_write)
    land_postgres(settings)


def _die_at_write(number: int) -> None:
    """Die before the nth file takes its name, which is the moment at which a landing changes anything."""
    writes = 0
    rename = Path.replace

    def replace(self: Path, target: Any) -> Path:
        nonlocal writes
        writes += 1
        if writes > number:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(self, target)

    setattr(Path, "replace", replace)  # noqa: B010 (an assignment would need the type of every overload)
