"""The whole run with its warehouse in PostgreSQL publishes what DuckDB's does, and ends in a sentence if it cannot."""

import re
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus
from uuid import uuid4

import duckdb
import psycopg
import pytest
from pydantic import SecretStr

from cli.safekeeping import status
from ingestion.load import load_sources
from ingestion.privacy.erase_raw import list_request, rewrite_raw
from ingestion.write.delivery import deliver
from settings import Settings
from tests.support.hand_made import write_hand_made_company, write_usage_day
from tests.support.killed_load import kill_load
from tests.support.postgres_server import postgres_programs, running_server
from tests.support.running import Run, in_this_process, run_pipeline
from tests.support.source_root import (
    FIRST_DAY,
    company,
    invoice,
    usage_report,
    write_file,
    write_source_root,
    write_table,
)
from transform.dbt_runner import invoke_dbt, parsed_project
from warehouse import postgres
from warehouse.connection import connect
from warehouse.lock import WarehouseBusyError, hold
from warehouse.sql_text import quote

# Values that pass through a float may differ: amounts by a cent, others in their last digit or the ninth.
CLOSE = (
    "select sum(case when {same} then 0 else 1 end) from (select row_number() over () as number, * "
    "from (from mine.marts.{table} order by all)) as one full join (select row_number() over () as number, * "
    "from (from other.marts.{table} order by all)) as two on one.number = two.number"
)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server, on a socket."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("the warehouse is tested on a PostgreSQL server, which is not here: apt-get install postgresql")
    with running_server(programs) as url:
        yield url


@pytest.fixture
def on_server(server: str) -> Iterator[dict[str, str]]:
    """The settings of a warehouse in a database of its own."""
    name = f"warehouse_{uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    yield {"GROWTH_TARGET": "postgres", "GROWTH_WAREHOUSE_URL": server.replace("/postgres?", f"/{name}?")}
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")


def raw_after_load(data_dir: Path, source_root: Path, settings: Mapping[str, str]) -> dict[str, list[tuple]]:
    """Load, and return every row of schema raw by table, as text: dlt's tables and the ledger of files are left out."""
    columns: dict[str, list[str]] = {}
    with in_this_process(data_dir, source_root, settings) as mine:
        load_sources(mine)
        with connect(mine.warehouse_path) as connection:
            for table, column in connection.execute(
                "select table_name, column_name from duckdb_columns() where database_name = current_database() "
                "and schema_name = 'raw' and not starts_with(table_name, '_dlt') and table_name <> 'loaded_files' "
                "and column_name <> 'turn' order by all"
            ).fetchall():
                columns.setdefault(table, []).append(f"{quote(column)}::varchar")
            return {
                table: connection.execute(f"select {', '.join(names)} from raw.{table} order by all").fetchall()
                for table, names in columns.items()
            }


def require_equal_marts(mine: Path, other: Path) -> None:
    """Every published mart has the same rows, but for what may differ of a value that passes through a float."""
    with duckdb.connect() as connection:
        for name, folder in (("mine", mine), ("other", other)):
            connection.execute(f"attach '{Settings(data_dir=folder).serving_path}' as {name} (read_only)")
        columns = "select table_name, column_name, data_type from duckdb_columns() where database_name = ? and "
        columns += "schema_name = 'marts' and table_name <> 'publish_info' order by all"
        types = connection.execute(columns, ["mine"]).fetchall()
        assert types == connection.execute(columns, ["other"]).fetchall()
        assert len({table for table, *_ in types}) > 40
        for table in sorted({table for table, *_ in types}):
            differing = (
                f"(from mine.marts.{table} except all from other.marts.{table}) union all "
                f"(from other.marts.{table} except all from mine.marts.{table})"
            )
            [(rows,)] = connection.execute(f"select count(*) from ({differing})").fetchall()
            if rows:
                same = " and ".join(_is_close(column, kind) for of, column, kind in types if of == table)
                [(far,)] = connection.execute(CLOSE.format(same=same, table=table)).fetchall()
                assert not far, f"{table}: {far} of {rows} rows differ by more than an estimate may"


def _is_close(column: str, kind: str) -> str:
    one, two = f'one."{column}"', f'two."{column}"'
    if kind == "DOUBLE" or kind.startswith("DECIMAL"):
        last_digit = 0.01 if kind.endswith(",2)") else 0.000001
        close = f"abs({one} - {two}) <= greatest({last_digit}, 1e-9 * abs({two}))"
        return f"({one} is not distinct from {two} or coalesce({close}, false))"
    return f"{one} is not distinct from {two}"


EXPECTATIONS = "select layer, table_name, expectation, status from quality.expectation_results where first_day is null"


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_sample_company_is_published_as_from_duckdb(
    sample: Settings, parsed: Path, on_server: dict[str, str], tmp_path: Path
) -> None:
    data_dir = Path(shutil.copytree(parsed, tmp_path / "data"))
    done = run_pipeline(data_dir, sample.sample_dir / "source", **on_server)
    assert done.returncode == 0, done.stdout
    require_equal_marts(data_dir, sample.data_dir)
    with duckdb.connect(str(sample.warehouse_path), read_only=True) as file:
        expected = set(file.execute(EXPECTATIONS).fetchall())
    with psycopg.connect(on_server["GROWTH_WAREHOUSE_URL"]) as connection:
        assert set(connection.execute(EXPECTATIONS).fetchall()) == expected
    assert len(expected) > 300


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_two_corrected_days_are_published_as_from_duckdb_and_dbts_tests_pass(
    data_dir: Path,
    own_source: Path,
    new_data_dir: Path,
    on_server: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done = run_pipeline(new_data_dir, own_source, **on_server)
    assert done.returncode == 0, done.stdout
    for day, events in (("2026-10-09", 700_000), ("2026-10-20", 3)):
        write_usage_day(own_source / "usage" / "usage_reports", day, [("org-acme", events), ("org-beta", 9)])
        for folder, settings in ((data_dir, {}), (new_data_dir, on_server)):
            done = run_pipeline(folder, own_source, **settings)
            assert done.returncode == 0, done.stdout
        require_equal_marts(new_data_dir, data_dir)
    url = SecretStr(on_server["GROWTH_WAREHOUSE_URL"])
    server = Settings(data_dir=new_data_dir, target="postgres", warehouse_url=url)
    monkeypatch.setattr(postgres, "get_settings", lambda: server)
    project = parsed_project(server)
    tests = ["test", "--select", "test_type:data", "test_type:unit"]
    results = invoke_dbt(tests, server, server.dbt_target_dir / "test", manifest=project)
    assert len(project.unit_tests) > 200
    assert sum(result.status == "pass" for result in results) > len(project.unit_tests) + 300


@contextmanager
def ending_connections(server: str, which: str, value: str | int) -> Iterator[None]:
    """End each connection of a query (`pid`, with one value), over and over."""
    enough = threading.Event()

    def end() -> None:
        with psycopg.connect(server, autocommit=True) as connection:
            while not enough.wait(0.1):
                connection.execute(f"select pg_terminate_backend(pid) from {which}", [value])

    thread = threading.Thread(target=end)
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


@contextmanager
def ending_writers(server: str, on_server: dict[str, str]) -> Iterator[None]:
    """End each connection that comes to write reports of usage: it waits for a lock until it is ended."""
    waiting = "pg_locks where not granted and %s = any(pg_blocking_pids(pid))"
    with psycopg.connect(on_server["GROWTH_WAREHOUSE_URL"]) as holder:
        holder.execute("lock table raw.usage__usage_reports in access exclusive mode")
        with ending_connections(server, waiting, holder.info.backend_pid):
            yield


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_connection_lost_in_a_build_publishes_nothing_and_the_next_run_ends_right(
    undisturbed: Path, source_root: Path, new_data_dir: Path, on_server: dict[str, str], server: str
) -> None:
    run = Run(new_data_dir, source_root, GROWTH_LOG_FORMAT="json", **on_server)
    said = run.wait_for_step("build_marts")
    database = on_server["GROWTH_WAREHOUSE_URL"].partition("?")[0].rpartition("/")[2]
    with ending_connections(server, "pg_stat_activity where datname = %s", database):
        ended = run.end()
    assert ended.returncode != 0
    assert "the connection to the warehouse's server ended" in said + ended.stdout
    assert "Traceback" not in said + ended.stdout
    assert not Settings(data_dir=new_data_dir).serving_path.exists()
    done = run_pipeline(new_data_dir, source_root, **on_server)
    assert done.returncode == 0, done.stdout
    require_equal_marts(new_data_dir, undisturbed)


def failed_load(data_dir: Path, source_root: Path, settings: Mapping[str, str]) -> str:
    """What a load says that does not succeed."""
    run = Run(data_dir, source_root, command=("load",), **settings)
    ended = run.end()
    assert ended.returncode == 1, ended.stdout
    assert "Traceback" not in ended.stdout
    return ended.stdout


def test_connection_lost_while_it_is_made_is_a_sentence(
    on_server: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ended = "Failed to execute query: FATAL:  terminating connection due to administrator command\n"

    def ended_by_the_server(*_: object) -> None:
        raise duckdb.Error(ended)

    sentence = r"the connection to the warehouse's server ended \(terminating connection due to administrator command\)"
    monkeypatch.setattr(postgres, "_sign", ended_by_the_server)
    with in_this_process(tmp_path, tmp_path, on_server) as settings:
        with pytest.raises(postgres.ServerError, match=sentence), connect(settings.warehouse_path):
            pass
        with pytest.raises(postgres.ServerError, match=sentence):
            raise postgres.unreachable(postgres.address(), ended)


def test_commit_that_fails_without_a_reason_is_a_connection_that_ended(
    on_server: dict[str, str], tmp_path: Path
) -> None:
    with (
        in_this_process(tmp_path, tmp_path, on_server) as settings,
        pytest.raises(postgres.ServerError, match="the connection to the warehouse's server ended"),
        connect(settings.warehouse_path),
    ):
        raise duckdb.TransactionException('Failed to commit: Failed to execute query "COMMIT": \n')
    assert not postgres.is_lost('Failed to commit: Failed to execute query "COMMIT": ERROR:  a key is there twice')


def test_server_that_is_not_there_is_a_sentence_without_the_password(tmp_path: Path) -> None:
    url = "postgresql://growth:hidden-word@127.0.0.1:1/warehouse"
    said = failed_load(tmp_path / "data", tmp_path, {"GROWTH_TARGET": "postgres", "GROWTH_WAREHOUSE_URL": url})
    assert "the warehouse's server growth@127.0.0.1:1/warehouse cannot be used" in said
    assert "Connection refused" in said
    assert "hidden-word" not in said


def test_server_whose_name_does_not_exist_is_named(tmp_path: Path) -> None:
    url = "postgresql://growth:hidden-word@nowhere.invalid/warehouse"
    said = failed_load(tmp_path / "data", tmp_path, {"GROWTH_TARGET": "postgres", "GROWTH_WAREHOUSE_URL": url})
    assert "cannot be used (failed to resolve host 'nowhere.invalid'" in said
    assert "hidden-word" not in said


@pytest.fixture
def with_password(server: str, on_server: dict[str, str]) -> Iterator[Callable[[str], dict[str, str]]]:
    """The settings of a warehouse with a given password, on a server that asks for one."""
    rules = Path(server.partition("host=")[2]) / "data" / "pg_hba.conf"
    before, role = rules.read_text(), f"locked_{uuid4().hex[:8]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create role {role} superuser login password '{PASSWORD}'")
        rules.write_text(f"local all {role} scram-sha-256\n{before}")
        connection.execute("select pg_reload_conf()")
    url = on_server["GROWTH_WAREHOUSE_URL"]
    yield lambda word: {**on_server, "GROWTH_WAREHOUSE_URL": url.replace("growth@", f"{role}:{quote_plus(word)}@")}
    rules.write_text(before)


PASSWORD = "right:@/%?#&=+word"


def test_wrong_password_is_a_sentence_without_it(
    with_password: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    said = failed_load(tmp_path / "data", tmp_path, with_password("hidden-word"))
    assert 'password authentication failed for user "locked_' in said
    assert "hidden-word" not in said


def test_right_password_loads_and_is_kept_nowhere(
    with_password: Callable[[str], dict[str, str]], tmp_path: Path
) -> None:
    source = write_hand_made_company(tmp_path / "source")
    run = Run(tmp_path / "data", source, command=("load",), **with_password(PASSWORD))
    ended = run.end()
    assert ended.returncode == 0, ended.stdout
    assert PASSWORD not in ended.stdout
    files = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []


def test_address_that_is_missing_or_none_is_a_sentence(tmp_path: Path) -> None:
    said = failed_load(tmp_path / "data", tmp_path, {"GROWTH_TARGET": "postgres"})
    assert "GROWTH_WAREHOUSE_URL is not set" in said
    said = failed_load(
        tmp_path / "data", tmp_path, {"GROWTH_TARGET": "postgres", "GROWTH_WAREHOUSE_URL": "hidden-word here"}
    )
    assert "GROWTH_WAREHOUSE_URL is no address" in said
    assert "hidden-word" not in said


def test_lock_that_another_machine_holds_is_waited_for_and_named(on_server: dict[str, str], tmp_path: Path) -> None:
    here, there = (tmp_path / name / "warehouse.postgres" for name in ("here", "there"))
    with in_this_process(tmp_path, tmp_path, on_server):
        with (
            hold(there, "run of another machine"),
            pytest.raises(WarehouseBusyError, match="growth-pipeline: run of another machine"),
            hold(here, "run here", wait_seconds=0),
        ):
            pass
        with hold(here, "run here", wait_seconds=0):
            pass


def test_deletion_request_erases_an_address_on_the_server(on_server: dict[str, str], tmp_path: Path) -> None:
    source = write_hand_made_company(tmp_path / "source")
    with in_this_process(tmp_path, source, on_server) as settings:
        load_sources(settings)
        list_request(settings, "address", "ada@acme.example")
        assert rewrite_raw(settings)["raw.product_db__users"] == 1
        assert rewrite_raw(settings) == {}
        load_sources(settings)
    with psycopg.connect(on_server["GROWTH_WAREHOUSE_URL"]) as connection:
        emails = {email for (email,) in connection.execute("select email from raw.product_db__users").fetchall()}
        schemas = {name for (name,) in connection.execute("select nspname from pg_namespace").fetchall()}
    assert "ada@acme.example" not in emails
    assert "bob@gmail.com" in emails
    assert len(emails) == 3
    assert "raw_staging" not in schemas


def test_status_says_the_sizes_of_the_servers_tables(
    on_server: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with in_this_process(tmp_path, write_hand_made_company(tmp_path / "source"), on_server) as settings:
        load_sources(settings)
        status()
    said = capsys.readouterr().out
    assert re.search(r"^warehouse +[\d.]+ MB, of which 0\.0 MB unused$", said, re.MULTILINE)
    assert re.search(r"^  product_db__users +\d+ rows +0\.\d MB$", said, re.MULTILINE)


ODD_TEXTS = ("", "a,b", 'say "x"', "two\nlines", r"\N and \u0000", "null", "naïve 😀", None)


def write_deliveries(root: Path) -> Iterator[None]:
    """Write the files of a company, and then what arrives after its first load: one delivery at a time."""
    write_source_root(root)
    organization = company()["product_db/organizations"][0]
    odd = [{**organization, "id": f"odd-{n}", "name": text or "", "note": text} for n, text in enumerate(ODD_TEXTS)]
    write_file(root / "product_db/organizations/odd.jsonl", "product_db/organizations", odd)
    yield
    users = [{**user, "is_active": False} for user in company()["product_db/users"][:5]]
    write_table(root, "product_db/users", users)
    write_file(root / "product_db/organizations/2.jsonl", "product_db/organizations", [{**organization, "plan": "x"}])
    invoices = [invoice(11, "cus_1", FIRST_DAY, 777), {"id": "broken"}]
    write_file(root / "stripe/invoices/2.jsonl", "stripe/invoices", invoices)
    for days in (1, 9):
        day = FIRST_DAY + timedelta(days=days)
        report = {**usage_report(day, "org-2", 6), "sparks_in_period": 7}
        write_file(root / f"usage/usage_reports/date={day}/late.jsonl", "usage/usage_reports", [report])
    yield


def test_what_is_loaded_is_what_duckdb_loads_and_a_second_load_changes_nothing(
    on_server: dict[str, str], tmp_path: Path
) -> None:
    source = tmp_path / "source"
    lenient = {"GROWTH_MAX_SET_ASIDE_SHARE": "1"}
    for _ in write_deliveries(source):
        in_file = raw_after_load(tmp_path / "duckdb", source, lenient)
        assert all(in_file[table] for table in ("product_db__users", "usage__usage_reports", "stripe__invoices"))
        for _ in range(2):
            assert raw_after_load(tmp_path / "postgres", source, {**lenient, **on_server}) == in_file
    with psycopg.connect(on_server["GROWTH_WAREHOUSE_URL"]) as connection:
        names = connection.execute("select id, name, note from raw.product_db__organizations order by id").fetchall()
        types = connection.execute(
            "select distinct column_name, data_type from information_schema.columns where table_schema = 'raw' "
            "and column_name in ('payload', 'note', 'sparks_in_period', 'amount_usd', 'received_at') order by 1"
        ).fetchall()
    assert [row for row in names if row[0].startswith("odd-")] == [
        (f"odd-{n}", text or "", text) for n, text in enumerate(ODD_TEXTS)
    ]
    assert types == [
        ("amount_usd", "numeric"),
        ("note", "character varying"),
        ("payload", "json"),
        ("received_at", "timestamp without time zone"),
        ("sparks_in_period", "bigint"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("point", ["dlt copy", "dlt merge", "record the loaded files"])
def test_a_load_that_was_killed_ends_like_one_that_was_not(
    on_server: dict[str, str], tmp_path: Path, point: str
) -> None:
    source = tmp_path / "source"
    settings = {**on_server, "GROWTH_MAX_SET_ASIDE_SHARE": "1"}
    deliveries = write_deliveries(source)
    next(deliveries)
    raw_after_load(tmp_path / "postgres", source, settings)
    next(deliveries)
    kill_load(tmp_path / "postgres", source, point, **settings)
    undisturbed = raw_after_load(tmp_path / "duckdb", source, {"GROWTH_MAX_SET_ASIDE_SHARE": "1"})
    assert raw_after_load(tmp_path / "postgres", source, settings) == undisturbed


def test_connection_lost_while_rows_are_written_is_a_sentence_and_the_next_load_ends_right(
    on_server: dict[str, str], server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = write_hand_made_company(tmp_path / "source")

    def delivering(*arguments: Any) -> None:
        with ending_writers(server, on_server):
            deliver(*arguments)

    with monkeypatch.context() as patched, in_this_process(tmp_path / "postgres", source, on_server) as settings:
        patched.setattr("ingestion.load.deliver", delivering)
        with pytest.raises(postgres.ServerError, match="the connection to the warehouse's server ended"):
            load_sources(settings)
    undisturbed = raw_after_load(tmp_path / "duckdb", source, {})
    assert raw_after_load(tmp_path / "postgres", source, on_server) == undisturbed


def test_commands_that_need_a_file_say_what_to_do_on_a_server(on_server: dict[str, str], tmp_path: Path) -> None:
    for command, instead in (("copy", "createdb --template"), ("backup", "pg_dump")):
        arguments = (command, str(tmp_path / "backups")) if command == "backup" else (command,)
        run = Run(tmp_path / "data", tmp_path, command=arguments, **on_server)
        ended = run.end()
        assert ended.returncode == 2, ended.stdout
        assert "GROWTH_TARGET is postgres" in ended.stdout
        assert instead in ended.stdout
