"""Schema raw in Iceberg after loads with other targets in between, on a catalog in a file and without Spark."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from ingestion.privacy.erase_raw import list_request, rewrite_raw
from ingestion.write import iceberg_copy
from tests.ingestion.conftest import Source
from tests.support.source_root import FIRST_DAY, company, usage_report, write_table
from warehouse.iceberg import SCHEMAS, read_table

USERS, USAGE, SPEND = "product_db/users", "usage/usage_reports", "spend/sales_and_marketing"


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SqlCatalog:
    made = SqlCatalog("growth", uri=f"sqlite:///{tmp_path}/catalog.sqlite", warehouse=f"file://{tmp_path}/warehouse")
    for schema in SCHEMAS:
        made.create_namespace(schema)

    @contextmanager
    def opened(_: Any) -> Iterator[SqlCatalog]:
        yield made

    monkeypatch.setattr(iceberg_copy, "open_catalog", opened)
    return made


@pytest.mark.parametrize("then", ["load", "load of another table", "deletion request"])
def test_what_another_target_loaded_is_copied_by_what_comes_next_on_spark(
    source: Source, catalog: SqlCatalog, then: str
) -> None:
    source.load(target="spark")
    write_table(source.root, USERS, [*company()[USERS], {**company()[USERS][0], "id": 999}])
    write_table(source.root, USAGE, [usage_report(FIRST_DAY, "org-2", 5)])
    source.load(target="duckdb")
    if then == "load of another table":
        write_table(source.root, SPEND, [{**company()[SPEND][0], "category": "fairs"}])
    if then == "deletion request":
        list_request(source.settings(target="spark"), "address", "nobody@example.com")
        rewrite_raw(source.settings(target="spark"))
    else:
        source.load(target="spark")
    assert (999,) in source.query("select id from raw.product_db__users")
    for table in ("product_db__users", "usage__usage_reports", "spend__sales_and_marketing"):
        copied = read_table(catalog, "raw", table).read_all().select(["_path", "_row"]).to_pylist()
        there = source.query(f"select _path, _row from raw.{table} order by all")
        assert sorted(tuple(row.values()) for row in copied) == there


def test_only_tables_with_files_that_no_copy_has_are_copied(
    source: Source, catalog: SqlCatalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.load(target="spark")
    written: list[str] = []
    monkeypatch.setattr(iceberg_copy, "write_table", lambda _, schema, name, *more, **options: written.append(name))
    source.load(target="spark")
    assert written == list(iceberg_copy.NOTES)
