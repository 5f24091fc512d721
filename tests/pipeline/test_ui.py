"""A run that is started from Dagster's UI does what `growth run` does, and the UI shows the runs of both."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from dagster import DagsterRunStatus
from dagster_graphql import DagsterGraphQLClient, DagsterGraphQLClientError
from requests.exceptions import ConnectionError as NotListeningError

from settings import PROJECT_DIR
from tests.support.running import environment, marts, run_pipeline

pytestmark = pytest.mark.slow

# Dagster is told of few days, so that the sensor needs one tick.
FIRST_DAY = "2026-10-01"
FINISHED = {DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def ui(tmp_path: Path, new_data_dir: Path, source_root: Path) -> Iterator[DagsterGraphQLClient]:
    """`growth ui` on a port of its own, ready to take requests."""
    port = free_port()
    output = (tmp_path / "ui.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-m", "cli", "ui"],
        cwd=PROJECT_DIR,
        env=environment(new_data_dir, source_root, GROWTH_UI_PORT=str(port), GROWTH_FIRST_DAY=FIRST_DAY),
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield wait_until_ready(port, process, tmp_path / "ui.log")
    finally:
        # Its services wait for each other half a minute when they are asked to end, and nobody needs them any more.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        output.close()


def wait_until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> DagsterGraphQLClient:
    """The client, once the web server answers and has loaded the code."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            client = DagsterGraphQLClient("127.0.0.1", port_number=port)
            if client.reload_repository_location("growth_pipeline").status.value == "SUCCESS":
                return client
        except (NotListeningError, DagsterGraphQLClientError):
            time.sleep(0.5)
    raise AssertionError(f"the UI was not ready in time:\n{log.read_text()}")


def wait_until_finished(client: DagsterGraphQLClient, run_id: str) -> DagsterRunStatus:
    """The status in which a run ended."""
    end = time.monotonic() + 200
    while time.monotonic() < end:
        status = client.get_run_status(run_id)
        if status in FINISHED:
            return status
        time.sleep(0.5)
    raise AssertionError(f"run {run_id} did not end")


def test_run_from_the_ui_publishes_the_same_as_the_command(
    new_data_dir: Path, source_root: Path, ui: DagsterGraphQLClient
) -> None:
    assert _addresses_listened_on(ui) == {"127.0.0.1"}
    run_id = ui.submit_job_execution("daily_refresh", repository_location_name="growth_pipeline")
    assert wait_until_finished(ui, run_id) is DagsterRunStatus.SUCCESS
    launched = marts(new_data_dir)
    done = run_pipeline(new_data_dir, source_root)
    assert done.returncode == 0, done.stdout
    assert marts(new_data_dir) == launched
    _backfill_is_one_run(ui, new_data_dir)
    assert marts(new_data_dir) == launched
    runs = ui._execute(RUNS)["runsOrError"]["results"]
    assert [run["status"] for run in runs] == ["SUCCESS"] * 3
    assert [run["jobName"] for run in runs[1:]] == ["daily_refresh"] * 2
    # The timeline leaves out runs without this.
    here = {"repositoryName": "__repository__", "repositoryLocationName": "growth_pipeline"}
    assert [run["repositoryOrigin"] for run in runs] == [here] * 3
    _every_day_is_built(ui)


def _addresses_listened_on(client: DagsterGraphQLClient) -> set[str]:
    port = int(client._url.split(":")[2].split("/")[0])
    return {
        each.laddr.ip
        for each in psutil.net_connections(kind="tcp")
        if each.status == psutil.CONN_LISTEN and each.laddr.port == port
    }


RUNS = """
{ runsOrError { ... on Runs {
  results { runId status jobName repositoryOrigin { repositoryName repositoryLocationName } }
} } }
"""
PARTITIONS = """
query($assets: [AssetKeyInput!]!) {
  assetNodes(assetKeys: $assets) {
    partitionKeys
    partitionStats { numPartitions numMaterialized numFailed }
  }
}
"""
LAUNCH_BACKFILL = """
mutation($days: [String!]!, $assets: [AssetKeyInput!]!) {
  launchPartitionBackfill(backfillParams: {partitionNames: $days, assetSelection: $assets}) {
    ... on LaunchBackfillSuccess { backfillId }
    ... on PythonError { message }
  }
}
"""
BACKFILL = """
query($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    ... on PartitionBackfill {
      status
      runs: unfinishedRuns { id }
    }
  }
}
"""
RUNS_OF_BACKFILL = """
query($id: String!) {
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
    ... on Runs { results { status tags { key value } } }
  }
}
"""
MARTS_BY_DAYS = ["fct_usage_daily", "fct_bill_forecasts", "fct_bill_forecast_products", "fct_queue_exclusions"]
HISTORIES = (
    "int_bill_forecasts", "int_forecast_errors", "int_judged_forecasts", "int_quantity_methods", "int_method_errors",
)  # fmt: skip
BY_DAYS = [
    *({"path": ["marts", table]} for table in MARTS_BY_DAYS),
    *({"path": ["intermediate", name]} for name in HISTORIES),
]


def _backfill_is_one_run(client: DagsterGraphQLClient, data_dir: Path) -> None:
    """Three days, asked for as the UI asks."""
    days = ["2026-10-10", "2026-10-11", "2026-10-12"]
    launched = client._execute(LAUNCH_BACKFILL, {"days": days, "assets": BY_DAYS})["launchPartitionBackfill"]
    end = time.monotonic() + 200
    while time.monotonic() < end:
        status = client._execute(BACKFILL, {"id": launched["backfillId"]})["partitionBackfillOrError"]["status"]
        if status not in ("REQUESTED", "IN_PROGRESS"):
            break
        time.sleep(1)
    found = client._execute(RUNS_OF_BACKFILL, {"id": launched["backfillId"]})["runsOrError"]["results"]
    assert [run["status"] for run in found] == ["SUCCESS"], (status, data_dir)
    tags = {tag["key"]: tag["value"] for tag in found[0]["tags"]}
    assert (tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]) == (
        days[0],
        days[-1],
    )


def _every_day_is_built(client: DagsterGraphQLClient) -> None:
    """Soon no partition is missing over a full table, and none is after the data day."""
    # The code server was started before the first publish, and reads the data day once.
    client.reload_repository_location("growth_pipeline")
    end = time.monotonic() + 120
    while time.monotonic() < end:
        shown = client._execute(PARTITIONS, {"assets": BY_DAYS})["assetNodes"]
        if all(asset["partitionStats"]["numMaterialized"] == 34 for asset in shown):
            break
        time.sleep(2)
    assert len(shown) == len(BY_DAYS)
    for asset in shown:
        days, counts = asset["partitionKeys"], asset["partitionStats"]
        assert (days[0], days[-1]) == (FIRST_DAY, "2026-11-03")
        assert counts == {"numPartitions": 34, "numMaterialized": 34, "numFailed": 0}
