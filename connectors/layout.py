"""How the rows of a table are landed: which columns, in which order, and where key and stamps are.

A landed row is what the source says, with two columns behind it that say when:

    source_updated_at, [source_removed_at], KEY, OTHER COLUMNS, removed_at, updated_at

`updated_at` here stands for the table's stamp. The source's own stamp stays in `source_updated_at`; the one that counts
is later than that of every earlier version of the key.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from connectors.csv_lines import bytes_of, split_row
from ingestion.contract.model import Table

REMOVED = "removed_at"
SOURCE = "source_"
# Values in UTF-8, which are compared byte by byte, as PostgreSQL does in its collation "C".
Key = tuple[bytes, ...]


@dataclass(frozen=True)
class Layout:
    """The columns of a table that a source gives. Only tables that keep versions have anything behind their rows."""

    table: Table
    given: tuple[str, ...]

    @classmethod
    def of(cls, table: Table, names: Iterable[str]) -> "Layout":
        """The layout for a source that gives these columns of the contract, in any order."""
        names = set(names)
        in_front = [name for name in (table.stamp, REMOVED) if table.stored == "versions" and name in names]
        known = [*table.column_names, *sorted(names.difference(table.column_names))]
        others = [name for name in known if name in names and name not in {*in_front, *table.key}]
        return cls(table, (*(SOURCE + str(name) for name in in_front), *table.key, *others))

    @cached_property
    def has_versions(self) -> bool:
        return self.table.stored == "versions"

    @cached_property
    def can_remove(self) -> bool:
        """Whether a row can say that it was removed: the contract has a column for it."""
        return self.has_versions and REMOVED in self.table.column_names

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns of a landed row."""
        return (*self.given, REMOVED, str(self.table.stamp)) if self.has_versions else self.given

    @cached_property
    def first_of_key(self) -> int:
        return self.given.index(self.table.key[0])

    @cached_property
    def parts_of_key(self) -> int:
        return len(self.table.key)

    @cached_property
    def has_stamp(self) -> bool:
        return f"{SOURCE}{self.table.stamp}" in self.given

    @cached_property
    def has_removed(self) -> bool:
        return SOURCE + REMOVED in self.given

    def column_of(self, name: str) -> str:
        """The column of the contract that a column of the layout is read from."""
        return name.removeprefix(SOURCE)

    def key(self, row: bytes) -> Key | None:
        """The key of a row; None if a part of it is null."""
        first, parts = self.first_of_key, self.parts_of_key
        # Most rows have no quotes, and nobody needs the fields behind the key.
        fields = split_row(row) if b'"' in row else row.split(b",", first + parts)
        key = tuple(fields[first : first + parts])
        if b"" in key:
            return None
        return tuple(map(bytes_of, key)) if b'"' in row else key

    def stamp(self, row: bytes) -> bytes:
        """The source's stamp of a row, as written; empty if there is none. A timestamp needs no quotes."""
        return row.partition(b",")[0] if self.has_stamp else b""

    def removed(self, row: bytes) -> bytes:
        """When the source says that the row was removed; empty if it does not."""
        return row.split(b",", 2)[1 if self.has_stamp else 0] if self.has_removed else b""
