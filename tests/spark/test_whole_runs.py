"""The whole pipeline on Spark with Iceberg, disturbed: what it publishes is what DuckDB publishes.

One cluster of two workers on this host serves all tests, in the order in which they stand.
"""

import gzip
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest
from dagster import Definitions, define_asset_job

from deploy.spark.cluster import Cluster, ClusterError, running_cluster
from ingestion.privacy.suppression import KEY
from orchestration.assets.warehouse_file import JOB_NAME, warehouse_file
from orchestration.resources import Warehouse
from settings import PROJECT_DIR, Settings
from tests.spark.comparison import differences
from tests.support.hand_made import write_hand_made_company
from tests.support.running import Ended, Run, in_this_process, read, run_pipeline
from transform.dbt_runner import invoke_dbt, parsed_project
from warehouse.connection import connect

pytestmark = pytest.mark.spark

SMALL = {"driver_memory": "3g", "executor_memory": "1g", "worker_memory": "1g", "shuffle_partitions": "2"}
# Of a few rows, Spark's own work is on plans: it neither compiles nor plans again what is over at once. Without
# its second compiler Java keeps 48 MB of code, and drops what it will need again.
JAVA = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m"
FEW_ROWS = {
    "spark.driver.extraJavaOptions": JAVA,
    "spark.executor.extraJavaOptions": f"{JAVA} -XX:+UseSerialGC",
    "spark.log.level": "WARN",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
FORGET = ("forget", "--email", "bob@gmail.com")
EXPECTATIONS = """
select layer, table_name, expectation, status, unexpected_rows from quality.expectation_results
where run_id = (select max_by(run_id, turn) from quality.expectation_results) order by all
"""


@dataclass(frozen=True)
class Company:
    """The same sources for two data folders: one is built by DuckDB, one by Spark."""

    cluster: Cluster
    source: Path
    on_duckdb: Path
    on_spark: Path

    def spark_settings(self) -> Settings:
        given = {name.removeprefix("GROWTH_").lower(): value for name, value in self.cluster.settings().items()}
        return Settings(data_dir=self.on_spark, **given)  # type: ignore[arg-type]

    def run_on_duckdb(self) -> Ended:
        return run_pipeline(self.on_duckdb, self.source)

    def run_on_spark(self) -> Ended:
        return run_pipeline(self.on_spark, self.source, PROJECT_DIR, **self.cluster.settings())

    def start_on_spark(self, *command: str) -> Run:
        settings = {**self.cluster.settings(), "GROWTH_LOG_FORMAT": "json"}
        return Run(self.on_spark, self.source, PROJECT_DIR, command or ("run",), **settings)


@pytest.fixture(scope="module")
def company(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    # PostgreSQL's user has to get through to its files, so no folder of pytest's.
    folder = Path(mkdtemp(prefix="growth-spark-"))
    try:
        prepared = Cluster(folder, sizes=SMALL, more=FEW_ROWS)
    except ClusterError as missing:
        folder.rmdir()
        pytest.skip(str(missing))
    with running_cluster(prepared) as cluster:
        here = tmp_path_factory.mktemp("company")
        yield Company(cluster, write_hand_made_company(here / "source"), here / "duckdb", here / "spark")
    # The logs in it say why a test failed.
    if not request.session.testsfailed:
        shutil.rmtree(folder)


def expectations(data_dir: Path) -> list[tuple]:
    """What the gates of the newest run found, one row an expectation."""
    with connect(Settings(data_dir=data_dir).warehouse_path, read_only=True) as connection:
        return connection.execute(EXPECTATIONS).fetchall()


def add_report(source: Path, day: str, organization: str, events: int) -> None:
    """One more report for a day that has some: the newest one counts."""
    folder = source / "usage" / "usage_reports" / f"date={day}"
    with gzip.open(folder / "reports.jsonl.gz", "rt") as file:
        report = next(each for each in map(json.loads, file) if each["organization_id"] == organization)
    report |= {"event_count_in_period": events, "received_at": "2026-11-04T06:00:00Z"}
    with gzip.open(folder / "late.jsonl.gz", "wt") as file:
        file.write(json.dumps(report) + "\n")


def test_a_run_that_loses_a_worker_publishes_what_duckdb_publishes(company: Company) -> None:
    assert company.run_on_duckdb().returncode == 0
    run = company.start_on_spark()
    run.wait_for_step("build_marts")
    time.sleep(20)
    company.cluster.end("worker-1", signal.SIGKILL)
    ended = run.end()
    company.cluster.start_worker(1)
    assert ended.returncode == 0, ended.stdout
    assert differences(company.on_duckdb, company.on_spark) == []
    expected = expectations(company.on_duckdb)
    assert len(expected) > 300
    assert expectations(company.on_spark) == expected


def test_run_that_loses_the_server_says_so_and_the_next_succeeds(company: Company) -> None:
    before = company.spark_settings().serving_path.read_bytes()
    add_report(company.source, "2026-10-20", "org-beta", 7_777)
    run = company.start_on_spark()
    run.wait_for_step("build_marts")
    time.sleep(20)
    company.cluster.end("thrift", signal.SIGKILL)
    ended = run.end()
    assert ended.returncode == 1
    assert "does not answer: start it and run again" in ended.stdout
    assert company.spark_settings().serving_path.read_bytes() == before

    # Nobody has started it yet.
    without = company.run_on_spark()
    assert without.returncode == 1
    assert f"127.0.0.1:{company.cluster.thrift_port} does not answer" in without.stdout

    company.cluster.start_thrift_server()
    assert company.run_on_spark().returncode == 0
    assert company.run_on_duckdb().returncode == 0
    assert differences(company.on_duckdb, company.on_spark) == []
    assert read(company.on_spark, "select quantity from marts.fct_usage_daily where date = '2026-10-20'") == [(7_777,)]


def test_dbts_data_and_unit_tests_pass_on_spark(company: Company) -> None:
    settings = company.spark_settings()
    project = parsed_project(settings)
    tests = ["test", "--select", "test_type:data", "test_type:unit"]
    results = invoke_dbt(tests, settings, settings.dbt_target_dir / "test", manifest=project)
    assert len(project.unit_tests) > 200
    assert sum(result.status == "pass" for result in results) > len(project.unit_tests) + 300


def test_weekly_job_deletes_what_a_killed_write_left_and_nothing_else(company: Company) -> None:
    warehouse = company.cluster.folder / "warehouse"
    left = next((warehouse / "marts" / "dim_customers").rglob("*.parquet")).with_name("left.parquet")
    left.write_bytes(b"the first half of its rows")
    young = left.with_name("young.parquet")
    young.write_bytes(b"of a write that goes on")
    four_days_ago = time.time() - 4 * 24 * 60 * 60
    os.utime(left, (four_days_ago, four_days_ago))
    before = {path for path in warehouse.rglob("*") if path.is_file()}
    with in_this_process(company.on_spark, company.source, company.cluster.settings()):
        job = define_asset_job(JOB_NAME, selection=[warehouse_file])
        made = Definitions(assets=[warehouse_file], jobs=[job], resources={"warehouse": Warehouse()})
        assert made.resolve_job_def(JOB_NAME).execute_in_process().success
    assert before - {path for path in warehouse.rglob("*") if path.is_file()} == {left}
    young.unlink()


def test_locked_catalog_ends_the_load_with_a_sentence(company: Company) -> None:
    before = company.spark_settings().serving_path.read_bytes()
    add_report(company.source, "2026-11-03", "org-acme", 111)
    url = company.cluster.settings()["GROWTH_ICEBERG_CATALOG_URL"]
    with psycopg.connect(url) as connection:
        connection.execute("lock table iceberg_tables in access exclusive mode")
        ended = company.run_on_spark()
    assert ended.returncode != 0
    assert "the Iceberg catalog at 127.0.0.1" in ended.stdout
    assert company.spark_settings().serving_path.read_bytes() == before


def test_deletion_loads_what_waited_and_leaves_no_iceberg_file_with_the_address(company: Company) -> None:
    assert files_with(company.cluster.folder / "warehouse", b"bob@gmail.com")
    ended = company.start_on_spark(*FORGET).end()
    assert ended.returncode == 0, ended.stdout
    assert files_with(company.cluster.folder / "warehouse", b"bob@gmail.com") == []

    # Pseudonyms are alike where the key is.
    on_duckdb = Settings(data_dir=company.on_duckdb)
    on_duckdb.suppression_dir.mkdir(exist_ok=True)
    shutil.copy2(company.spark_settings().suppression_dir / KEY, on_duckdb.suppression_dir / KEY)
    assert Run(company.on_duckdb, company.source, PROJECT_DIR, FORGET).end().returncode == 0
    assert differences(company.on_duckdb, company.on_spark) == []
    assert read(company.on_spark, "select quantity from marts.fct_usage_daily where date = '2026-11-03'") == [(111,)]


def files_with(folder: Path, words: bytes) -> list[str]:
    """Files of tables in which the words stand: those of rows are read, others are looked at as they are."""
    import duckdb

    found = []
    for path in folder.rglob("*"):
        if path.is_file() and not path.name.endswith(".crc"):
            if path.suffix == ".parquet":
                rows = duckdb.execute(f"select * from read_parquet('{path}')").fetchall()
                content = repr(rows).encode()
            else:
                content = path.read_bytes()
            if words in content:
                found.append(str(path.relative_to(folder)))
    return found
