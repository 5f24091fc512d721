"""The whole run on a company that was worked out by hand: right rows, again and again, whatever happens in between."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from common.settings import PROJECT_DIR
from tests.pipeline.hand_made import write_hand_made_company, write_usage_day
from tests.pipeline.running import RUN, environment, marts, read, run_and_kill, run_pipeline

PHASES = (
    "load ...",
    "gate_raw ...",
    "build_staging ...",
    "gate_staging ...",
    "build_marts ...",
    "gate_marts ...",
    "published__serving ...",
)


@pytest.fixture(scope="module")
def source_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-made company's files; tests that change them take a copy."""
    return write_hand_made_company(tmp_path_factory.mktemp("hand_made") / "source")


@pytest.fixture(scope="module")
def undisturbed(source_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of one run that nothing disturbed; tests that go on from there take a copy."""
    data_dir = tmp_path_factory.mktemp("undisturbed") / "data"
    done = run_pipeline(data_dir, source_root)
    assert done.returncode == 0, done.stdout
    return data_dir


@pytest.fixture
def data_dir(undisturbed: Path, tmp_path: Path) -> Path:
    """A data folder in the state after the undisturbed run."""
    return Path(shutil.copytree(undisturbed, tmp_path / "data"))


@pytest.fixture
def own_source(source_root: Path, tmp_path: Path) -> Path:
    """Source files that the test may change; their times are those of the originals."""
    return Path(shutil.copytree(source_root, tmp_path / "source"))


def test_a_company_of_four_organizations_gives_the_rows_that_were_worked_out_by_hand(undisturbed: Path) -> None:
    assert read(
        undisturbed,
        "select organization_id, customer_id, domain, users, activated_at, lifecycle, size_tier, arr_usd_year "
        "from marts.dim_organizations order by organization_id",
    ) == [
        ("org-acme", "org-acme", "acme.example", 1, date(2026, 8, 4), "paying", "small", Decimal("3892.80")),
        ("org-acme-eu", "org-acme", "acme.example", 1, date(2026, 9, 9), "paying", "small", Decimal("3892.80")),
        ("org-beta", "org-beta", "gmail.com", 1, date(2026, 10, 20), "activated", "none", Decimal("0.00")),
    ]
    assert read(
        undisturbed,
        "select customer_id, month, list_usd, mrr_usd_month, basis from marts.fct_mrr_monthly order by month",
    ) == [
        ("org-acme", date(2026, 9, 1), Decimal("50.00"), Decimal("50.00"), "usage"),
        ("org-acme", date(2026, 10, 1), Decimal("324.40"), Decimal("324.40"), "usage"),
    ]
    assert read(
        undisturbed,
        "select organization_id, date, product_key, quantity from marts.fct_usage_daily "
        "where date >= date '2026-10-01' order by organization_id, date",
    ) == [
        ("org-acme", date(2026, 10, 9), "product_analytics", Decimal(1)),
        ("org-acme", date(2026, 10, 31), "product_analytics", Decimal(100)),
        ("org-beta", date(2026, 10, 20), "product_analytics", Decimal(5000)),
    ]
    assert read(
        undisturbed,
        "select band, customers, arr_usd from marts.rpt_arr_mix_progress where as_of = date '2026-10-31' order by band",
    ) == [
        ("1m", 0, Decimal("0.00")),
        ("25k", 0, Decimal("0.00")),
        ("50k", 0, Decimal("0.00")),
        ("below", 1, Decimal("3892.80")),
    ]


def test_a_run_on_the_hand_made_company_agrees_with_the_invoices(undisturbed: Path) -> None:
    from common.settings import Settings
    from common.warehouse import connect

    with connect(Settings(data_dir=undisturbed).warehouse_path, read_only=True) as connection:
        rated = connection.execute("select count(*) from intermediate.int_rated_invoices").fetchone()
        differing = connection.execute("select count(*) from intermediate.int_invoices_that_differ").fetchone()
    assert rated is not None
    assert rated[0] >= 2
    assert differing == (0,)


def test_running_again_changes_no_row_and_loads_nothing(undisturbed: Path, data_dir: Path, source_root: Path) -> None:
    done = run_pipeline(data_dir, source_root)
    assert done.returncode == 0, done.stdout
    assert marts(data_dir) == marts(undisturbed)


def test_deleting_the_warehouse_loses_nothing(undisturbed: Path, data_dir: Path, source_root: Path) -> None:
    (data_dir / "warehouse.duckdb").unlink()
    done = run_pipeline(data_dir, source_root)
    assert done.returncode == 0, done.stdout
    assert marts(data_dir) == marts(undisturbed)


def test_a_past_data_day_and_back_again(undisturbed: Path, data_dir: Path, source_root: Path) -> None:
    done = run_pipeline(data_dir, source_root, GROWTH_AS_OF="2026-09-10")
    assert done.returncode == 0, done.stdout
    assert read(data_dir, "select as_of_date from marts.publish_info") == [(date(2026, 9, 10),)]
    assert read(data_dir, "select max(date) from marts.fct_usage_daily") == [(date(2026, 9, 10),)]
    assert read(data_dir, "select organization_id from marts.dim_organizations order by all") == [
        ("org-acme",),
        ("org-acme-eu",),
    ]
    assert read(data_dir, "select count(*) from marts.fct_mrr_monthly where month > date '2026-08-01'") == [(0,)]
    done = run_pipeline(data_dir, source_root)
    assert done.returncode == 0, done.stdout
    assert marts(data_dir) == marts(undisturbed)


def test_a_data_day_without_usage_publishes_nothing(undisturbed: Path, data_dir: Path, source_root: Path) -> None:
    done = run_pipeline(data_dir, source_root, GROWTH_AS_OF="2026-11-15")
    assert done.returncode == 1
    assert "2026-11-15" in done.stdout
    assert "what readers see stays as it was" in done.stdout
    assert marts(data_dir) == marts(undisturbed)


def test_a_late_report_restates_its_day(undisturbed: Path, data_dir: Path, own_source: Path) -> None:
    write_usage_day(own_source / "usage" / "usage_reports", "2026-10-20", [("org-beta", 7_000)])
    done = run_pipeline(data_dir, own_source)
    assert done.returncode == 0, done.stdout
    assert read(data_dir, "select quantity from marts.fct_usage_daily where organization_id = 'org-beta'") == [
        (Decimal(7000),)
    ]
    before = marts(undisturbed)["fct_usage_daily"]
    assert len(marts(data_dir)["fct_usage_daily"]) == len(before)


def test_a_file_that_cannot_be_read_leaves_the_published_file_as_it_was(
    undisturbed: Path, data_dir: Path, source_root: Path, own_source: Path
) -> None:
    path = own_source / "usage" / "usage_reports" / "date=2026-10-31" / "reports.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-20])
    before = (data_dir / "published" / "serving.duckdb").read_bytes()
    done = run_pipeline(data_dir, own_source)
    assert done.returncode == 1
    assert "usage/usage_reports/date=2026-10-31/reports.jsonl.gz" in done.stdout
    assert (data_dir / "published" / "serving.duckdb").read_bytes() == before
    shutil.copy2(source_root / path.relative_to(own_source), path)
    assert run_pipeline(data_dir, own_source).returncode == 0
    assert marts(data_dir) == marts(undisturbed)


def test_killed_once_in_each_phase_and_run_again_gives_the_same_marts(
    undisturbed: Path, tmp_path: Path, source_root: Path
) -> None:
    data_dir = tmp_path / "killed"
    for phase in PHASES:
        said = run_and_kill(data_dir, source_root, phase)
        assert phase in said
    done = run_pipeline(data_dir, source_root)
    assert done.returncode == 0, done.stdout
    assert marts(data_dir) == marts(undisturbed)


@pytest.fixture
def first_run(tmp_path: Path, source_root: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that has the warehouse: it has started to load."""
    process = subprocess.Popen(
        RUN,
        cwd=PROJECT_DIR,
        env=environment(tmp_path / "shared", source_root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "load ..." in line:
            break
    yield process
    process.kill()
    process.wait()


def test_a_second_run_waits_for_the_first_and_neither_is_harmed(
    undisturbed: Path, tmp_path: Path, source_root: Path, first_run: subprocess.Popen[str]
) -> None:
    second = run_pipeline(tmp_path / "shared", source_root)
    first_output, _ = first_run.communicate()
    assert first_run.returncode == 0, first_output
    assert second.returncode == 0, second.stdout
    assert f"(process {first_run.pid}, since" in second.stdout
    assert marts(tmp_path / "shared") == marts(undisturbed)


READER = """
import select, sys
import duckdb
queries = 0
days = set()
while not select.select([sys.stdin], [], [], 0)[0]:
    connection = duckdb.connect(sys.argv[1], read_only=True)
    day = connection.execute("select as_of_date from marts.publish_info").fetchone()[0]
    newest = connection.execute("select max(as_of) from marts.rpt_arr_mix_progress").fetchone()[0]
    connection.close()
    assert day == newest, (day, newest)
    days.add(str(day))
    queries += 2
    if queries == 2:
        print("reading", flush=True)
print(queries, *sorted(days), flush=True)
"""


def test_a_reader_without_pause_sees_one_day_or_the_other_while_a_run_publishes(
    data_dir: Path, source_root: Path
) -> None:
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(data_dir / "published" / "serving.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "reading\n"
    done = run_pipeline(data_dir, source_root, GROWTH_AS_OF="2026-09-30")
    output, errors = reader.communicate("enough\n")
    assert done.returncode == 0, done.stdout
    assert reader.returncode == 0, errors
    assert output.split()[1:] == ["2026-09-30", "2026-10-31"]
