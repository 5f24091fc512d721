"""What a gate does with its results: it blocks or warns, keeps history, and never takes an error for a verdict."""

import logging
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cli.main import call
from expectations import gate, results
from expectations.results import CREATE_RESULTS, Result
from expectations.suites import QUERY, Expectation, Suite, SuiteError
from settings import Settings
from warehouse.connection import connect
from warehouse.spark import SparkError

AS_OF = date(2026, 10, 31)


def expectation(name: str, condition: str, blocks: str | None = "contract") -> Expectation:
    return of_type(name, "expect_rows_to_satisfy", {"condition": condition}, blocks=blocks, description="It matters.")


def query(name: str, text: str, **entry: Any) -> Expectation:
    return of_type(name, QUERY, {"unexpected_rows_query": text}, **entry)


def of_type(name: str, type_name: str, kwargs: dict, **entry: Any) -> Expectation:
    return Expectation(
        **{"name": name, "type": type_name, "kwargs": kwargs, "owner": "team", "description": "Why."} | entry
    )


def suite(*expectations: Expectation, table: str = "people") -> Suite:
    return Suite(layer="marts", table=table, key=["id"], expectations=list(expectations))


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A file with marts.people, two rows, of which the second is wrong."""
    path = tmp_path / "data" / "warehouse.duckdb"
    path.parent.mkdir()
    with connect(path) as connection:
        connection.execute(
            "create schema marts; create table marts.people as select * from (values "
            "(1, 'Ada Lovelace', 'ada@example.org', 5), (2, 'Alan Turing', 'alan@example.org', -7)"
            ") as people (id, name, email, amount)"
        )
    return path


@pytest.fixture
def gate_of(warehouse: Path, monkeypatch: pytest.MonkeyPatch):
    """Runs the gate of marts over suites made by hand."""

    def run_gate(
        *suites: Suite,
        run_id: str = "first",
        days: tuple[date, date] | None = None,
    ) -> list[Result]:
        monkeypatch.setattr(gate, "load_suites", lambda: suites)
        return gate.run_layer(warehouse, "marts", run_id=run_id, as_of=AS_OF, days=days)

    return run_gate


def history(warehouse: Path) -> list[tuple]:
    with connect(warehouse, read_only=True) as connection:
        return connection.execute(
            "select run_id, as_of_date, layer, table_name, expectation, status "
            "from quality.expectation_results order by all"
        ).fetchall()


def test_only_a_critical_failure_blocks(gate_of) -> None:
    results = gate_of(
        suite(
            expectation("amount_is_negative", "amount > 0"),
            expectation("amount_is_low", "amount > 0", None),
            expectation("id_is_missing", "id > 0"),
        )
    )
    assert [(each.name, each.status, each.is_blocking) for each in results] == [
        ("amount_is_negative", "failed", True),
        ("amount_is_low", "failed", False),
        ("id_is_missing", "passed", False),
    ]


def test_check_that_cannot_run_blocks_and_others_still_run(gate_of) -> None:
    results = gate_of(
        suite(
            expectation("column_is_not_there", "missing_column > 0", None),
            expectation("another_is_not_there", "other_missing_column > 0", None),
            expectation("id_is_missing", "id > 0"),
            of_type("column_is_not_there_either", "expect_column_values_to_not_be_null", {"column": "missing_column"}),
        ),
        suite(expectation("table_is_not_there", "true", None), table="missing_table"),
    )
    assert [(each.name, each.status, each.is_blocking) for each in results] == [
        ("column_is_not_there", "error", True),
        ("another_is_not_there", "error", True),
        ("id_is_missing", "passed", False),
        ("column_is_not_there_either", "error", True),
        ("table_is_not_there", "error", True),
    ]
    assert all(each.unexpected_rows is None for each in results if each.status == "error")
    assert '"missing_column"' in results[0].detail
    assert '"other_missing_column"' in results[1].detail
    assert '"missing_column"' in results[3].detail
    assert "missing_table" in results[4].detail


def test_result_of_one_table_is_not_taken_for_that_of_another(gate_of, warehouse: Path) -> None:
    with connect(warehouse) as connection:
        connection.execute("create table marts.more_people as select 3 as id, 1 as amount")
    amount = expectation("amount_is_negative", "amount > 0")
    results = gate_of(suite(amount), suite(amount, table="more_people"), suite(amount))
    assert [(each.table, each.status, each.total_rows) for each in results] == [
        ("people", "failed", 2),
        ("more_people", "passed", 1),
        ("people", "failed", 2),
    ]


def test_history_is_kept_and_a_repeated_run_replaces_its_own_results(gate_of, warehouse: Path) -> None:
    amount = expectation("amount_is_negative", "amount > 0")
    gate_of(suite(amount), run_id="first")
    gate_of(suite(amount), run_id="second")
    with connect(warehouse) as connection:
        connection.execute("update marts.people set amount = 1")
    gate_of(suite(amount), run_id="second")
    assert history(warehouse) == [
        ("first", AS_OF, "marts", "people", "amount_is_negative", "failed"),
        ("second", AS_OF, "marts", "people", "amount_is_negative", "passed"),
    ]


def test_sums_that_differ_are_traced_to_the_rows_to_look_for(gate_of) -> None:
    total = query(
        "amounts_do_not_add_up",
        "select sum(amount) as amount from {batch} having sum(amount) <> 1000",
        look_for="select id, amount from {batch} where amount < 0",
    )
    [result] = gate_of(suite(total))
    assert (result.unexpected_rows, result.detail) == (1, "Why. For example: id=2, amount=-7")


def test_sample_names_rows_by_key_and_figures_only(gate_of, caplog: pytest.LogCaptureFixture) -> None:
    everything = query("row_is_wrong", "select * from {batch} where amount < 0")
    shown = query("row_is_shown", "select *, 'x' || id as code from {batch} where amount < 0", shown=["code"])
    in_set = of_type(
        "name_is_unknown", "expect_column_values_to_be_in_set", {"column": "name", "value_set": ["Ada Lovelace"]}
    )
    caplog.set_level(logging.INFO)
    results = gate_of(suite(expectation("amount_is_negative", "amount > 0"), everything, shown, in_set))
    assert [each.detail for each in results] == [
        "It matters. For example: id=2",
        "Why. For example: id=2, amount=-7",
        "Why. For example: id=2, amount=-7, code=x2",
        "Why. For example: id=2",
    ]
    said = [record.getMessage() for record in caplog.records if record.name == "expectations.gate"]
    assert len(said) == 4
    assert not [line for line in said if "Turing" in line or "alan@" in line]


@pytest.fixture
def amounts_by_day(warehouse: Path) -> None:
    """A table that is built by days, whose first and last of three days are wrong."""
    with connect(warehouse) as connection:
        connection.execute(
            "create table marts.amounts as select * from (values (1, -1, date '2026-10-29'), "
            "(2, 1, date '2026-10-30'), (3, -7, date '2026-10-31')) as amounts (id, amount, day)"
        )


AMOUNT_IS_NEGATIVE = (
    expectation("amount_is_negative", "amount > 0"),
    query("amount_is_negative_too", "select id from {batch} where amount < 0"),
    of_type("amount_is_low", "expect_column_values_to_be_between", {"column": "amount", "min_value": 0}),
)


def of_amounts(*expectations: Expectation) -> Suite:
    return Suite(layer="marts", table="amounts", key=["id", "day"], expectations=list(expectations), day="day")


@pytest.mark.usefixtures("amounts_by_day")
@pytest.mark.parametrize(
    ("days", "status", "rows", "wrong"),
    [
        ((30, 30), "passed", 1, []),
        ((29, 30), "failed", 2, [1]),
        ((30, 31), "failed", 2, [3]),
        (None, "failed", 3, [1, 3]),
    ],
)
def test_in_a_gate_for_days_the_rows_of_other_days_are_not_read(
    gate_of, days: tuple[int, int] | None, status: str, rows: int, wrong: list[int]
) -> None:
    asked = days and (date(2026, 10, days[0]), date(2026, 10, days[1]))
    results = gate_of(of_amounts(*AMOUNT_IS_NEGATIVE), days=asked)
    assert len(results) == 3
    assert {(each.status, each.total_rows, each.unexpected_rows) for each in results} == {(status, rows, len(wrong))}
    for each in results:
        assert [number for number in range(4) if f"id={number}" in (each.detail or "")] == wrong


@pytest.mark.usefixtures("amounts_by_day")
def test_the_ends_of_the_days_are_told_to_what_else_a_query_reads(gate_of) -> None:
    text = "select count(*) as others from {batch} where exists (select 1 from marts.amounts as every_amount "
    text += "where day < {first_day} or day > {last_day}) having count(*) > 0"
    others = query("others", text)
    day = date(2026, 10, 30)
    assert [each.status for each in gate_of(of_amounts(others), days=(day, day))] == ["failed"]
    assert [each.status for each in gate_of(of_amounts(others))] == ["passed"]


@pytest.mark.usefixtures("amounts_by_day")
def test_run_for_some_days_skips_whole_table_expectations(gate_of, warehouse: Path) -> None:
    no_rows = expectation("no_third_row", "false").model_copy(update={"whole": True})
    of_people = suite(expectation("amount_is_negative", "amount > 0"))
    day = date(2026, 10, 30)
    gate_of(of_amounts(AMOUNT_IS_NEGATIVE[0], no_rows), of_people, days=(day, day))
    with connect(warehouse, read_only=True) as connection:
        kept = connection.execute(
            "select table_name, expectation, status, first_day, last_day from quality.expectation_results order by all"
        ).fetchall()
    assert kept == [
        ("amounts", "amount_is_negative", "passed", day, day),
        ("people", "amount_is_negative", "failed", None, None),
    ]
    assert [each.status for each in gate_of(of_amounts(no_rows))] == ["failed"]


def test_history_of_the_first_version_is_gone_on_with(gate_of, warehouse: Path) -> None:
    with connect(warehouse) as connection:
        connection.execute(CREATE_RESULTS.split(";\nalter")[0])
        for column in ("first_day", "last_day"):
            connection.execute(f"alter table quality.expectation_results drop column {column}")
    gate_of(suite(expectation("id_is_missing", "id > 0")))
    assert len(history(warehouse)) == 1


def test_file_is_opened_for_writing_only_to_keep_the_results(gate_of, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bool] = []

    def spy(path: Path, *, read_only: bool = False) -> object:
        opened.append(read_only)
        return connect(path, read_only=read_only)

    monkeypatch.setattr(gate, "connect", spy)
    monkeypatch.setattr(results, "connect", spy)
    (result,) = gate_of(suite(expectation("amount_is_negative", "amount > 0")))
    assert result.status == "failed"
    assert opened == [True, False]


def test_nothing_but_results_is_printed_and_no_file_is_left(
    gate_of,
    capfd: pytest.CaptureFixture,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    gate_of(suite(expectation("column_is_not_there", "missing_column > 0"), expectation("amount", "amount > 0")))
    assert capfd.readouterr() == ("", "")
    assert {record.name for record in caplog.records} <= {"expectations.gate"}
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {"warehouse.duckdb"}


def test_data_day_defaults_to_the_newest_day_whose_usage_is_complete(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect(warehouse) as connection:
        connection.execute(
            "create schema raw; create table raw.usage__usage_reports as select * from (values "
            "(date '2026-10-30', timestamp '2026-10-31 00:00:00'), (date '2026-10-31', timestamp '2026-10-31 23:59:59')"
            ") as reports (date, received_at)"
        )
    day = query("day_is_another", "select {as_of} as day from {batch} limit 1")
    monkeypatch.setattr(gate, "load_suites", lambda: (suite(day),))
    (result,) = gate.run_layer(warehouse, "marts", run_id="first", as_of=None)
    assert result.detail == "Why. For example: day=2026-10-30"
    assert history(warehouse)[0][1] == date(2026, 10, 30)


def test_table_without_a_suite_is_not_passed_over(warehouse: Path) -> None:
    with pytest.raises(SuiteError, match="no suite of layer marts for misspelt: it has "):
        gate.run_layer(warehouse, "marts", run_id="first", as_of=AS_OF, tables={"misspelt"})


@pytest.mark.parametrize(
    ("condition", "blocks", "exit_code"),
    [
        ("amount > 0", "contract", 1),
        ("amount > 0", None, 0),
        ("missing_column > 0", None, 1),
        ("id > 0", "contract", 0),
    ],
)
def test_command_fails_when_something_blocks(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, condition: str, blocks: str | None, exit_code: int
) -> None:
    from settings import get_settings

    get_settings.cache_clear()
    assert get_settings().warehouse_path == warehouse
    monkeypatch.setattr(gate, "load_suites", lambda: (suite(expectation("each", condition, blocks)),))
    assert call(["gate", "marts"]) == exit_code
    get_settings.cache_clear()
    assert os.access(warehouse, os.R_OK)


def test_on_spark_only_what_the_file_has_no_copy_of_is_asked_of_the_server(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=warehouse.parent, target="spark", warehouse_url=SecretStr("thrift://127.0.0.1:1"))
    suites = [suite(query("doubled", "select id from {batch} join marts.people using (id) where id > 9"))]
    monkeypatch.setattr(gate, "load_suites", lambda: suites)
    [here] = gate.run_layer(warehouse, "marts", run_id="first", as_of=AS_OF, settings=settings)
    assert here.status == "passed"

    suites.append(suite(query("unknown", "select id from {batch} join intermediate.int_people using (id)")))
    with pytest.raises(SparkError, match="does not answer"):
        gate.run_layer(warehouse, "marts", run_id="second", as_of=AS_OF, settings=settings)
