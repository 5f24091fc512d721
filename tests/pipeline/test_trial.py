"""A trial names the movers that a run with the same edit publishes, and leaves what is published alone."""

import shutil
from pathlib import Path

import pytest

from serving.publish.decisions import compare_decisions, lines_of
from settings import PROJECT_DIR, Settings
from tests.support.running import run_command, run_pipeline
from transform.trial import edit_project

EDITS = {
    "size_tiers.csv": ["large=40000", "medium=3000"],
    "account_signals.csv": ["account_risk/usage_fall.threshold=100"],
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", EDITS)
def test_movers_of_a_trial_are_those_of_a_run(seed: str, data_dir: Path, source_root: Path, tmp_path: Path) -> None:
    settings = Settings(data_dir=data_dir)
    published = Path(shutil.copyfile(settings.serving_path, tmp_path / "before.duckdb"))
    done = run_command(data_dir, source_root, "try", seed, *EDITS[seed])
    assert done.returncode == 0, done.stdout
    assert settings.serving_path.read_bytes() == published.read_bytes()
    project = shutil.copytree(PROJECT_DIR, tmp_path / "project", ignore=shutil.ignore_patterns(".*", "data", "target"))
    edit_project(seed, EDITS[seed], project / "dbt_project")
    run = run_pipeline(data_dir, source_root, project_dir=project)
    assert run.returncode == 0, run.stdout
    lines = lines_of(*compare_decisions(published, settings.serving_path), most=5)
    assert len(lines) > 1
    assert done.stdout.splitlines()[-len(lines) :] == lines
