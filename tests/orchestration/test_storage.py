"""What Dagster remembers is in SQLite files, or in PostgreSQL where the configuration says so."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import psutil
import psycopg
import pytest
from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    RunsFilter,
    asset,
    define_asset_job,
    in_process_executor,
    job,
    op,
)
from dagster._core.storage.event_log import SqliteEventLogStorage

from orchestration.instance.home import prepare_dagster_home
from orchestration.instance.run import _execute, naming_the_damaged_file
from orchestration.instance.run_processes import PROCESS_TAG, close_dead_runs, this_process
from settings import Settings
from warehouse.folder import DamagedFileError


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of its own, from Debian's package."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql)")
    # PostgreSQL refuses to run as root, and its user cannot look into pytest's folders.
    user = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    if user:
        shutil.chown(folder, user)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    initdb: list[str | Path] = [programs[-1], "-D", folder / "data", "-U", "dagster", "--auth=trust", "--no-sync"]
    subprocess.run(initdb, user=user, cwd=folder, check=True, capture_output=True)
    options: list[str | Path] = ["-D", folder / "data", "-h", "127.0.0.1", "-p", str(port), "-k", folder, "-F"]
    server = subprocess.Popen(
        [programs[-1].with_name("postgres"), *options], user=user, cwd=folder, stderr=subprocess.DEVNULL
    )
    try:
        url = f"postgresql://dagster@127.0.0.1:{port}/postgres"
        _wait_for(url)
        yield url
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(folder)


def _wait_for(url: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url).close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < end
            time.sleep(0.2)


@op
def say_something() -> None:
    """Nothing much."""


@job
def small_job() -> None:
    say_something()


def remember_a_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is executed, and one whose process is gone, which is closed."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    prepare_dagster_home(settings)
    with DagsterInstance.get() as instance:
        run_id = small_job.execute_in_process(instance=instance).run_id
        dead = instance.create_run_for_job(small_job, tags={PROCESS_TAG: f"{socket.gethostname()}/999999999/0"})
        close_dead_runs(instance)
    with DagsterInstance.get() as instance:
        runs = {run.run_id: run.status for run in instance.get_runs()}
        events = instance.all_logs(run_id)
    assert runs == {run_id: DagsterRunStatus.SUCCESS, dead.run_id: DagsterRunStatus.FAILURE}
    assert len(events) > 3


DEAD = f"{socket.gethostname()}/999999999/0"


def test_run_that_was_killed_while_it_was_canceled_is_closed() -> None:
    with DagsterInstance.ephemeral() as instance:
        run = instance.create_run_for_job(small_job, status=DagsterRunStatus.CANCELING, tags={PROCESS_TAG: DEAD})
        close_dead_runs(instance)
        assert [(each.run_id, each.status) for each in instance.get_runs()] == [(run.run_id, DagsterRunStatus.CANCELED)]


def test_run_that_copied_the_tag_of_a_dead_process_stays_open() -> None:
    with DagsterInstance.ephemeral() as instance:
        before = instance.create_run_for_job(small_job, status=DagsterRunStatus.FAILURE, tags={PROCESS_TAG: DEAD})
        again = instance.create_run_for_job(
            small_job,
            status=DagsterRunStatus.STARTED,
            tags={PROCESS_TAG: DEAD},
            parent_run_id=before.run_id,
            root_run_id=before.run_id,
        )
        close_dead_runs(instance)
        [run] = instance.get_runs(RunsFilter(run_ids=[again.run_id]))
        assert run.status is DagsterRunStatus.STARTED


def test_command_tags_its_run_even_if_it_does_not_open_the_warehouse(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asset
    def page() -> None:
        """What follows publishing."""

    small = Definitions(assets=[page], jobs=[define_asset_job("small", "*")], executor=in_process_executor)
    # The definitions of the project take a minute to import.
    monkeypatch.setitem(sys.modules, "orchestration.definitions", SimpleNamespace(PROGRESS={}, definitions=small))
    monkeypatch.setenv("DAGSTER_HOME", "set back after the test")
    settings = Settings(data_dir=tmp_path)
    prepare_dagster_home(settings)
    result = _execute(settings, "small")
    assert result.success
    assert result.dagster_run.tags[PROCESS_TAG] == this_process()


def test_by_default_it_is_in_files_of_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path)
    remember_a_run(settings, monkeypatch)
    assert (settings.dagster_home / "history" / "runs.db").exists()


def test_dagsters_own_storage_reads_the_same_events_while_files_are_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with instance_in_files(tmp_path, monkeypatch) as instance:
        run_id = small_job.execute_in_process(instance=instance).run_id
        others = SqliteEventLogStorage(str(tmp_path / "dagster" / "history" / "runs"))
        events = others.get_logs_for_run(run_id)
        assert len(events) > 3
        assert events == instance.all_logs(run_id)


def test_files_of_two_runs_are_open_and_none_when_a_process_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with instance_in_files(tmp_path, monkeypatch) as instance:
        runs = [small_job.execute_in_process(instance=instance).run_id for _ in range(4)]
        assert [len(instance.all_logs(run)) for run in runs] == [len(instance.all_logs(runs[0]))] * 4
        assert open_databases(tmp_path) == {"index", runs[-1], runs[0]}
    assert open_databases(tmp_path) == set()


@contextmanager
def instance_in_files(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", "set back after the test")
    prepare_dagster_home(Settings(data_dir=data_dir))
    with DagsterInstance.get() as instance:
        yield instance


def open_databases(data_dir: Path) -> set[str]:
    """Names of the files of events that this process has open."""
    files = [Path(file.path) for file in psutil.Process().open_files()]
    return {file.stem for file in files if file.suffix == ".db" and file.is_relative_to(data_dir)}


def test_dagster_on_postgresql_writes_no_files_and_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_url: str
) -> None:
    monkeypatch.setenv("GROWTH_DAGSTER_POSTGRES_URL", postgres_url)
    settings = Settings(data_dir=tmp_path)
    remember_a_run(settings, monkeypatch)
    assert not list(settings.dagster_home.rglob("*.db"))
    assert postgres_url not in (settings.dagster_home / "dagster.yaml").read_text()
    with psycopg.connect(postgres_url) as connection:
        assert connection.execute("select count(*) from runs").fetchone() == (2,)


@pytest.mark.parametrize("seconds", [-86_400, 1, 31_536_000])
def test_active_run_survives_a_clock_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "set back after the test")
    prepare_dagster_home(Settings(data_dir=tmp_path))
    with DagsterInstance.get() as instance:
        run = instance.create_run_for_job(small_job, tags={PROCESS_TAG: this_process()})
        # The system reckons the moment of its start from the clock as it is set now.
        started = psutil.boot_time()
        monkeypatch.setattr("psutil._psplatform.boot_time", lambda: started + seconds)
        close_dead_runs(instance)
        assert [each.status for each in instance.get_runs()] == [run.status]


def test_an_address_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROWTH_DAGSTER_POSTGRES_URL", "mysql://somewhere")
    with pytest.raises(ValueError, match="dagster_postgres_url"):
        Settings()


@pytest.mark.parametrize("damage", ["garbage", "cut short", "zeros in the middle"])
def test_a_damaged_file_of_dagsters_is_named_with_the_way_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "set back after the test")
    settings = Settings(data_dir=tmp_path / "data")
    prepare_dagster_home(settings)

    def look() -> None:
        with naming_the_damaged_file(settings), DagsterInstance.get() as instance:
            instance.get_runs()
            close_dead_runs(instance)

    look()
    path = settings.dagster_home / "history" / "runs.db"
    content = path.read_bytes()
    middle = len(content) // 2
    damaged = {
        "garbage": os.urandom(len(content)),
        "cut short": content[: middle // 2 + 100],
        "zeros in the middle": content[:4096] + bytes(len(content) - 4096),
    }
    for log in path.parent.glob("runs.db-*"):
        log.unlink()
    path.write_bytes(damaged[damage])
    with pytest.raises(DamagedFileError, match=r"history/runs\.db, in which Dagster remembers runs, cannot be used"):
        look()
    settings.dagster_home.rename(tmp_path / "away")
    prepare_dagster_home(settings)
    look()


def test_a_failure_of_dagsters_with_sound_files_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), naming_the_damaged_file(Settings(data_dir=tmp_path / "data")):
        raise ZeroDivisionError
