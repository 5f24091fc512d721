"""Odd environments: a command does its work, or says in sentences why not; it never ends in a traceback."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from common.settings import PROJECT_DIR
from tests.pipeline.hand_made import write_hand_made_company

FOLDERS = (
    "plain",
    "two words",
    "ünï çödé",
    "{braces}",
    "[1]",
    "a*b",
    "semi;colon",
    "$HOME",
    "o'brien",
    "100%",
    "a#1",
    "a ?x",
)
REFUSED = ("o'brien", "100%", "a#1", "a ?x")
VARIABLES: dict[str, tuple[str | None, ...]] = {
    "TZ": (None, "", "Pacific/Kiritimati", "America/St_Johns", "No/Where"),
    "LC_ALL": (None, "C", "POSIX", "xx_XX.UTF-99"),
    "HOME": (os.environ.get("HOME"), None, "/nonexistent"),
    "USER": (os.environ.get("USER"), None, "", "o'brien"),
    "COLUMNS": (None, "0", "many"),
    "PYTHONUTF8": (None, "1"),
    "GROWTH_AS_OF": (None, "", " ", "2026-10-31", " 2026-10-31 ", "yesterday", "2026-13-01", "1970-01-01", "-1"),
    "GROWTH_KEPT_VERSIONS": (None, "", "3", " 3 ", "-1", "many", "1e3"),
    "GROWTH_MAX_LOST_SHARE": (None, "0.2", " ", "nan", "2", "0,2"),
    "GROWTH_ENV": (None, "local", "", "Local", "prod"),
    "GROWTH_UI_HOSTS": (None, "", ",", "localhost"),
    "GROWTH_ALERT_EMAILS": (None, "", "  ", "team:data"),
}  # fmt: skip


def ended(command: tuple[str, ...], folder: Path, source_root: Path, case: dict[str, str | None], umask: int) -> str:
    """What a command says in an environment; it may fail, but with a sentence."""
    environment = {**os.environ, "GROWTH_DATA_DIR": str(folder / "data"), "GROWTH_SOURCE_ROOT": str(source_root)}
    for name, value in case.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=PROJECT_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        umask=umask,
        check=False,
        timeout=500,
    )
    assert "Traceback" not in done.stdout, (case, done.stdout)
    assert done.returncode in (0, 1, 2), (case, done.stdout)
    assert done.returncode == 0 or done.stdout.strip(), case
    return done.stdout


def drawn(moments: random.Random) -> dict[str, str | None]:
    """A value for each variable, usual ones as often as odd ones."""
    return {name: values[0] if moments.random() < 0.5 else moments.choice(values) for name, values in VARIABLES.items()}


@pytest.mark.parametrize("number", range(8))
def test_a_load_in_an_odd_environment_ends_with_rows_or_with_sentences(number: int, tmp_path: Path) -> None:
    moments = random.Random(f"load {number}")
    source = tmp_path / moments.choice(("source", "o'brien 100% [1] #?"))
    write_hand_made_company(source)
    name = FOLDERS[number % len(FOLDERS)] if number < 6 else moments.choice(REFUSED)
    before = set(tmp_path.iterdir())
    said = ended(("ingestion", "load"), tmp_path / name, source, drawn(moments), moments.choice((0o022, 0o077, 0o000)))
    # Nothing is written anywhere but into the data folder.
    assert set(tmp_path.iterdir()) <= {*before, tmp_path / name}
    assert name not in REFUSED or "GROWTH_" in said


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("number", range(50))
def test_a_run_in_an_odd_environment_ends_with_a_publish_or_with_sentences(number: int, tmp_path: Path) -> None:
    moments = random.Random(f"run {number}")
    source = tmp_path / moments.choice(("source", "o'brien 100% [1] #?"))
    write_hand_made_company(source)
    name = moments.choice(FOLDERS)
    ended(("orchestration", "run"), tmp_path / name, source, drawn(moments), moments.choice((0o022, 0o077, 0o000)))
    assert {path.name for path in tmp_path.iterdir()} <= {source.name, name}
