"""One process at a time has the working file, whoever dies."""

import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from common.settings import PROJECT_DIR
from common.warehouse import WarehouseBusyError, connect, hold

HOLDER = """
import sys, pathlib
from common.warehouse import hold
with hold(pathlib.Path(sys.argv[1]), "run first"):
    print("holding", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that has the working file until it is told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "warehouse.duckdb")],
        cwd=PROJECT_DIR,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_run_is_told_which_run_holds_the_warehouse(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with (
        pytest.raises(WarehouseBusyError, match=rf"run first \(process {holder.pid}, since 20"),
        hold(tmp_path / "warehouse.duckdb", "run second", wait_seconds=0),
    ):
        pass


def test_a_second_run_waits_and_then_goes_on(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    said: list[str] = []

    def let_go(line: str) -> None:
        said.append(line)
        assert holder.stdin is not None
        holder.stdin.write("\n")
        holder.stdin.flush()

    with hold(tmp_path / "warehouse.duckdb", "run second", wait_seconds=60, say=let_go):
        assert said == [f"waiting for the warehouse: {said[0].split(': ', 1)[1]}"]
        assert "run first" in said[0]


def test_a_killed_run_does_not_keep_the_warehouse(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with hold(tmp_path / "warehouse.duckdb", "run second", wait_seconds=0):
        assert "run second" in (tmp_path / "warehouse.lock").read_text()


def test_a_process_that_has_the_file_without_the_lock_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    orphan = subprocess.Popen(
        [sys.executable, "-c", f"import duckdb; c = duckdb.connect({str(path)!r}); print('open', flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert orphan.stdout is not None
    orphan.stdout.readline()
    said: list[str] = []

    def end_it(line: str) -> None:
        said.append(line)
        orphan.communicate("\n")

    with hold(path, "run second", wait_seconds=60, say=end_it):
        assert "outside the pipeline" in said[0]
        assert str(orphan.pid) in said[0]


def test_timestamps_are_read_in_utc_whatever_the_zone_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    with connect(tmp_path / "warehouse.duckdb") as connection:
        row = connection.execute("select cast(timestamptz '2026-10-31 00:00:00+00' as varchar)").fetchone()
    assert row == ("2026-10-31 00:00:00+00",)


def test_a_connection_is_closed_when_its_block_ends(tmp_path: Path) -> None:
    with connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("select 1")
    with pytest.raises(duckdb.ConnectionException):
        connection.execute("select 1")
