"""What a landing says: the rows and files of each table, and the error that stops a system."""

from dataclasses import dataclass, field

from settings import UserError


class LandingError(UserError):
    """A system cannot be landed. One sentence: the system, the table or object, what happened, and what to do."""


@dataclass(frozen=True)
class TableLanding:
    """What was landed of one table. `source_table` is `source.table`, as in the contract.

    `rows_seen` are the rows that the system gave; new, changed and removed rows are those that were written. A
    warning is a sentence.
    """

    source_table: str
    rows_seen: int = 0
    rows_new: int = 0
    rows_changed: int = 0
    rows_removed: int = 0
    files: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def rows_landed(self) -> int:
        return self.rows_new + self.rows_changed + self.rows_removed


@dataclass
class LandingReport:
    """What was landed of one system (`postgres`, `stripe`, …).

    A warning is a sentence. A failure is too: of one table of which nothing was landed, beside others that were.
    """

    system: str
    tables: list[TableLanding] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0
