"""A run that is asked to end does so at once, wherever it is, and the next run ends as if nothing had been."""

import signal
import time
from pathlib import Path

import pytest
from dagster import DagsterRunStatus

from tests.support.running import Run, dagster_instance, marts, run_pipeline

pytestmark = pytest.mark.slow

SECONDS_TO_END = 5.0
ENDINGS = (
    ("load", signal.SIGINT, 130),
    ("gate_raw", signal.SIGTERM, 143),
    ("build_staging", signal.SIGINT, 130),
)


def test_interrupted_run_is_completed_by_the_next(undisturbed: Path, data_dir: Path, source_root: Path) -> None:
    (data_dir / "warehouse.duckdb").unlink()
    for phase, number, code in ENDINGS:
        run = Run(data_dir, source_root, GROWTH_LOG_FORMAT="json")
        run.wait_for_step(phase)
        asked_at = time.monotonic()
        run.signal(number)
        ended = run.end()
        assert time.monotonic() - asked_at < SECONDS_TO_END
        assert ended.returncode == code
        assert "incomplete work is not kept; run the same command again" in ended.stdout
        assert "Traceback" not in ended.stdout
        assert "As of" not in ended.stdout
        assert marts(data_dir) == marts(undisturbed)
    with dagster_instance(data_dir) as instance:
        statuses = [run.status for run in instance.get_runs(limit=len(ENDINGS))]
    assert statuses == [DagsterRunStatus.CANCELED] * len(ENDINGS)
    done = run_pipeline(data_dir, source_root)
    assert done.returncode == 0, done.stdout
    assert marts(data_dir) == marts(undisturbed)
