"""The sample company in a product's database: what is landed of it gives the raw tables that its files give."""

from pathlib import Path

import duckdb
import pytest

from ingestion.contract.model import load_contract
from ingestion.load import load_sources
from sample_company import write_sample_company
from settings import PROJECT_DIR, Settings
from tests.connectors.conftest import Product
from tests.support.product_database import fill

pytestmark = pytest.mark.slow
PIECES = {"versions": "qualify row_number() over (partition by {key} order by {stamp} desc) = 1", "days": ""}


def newest(database: str, raw_name: str) -> str:
    """A query for the present state of a raw table, in the contract's columns."""
    table = load_contract().table(raw_name)
    columns = ", ".join(column.name for column in table.columns)
    newest = PIECES[table.stored].format(key=", ".join(table.key), stamp=table.stamp)
    return f"select {columns} from {database}.raw.{raw_name} {newest}"


def test_the_landed_company_is_that_of_its_files(product: Product, tmp_path: Path) -> None:
    write_sample_company(tmp_path / "sample", size="small")
    files = Settings(source_root=str(tmp_path / "sample" / "source"), data_dir=tmp_path / "of_files")
    load_sources(files)
    fill(product.url, files.warehouse_path)
    mappings = PROJECT_DIR / "connectors" / "mappings"
    report = product.land(mappings_dir=mappings)
    assert (report.failures, report.warnings) == ([], [])
    tables = {landing.source_table.replace(".", "__") for landing in report.tables}
    landed = product.settings(mappings_dir=mappings)
    assert load_sources(landed, tables=tables).rows_rejected == 0
    with duckdb.connect() as connection:
        connection.execute(f"attach '{files.warehouse_path}' as files (read_only)")
        connection.execute(f"attach '{landed.warehouse_path}' as landed (read_only)")
        for raw_name in sorted(tables):
            for one, other in (("files", "landed"), ("landed", "files")):
                query = f"({newest(one, raw_name)}) except all ({newest(other, raw_name)}) limit 3"
                missing = connection.execute(query).fetchall()
                assert missing == [], raw_name
    assert sum(landing.files for landing in product.land(mappings_dir=mappings).tables) == 0
