"""The input contract (`contract.yml`) as typed, immutable objects."""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import yaml
from pydantic import ConfigDict

from ingestion.errors import ContractError
from validation import validated

CONTRACT_PATH = Path(__file__).with_name("contract.yml")

Stored = Literal["versions", "days", "rows", "objects"]
ColumnType = Literal["string", "int", "decimal", "bool", "date", "timestamp", "list", "object"]
FieldType = Literal["string", "int", "count", "bool", "list", "unix_seconds", "amounts"]
Needed = Literal["always", "optional", "with_balance", "with_subscription", "without_lines"]
Subject = Literal["organization", "user", "customer", "account"]
Personal = Literal["address", "name", "domain", "nothing", "staff"]

NEW_COUNTER_SUFFIX = "_in_period"
# Limits of the models: integers and minor units, digits of money before the point, and dates.
LARGEST_NUMBER = 10**15
MONEY_DIGITS = 15
FIRST_DATE = date(2000, 1, 1)
LAST_DATE = date(2100, 1, 1)
SQL_TYPES: dict[str, str] = {
    "string": "varchar",
    "int": "bigint",
    "decimal": "decimal(38,10)",
    "bool": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "list": "json",
    "object": "json",
}


@dataclass(frozen=True)
class Column:
    """A column of a table: its type and the constraints on its values.

    `minimum` and `maximum` are inclusive; every integer that is not a key has both. `pattern`: what a whole text has to
    match. `link`: the value is the key of another object.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    type: ColumnType
    description: str
    nullable: bool = False
    default: int | None = None
    allowed: tuple[str | int, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None
    references: str | None = None
    personal: Personal | None = None
    link: bool = False

    @property
    def sql_type(self) -> str:
        return SQL_TYPES[self.type]

    @property
    def may_be_missing(self) -> bool:
        """Whether a file may lack the column."""
        return self.nullable or self.default is not None


@dataclass(frozen=True)
class Field:
    """A field of a Stripe object that a rule reads. `any_of` lists dotted paths; the first present one counts."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    name: str
    type: FieldType
    any_of: tuple[str, ...]
    needed: Needed
    description: str
    of_lines: bool = False
    allowed: tuple[str, ...] = ()
    link: bool = False


@dataclass(frozen=True)
class Table:
    """A table of the contract. `columns` are those in schema raw, without the technical ones.

    `without` says what is not known when an optional table has no row, `unknown_marts` where: marts that are then
    empty, and columns of marts (`mart.column`) that are then null or say that they do not know.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    source: str
    name: str
    description: str
    stored: Stored
    required: bool
    key: tuple[str, ...]
    stamp: str | None
    columns: tuple[Column, ...]
    fields: tuple[Field, ...] = ()
    subjects: tuple[tuple[Subject, str], ...] = ()
    kept: tuple[str, ...] = ()
    without: str | None = None
    unknown_marts: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return f"{self.source}/{self.name}"

    @property
    def raw_name(self) -> str:
        return f"{self.source}__{self.name}"

    @property
    def version(self) -> tuple[str, ...]:
        """The columns that identify a version of a row: the key and the stamp, if any."""
        return (*self.key, self.stamp) if self.stamp else self.key

    @property
    def identity(self) -> tuple[str, ...]:
        """The unique columns in schema raw."""
        return self.version if self.stored == "versions" else self.key

    def column(self, name: str) -> Column | None:
        """The column of this name. In usage reports an unknown counter is a column too."""
        if self.stored == "days" and name.endswith(NEW_COUNTER_SUFFIX) and name not in self.column_names:
            return Column(
                name,
                "int",
                "Counter that is not in the contract yet.",
                nullable=True,
                minimum=0,
                maximum=LARGEST_NUMBER,
            )
        return next((column for column in self.columns if column.name == name), None)

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def technical_columns(self) -> tuple[Column, ...]:
        """The file and position of a row, and what dlt needs to replace it."""
        return _PLACE if self.stored == "days" else _PLACE + _CHANGE


@dataclass(frozen=True)
class Contract:
    tables: tuple[Table, ...]

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(table.source for table in self.tables))

    def table(self, raw_name: str) -> Table:
        """The table with this name in schema raw. Raises `KeyError`."""
        return {table.raw_name: table for table in self.tables}[raw_name]


_PLACE = (
    Column("_path", "string", "File that the row came from, relative to the source root."),
    Column("_row", "int", "Position in that file, from 1: the data row, or the line of a JSON lines file."),
)
_CHANGE = (
    Column("_row_hash", "string", "Hash of the row's values; a row is replaced when it differs."),
    Column("_deleted", "bool", "Marker of the loader; null in every loaded row.", nullable=True),
)
_OBJECT_COLUMNS = (
    Column("id", "string", "Identifier that Stripe gave to the object."),
    Column("livemode", "bool", "False for objects of the test mode, which are never counted.", nullable=True),
    Column("created", "timestamp", "Instant of creation; null if Stripe does not say.", nullable=True),
    Column("payload", "object", "The whole object as JSON, as sent by Stripe."),
)


@lru_cache(maxsize=1)
def load_contract() -> Contract:
    """Read and check `contract.yml`. Raises `ContractError`."""
    return parse_contract(yaml.load(CONTRACT_PATH.read_text(encoding="utf-8"), yaml.CSafeLoader))


def parse_contract(content: dict[str, Any]) -> Contract:
    """Raises `ContractError`, which names the table and column."""
    return Contract(tuple(_parse_table(name, entry) for name, entry in content["tables"].items()))


def _parse_table(full_name: str, entry: dict[str, Any]) -> Table:
    source, _, name = full_name.partition(".")
    is_object = entry.get("stored") == "objects"
    if ("fields" in entry) != is_object or ("columns" in entry) == is_object:
        raise ContractError(f"{full_name}: objects have fields, every other table has columns")
    key = entry.get("key", [])
    columns = [_parse_column(full_name, name, column, key) for name, column in entry.get("columns", {}).items()]
    fields = [
        validated(Field, {"name": name, **field}, f"{full_name}.{name}", ContractError)
        for name, field in entry.get("fields", {}).items()
    ]
    parsed = {
        "source": source,
        "name": name,
        "stamp": None,
        **entry,
        "columns": _OBJECT_COLUMNS if is_object else columns,
        "fields": fields,
        "subjects": list(entry.get("subjects", {}).items()),
    }
    table = validated(Table, parsed, full_name, ContractError)
    _check_table(full_name, table)
    return table


def _parse_column(table: str, name: str, entry: dict[str, Any], key: list[str]) -> Column:
    is_bounded = entry.get("type") == "int" and name not in key and "allowed" not in entry
    bounds = {"minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER} if is_bounded else {}
    return validated(Column, {"name": name, **bounds, **entry}, f"{table}.{name}", ContractError)


def _check_table(full_name: str, table: Table) -> None:
    if table.required != (table.without is None):
        raise ContractError(f"{full_name}: an optional table, and no other, says what is unknown without it")
    if (table.stamp is not None) != (table.stored in {"versions", "days"}):
        raise ContractError(f"{full_name}: versions and days need a stamp, other tables must not have one")
    _check_personal(full_name, table)
    for column in table.columns:
        if column.references and column.references.count(".") != 1:
            raise ContractError(f"{full_name}.{column.name}: write references as source.table")
    nullable = {column.name: column.may_be_missing for column in table.columns}
    for name in (*table.key, *([table.stamp] if table.stamp else [])):
        if nullable.get(name, True):
            raise ContractError(f"{full_name}: key or stamp {name} must be a column that is never null")


def _check_personal(full_name: str, table: Table) -> None:
    for kind, place in table.subjects:
        if not table.fields and place not in table.column_names:
            raise ContractError(f"{full_name}: subject {kind} is in {place}, which is not a column")
    for column in table.columns:
        if column.personal == "nothing" and not (column.nullable or column.type == "list"):
            raise ContractError(f"{full_name}.{column.name}: only a list or a nullable column can be erased")
