"""Files that are damaged on the disk: each is named with the way back, which gives the marts that were there before."""

import os
from pathlib import Path

import pytest

from settings import Settings
from tests.support.running import marts, run_pipeline

pytestmark = pytest.mark.slow


def change_a_block(path: Path) -> None:
    """Damage in the middle of a file that can still be opened."""
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.chmod(0o644)
    path.write_bytes(content)


def test_what_is_said_of_each_damaged_file_brings_the_same_marts_back(
    undisturbed: Path, data_dir: Path, source_root: Path, tmp_path: Path
) -> None:
    settings = Settings(data_dir=data_dir)
    runs = settings.dagster_home / "history" / "runs.db"
    runs.write_bytes(os.urandom(50_000))
    os.truncate(settings.warehouse_path, settings.warehouse_path.stat().st_size // 2)
    change_a_block(settings.serving_path)
    refused = run_pipeline(data_dir, source_root)
    assert refused.returncode == 2
    assert f"{runs}, in which Dagster remembers runs, cannot be used" in refused.stdout
    assert f"move {settings.dagster_home} away and run again" in refused.stdout
    settings.dagster_home.rename(tmp_path / "away")
    refused = run_pipeline(data_dir, source_root)
    assert refused.returncode == 1
    assert f"{settings.warehouse_path} is damaged: move it away and run again" in refused.stdout
    assert "Traceback" not in refused.stdout
    settings.warehouse_path.rename(tmp_path / "warehouse.duckdb")
    done = run_pipeline(data_dir, source_root)
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout
    assert marts(data_dir) == marts(undisturbed)
