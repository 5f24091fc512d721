"""One process at a time has the warehouse, whoever dies."""

import errno
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from settings import PROJECT_DIR
from warehouse.connection import connect, next_turn
from warehouse.folder import DamagedFileError, DataDirError, out_of_room
from warehouse.lock import WarehouseBusyError, hold

HOLDER = """
import sys, pathlib
from warehouse.lock import hold
with hold(pathlib.Path(sys.argv[1]), "run first"):
    print("holding", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path: Path):
    """Another process that has the warehouse until it is told to end."""
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


def zero_the_middle(path: Path) -> None:
    """Blocks of rows that were lost."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 3)
        file.write(bytes(size // 3))


def put_a_folder(path: Path) -> None:
    """A folder where the file was."""
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "garbage": lambda path: path.write_bytes(os.urandom(50_000)),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "nothing": lambda path: path.write_bytes(b""),
    "another kind of file": lambda path: path.write_text("id,name\n1,acme\n"),
    "half of it": lambda path: os.truncate(path, path.stat().st_size // 2),
    "its head alone": lambda path: os.truncate(path, 8192),
    "zeros in the middle": zero_the_middle,
    "a folder": put_a_folder,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_named_with_the_way_back(tmp_path: Path, damage: Callable[[Path], object]) -> None:
    path = tmp_path / "warehouse.duckdb"
    with connect(path) as connection:
        connection.execute("create table numbers as select hash(range) as number from range(200000)")
    damage(path)
    with (
        pytest.raises(DamagedFileError, match=r"warehouse\.duckdb is damaged: move it away and run again") as raised,
        hold(path, "run first"),
        connect(path) as connection,
    ):
        connection.execute("select bit_xor(number) from numbers")
    assert "\n" not in str(raised.value)
    path.rename(tmp_path / "away")
    with hold(path, "run second"), connect(path) as connection:
        connection.execute("create table numbers as select 1 as number")


def test_a_file_that_somebody_else_owns_is_named_with_its_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(place: str, **_: object) -> None:
        raise duckdb.IOException(f'IO Error: Cannot open file "{place}": Permission denied')

    (tmp_path / "warehouse.duckdb").touch()
    monkeypatch.setattr(duckdb, "connect", refuse)
    with (
        pytest.raises(DamagedFileError, match=r"warehouse\.duckdb cannot be opened: check its owner and mode"),
        hold(tmp_path / "warehouse.duckdb", "run first"),
    ):
        pass


def test_private_folders_are_closed_and_group_access_stays(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    path = data_dir / "warehouse.duckdb"
    with hold(path, "run first"), connect(path) as connection:
        connection.execute("create table numbers as select 1 as number")
        for name in ("state", "exports", "dagster", "published"):
            (data_dir / name).mkdir(mode=0o755)
        (data_dir / "exports").chmod(0o755)
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (data_dir, *data_dir.iterdir())}
    assert modes["data"] == 0o755
    assert modes["published"] == 0o755
    assert modes["exports"] == 0o750
    assert [name for name in modes if name not in ("data", "published") and modes[name] & 0o007] == []


def test_what_is_written_later_has_the_larger_number(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    numbers = []
    for _ in range(3):
        with connect(path) as connection:
            numbers.append(next_turn(connection))
    assert numbers == [1, 2, 3]


def test_unreadable_source_file_is_not_blamed_on_the_warehouse(tmp_path: Path) -> None:
    (tmp_path / "invoices.parquet").write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(duckdb.Error, match=r"invoices\.parquet"), connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("from read_parquet(?)", [str(tmp_path / "invoices.parquet")])


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("not a folder")
    with (
        pytest.raises(DataDirError, match=r"state is not a folder: move it away and run again"),
        hold(tmp_path / "warehouse.duckdb", "run first"),
    ):
        pass
    (tmp_path / "state").rename(tmp_path / "away")
    with hold(tmp_path / "warehouse.duckdb", "run second"):
        pass


def test_stray_log_is_not_replayed_into_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    path.with_name("warehouse.duckdb.wal").write_bytes(os.urandom(1000))
    with hold(path, "run first"), connect(path) as connection:
        assert connection.execute("select count(*) from duckdb_tables()").fetchall() == [(0,)]


def test_errors_that_came_from_each_other_are_looked_at_once(tmp_path: Path) -> None:
    first, second = ValueError("the receiver is away"), ValueError("tried again")
    first.__context__, second.__context__ = second, first
    assert out_of_room(tmp_path, first) is None
    second.__context__ = OSError(errno.ENOSPC, "No space left on device")
    assert out_of_room(tmp_path, first) is not None
