"""Compare two versions of the published file: rows and sums of money, by table and band."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

from serving.publish.marts_copy import Rebuilt
from serving.publish.versions import Version, live_version
from serving.reader import snapshot
from settings import Settings

ROWS = "rows"
# Columns that hold bands of the mix, by which figures are grouped.
BANDS = ("arr_mix_band", "band")
MONEY = {"usd", "mrr"}

Sums = dict[tuple[str, str, str], Decimal]
NO_DAYS: Mapping[str, Rebuilt] = MappingProxyType({})


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
    return _differences(_sums(before, NO_DAYS), _sums(after, NO_DAYS))


def changes_since(before: Version, days_written: Mapping[str, Rebuilt], settings: Settings) -> list[Difference]:
    """The figures that differ between a version and the live one, whose sums are kept for the next publish.

    Of tables in `days_written` the two have the same rows on other days. To add up the whole file of a large company
    takes as long as writing what is new in it.
    """
    kept = settings.data_dir / "state" / "published_sums.json"
    old = _kept_sums(kept, before)
    if old is None:
        old, days_written = _sums(before.path, NO_DAYS), NO_DAYS
    new = _sums(settings.serving_path, days_written)
    if days_written:
        taken_away = _sums(before.path, days_written, only=days_written)
        for key, value in old.items():
            if key[0] in days_written:
                new[key] = value - taken_away.get(key, Decimal(0)) + new.get(key, Decimal(0))
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


def _sums(path: Path, days: Mapping[str, Rebuilt], *, only: Collection[str] | None = None) -> Sums:
    """Each figure of a file, by table, band (empty where a table has none) and name.

    Of tables in `days` only the figures of these days; with `only`, of these tables alone.
    """
    sums: Sums = {}
    with snapshot(path) as connection:
        columns: dict[str, dict[str, str]] = {}
        for table, column, kind in connection.execute(
            "select table_name, column_name, data_type from duckdb_columns() where schema_name = 'marts' "
            "and table_oid in (select table_oid from duckdb_tables() where schema_name = 'marts') order by all"
        ).fetchall():
            columns.setdefault(table, {})[column] = kind
        for table, kinds in columns.items():
            if only is not None and table not in only:
                continue
            money = [name for name, kind in kinds.items() if kind.endswith(",2)") and MONEY & {*name.split("_")}]
            band = next((f"coalesce(\"{name}\", 'none')" for name in BANDS if name in kinds), "''")
            summed = ", ".join(["count(*)", *(f'sum("{name}")' for name in money)])
            rows = f'from "{table}" where {days[table].condition if table in days else "true"}'
            for row in connection.execute(f"select {band}, {summed} {rows} group by 1").fetchall():
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
