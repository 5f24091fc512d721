"""Mapping files of databases: an SQL select for a table of the contract, and the company's own words for ours."""

from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict

from connectors.report import LandingError
from ingestion.contract.model import Column, Contract, Table
from validation import validated

# How a table is landed follows from how it is stored. Stripe's objects come from Stripe alone.
LANDED = {"versions", "days", "rows"}


def _texts(words: Any) -> Any:
    """YAML reads 1, true and 1.5 as values; in a map they are words."""
    if not isinstance(words, dict):
        return words
    return {_text(theirs): _text(ours) for theirs, ours in words.items()}


def _text(word: Any) -> Any:
    if isinstance(word, bool):
        return str(word).lower()
    return str(word) if isinstance(word, int | float) else word


# Their word, and ours; null takes the value away.
ValueMap = Annotated[dict[str, str | None], BeforeValidator(_texts)]


class TableMapping(BaseModel):
    """One table: the select that gives its columns, and by column what the company's own values mean."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    select: str
    values: dict[str, ValueMap] = {}


Mapping = dict[str, TableMapping]


def content_of(path: Path) -> Any:
    """What a mapping file says, not checked yet. Raises `LandingError`."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader)
    except FileNotFoundError:
        raise LandingError(
            f"the mapping file {path} does not exist: copy {path.name} from connectors/mappings/ and adjust it, or "
            "correct GROWTH_MAPPINGS_DIR"
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise LandingError(f"the mapping file {path} cannot be read: {' '.join(str(error).split())}") from None


def read_mapping(path: Path, contract: Contract) -> dict[Table, TableMapping]:
    """The mapping file, checked against the contract. Raises `LandingError`: one sentence on the first mistake."""
    content = content_of(path)
    if not isinstance(content, dict) or not content:
        raise LandingError(f"{path}: it must have a key a table, such as `product_db.organizations:`")
    tables = {f"{table.source}.{table.name}": table for table in contract.tables if table.stored in LANDED}
    mapping = {}
    for name, entry in content.items():
        if name not in tables:
            raise LandingError(f"{path}: {name!r} is not one of the tables {', '.join(tables)}")
        mapping[tables[name]] = validated(TableMapping, entry, f"{path}: {name}", LandingError)
        _require_known_words(path, name, tables[name], mapping[tables[name]])
    # In the contract's order, since a later table may refer to an earlier one.
    return {table: mapping[table] for table in contract.tables if table in mapping}


def _require_known_words(path: Path, name: str, table: Table, mapping: TableMapping) -> None:
    for column_name, words in mapping.values.items():
        column = table.column(column_name)
        if column is None:
            raise LandingError(f"{path}: {name}: values are given for {column_name}, which the contract does not have")
        if mistake := mistake_of(column, words):
            raise LandingError(f"{path}: {name}.{column_name}: {mistake}")


def mistake_of(column: Column, words: dict[str, str | None]) -> str | None:
    """What is wrong with a map of a company's words to those of a column."""
    allowed = [str(value) for value in column.allowed]
    for theirs, ours in words.items():
        if ours is None and not (column.nullable or column.type in {"list", "object"}):
            return f"{theirs!r} means nothing, but every row needs a value"
        if ours is not None and allowed and ours not in allowed:
            return f"{theirs!r} means {ours!r}, which is not one of {', '.join(allowed)}"
    meant = [ours for ours in words.values() if ours is not None]
    twice = next((ours for ours in meant if meant.count(ours) > 1), None)
    if column.type == "object" and twice:
        return f"two words mean {twice!r}, but an object has one value for a key: add them up in the select"
    return None
