"""Each expectation of the onboarding tables holds on a queue of two customers, and fails when it is broken."""

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from tests.expectations.breaking import broken_of, company_of

pytestmark = pytest.mark.slow

SUITES = ("fct_onboarding_queue", "fct_queue_exclusions", "rpt_limits_hit", "rpt_startup_rolloffs")
TABLES = """
create schema seeds; create schema staging; create schema intermediate; create schema marts;

create table seeds.thresholds as select * from (values
    ('onboarding_line_usd_month', 500.0), ('sales_line_usd_month', 1666.67),
    ('startup_first_bill_max_usd_month', 1500.0), ('paid_bill_above_usd', 1.0)
) as thresholds (name, value);
create table seeds.spend_limit_levels as select 0.8 as share_of_limit;
create table seeds.startup_rolloff_stages as select * from (values
    ('two_weeks_before', 14), ('month_before', 30)
) as stages (signal, rolloff_within_days);
create table seeds.exchange_rates as select * from (values
    ('eur', date '2026-10-01', 1.25, 2), ('jpy', date '2026-10-01', 0.008, 0), ('jpy', date '2026-09-01', 0.5, 0)
) as rates (currency, month, usd_per_unit, minor_unit_decimals);
create table staging.stg_stripe__customers as select * from (values
    ('cus_b', 'b'), ('cus_of_billing', null), ('cus_of_organization', null), ('cus_of_another', 'a'), ('cus_d', 'd')
) as customers (stripe_customer_id, organization_id);
create table staging.stg_billing__billing_customers as select * from (values
    ('a', 'cus_of_the_past', timestamp '2026-10-01'), ('a', 'cus_of_billing', timestamp '2026-10-31 23:59'),
    ('a', 'cus_of_the_future', timestamp '2026-11-01'), ('d', 'cus_of_another', timestamp '2026-10-01')
) as billing_customers (organization_id, stripe_customer_id, updated_at);
create table staging.stg_product_db__organizations as select * from (values
    ('a', null, timestamp '2026-10-01'), ('c', 'cus_of_organization', timestamp '2026-10-01')
) as organizations (organization_id, stripe_customer_id, updated_at);
create table staging.stg_stripe__invoices as select * from (values
    ('cus_b', true, 'usd', 101, timestamp '2026-10-22'), ('cus_b', true, 'usd', 100, timestamp '2026-10-20'),
    ('cus_b', true, 'eur', 80, timestamp '2026-10-20'), ('cus_b', true, 'jpy', 125, timestamp '2026-10-20'),
    ('cus_b', true, 'gbp', 0, timestamp '2026-10-20'), ('cus_b', false, 'eur', 9999, timestamp '2026-10-20'),
    ('cus_of_the_past', true, 'usd', 9999, timestamp '2026-10-02'),
    ('cus_of_the_future', true, 'usd', 9999, timestamp '2026-10-02'),
    ('cus_of_another', true, 'usd', 9999, timestamp '2026-10-02')
) as invoices (stripe_customer_id, is_livemode, currency, amount_paid_minor, paid_at);
create table intermediate.int_sales_owned_spells as
select 'c' as customer_id, date '2026-10-20' as owned_from, date '9999-12-31' as owned_before;

create table marts.dim_organizations as select * from (values
    ('a', 'a'), ('b', 'a'), ('c', 'c'), ('d', 'd'), ('e', 'd')
) as organizations (organization_id, customer_id);
create table marts.fct_bill_forecasts as select * from (values
    ('a', date '2026-10-21', 500.00), ('a', date '2026-10-31', 600.00), ('c', date '2026-10-19', 700.00),
    ('c', date '2026-10-20', 700.00), ('c', date '2026-10-31', 499.99), ('d', date '2026-10-30', 249.99),
    ('e', date '2026-10-30', 250.00), ('d', date '2026-10-31', 250.00), ('e', date '2026-10-31', 250.00)
) as forecasts (organization_id, as_of_date, forecast_bill_usd);
create table marts.fct_bill_forecast_products as select
    'a' as organization_id, 'logs' as product_key, date '2026-10-31' as as_of_date,
    10.00 as limit_usd, 12.00 as after_discount_usd, 10.00 as bill_usd, cast(9 as decimal(18, 2)) as bill_to_date_usd;
create table marts.fct_onboarding_queue as select * from (values
    ('a', 'first_bill', date '2026-10-21', 500.00, date '2026-11-10', date '2026-10-27', 1, null, null, true),
    ('c', 'startup_rolloff', date '2026-10-19', 1500.00, date '2026-10-30', date '2026-10-19', 0, date '2026-10-20',
        'handed_over', false)
) as stays (customer_id, queue_reason, entered_on, entry_forecast_usd, period_end, contact_by, bills_paid, exited_on,
    exit_reason, is_open);
create table marts.fct_queue_exclusions as select * from (values
    ('c', date '2026-10-20', 'owned', 700.00, 700.00), ('b', date '2026-10-20', 'no_subscription', 500.00, 500.00),
    ('d', date '2026-10-31', 'paid_before', 250.00, 500.00)
) as exclusions (organization_id, as_of_date, reason, forecast_bill_usd, customer_forecast_bill_usd);
create table marts.rpt_limits_hit as select 'a' as customer_id, 'near_limit' as signal, 'a' as organization_id,
    'logs' as product_key, cast(9 as decimal(18, 4)) as figure, 8.0000 as threshold, 10.00 as limit_usd,
    2.00 as cut_usd, date '2026-10-30' as since,
    date '2026-11-10' as period_end, 'other' as icp_segment, 1 as list_rank, date '2026-10-31' as as_of_date;
create table marts.rpt_startup_rolloffs as select 'c' as customer_id, 'month_before' as signal, 'c' as organization_id,
    100.00 as credit_used_usd, 50.00 as credit_left_usd, 15 as runway_days, date '2026-12-01' as credit_expires_on,
    15 as figure, 30 as threshold, date '2026-11-15' as rolls_off_on,
    100.00 as projected_first_bill_usd, date '2026-10-16' as since, 'other' as icp_segment, 1 as list_rank,
    date '2026-10-31' as as_of_date;
"""


@pytest.fixture
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    with company_of(TABLES) as connection:
        yield connection


def test_queue_that_is_right_passes(company: duckdb.DuckDBPyConnection) -> None:
    assert broken_of(company, SUITES) == set()


@pytest.mark.parametrize("day", [19, 20, 21, 31])
def test_each_day_of_a_queue_that_is_right_passes_by_itself(company: duckdb.DuckDBPyConnection, day: int) -> None:
    assert broken_of(company, SUITES, days=(date(2026, 10, day), date(2026, 10, day))) == set()


@pytest.mark.parametrize(("day", "expected"), [(19, set()), (20, {"large_forecast_is_neither_queued_nor_explained"})])
def test_large_forecast_of_another_day_is_not_asked_for(
    company: duckdb.DuckDBPyConnection, day: int, expected: set[str]
) -> None:
    company.execute("delete from marts.fct_queue_exclusions where reason = 'owned'")
    days = (date(2026, 10, day), date(2026, 10, day))
    assert broken_of(company, ["fct_queue_exclusions"], days=days) == expected


QUEUE = "update marts.fct_onboarding_queue set"
PAID_BEFORE = {"member_had_paid_a_bill_before_it_entered"}
PAYMENT = "insert into staging.stg_stripe__invoices values"
STARTUPS = "update marts.rpt_startup_rolloffs set"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (f"{QUEUE} entry_forecast_usd = 499.99 where customer_id = 'a'", {"entry_forecast_is_outside_the_lines"}),
        (f"{QUEUE} entry_forecast_usd = 1666.67 where customer_id = 'a'", {"entry_forecast_is_outside_the_lines"}),
        (f"{QUEUE} entry_forecast_usd = 1500.01 where customer_id = 'c'", {"entry_forecast_is_outside_the_lines"}),
        (f"{QUEUE} contact_by = date '2026-10-20' where customer_id = 'a'", {"day_to_write_by_is_outside_the_stay"}),
        (f"{QUEUE} contact_by = period_end where customer_id = 'a'", {"day_to_write_by_is_outside_the_stay"}),
        (f"{QUEUE} exit_reason = null where customer_id = 'c'", {"closed_stay_has_no_reason"}),
        (f"{QUEUE} exit_reason = 'faded', bills_paid = 1 where customer_id = 'c'", {"bills_paid_contradict_the_exit"}),
        (
            "update staging.stg_stripe__invoices set paid_at = timestamp '2026-10-21 23:00' "
            "where amount_paid_minor = 101",
            PAID_BEFORE,
        ),
        (f"{PAYMENT} ('cus_b', true, 'eur', 81, timestamp '2026-10-20')", PAID_BEFORE),
        (f"{PAYMENT} ('cus_b', true, 'jpy', 126, timestamp '2026-10-20')", PAID_BEFORE),
        (f"{PAYMENT} ('cus_b', true, 'jpy', 3, timestamp '2026-09-30')", PAID_BEFORE),
        # There is no rate, and the customer is not new.
        (f"{PAYMENT} ('cus_b', true, 'gbp', 1, timestamp '2026-10-20')", PAID_BEFORE),
        (f"{PAYMENT} ('cus_of_billing', true, 'usd', 101, timestamp '2026-10-20')", PAID_BEFORE),
        (f"{PAYMENT} ('cus_of_organization', true, 'usd', 101, timestamp '2026-10-19')", PAID_BEFORE),
        ("update seeds.thresholds set value = 0.99 where name = 'paid_bill_above_usd'", PAID_BEFORE),
        # A Stripe customer that nobody else is billed to pays for the organization that its metadata name.
        ("delete from staging.stg_billing__billing_customers where organization_id = 'd'", PAID_BEFORE),
        (
            "update intermediate.int_sales_owned_spells set owned_from = date '2026-10-19'",
            {"member_is_held_by_sales_or_success"},
        ),
        (
            "insert into marts.fct_onboarding_queue select * replace (date '2026-10-25' as entered_on) "
            "from marts.fct_onboarding_queue where customer_id = 'a'",
            {"stays_of_a_customer_overlap", "member_had_paid_a_bill_before_it_entered"},
        ),
        (
            f"{QUEUE} entered_on = date '2026-10-22' where customer_id = 'a'",
            {"large_forecast_is_neither_queued_nor_explained", "member_had_paid_a_bill_before_it_entered"},
        ),
        (
            "update marts.fct_queue_exclusions set as_of_date = date '2026-10-21', organization_id = 'a' "
            "where organization_id = 'b'",
            {"large_forecast_is_neither_queued_nor_explained", "subscription_is_missing_and_forecast"},
        ),
        (
            "update marts.fct_queue_exclusions set reason = 'paid_before' where organization_id = 'b'",
            {"subscription_is_missing_and_forecast"},
        ),
        (
            "update marts.fct_queue_exclusions set customer_forecast_bill_usd = 499.99 where organization_id = 'd'",
            {"figure_is_below_the_line"},
        ),
        (
            "delete from marts.fct_queue_exclusions where organization_id = 'd'",
            {"large_forecast_is_neither_queued_nor_explained"},
        ),
        (
            "update marts.fct_queue_exclusions set forecast_bill_usd = 500.01 where organization_id = 'b'",
            {"figure_is_below_the_line"},
        ),
        ("update marts.rpt_limits_hit set icp_segment = 'hobbyist'", {"limits_hit_list_hobbyists"}),
        (f"{STARTUPS} icp_segment = 'hobbyist'", {"startup_rolloffs_list_hobbyists"}),
        (
            "insert into marts.rpt_limits_hit select * replace ('high_growth' as icp_segment, "
            "'at_limit' as signal, 0 as cut_usd, 2 as list_rank) from marts.rpt_limits_hit",
            {"high_growth_is_not_first_in_limits_hit", "limit_is_not_that_of_the_forecast"},
        ),
        (
            "insert into marts.rpt_startup_rolloffs select * replace ('high_growth' as icp_segment, "
            "'b' as customer_id, 2 as list_rank) from marts.rpt_startup_rolloffs",
            {"high_growth_is_not_first_in_startup_rolloffs"},
        ),
        (
            "insert into marts.rpt_limits_hit select * replace ('b' as organization_id, 0 as cut_usd) "
            "from marts.rpt_limits_hit",
            {"limit_appears_twice", "limit_is_not_that_of_the_forecast"},
        ),
        (
            "insert into marts.rpt_startup_rolloffs select * replace ('b' as organization_id) "
            "from marts.rpt_startup_rolloffs",
            {"startup_appears_twice"},
        ),
        (
            "update marts.rpt_limits_hit set figure = 7.99; "
            "update marts.fct_bill_forecast_products set bill_to_date_usd = 7.99",
            {"limit_was_not_reached", "cut_of_a_limit_is_lost"},
        ),
        (
            "update marts.rpt_limits_hit set figure = 10.01; "
            "update marts.fct_bill_forecast_products set bill_to_date_usd = 10.01",
            {"limit_was_not_reached"},
        ),
        ("update marts.rpt_limits_hit set figure = 9.01", {"limit_is_not_that_of_the_forecast"}),
        ("update marts.rpt_limits_hit set cut_usd = 2.01", {"cut_of_a_limit_is_lost"}),
        (
            "update marts.rpt_limits_hit set cut_usd = 1.99",
            {"limit_is_not_that_of_the_forecast", "cut_of_a_limit_is_lost"},
        ),
        (
            "insert into marts.fct_bill_forecast_products select * replace ('b' as organization_id, "
            "8 as bill_to_date_usd) from marts.fct_bill_forecast_products",
            {"cut_of_a_limit_is_lost"},
        ),
        (f"{STARTUPS} signal = 'two_weeks_before'", {"startup_is_in_the_wrong_stage"}),
        (
            f"{STARTUPS} figure = 14, runway_days = 14, rolls_off_on = date '2026-11-14'",
            {"startup_is_in_the_wrong_stage"},
        ),
        (f"{STARTUPS} credit_expires_on = date '2026-11-14'", {"plan_does_not_end_with_its_credit_or_its_time"}),
        (f"{STARTUPS} credit_used_usd = null", {"startup_program_is_unknown"}),
    ],
)
def test_what_is_wrong_is_found(company: duckdb.DuckDBPyConnection, change: str, expected: set[str]) -> None:
    company.execute(change)
    assert broken_of(company, SUITES) == expected
