"""A disk that is full, wherever that stops the work: a sentence with the place, nothing half done, and it works later.

The largest size of a file stands for the disk: the system refuses to write beyond it, as it does on a full one.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from expectations.gate import run_layer
from ingestion.load import load_sources
from orchestration.retries import permanent_unless_transient
from serving.publish.published_file import publish
from settings import Settings
from tests.support.running import marts
from transform.dbt_runner import invoke_dbt, parsed_project
from warehouse.connection import connect
from warehouse.folder import FullDiskError
from warehouse.lock import hold

pytestmark = pytest.mark.slow

BUILD = ["build", "--select", "size_tiers", "--exclude", "resource_type:test"]


@contextmanager
def full_from(size: int) -> Iterator[None]:
    """In the block no file grows beyond `size` bytes, and it ends with the sentence of a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        with pytest.raises(FullDiskError, match=r"nothing more can be written into .* free space on its disk"):
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def rows(settings: Settings, table: str) -> list[tuple]:
    """All that is in a table of the warehouse."""
    with connect(settings.warehouse_path) as connection:
        return connection.execute(f"from {table} order by all").fetchall()


@pytest.mark.parametrize("size", [100, 3_000, 20_000])
def test_while_a_load_begins_or_writes(
    source_root: Path, tmp_path: Path, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(data_dir=tmp_path / "new", source_root=str(source_root))
    with full_from(size), hold(settings.warehouse_path, "load"):
        load_sources(settings)
    with hold(settings.warehouse_path, "load"):
        report = load_sources(settings)
    assert {table.table_name: table.rows_total for table in report.tables}["usage__usage_reports"] == 8
    assert "Traceback" not in caplog.text


def test_while_a_gate_writes_its_results(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir)
    before = rows(settings, "quality.expectation_results")
    with full_from(1_000), hold(settings.warehouse_path, "gate"):
        run_layer(settings.warehouse_path, "raw", run_id="full", as_of=None)
    assert rows(settings, "quality.expectation_results") == before
    run_layer(settings.warehouse_path, "raw", run_id="later", as_of=None)
    assert len(rows(settings, "quality.expectation_results")) > len(before)


def test_while_dbt_builds(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir)
    project, before = parsed_project(settings), rows(settings, "seeds.size_tiers")
    with full_from(10_000), hold(settings.warehouse_path, "build"):
        invoke_dbt(BUILD, settings, settings.dbt_target_dir / "build", manifest=project)
    assert rows(settings, "seeds.size_tiers") == before
    with hold(settings.warehouse_path, "build"):
        invoke_dbt(BUILD, settings, settings.dbt_target_dir / "build", manifest=project)


@pytest.mark.parametrize("size", [1_000, 1_000_000])
def test_while_a_version_is_published(undisturbed: Path, data_dir: Path, size: int) -> None:
    settings = Settings(data_dir=data_dir)
    before = settings.serving_path.read_bytes()
    with full_from(size), hold(settings.warehouse_path, "publish"):
        publish(settings, "full", {})
    assert settings.serving_path.read_bytes() == before
    assert not list(data_dir.glob("published.building"))
    publish(settings, "later", {})
    assert marts(data_dir) == marts(undisturbed)


def test_a_step_of_a_run_says_the_same() -> None:
    with pytest.raises(Exception, match="nothing more can be written into"), permanent_unless_transient():
        raise OSError(28, "No space left on device")
