"""Every type of expectation that suites may use says the truth about a table in DuckDB, and so about a view."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from expectations.gate import check_suites
from expectations.results import Result
from expectations.suites import KWARGS, QUERY, Expectation, Suite

ROWS = """
select * from (values
    (1, 'a@b.example', 10, -5, date '2026-10-29', date '2026-10-30', 'open'),
    (2, 'c@d.example', null, 5, date '2026-10-29', date '2026-10-31', 'paid'),
    (2, null, -3, -3, date '2026-10-30', date '2026-10-31', 'lost')
) as rows (id, email, amount, least, began, day, status)
"""

PASSING = [
    (QUERY, {"unexpected_rows_query": "select id from {batch} where amount > 99 and status like '100%'"}),
    (QUERY, {"unexpected_rows_query": "select max(day) as day from {batch} having max(day) < {as_of}"}),
    (
        QUERY,
        {"unexpected_rows_query": "select one.id from {batch} as one join {batch} as two on one.id = two.id + 9"},
    ),
    ("expect_rows_to_satisfy", {"condition": "day <= {as_of} and status not like '10:00%' and '{}' <> ''"}),
    ("expect_column_values_to_be_unique", {"column": "status"}),
    ("expect_compound_columns_to_be_unique", {"column_list": ["id", "status"]}),
    ("expect_column_values_to_not_be_null", {"column": "id"}),
    ("expect_column_values_to_be_in_set", {"column": "status", "value_set": ["open", "paid", "lost"]}),
    ("expect_column_values_to_be_between", {"column": "amount", "min_value": -3, "max_value": 10}),
    ("expect_column_values_to_not_be_in_set", {"column": "status", "value_set": ["void"]}),
    ("expect_column_values_to_be_between", {"column": "amount", "min_value": -3.5, "strict_min": True}),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "day", "column_B": "began"}),
    (
        "expect_column_pair_values_a_to_be_greater_than_b",
        {"column_A": "amount", "column_B": "least", "or_equal": True, "ignore_row_if": "either_value_is_missing"},
    ),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["status", "email"]}),
    ("expect_table_row_count_to_be_between", {"min_value": 3, "max_value": 3}),
]
FAILING = [
    (QUERY, {"unexpected_rows_query": "select id from {batch} where amount < 0"}, 1),
    (QUERY, {"unexpected_rows_query": "select day from {batch} where day >= {as_of}"}, 2),
    ("expect_rows_to_satisfy", {"condition": "amount > 0"}, 2),
    ("expect_column_values_to_be_unique", {"column": "id"}, 2),
    ("expect_compound_columns_to_be_unique", {"column_list": ["id", "day"]}, 2),
    ("expect_column_values_to_not_be_null", {"column": "amount"}, 1),
    ("expect_column_values_to_be_in_set", {"column": "status", "value_set": ["open", "paid"]}, 1),
    ("expect_column_values_to_be_between", {"column": "amount", "min_value": 0}, 1),
    ("expect_column_values_to_not_be_in_set", {"column": "status", "value_set": ["open", "lost"]}, 2),
    ("expect_column_values_to_be_between", {"column": "amount", "min_value": -3, "strict_min": True}, 1),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "began", "column_B": "day"}, 3),
    ("expect_column_pair_values_a_to_be_greater_than_b", {"column_A": "amount", "column_B": "id"}, 1),
    ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["amount", "least"]}, 1),
    ("expect_table_row_count_to_be_between", {"max_value": 2}, None),
]


@pytest.fixture(scope="module", params=["table", "view"])
def relation(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a file in which marts.rows is a table or a view."""
    path: Path = tmp_path_factory.mktemp("dialect") / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"create schema marts; create {request.param} marts.rows as {ROWS}")
    with duckdb.connect(str(path), read_only=True) as connection:
        yield connection


def check(connection: duckdb.DuckDBPyConnection, type_name: str, kwargs: dict) -> Result:
    expectation = Expectation(name="each", type=type_name, kwargs=kwargs, description="It matters.", owner="team")
    suite = Suite(layer="marts", table="rows", key=["id"], expectations=[expectation])
    (result,) = check_suites(connection, [suite], date(2026, 10, 31))
    return result


@pytest.mark.parametrize(("type_name", "kwargs"), PASSING)
def test_good_data_passes(relation: duckdb.DuckDBPyConnection, type_name: str, kwargs: dict) -> None:
    result = check(relation, type_name, kwargs)
    assert (result.status, result.total_rows, result.unexpected_rows) == ("passed", 3, 0), result.detail


@pytest.mark.parametrize(("type_name", "kwargs", "unexpected_rows"), FAILING)
def test_bad_data_fails_and_is_counted(
    relation: duckdb.DuckDBPyConnection, type_name: str, kwargs: dict, unexpected_rows: int | None
) -> None:
    result = check(relation, type_name, kwargs)
    assert (result.status, result.total_rows, result.unexpected_rows) == ("failed", 3, unexpected_rows), result.detail
    assert result.observed


def test_every_type_is_tried_on_good_and_on_bad_data() -> None:
    assert {type_name for type_name, _ in PASSING} == set(KWARGS)
    assert {type_name for type_name, *_ in FAILING} == set(KWARGS)
