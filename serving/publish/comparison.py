"""What changed from one version of the published file to another: rows and money, by table and band."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from serving.reader import snapshot

ROWS = "rows"
# Columns whose values are bands of the mix, by which their tables are taken apart.
BANDS = ("arr_mix_band", "band")
MONEY = ("usd", "mrr")

Sums = dict[tuple[str, str, str], Decimal]


@dataclass(frozen=True)
class Difference:
    """A figure of a table and band, before and after; None where the table or the column was not there."""

    table: str
    band: str
    figure: str
    before: Decimal | None
    after: Decimal | None

    @property
    def by(self) -> Decimal:
        """How much it went up."""
        return (self.after or Decimal(0)) - (self.before or Decimal(0))


def changes(before: Path, after: Path) -> list[Difference]:
    """The figures that differ, by table: its rows and the sum of each of its columns of money."""
    old, new = _sums(before), _sums(after)
    return [
        Difference(*key, old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys(), key=lambda key: (key[0], key[1], key[2] != ROWS, key[2]))
        if old.get(key) != new.get(key)
    ]


def as_table(found: Sequence[Difference]) -> str:
    """The changes as a table that is read in a terminal, and as Markdown in Dagster."""
    if not found:
        return "No row and no sum of money differs."
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
            "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'marts' order by all"
        ).fetchall():
            columns.setdefault(table, {})[column] = kind
        for table, kinds in columns.items():
            money = [name for name, kind in kinds.items() if kind.endswith(",2)") and _is_money(name)]
            band = next((f"coalesce(\"{name}\", 'none')" for name in BANDS if name in kinds), "''")
            summed = ", ".join(["count(*)", *(f'sum("{name}")' for name in money)])
            for row in connection.execute(f'select {band}, {summed} from "{table}" group by 1').fetchall():  # noqa: S608
                for figure, value in zip((ROWS, *money), row[1:], strict=True):
                    sums[table, row[0], figure] = Decimal(value or 0)
    return sums


def _is_money(column: str) -> bool:
    return not set(MONEY).isdisjoint(column.split("_"))


def _write(value: Decimal | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign},}"


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    """Words to the left, figures to the right."""
    return [
        text.ljust(width) if i < 3 else text.rjust(width)
        for i, (text, width) in enumerate(zip(line, widths, strict=True))
    ]
