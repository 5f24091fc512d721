"""The folder of `growth init`: five organizations as files to edit, templates, mappings, settings, and what to change.

Everything is copied from files of the project. Usage stands in one table here and becomes a file a day.
"""

import csv
import shutil
from pathlib import Path

import yaml

from settings import PROJECT_DIR, UserError, odd_characters

STARTER_DIR = Path(__file__).with_name("starter")
USAGE = "usage_reports.csv"
MAPPINGS_DIR = PROJECT_DIR / "connectors" / "mappings"
SEEDS_DIR = PROJECT_DIR / "dbt_project" / "seeds"
# dbt's tag on the seeds that a company replaces by its own prices, targets and people.
OWN_SEED = "company"
OPEN_TO_OWNER = 0o600


class FolderError(UserError):
    """The folder for `growth init` cannot be used; the message says why, and what to do."""


def write_starter(folder: Path) -> None:
    """Write the folder, whole or not at all. Raises `FolderError` if something is there already.

    `folder` is absolute. Its settings make it the home of a data folder.
    """
    if odd := odd_characters(folder):
        raise FolderError(
            f"{str(folder)!r} has {' and '.join(map(repr, odd))}, which databases interpret: name another"
        )
    if folder.is_dir() and any(folder.iterdir()):
        raise FolderError(f"{folder} is not empty, and nothing is ever overwritten: name a new folder")
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"{folder} is a file: name a new folder")
    building = folder.with_name(f".{folder.name}.building")
    shutil.rmtree(building, ignore_errors=True)
    shutil.copytree(STARTER_DIR, building, ignore=shutil.ignore_patterns(USAGE))
    _write_usage(building / "source" / "usage" / "usage_reports")
    if MAPPINGS_DIR.is_dir():
        shutil.copytree(MAPPINGS_DIR, building / "mappings")
    (building / "your_seeds.md").write_text(_list_of_seeds(), encoding="utf-8")
    _write_settings(building / "settings.env", folder)
    # An empty folder in its place is replaced.
    building.replace(folder)


def own_seeds() -> dict[str, str]:
    """What each seed that is the company's own is for, by name, as dbt's files describe it."""
    described = [
        seed
        for path in sorted(SEEDS_DIR.glob("_*.yml"))
        for seed in yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)["seeds"]
    ]
    own = [seed for seed in described if OWN_SEED in seed.get("config", {}).get("tags", [])]
    return {seed["name"]: " ".join(seed["description"].split()) for seed in own}


def _list_of_seeds() -> str:
    rows = "".join(f"| {name}.csv | {description} |\n" for name, description in own_seeds().items())
    return (
        "# The numbers that are your own\n\n"
        "These seeds hold the sample company's prices, targets, people and lists. Look through them before you trust\n"
        f"a figure: they are CSV files in `{SEEDS_DIR}`. The next run takes what you change, and tests it.\n\n"
        f"| seed | |\n| --- | --- |\n{rows}"
    )


def _write_usage(folder: Path) -> None:
    """Write one file a day, in the folder of its day."""
    by_day: dict[str, list[dict[str, str]]] = {}
    with (STARTER_DIR / USAGE).open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            by_day.setdefault(row["date"], []).append(row)
    for day, rows in by_day.items():
        path = folder / f"date={day}" / "reports.csv"
        path.parent.mkdir(parents=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _write_settings(path: Path, folder: Path) -> None:
    """Write every setting as a comment, below those that lead into the folder. Only the owner reads it: secrets."""
    own = {"GROWTH_SOURCE_ROOT": folder / "source", "GROWTH_DATA_DIR": folder / "data"}
    if (path.parent / "mappings").is_dir():
        own["GROWTH_MAPPINGS_DIR"] = folder / "mappings"
    lines = [f"{name}='{place}'\n" for name, place in own.items()]
    path.touch(OPEN_TO_OWNER)
    example = (PROJECT_DIR / ".env.example").read_text(encoding="utf-8")
    path.write_text("".join([*lines, "\n", example]), encoding="utf-8")
