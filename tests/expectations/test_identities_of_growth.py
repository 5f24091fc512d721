"""Each expectation of the growth tables holds on a company of two customers, and fails when it is broken."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.expectations.breaking import broken_of, company_of, never_broken

pytestmark = pytest.mark.slow

SUITES = (
    "rpt_acquisition",
    "rpt_arr_mix_projection",
    "rpt_arr_mix_projection_accuracy",
    "rpt_credit_runway",
    "rpt_growth_funnel",
    "rpt_line_crossers",
    "rpt_strategy",
)
TABLES = """
create schema seeds; create schema staging; create schema intermediate; create schema marts;
create table intermediate.int_data_day as
select date '2026-10-31' as as_of_date, date '2026-10-01' as last_closed_month;

create table seeds.thresholds as select * from (values
    ('crossing_days', 90), ('conversion_days', 120), ('renewal_months', 3)
) as thresholds (name, value);
create table seeds.arr_mix_targets as select *, date '2026-12-31' as target_date from (values
    ('1m', 50), ('50k', 500), ('25k', 1000), ('below', 0)
) as targets (band, target_customers);
create table seeds.strategy_figures as select * from (values ('arr_usd_year'), ('middle_share')) as figures (figure);
create table staging.stg_spend__sales_and_marketing as select * from (values
    (date '2026-10-01', 100.004), (date '2026-10-01', 50.00), (date '2026-11-01', 999.00)
) as spend (month, amount_usd);
create table intermediate.int_billing_versions as select 'b' as organization_id, true as is_current,
    timestamp '2026-02-01' as annual_plan_start_at, timestamp '2027-01-31' as annual_plan_end_at;

create table marts.dim_organizations as select * from (values
    ('a', 'a', timestamp '2026-06-01 09:00', date '2026-06-02'), ('b', 'b', timestamp '2026-06-30 23:59', null)
) as organizations (organization_id, customer_id, created_at, activated_at);
create table marts.dim_customers as select * from (values ('a', 40.00, 480.00), ('b', 400.00, 4800.00))
    as customers (customer_id, mrr_usd_month, arr_usd_year);
create table marts.fct_mrr_movements as
select 'b' as customer_id, date '2026-10-01' as month, 'new' as movement, 400.00 as mrr_after_usd_month;

create table marts.rpt_acquisition as select * from (values
    (date '2026-06-01', 'not_stated', 2, 1, 0, 0.00, 0.00, null, null),
    (date '2026-10-01', 'ads', 0, 0, 1, 400.00, 150.00, 1.0000, 1.0000)
) as acquisition (month, signup_channel, signups, activated, paying_customers, new_mrr_usd_month, spend_usd,
    self_serve_share, self_serve_mrr_share);
create table marts.rpt_growth_funnel as select * from (values
    (date '2026-05-01', 1, 1, 1, 400.00, 400000.00), (date '2026-07-01', 1, 0, null, null, null)
) as funnel (month, signups, activated, paying_by_day_120, mrr_at_day_120_usd_month,
    mrr_at_day_120_per_1000_signups_usd_month);
create table marts.rpt_line_crossers as select 'b' as customer_id, 'medium' as line, 'up' as direction,
    5000.00 as line_usd, 'year' as period, 400.00 as mrr_usd_month, 4800.00 as arr_usd_year, 0.05 as growth_per_month,
    date '2027-01-29' as crosses_on, date '2026-10-31' as as_of_date;
create table marts.rpt_strategy as select * from (values
    (date '2026-10-31', 'arr_usd_year', 5280.0000, 'USD a year'), (date '2026-10-31', 'middle_share', 1.0000, 'share')
) as figures (as_of, figure, value, unit);
create table marts.rpt_credit_runway as select 'b' as customer_id, 'b' as organization_id, signal,
    100.00 as credit_balance_usd, 10.00 as burn_usd_day, date '2026-11-10' as runs_out_on, 10 as runway_days,
    92 as term_days_left, figure, 92 as threshold, date '2026-02-01' as term_starts_on,
    date '2027-01-31' as term_ends_on, since, date '2026-10-31' as as_of_date
from (values
    ('runs_out', 10, date '2026-09-30'), ('renewal_due', 92, date '2026-10-31')
) as signals (signal, figure, since);

create table marts.rpt_arr_mix_progress as
select date '2026-10-31' as as_of, band, target_customers, 1 as customers, 2640.00 as arr_usd
from (values ('below', 0), ('25k', 1000)) as bands (band, target_customers);
create table marts.rpt_arr_mix_projection as
select *, 1 as customers_p10, 1 as customers_p50, 2 as customers_p90, 9.00 as arr_usd_p10, 9.00 as arr_usd_p50,
    10.00 as arr_usd_p90, 0.80 as customers_coverage, 0.80 as arr_coverage,
    case when band = 'mix' then 3 else 1 end * 1.25 as customers_mean,
    case when band = 'mix' then 3 else 1 end * 9.50 as arr_usd_mean
from (values
    ('below', 0, 0, null, null, null, 'no target'),
    ('25k', 1000, 25000000, 0.25, 0.5, date '2026-12-01', 'in time'),
    ('50k', 500, 25000000, 0.25, 0.25, date '2027-02-01', 'late'),
    ('1m', 50, 50000000, 0.0, 0.0, null, 'not within horizon'),
    ('mix', 1550, 100000000, 0.0, 0.0, null, 'not within horizon')
) as bands (band, target_customers, target_arr_usd, probability_met_by_month, probability_in_time, met_month, outlook)
cross join (values (date '2026-11-01'), (date '2026-12-01')) as months (month);
create table marts.rpt_arr_mix_projection_accuracy as
select date '2026-09-30' as as_of, 1 as months_ahead, date '2026-10-01' as month, 'mix' as band,
    1 as customers_p10, 2 as customers_p50, 2 as customers_p90, 1 as customers_actual, true as is_customers_covered,
    5.00 as arr_usd_p10, 6.00 as arr_usd_p50, 2639.99 as arr_usd_p90, 2640.00 as arr_usd_actual,
    false as is_arr_covered;
"""


@pytest.fixture
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    with company_of(TABLES) as connection:
        yield connection


def test_company_that_is_right_passes(company: duckdb.DuckDBPyConnection) -> None:
    assert broken_of(company, SUITES) == set()


ACQUISITION = "update marts.rpt_acquisition set"
PROJECTION = "update marts.rpt_arr_mix_projection set"
JUDGED = "update marts.rpt_arr_mix_projection_accuracy set"
CREDIT = "update marts.rpt_credit_runway set"
CROSSERS = "update marts.rpt_line_crossers set"
COHORTS = "update marts.rpt_growth_funnel set"
STRATEGY = "update marts.rpt_strategy set"


def twice(table: str) -> str:
    return f"insert into marts.{table} select * from marts.{table} limit 1"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (f"{ACQUISITION} signup_channel = 'ads', month = date '2026-10-01'", {"channel_of_a_month_appears_twice"}),
        (f"{ACQUISITION} activated = 2 where signups = 2", {"signups_do_not_add_up"}),
        ("update marts.fct_mrr_movements set mrr_after_usd_month = 400.01", {"customers_do_not_add_up"}),
        ("insert into marts.fct_mrr_movements values ('a', '2026-10-01', 'new', 0.00)", {"customers_do_not_add_up"}),
        (f"{ACQUISITION} spend_usd = 149.97 where signups = 0", {"spend_is_lost"}),
        (f"{ACQUISITION} self_serve_share = 1.0001 where signups = 0", {"acquisition_figure_is_impossible"}),
        (
            f"{ACQUISITION} spend_usd = case signups when 0 then 150.01 else -0.01 end",
            {"spend_is_negative"},
        ),
        (f"{ACQUISITION} spend_usd = null where month = date '2026-06-01'", {"spend_is_unknown"}),
        (twice("rpt_growth_funnel"), {"cohort_appears_twice", "signups_do_not_add_up"}),
        (f"{COHORTS} paying_by_day_120 = 2 where month = date '2026-05-01'", {"funnel_widens"}),
        (
            f"{COHORTS} month = date '2026-06-01' where month = date '2026-07-01'",
            {"cohort_is_judged_too_early_or_not_at_all"},
        ),
        (
            f"{COHORTS} paying_by_day_120 = 0, mrr_at_day_120_usd_month = 0, "
            "mrr_at_day_120_per_1000_signups_usd_month = 0",
            {"cohort_is_judged_too_early_or_not_at_all"},
        ),
        (twice("rpt_line_crossers"), {"customer_crosses_a_line_twice"}),
        (f"{CROSSERS} direction = 'down'", {"customer_is_on_the_wrong_side"}),
        (f"{CROSSERS} growth_per_month = 0", {"customer_is_on_the_wrong_side"}),
        (f"{CROSSERS} line_usd = 4800", {"customer_is_on_the_wrong_side"}),
        (f"{CROSSERS} crosses_on = date '2027-01-30'", {"line_is_crossed_before_it_can_be_or_too_late"}),
        (f"{CROSSERS} crosses_on = date '2026-11-01'", set()),
        (f"{CROSSERS} crosses_on = date '2026-10-31'", {"line_is_crossed_before_it_can_be_or_too_late"}),
        (
            "update marts.dim_customers set mrr_usd_month = 0 where customer_id = 'b'",
            {"mrr_is_not_that_of_the_customer"},
        ),
        (twice("rpt_strategy"), {"figure_appears_twice_or_is_missing"}),
        ("delete from marts.rpt_strategy where unit = 'share'", {"figure_appears_twice_or_is_missing"}),
        (f"{STRATEGY} value = 1.1 where unit = 'share'", {"share_is_not_from_0_to_1"}),
        (f"{STRATEGY} as_of = date '2026-10-30'", {"figure_of_another_day"}),
        (f"{STRATEGY} value = 5279.99 where unit <> 'share'", {"arr_is_not_that_of_the_customers"}),
        (twice("rpt_credit_runway"), {"runway_appears_twice"}),
        ("delete from marts.rpt_credit_runway where signal = 'renewal_due'", {"contract_that_ends_soon_is_missing"}),
        (
            f"{CREDIT} runway_days = 92, figure = 92 where signal = 'runs_out'",
            {"signal_contradicts_its_figures"},
        ),
        (f"{CREDIT} runs_out_on = null, runway_days = null", {"signal_contradicts_its_figures"}),
        (f"{CREDIT} runs_out_on = null, runway_days = null where signal = 'renewal_due'", set()),
        (
            f"{CREDIT} threshold = 91, since = date '2026-11-01' where signal = 'renewal_due'",
            {"signal_contradicts_its_figures", "signal_of_another_day"},
        ),
        (f"{CREDIT} since = date '2026-10-30' where signal = 'renewal_due'", {"renewal_is_not_due_since_its_day"}),
        (f"{CREDIT} since = date '2026-11-01' where signal = 'runs_out'", {"signal_of_another_day"}),
        (f"{CREDIT} credit_balance_usd = 0", {"credit_that_is_used_up_ends_in_the_future"}),
        (
            f"{CREDIT} credit_balance_usd = 0, runs_out_on = as_of_date, runway_days = 0, figure = 0 where figure = 10",
            set(),
        ),
        (
            f"{CREDIT} credit_balance_usd = -0.01",
            {"credit_is_negative", "credit_that_is_used_up_ends_in_the_future"},
        ),
        (f"{CREDIT} burn_usd_day = 0", {"credit_is_not_used"}),
        (
            twice("rpt_arr_mix_projection"),
            {
                "band_is_projected_twice_for_a_month",
                "month_of_a_band_is_missing",
            },
        ),
        (f"{PROJECTION} arr_coverage = 1.01", {"probability_is_out_of_range"}),
        (f"{PROJECTION} customers_p10 = 2 where band = '1m'", {"quantiles_are_out_of_order"}),
        (f"{PROJECTION} arr_usd_p90 = 8.99 where band = 'mix'", {"quantiles_are_out_of_order"}),
        (f"{PROJECTION} target_arr_usd = 99999999 where band = 'mix'", {"targets_do_not_multiply_to_100_million"}),
        (f"{PROJECTION} customers_mean = 1.26 where band = '25k'", {"bands_do_not_add_up_to_the_mix"}),
        (f"{PROJECTION} arr_usd_mean = 9.61 where band = '25k'", {"bands_do_not_add_up_to_the_mix"}),
        ("delete from marts.rpt_arr_mix_projection where month = date '2026-12-01'", {"month_of_a_band_is_missing"}),
        (f"{PROJECTION} month = month + interval 1 month", {"month_of_a_band_is_missing"}),
        (f"{PROJECTION} probability_in_time = 0.49 where band = '25k'", {"outlook_contradicts_its_figures"}),
        (f"{PROJECTION} probability_in_time = 0.5 where band = '50k'", {"outlook_contradicts_its_figures"}),
        (f"{PROJECTION} met_month = month where band = '1m'", {"outlook_contradicts_its_figures"}),
        (
            f"{PROJECTION} probability_met_by_month = 0.24 where band = '50k' and month = date '2026-12-01'",
            {"chance_falls_with_time"},
        ),
        (
            f"{PROJECTION} outlook = 'unknown', customers_p50 = null where band = '1m'",
            {"too_little_history"},
        ),
        (f"{PROJECTION} customers_coverage = 0.49", {"past_projections_missed"}),
        (twice("rpt_arr_mix_projection_accuracy"), {"projection_is_judged_twice"}),
        (f"{JUDGED} is_arr_covered = true", {"coverage_contradicts_its_figures"}),
        (f"{JUDGED} customers_p10 = 2, is_customers_covered = true", {"coverage_contradicts_its_figures"}),
        (f"{JUDGED} as_of = date '2026-10-31'", {"projection_is_judged_by_a_known_month"}),
        (
            f"{JUDGED} customers_actual = 2",
            {"actual_differs_from_progress"},
        ),
    ],
)
def test_what_is_wrong_is_found(company: duckdb.DuckDBPyConnection, change: str, expected: set[str]) -> None:
    company.execute(change)
    assert broken_of(company, SUITES, change) == expected


def test_every_expectation_is_broken_once() -> None:
    assert never_broken(test_what_is_wrong_is_found, SUITES) == set()
