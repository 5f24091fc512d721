"""The whole pipeline on Spark with Iceberg, disturbed: what it publishes is what DuckDB publishes.

One cluster of two workers on this host serves all tests, in the order in which they stand.
"""

import gzip
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

from deploy.spark.cluster import Cluster, running_cluster
from settings import PROJECT_DIR, Settings
from tests.spark.comparison import differences
from tests.support.hand_made import write_hand_made_company
from tests.support.running import Ended, Run, read, run_pipeline

pytestmark = pytest.mark.spark

SMALL = {"driver_memory": "3g", "executor_memory": "1g", "worker_memory": "1g", "shuffle_partitions": "2"}
# Of a few rows, Spark's own work is on plans: it neither compiles nor plans again what is over at once.
FEW_ROWS = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
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

    def run_on_duckdb(self) -> Ended:
        return run_pipeline(self.on_duckdb, self.source)

    def run_on_spark(self) -> Ended:
        return run_pipeline(self.on_spark, self.source, PROJECT_DIR, **self.cluster.settings())

    def start_on_spark(self, *command: str) -> Run:
        settings = {**self.cluster.settings(), "GROWTH_LOG_FORMAT": "json"}
        return Run(self.on_spark, self.source, PROJECT_DIR, command or ("run",), **settings)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    # PostgreSQL's user has to get through to its files, so no folder of pytest's.
    folder = Path(mkdtemp(prefix="growth-spark-"))
    with running_cluster(Cluster(folder, sizes=SMALL, more=FEW_ROWS)) as cluster:
        here = tmp_path_factory.mktemp("company")
        yield Company(cluster, write_hand_made_company(here / "source"), here / "duckdb", here / "spark")


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
    checks = "select checks_passed, checks_warned, checks_failed from marts.publish_info"
    assert read(company.on_duckdb, checks) == read(company.on_spark, checks)


def test_run_that_loses_the_server_says_so_and_the_next_succeeds(company: Company) -> None:
    before = Settings(data_dir=company.on_spark).serving_path.read_bytes()
    add_report(company.source, "2026-10-20", "org-beta", 7_777)
    run = company.start_on_spark()
    run.wait_for_step("build_marts")
    time.sleep(20)
    company.cluster.end("thrift", signal.SIGKILL)
    ended = run.end()
    assert ended.returncode == 1
    assert "does not answer: start it and run again" in ended.stdout
    assert Settings(data_dir=company.on_spark).serving_path.read_bytes() == before

    # Nobody has started it yet.
    without = company.run_on_spark()
    assert without.returncode == 1
    assert f"127.0.0.1:{company.cluster.thrift_port} does not answer" in without.stdout

    company.cluster.start_thrift_server()
    assert company.run_on_spark().returncode == 0
    assert company.run_on_duckdb().returncode == 0
    assert differences(company.on_duckdb, company.on_spark) == []
    assert read(company.on_spark, "select quantity from fct_usage_daily where date = '2026-10-20'") == [(7_777,)]


def test_locked_catalog_ends_the_load_with_a_sentence_and_a_retry_works(company: Company) -> None:
    add_report(company.source, "2026-11-03", "org-acme", 111)
    url = company.cluster.settings()["GROWTH_ICEBERG_CATALOG_URL"]
    with psycopg.connect(url) as connection:
        connection.execute("lock table iceberg_tables in access exclusive mode")
        ended = company.run_on_spark()
    assert ended.returncode != 0
    assert "the Iceberg catalog at 127.0.0.1" in ended.stdout
    assert company.run_on_spark().returncode == 0
    assert company.run_on_duckdb().returncode == 0
    assert differences(company.on_duckdb, company.on_spark) == []


def test_deletion_leaves_no_iceberg_file_with_the_address(company: Company) -> None:
    warehouse = company.cluster.folder / "warehouse"
    assert files_with(warehouse, b"bob@gmail.com")
    run = company.start_on_spark("forget", "--email", "bob@gmail.com")
    ended = run.end()
    assert ended.returncode == 0, ended.stdout
    assert files_with(warehouse, b"bob@gmail.com") == []


def files_with(folder: Path, words: bytes) -> list[str]:
    """Parquet files, metadata and manifests in which the words stand, compressed or not."""
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
