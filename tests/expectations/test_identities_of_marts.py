"""Each identity of the marts holds on a company of two customers, and its expectation fails when it is broken."""

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from expectations.gate import check_suites
from expectations.suites import load_suites
from tests.expectations.breaking import AS_OF, broken_of, company_of

TABLES = """
create schema raw; create schema seeds; create schema staging; create schema intermediate; create schema marts;

create table seeds.arr_mix_targets as select * from (values
    ('1m', 1000000.00, 1000000.00, 50), ('50k', 50000.00, 50000.00, 500), ('25k', 25000.00, 25000.00, 1000),
    ('below', 0.00, 0.00, 0)
) as targets (band, arr_from_usd_year, price_usd_year, target_customers);
create table seeds.usage_counters as select * from (values
    ('event_count_in_period', 'product_analytics', 1), ('logs_mb_in_period', 'logs', 1000)
) as counters (counter, product_key, units_per_billed_unit);

create table raw.product_db__organizations as select *, timestamp '2026-09-01' as updated_at from (values
    ('a', false, timestamp '2026-08-01'), ('b', false, timestamp '2026-08-02'), ('c', false, timestamp '2026-08-03'),
    ('vendor', true, timestamp '2020-01-01'), ('later', false, timestamp '2026-11-01')
) as organizations (id, for_internal_metrics, created_at);
create table raw.usage__usage_reports as select *, date + interval 30 hour as received_at from (values
    (date '2026-10-30', 'a', 10, 500, 7), (date '2026-10-31', 'a', 5, 0, 7), (date '2026-10-31', 'vendor', 99, 99, 99),
    (date '2026-11-01', 'a', 50, 0, 0), (date '2003-01-01', 'a', 1, 0, 0)
) as reports (date, organization_id, event_count_in_period, logs_mb_in_period, new_count_in_period);

create table intermediate.int_data_day as
select date '2026-10-31' as as_of_date, date '2026-10-01' as last_closed_month, date '2026-10-30' as first_usage_day;
create table staging.stg_crm__account_merges as select 'b' as organization_id, 'a' as canonical_organization_id;
create table intermediate.int_stripe_customer_links as
select *, true as is_billed_here, false as is_payment_only from (values
    ('a', 'cus_1'), ('b', 'cus_1'), ('c', 'cus_2')
) as links (organization_id, stripe_customer_id);
create table intermediate.int_invoice_lines as select
    *, 'in_1' as invoice_id, row_number() over () as line_number, 'in_1 line ' || line_number as line_name,
    'a' as customer_id, net_minor as amount_minor,
    is_recurring and not is_proration and product_key <> 'credits' as is_mrr
from (values
    ('usd', 600000, timestamp '2026-09-12', timestamp '2026-10-12', true, false, 'product_analytics'),
    ('jpy', 40000, timestamp '2026-10-01', timestamp '2026-11-01', true, false, 'unmapped'),
    ('usd', 120000, timestamp '2026-10-12', timestamp '2027-10-12', true, false, 'scale'),
    ('usd', 240000, timestamp '2026-09-12', timestamp '2027-09-12', true, false, 'scale'),
    ('usd', 900000, timestamp '2026-09-12', timestamp '2026-10-12', false, false, 'credits'),
    ('usd', 900000, timestamp '2026-09-12', timestamp '2026-10-12', true, true, 'product_analytics')
) as lines (currency, net_minor, period_start_at, period_end_at, is_recurring, is_proration, product_key);

create table intermediate.int_mrr_lines as
select 'in_1' as invoice_id, * from (values
    (1, 'a', date '2026-10-01', 600000, 6000.00, 0.00, true), (2, 'a', date '2026-10-01', 40000, 400.00, 200.00, true),
    (2, 'a', date '2026-10-01', 0, null, null, false), (3, 'c', date '2026-10-01', 120000, 400.00, 0.00, true),
    (4, 'a', date '2026-09-01', 240000, 6000.00, 0.00, true)
) as slices (line_number, customer_id, month, list_minor, list_usd, discount_usd, has_exchange_rate);

create table marts.dim_organizations as select *, 12 * mrr_usd_month as arr_usd_year from (values
    ('a', 'a', timestamp '2026-08-01', date '2026-08-02', 6000.00), ('b', 'a', timestamp '2026-08-02', null, 200.00),
    ('c', 'c', timestamp '2026-08-03', null, 400.00)
) as organizations (organization_id, customer_id, created_at, activated_at, mrr_usd_month);
create table marts.dim_customers as select *, 12 * mrr_usd_month as arr_usd_year from (values
    ('a', 2, 6200.00, date '2026-09-01', '50k'), ('c', 1, 400.00, date '2026-10-01', 'below')
) as customers (customer_id, organizations, mrr_usd_month, first_paid_month, arr_mix_band);
create table marts.fct_usage_daily as select * from (values
    ('a', 'product_analytics', 10.0, date '2026-10-30'), ('a', 'logs', 0.500000, date '2026-10-30'),
    ('a', 'product_analytics', 5.0, date '2026-10-31')
) as usage (organization_id, product_key, quantity, date);
create table marts.fct_mrr_monthly as select
    *, list_usd - discount_usd - credit_applied_usd - refund_usd as mrr_usd_month,
    12 * (list_usd - discount_usd - credit_applied_usd - refund_usd) as arr_usd_year
from (values
    ('a', date '2026-09-01', 7000.00, 1000.00, 0.00, 0.00), ('a', date '2026-10-01', 7200.00, 1000.00, 0.00, 0.00),
    ('c', date '2026-10-01', 400.00, 0.00, 0.00, 0.00)
) as months (customer_id, month, list_usd, discount_usd, credit_applied_usd, refund_usd);
create table marts.fct_mrr_movements as select * from (values
    ('a', date '2026-09-01', 'new', 6000.00, 0.00, 6000.00),
    ('a', date '2026-10-01', 'expansion', 200.00, 6000.00, 6200.00),
    ('c', date '2026-10-01', 'new', 400.00, 0.00, 400.00)
) as movements (customer_id, month, movement, delta_usd_month, mrr_before_usd_month, mrr_after_usd_month);
create table marts.rpt_arr_mix_progress as
select as_of, band, target_customers * price_usd_year as target_arr_usd, coalesce(customers, 0) as customers,
    coalesce(arr_usd, 0.00) as arr_usd, 0.1 as progress
from seeds.arr_mix_targets cross join (values (date '2026-09-30'), (date '2026-10-31')) as dates (as_of)
left join (values
    (date '2026-09-30', '50k', 1, 72000.00), (date '2026-10-31', '50k', 1, 74400.00),
    (date '2026-10-31', 'below', 1, 4800.00)
) as banded (as_of, band, customers, arr_usd) using (as_of, band);
create table marts.rpt_data_quality (finding varchar, subject varchar);
"""


@pytest.fixture
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    with company_of(TABLES) as connection:
        yield connection


def broken(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The expectations of marts that do not pass, as `table: name`."""
    suites = [suite for suite in load_suites() if suite.layer == "marts" and _exists(connection, suite.table)]
    assert len(suites) >= 7
    return {f"{each.table}: {each.name}" for each in check_suites(connection, suites, AS_OF) if each.status != "passed"}


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    found = connection.execute(
        "select count(*) from duckdb_tables() where schema_name = 'marts' and table_name = ?", [table]
    ).fetchall()
    return found[0][0] == 1


def test_company_whose_figures_add_up_passes(company: duckdb.DuckDBPyConnection) -> None:
    assert broken(company) == set()


OCTOBER_30, OCTOBER_31 = date(2026, 10, 30), date(2026, 10, 31)
TOTALS = "usage_differs_from_the_counters"


@pytest.mark.parametrize(
    ("change", "on_the_30th", "on_the_31st"),
    [
        ("", set(), set()),
        ("delete from marts.fct_usage_daily where product_key = 'logs'", {TOTALS}, set()),
        ("delete from marts.fct_usage_daily where date = date '2026-10-31'", set(), {TOTALS}),
        # The whole has what it should have, on other days.
        ("update marts.fct_usage_daily set date = date '2026-10-30'", {TOTALS}, {TOTALS}),
    ],
)
def test_usage_of_a_day_is_held_against_the_reports_of_that_day(
    company: duckdb.DuckDBPyConnection, change: str, on_the_30th: set[str], on_the_31st: set[str]
) -> None:
    company.execute(change or "select 1")
    assert broken_of(company, ["fct_usage_daily"], days=(OCTOBER_30, OCTOBER_30)) == on_the_30th
    assert broken_of(company, ["fct_usage_daily"], days=(OCTOBER_31, OCTOBER_31)) == on_the_31st


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "delete from marts.fct_usage_daily where product_key = 'logs'",
            {"fct_usage_daily: usage_differs_from_the_counters"},
        ),
        (
            "update marts.fct_usage_daily set quantity = quantity * 1.00001 where product_key = 'logs'",
            {"fct_usage_daily: usage_differs_from_the_counters"},
        ),
        (
            "insert into marts.fct_usage_daily values ('vendor', 'product_analytics', 99, date '2026-10-31')",
            {"fct_usage_daily: usage_differs_from_the_counters"},
        ),
        (
            "insert into marts.fct_usage_daily from marts.fct_usage_daily where date = date '2026-10-31'",
            {
                "fct_usage_daily: usage_differs_from_the_counters",
                "fct_usage_daily: usage_of_the_data_day_appears_twice",
            },
        ),
        (
            "update marts.fct_usage_daily set date = date '2026-10-29' where date = date '2026-10-31'",
            {"fct_usage_daily: data_day_has_no_usage"},
        ),
        (
            "insert into marts.dim_organizations values ('vendor', 'vendor', timestamp '2020-01-01', null, 0, 0);"
            "insert into marts.dim_customers values ('vendor', 1, 0, null, 'below', 0);"
            "delete from raw.usage__usage_reports where organization_id = 'vendor'",
            {"dim_organizations: internal_organization_is_counted"},
        ),
        (
            "insert into raw.product_db__organizations values "
            "('d', false, timestamp '2026-10-31 23:59', timestamp '2026-11-02')",
            {"dim_organizations: organization_of_the_source_is_lost"},
        ),
        (
            "insert into marts.dim_organizations from marts.dim_organizations where organization_id = 'c'",
            {
                "dim_organizations: organization_appears_twice",
                "dim_organizations: mrr_of_organizations_differs_from_that_of_their_customer",
                "dim_customers: customer_is_not_its_canonical_organization",
            },
        ),
        (
            "update marts.dim_organizations set mrr_usd_month = 200.01, arr_usd_year = 2400.12 "
            "where organization_id = 'b'",
            {"dim_organizations: mrr_of_organizations_differs_from_that_of_their_customer"},
        ),
        (
            "update marts.dim_customers set arr_mix_band = '25k' where customer_id = 'a'",
            {"dim_customers: customer_is_in_the_wrong_band"},
        ),
        (
            "update marts.fct_mrr_monthly set discount_usd = discount_usd + 0.01 where month = date '2026-09-01'",
            {"fct_mrr_monthly: waterfall_does_not_add_up"},
        ),
        (
            "update marts.fct_mrr_monthly set month = date '2026-08-01' where month = date '2026-09-01';"
            "update marts.fct_mrr_movements set month = date '2026-08-01' where month = date '2026-09-01';"
            "delete from marts.rpt_arr_mix_progress where as_of = date '2026-09-30'",
            {"fct_mrr_monthly: month_of_a_customer_is_missing"},
        ),
        (
            "delete from intermediate.int_mrr_lines where line_number = 3",
            {
                "fct_mrr_monthly: last_month_differs_from_the_invoices",
                "fct_mrr_monthly: slices_of_a_line_do_not_add_up_to_it",
            },
        ),
        (
            "update intermediate.int_mrr_lines set customer_id = 'c' where line_number = 1",
            {"fct_mrr_monthly: last_month_differs_from_the_invoices"},
        ),
        (
            "update intermediate.int_mrr_lines set list_minor = list_minor + 1 where line_number = 4",
            {"fct_mrr_monthly: slices_of_a_line_do_not_add_up_to_it"},
        ),
        (
            "insert into staging.stg_crm__account_merges values ('c', 'b')",
            {"dim_organizations: organizations_of_one_company_have_two_customers"},
        ),
        (
            "update intermediate.int_stripe_customer_links set stripe_customer_id = 'cus_1'",
            {"dim_organizations: organizations_of_one_company_have_two_customers"},
        ),
        (
            "update marts.fct_mrr_movements set delta_usd_month = 200.01, mrr_after_usd_month = 6200.01 "
            "where movement = 'expansion'",
            {"fct_mrr_movements: start_plus_movements_is_not_end"},
        ),
        (
            "delete from marts.fct_mrr_movements where customer_id = 'c'",
            {"fct_mrr_movements: start_plus_movements_is_not_end"},
        ),
        (
            "update marts.fct_mrr_movements set movement = 'contraction' where movement = 'expansion'",
            {"fct_mrr_movements: movement_contradicts_its_figures"},
        ),
        (
            "update marts.rpt_arr_mix_progress set target_arr_usd = 25000001 where band = '25k'",
            {"rpt_arr_mix_progress: targets_do_not_multiply_to_100_million"},
        ),
        (
            "update marts.rpt_arr_mix_progress set customers = 2 where band = '1m'",
            {"rpt_arr_mix_progress: bands_do_not_add_up_to_customers"},
        ),
        (
            "update marts.rpt_arr_mix_progress set arr_usd = arr_usd + 0.01 "
            "where as_of = date '2026-10-31' and band = '1m'",
            {"rpt_arr_mix_progress: arr_by_band_does_not_add_up"},
        ),
        (
            "delete from marts.rpt_arr_mix_progress where band = '1m' and as_of = date '2026-09-30'",
            {
                "rpt_arr_mix_progress: band_of_a_day_appears_twice_or_is_missing",
                "rpt_arr_mix_progress: targets_do_not_multiply_to_100_million",
            },
        ),
        (
            "insert into marts.rpt_data_quality values ('invoice_differs_from_rated_usage', 'in_1 logs')",
            {"rpt_data_quality: invoice_differs_from_rated_usage"},
        ),
    ],
)
def test_broken_identity_is_found(company: duckdb.DuckDBPyConnection, change: str, expected: set[str]) -> None:
    company.execute(change)
    assert broken(company) == expected
