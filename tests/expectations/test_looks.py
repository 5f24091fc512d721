"""A gate reads the days that changed since it last found them right, and every row once a week."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import pytest

from expectations import gate
from expectations.suites import Expectation, Suite
from warehouse.connection import connect, next_turn

FIRST = date(2026, 10, 1)
Run = Callable[..., dict[str, tuple]]


def expectation(
    name: str, condition: str, *, blocks: Literal["contract"] | None = "contract", whole: bool = False
) -> Expectation:
    return Expectation(
        name=name,
        type="expect_rows_to_satisfy",
        kwargs={"condition": condition},
        description=f"{name}.",
        owner="data-platform",
        blocks=blocks,
        whole=whole,
    )


ABOVE_ZERO = expectation("amount_is_not_above_zero", "amount > 0")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A file with marts.things, one row a day of October 2026, built at once."""
    path = tmp_path / "data" / "warehouse.duckdb"
    path.parent.mkdir()
    change(
        path,
        "create schema marts; create schema quality",
        "create table marts.things as "
        "select date '2026-10-01' + cast(i as int) as day, 1 as amount from range(31) as r (i)",
        "create table quality.days_rebuilt "
        "(table_name varchar, day_column varchar, first_day date, last_day date, turn bigint)",
    )
    note(path, date(1900, 1, 1), date(9999, 12, 31))
    return path


@pytest.fixture
def look(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the gate over a suite of `things`; returns by expectation its status and the days that were read."""
    runs = iter(range(1000))

    def run(*expectations: Expectation, as_of: date = date(2026, 10, 31)) -> dict[str, tuple]:
        suite = Suite(
            layer="marts", table="things", key=["day"], day="day", expectations=list(expectations or [ABOVE_ZERO])
        )
        monkeypatch.setattr(gate, "load_suites", lambda: [suite])
        results = gate.run_layer(warehouse, "marts", run_id=f"run-{next(runs)}", as_of=as_of, only_changed=True)
        return {each.name: (each.status, each.looked_at) for each in results}

    return run


def change(path: Path, *statements: str) -> None:
    with connect(path) as connection:
        for statement in statements:
            connection.execute(statement)


def note(path: Path, first: date, last: date) -> None:
    with connect(path) as connection:
        turn = next_turn(connection)
        connection.execute("insert into quality.days_rebuilt values ('things', 'day', ?, ?, ?)", [first, last, turn])


def spoil(path: Path, day: date) -> None:
    change(path, f"update marts.things set amount = -1 where day = date '{day}'")


def test_every_row_is_read_first_and_then_the_data_day_and_what_was_built_again(look: Run, warehouse: Path) -> None:
    name = ABOVE_ZERO.name
    assert look() == {name: ("passed", None)}
    assert look() == {name: ("passed", (date(2026, 10, 31), date(2026, 10, 31)))}
    spoil(warehouse, date(2026, 10, 12))
    note(warehouse, date(2026, 10, 10), date(2026, 10, 14))
    assert look() == {name: ("failed", (date(2026, 10, 10), date(2026, 10, 31)))}


def test_what_failed_is_read_whole_until_it_holds(look: Run, warehouse: Path) -> None:
    name = ABOVE_ZERO.name
    spoil(warehouse, date(2026, 10, 12))
    assert [look()[name] for _ in range(3)] == [("failed", None)] * 3
    change(warehouse, "update marts.things set amount = 1")
    assert [look()[name][1] is None for _ in range(2)] == [True, False]


def test_a_week_after_a_sweep_every_row_is_read(look: Run, warehouse: Path) -> None:
    name, day = ABOVE_ZERO.name, date(2026, 10, 31)
    look()
    spoil(warehouse, FIRST)
    seen = [look(as_of=day + timedelta(days=later))[name][0] for later in range(1, 9)]
    assert seen == ["passed"] * 6 + ["failed"] * 2
    assert look(as_of=day - timedelta(days=1))[name] == ("failed", None)


def test_an_expectation_that_is_new_or_asks_something_else_is_asked_of_every_row(look: Run, warehouse: Path) -> None:
    look()
    spoil(warehouse, FIRST)
    added = expectation("amount_is_low", "amount >= 0", blocks=None)
    found = look(ABOVE_ZERO, added)
    assert found[ABOVE_ZERO.name][0] == "passed"
    assert found[added.name] == ("failed", None)
    asked_anew = ABOVE_ZERO.model_copy(update={"kwargs": {"condition": "amount >= 1"}})
    assert look(asked_anew)[ABOVE_ZERO.name] == ("failed", None)


def test_an_expectation_of_the_whole_table_and_a_table_without_notes_are_read_whole(look: Run, warehouse: Path) -> None:
    of_all = expectation("there_is_a_row", "amount > -5", whole=True)
    look(ABOVE_ZERO, of_all)
    assert look(ABOVE_ZERO, of_all)[of_all.name] == ("passed", None)
    change(warehouse, "delete from quality.days_rebuilt")
    assert look(ABOVE_ZERO)[ABOVE_ZERO.name] == ("passed", None)


def test_rows_are_counted_whole_and_the_days_that_were_read_are_kept(look: Run, warehouse: Path) -> None:
    look()
    look()
    with connect(warehouse, read_only=True) as connection:
        rows = connection.execute(
            "select total_rows, looked_from, looked_to from quality.expectation_results order by turn"
        ).fetchall()
    assert rows == [(31, None, None), (31, date(2026, 10, 31), date(2026, 10, 31))]
