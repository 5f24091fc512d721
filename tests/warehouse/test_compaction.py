"""Compacting gives back what nothing uses and changes nothing else, whenever it is killed or refused."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from settings import PROJECT_DIR
from warehouse import compaction
from warehouse.compaction import CompactionError, compact, size_of
from warehouse.connection import connect

KILLED_AT_THE_RENAME = """
import os, signal, sys
from pathlib import Path
from warehouse.compaction import compact
rename = Path.replace
def killed(self, target):
    if sys.argv[2] == "after":
        rename(self, target)
    os.kill(os.getpid(), signal.SIGKILL)
Path.replace = killed
compact(Path(sys.argv[1]))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A warehouse of which most is unused: what was there was replaced."""
    path = tmp_path / "warehouse.duckdb"
    with connect(path) as connection:
        connection.execute(
            "create schema raw; create schema marts; "
            "create table raw.days (day date primary key, value decimal(18, 2) not null default 0); "
            "insert into raw.days select date '2026-01-01' + cast(range as int), range / 7 from range(1000); "
            "create view marts.totals as select sum(value) as total from warehouse.raw.days; "
            "comment on table raw.days is 'Days.'; comment on column raw.days.value is 'US dollars.'; "
            "create table marts.large as select range as id, hash(range) as value from range(1_000_000)"
        )
        connection.execute("checkpoint")
        connection.execute("create or replace table marts.large as from marts.large limit 1000")
    return path


def content(path: Path) -> list:
    """All that is in the file."""
    with connect(path, read_only=True) as connection:
        return [
            connection.execute(query).fetchall()
            for query in (
                "from raw.days order by all",
                "from marts.large order by all",
                "from marts.totals",
                "select table_name, sql, comment from duckdb_tables() order by all",
                "select column_name, comment from duckdb_columns() where not internal order by all",
            )
        ]


def test_what_nothing_uses_is_given_back_and_the_rest_is_as_it_was(path: Path) -> None:
    before, held = content(path), path.stat().st_size
    assert compact(path) is not None
    assert content(path) == before
    assert path.stat().st_size < held / 2
    with connect(path) as connection, pytest.raises(duckdb.ConstraintException):
        connection.execute("insert into raw.days (day) values (date '2026-01-01')")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(("unused", "is_compacted"), [(33, False), (34, True)])
def test_a_third_of_unused_blocks_is_worth_a_copy(
    path: Path, monkeypatch: pytest.MonkeyPatch, unused: int, is_compacted: bool
) -> None:
    monkeypatch.setattr(compaction, "size_of", lambda _: compaction.FileSize(100, unused))
    assert (compact(path) is not None) == is_compacted


def test_a_short_disk_is_said_and_the_file_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, size = path.read_bytes(), size_of(path)
    needed = int(compaction.ROOM_NEEDED * (size.bytes_in_all - size.bytes_unused))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=needed - 1))
    with pytest.raises(CompactionError, match=f"needs {needed:,} bytes of disk"):
        compact(path)
    assert path.read_bytes() == before
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=needed))
    assert compact(path) is not None


def test_a_copy_that_is_not_the_same_is_thrown_away(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = content(path)
    monkeypatch.setattr(compaction, "DEFINITIONS", "select random() as of_{0}")
    with pytest.raises(CompactionError, match="the copy has other tables"):
        compact(path)
    assert content(path) == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("at", ["before", "after"])
def test_killed_at_the_rename_it_leaves_the_old_file_or_the_new_one(path: Path, at: str) -> None:
    before, held = content(path), path.stat().st_size
    done = subprocess.run([sys.executable, "-c", KILLED_AT_THE_RENAME, str(path), at], cwd=PROJECT_DIR, check=False)
    assert done.returncode == -signal.SIGKILL
    assert (path.stat().st_size == held) == (at == "before")
    assert content(path) == before
    compact(path)
    assert content(path) == before
    # What the killed one left behind is gone with the next compaction.
    assert [each.name for each in path.parent.iterdir()] == [path.name]
