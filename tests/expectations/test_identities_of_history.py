"""Events of customers, products and dates: the suites pass on a company that adds up, and each fault is found."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.expectations.breaking import broken_of, company_of, never_broken

pytestmark = pytest.mark.slow

EVENTS, PRODUCTS, DATES = TABLES_HERE = ("fct_customer_events", "dim_products", "dim_dates")
TABLES = """
create schema marts; create schema intermediate; create schema seeds;
create table intermediate.int_data_day as select date '2026-10-31' as as_of_date;
create table marts.dim_customers as select * from (values ('a', 1), ('b', 2)) as customers (customer_id, organizations);
create table marts.fct_mrr_movements as
select 'a' as customer_id, date '2026-09-01' as month, 400.00 as delta_usd_month;
create table marts.fct_customer_events as select * from (values
    ('a', date '2026-08-01', 'signed_up', 'a', null, null, 'dim_organizations'),
    ('a', date '2026-10-03', 'mrr_moved', '2026-09-01', 400.00, 'USD a month', 'fct_mrr_movements'),
    ('b', date '2026-10-31', 'signed_up', 'b', null, null, 'dim_organizations'),
    ('b', date '2026-10-31', 'signed_up', 'b-eu', null, null, 'dim_organizations')
) as events (customer_id, day, kind, subject, figure, unit, source_table);
create table marts.fct_mrr_products as select 'surveys' as product_key;
create table marts.dim_products as select * from (values ('surveys'), ('unmapped')) as products (product_key);
create table marts.dim_dates as select * from (values
    (date '2026-10-30', false), (date '2026-10-31', true), (date '2026-11-01', false)
) as dates (date, is_data_day);
"""


@pytest.fixture
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    with company_of(TABLES) as connection:
        yield connection


def test_company_whose_events_add_up_passes(company: duckdb.DuckDBPyConnection) -> None:
    assert broken_of(company, TABLES_HERE) == set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "insert into marts.fct_customer_events select * from marts.fct_customer_events where kind = 'mrr_moved'",
            {"event_appears_twice", "movements_of_a_customer_differ"},
        ),
        (
            "update marts.fct_customer_events set day = date '2026-11-01' where subject = 'b-eu'",
            {"event_is_after_the_data_day"},
        ),
        ("update marts.fct_customer_events set unit = null", {"event_has_a_figure_without_a_unit"}),
        ("delete from marts.fct_customer_events where subject = 'b-eu'", {"customer_without_a_sign_up"}),
        ("delete from marts.fct_customer_events where kind = 'mrr_moved'", {"movements_of_a_customer_differ"}),
        ("insert into marts.dim_products values ('surveys')", {"product_appears_twice"}),
        ("delete from marts.dim_products where product_key = 'surveys'", {"product_with_revenue_is_missing"}),
        ("insert into marts.dim_dates values (date '2026-10-30', false)", {"date_appears_twice", "date_is_missing"}),
        ("update marts.dim_dates set is_data_day = false", {"data_day_is_not_marked"}),
        ("update marts.dim_dates set is_data_day = not is_data_day", {"data_day_is_not_marked"}),
        ("delete from marts.dim_dates where date = date '2026-10-31'", {"date_is_missing", "data_day_is_not_marked"}),
    ],
)
def test_a_fault_is_found(company: duckdb.DuckDBPyConnection, change: str, expected: set[str]) -> None:
    company.execute(change)
    assert broken_of(company, TABLES_HERE, change) == expected


def test_every_expectation_is_broken_by_some_fault() -> None:
    assert never_broken(test_a_fault_is_found, TABLES_HERE) == set()
