"""The daemon, the web server and runs are killed at random while runs are launched; the UI tells the truth after it."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError
from requests.exceptions import RequestException

from orchestration.instance.run_processes import PROCESS_TAG
from settings import PROJECT_DIR
from tests.pipeline.test_ui import free_port
from tests.support.running import dagster_instance, environment, marts, run_pipeline

KILLS = 20
SECONDS_BETWEEN = 30.0
VICTIMS = {"daemon": "daemon", "web server": "webserver"}


class Services:
    """`growth ui` under a process manager, which starts it again whenever it has gone."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def keep_running(self) -> None:
        """Start what is not running any more."""
        if self._process and self._process.poll() is None:
            return
        self.stop()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "cli", "ui"],
            cwd=PROJECT_DIR,
            env=environment(self._data_dir, GROWTH_UI_PORT=str(self._port)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def stop(self) -> None:
        """Kill -9 all that is left of it."""
        if self._process:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def launch(self) -> str | None:
        """The id of a run that was launched, or None if the web server did not answer."""
        try:
            client = DagsterGraphQLClient("127.0.0.1", port_number=self._port)
            return client.submit_job_execution("daily_refresh", repository_location_name="growth_pipeline")
        except (RequestException, DagsterGraphQLClientError):
            return None

    def process_of(self, words: str) -> psutil.Process | None:
        """The process of the services whose command line has these words."""
        assert self._process is not None
        try:
            children = psutil.Process(self._process.pid).children(recursive=True)
            return next((child for child in children if words in " ".join(child.cmdline())), None)
        except psutil.NoSuchProcess:
            return None


def process_of_a_run(data_dir: Path) -> psutil.Process | None:
    """The process of a run that is at work."""
    with dagster_instance(data_dir) as instance:
        tags = [run.tags.get(PROCESS_TAG) for run in instance.get_runs() if run.status is DagsterRunStatus.STARTED]
    for tag in filter(None, tags):
        process_id = int(tag.split("/")[1])
        if psutil.pid_exists(process_id):
            return psutil.Process(process_id)
    return None


def kill_one(services: Services, data_dir: Path, moments: random.Random) -> str | None:
    """Kill -9 the daemon, the web server or a run, whichever is drawn first and there; what was killed."""
    for victim in moments.sample(["run", *VICTIMS], 3):
        process = process_of_a_run(data_dir) if victim == "run" else services.process_of(VICTIMS[victim])
        if process:
            process.kill()
            return victim
    return None


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_twenty_kills_lose_nothing_and_the_ui_is_right(tmp_path: Path) -> None:
    data_dir, quiet = tmp_path / "killed", tmp_path / "quiet"
    assert run_pipeline(quiet).returncode == 0
    moments = random.Random("kills")
    services = Services(data_dir)
    launched = []
    killed: list[str] = []
    try:
        while len(killed) < KILLS:
            services.keep_running()
            launched.append(services.launch())
            time.sleep(moments.uniform(0.5, 1.5) * SECONDS_BETWEEN)
            victim = kill_one(services, data_dir, moments)
            if victim:
                killed.append(victim)
    finally:
        services.stop()
    assert run_pipeline(data_dir).returncode == 0
    assert marts(data_dir) == marts(quiet)
    with dagster_instance(data_dir) as instance:
        runs = {run.run_id: run.status for run in instance.get_runs()}
    open_runs = [run_id for run_id, status in runs.items() if status is DagsterRunStatus.STARTED]
    assert open_runs == []
    assert len(set(killed)) == 3, killed
    assert {run_id for run_id in launched if run_id} <= runs.keys()
