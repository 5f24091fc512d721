"""A person's dbt has a file of its own, and a build into the shared one waits its turn."""

import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import duckdb
import jinja2
import pytest
import yaml

from settings import PROJECT_DIR, Settings, SettingsError
from tests.dbt_project.building import dbt
from transform.private_copy import make_private_copy
from warehouse.folder import DataDirError
from warehouse.lock import hold


@pytest.fixture
def settings(parsed: Path, tmp_path: Path) -> Settings:
    """A warehouse with a row that is in its log only."""
    settings = Settings(data_dir=Path(shutil.copytree(parsed, tmp_path / "data")))
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(
            "set checkpoint_threshold = '1GB'; create schema raw; create table raw.rows as select 1 as id"
        )
    return settings


def test_a_copy_has_everything_and_what_is_done_to_it_stays_in_it(settings: Settings) -> None:
    copy = make_private_copy(settings)
    with duckdb.connect(str(copy)) as connection:
        connection.execute("insert into raw.rows values (2)")
        assert connection.execute("select count(*) from raw.rows").fetchall() == [(2,)]
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        assert connection.execute("select id from raw.rows").fetchall() == [(1,)]
    assert make_private_copy(settings) == copy
    with duckdb.connect(str(copy), read_only=True) as connection:
        assert connection.execute("select id from raw.rows").fetchall() == [(1,)]


def _hold_for_a_moment(path: Path, is_held: Event) -> None:
    with hold(path, "run 1"):
        is_held.set()
        time.sleep(1.5)


def test_a_copy_waits_for_the_run_that_has_the_file_and_says_which(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    is_held = multiprocessing.Event()
    run = multiprocessing.Process(target=_hold_for_a_moment, args=(settings.warehouse_path, is_held))
    run.start()
    assert is_held.wait(30)
    make_private_copy(settings)
    run.join()
    assert "waiting for the warehouse: run 1 (process" in caplog.text


def test_without_a_run_there_is_nothing_to_copy(tmp_path: Path) -> None:
    with pytest.raises(DataDirError, match="nothing to copy"):
        make_private_copy(Settings(data_dir=tmp_path))


@pytest.mark.parametrize("user", ["me", "o'brien", "company/me", "..", "../..", "../../elsewhere", "/elsewhere"])
def test_private_copy_is_found_for_any_user_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: str) -> None:
    monkeypatch.setenv("USER", user)
    settings = Settings(data_dir=tmp_path)
    copy = settings.private_warehouse_path
    assert copy.resolve().parent.parent == tmp_path / "private"
    profile = yaml.safe_load((PROJECT_DIR / "dbt_project" / "profiles.yml").read_text())
    path = jinja2.Template(profile["growth"]["outputs"]["duckdb"]["path"])
    variables = {"USER": user, "GROWTH_DATA_DIR": str(tmp_path)}
    assert path.render(env_var=variables.get) == str(copy)


@pytest.mark.parametrize(("limit", "taken"), [(None, "4GB"), ("", "4GB"), ("10%", "4GB"), ("800MB", "800MB")])
def test_dbt_in_a_shell_gives_duckdb_a_size(limit: str | None, taken: str) -> None:
    profile = yaml.safe_load((PROJECT_DIR / "dbt_project" / "profiles.yml").read_text())
    template = jinja2.Template(profile["growth"]["outputs"]["duckdb"]["config_options"]["memory_limit"])
    variables = {} if limit is None else {"GROWTH_MEMORY_LIMIT": limit}
    assert template.render(env_var=variables.get) == taken


def test_a_server_has_no_file_to_copy_and_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="GROWTH_TARGET is postgres: `createdb --template`"):
        make_private_copy(Settings(data_dir=tmp_path, target="postgres"))
    with pytest.raises(DataDirError, match="GROWTH_TARGET is spark: try the change on a data folder"):
        make_private_copy(Settings(data_dir=tmp_path, target="spark"))


@pytest.mark.slow
def test_dbt_in_a_shell_asks_for_a_private_copy(settings: Settings) -> None:
    settings.private_warehouse_path.parent.mkdir(parents=True)
    before = settings.warehouse_path.read_bytes()
    done = dbt(settings.data_dir, "build", "--select", "size_tiers", file=None)
    assert done.returncode != 0
    assert "growth copy" in done.stdout
    assert settings.warehouse_path.read_bytes() == before


@pytest.mark.slow
def test_a_build_into_the_shared_file_waits_its_turn(settings: Settings) -> None:
    is_held = multiprocessing.Event()
    run = multiprocessing.Process(target=_hold_for_a_moment, args=(settings.warehouse_path, is_held))
    run.start()
    assert is_held.wait(30)
    done = subprocess.run(
        [sys.executable, "-m", "cli", "build", "--select", "size_tiers", "--exclude", "resource_type:test"],
        cwd=PROJECT_DIR,
        env={**os.environ, "GROWTH_DATA_DIR": str(settings.data_dir)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    run.join()
    assert done.returncode == 0, done.stderr
    assert "the next refresh checks and publishes them" in done.stdout
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        assert connection.execute("select count(*) > 1 from seeds.size_tiers").fetchall() == [(True,)]
        assert connection.execute("select count(*) from quality.builds").fetchall() == [(1,)]
