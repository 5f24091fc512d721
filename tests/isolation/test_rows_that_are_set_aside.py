"""No row that breaks the contract changes or stops any other: each is set aside with its file, position and column."""

import shutil
from pathlib import Path

import duckdb
import pytest

from ingestion.contract.model import load_contract
from ingestion.load import load_sources
from settings import Settings
from tests.isolation.odd_rows import odd_file, odd_rows, write_odd_rows
from tests.support.hand_made import write_hand_made_company

ROWS = odd_rows()


def raw_rows(settings: Settings) -> dict[str, list[tuple]]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return {
            table.raw_name: connection.execute(
                f"select {', '.join(table.column_names)} from raw.{table.raw_name} order by all"
            ).fetchall()
            for table in load_contract().tables
        }


def set_aside(settings: Settings) -> dict[tuple[str, int], str | None]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        rows = connection.execute("select file, position, column_name from raw.rejected_rows").fetchall()
    return {(file, position): column for file, position, column in rows}


def settings_of(folder: Path) -> Settings:
    return Settings(data_dir=folder / "data", source_root=str(folder / "source"), max_set_aside_share=1)


def test_there_are_at_least_200_kinds() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS) >= 200


def test_all_odd_rows_together_are_set_aside_and_change_no_other_row(tmp_path: Path) -> None:
    clean, odd = settings_of(tmp_path / "clean"), settings_of(tmp_path / "odd")
    write_hand_made_company(tmp_path / "clean" / "source")
    shutil.copytree(tmp_path / "clean" / "source", tmp_path / "odd" / "source")
    places = write_odd_rows(tmp_path / "odd" / "source", ROWS)
    load_sources(clean)
    load_sources(odd)
    found = set_aside(odd)
    assert {places[place].name: found.get(place, "not set aside") for place in places} == {
        row.name: row.column for row in ROWS
    }
    assert found.keys() == places.keys()
    assert raw_rows(odd) == raw_rows(clean)


@pytest.mark.soak
def test_each_odd_row_alone_is_set_aside_and_changes_no_other_row(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    write_hand_made_company(tmp_path / "source")
    load_sources(settings)
    clean = raw_rows(settings)
    for row in ROWS:
        [place] = write_odd_rows(tmp_path / "source", [row])
        load_sources(settings)
        assert set_aside(settings) == {place: row.column}, row.name
        assert raw_rows(settings) == clean, row.name
        (tmp_path / "source" / odd_file(row.table)).unlink()
