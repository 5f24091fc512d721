"""What Dagster remembers of somebody is out of its files, and of SQLite's own logs of them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from common.warehouse import DataDirError
from orchestration import forget


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database whose writes go to a log first, as Dagster's do."""
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table events (event text)")
        connection.execute("insert into events values ('of ada@acme.example'), ('of nobody')")
    return path


def test_a_word_is_in_no_file_while_another_process_has_the_database_open(database: Path) -> None:
    with closing(sqlite3.connect(database)) as other:
        assert other.execute("select count(*) from events").fetchall() == [(2,)]
        assert forget._clear_database(database, "ada@acme.example") == 1
        left = [path for path in database.parent.iterdir() if b"ada@acme" in path.read_bytes()]
        assert left == []
        assert other.execute("select count(*) from events where event like '%ada%'").fetchall() == [(0,)]


def test_a_database_that_is_being_read_is_named_and_the_request_is_to_be_made_again(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forget, "LOCK_SECONDS", 0.1)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("begin")
        other.execute("select * from events").fetchone()
        with pytest.raises(DataDirError, match=r"runs\.db is being read"):
            forget._clear_database(database, "ada@acme.example")
    forget._clear_database(database, "ada@acme.example")
    assert b"ada@acme" not in database.read_bytes()
