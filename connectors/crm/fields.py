"""The mapping file of a CRM, and the values of the contract that it makes of the CRM's own."""

import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from connectors.layout import REMOVED
from connectors.mapping import ValueMap, content_of, mistake_of
from connectors.report import LandingError
from ingestion.contract.model import Column, Table, load_contract
from validation import validated

ACCOUNTS, OPPORTUNITIES, MERGES = "crm.accounts", "crm.opportunities", "crm.account_merges"
# These columns have one home in a CRM, so no mapping names them. That a record is gone is found by comparison.
BUILT_IN = {ACCOUNTS: ("id", "updated_at"), OPPORTUNITIES: ("id", "account_id", "created_at", "updated_at")}
# A field, or a field of what it leads to. Names become part of queries, so nothing else is a name.
NAME = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$"
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
EXPONENT = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?[eE][+-]?[0-9]{1,2}")
WHOLE = re.compile(r"([+-]?[0-9]+)\.0+")


def text_of(value: Any) -> str | None:
    """A value of JSON or YAML as text of the contract; null and the empty text, with which a CRM clears, are None."""
    if isinstance(value, bool):
        return str(value).lower()
    return None if value in (None, "") else str(value)


def _text(value: Any) -> Any:
    return text_of(value) if isinstance(value, bool | int | float) else value


Text = Annotated[str, BeforeValidator(_text)]
Name = Annotated[str, Field(pattern=NAME)]


class Source(BaseModel):
    """Where the value of a column comes from. In the file, a mere name is a field of the CRM."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: Name | None = None
    values: ValueMap = {}
    # What an empty field means.
    empty: Text | None = None
    # The column is null unless this field is true.
    only_if: Name | None = None
    # The same value for every row, in place of a field.
    value: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _named(cls, entry: Any) -> Any:
        return {"field": entry} if isinstance(entry, str) else entry

    @model_validator(mode="after")
    def _one_origin(self) -> "Source":
        if (self.field is None) == (self.value is None):
            raise ValueError("a column has either a `field` or a `value`")
        return self


class CrmMapping(BaseModel):
    """A mapping file: a source by column of each table, and the field that lists what was merged, if any."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    accounts: dict[str, Source] = Field(alias="crm.accounts")
    opportunities: dict[str, Source] = Field(alias="crm.opportunities")
    merges: Name | None = Field(alias="crm.account_merges", default=None)

    def sources(self, table: str) -> dict[str, Source]:
        return self.accounts if table == ACCOUNTS else self.opportunities

    def fields(self, table: str) -> list[str]:
        """The fields that the columns of a table read, each once."""
        sources = self.sources(table).values()
        names = [name for source in sources for name in (source.field, source.only_if) if name]
        return list(dict.fromkeys([*names, *([self.merges] if self.merges and table == ACCOUNTS else [])]))


def read_mapping(path: Path) -> CrmMapping:
    """The mapping file, checked against the contract. Raises `LandingError`."""
    mapping = validated(CrmMapping, content_of(path), str(path), LandingError)
    if mapping.merges and "organization_id" not in mapping.accounts:
        raise LandingError(
            f"{path}: {MERGES} needs organization_id of {ACCOUNTS}: name its field, or take {MERGES} out"
        )
    for table in (ACCOUNTS, OPPORTUNITIES):
        if mistake := _mistake(contract_table(table), mapping.sources(table), BUILT_IN[table]):
            raise LandingError(f"{path}: {table}.{mistake}")
    return mapping


def contract_table(name: str) -> Table:
    return load_contract().table(name.replace(".", "__"))


def _mistake(table: Table, sources: dict[str, Source], built_in: tuple[str, ...]) -> str | None:
    """The first column that the contract does not have, needs, or gives another meaning."""
    for name, source in sources.items():
        column = table.column(name)
        if column is None:
            return f"{name} is not a column of the input contract (docs/sources.md): take it out"
        if name in (*built_in, REMOVED):
            return f"{name} is read without a mapping: take it out"
        constants = {"`empty`": source.empty, "`value`": source.value}
        words = {word: ours for word, ours in constants.items() if ours is not None} | source.values
        if mistake := mistake_of(column, words):
            return f"{name}: {mistake}"
    needed = (column.name for column in table.columns if not column.may_be_missing)
    missing = next((name for name in needed if name not in (*sources, *built_in)), None)
    return missing and f"{missing} has no source, but every row needs a value: name a field, or a `value`"


class Rows:
    """Makes rows of one table, and counts the values that the contract does not allow."""

    def __init__(self, name: str, sources: dict[str, Source]) -> None:
        table = contract_table(name)
        self.name = name
        self._columns = [column for column in table.columns if column.name in (*BUILT_IN[name], *sources)]
        self._sources = sources
        self.unknown: Counter[tuple[str, str]] = Counter()

    @property
    def header(self) -> list[str]:
        return [column.name for column in self._columns]

    def row(self, built_in: dict[str, Any], value_of: Callable[[str], Any]) -> list[str | None]:
        """A row of texts. `value_of` gives the value of a field of the record."""
        return [
            fitted(column, text_of(built_in.get(column.name)))
            if column.name not in self._sources
            else self._mapped(column, self._sources[column.name], value_of)
            for column in self._columns
        ]

    def _mapped(self, column: Column, source: Source, value_of: Callable[[str], Any]) -> str | None:
        if source.only_if and str(text_of(value_of(source.only_if))).lower() != "true":
            return None
        if source.field is None:
            return source.value
        theirs = text_of(value_of(source.field))
        if theirs is None:
            return source.empty
        ours = source.values.get(theirs, theirs)
        if ours is not None and column.allowed and ours not in column.allowed:
            self.unknown[column.name, ours] += 1
        return fitted(column, ours)

    def warnings(self, mapping_name: str) -> list[str]:
        """A sentence for each value that the load will refuse."""
        return [
            f"{self.name}.{column}: {value!r} is in no map, and the load sets its {count:,} "
            f"{'row' if count == 1 else 'rows'} aside: give it a meaning in {mapping_name}"
            for (column, value), count in sorted(self.unknown.items())
        ]


def fitted(column: Column, text: str | None) -> str | None:
    """A value as the contract writes it: the same value, without the exponents and the days of a CRM.

    Salesforce writes 350000000 as 3.5E8, whole numbers as 5.0, and days where the contract has instants; both CRMs
    mean midnight in UTC by a day.
    """
    if text is None:
        return None
    if column.type == "timestamp" and DAY.fullmatch(text):
        return f"{text}T00:00:00Z"
    if column.type in {"decimal", "int"} and EXPONENT.fullmatch(text):
        text = format(Decimal(text), "f")
    if column.type == "int" and (whole := WHOLE.fullmatch(text)):
        return whole[1]
    return text
