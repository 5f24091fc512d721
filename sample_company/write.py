"""Write tables like the exports of a real company: one file per quarter or month, with what changed in it."""

import csv
import gzip
import io
import json
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sample_company.parameters import DAYS, day_at, day_of, to_datetime

TIMESTAMP = pa.timestamp("us", "UTC")


def month_of(instant_us: int) -> str:
    """The month of an export, `YYYY-MM`; events after the last day count for the last month."""
    return day_at(min(day_of(instant_us), DAYS - 1)).strftime("%Y-%m")


def quarter_of(instant_us: int) -> str:
    """The quarter of an export, `YYYY-qN`."""
    day = day_at(min(day_of(instant_us), DAYS - 1))
    return f"{day.year}-q{(day.month - 1) // 3 + 1}"


def iso(instant_us: int | None) -> str | None:
    """An instant as ISO 8601 text with a zone."""
    return None if instant_us is None else to_datetime(instant_us).isoformat()


def iso_texts(instants_us: np.ndarray) -> np.ndarray:
    return np.char.add(np.datetime_as_string(instants_us.astype("datetime64[us]")), "+00:00")


def csv_text(value: Any) -> Any:
    """A value as CSV text: empty for null, `true` and `false`."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else value


def write_parquet(path: Path, columns: dict[str, pa.Array]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path, compression="zstd", store_schema=False)


def write_parquet_exports(folder: Path, stamps: np.ndarray, columns: dict[str, pa.Array]) -> None:
    """Write one Parquet file per quarter with the rows stamped in it."""
    names = np.array([quarter_of(stamp) for stamp in stamps.tolist()])
    for name in sorted(set(names.tolist())):
        rows = pa.array(np.flatnonzero(names == name))
        write_parquet(folder / f"export-{name}.parquet", {key: array.take(rows) for key, array in columns.items()})


def write_rows_parquet(path: Path, rows: list[dict], types: dict[str, pa.DataType]) -> None:
    """Write dictionaries as one Parquet file with these columns and types."""
    write_parquet(
        path, {name: pa.array([_typed(row[name], kind) for row in rows], kind) for name, kind in types.items()}
    )


def write_csv(path: Path, header: list[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write one CSV file, gzipped if its name says so; null is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    _write_text(path, text.getvalue())


def write_jsonl(path: Path, lines: Iterable[str]) -> None:
    """Write one JSONL file, gzipped if its name says so."""
    _write_text(path, "".join(f"{line}\n" for line in lines))


def write_jsonl_exports(folder: Path, rows: Iterable[tuple[int, dict]]) -> None:
    """Write stamped rows as one gzipped JSONL file per month."""
    exports: dict[str, list[str]] = defaultdict(list)
    for stamp, row in rows:
        exports[month_of(stamp)].append(json.dumps(row, separators=(",", ":")))
    for name, lines in sorted(exports.items()):
        write_jsonl(folder / f"export-{name}.jsonl.gz", lines)


def decimal_usd(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _write_text(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    # Without a time stamp in the header, so that the same company has the same bytes.
    path.write_bytes(gzip.compress(data, compresslevel=4, mtime=0) if path.suffix == ".gz" else data)


def _typed(value: Any, kind: pa.DataType) -> Any:
    if value is not None and pa.types.is_decimal(kind):
        return Decimal(value)
    return value
