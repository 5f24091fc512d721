"""The way of a new user: init, check, run, look; then rows go at the source, and their past stays."""

import csv
import resource
import shutil
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ingestion.contract.model import load_contract
from sample_company.starter_files import STARTER_DIR
from settings import Settings
from tests.support.running import read, run_command

pytestmark = pytest.mark.slow

BRIGHTLOOM, FERNHILL, NADIA, KESTREL = (f"0198a2f0-0001-7000-8000-00000000000{n}" for n in range(1, 5))
HISTORY = {
    "MRR": "select customer_id, month, mrr_usd_month from fct_mrr_monthly order by all",
    "usage": "select organization_id, date, product_key, quantity from fct_usage_daily order by all",
    "sign-ups": "select week, signups from rpt_signups_weekly order by all",
    "funnel": "select month, signups, activated from rpt_growth_funnel order by all",
}


@dataclass
class Journey:
    """A folder of `growth init`, what the commands said, and what they took."""

    folder: Path
    data_dir: Path
    checked: str
    cpu_seconds: float

    def read(self, query: str) -> list[tuple]:
        return read(self.data_dir, f"set schema = 'marts'; {query}")


@pytest.fixture(scope="module")
def journey(parsed: Path, tmp_path_factory: pytest.TempPathFactory) -> Journey:
    """The three commands of the README, on a data folder as `make setup` leaves it."""
    own = tmp_path_factory.mktemp("own")
    folder, data_dir = own / "company", Path(shutil.copytree(parsed, own / "data"))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    init = run_command(data_dir, None, "init", str(folder))
    assert init.returncode == 0, init.stdout
    check = run_command(data_dir, None, "check", str(folder / "source"))
    assert check.returncode == 0, check.stdout
    run = run_command(data_dir, folder / "source")
    assert run.returncode == 0, run.stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Journey(folder, data_dir, check.stdout, cpu_seconds)


@pytest.fixture(scope="module")
def before_removal(journey: Journey) -> dict[str, list[tuple]]:
    """What readers saw after the first run."""
    return {name: journey.read(query) for name, query in HISTORY.items()}


@pytest.fixture(scope="module")
def removed(journey: Journey, before_removal: dict[str, list[tuple]]) -> Journey:
    """The state after rows went at the source, and the templates came."""
    assert before_removal
    source = journey.folder / "source"
    shutil.copytree(journey.folder / "templates", source, dirs_exist_ok=True)
    gone(source, "product_db/organizations", {"id": NADIA}, "2026-11-07T12:00:00Z")
    gone(source, "product_db/organizations", {"id": KESTREL}, "2026-10-20T00:00:00Z")
    gone(
        source,
        "product_db/organization_memberships",
        {"organization_id": BRIGHTLOOM, "user_id": "2"},
        "2026-11-05T00:00:00Z",
    )
    gone(source, "crm/accounts", {"id": "acc-1"}, "2026-11-01T00:00:00Z")
    run = run_command(journey.data_dir, source)
    assert run.returncode == 0, run.stdout
    return journey


def gone(source: Path, table: str, key: dict[str, str], instant: str) -> None:
    """Land the last row of a key once more, with the instant from which it is no longer there."""
    with (source / f"{table}.csv").open(newline="") as file:
        [row] = [row for row in csv.DictReader(file) if key.items() <= row.items()]
    row |= {"updated_at": instant, "removed_at": instant}
    path = source / table / f"{'-'.join(key.values())}.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        writer.writeheader()
        writer.writerow(row)


def test_a_new_user_has_a_page_within_three_minutes_of_one_processor(journey: Journey) -> None:
    assert journey.cpu_seconds < 180
    assert "Brightloom" in Settings(data_dir=journey.data_dir).page_path.read_text()


def test_the_five_organizations_are_what_they_are_meant_to_be(journey: Journey) -> None:
    assert journey.read("select name, lifecycle, region from dim_organizations order by name") == [
        ("Brightloom", "paying", "US"),
        ("Fernhill Robotics", "activated", "US"),
        ("Kestrel Energie", "paying", "EU"),
        ("Nadia's side project", "activated", "US"),
    ]
    assert journey.read("select distinct arr_mix_band from dim_customers where name = 'Brightloom'") == [("25k",)]
    # What was invoiced is what the usage in the files costs by the price list.
    with duckdb.connect(str(Settings(data_dir=journey.data_dir).warehouse_path), read_only=True) as warehouse:
        [(rated, differ)] = warehouse.execute(
            "select (select count(*) from intermediate.int_rated_invoices), "
            "(select count(*) from intermediate.int_invoices_that_differ)"
        ).fetchall()
    assert (rated >= 6, differ) == (True, 0)
    assert journey.read("select finding, subject from rpt_data_quality") == []


def test_figures_that_check_calls_unknown_are_unknown_in_marts(journey: Journey) -> None:
    looked_at = 0
    for table in load_contract().tables:
        if (STARTER_DIR / "templates" / f"{table.path}.csv").exists():
            assert f"no {table.path}: {table.without}" in journey.checked
            for place in table.unknown_marts:
                mart, _, column = place.partition(".")
                known = f"count({column}) filter ({column}::varchar <> 'unknown')" if column else "count(*)"
                assert journey.read(f"select {known} from {mart}") == [(0,)], place
                looked_at += 1
    assert looked_at > 20


def test_removed_organization_pays_until_its_bills_end(removed: Journey) -> None:
    assert removed.read(
        "select name, lifecycle, users, mrr_usd_month > 0, cast(removed_at as date) from dim_organizations "
        "order by name"
    ) == [
        ("Brightloom", "paying", 1, True, None),
        ("Fernhill Robotics", "activated", 1, False, None),
        ("Kestrel Energie", "paying", 0, True, date(2026, 10, 20)),
        ("Nadia's side project", "churned", 0, False, date(2026, 11, 7)),
    ]


@pytest.mark.parametrize("name", HISTORY)
def test_history_before_the_removal_stands(removed: Journey, before_removal: dict[str, list[tuple]], name: str) -> None:
    assert before_removal[name]
    assert removed.read(HISTORY[name]) == before_removal[name]


def test_a_closed_account_has_no_owner_and_had_one(removed: Journey) -> None:
    assert removed.read(f"select owner_email from dim_customers where customer_id = '{BRIGHTLOOM}'") == [(None,)]
    with duckdb.connect(str(Settings(data_dir=removed.data_dir).warehouse_path), read_only=True) as warehouse:
        held = warehouse.execute(
            "select owner_email, held_before from intermediate.int_account_owners where account_id = 'acc-1'"
        ).fetchall()
    assert held == [("kim@our-company.example", date(2026, 11, 1))]


def test_with_the_templates_segments_and_costs_are_known(removed: Journey) -> None:
    assert removed.read("select name, icp_segment from dim_organizations order by name")[:2] == [
        ("Brightloom", "high_growth"),
        ("Fernhill Robotics", "high_potential"),
    ]
    [(spend,)] = removed.read("select sum(spend_usd) from rpt_acquisition where month = '2026-10-01'")
    assert spend == Decimal(10_400)
