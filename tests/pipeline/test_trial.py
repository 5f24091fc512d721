"""A trial names the movers that a run with the same edit publishes, and leaves what is published alone."""

import shutil
from pathlib import Path

import pytest

from serving.publish.decisions import compare_decisions, lines_of
from settings import PROJECT_DIR, Settings
from tests.support.running import run_command, run_pipeline
from transform.trial import edit_project

# Twenty edits of numbers, within the rules of their seeds.
EDITS = {
    "size_tiers.csv": ["large=40000", "medium=3000"],
    "account_signals.csv": ["account_risk/usage_fall.threshold=100", "account_risk/few_active_users.threshold=3"],
    "segment_criteria.csv": ["high_growth/employees_at_least.bound=30", "high_growth/employees_at_most.bound=200"],
    "health_weights.csv": ["product_analytics=10"],
    "spend_limit_levels.csv": ["near_limit.share_of_limit=0.5"],
    "startup_rolloff_stages.csv": ["two_months_before=90"],
    "startup_programs.csv": ["yc=20000"],
    "owner_books.csv": ["csm.book_accounts=5"],
    "thresholds.csv": [
        "onboarding_line_usd_month=200",
        "coverage_from_usd_year=5000",
        "health_poor_percent=10",
        "csm_primary_products=2",
        "contact_days_before_renewal=30",
        "bills_to_graduate=2",
        "cross_sell_after_days=60",
        "lead_credit_bill_usd_month=100",
        "peers_min=2",
    ],
}
ONE_BY_ONE = [(seed, edit) for seed, edits in EDITS.items() for edit in edits]
SOAK_SECONDS = 1800


def project_with(edits: dict[str, list[str]], folder: Path) -> Path:
    """A copy of the project with these edits."""
    project = shutil.copytree(PROJECT_DIR, folder, ignore=shutil.ignore_patterns(".*", "data", "target"))
    for seed, of_seed in edits.items():
        edit_project(seed, of_seed, project / "dbt_project")
    return Path(project)


def assert_movers_are_those_of_a_run(
    tried: list[str], project: Path, data_dir: Path, source_root: Path, folder: Path
) -> list[str]:
    """What the trial prints of all movers, which a run of the project has too."""
    settings = Settings(data_dir=data_dir)
    published = Path(shutil.copyfile(settings.serving_path, folder / "before.duckdb"))
    done = run_command(data_dir, source_root, "try", *tried, "--names", "1000000")
    assert done.returncode == 0, done.stdout
    assert settings.serving_path.read_bytes() == published.read_bytes()
    run = run_pipeline(data_dir, source_root, project)
    assert run.returncode == 0, run.stdout
    lines = lines_of(*compare_decisions(published, settings.serving_path), most=1_000_000)
    assert done.stdout.splitlines()[-len(lines) :] == lines
    return lines


@pytest.mark.slow
def test_movers_of_twenty_edits_at_once_are_those_of_a_run(data_dir: Path, source_root: Path, tmp_path: Path) -> None:
    assert len(ONE_BY_ONE) == 20
    project = project_with(EDITS, tmp_path / "project")
    edited = tmp_path / "edited"
    edited.mkdir()
    for seed in EDITS:
        shutil.copyfile(project / "dbt_project" / "seeds" / seed, edited / seed)
    lines = assert_movers_are_those_of_a_run([str(edited)], project, data_dir, source_root, tmp_path)
    assert len(lines) > 1


@pytest.mark.soak
@pytest.mark.timeout(SOAK_SECONDS)
@pytest.mark.parametrize(("seed", "edit"), ONE_BY_ONE)
def test_movers_of_a_trial_are_those_of_a_run(
    seed: str, edit: str, data_dir: Path, source_root: Path, tmp_path: Path
) -> None:
    project = project_with({seed: [edit]}, tmp_path / "project")
    assert_movers_are_those_of_a_run([seed, edit], project, data_dir, source_root, tmp_path)


@pytest.mark.slow
def test_a_trial_after_a_publish_of_a_past_day_is_of_that_day(data_dir: Path, source_root: Path) -> None:
    assert run_pipeline(data_dir, source_root, GROWTH_AS_OF="2026-09-10").returncode == 0
    done = run_command(data_dir, source_root, "try", "size_tiers.csv", "large=60001")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-2:] == [
        "with this edit, beside what is published as of 2026-09-10:",
        "No decision differs.",
    ]
