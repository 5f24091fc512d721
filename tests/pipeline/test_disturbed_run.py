"""Runs that are killed, overtaken or fed with broken files leave readers what they had, and the next run mends."""

import random
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.running import Run, marts, run_and_kill, run_pipeline

PHASES = (
    "load",
    "gate_raw",
    "build_staging",
    "gate_staging",
    "build_marts",
    "gate_marts",
    "published__serving",
)


@pytest.mark.slow
def test_unreadable_file_leaves_the_published_file_unchanged(
    undisturbed: Path, data_dir: Path, source_root: Path, own_source: Path
) -> None:
    path = own_source / "usage" / "usage_reports" / "date=2026-11-03" / "reports.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    before = (data_dir / "published" / "serving.duckdb").read_bytes()
    done = run_pipeline(data_dir, own_source)
    assert done.returncode == 1
    assert "usage/usage_reports/date=2026-11-03/reports.jsonl.gz" in done.stdout
    assert (data_dir / "published" / "serving.duckdb").read_bytes() == before
    shutil.copy2(source_root / path.relative_to(own_source), path)
    done = run_pipeline(data_dir, own_source)
    assert done.returncode == 0, done.stdout
    assert (data_dir / "published" / "serving.duckdb").read_bytes() == before


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_warehouse_is_rebuilt_after_deletion_kills_and_concurrent_runs(
    undisturbed: Path, data_dir: Path, source_root: Path
) -> None:
    (data_dir / "warehouse.duckdb").unlink()
    for phase in PHASES:
        run_and_kill(data_dir, source_root, phase)
        assert marts(data_dir) == marts(undisturbed)
    # Readers still have what the undisturbed run published: without it, each table is published as it is built now.
    (data_dir / "published" / "serving.duckdb").unlink()
    first = Run(data_dir, source_root, GROWTH_LOG_FORMAT="json")
    first.wait_for_step("load")
    with ThreadPoolExecutor(1) as threads:
        # What the first says is read meanwhile: a pipe that is full stops it while it holds what the second waits for.
        ending = threads.submit(first.end)
        second = run_pipeline(data_dir, source_root)
    ended = ending.result()
    assert ended.returncode == 0, ended.stdout
    assert second.returncode == 0, second.stdout
    assert f"(process {first.pid}, since" in second.stdout
    assert marts(data_dir) == marts(undisturbed)


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("phase", ["sources__sample_company", *PHASES])
def test_ten_kills_do_not_change_the_sample_company(phase: str, tmp_path: Path) -> None:
    data_dir = tmp_path / "killed"
    moments = random.Random(phase)
    for _ in range(10):
        if phase.startswith(("sources", "load")):
            shutil.rmtree(data_dir, ignore_errors=True)
        if phase.startswith("published"):
            # One that was killed after it had published would leave the next with nothing to do.
            (data_dir / "published" / "serving.duckdb").unlink(missing_ok=True)
        run_and_kill(data_dir, None, phase, seconds_later=moments.uniform(0, 4))
    done = run_pipeline(data_dir)
    assert done.returncode == 0, done.stdout
    assert run_pipeline(tmp_path / "quiet").returncode == 0
    assert marts(data_dir) == marts(tmp_path / "quiet")
