"""The pipeline goes on from a restored backup as it went on from what was saved."""

import shutil
from pathlib import Path

import pytest

from ingestion.load import load_sources
from operations.backup import back_up, restore
from settings import Settings
from tests.support.hand_made import write_hand_made_company, write_usage_day
from tests.support.running import dagster_instance, marts, run_command, run_pipeline
from warehouse.connection import connect


def write_a_day(source_root: Path) -> None:
    write_usage_day(source_root / "usage" / "usage_reports", "2026-11-04", [("org-acme", 7_000_000)])


def load(settings: Settings) -> tuple[int, list[tuple]]:
    """How many files a load reads, and every row of usage after it."""
    files_read = sum(table.files_read for table in load_sources(settings).tables)
    with connect(settings.warehouse_path, read_only=True) as connection:
        return files_read, connection.execute("from raw.usage__usage_reports order by all").fetchall()


def test_a_load_after_a_restore_reads_what_is_new_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "set back after the test")
    source_root = write_hand_made_company(tmp_path / "source")
    settings = Settings(data_dir=tmp_path / "data", source_root=str(source_root))
    settings.data_dir.mkdir()
    assert load(settings)[0] > 1
    backup = back_up(settings, tmp_path / "backups")
    write_a_day(source_root)
    without_a_restore = load(settings)
    assert without_a_restore[0] == 1
    shutil.rmtree(settings.data_dir)
    restore(settings, backup)
    assert load(settings) == without_a_restore


@pytest.mark.soak
def test_run_after_a_restore_publishes_the_same(data_dir: Path, own_source: Path) -> None:
    assert run_pipeline(data_dir, own_source).returncode == 0
    backup = back_up(Settings(data_dir=data_dir), data_dir.with_name("backups"))
    saved = marts(data_dir)
    write_a_day(own_source)
    assert run_pipeline(data_dir, own_source).returncode == 0
    without_a_restore = marts(data_dir)
    assert without_a_restore != saved
    shutil.rmtree(data_dir)
    restored = run_command(data_dir, own_source, "restore", str(backup))
    assert restored.returncode == 0, restored.stdout
    assert marts(data_dir) == saved
    assert run_pipeline(data_dir, own_source).returncode == 0
    assert marts(data_dir) == without_a_restore
    with dagster_instance(data_dir) as instance:
        assert len(instance.get_runs()) == 3
