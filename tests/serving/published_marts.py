"""A published file made by hand: every mart as its contract in dbt declares it, with the rows that a test gives."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from settings import Settings
from tests.support.dbt_models import described_models

Rows = Sequence[Mapping[str, Any]]


def described_marts() -> dict[str, dict[str, dict[str, Any]]]:
    """What the dbt project says of every column of every mart."""
    return {
        mart: {column["name"]: column for column in model["columns"]}
        for mart, model in described_models("marts").items()
    }


def contracts() -> dict[str, dict[str, str]]:
    """Columns and types of every mart."""
    return {
        mart: {name: column["data_type"] for name, column in columns.items()}
        for mart, columns in described_marts().items()
    }


def keep_earlier(settings: Settings, rows: Mapping[str, Rows], as_of_date: date = date(2026, 10, 30)) -> None:
    """Keep a version of an earlier data day, published a day before the live one."""
    with TemporaryDirectory(dir=settings.data_dir) as folder:
        of_its_own = Settings(data_dir=Path(folder))
        published_at = datetime.fromisoformat("2026-10-31T02:30:00")
        path = write_published(of_its_own, rows, published_at=published_at, as_of_date=as_of_date)
        kept = settings.serving_path.parent / "versions" / "20261031T023000.000000" / path.name
        kept.parent.mkdir(parents=True)
        path.rename(kept)


def write_published(
    settings: Settings,
    rows: Mapping[str, Rows],
    *,
    published_at: datetime,
    without: Sequence[str] = (),
    as_of_date: date = date(2026, 10, 31),
    last_closed_month: date = date(2026, 10, 1),
    empty_source_tables: str = "",
) -> Path:
    """The published file with all marts but `without`; those of which no rows are given are empty."""
    settings.serving_path.parent.mkdir(parents=True, exist_ok=True)
    marts = {name: columns for name, columns in contracts().items() if name not in without}
    with duckdb.connect(str(settings.serving_path)) as connection:
        connection.execute("create schema marts")
        connection.execute("set schema = 'marts'")
        for name, columns in marts.items():
            declared = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            connection.execute(f"create table {name} ({declared})")
            for row in rows.get(name, ()):
                marks = ", ".join("?" for _ in row)
                connection.execute(f"insert into {name} ({', '.join(row)}) values ({marks})", list(row.values()))
        connection.execute(
            "create table publish_info as select '0f8e6a52-6f5e-4f7e-9d9a-0c2f0c1d2e3f' as run_id, "
            f"date '{as_of_date}' as as_of_date, date '{last_closed_month}' as last_closed_month, ? as published_at, "
            f"'{empty_source_tables}' as empty_source_tables, "
            '\'{"usage.usage_reports": 5, "crm.accounts": 2}\' as rows_set_aside_by_table, '
            "timestamp '2026-11-01 00:10:00' as usage_newest_at, "
            "timestamp '2026-10-28 09:00:00' as crm_newest_at, 7 as rows_set_aside, 170 as checks_passed, "
            "3 as checks_warned, 0 as checks_failed",
            [published_at],
        )
    return settings.serving_path
