"""Iceberg tables as the load writes them and publishing reads them, on a catalog in a file."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from sqlalchemy import make_url

from settings import Settings
from warehouse.iceberg import (
    SCHEMAS,
    IcebergError,
    catalog_address,
    open_catalog,
    read_table,
    tables,
    with_earlier_snapshots,
    write_table,
)

FIRST, SECOND = date(2026, 11, 2), date(2026, 11, 3)


@pytest.fixture
def catalog(tmp_path: Path) -> SqlCatalog:
    made = SqlCatalog("growth", uri=f"sqlite:///{tmp_path}/catalog.sqlite", warehouse=f"file://{tmp_path}/warehouse")
    for schema in SCHEMAS:
        made.create_namespace(schema)
    return made


def reports(*rows: tuple[date, str, int]) -> pa.Table:
    days, organizations, events = zip(*rows, strict=True)
    return pa.table({"date": pa.array(days, pa.date32()), "organization_id": organizations, "events": events})


def rows_of(catalog: SqlCatalog, table: str) -> list[tuple]:
    read = read_table(catalog, "raw", table).read_all()
    return sorted(tuple(row.values()) for row in read.to_pylist())


def test_days_are_replaced_and_others_stay(catalog: SqlCatalog) -> None:
    before = reports((FIRST, "a", 1), (SECOND, "a", 2), (SECOND, "b", 3))
    write_table(catalog, "raw", "usage", [before], before.schema, day="date")
    after = reports((SECOND, "a", 5))
    write_table(catalog, "raw", "usage", [after], after.schema, day="date", days=[SECOND])
    assert rows_of(catalog, "usage") == [(FIRST, "a", 1), (SECOND, "a", 5)]


def test_a_write_is_one_commit(catalog: SqlCatalog) -> None:
    first, second = reports((FIRST, "a", 1)), reports((SECOND, "a", 2))
    write_table(catalog, "raw", "usage", [first, second], first.schema, day="date")
    states = len(catalog.load_table(("raw", "usage")).metadata.metadata_log)
    write_table(catalog, "raw", "usage", [first, second], first.schema, day="date", days=[FIRST, SECOND])
    assert len(catalog.load_table(("raw", "usage")).metadata.metadata_log) == states + 1
    assert len(rows_of(catalog, "usage")) == 2


def test_a_day_without_reports_is_emptied(catalog: SqlCatalog) -> None:
    before = reports((FIRST, "a", 1), (SECOND, "a", 2))
    write_table(catalog, "raw", "usage", [before], before.schema, day="date")
    write_table(catalog, "raw", "usage", [], before.schema, day="date", days=[SECOND])
    assert rows_of(catalog, "usage") == [(FIRST, "a", 1)]


def test_a_new_column_is_added_and_a_new_type_makes_the_table_again(catalog: SqlCatalog) -> None:
    one = pa.table({"id": ["a"]})
    write_table(catalog, "raw", "users", [one], one.schema)
    two = pa.table({"id": ["a", "b"], "employees": ["many", None]})
    write_table(catalog, "raw", "users", [two], two.schema)
    assert rows_of(catalog, "users") == [("a", "many"), ("b", None)]
    three = pa.table({"id": ["a"], "employees": pa.array([7], pa.int64())})
    write_table(catalog, "raw", "users", [three], three.schema)
    assert rows_of(catalog, "users") == [("a", 7)]


def test_instants_have_a_zone_so_that_spark_reads_timestamps(catalog: SqlCatalog) -> None:
    rows = pa.table({"at": pa.array([datetime(2026, 11, 3, 12)], pa.timestamp("us"))})  # noqa: DTZ001 (as DuckDB gives it)
    write_table(catalog, "raw", "events", [rows], rows.schema)
    assert str(catalog.load_table(("raw", "events")).schema().find_type("at")) == "timestamptz"
    assert tables(catalog, "raw") == ["events"]


def test_snapshots_are_looked_for_in_time_and_the_newest_is_kept(catalog: SqlCatalog) -> None:
    rows = reports((FIRST, "a", 1))
    write_table(catalog, "raw", "once", [rows], rows.schema)
    for _ in range(2):
        write_table(catalog, "raw", "twice", [rows], rows.schema)
    now = datetime.now(UTC)
    assert with_earlier_snapshots(catalog, "raw", now + timedelta(minutes=1)) == ["raw.twice"]
    assert with_earlier_snapshots(catalog, "raw", now - timedelta(days=1)) == []


def test_what_the_address_of_the_catalog_asks_for_is_kept() -> None:
    asked_for = "sslmode=verify-full&options=-c%20search_path%3Dgrowth"
    asked = make_url(catalog_address(f"postgresql://growth:s%40cret@db.example/iceberg?{asked_for}"))
    assert (asked.host, asked.password, asked.database) == ("db.example", "s@cret", "iceberg")
    assert asked.query == {"sslmode": "verify-full", "options": "-c search_path=growth -c lock_timeout=60s"}


def test_a_catalog_that_is_not_there_is_named_without_its_password(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        iceberg_catalog_url="postgresql://growth:secret@127.0.0.1:9/iceberg",  # type: ignore[arg-type]
        iceberg_warehouse=f"file://{tmp_path}",
    )
    with pytest.raises(IcebergError, match=r"127\.0\.0\.1:9/iceberg does not answer") as raised, open_catalog(settings):
        pass
    assert "secret" not in str(raised.value)
