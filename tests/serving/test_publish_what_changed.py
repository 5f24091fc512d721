"""A publish starts from the file before and writes what differs; what readers get is what a whole copy would be."""

from pathlib import Path

import duckdb
import pytest

from benchmarks.same_marts import differences
from serving.publish import comparison, marts_copy, published_file
from serving.publish.comparison import Difference, Sums, changes, changes_since
from serving.publish.marts_copy import forget_published
from serving.publish.published_file import publish
from serving.publish.versions import roll_back, version_before
from settings import Settings
from tests.serving.warehouse import gated_warehouse, read
from warehouse.connection import connect, next_turn

pytestmark = pytest.mark.slow

BY_DAYS = """
select date '2026-10-01' + cast(i % 31 as int) as day, i as n, cast(i as decimal(18, 2)) as left_usd
from range(310000) as r (i)
"""
NOTED = "insert into quality.days_rebuilt values ('fct_by_days', 'day', date '{0}', date '{1}', {2})"


class Publisher:
    """A warehouse with a mart that is built by days and two that are not, and which tables a publish wrote whole."""

    def __init__(self, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
        self.settings, self.number = settings, 0
        self.copied: list[str] = []
        copy = marts_copy._copy

        def noted_copy(connection: duckdb.DuckDBPyConnection, table: str) -> None:
            self.copied.append(table)
            copy(connection, table)

        monkeypatch.setattr(marts_copy, "_copy", noted_copy)
        self.change(marts_copy.CREATE_NOTES, f"create table marts.fct_by_days as {BY_DAYS}")
        self.note("1900-01-01", "9999-12-31")
        self.publish()

    def change(self, *statements: str) -> None:
        with connect(self.settings.warehouse_path) as connection:
            for statement in statements:
                connection.execute(statement)

    def note(self, first: str, last: str) -> None:
        with connect(self.settings.warehouse_path) as connection:
            connection.execute(NOTED.format(first, last, next_turn(connection)))

    def publish(self) -> list[str]:
        """Publish; returns the tables that were written whole."""
        self.copied.clear()
        self.number += 1
        descriptions = {("fct_a", ""): "One.", ("fct_by_days", "n"): "A number."}
        self.published = publish(self.settings, f"run-{self.number}", descriptions)
        return sorted(self.copied)

    def changes(self) -> list[Difference]:
        """What the publish says that it changed; it keeps the sums for the next."""
        assert self.published.replaced
        return changes_since(self.published.replaced, self.published.days_written, self.settings)

    def is_like_the_warehouse(self) -> bool:
        whole = self.settings.data_dir / "whole.duckdb"
        whole.unlink(missing_ok=True)
        with connect(self.settings.warehouse_path) as connection:
            connection.execute(f"attach '{whole}' as whole")
            connection.execute("create schema whole.marts")
            for (table,) in connection.execute(
                "select table_name from duckdb_tables() where schema_name = 'marts' "
                "and database_name = current_database()"
            ).fetchall():
                connection.execute(f"create table whole.marts.{table} as from marts.{table}")
        return differences(whole, self.settings.serving_path) == {}


@pytest.fixture
def publisher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Publisher:
    return Publisher(gated_warehouse(Settings(data_dir=tmp_path / "data")), monkeypatch)


def test_the_first_publish_writes_everything_and_the_next_one_nothing(publisher: Publisher) -> None:
    assert publisher.copied == ["fct_a", "fct_b", "fct_by_days"]
    assert publisher.publish() == []
    assert publisher.is_like_the_warehouse()
    assert read(publisher.settings, "select run_id, publish_number from marts.publish_info") == [("run-2", 2)]
    comment = "select comment from duckdb_columns() where table_name = 'fct_by_days' and column_name = 'n'"
    assert read(publisher.settings, comment) == [("A number.",)]


def test_days_that_were_built_again_are_replaced_and_no_other_table_is_written(publisher: Publisher) -> None:
    publisher.note("2026-10-30", "9999-12-31")
    publisher.change(
        "delete from marts.fct_by_days where day >= date '2026-10-30'",
        "insert into marts.fct_by_days select date '2026-11-01', -n, n from range(50) as r (n)",
    )
    assert publisher.publish() == []
    assert publisher.is_like_the_warehouse()
    publisher.note("2026-10-05", "2026-10-06")
    publisher.change("update marts.fct_by_days set n = -1 where day = date '2026-10-05'")
    assert publisher.publish() == []
    assert publisher.is_like_the_warehouse()


def test_sums_of_the_days_that_were_written_again_make_up_those_of_the_whole_file(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_sums(path: Path, days: dict[str, marts_copy.Rebuilt], **only: set[str]) -> Sums:
        added_up.append(set(days))
        return sums(path, days, **only)

    publisher.publish()
    publisher.changes()
    added_up: list[set[str]] = []
    sums = comparison._sums
    for day, amount in (("2026-10-05", "1000.01"), ("2026-10-06", "-7.30")):
        publisher.note(day, day)
        publisher.change(
            f"update marts.fct_by_days set left_usd = {amount} where day = date '{day}' and n < 100",
            f"delete from marts.fct_by_days where day = date '{day}' and n > 309900",
        )
        assert publisher.publish() == []
        with monkeypatch.context() as patch:
            patch.setattr(comparison, "_sums", read_sums)
            said = publisher.changes()
        assert publisher.published.replaced
        assert said == changes(publisher.published.replaced.path, publisher.settings.serving_path)
        assert [each.figure for each in said] == ["rows", "left_usd"]
    assert added_up == [{"fct_by_days"}] * 4


def test_rows_columns_and_tables_that_changed_are_written_whole(publisher: Publisher) -> None:
    publisher.change("update marts.fct_a set i = 7 where i = 8")
    assert publisher.publish() == ["fct_a"]
    publisher.change("drop table marts.fct_b", "create table marts.fct_c as select 1 as c")
    assert publisher.publish() == ["fct_c"]
    assert publisher.is_like_the_warehouse()


def test_a_table_that_is_built_by_days_and_has_another_column_is_written_whole(publisher: Publisher) -> None:
    publisher.change("alter table marts.fct_by_days add column note varchar")
    assert publisher.publish() == ["fct_by_days"]
    assert publisher.is_like_the_warehouse()


def test_a_table_that_was_built_by_hand_is_written_whole(publisher: Publisher) -> None:
    publisher.change("delete from marts.fct_by_days where n = 5")
    assert publisher.publish() == ["fct_by_days"]
    assert publisher.is_like_the_warehouse()


def test_after_a_rollback_everything_is_written(publisher: Publisher) -> None:
    publisher.note("2026-10-05", "2026-10-06")
    publisher.change("update marts.fct_by_days set n = -1 where day = date '2026-10-05'")
    publisher.publish()
    roll_back(publisher.settings, version_before(publisher.settings))
    assert publisher.publish() == ["fct_a", "fct_b", "fct_by_days"]
    assert publisher.is_like_the_warehouse()


def test_a_publish_that_was_ended_before_it_was_noted_is_followed_by_a_whole_one(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ends(*_: object) -> None:
        raise KeyboardInterrupt

    publisher.note("2026-10-05", "2026-10-06")
    publisher.change("update marts.fct_by_days set n = -1 where day = date '2026-10-05'")
    with monkeypatch.context() as patch:
        patch.setattr(published_file, "note_published", ends)
        with pytest.raises(KeyboardInterrupt):
            publisher.publish()
    assert publisher.publish() == ["fct_a", "fct_b", "fct_by_days"]
    assert publisher.is_like_the_warehouse()


def test_after_a_deletion_request_and_when_much_is_unused_the_file_is_written_anew(publisher: Publisher) -> None:
    with connect(publisher.settings.warehouse_path) as connection:
        forget_published(connection)
    assert publisher.publish() == ["fct_a", "fct_b", "fct_by_days"]
    publisher.change("create table marts.fct_large as select hash(i) as h from range(2000000) as r (i)")
    publisher.publish()
    publisher.change("drop table marts.fct_large")
    assert publisher.publish() == []
    assert publisher.publish() == ["fct_a", "fct_b", "fct_by_days"]
    with duckdb.connect(str(publisher.settings.serving_path), read_only=True) as connection:
        [(unused, in_all)] = connection.execute(
            "select free_blocks, total_blocks from pragma_database_size()"
        ).fetchall()
    assert unused <= in_all / 3
