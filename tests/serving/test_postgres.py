"""PostgreSQL holds what is published; its readers see the old tables or the new, never an error or some of each."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from pydantic import SecretStr

from cli import results
from cli.main import call
from serving.postgres import PostgresError, publish_to_postgres
from settings import PROJECT_DIR, Settings
from tests.support.postgres_server import postgres_programs, running_server

pytestmark = pytest.mark.slow

READER = """
import sys, time
import psycopg
url, seconds, isolation = sys.argv[1], float(sys.argv[2]), sys.argv[3]
queries, mixed, versions = 0, 0, set()
connection = psycopg.connect(url, autocommit=isolation == "statement")
if isolation == "repeatable":
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
print("reading", flush=True)
end = time.monotonic() + seconds
while time.monotonic() < end:
    if isolation == "statement":
        seen = connection.execute(
            "select a.version, b.version, p.run_id, count(*) from marts.fct_a a, marts.fct_b b, marts.publish_info p "
            "where a.i = b.i group by 1, 2, 3").fetchall()
    else:
        with connection.transaction():
            a = connection.execute("select version, count(*) from marts.fct_a group by 1").fetchall()
            b = connection.execute("select version, count(*) from marts.fct_b group by 1").fetchall()
            (run,), = connection.execute("select run_id from marts.publish_info").fetchall()
            seen = [(a[0][0], b[0][0], run, a[0][1])] if len(a) == len(b) == 1 and a[0][1] == b[0][1] else []
    queries += 1
    (a, b, run, rows), = seen or [(0, 1, "", 0)]
    mixed += len(seen) != 1 or a != b or run != f"run-{a}" or rows != 2000
    versions.add(a)
print(queries, mixed, len(versions), flush=True)
"""
PUBLISHED_AT = datetime(2026, 11, 1, 2, 30, tzinfo=UTC).replace(tzinfo=None)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("the copy is tested on a PostgreSQL server, which is not here: apt-get install postgresql")
    with running_server(programs) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("create role pipeline login; create role bi login")
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    """An empty database, which the pipeline owns without being anything else on the server."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("create database growth owner pipeline")
        yield server.replace("growth@/postgres?", "pipeline@/growth?")
        connection.execute("drop database growth with (force)")


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    """A data folder that run 1 has published, and the database for its copy."""
    settings = Settings(data_dir=tmp_path / "data", postgres_url=SecretStr(url))
    publish_version(settings, 1)
    return settings


def publish_version(settings: Settings, version: int, *statements: str) -> None:
    """Put a file before the readers whose every row holds the version, and whatever the statements make."""
    settings.serving_path.parent.mkdir(parents=True, exist_ok=True)
    settings.serving_path.unlink(missing_ok=True)
    with duckdb.connect(str(settings.serving_path)) as connection:
        connection.execute("create schema marts")
        connection.execute("set schema = 'marts'")
        for table in ("fct_a", "fct_b"):
            connection.execute(f"create table {table} as select {version} as version, i from range(2000) as r (i)")
        published_at = PUBLISHED_AT + timedelta(days=version)
        connection.execute(
            "create table publish_info as select ? as run_id, date '2026-10-31' as as_of_date, ? as published_at",
            [f"run-{version}", published_at],
        )
        for statement in statements:
            connection.execute(statement)


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    """What the database says."""
    assert settings.postgres_url is not None
    with psycopg.connect(settings.postgres_url.get_secret_value()) as connection:
        return connection.execute(query).fetchall()


def execute(settings: Settings, *statements: str) -> None:
    """Do something in the database, as its owner."""
    assert settings.postgres_url is not None
    with psycopg.connect(settings.postgres_url.get_secret_value(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def version_there(settings: Settings) -> int:
    """The one version of the tables in the database."""
    ((version,),) = ask(settings, "select distinct version from marts.fct_a")
    assert ask(settings, "select distinct version, count(*) from marts.fct_b group by 1") == [(version, 2000)]
    assert ask(settings, "select run_id from marts.publish_info") == [(f"run-{version}",)]
    assert ask(settings, "select nspname from pg_namespace where nspname like 'marts\\__%'") == []
    return version


def test_every_value_arrives_as_it_was_published(settings: Settings) -> None:
    odd = 'odd ""name"" %s {x}'
    publish_version(
        settings,
        2,
        f'create table "{odd}" ("{odd}" varchar, amount_usd decimal(18, 2), share decimal(10, 6), d double, day date, '
        "at_utc timestamp, at_zone timestamptz, yes boolean, i integer, huge hugeint)",
        f'insert into "{odd}" values '
        "(null, null, null, null, null, null, null, null, null, null), "
        "('', -0.01, 0.333333, 'nan', date '2024-02-29', timestamp '2026-11-01 00:10:00.000001', "
        "timestamptz '2026-11-01 00:10:00+02', true, -1, 170141183460469231731687303715884105727), "
        "('\\.', 1234567890123456.78, 1, 1e-300, date '1970-01-01', timestamp '1970-01-01', null, false, 0, 0), "
        "(E'a\\n\\\\.\\n\"b\",''c''; \\\\N é 😀', 0, 0, 'infinity', null, null, null, null, null, null)",
        f"comment on column \"{odd}\".amount_usd is 'It''s \"money\" in %s USD.'",
        "create table fct_empty (i bigint)",
        "comment on table fct_empty is 'Nothing yet.'",
    )
    copied = publish_to_postgres(settings)
    assert copied.rows_by_table == {
        "fct_a": 2000,
        "fct_b": 2000,
        "fct_empty": 0,
        odd.replace('""', '"'): 4,
        "publish_info": 1,
    }
    rows = ask(settings, f'select * from marts."{odd}" order by amount_usd'.replace("%", "%%").replace("%%", "%"))
    assert rows[3] == (None,) * 10
    assert [row[0] for row in rows[:3]] == ["", "a\n\\.\n\"b\",'c'; \\N é 😀", "\\."]
    assert [row[1] for row in rows[:3]] == [Decimal("-0.01"), Decimal(0), Decimal("1234567890123456.78")]
    assert str(rows[0][3]) == "nan"
    assert [rows[1][3], rows[2][3]] == [float("inf"), 1e-300]
    assert rows[0][4:] == (
        date(2024, 2, 29),
        datetime(2026, 11, 1, 0, 10, 0, 1, tzinfo=UTC).replace(tzinfo=None),
        datetime(2026, 10, 31, 22, 10, tzinfo=UTC),
        True,
        -1,
        Decimal(2**127 - 1),
    )
    assert ask(
        settings,
        "select format_type(atttypid, atttypmod), col_description(attrelid, attnum) from pg_attribute "
        "where attname = 'amount_usd'",
    ) == [("numeric(18,2)", 'It\'s "money" in %s USD.')]
    assert ask(settings, "select obj_description('marts.fct_empty'::regclass)") == [("Nothing yet.",)]


def test_a_text_with_the_character_nul_does_not_stop_the_copy(settings: Settings) -> None:
    publish_version(
        settings,
        2,
        'create table fct_names ("odd ""name" varchar, i integer)',
        "insert into fct_names values ('Null' || chr(0) || 'byte' || chr(0), 1), (null, 2), ('', 3)",
    )
    assert publish_to_postgres(settings).rows_by_table["fct_names"] == 3
    assert ask(settings, "select * from marts.fct_names order by i") == [
        ("Null\ufffdbyte\ufffd", 1),
        (None, 2),
        ("", 3),
    ]


def test_the_same_publish_is_not_copied_twice(settings: Settings) -> None:
    assert not publish_to_postgres(settings).is_unchanged
    oid = ask(settings, "select 'marts.fct_a'::regclass::oid")
    assert publish_to_postgres(settings).is_unchanged
    assert ask(settings, "select 'marts.fct_a'::regclass::oid") == oid
    assert version_there(settings) == 1


@pytest.mark.slow
def test_readers_without_pause_see_no_error_and_no_mixture(settings: Settings) -> None:
    assert settings.postgres_url is not None
    publish_to_postgres(settings)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, settings.postgres_url.get_secret_value(), "6", isolation],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for isolation in ("statement", "committed", "repeatable")
    ]
    try:
        for reader in readers:
            assert reader.stdout is not None
            assert reader.stdout.readline() == "reading\n"
        version = 1
        while any(reader.poll() is None for reader in readers):
            version += 1
            publish_version(settings, version)
            publish_to_postgres(settings)
        assert version > 3
        for reader in readers:
            output, errors = reader.communicate()
            assert reader.returncode == 0, errors
            queries, mixed, versions = (int(number) for number in output.split())
            assert queries > 0
            assert mixed == 0
            assert versions > 1
    finally:
        for reader in readers:
            reader.kill()


@pytest.mark.parametrize("step", ["_copy", "_swap", "_rename", "_repoint_view"])
def test_killed_publish_leaves_the_old_tables(settings: Settings, step: str) -> None:
    assert settings.postgres_url is not None
    publish_to_postgres(settings)
    execute(settings, "create schema bi", "create view bi.a as select * from marts.fct_a")
    publish_version(settings, 2)
    killed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import os, signal\nfrom pathlib import Path\nfrom settings import Settings\n"
            f"from serving import postgres\npostgres.{step} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
            f"postgres.publish_to_postgres(Settings(data_dir=Path({str(settings.data_dir)!r}), "
            f"postgres_url={settings.postgres_url.get_secret_value()!r}))",
        ],
        cwd=PROJECT_DIR,
        check=False,
    )
    assert killed.returncode == -9
    assert ask(settings, "select distinct version from marts.fct_a") == [(1,)]
    publish_to_postgres(settings)
    assert version_there(settings) == 2
    assert ask(settings, "select distinct version from bi.a") == [(2,)]


def test_publish_waits_for_a_reader_in_a_transaction(settings: Settings) -> None:
    assert settings.postgres_url is not None
    publish_to_postgres(settings)
    publish_version(settings, 2)
    with psycopg.connect(settings.postgres_url.get_secret_value()) as reader:
        assert reader.execute("select distinct version from marts.fct_a").fetchall() == [(1,)]
        with pytest.raises(PostgresError, match="readers have kept schema marts locked for 1 s"):
            publish_to_postgres(settings, wait_seconds=1)
        assert reader.execute("select distinct version from marts.fct_b").fetchall() == [(1,)]
    assert version_there(settings) == 1
    publish_to_postgres(settings)
    assert version_there(settings) == 2


def test_open_transaction_sees_every_copied_row(settings: Settings) -> None:
    assert settings.postgres_url is not None
    publish_to_postgres(settings)
    with psycopg.connect(settings.postgres_url.get_secret_value()) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("select 1")
        publish_version(settings, 2)
        publish_to_postgres(settings)
        assert reader.execute("select max(version), count(*) from marts.fct_a").fetchall() == [(2, 2000)]


def test_a_role_that_may_read_can_read_each_new_schema_and_write_none(settings: Settings, url: str) -> None:
    execute(
        settings,
        "alter default privileges grant usage on schemas to bi",
        "alter default privileges grant select on tables to bi",
    )
    for version in (1, 2):
        publish_version(settings, version)
        publish_to_postgres(settings)
        with psycopg.connect(url.replace("pipeline@", "bi@"), autocommit=True) as reader:
            assert reader.execute("select max(version) from marts.fct_a").fetchone() == (version,)
            for statement in ("delete from marts.fct_a", "create table marts.mine (i int)", "drop schema marts"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    reader.execute(statement)


def test_views_of_readers_read_the_new_tables_and_keep_their_grants(settings: Settings) -> None:
    publish_to_postgres(settings)
    execute(
        settings,
        "create schema bi",
        'create view bi."The A\'s" as select version, sum(i) as total from marts.fct_a group by version',
        'create view bi.both as select * from bi."The A\'s" join marts.publish_info on true',
        "grant select on bi.both to public",
    )
    publish_version(settings, 2)
    publish_to_postgres(settings)
    assert version_there(settings) == 2
    assert ask(settings, "select version, total, run_id from bi.both") == [(2, 1999000, "run-2")]
    assert ask(settings, "select has_table_privilege('public', 'bi.both', 'select')") == [(True,)]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ("create view bi.a as select i from marts.fct_a", "view bi.a cannot read the new tables"),
        ("create materialized view bi.a as select * from marts.fct_b", "materialized view bi.a depends on table"),
    ],
)
def test_what_cannot_go_on_reading_is_named_and_never_dropped(settings: Settings, made: str, said: str) -> None:
    publish_to_postgres(settings)
    execute(settings, "create schema bi", made)
    publish_version(settings, 2, "alter table fct_a rename column i to j")
    with pytest.raises(PostgresError, match=said):
        publish_to_postgres(settings)
    assert version_there(settings) == 1
    assert ask(settings, "select count(*) from bi.a") == [(2000,)]


def test_a_schema_of_somebody_else_is_left_alone(settings: Settings) -> None:
    execute(settings, "create schema marts", "create table marts.customers as select 1 as i")
    with pytest.raises(PostgresError, match="schema marts of this database holds other tables"):
        publish_to_postgres(settings)
    assert ask(settings, "select * from marts.customers") == [(1,)]


def test_a_type_that_has_no_place_is_named_before_anything_is_copied(settings: Settings) -> None:
    publish_version(settings, 2, "create table rpt_lists as select [1, 2] as numbers")
    with pytest.raises(
        PostgresError, match=r"rpt_lists.numbers has type INTEGER\[\], which has no PostgreSQL equivalent"
    ):
        publish_to_postgres(settings)
    assert ask(settings, "select nspname from pg_namespace where nspname like 'marts%'") == []


def test_one_process_copies_at_a_time(settings: Settings, url: str) -> None:
    with psycopg.connect(url) as other:
        other.execute("select pg_advisory_lock(7316204419)")
        with pytest.raises(PostgresError, match="another process is copying"):
            publish_to_postgres(settings)


def test_the_command_says_what_is_wrong_in_a_sentence(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for url, said in (
        (None, "GROWTH_POSTGRES_URL is not set"),
        (SecretStr("growth:secret@db"), "GROWTH_POSTGRES_URL is not of the form"),
        (SecretStr(f"postgresql://growth:secret@/growth?host={tmp_path}"), "PostgreSQL: connection"),
    ):
        without = settings.model_copy(update={"postgres_url": url})
        monkeypatch.setattr("cli.results.get_settings", lambda without=without: without)
        assert call(["postgres"]) == 1
        error = capsys.readouterr().err
        assert said in error
        assert "secret" not in error
        assert "Traceback" not in error


def test_a_rollback_is_copied_too(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    publish_to_postgres(settings)
    kept = settings.serving_path.parent / "versions" / "earlier" / settings.serving_path.name
    kept.parent.mkdir(parents=True)
    settings.serving_path.rename(kept)
    publish_version(settings, 2)
    publish_to_postgres(settings)
    monkeypatch.setattr("cli.results.get_settings", lambda: settings)
    monkeypatch.setattr(results, "_write_page_again", lambda _settings: True)
    assert call(["rollback"]) == 0
    assert "PostgreSQL has what run run-1 published: 4,001 rows" in capsys.readouterr().out
    assert version_there(settings) == 1
