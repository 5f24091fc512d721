"""What is expected of each table: `suites/<layer>/<table>.yml`, read and checked.

A suite names its table's `key` and lists expectations. Each has a name (a sentence about what would break), a type
and its arguments, and why it is there. `blocks` makes it critical: nothing is published while it fails. Five kinds may
block, and no other: a key, a type, a contract, an identity (sums, movements, waterfalls) and the freshness of usage.
What is only unlikely warns, since one odd row must not stop everybody. `owner` is who is told;
`suites/<layer>/_defaults.yml` holds the one for a layer. In a condition or a query, `{as_of}` is the data day, and
in a query `{batch}` is the table.

A suite of a table that is built by days names its `day`, a column of the key: a run for some days then asks for those
rows alone. `{batch}` has no others, and `{first_day}` and `{last_day}` are the ends of the days, for whatever else a
query reads; where all is asked for they are far before and far after any day. What makes sense of the table as a
whole only says `whole: true`, and is left to a run of everything.

A report shows some of the unexpected rows: their key and their figures. A query's other text columns are shown when
the expectation lists them under `shown`, which is for identifiers only: no name and no e-mail address. A query that
compares sums names nobody: `look_for` is a second query, run only when the first fails, whose rows a person looks for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml

SUITES_DIR = Path(__file__).parent / "suites"
LAYERS = ("raw", "staging", "marts")
KINDS_THAT_BLOCK = ("key", "type", "contract", "identity", "freshness")
CUSTOM_SQL = "custom_sql"

# The arguments of each type: required, optional. Types of Great Expectations are listed once they are tested on
# DuckDB; the first three are the project's own (checks.py).
TYPES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    CUSTOM_SQL: (frozenset({"query"}), frozenset({"shown", "look_for"})),
    "expect_rows_to_satisfy": (frozenset({"condition"}), frozenset()),
    "expect_key_to_be_unique": (frozenset({"columns"}), frozenset()),
    "expect_column_values_to_not_be_null": (frozenset({"column"}), frozenset()),
    "expect_column_values_to_be_in_set": (frozenset({"column", "value_set"}), frozenset()),
    "expect_column_values_to_be_between": (frozenset({"column"}), frozenset({"min_value", "max_value"})),
    "expect_column_values_to_match_regex": (frozenset({"column", "regex"}), frozenset()),
    "expect_table_row_count_to_be_between": (frozenset(), frozenset({"min_value", "max_value"})),
}


class SuiteError(ValueError):
    """A suite cannot be used; the message names the file, the entry and what is wrong with it."""


@dataclass(frozen=True)
class Expectation:
    """One expectation of a table; `blocks` is its kind, None for one that only warns."""

    name: str
    type: str
    arguments: Mapping[str, Any]
    blocks: str | None
    owner: str
    why: str
    is_whole: bool = False

    @property
    def severity(self) -> Literal["critical", "warning"]:
        """Whether nothing is published while it fails."""
        return "critical" if self.blocks else "warning"


@dataclass(frozen=True)
class Suite:
    """The expectations of one table, the columns that name one of its rows in a report, and the one that is its day."""

    layer: str
    table: str
    key: tuple[str, ...]
    expectations: tuple[Expectation, ...]
    day: str | None = None


@lru_cache(maxsize=4)
def load_suites(directory: Path = SUITES_DIR) -> tuple[Suite, ...]:
    """Every suite, by layer in the order of the pipeline, then by table.

    Raises `SuiteError` if a file does not have the form that this module describes.
    """
    unknown = {path.name for path in directory.iterdir()} - set(LAYERS)
    if unknown:
        raise SuiteError(f"{directory}: {sorted(unknown)} is not a layer; layers are {', '.join(LAYERS)}")
    suites = []
    for layer in LAYERS:
        paths = sorted((directory / layer).glob("*.yml"))
        defaults = _read(directory / layer / "_defaults.yml", set(), {"owner"}) if paths else {}
        suites += [_suite(path, layer, defaults) for path in paths if path.stem != "_defaults"]
    return tuple(suites)


def _suite(path: Path, layer: str, defaults: dict[str, Any]) -> Suite:
    content = defaults | _read(path, {"key", "expectations"}, {"owner", "day"})
    if not _is_list_of_text(content["key"]):
        raise SuiteError(f"{path}: key must be a list of column names")
    day = content.get("day")
    if "day" in content and day not in content["key"]:
        raise SuiteError(f"{path}: day {day!r} is not a column of the key, which is {', '.join(content['key'])}")
    if not isinstance(content["expectations"], list) or not content["expectations"]:
        raise SuiteError(f"{path}: expectations must be a list with at least one entry")
    expectations = [
        _expectation(path, position, entry, content.get("owner"))
        for position, entry in enumerate(content["expectations"], 1)
    ]
    names = [expectation.name for expectation in expectations]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SuiteError(f"{path}: {twice[0]} is the name of more than one expectation")
    about_days = [each.name for each in expectations if each.is_whole or _names_days(each.arguments)]
    if about_days and not day:
        raise SuiteError(
            f"{path}: {about_days[0]} tells days from the whole, and day, the column of the day, is missing"
        )
    return Suite(layer, path.stem, tuple(content["key"]), tuple(expectations), day)


def _expectation(path: Path, position: int, entry: object, owner: str | None) -> Expectation:
    where = f"{path}: expectation {position}"
    if not isinstance(entry, dict):
        raise SuiteError(f"{where}: must have name, type, arguments and why")
    where += f" ({entry.get('name', 'without a name')})"
    _check_keys(where, entry, {"name", "type", "arguments", "why"}, {"owner", "whole", "blocks"})
    name = entry["name"]
    if not isinstance(name, str) or not name.isidentifier() or name != name.lower():
        raise SuiteError(f"{where}: the name must be in snake_case")
    if entry.get("blocks", "key") not in KINDS_THAT_BLOCK:
        raise SuiteError(f"{where}: blocks {entry['blocks']!r} is not one of {', '.join(KINDS_THAT_BLOCK)}")
    owner = entry.get("owner", owner)
    if not owner:
        raise SuiteError(f"{where}: has no owner, and neither has its file or its layer's _defaults.yml")
    if entry.get("whole", True) is not True:
        raise SuiteError(f"{where}: whole is true, or is left out")
    arguments = _arguments(where, entry["type"], entry["arguments"])
    return Expectation(name, entry["type"], arguments, entry.get("blocks"), owner, entry["why"], "whole" in entry)


def _arguments(where: str, type_name: str, arguments: object) -> dict[str, Any]:
    if type_name not in TYPES:
        raise SuiteError(f"{where}: type {type_name!r} is unknown; types are {', '.join(TYPES)}")
    if not isinstance(arguments, dict):
        raise SuiteError(f"{where}: arguments must be a mapping")
    required, optional = TYPES[type_name]
    _check_keys(where, arguments, required, optional, kind=f"argument of {type_name}")
    for name in {"columns", "shown"} & arguments.keys():
        if not _is_list_of_text(arguments[name]):
            raise SuiteError(f"{where}: {name} must be a list of column names")
    if type_name == CUSTOM_SQL and "{batch}" not in arguments["query"]:
        raise SuiteError(f"{where}: the query must read the table, which is {{batch}}")
    return arguments


def _names_days(arguments: Mapping[str, Any]) -> bool:
    return any(f"{{{end}}}" in str(text) for text in arguments.values() for end in ("first_day", "last_day"))


def _read(path: Path, required: set[str], optional: set[str]) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except FileNotFoundError:
        return {}
    except yaml.YAMLError as error:
        raise SuiteError(f"{path}: is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise SuiteError(f"{path}: must be a mapping")
    _check_keys(str(path), content, required, optional)
    return content


def _check_keys(
    where: str, content: Mapping, required: set[str] | frozenset, optional: set[str] | frozenset, kind: str = "key"
) -> None:
    missing = sorted(required - content.keys())
    if missing:
        raise SuiteError(f"{where}: {kind} {missing[0]!r} is missing")
    unknown = sorted(map(str, content.keys() - required - optional))
    if unknown:
        allowed = ", ".join(sorted(required | optional))
        raise SuiteError(f"{where}: {kind} {unknown[0]!r} is unknown; there are {allowed}")


def _is_list_of_text(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
