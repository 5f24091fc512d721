"""A trial: edited seeds or models, built in a copy of the warehouse. Nothing that readers see changes."""

import csv
import shutil
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from operator import itemgetter
from pathlib import Path

from settings import Settings, UserError
from transform.dbt_runner import DBT_PROJECT_DIR, DEVELOPER_TESTS, invoke_dbt
from transform.private_copy import copy_warehouse

NOT_COPIED = shutil.ignore_patterns("target", "logs", "__pycache__")
PRICE_LIST, CANDIDATE_PRICE_LIST = "price_list.csv", "candidate_price_list.csv"
# What other prices change: bills of closed months stay what they were.
PRICE_STUDIES = ("--select", "candidate_price_list+")
# Between the leading columns that name a row of a seed.
BETWEEN_KEYS = "/"
# Of a seed that has no row of the name that was given.
SHOWN_ROWS = 20


class TrialError(UserError):
    """An edit that names no seed, row or column."""

    code = 2


def build_trial(what: str, edits: Sequence[str], settings: Settings) -> Path:
    """The warehouse of a trial, built with `what` edited.

    `what` is a seed's file, of which each edit is `ROW=VALUE` or `ROW.COLUMN=VALUE`, or a folder of edited seeds and
    models. Of an edited price list only the studies of prices are built, with its versions that differ as the
    candidate: the list in force goes on pricing what it priced. Raises `TrialError`, or `DbtError` if the edited
    project does not build.
    """
    folder = settings.private_warehouse_path.parent / "trial"
    shutil.rmtree(folder, ignore_errors=True)
    project = folder / "dbt_project"
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=NOT_COPIED)
    edit_project(what, edits, project)
    trial = settings.model_copy(update={"data_dir": folder})
    copy_warehouse(settings, trial.warehouse_path, holder="growth try")
    selected = PRICE_STUDIES if is_about_prices(what) else ()
    arguments = ["build", *selected, "--exclude", *DEVELOPER_TESTS]
    invoke_dbt(arguments, trial, folder / "target", project=project)
    return trial.warehouse_path


def is_about_prices(what: str) -> bool:
    """Whether a trial does nothing but weigh another price list."""
    if Path(what).is_dir():
        return [path.name for path in Path(what).iterdir()] == [CANDIDATE_PRICE_LIST]
    return Path(what).stem in (Path(PRICE_LIST).stem, Path(CANDIDATE_PRICE_LIST).stem)


def edit_project(what: str, edits: Sequence[str], project: Path) -> None:
    """Edit a copy of the dbt project as `build_trial` is asked to. Raises `TrialError`."""
    if Path(what).is_dir():
        _overlay(Path(what), project)
    else:
        _edit_seed(what, edits, project)


def _overlay(folder: Path, project: Path) -> None:
    """Put each file of the folder in the place of the project's file of the same name."""
    # Not those of tests: fixtures are called as the seeds are.
    places = [path for name in ("macros", "models", "seeds") for path in (project / name).rglob("*")]
    files = {path.name: path for path in places if path.suffix in (".csv", ".sql", ".yml")}
    edited = sorted(path for path in folder.iterdir() if path.suffix in (".csv", ".sql", ".yml"))
    if not edited:
        raise TrialError(f"{folder} has no seed (.csv) or model (.sql): put the edited files into it")
    for path in edited:
        if path.name not in files:
            raise TrialError(f"{path.name} is no file of the dbt project{_did_you_mean(path.name, files)}")
        shutil.copyfile(path, files[path.name])


def _edit_seed(what: str, edits: Sequence[str], project: Path) -> None:
    seeds = {path.name: path for path in (project / "seeds").glob("*.csv")}
    name = Path(what).name if what.endswith(".csv") else f"{Path(what).name}.csv"
    if name not in seeds:
        raise TrialError(f"{what} is neither a folder nor a seed{_did_you_mean(name, seeds)}")
    if not edits:
        raise TrialError(f"say what to change in {name}, such as ROW=VALUE or ROW.COLUMN=VALUE")
    with seeds[name].open(newline="", encoding="utf-8") as file:
        columns, *rows = csv.reader(file)
    for edit in edits:
        _apply(edit, name, columns, rows)
    if name == PRICE_LIST:
        name, rows = CANDIDATE_PRICE_LIST, _versions_that_differ(columns, rows, seeds[PRICE_LIST])
    with seeds[name].open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *rows])


def _versions_that_differ(columns: Sequence[str], rows: Sequence[list[str]], price_list: Path) -> list[list[str]]:
    """All tiers of each version of a price in which an edited row differs from the list in force."""
    with price_list.open(newline="", encoding="utf-8") as file:
        in_force = list(csv.reader(file))
    version = itemgetter(columns.index("product_key"), columns.index("valid_from"))
    edited = {version(row) for row in rows if row not in in_force}
    return [row for row in rows if version(row) in edited]


def _apply(edit: str, name: str, columns: Sequence[str], rows: list[list[str]]) -> None:
    """Change one value of the rows of a seed."""
    place, is_edit, value = edit.partition("=")
    if not is_edit:
        raise TrialError(f"{edit} is not ROW=VALUE or ROW.COLUMN=VALUE")
    key, _, column = place.rpartition(".") if place.rpartition(".")[2] in columns else (place, "", "")
    numbers = _columns_of_numbers(columns, rows)
    if not column and len(numbers) != 1:
        raise TrialError(f"name the column too: ROW.COLUMN=VALUE, where COLUMN is one of {', '.join(columns)}")
    column = column or numbers[0]
    if column in numbers and not _is_number(value):
        raise TrialError(f"{name} has numbers in column {column}: {value} is none")
    asked = key.split(BETWEEN_KEYS)
    found = [row for row in rows if row[: len(asked)] == asked]
    if not found:
        keys = list(dict.fromkeys(BETWEEN_KEYS.join(row[: len(asked)]) for row in rows))
        shown = f"{', '.join(keys[:SHOWN_ROWS])}{', …' if len(keys) > SHOWN_ROWS else ''}"
        raise TrialError(f"{name} has no row {key}{_did_you_mean(key, keys) or f': it has {shown}'}")
    if len(found) > 1:
        names = BETWEEN_KEYS.join(columns[: len(asked) + 1])
        raise TrialError(f"{len(found)} rows of {name} begin with {key}: write {names}")
    found[0][columns.index(column)] = value


def _columns_of_numbers(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [column for index, column in enumerate(columns) if index and all(_is_number(row[index]) for row in rows)]


def _is_number(text: str) -> bool:
    try:
        Decimal(text)
    except InvalidOperation:
        return False
    return True


def _did_you_mean(name: str, known: Sequence[str] | dict[str, Path]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]}?" if close else ""
