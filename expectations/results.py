"""What came of expectations: `quality.expectation_results`, a row per run, table and expectation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from warehouse.connection import connect, next_turn

# The columns that come last are newer than the data folders of the first version.
CREATE_RESULTS = """
create schema if not exists quality;
create table if not exists quality.expectation_results (
    run_id varchar not null, as_of_date date, layer varchar not null, table_name varchar not null,
    expectation varchar not null, type varchar not null, severity varchar not null, status varchar not null,
    observed varchar, unexpected_rows bigint, total_rows bigint, detail varchar, checked_at timestamp not null,
    first_day date, last_day date, turn bigint, looked_from date, looked_to date, asked varchar
);
alter table quality.expectation_results add column if not exists first_day date;
alter table quality.expectation_results add column if not exists last_day date;
alter table quality.expectation_results add column if not exists turn bigint;
alter table quality.expectation_results add column if not exists looked_from date;
alter table quality.expectation_results add column if not exists looked_to date;
alter table quality.expectation_results add column if not exists asked varchar
"""


@dataclass(frozen=True)
class Result:
    """What came of one expectation. Counts are null where the check could not run or does not count rows.

    `days`, both ends included, are those that it is of; None if it is of the whole table. `looked_at` are the days that
    were read for that, since the others had not changed; None if every row was read.
    """

    layer: str
    table: str
    name: str
    type: str
    severity: Literal["critical", "warning"]
    status: Literal["passed", "failed", "error"]
    observed: str | None
    unexpected_rows: int | None
    total_rows: int | None
    detail: str | None
    days: tuple[date, date] | None = None
    looked_at: tuple[date, date] | None = None
    asked: str | None = None

    @property
    def is_blocking(self) -> bool:
        """Whether nothing downstream of the layer may start."""
        return self.status == "error" or (self.status == "failed" and self.severity == "critical")


def results_of_run(warehouse_path: Path, layer: str, run_id: str) -> list[Result]:
    """What the expectations of a layer gave in a run, as `quality.expectation_results` has it."""
    with connect(warehouse_path, read_only=True) as connection:
        rows = connection.execute(
            "select layer, table_name, expectation, type, severity, status, observed, unexpected_rows, total_rows, "
            "detail from quality.expectation_results where run_id = ? and layer = ? order by table_name, expectation",
            [run_id, layer],
        ).fetchall()
    return [Result(*row) for row in rows]


def keep_results(warehouse_path: Path, results: Sequence[Result], run_id: str, as_of: date | None) -> None:
    """Append results to quality.expectation_results; those of the same run and table are replaced."""
    checked_at = datetime.now(UTC).replace(tzinfo=None)
    columns = (
        "run_id, as_of_date, layer, table_name, expectation, type, severity, status, observed, unexpected_rows, "
        "total_rows, detail, checked_at, first_day, last_day, looked_from, looked_to, asked"
    )
    rows = [
        (
            *(run_id, as_of, each.layer, each.table, each.name, each.type, each.severity, each.status),
            *(each.observed, each.unexpected_rows, each.total_rows, each.detail, checked_at),
            *(*(each.days or (None, None)), *(each.looked_at or (None, None)), each.asked),
        )
        for each in results
    ]
    with connect(warehouse_path) as connection:
        connection.execute(CREATE_RESULTS)
        connection.execute("begin")
        turn = next_turn(connection)
        connection.executemany(
            "delete from quality.expectation_results where run_id = ? and layer = ? and table_name = ?",
            sorted({(run_id, each.layer, each.table) for each in results}),
        )
        connection.executemany(
            f"insert into quality.expectation_results ({columns}, turn) "  # noqa: S608
            f"values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {turn})",
            rows,
        )
        connection.execute("commit")
