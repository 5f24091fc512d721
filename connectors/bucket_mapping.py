"""The mapping file of a bucket: for each table of the contract, what the names of its objects are like."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, RootModel

from connectors.mapping import content_of
from connectors.report import LandingError
from ingestion.contract.model import Table, load_contract
from validation import validated

# The part of a day, and how many digits it has.
DAY = {"{YYYY}": ("year", 4), "{MM}": ("month", 2), "{DD}": ("day", 2)}
TOKEN = re.compile(r"\{[^}]*\}|\*|[^{*]+|\{")


@dataclass(frozen=True)
class Match:
    """What an object's name says: its day, if the pattern has one, or what is wrong with it."""

    day: date | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Pattern:
    """A pattern of names relative to the bucket's address, such as `usage/{YYYY}-{MM}-{DD}/*.parquet`."""

    text: str
    regex: re.Pattern[str]

    @property
    def folder(self) -> str:
        """The folder that every name like this is in."""
        return re.split(r"[*{]", self.text, maxsplit=1)[0].rpartition("/")[0]

    def match(self, name: str) -> Match | None:
        """None if the name is not like the pattern, or is hidden by `_` or `.`, as everywhere in a source root."""
        found = self.regex.fullmatch(name)
        if found is None or any(part.startswith(("_", ".")) for part in name.split("/")):
            return None
        numbers = found.groupdict()
        if len(numbers) < len(DAY):
            return Match()
        try:
            return Match(date(int(numbers["year"]), int(numbers["month"]), int(numbers["day"])))
        except ValueError:
            return Match(fault="has no day of the calendar in its name")


def _listed(patterns: Any) -> Any:
    return [patterns] if isinstance(patterns, str) else patterns


class BucketMapping(RootModel[dict[str, Annotated[list[str], BeforeValidator(_listed)]]]):
    """One pattern, or several, by table."""


def read_mapping(path: Path) -> dict[Table, list[Pattern]]:
    """The mapping file, checked against the contract. Raises `LandingError`."""
    entries = validated(BucketMapping, content_of(path), str(path), LandingError).root
    tables = {f"{table.source}.{table.name}": table for table in load_contract().tables}
    mapping = {}
    for name, texts in entries.items():
        if name not in tables:
            raise LandingError(
                f"{path}: {name} is not a table of the input contract (docs/sources.md): correct its name"
            )
        mapping[tables[name]] = [_pattern(f"{path}: {name}", tables[name], text) for text in texts]
    return mapping


def _pattern(where: str, table: Table, text: str) -> Pattern:
    regex, seen = "", set()
    for token in TOKEN.findall(text):
        if token in DAY:
            name, digits = DAY[token]
            # What stands a second time is the same again.
            regex += f"(?P={name})" if name in seen else f"(?P<{name}>[0-9]{{{digits}}})"
            seen.add(name)
        elif token.startswith("{"):
            raise LandingError(
                f"{where}: {token!r} in {text!r} is not one of {', '.join(DAY)}: write one of them, or *"
            )
        else:
            regex += "[^/]*" if token == "*" else re.escape(token)  # noqa: S105 (a part of a pattern)
    if table.stored == "days" and len(seen) < len(DAY):
        raise LandingError(f"{where}: {text!r} does not say the day of an object: write {', '.join(DAY)} into it")
    return Pattern(text, re.compile(regex))
