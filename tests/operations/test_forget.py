"""What Dagster remembers of somebody is out of its files, and of SQLite's own logs and free pages of them."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from dagster import DagsterInstance, job, op

from cli.main import call
from ingestion.privacy.spellings import eraser
from operations import deletion as forget
from operations import history_on_postgres
from orchestration.instance.home import prepare_dagster_home
from settings import Settings
from tests.support.postgres_server import postgres_programs, running_server
from tests.support.spellings import byte_spellings, spellings
from warehouse.folder import DataDirError

ADDRESS = "ada@acme.example"
ODD = "jörg&co@bäcker.example"
ERASE = eraser([ADDRESS, ODD], forget.REPLACEMENT)


def files_with(folder: Path, *addresses: str) -> list[str]:
    """The files that have one of the addresses in one of its spellings."""
    words = set[bytes]().union(*map(byte_spellings, addresses))
    contents = {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return [name for name, content in contents.items() if any(word in content for word in words)]


def write(path: Path, text: str) -> None:
    """Write a file; a lone surrogate stands for a byte that is no UTF-8."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database whose writes go to a log first, as Dagster's do."""
    path = tmp_path / "runs.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("pragma journal_mode = wal")
        connection.execute("create table events (event text)")
        connection.execute("insert into events values ('of ada@acme.example'), ('of nobody')")
    return path


def test_address_is_removed_while_the_database_is_open(database: Path) -> None:
    with closing(sqlite3.connect(database)) as other:
        assert other.execute("select count(*) from events").fetchall() == [(2,)]
        assert forget._clear_database(database, ERASE) == 1
        assert files_with(database.parent, ADDRESS) == []
        assert other.execute("select event from events order by 1").fetchall() == [("of deleted",), ("of nobody",)]


def test_address_is_in_no_page_of_a_database(database: Path) -> None:
    said = sorted(spellings(ODD))
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(
            "create table run_tags (id integer primary key, key text, value blob, untyped, is_json json)"
        )
        for each in said:
            event = json.dumps({"error": json.dumps({"row": each})})
            connection.execute("insert into run_tags values (null, ?, ?, ?, ?)", [event, each, f"<{each}>", event])
        connection.execute("insert into events select key || ? from run_tags", [" and much more" * 500])
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("pragma secure_delete = off")
        connection.execute("delete from events")
    assert files_with(database.parent, ODD) == ["runs.db"]
    assert forget._clear_database(database, ERASE) == 4 * len(said)
    assert files_with(database.parent, ODD) == []
    assert forget._clear_database(database, ERASE) == 0
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("select key, value, untyped, is_json from run_tags").fetchall()
    event = '{"error": "{\\"row\\": \\"deleted\\"}"}'
    assert set(rows) == {(event, "deleted", "<deleted>", event)}


@pytest.mark.parametrize("arguments", [["--email", ""], ["--email", "ada"], ["--organization", " "], []])
def test_request_that_names_nobody_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setattr("cli.safekeeping.get_settings", lambda: Settings(data_dir=tmp_path / "data"))
    assert call(["forget", *arguments]) == 2
    assert "--email" in capsys.readouterr().err or arguments[0] == "--organization"
    assert list(tmp_path.iterdir()) == []


def test_warehouse_of_before_a_move_to_postgres_outlives_no_request(tmp_path: Path) -> None:
    for name in ("warehouse.duckdb", "warehouse.duckdb.wal", "warehouse.postgres"):
        write(tmp_path / name, ADDRESS)
    forget._delete_copies(Settings(data_dir=tmp_path, target="postgres"))
    assert [path.name for path in tmp_path.iterdir()] == ["warehouse.postgres"]


@pytest.mark.parametrize(
    "copy", ["warehouse.duckdb", "warehouse.building", "warehouse.duckdb.tmp/spilled", "trial/warehouse.duckdb"]
)
@pytest.mark.parametrize("linked", [None, "private", "private/ada", "private/ada/trial"])
def test_no_copy_of_the_warehouse_outlives_a_request(tmp_path: Path, copy: str, linked: str | None) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    data.mkdir()
    if linked:
        elsewhere.mkdir()
        (data / linked).parent.mkdir(parents=True, exist_ok=True)
        (data / linked).symlink_to(elsewhere)
    write(data / "private" / "ada" / copy, ADDRESS)
    write(data / "warehouse.duckdb", "the warehouse itself")
    forget._delete_copies(Settings(data_dir=data))
    assert files_with(tmp_path, ADDRESS) == []
    assert (data / "warehouse.duckdb").is_file()


def test_what_was_deleted_before_the_request_is_in_no_free_page(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("pragma secure_delete = off")
        connection.execute("delete from events")
    assert files_with(database.parent, ADDRESS) == ["runs.db"]
    assert forget._clear_database(database, ERASE) == 0
    assert files_with(database.parent, ADDRESS) == []


@pytest.mark.parametrize("mode", ["wal", "delete"])
def test_deletion_names_a_database_that_is_in_use(database: Path, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    monkeypatch.setattr(forget, "LOCK_SECONDS", 0.1)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute(f"pragma journal_mode = {mode}")
        other.execute("begin")
        other.execute("select * from events").fetchone()
        with pytest.raises(DataDirError, match=r"runs\.db is (being read|in use).*repeat the request"):
            forget._clear_database(database, ERASE)
    forget._clear_database(database, ERASE)
    assert files_with(database.parent, ADDRESS) == []


def test_every_file_of_dagster_and_every_log_is_looked_into(tmp_path: Path, database: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    in_steps, in_dbt = f"Error:\n{ADDRESS} \udcff {json.dumps(ODD)}", f"\x1b[31m'{ODD}'\x1b[0m"
    for name in ("dagster/storage/run/compute_logs/a.err", "dagster/logs/event.log", "dagster/storage/x/a.json"):
        write(tmp_path / name, in_steps)
    for name in ("state/dbt/logs/dbt.log", "state/dbt/logs/dbt.log.3"):
        write(tmp_path / name, in_dbt)
    write(settings.errors_path, in_steps)
    (tmp_path / "dagster/history/runs").mkdir(parents=True)
    database.replace(tmp_path / "dagster/history/runs/made.db")
    for log in tmp_path.glob("runs.db-*"):
        log.unlink()
    assert len(files_with(tmp_path, ADDRESS, ODD)) == 7
    removed = forget._forget_outside(settings, "address", ODD, ERASE)
    assert removed == {"Dagster's history and alerts": 1, "logs of steps and of dbt": 5, "state/errors.log": 1}
    assert files_with(tmp_path, ADDRESS, ODD) == []
    assert (tmp_path / "state/dbt/logs/dbt.log").read_bytes() == b"\x1b[31m'deleted'\x1b[0m"
    assert (tmp_path / "dagster/logs/event.log").read_bytes() == b'Error:\ndeleted \xff "deleted"'


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Settings]:
    """Dagster on a PostgreSQL server, with a run that failed, and logs and tags that name two people."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql)")

    @op
    def quote_a_row() -> None:
        raise ValueError(f"{json.dumps(ODD)} and bob@beta.example of {ADDRESS}")

    @job(tags={"asked_by": ADDRESS})
    def small_job() -> None:
        quote_a_row()

    with running_server(programs) as url:
        monkeypatch.setenv("DAGSTER_HOME", "set back after the test")
        monkeypatch.setenv("GROWTH_DAGSTER_POSTGRES_URL", url)
        settings = Settings(data_dir=tmp_path)
        prepare_dagster_home(settings)
        with DagsterInstance.get() as instance:
            small_job.execute_in_process(instance=instance, raise_on_error=False)
        with psycopg.connect(url) as connection:
            connection.execute("create table of_somebody_else (id int, event text)")
            connection.execute("insert into of_somebody_else values (1, %s)", [ADDRESS])
            # More than are read at once, and a row that was deleted before.
            connection.execute(
                "insert into event_logs (run_id, event, timestamp) "
                "select 'r', 'for ' || %s, now() from generate_series(1, 1001)",
                [ADDRESS],
            )
            connection.execute("delete from event_logs where id = (select max(id) from event_logs)")
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("analyze")
        yield settings


def texts_of_dagster(url: str) -> str:
    with psycopg.connect(url) as connection:
        rows = [
            connection.execute(f"select t::text from {name} as t").fetchall() for name in history_on_postgres.TABLES
        ]
        rows.append(
            connection.execute("select stats::text from pg_stats as stats where tablename = 'event_logs'").fetchall()
        )
    return str(rows)


def test_history_on_a_server_is_cleared_and_still_dagsters(history: Settings) -> None:
    url = str(history.dagster_postgres_url)
    before = texts_of_dagster(url)
    assert [word for word in spellings(ODD) | {ADDRESS} if word in before]
    assert "bob@beta.example" in before
    removed = forget._forget_outside(history, "address", ADDRESS, ERASE)["Dagster's history in PostgreSQL"]
    assert removed > 1000
    after = texts_of_dagster(url)
    assert [word for word in spellings(ODD) | {ADDRESS} if word in after] == []
    assert "bob@beta.example" in after
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("select event from of_somebody_else").fetchall() == [(ADDRESS,)]
        tables = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
        connection.execute("checkpoint")
        ((path,),) = connection.execute("select pg_relation_filepath('event_logs')").fetchall()
        ((folder,),) = connection.execute("show data_directory").fetchall()
    assert {name for (name,) in tables} == {*history_on_postgres.TABLES, "alembic_version", "of_somebody_else"}
    assert ADDRESS.encode() not in Path(folder, path).read_bytes()
    with DagsterInstance.get() as instance:
        (run,) = instance.get_runs()
        events = instance.all_logs(run.run_id)
    assert run.tags["asked_by"] == "deleted"
    assert any("deleted" in str(event) for event in events)
    assert history_on_postgres.clear_history(url, ERASE) == 0


def test_history_that_somebody_reads_is_named(history: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_on_postgres, "LOCK_TIMEOUT", "100ms")
    with psycopg.connect(str(history.dagster_postgres_url)) as other:
        other.execute("select * from runs")
        with pytest.raises(DataDirError, match=r"history in PostgreSQL was not cleared.*repeat the request"):
            forget._forget_outside(history, "address", ADDRESS, ERASE)
