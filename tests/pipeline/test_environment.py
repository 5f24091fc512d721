"""Odd environments and clocks: a command does its work, or says in sentences why not; it never ends in a traceback."""

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from settings import PROJECT_DIR
from tests.support.hand_made import write_hand_made_company
from tests.support.running import run_command

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
# Days that the clock is ahead at first, and after it has stamped some rows.
CLOCKS = ((0, 0), (365, 365), (-365, -365), (365, 0), (0, -365))
LOADS = ("load",)


def ended(
    command: tuple[str, ...], folder: Path, source_root: Path, moments: random.Random, share_of_odd: float
) -> str:
    """What a command says in an environment that is drawn; it may fail, but with a sentence."""
    case = {
        name: moments.choice(values) if moments.random() < share_of_odd else values[0]
        for name, values in VARIABLES.items()
    }
    clock = [*moments.choice(CLOCKS), moments.randrange(12)]
    environment = {**os.environ, "GROWTH_DATA_DIR": str(folder / "data"), "GROWTH_SOURCE_ROOT": str(source_root)}
    for name, value in case.items():
        environment.pop(name, None)
        if value is not None:
            environment[name] = value
    done = subprocess.run(
        [sys.executable, "-m", "tests.pipeline.other_clock", *map(str, clock), *command],
        cwd=PROJECT_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        umask=moments.choice((0o022, 0o077, 0o000)),
        check=False,
        timeout=500,
    )
    assert "Traceback" not in done.stdout, (clock, case, done.stdout)
    assert done.returncode in (0, 1, 2), (clock, case, done.stdout)
    assert done.returncode == 0 or done.stdout.strip(), (clock, case)
    return done.stdout


def source_and_folder(tmp_path: Path, moments: random.Random) -> tuple[Path, Path]:
    """The hand-made company in a folder whose name is drawn, and the name of another to work in."""
    source = tmp_path / moments.choice(("source", "o'brien 100% [1] #?"))
    write_hand_made_company(source)
    return source, tmp_path / moments.choice(FOLDERS)


def assert_load_succeeds_or_says_why(tmp_path: Path, moments: random.Random) -> None:
    """A load in an odd environment, and one in a usual one, which finds nothing left to do."""
    source, folder = source_and_folder(tmp_path, moments)
    said = ended(LOADS, folder, source, moments, share_of_odd=0.5)
    # Nothing is written anywhere but into the data folder.
    assert set(tmp_path.iterdir()) <= {source, folder}
    assert folder.name not in REFUSED or "GROWTH_" in said
    if "loaded in" in said:
        again = run_command(folder / "data", source, "load")
        assert again.returncode == 0, again.stdout
        assert "loaded in" in again.stdout
        assert "\nread " not in f"\n{again.stdout}"


@pytest.mark.parametrize("number", [0, 1, *(pytest.param(number, marks=pytest.mark.slow) for number in range(2, 8))])
def test_load_in_an_odd_environment_succeeds_or_says_why(number: int, tmp_path: Path) -> None:
    assert_load_succeeds_or_says_why(tmp_path, random.Random(f"load {number}"))


@pytest.mark.soak
@pytest.mark.parametrize("number", range(8, 50))
def test_a_load_in_many_more_odd_environments(number: int, tmp_path: Path) -> None:
    assert_load_succeeds_or_says_why(tmp_path, random.Random(f"load {number}"))


@pytest.mark.soak
@pytest.mark.parametrize("number", range(8))
def test_run_in_an_odd_environment_publishes_or_says_why(number: int, tmp_path: Path) -> None:
    moments = random.Random(f"run {number}")
    source, folder = source_and_folder(tmp_path, moments)
    # Of many odd values one would be refused before anything is done.
    ended(("run",), folder, source, moments, share_of_odd=0.1)
    assert set(tmp_path.iterdir()) <= {source, folder}
