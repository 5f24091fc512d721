"""The memory limit: what exceeds it goes to disk and is removed, and a limit that is too small is a sentence."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from settings import PROJECT_DIR, Settings, get_settings
from warehouse.connection import connect, spill_folder
from warehouse.folder import MemoryLimitError, out_of_room
from warehouse.lock import hold

SORTED = "create table sorted as select hash(i) as h, repeat('x', 200) as t from range(1000000) as r (i) order by h"
# Each thread sorts in memory of its own, so how many there are decides what fits.
ONE_THREAD = "set threads = 1"
# A list is one value, which no disk can hold the half of.
ONE_LARGE_VALUE = "select len(list(hash(i))) from range(100000000) as r (i)"


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GROWTH_MEMORY_LIMIT", "200MB")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.mark.parametrize(
    ("limit", "least", "most"), [("3GB", 3e9, 3e9), ("800MB", 8e8, 8e8), ("100%", 1e9, 1e15), ("1%", 1e9, 1e11)]
)
def test_a_limit_is_a_size_or_a_share_of_the_machine(limit: str, least: float, most: float) -> None:
    assert least <= Settings(memory_limit=limit).memory_limit_bytes <= most


@pytest.mark.parametrize("limit", ["0GB", "much", "5", "-1GB", "50 %"])
def test_a_limit_that_is_no_size_is_refused(limit: str) -> None:
    with pytest.raises(ValueError, match="memory_limit"):
        Settings(memory_limit=limit)


@pytest.mark.usefixtures("limited")
def test_what_does_not_fit_goes_beside_the_file_and_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with hold(path, "run first"), connect(path) as connection:
        connection.execute(ONE_THREAD)
        connection.execute(SORTED)
        assert connection.execute("select count(*) from sorted").fetchall() == [(1_000_000,)]
        limit = connection.execute("select current_setting('memory_limit')").fetchall()[0][0]
        assert limit == "190.7 MiB"
    assert not spill_folder(path).exists() or not list(spill_folder(path).iterdir())


def test_leftovers_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    code = (
        f"import os, signal, threading; from pathlib import Path; from warehouse.connection import connect\n"
        f"path = Path({str(path)!r})\n"
        "def kill_once_it_spills():\n"
        "    while not list(path.with_name('warehouse.duckdb.tmp').glob('*')): pass\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "threading.Thread(target=kill_once_it_spills, daemon=True).start()\n"
        f'with connect(path) as connection: connection.execute("{ONE_THREAD}"); connection.execute("{SORTED}")'
    )
    environment = {**os.environ, "GROWTH_MEMORY_LIMIT": "200MB"}
    killed = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, env=environment, check=False)
    assert killed.returncode == -9
    assert list(spill_folder(path).iterdir())
    with hold(path, "run second"):
        assert not spill_folder(path).exists()


@pytest.mark.usefixtures("limited")
def test_a_limit_that_is_too_small_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    with hold(path, "run"), connect(path) as connection, pytest.raises(duckdb.OutOfMemoryException) as caught:
        connection.execute(ONE_LARGE_VALUE).fetchall()
    said = out_of_room(tmp_path, caught.value)
    assert isinstance(said, MemoryLimitError)
    assert "set GROWTH_MEMORY_LIMIT to more" in str(said)
