"""Compare two versions of the published file: rows and sums of money, by table and band."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from serving.publish.versions import Version, live_version
from serving.reader import snapshot
from settings import Settings

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
    return _differences(_sums(before), _sums(after))


def changes_since(before: Version, settings: Settings) -> list[Difference]:
    """The figures that differ between a version and the live one, whose sums are kept for the next publish.

    To add up one file of a large company takes a third of its publish.
    """
    kept = settings.data_dir / "state" / "published_sums.json"
    old = _kept_sums(kept, before) or _sums(before.path)
    new = _sums(settings.serving_path)
    live = live_version(settings)
    if live:
        kept.parent.mkdir(exist_ok=True)
        building = kept.with_suffix(".building")
        rows = [(*key, str(value)) for key, value in new.items()]
        building.write_text(json.dumps({"version": str(live), "sums": rows}), encoding="utf-8")
        building.replace(kept)
    return _differences(old, new)


def _kept_sums(kept: Path, version: Version) -> Sums | None:
    """The sums of a version; None if those of another are kept, or none that can be read."""
    try:
        noted = json.loads(kept.read_text(encoding="utf-8"))
        if noted["version"] == str(version):
            return {(table, band, figure): Decimal(value) for table, band, figure, value in noted["sums"]}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _differences(old: Sums, new: Sums) -> list[Difference]:
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
