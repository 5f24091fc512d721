"""New files start one run, and are taken as loaded only when a run has loaded them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    SensorResult,
    build_sensor_context,
    job,
)

from orchestration.automation.new_files import FILES_TAG, build_new_files_sensor
from settings import Settings


@job
def daily_refresh() -> None:
    """Stands for the job that the sensor asks for."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A source root with one file."""
    file = tmp_path / "source" / "crm" / "accounts.csv"
    file.parent.mkdir(parents=True)
    file.write_text("id\n1\n")
    return tmp_path / "source"


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    """Dagster's memory of runs."""
    with DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def tick(root: Path, instance: DagsterInstance) -> Callable[[], SensorResult]:
    """One evaluation of the sensor, with the cursor that the one before left."""
    sensor = build_new_files_sensor(Settings(source_root=str(root)), daily_refresh.name)
    cursors: list[str | None] = [None]

    def evaluate() -> SensorResult:
        result = sensor._raw_fn(build_sensor_context(instance=instance, cursor=cursors[-1]))
        assert isinstance(result, SensorResult)
        cursors.append(result.cursor or cursors[-1])
        result_cursor = cursors[-1]
        assert result_cursor is not None
        evaluate.cursor = json.loads(result_cursor)  # type: ignore[attr-defined]
        return result

    return evaluate


def asked(result: SensorResult) -> list[str]:
    """The states of files that runs are asked for, each with the number of loads before."""
    return [request.tags[FILES_TAG] for request in result.run_requests or []]


def finish(instance: DagsterInstance, files: str, status: DagsterRunStatus) -> None:
    """A run that was asked for has come this far."""
    instance.create_run_for_job(daily_refresh, tags={FILES_TAG: files}, status=status)


def test_files_that_are_still_being_written_start_nothing(tick, root: Path) -> None:
    assert asked(tick()) == []
    (root / "crm" / "accounts.csv").write_text("id\n1\n2\n")
    assert asked(tick()) == []
    assert len(asked(tick())) == 1


def test_a_file_that_no_load_can_read_starts_a_run_which_says_so(tick, root: Path, instance: DagsterInstance) -> None:
    tick()
    [files] = asked(tick())
    finish(instance, files, DagsterRunStatus.SUCCESS)
    tick()
    (root / "crm" / "opportunities.xlsx").write_text("PK")
    assert asked(tick()) == []
    assert len(asked(tick())) == 1


def test_the_cursor_moves_only_when_the_run_has_succeeded(tick, instance: DagsterInstance) -> None:
    tick()
    [files] = asked(tick())
    finish(instance, files, DagsterRunStatus.STARTED)
    assert asked(tick()) == []
    assert tick.cursor["loaded"] is None
    finish(instance, files, DagsterRunStatus.SUCCESS)
    assert asked(tick()) == []
    assert files == f"{tick.cursor['loaded']}-0"


def test_a_failed_run_is_asked_for_again_three_times_and_no_more(tick, instance: DagsterInstance) -> None:
    tick()
    requests = 0
    for _ in range(6):
        for files in asked(tick()):
            requests += 1
            finish(instance, files, DagsterRunStatus.FAILURE)
    assert requests == 3
    assert tick.cursor["loaded"] is None


def test_a_mended_file_starts_a_run_after_others_had_failed(tick, root: Path, instance: DagsterInstance) -> None:
    tick()
    for _ in range(4):
        for files in asked(tick()):
            finish(instance, files, DagsterRunStatus.FAILURE)
    (root / "crm" / "accounts.csv").write_text("id\n1\n2\n3\n")
    tick()
    assert len(asked(tick())) == 1


def test_a_file_that_was_replaced_by_one_of_the_same_size_is_seen(tick, root: Path, instance: DagsterInstance) -> None:
    tick()
    [files] = asked(tick())
    finish(instance, files, DagsterRunStatus.SUCCESS)
    tick()
    file = root / "crm" / "accounts.csv"
    replacement = file.with_name("_new")
    replacement.write_text("id\n9\n")
    replacement.rename(file)
    tick()
    assert len(asked(tick())) == 1


def test_the_good_file_of_before_starts_a_run_after_a_bad_one(tick, root: Path, instance: DagsterInstance) -> None:
    good, keys = root / "crm" / "accounts.csv", []
    aside = root.parent / "good.csv"
    for replace in (lambda: None, lambda: good.rename(aside), lambda: aside.rename(good)):
        replace()
        if not good.exists():
            good.write_text("id\nbad\n")
        tick()
        result = tick()
        [files] = asked(result)
        keys.append(result.run_requests[0].run_key)
        finish(instance, files, DagsterRunStatus.SUCCESS)
        tick()
    assert len(set(keys)) == 3


def test_files_that_a_run_landed_start_no_other_run(tick, root: Path) -> None:
    tick()
    before = tick.cursor
    (root / "crm" / "accounts").mkdir()
    (root / "crm" / "accounts" / "20261129T202300123456Z.csv.gz").write_bytes(b"")
    tick()
    assert tick.cursor == before
