"""Settings that do not fit, and a data folder that cannot be used, end in a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from settings import PROJECT_DIR, Settings, SettingsError, get_settings


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """This project's Python in a process of its own."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT_DIR,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_an_unknown_environment_is_not_taken_for_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROWTH_ENV", "staging")
    with pytest.raises(ValidationError, match="'local' or 'production'"):
        Settings()


def test_unknown_environment_stops_the_run_with_a_sentence(tmp_path: Path) -> None:
    done = run_python("-m", "cli", "run", GROWTH_ENV="prod", GROWTH_DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == 2
    assert "GROWTH_ENV='prod'" in done.stderr
    assert "'local' or 'production'" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_data_day_that_is_no_date_stops_the_run(tmp_path: Path) -> None:
    done = run_python("-m", "cli", "run", GROWTH_AS_OF="yesterday", GROWTH_DATA_DIR=str(tmp_path / "data"))
    assert done.returncode == 2
    assert "GROWTH_AS_OF='yesterday'" in done.stderr


@pytest.mark.parametrize("name", ["o'brien", "100%", "a#1", "a ?x", "back\\slash", "new\nline"])
def test_data_folder_with_a_forbidden_character_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv("GROWTH_DATA_DIR", str(tmp_path / name / "data"))
    with pytest.raises(ValidationError, match="set GROWTH_DATA_DIR to a folder without this character"):
        Settings()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["two words", "ünï", "{x}", "[1]", "a*b", "$HOME"])
def test_any_other_name_of_a_data_folder_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    monkeypatch.setenv("GROWTH_DATA_DIR", str(tmp_path / name))
    assert Settings().data_dir == tmp_path / name


@pytest.mark.parametrize(
    "command",
    [
        ("run",),
        ("load",),
        ("gate", "raw"),
        ("versions",),
    ],
)
def test_every_command_says_in_one_line_which_setting_does_not_fit(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = run_python("-m", "cli", *command, GROWTH_DATA_DIR=str(tmp_path / "100%" / "data"))
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith("GROWTH_DATA_DIR=")
    assert "'%'" in line
    assert list(tmp_path.iterdir()) == []


def test_an_empty_setting_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROWTH_SOURCE_ROOT", "")
    monkeypatch.setenv("GROWTH_AS_OF", "")
    settings = Settings()
    assert settings.source_root is None
    assert settings.as_of is None


@pytest.mark.parametrize("setting", ["GROWTH_SOURCE_ROOT", "GROWTH_LAND_BUCKET"])
def test_password_in_an_address_that_runs_print_is_refused(tmp_path: Path, setting: str) -> None:
    address = {setting: "sftp://growth:s3cret@files.example/source"}
    done = run_python("-m", "cli", "run", GROWTH_DATA_DIR=str(tmp_path / "data"), **address)
    assert done.returncode == 2
    assert f"{setting}: must not have a password in it" in done.stderr
    assert "s3cret" not in done.stdout + done.stderr


def test_a_secret_that_does_not_fit_is_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {"GROWTH_ALERT_WEBHOOKS": "team:data=hooks.example/s3cret", "GROWTH_DAGSTER_POSTGRES_URL": "mysql://s3cret"}
    done = run_python("-m", "cli", "run", **wrong)
    assert done.returncode == 2
    assert "GROWTH_ALERT_WEBHOOKS: " in done.stderr
    assert "GROWTH_DAGSTER_POSTGRES_URL: " in done.stderr
    assert "s3cret" not in done.stderr
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as raised:
        Settings()
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GROWTH_MEMORY_LIMIT", "a lot", "='a lot': write a size or a share, such as 4GB, 800MB or 10%"),
        ("GROWTH_UI_URL", "growth.example", "='growth.example': must begin with http:// or https://"),
        ("GROWTH_SUPPRESSION_KEY", "short", ": must have at least 32 characters"),
        ("GROWTH_DAGSTER_POSTGRES_URL", "mysql://host", ": must begin with postgresql://"),
        ("GROWTH_LAND_STRIPE_URL", "ftp://host", "='ftp://host': must begin with https:// (http:// is for an address"),
    ],
)
def test_the_message_says_what_to_write(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        get_settings.__wrapped__()
    assert str(raised.value).startswith(f"{name}{said}")


def test_a_variable_of_the_profile_is_no_unknown_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROWTH_SPARK_HOST", "spark.example.com")
    assert get_settings.__wrapped__().target == "duckdb"


# Root is not bound by file modes, so the process gives up its rights once everything is imported.
UNPRIVILEGED_RUN = """
import os, sys
import cli.app, cli.console, cli.main, orchestration.instance.run, orchestration.alerts.sensor, rich.live
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
sys.exit(cli.main.call(["run"]))
"""


def test_read_only_data_folder_stops_the_run_with_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir()
    for readable in (tmp_path, *tmp_path.parents):
        if readable.is_relative_to(tmp_path.parents[1]):
            readable.chmod(0o755)
    folder.chmod(0o555)
    done = run_python("-c", UNPRIVILEGED_RUN, GROWTH_DATA_DIR=str(folder / "data"))
    assert done.returncode == 2, done.stderr
    assert f"the data folder {folder / 'data'} cannot be written" in done.stderr
    assert "GROWTH_DATA_DIR" in done.stderr


def test_links_lead_to_the_address_that_people_use(tmp_path: Path) -> None:
    assert Settings(data_dir=tmp_path).ui_address == "http://127.0.0.1:3000"
    assert Settings(data_dir=tmp_path, ui_url="https://growth.example/").ui_address == "https://growth.example"


@pytest.mark.parametrize("address", ["http://api.example", "ftp://127.0.0.1", "http://127.0.0.1.example"])
def test_a_key_travels_encrypted_or_stays_on_this_machine(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValidationError, match="must begin with https"):
        Settings(data_dir=tmp_path, land_stripe_url=address)
    assert (
        Settings(data_dir=tmp_path, land_stripe_url="http://127.0.0.1:8000/").land_stripe_url == "http://127.0.0.1:8000"
    )
