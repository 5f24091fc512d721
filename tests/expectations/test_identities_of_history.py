"""What happened to customers: the suite of their events passes on a company that adds up, and each fault is found."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.expectations.breaking import broken_of, company_of, never_broken

pytestmark = pytest.mark.slow

EVENTS = "fct_customer_events"
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
"""


@pytest.fixture
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    with company_of(TABLES) as connection:
        yield connection


def test_company_whose_events_add_up_passes(company: duckdb.DuckDBPyConnection) -> None:
    assert broken_of(company, [EVENTS]) == set()


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
    ],
)
def test_a_fault_is_found(company: duckdb.DuckDBPyConnection, change: str, expected: set[str]) -> None:
    company.execute(change)
    assert broken_of(company, [EVENTS], change) == expected


def test_every_expectation_is_broken_by_some_fault() -> None:
    assert never_broken(test_a_fault_is_found, [EVENTS]) == set()
