"""What one reading of a CRM found: a CSV file of rows for each table, what was merged, and what was left out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from connectors.crm.fields import Rows
from connectors.csv_lines import field_of, header_of

SHOWN_IDS = 3


@dataclass(frozen=True)
class Merge:
    """One account that was merged into another. `organization_id` is that of the account, if the CRM still has it."""

    account_id: str
    into_account_id: str
    organization_id: str | None = None


@dataclass
class Reading:
    """Files in `folder`, one for each table by its name in the contract; lists in the order of the CRM."""

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    merges: list[Merge] = field(default_factory=list)
    without_account: list[str] = field(default_factory=list)
    rows: list[Rows] = field(default_factory=list)

    def write(self, rows: Rows, values: Iterable[list[str | None]]) -> None:
        """Write the rows, each key once: a record that moves while pages are read may come again."""
        path = self.folder / f"{rows.name}.csv"
        seen: set[str | None] = set()
        key = rows.header.index("id")
        with path.open("wb") as file:
            file.write(header_of(rows.header) + b"\n")
            for row in values:
                if row[key] not in seen:
                    seen.add(row[key])
                    file.write(b",".join(map(field_of, row)) + b"\n")
        self.files[rows.name] = path
        self.rows.append(rows)

    def warnings_of(self, service: str, mapping_name: str) -> list[str]:
        """A sentence for each thing that does not stop the landing."""
        warnings = [warning for rows in self.rows for warning in rows.warnings(mapping_name)]
        if left_out := self.without_account:
            shown = ", ".join(left_out[:SHOWN_IDS]) + (", …" if len(left_out) > SHOWN_IDS else "")
            warnings.append(
                f"crm.opportunities: {service} has {len(left_out):,} without an account, not landed: give each one in "
                f"{service}. For example: {shown}"
            )
        return warnings
