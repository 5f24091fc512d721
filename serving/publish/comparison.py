"""Compare two versions of the published file: rows and sums of money, by table and band."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from serving.reader import snapshot

ROWS = "rows"
# Columns that hold bands of the mix, by which figures are grouped.
BANDS = ("arr_mix_band", "band")
MONEY = {"usd", "mrr"}

Sums = dict[tuple[str, str, str], Decimal]


@dataclass(frozen=True)
class Difference:
    """A figure of a table and band, before and after; None where the table or column was missing."""

    table: str
    band: str
    figure: str
    before: Decimal | None
    after: Decimal | None

    @property
    def by(self) -> Decimal:
        return (self.after or Decimal(0)) - (self.before or Decimal(0))


def changes(before: Path, after: Path) -> list[Difference]:
    """The figures that differ between two files: row counts and sums of money columns, by table."""
    old, new = _sums(before), _sums(after)
    return [
        Difference(*key, old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys(), key=lambda key: (key[0], key[1], key[2] != ROWS, key[2]))
        if old.get(key) != new.get(key)
    ]


def as_table(found: Sequence[Difference]) -> str:
    """The differences as a Markdown table, readable in a terminal and in Dagster."""
    if not found:
        return "Row counts and sums of money are the same."
    lines = [("table", "band", "figure", "before", "after", "change")]
    for change in found:
        figures = (_write(change.before), _write(change.after), _write(change.by, "+"))
        lines.append((change.table, change.band, change.figure, *figures))
    widths = [max(len(line[column]) for line in lines) for column in range(6)]
    rule = tuple("-" * (width - 1) + (":" if column > 2 else "-") for column, width in enumerate(widths))
    return "\n".join(f"| {' | '.join(_padded(line, widths))} |" for line in (lines[0], rule, *lines[1:]))


def _sums(path: Path) -> Sums:
    """Each figure of a file, by table, band (empty where a table has none) and name."""
    sums: Sums = {}
    with snapshot(path) as connection:
        columns: dict[str, dict[str, str]] = {}
        for table, column, kind in connection.execute(
            "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'marts' "
            "and table_oid in (select table_oid from duckdb_tables() where schema_name = 'marts') order by all"
        ).fetchall():
            columns.setdefault(table, {})[column] = kind
        for table, kinds in columns.items():
            money = [name for name, kind in kinds.items() if kind.endswith(",2)") and MONEY & {*name.split("_")}]
            band = next((f"coalesce(\"{name}\", 'none')" for name in BANDS if name in kinds), "''")
            summed = ", ".join(["count(*)", *(f'sum("{name}")' for name in money)])
            for row in connection.execute(f'select {band}, {summed} from "{table}" group by 1').fetchall():  # noqa: S608
                for figure, value in zip((ROWS, *money), row[1:], strict=True):
                    sums[table, row[0], figure] = Decimal(value or 0)
    return sums


def _write(value: Decimal | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign},}"


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Words aligned left, figures right."""
    return [
        text.ljust(width) if i < 3 else text.rjust(width)
        for i, (text, width) in enumerate(zip(line, widths, strict=True))
    ]
