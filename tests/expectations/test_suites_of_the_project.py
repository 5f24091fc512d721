"""The project's own suites cover every table, and fit the tables that they are about."""

from datetime import date
from pathlib import Path

import duckdb
import pytest
import sqlglot

from expectations.gate import check_suites
from expectations.suites import LAYERS, QUERY, Suite, load_suites
from ingestion.contract.model import load_contract
from tests.support.dbt_models import MODEL_FILES, described_models, layer_of


def suites_of(layer: str) -> list[Suite]:
    return [suite for suite in load_suites() if suite.layer == layer]


def columns_of_models(layer: str) -> dict[str, dict[str, str]]:
    """The columns of a layer's dbt models, with their types where a contract states them."""
    return {
        name: {column["name"]: column.get("data_type", "varchar") for column in model["columns"]}
        for name, model in described_models(layer).items()
    }


def tables_of(layer: str) -> set[str]:
    if layer == "raw":
        return {table.raw_name for table in load_contract().tables}
    return {path.stem for path in MODEL_FILES if layer_of(path.stem) == layer}


@pytest.mark.parametrize("layer", LAYERS)
def test_every_table_has_a_suite_and_every_suite_a_table(layer: str) -> None:
    assert {suite.table for suite in suites_of(layer)} == tables_of(layer)


@pytest.mark.parametrize("layer", ["staging", "marts"])
def test_keys_are_columns_of_the_model(layer: str) -> None:
    columns = columns_of_models(layer)
    unknown = {suite.table: set(suite.key) - columns[suite.table].keys() for suite in suites_of(layer)}
    assert not {table: names for table, names in unknown.items() if names}


def test_run_for_some_days_checks_every_daily_table() -> None:
    daily = [suite for suite in load_suites() if suite.day]
    assert len(daily) > 5
    for suite in daily:
        asked_of_days = {each.severity for each in suite.expectations if not each.whole}
        assert asked_of_days == {each.severity for each in suite.expectations}


def test_blocking_queries_show_a_key_or_an_identifier() -> None:
    """A check that says sums alone leaves a person without a row to look for."""
    figures_of_the_whole = {
        "data_day_has_no_usage",
        "data_day_has_no_complete_usage",
        "data_day_is_not_shown",
        "every_organization_is_internal",
        "arr_is_not_that_of_the_customers",
    }
    nameless = set()
    for suite in load_suites():
        for each in suite.expectations:
            if each.blocks and each.type == QUERY:
                query = each.look_for or each.kwargs["unexpected_rows_query"]
                columns = sqlglot.parse_one(
                    query.replace("{batch}", "batch").replace("{", "'").replace("}", "'"), read="duckdb"
                )
                assert isinstance(columns, sqlglot.exp.Query)
                if not {*suite.key, *each.shown} & set(columns.named_selects):
                    nameless.add(each.name)
    assert nameless == figures_of_the_whole


def test_bill_of_a_day_is_held_against_the_products_of_that_day() -> None:
    [bills] = [suite for suite in load_suites() if suite.table == "fct_bill_forecasts"]
    checked = [each for each in bills.expectations if each.name == "bill_differs_from_its_products"]
    sums = bills.model_copy(update={"expectations": checked})
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.fct_bill_forecast_products as select * from (values "
            "('a', date '2026-10-30', 3, 2, 2, 1), ('a', date '2026-10-31', 3, 2, 2, 1)) as products "
            "(organization_id, as_of_date, list_usd, after_discount_usd, bill_usd, bill_to_date_usd); "
            "create table marts.fct_bill_forecasts as select organization_id, as_of_date, "
            "list_usd as forecast_list_usd, after_discount_usd as forecast_after_discount_usd, "
            "bill_usd as forecast_bill_usd, bill_to_date_usd as amount_to_date_usd "
            "from marts.fct_bill_forecast_products where as_of_date = date '2026-10-31'"
        )

        def statuses(days: tuple[date, date] | None = None) -> list[str]:
            return [each.status for each in check_suites(connection, [sums], date(2026, 10, 31), days)]

        assert statuses((date(2026, 10, 31), date(2026, 10, 31))) == ["passed"]
        assert statuses((date(2026, 10, 30), date(2026, 10, 30))) == ["failed"]
        assert statuses() == ["failed"]


def test_expectations_of_raw_run_on_the_contracts_tables(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute("create schema raw")
        for table in load_contract().tables:
            columns = ", ".join(f'"{column.name}" {column.sql_type}' for column in table.columns)
            connection.execute(f'create table raw."{table.raw_name}" ({columns})')
        results = check_suites(connection, suites_of("raw"), date(2026, 10, 31))
    assert not [(each.table, each.name, each.detail) for each in results if each.status == "error"]
    failed = {each.name for each in results if each.is_blocking}
    assert failed == {"no_organization_arrived", "no_billing_customer_arrived", "data_day_has_no_complete_usage"}


def test_conditions_of_marts_run_on_the_contracts_columns(tmp_path: Path) -> None:
    suites = [
        suite.model_copy(update={"expectations": [each for each in suite.expectations if each.type != QUERY]})
        for suite in suites_of("marts")
    ]
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        connection.execute(
            "create schema marts; create schema intermediate; create table intermediate.int_data_day as "
            "select date '2026-10-31' as as_of_date, date '2026-09-01' as last_closed_month"
        )
        for table, columns in columns_of_models("marts").items():
            definitions = ", ".join(f'"{name}" {data_type}' for name, data_type in columns.items())
            connection.execute(f'create table marts."{table}" ({definitions})')
        results = check_suites(connection, suites, date(2026, 10, 31))
    assert {each.table for each in results} == {suite.table for suite in suites}
    assert not [(each.table, each.name, each.detail) for each in results if each.status == "error"]


def test_usage_is_what_blocks_when_the_data_day_is_not_complete(tmp_path: Path) -> None:
    (usage,) = [suite for suite in suites_of("raw") if suite.table == "usage__usage_reports"]
    table = load_contract().table("usage__usage_reports")
    counters = {column.name for column in table.columns if column.default is not None}
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        columns = ", ".join(
            f'"{column.name}" {column.sql_type}' + (" default 1" if column.name in counters else "")
            for column in table.columns
        )
        connection.execute(f"create schema raw; create table raw.usage__usage_reports ({columns})")

        def blocking(day: date) -> set[str]:
            return {each.name for each in check_suites(connection, [usage], day) if each.is_blocking}

        insert = "insert into raw.usage__usage_reports (date, organization_id, received_at) values "
        connection.execute(
            insert + "('2026-10-30', 'a', '2026-10-31 00:00'), ('2026-10-31', 'a', '2026-10-31 23:59:59')"
        )
        assert blocking(date(2026, 10, 30)) == set()
        assert blocking(date(2026, 10, 31)) == {"data_day_has_no_complete_usage"}
        connection.execute(insert + "('2026-10-31', 'b', '2026-11-01 00:00')")
        assert blocking(date(2026, 10, 31)) == set()
        for counter in sorted(counters):
            connection.execute(f"update raw.usage__usage_reports set {counter} = -1 where organization_id = 'b'")
            assert blocking(date(2026, 10, 31)) == {"counter_fell_below_zero"}
            connection.execute(f"update raw.usage__usage_reports set {counter} = 1")
        connection.execute(insert + "('2026-10-31', 'b', '2026-11-02 00:00')")
        assert blocking(date(2026, 10, 31)) == {"report_of_a_day_appears_twice"}
