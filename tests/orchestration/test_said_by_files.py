"""What counts as made of the project's files, and when it no longer does; that dbt forgets it is in tests/pipeline."""

from pathlib import Path

import pytest

from orchestration import build_state
from orchestration.build_state import note_said_by_files, said_by_files, state_of_files
from settings import Settings
from warehouse.connection import connect


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a warehouse that dbt has prepared."""
    settings = Settings(data_dir=tmp_path)
    with connect(settings.warehouse_path) as connection:
        connection.execute("create schema quality; create schema raw; create schema seeds; create schema staging")
        connection.execute("create table raw.crm__accounts (id varchar)")
        connection.execute("create table seeds.products (key int)")
        connection.execute("create view staging.stg_crm__accounts as select id from raw.crm__accounts")
    return settings


def test_seeds_and_views_count_for_one_state_of_the_project(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = state_of_files(settings)
    note_said_by_files({"products", "stg_crm__accounts", "a table that is gone"}, state, "run-1", settings)
    note_said_by_files({"products"}, "of files that changed while dbt read them", "run-1", settings)
    assert said_by_files(state, settings) == {"products", "stg_crm__accounts"}
    monkeypatch.setattr(build_state, "files_digest", lambda: "of a seed that was edited")
    assert said_by_files(state_of_files(settings), settings) == set()


def test_views_are_made_again_when_a_raw_table_gains_a_column(settings: Settings) -> None:
    note_said_by_files({"stg_crm__accounts"}, state_of_files(settings), "run-1", settings)
    with connect(settings.warehouse_path) as connection:
        connection.execute("alter table raw.crm__accounts add column owner_email varchar")
    assert said_by_files(state_of_files(settings), settings) == set()


def test_nothing_counts_in_a_new_warehouse(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with connect(settings.warehouse_path) as connection:
        connection.execute("create schema raw")
    assert said_by_files(state_of_files(settings), settings) == set()
