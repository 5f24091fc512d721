"""What counts as filled and tested, and when it no longer does; that dbt forgets it is in tests/pipeline."""

from pathlib import Path

import pytest

from orchestration import build_state as seeds
from settings import Settings
from warehouse.connection import connect


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a warehouse that dbt has prepared."""
    settings = Settings(data_dir=tmp_path)
    with connect(settings.warehouse_path) as connection:
        connection.execute("create schema quality")
        connection.execute(
            "create schema seeds; create table seeds.products (key int); create table seeds.plans (key int)"
        )
    return settings


def test_seeds_count_as_tested_for_one_state_of_the_project(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds.note_tested_seeds({"products", "plans", "a table that is gone"}, seeds.files_digest(), "run-1", settings)
    seeds.note_tested_seeds({"products"}, "of files that changed while dbt read them", "run-1", settings)
    assert seeds.tested_seeds(settings) == {"products", "plans"}
    monkeypatch.setattr(seeds, "files_digest", lambda: "of a seed that was edited")
    assert seeds.tested_seeds(settings) == set()


def test_seeds_are_untested_in_a_new_warehouse(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with connect(settings.warehouse_path) as connection:
        connection.execute("create schema raw")
    assert seeds.tested_seeds(settings) == set()
