"""Readers see the old file or the new one, never an error, a mixture, or what did not pass the gates."""

import os
import stat
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest

from serving.publish.published_file import NotPublishableError, publish
from serving.reader import snapshot
from settings import Settings
from tests.serving.warehouse import (
    RESULTS,
    build_marts,
    gated_warehouse,
    read,
    readers_without_pause,
)
from warehouse.connection import connect


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A warehouse with two marts of one version, and gates that passed."""
    return gated_warehouse(Settings(data_dir=tmp_path / "data"))


def test_every_mart_and_its_publish_info_reach_the_readers(settings: Settings) -> None:
    published = publish(settings, "run-1", {})
    assert published.rows_by_table == {"fct_a": 20000, "fct_b": 20000}
    assert read(settings, "select count(*), sum(i) from marts.fct_a") == [(20000, 199990000)]
    assert read(
        settings,
        "select run_id, as_of_date, usage_newest_at, rows_set_aside, checks_passed, checks_warned, checks_failed "
        "from marts.publish_info",
    ) == [("run-1", date(2026, 10, 31), published_at("2026-11-01 00:10:00"), 1, 3, 0, 0)]


def test_publish_info_has_closed_month_empty_sources_and_rejects(settings: Settings) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute("create table raw.crm__accounts (id varchar); create table raw._dlt_loads (id varchar)")
        connection.execute("create table raw.product_db__organization_memberships as select 1 as user_id")
        connection.execute("insert into raw.rejected_rows values ('crm__account_merges', 'b.csv', 'contract')")
    publish(settings, "run-1", {})
    columns = "last_closed_month, empty_source_tables, rows_set_aside, rows_set_aside_by_table"
    assert read(settings, f"select {columns} from marts.publish_info") == [
        (date(2026, 9, 1), "crm.accounts", 2, '{"crm.account_merges": 1, "usage.usage_reports": 1}')
    ]


def test_old_column_names_are_in_a_view_of_a_moved_file(settings: Settings) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create table marts.rpt_segment_moves as select date '2026-10-01' as month, 'small' as state_before, "
            "'medium' as state_after"
        )
    published = publish(settings, "run-1", {})
    assert "rpt_segment_moves_v1" not in published.rows_by_table
    moved = settings.serving_path.rename(settings.data_dir / "elsewhere.duckdb")
    with snapshot(moved) as connection:
        found = connection.sql("from rpt_segment_moves_v1")
        assert (found.columns, found.fetchall()) == (["month", "from", "to"], [(date(2026, 10, 1), "small", "medium")])


def published_at(text: str) -> object:
    """A timestamp as DuckDB returns it."""
    with duckdb.connect() as connection:
        return connection.execute(f"select timestamp '{text}'").fetchall()[0][0]


def test_descriptions_are_published_as_comments_of_tables_and_columns(settings: Settings) -> None:
    publish(
        settings, "run-1", {("fct_b", ""): "A's twin.", ("fct_b", "i"): "Number of the row.", ("gone", "i"): "Old."}
    )
    assert read(settings, "select comment from duckdb_tables() where table_name = 'fct_b'") == [("A's twin.",)]
    comments = "select column_name, comment from duckdb_columns() where table_name = 'fct_b' order by all"
    assert read(settings, comments) == [("i", "Number of the row."), ("version", None)]


@pytest.mark.parametrize(("severity", "status"), [("critical", "failed"), ("critical", "error"), ("warning", "error")])
def test_a_blocking_check_leaves_the_published_file_as_it_was(settings: Settings, severity: str, status: str) -> None:
    publish(settings, "run-1", {})
    build_marts(settings, version=2)
    with connect(settings.warehouse_path) as connection:
        connection.execute(RESULTS.format(severity=severity, status=status))
    with pytest.raises(NotPublishableError, match=rf"marts.fct_a: sums \({status}\)"):
        publish(settings, "run-2", {})
    assert read(settings, "select distinct version from marts.fct_a") == [(1,)]
    assert read(settings, "select run_id from marts.publish_info") == [("run-1",)]


def test_a_warning_is_counted_and_does_not_block(settings: Settings) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(RESULTS.format(severity="warning", status="failed"))
    assert publish(settings, "run-1", {}).checks == {"passed": 2, "warned": 1, "failed": 0}


def test_a_gate_that_was_never_run_blocks(settings: Settings) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute("delete from quality.expectation_results where layer = 'staging'")
    with pytest.raises(NotPublishableError, match="the gate on staging has no results"):
        publish(settings, "run-1", {})
    assert not settings.serving_path.exists()


@pytest.mark.parametrize(
    ("layer", "what_happened"),
    [
        ("raw", "insert into raw.loaded_files values (timestamp '2026-11-01 02:00:01', 7)"),
        ("marts", "insert into quality.builds values (timestamp '2026-11-01 02:02:01', 7)"),
        ("marts", "delete from quality.builds"),
    ],
)
def test_what_was_loaded_or_built_after_its_gate_is_not_published(
    settings: Settings, layer: str, what_happened: str
) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(what_happened)
    with pytest.raises(NotPublishableError, match=f"{layer} was never checked, or has changed since its last check"):
        publish(settings, "run-1", {})


def test_only_the_newest_result_of_a_table_counts(settings: Settings) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "insert into quality.expectation_results values "
            "('run-0', 'marts', 'fct_a', 'an old name', 'critical', 'failed', timestamp '2026-10-31 02:02:00', null, 0)"
        )
    assert publish(settings, "run-1", {}).checks == {"passed": 3, "warned": 0, "failed": 0}


def check_of_a_day(settings: Settings, status: str, turn: int, severity: str = "critical") -> None:
    """A result of a run for 20 October alone."""
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "insert into quality.expectation_results "
            f"values ('day', 'marts', 'fct_a', 'sums', '{severity}', '{status}', timestamp '2026-11-01 03:00:00', "
            f"date '2026-10-20', {turn})"
        )


@pytest.mark.parametrize("status", ["failed", "error"])
def test_what_was_found_on_a_day_blocks_until_the_whole_table_passes(settings: Settings, status: str) -> None:
    check_of_a_day(settings, status, 6)
    with pytest.raises(NotPublishableError, match=rf"marts.fct_a: sums \({status}\)"):
        publish(settings, "run-2", {})
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "insert into quality.expectation_results select * replace ('run-2' as run_id, "
            "9 as turn) from quality.expectation_results where run_id = 'run-1'"
        )
    assert publish(settings, "run-2", {}).checks == {"passed": 3, "warned": 0, "failed": 0}


def test_a_day_that_passed_is_no_word_for_the_whole_table_that_failed(settings: Settings) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(RESULTS.format(severity="critical", status="failed"))
    check_of_a_day(settings, "passed", 6)
    with pytest.raises(NotPublishableError, match=r"marts.fct_a: sums \(failed\)"):
        publish(settings, "run-2", {})


def test_gate_of_another_table_does_not_cover_a_daily_table(settings: Settings) -> None:
    check_of_a_day(settings, "passed", 8)
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "insert into quality.expectation_results values "
            "('run-2', 'marts', 'fct_b', 'sums', 'critical', 'passed', timestamp '2026-11-01 02:02:03', null, 9)"
        )
    with pytest.raises(NotPublishableError, match=r"only some days of marts\.fct_a were checked"):
        publish(settings, "run-2", {})


def test_gate_of_some_days_does_not_cover_the_whole_build(settings: Settings) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute("insert into quality.builds values (timestamp '2026-11-01 02:02:01', 7)")
    check_of_a_day(settings, "passed", 8)
    with pytest.raises(NotPublishableError, match="marts was never checked, or has changed since its last check"):
        publish(settings, "run-2", {})


def test_readers_cannot_write_the_file(settings: Settings) -> None:
    publish(settings, "run-1", {})
    assert stat.S_IMODE(settings.serving_path.stat().st_mode) == 0o444
    assert stat.S_IMODE(settings.serving_path.parent.stat().st_mode) == 0o755


def test_unprivileged_reader_can_read_but_not_write() -> None:
    with TemporaryDirectory() as folder:
        # Pytest's own folders are closed to other users.
        Path(folder).chmod(0o755)
        settings = gated_warehouse(Settings(data_dir=Path(folder) / "data"))
        publish(settings, "run-1", {})
        child = os.fork()
        if child == 0:
            os._exit(_opens_for_writing(settings.serving_path))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _opens_for_writing(path: Path) -> int:
    """0 if somebody else may read the file but not open it for writing."""
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error:
        return 2
    try:
        duckdb.connect(str(path))
    except duckdb.IOException as error:
        return 0 if "Permission denied" in str(error) else 3
    return 1


def test_the_log_of_a_dead_client_is_not_replayed_into_the_new_file(settings: Settings) -> None:
    publish(settings, "run-1", {})
    stray = settings.serving_path.with_name("serving.duckdb.wal")
    stray.write_bytes(os.urandom(512))
    publish(settings, "run-1", {})
    assert not stray.exists()
    assert read(settings, "select distinct version from marts.fct_a") == [(1,)]


def test_what_a_killed_publish_left_behind_does_no_harm(settings: Settings) -> None:
    leftover = settings.data_dir / "published.building" / "serving.duckdb"
    leftover.parent.mkdir()
    leftover.write_bytes(b"half a file")
    publish(settings, "run-1", {})
    assert not leftover.parent.exists()
    assert [path.name for path in settings.serving_path.parent.iterdir()] == ["serving.duckdb"]


@pytest.mark.slow
def test_readers_without_pause_see_no_error_and_no_mixed_snapshot(settings: Settings) -> None:
    publish(settings, "run-1", {})
    with readers_without_pause(settings):
        for version in range(2, 22):
            build_marts(settings, version)
            publish(settings, f"run-{version}", {})
    assert read(settings, "select distinct version from marts.fct_a") == [(21,)]


@pytest.mark.parametrize("ahead", ["raw.loaded_files set loaded_at", "quality.builds set built_at"])
def test_stamps_of_a_clock_that_had_jumped_ahead_hold_no_publish_back(settings: Settings, ahead: str) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(f"update {ahead} = timestamp '2062-01-01'")
    publish(settings, "run-1", {})
    assert read(settings, "select run_id, publish_number from marts.publish_info") == [("run-1", 1)]


def test_check_with_a_clock_in_the_future_is_not_the_newest(settings: Settings) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "insert into quality.expectation_results values "
            "('run-0', 'marts', 'fct_a', 'sums', 'critical', 'failed', timestamp '2062-01-01', null, 0)"
        )
    assert publish(settings, "run-1", {}).checks == {"passed": 3, "warned": 0, "failed": 0}
