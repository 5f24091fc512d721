"""What is expected of each table: `suites/<layer>/<table>.yml`, read and checked.

A suite names its table's `key` and lists expectations as Great Expectations' gallery shows them: `type` and `kwargs`,
with a `name` that says what would be wrong and a `description` that says why it matters. `blocks` makes an expectation
critical: nothing is published while it fails. Five kinds may block: a key, a type, a contract, an identity (sums,
movements, waterfalls) and the freshness of usage. What is only unlikely warns, since one odd row must not stop
everybody. `owner` is who is alerted; `suites/<layer>/_defaults.yml` holds the one for a layer.

In a condition or a query, `{as_of}` is the data day, and in a query `{batch}` is the table. Great Expectations puts a
subquery in its place, with an alias unless the query has a join: without a join, give `{batch}` no alias.

A suite of a table that is built by days names its `day`, a column of the key: a run for some days reads only their
rows. `{batch}` has no others, and `{first_day}` and `{last_day}` are the ends of the days, for other tables that a
query reads; in a run of everything they are far before and after any day. An expectation that makes sense for the
whole table only says `whole: true`, and is checked in a run of everything.

A report shows some of the unexpected rows: their key and their figures. Other text columns of a query are shown when
`shown` lists them, which is for identifiers only: no name and no e-mail address. A query that compares sums finds no
row to correct: `look_for` is a second query, run only when the first fails, that finds the rows.
"""

from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from settings import UserError
from validation import validated

SUITES_DIR = Path(__file__).parent / "suites"
LAYERS = ("raw", "staging", "marts")
QUERY = "expect_query_to_return_no_rows"


class SuiteError(UserError):
    """A suite cannot be used; the message names the file, the entry and what is wrong with it."""


class Strict(BaseModel):
    """A mapping of YAML without unknown keys, whose values have the right type as they stand."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class OfCount(Strict):
    """The bounds of a count."""

    min_value: int | None = None
    max_value: int | None = None


class OfColumn(Strict):
    """One column."""

    column: str


class OfColumnInSet(OfColumn):
    """One column and the values that it may, or may not, have."""

    value_set: list[str | int]


class OfColumnBetween(OfColumn):
    """One column and its bounds, which are included unless they are strict."""

    min_value: int | float | None = None
    max_value: int | float | None = None
    strict_min: bool = False
    strict_max: bool = False


class OfColumns(Strict):
    """Some columns together."""

    column_list: Annotated[list[str], Field(min_length=2)]


class OfPair(Strict):
    """Two columns, of which A is the greater. A row in which either is null is left out if it says so."""

    column_A: str  # noqa: N815 (the name that Great Expectations has)
    column_B: str  # noqa: N815
    or_equal: bool = False
    ignore_row_if: Literal["both_values_are_missing", "either_value_is_missing", "neither"] = "both_values_are_missing"


class OfCondition(Strict):
    """An SQL condition on a row."""

    condition: str


def _reads_its_table(query: str) -> str:
    if "{batch}" not in query:
        raise ValueError("the query must read the table, which is {batch}")
    return query


class OfQuery(Strict):
    """An SQL query for unexpected rows."""

    unexpected_rows_query: Annotated[str, AfterValidator(_reads_its_table)]


# Types of Great Expectations are listed once they are tested on DuckDB. The last two are the project's (checks.py).
KWARGS: dict[str, type[Strict]] = {
    "expect_table_row_count_to_be_between": OfCount,
    "expect_column_values_to_be_unique": OfColumn,
    "expect_compound_columns_to_be_unique": OfColumns,
    "expect_column_values_to_not_be_null": OfColumn,
    "expect_column_values_to_be_in_set": OfColumnInSet,
    "expect_column_values_to_not_be_in_set": OfColumnInSet,
    "expect_column_values_to_be_between": OfColumnBetween,
    "expect_column_pair_values_a_to_be_greater_than_b": OfPair,
    "expect_select_column_values_to_be_unique_within_record": OfColumns,
    "expect_rows_to_satisfy": OfCondition,
    QUERY: OfQuery,
}


def _known_type(name: str) -> str:
    if name not in KWARGS:
        close = get_close_matches(name, KWARGS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"types are {', '.join(KWARGS)}"
        raise ValueError(f"type {name!r} is unknown; {hint}")
    return name


def _in_snake_case(name: str) -> str:
    if not name.isidentifier() or name != name.lower():
        raise ValueError("the name must be in snake_case")
    return name


class Expectation(Strict):
    """One expectation of a table; `blocks` is its kind, None for one that only warns."""

    name: Annotated[str, AfterValidator(_in_snake_case)]
    type: Annotated[str, AfterValidator(_known_type)]
    kwargs: dict[str, Any]
    description: str
    owner: str
    blocks: Literal["key", "type", "contract", "identity", "freshness"] | None = None
    whole: bool = False
    shown: list[str] = []
    look_for: str | None = None

    @property
    def severity(self) -> Literal["critical", "warning"]:
        """Whether nothing is published while it fails."""
        return "critical" if self.blocks else "warning"

    @property
    def depends_on_days(self) -> bool:
        """Whether it differs between a run of everything and one for some days."""
        texts = [str(text) for text in self.kwargs.values()]
        return self.whole or any(end in text for text in texts for end in ("{first_day}", "{last_day}"))


class Suite(Strict):
    """The expectations of one table, the columns that name one of its rows in a report, and the one that is its day."""

    layer: str
    table: str
    key: Annotated[list[str], Field(min_length=1)]
    expectations: Annotated[list[Expectation], Field(min_length=1)]
    day: str | None = None

    @model_validator(mode="after")
    def _is_consistent(self) -> "Suite":
        if self.day is not None and self.day not in self.key:
            raise ValueError(f"day {self.day!r} is not a column of the key, which is {', '.join(self.key)}")
        names = [expectation.name for expectation in self.expectations]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{twice[0]} is the name of more than one expectation")
        of_days = [each.name for each in self.expectations if each.depends_on_days]
        if of_days and not self.day:
            raise ValueError(f"{of_days[0]} depends on days, so the suite needs day, the column of the day")
        return self


class SuiteFile(Strict):
    """A file of a suite, before its expectations are read one by one."""

    key: Annotated[list[str], Field(min_length=1)]
    expectations: Annotated[list[dict[str, Any]], Field(min_length=1)]
    day: str | None = None


class Defaults(Strict):
    """A layer's `_defaults.yml`."""

    owner: str


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
        defaults_path = directory / layer / "_defaults.yml"
        paths = [path for path in sorted((directory / layer).glob("*.yml")) if path != defaults_path]
        if paths:
            defaults = validated(Defaults, _read(defaults_path), str(defaults_path), SuiteError)
            suites += [_suite(path, layer, defaults) for path in paths]
    return tuple(suites)


def _suite(path: Path, layer: str, defaults: Defaults) -> Suite:
    file = validated(SuiteFile, _read(path), str(path), SuiteError)
    expectations = []
    for position, entry in enumerate(file.expectations, 1):
        where = f"{path}: expectation {position} ({entry.get('name', 'without a name')})"
        expectation = validated(Expectation, defaults.model_dump() | entry, where, SuiteError)
        validated(KWARGS[expectation.type], expectation.kwargs, f"{where}: kwargs", SuiteError)
        expectations.append(expectation)
    content = {"layer": layer, "table": path.stem, "expectations": expectations, "key": file.key, "day": file.day}
    return validated(Suite, content, str(path), SuiteError)


def _read(path: Path) -> Any:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except FileNotFoundError as error:
        raise SuiteError(f"{path}: is missing") from error
    except yaml.YAMLError as error:
        raise SuiteError(f"{path}: is not YAML: {error}") from error
