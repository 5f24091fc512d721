"""Ten days that come one by one, with corrections of what was there, end where one full build of the files does."""

import csv
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from benchmarks.same_marts import differences
from settings import Settings
from tests.support.running import run_command

pytestmark = pytest.mark.slow
DAYS = 10


def restate_a_day(source: Path) -> None:
    """Six weeks ago one organization had twice the events, and another none."""
    [path] = (source / "usage" / "usage_reports" / "date=2026-09-20").glob("reports.parquet")
    changed = path.with_name("changed.parquet")
    with duckdb.connect() as connection:
        connection.execute(f"create table reports as from read_parquet('{path}')")
        connection.execute(
            "update reports set event_count_in_period = 2 * event_count_in_period "
            "where organization_id = (select min(organization_id) from reports)"
        )
        connection.execute("delete from reports where organization_id = (select max(organization_id) from reports)")
        connection.execute(f"copy reports to '{changed}' (format parquet)")
    changed.replace(path)


def let_a_version_of_billing_come_late(source: Path) -> None:
    """An organization had a discount since the middle of October, which nobody said then."""
    folder = source / "billing" / "billing_customers"
    version = json.loads(gzip.decompress((folder / "export-2026-10.jsonl.gz").read_bytes()).splitlines()[0])
    version |= {"discount_percent": "12.00", "updated_at": "2026-10-15T12:00:00+00:00"}
    (folder / "export-2026-11-late.jsonl.gz").write_bytes(gzip.compress(json.dumps(version).encode() + b"\n"))


def void_an_old_invoice(source: Path) -> None:
    """An invoice of the spring is void."""
    folder = source / "stripe" / "invoices"
    invoice = json.loads(gzip.decompress((folder / "export-2026-04.jsonl.gz").read_bytes()).splitlines()[0])
    (folder / "export-2026-12.jsonl.gz").write_bytes(
        gzip.compress(json.dumps({**invoice, "status": "void"}).encode() + b"\n")
    )


def merge_two(source: Path) -> None:
    """Two organizations turn out to be one company."""
    files = sorted((source / "product_db" / "organizations").glob("*.parquet"))
    with duckdb.connect() as connection:
        ids = connection.execute(f"select id from read_parquet('{files[2]}') order by created_at limit 2").fetchall()
    with (source / "crm" / "account_merges.csv").open("a", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow([ids[1][0], ids[0][0], "found out later"])


CORRECTIONS: dict[int, Callable[[Path], None]] = {
    2: restate_a_day,
    4: let_a_version_of_billing_come_late,
    6: void_an_old_invoice,
    8: merge_two,
}


@pytest.mark.timeout(3600)
def test_ten_days_one_by_one_with_corrections_are_a_full_build(sample: Settings, tmp_path: Path) -> None:
    source = Path(shutil.copytree(sample.sample_dir / "source", tmp_path / "source"))
    folder, aside = source / "usage" / "usage_reports", tmp_path / "aside"
    aside.mkdir()
    days = sorted(folder.iterdir())[-DAYS:]
    for day in days:
        day.rename(aside / day.name)
    assert run_command(tmp_path / "by_days", source).returncode == 0
    for number, day in enumerate(days):
        (aside / day.name).rename(day)
        if number in CORRECTIONS:
            CORRECTIONS[number](source)
        done = run_command(tmp_path / "by_days", source)
        assert done.returncode == 0, done.stdout
    assert run_command(tmp_path / "at_once", source).returncode == 0
    published = [Settings(data_dir=tmp_path / name).serving_path for name in ("by_days", "at_once")]
    assert differences(*published) == {}
