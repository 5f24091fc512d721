"""The command itself: its contents page, and how it ends."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import call
from settings import PROJECT_DIR, UserError, get_settings


@pytest.fixture(autouse=True)
def _settings_of_its_own() -> Iterator[None]:
    """A command of a test reads the settings of that test."""
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def growth(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`growth` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        cwd=PROJECT_DIR,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_contents_page_groups_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["--help"]) == 0
    page = capsys.readouterr().out
    groups = ("Every day", "Results", "Sources", "Models and expectations", "Keeping the data safe", "Single steps")
    places = [page.index(group) for group in groups]
    assert places == sorted(places)
    assert "─ Commands ─" not in page


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("GROWTH_SOURCE_ROT", "did you mean GROWTH_SOURCE_ROOT?"),
        ("GROWTH_ZZ", "see .env.example"),
        # The name of the user is that of USER.
        ("GROWTH_USER", ""),
    ],
)
def test_an_unknown_setting_is_an_error_with_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, hint: str
) -> None:
    monkeypatch.setenv(name, "x")
    assert call(["versions"]) == 2
    assert f"{name} is not a setting" in (said := capsys.readouterr().err)
    assert hint in said


def test_a_setting_that_is_no_day_says_how_a_day_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GROWTH_AS_OF", "foo")
    assert call(["versions"]) == 2
    assert capsys.readouterr().err == "GROWTH_AS_OF='foo': write a day as 2026-10-31\n"


def test_what_goes_wrong_is_a_sentence_and_its_traceback_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("serving.publish.versions.versions", lambda _: 1 / 0)
    assert call(["versions"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("unexpected error: ZeroDivisionError: division by zero")
    assert "Traceback (most recent" not in said
    kept = tmp_path / "data" / "state" / "errors.log"
    assert str(kept) in said
    assert "ZeroDivisionError" in kept.read_text()


def test_an_error_for_the_user_ends_with_its_own_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class WrongError(UserError):
        code = 2

    def fail(_: object) -> None:
        raise WrongError("this is what to do")

    monkeypatch.setattr("serving.publish.versions.versions", fail)
    assert call(["versions"]) == 2
    assert capsys.readouterr().err == "this is what to do\n"


def test_a_reader_that_stops_reading_ends_the_command_quietly() -> None:
    piped = subprocess.run(
        f"{sys.executable} -m cli expectations | head -1",
        shell=True,
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert piped.stdout == "\n"
    assert piped.stderr == ""


def test_a_run_goes_on_when_its_reader_has_read_enough() -> None:
    prints = "from cli.console import RunConsole; console = RunConsole(); [console.print(n) for n in range(50_000)]"
    piped = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f"{sys.executable} -c '{prints}; print()' | head -1"],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (piped.returncode, piped.stdout, piped.stderr) == (0, "0\n", "")


def test_the_installed_script_and_the_module_are_one_command() -> None:
    script = Path(sys.executable).with_name("growth")
    shown = subprocess.run([script, "--help"], capture_output=True, text=True, check=True, timeout=60)
    assert shown.stdout == growth("--help").stdout
