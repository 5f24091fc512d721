"""Each expectation of routing and of the lists holds on a small company, and fails when it is broken."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.expectations.breaking import broken_of, company_of, never_broken

pytestmark = pytest.mark.slow

SUITES = (
    "fct_account_routing",
    "fct_account_routing_history",
    "rpt_customer_health",
    "dim_thresholds",
    "rpt_owner_load",
    "rpt_product_led_leads",
    "rpt_cross_sell",
    "rpt_account_risk",
    "rpt_large_deals",
    "rpt_account_signals",
)
TABLES = """
create schema seeds; create schema staging; create schema intermediate; create schema marts;

create table seeds.thresholds as select * from (values
    ('coverage_from_usd_year', 20000.0), ('health_window_days', 30.0)
) as thresholds (name, value);
create table staging.stg_crm__accounts as select * from (values
    ('acc', 'branch', true, timestamp '2026-10-01'), ('acc', 'branch', false, timestamp '2026-10-31 23:59:59'),
    ('acc', 'branch', true, timestamp '2026-11-01')
) as accounts (account_id, organization_id, is_do_not_contact, updated_at);
create table seeds.score_cuts as select 'lead_70' as score, 20 as cut;
create table seeds.products as select * from (values
    ('logs', 'logs'), ('surveys', 'surveys'), ('session_replay', 'session_replay'), ('mobile_replay', 'session_replay')
) as products (product_key, product_group);
create table seeds.account_signals as select * from (values
    ('product_led_leads', 'lead_score', 'at_least', 2.0, true, null),
    ('product_led_leads', 'first_bill', 'at_least', 500.0, true, null),
    ('cross_sell', 'pair', 'above', 0.0, true, null),
    ('account_risk', 'usage_fall', 'above', 30.0, true, null),
    ('account_risk', 'renewal_near', 'below', 90.0, true, null),
    ('account_risk', 'silent', 'above', 14.0, false, 'chat'),
    ('large_deals', 'large_deal', 'at_least', 3.0, true, null)
) as signals (list_name, signal, bound, threshold, is_available, missing_source);
create table intermediate.int_customer_owners as select 'large' as customer_id, true as is_sales_or_success;

create table marts.dim_customers as select * from (values
    ('large', 'sales_cs', 'csm', 'csm@vendor.example', 20000.00, 'paying', 'healthy'),
    ('queued', 'onboarding', 'onboarding_specialist', null, 0.00, 'activated', 'unknown'),
    ('free', 'self_serve', null, null, 0.00, 'activated', 'poor')
) as customers (customer_id, coverage, suggested_owner_role, owner_email, arr_usd_year, lifecycle, health);
create table marts.dim_organizations as select * from (values
    ('large', 'branch'), ('free', 'free')
) as organizations (customer_id, organization_id);
create table marts.fct_usage_daily as select 'branch' as organization_id, 'surveys' as product_key,
    date '2026-10-01' as date;
create table marts.fct_onboarding_queue as select * from (values
    ('queued', date '2026-10-31', null, true), ('large', date '2026-10-01', date '2026-10-20', false)
) as stays (customer_id, entered_on, exited_on, is_open);
create table marts.fct_account_routing_history as select * from (values
    ('large', 'onboarding_specialist', 'in_onboarding_queue', date '2026-10-01', date '2026-10-20'),
    ('large', null, null, date '2026-10-20', date '2026-10-31'),
    ('large', 'csm', 'arr_with_many_primary_products', date '2026-10-31', null),
    ('queued', 'onboarding_specialist', 'in_onboarding_queue', date '2026-10-31', null)
) as spans (customer_id, suggested_owner_role, reason, valid_from, valid_to);
create table marts.fct_account_routing as select * from (values
    ('large', 'csm', 'arr_with_many_primary_products', 'csm', false, 'high_growth', 1),
    ('queued', 'onboarding_specialist', 'in_onboarding_queue', null, true, 'hobbyist', null)
) as routed (customer_id, suggested_owner_role, reason, current_owner_role, is_gap, icp_segment, list_rank)
cross join (select date '2026-10-31' as since, date '2026-10-31' as as_of_date);
create table marts.dim_thresholds as select name as threshold, value from seeds.thresholds;
create table marts.rpt_customer_health as select * from (values
    ('large', 'surveys', 5, 0.0, 'healthy'), ('free', 'surveys', 5, 30.0, 'poor')
) as parts (customer_id, product_group, weight, fall_percent, health);
create table marts.rpt_owner_load as select 'csm@vendor.example' as owner_email, 'csm' as owner_role, 50 as accounts,
    2500000.00 as arr_usd_year, 50 as book_accounts, 2500000.00 as book_arr_usd_year, false as is_over_book,
    12 as team_people, 20 as team_people_max, date '2026-10-31' as as_of_date;
create table marts.rpt_product_led_leads as select * from (values
    ('queued', 'first_bill', 500.0, null, 'onboarding_specialist', 'high_growth', 1),
    ('free', 'lead_score', 2.0, 20, null, 'high_potential', 2)
) as leads (customer_id, signal, figure, lead_points, suggested_owner_role, icp_segment, list_rank)
cross join (select date '2026-10-30' as since, date '2026-10-31' as as_of_date);
create table marts.rpt_cross_sell as select 'large' as customer_id, 'pair' as signal, 'logs' as product_key,
    'session_replay' as other_products, 0.1 as figure, 'other' as icp_segment, 1 as list_rank,
    date '2026-10-30' as since, date '2026-10-31' as as_of_date;
create table marts.rpt_account_risk as select * from (values
    ('large', 'usage_fall', 'risk', true, 30.1, 1), ('large', 'renewal_near', 'risk', false, 89.0, 2)
) as risks (customer_id, signal, kind, is_do_not_contact, figure, list_rank)
cross join (select 'unknown' as icp_segment, date '2026-10-30' as since, date '2026-10-31' as as_of_date);
create table marts.rpt_large_deals as select 'large' as customer_id, 'large_deal' as signal, 'opp' as opportunity_id,
    3.0 as figure, true as has_long_procurement, true as wants_new_features, true as has_several_stakeholders,
    false as is_valuable, 'other' as icp_segment, 1 as list_rank, date '2026-10-30' as since,
    date '2026-10-31' as as_of_date;
create table marts.rpt_account_signals as select list_name, signal, is_available, missing_source,
    case when is_available then 1 end as customers, date '2026-10-31' as as_of_date from seeds.account_signals;
"""


@pytest.fixture
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    with company_of(TABLES) as connection:
        yield connection


def test_lists_that_are_right_pass(company: duckdb.DuckDBPyConnection) -> None:
    assert broken_of(company, SUITES) == set()


HISTORY = "update marts.fct_account_routing_history set"
ROUTED_OTHERWISE = {"routing_is_not_the_newest_of_its_history"}


def added(table: str, changed: str = "") -> str:
    return f"insert into marts.{table} select * {changed} from marts.{table} limit 1"


def broken_lists(table: str, rows: str, name: str, hobbyists: str) -> list[tuple[str, set[str]]]:
    """What breaks what every list has in common."""
    return [
        (
            added(table, "replace ('high_growth' as icp_segment, 9 as list_rank)"),
            {f"{rows}_appears_twice", f"high_growth_is_not_first_in_{name}"},
        ),
        (
            f"update marts.{table} set icp_segment = 'hobbyist', since = date '2026-11-01'",
            {hobbyists, f"{name}_of_another_day"},
        ),
    ]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        *broken_lists("rpt_product_led_leads", "lead", "product_led_leads", "leads_list_hobbyists"),
        *broken_lists("rpt_cross_sell", "suggestion", "cross_sell", "cross_sell_lists_hobbyists"),
        *broken_lists("rpt_account_risk", "risk", "account_risk", "account_risk_lists_hobbyists"),
        *broken_lists("rpt_large_deals", "deal", "large_deals", "large_deals_list_hobbyists"),
        (added("rpt_owner_load"), {"owner_appears_twice_in_one_role"}),
        (added("rpt_customer_health"), {"product_group_of_a_customer_appears_twice"}),
        (
            "update marts.rpt_customer_health set health = 'poor'",
            {"parts_of_health_do_not_make_the_health_of_the_customer"},
        ),
        (added("dim_thresholds"), {"threshold_has_two_values"}),
        (added("rpt_account_signals"), {"rule_appears_twice"}),
        (added("fct_account_routing"), {"customer_is_routed_twice"}),
        (
            "insert into marts.fct_account_routing select routed.* replace (range::varchar as customer_id, "
            "null as current_owner_role, true as is_gap) from marts.fct_account_routing as routed, range(20) "
            "where not is_gap",
            ROUTED_OTHERWISE | {"most_customers_above_the_line_have_no_owner"},
        ),
        ("update marts.fct_account_routing set is_gap = true", {"gap_contradicts_the_roles"}),
        (
            "update marts.fct_account_routing set since = date '2026-11-01'",
            ROUTED_OTHERWISE | {"routing_of_another_day"},
        ),
        (
            "delete from marts.fct_account_routing where customer_id = 'large'",
            ROUTED_OTHERWISE | {"customer_that_needs_an_owner_is_not_routed"},
        ),
        (
            "update marts.fct_account_routing set suggested_owner_role = 'csm' where customer_id = 'queued'",
            ROUTED_OTHERWISE
            | {"customer_that_needs_an_owner_is_not_routed", "queued_customer_is_not_routed_to_the_specialist"},
        ),
        ("update marts.fct_account_routing set list_rank = 2", {"hobbyists_are_ranked_for_routing"}),
        (
            "update marts.fct_account_routing set list_rank = 2 where customer_id = 'large'; "
            "update marts.fct_account_routing set icp_segment = 'other', list_rank = 1 where customer_id = 'queued'",
            {"high_growth_is_not_first_in_routing"},
        ),
        (
            "insert into marts.fct_account_routing_history select * replace (null as valid_to) "
            "from marts.fct_account_routing_history where customer_id = 'queued'",
            {"customer_is_routed_to_two_roles_on_one_day", "routing_leaves_a_gap_or_overlaps"},
        ),
        (
            f"{HISTORY} valid_to = date '2026-10-21' where valid_to = date '2026-10-20'",
            {"routing_leaves_a_gap_or_overlaps"},
        ),
        (
            f"{HISTORY} valid_to = date '2026-11-01' where valid_to is null",
            ROUTED_OTHERWISE
            | {
                "routing_leaves_a_gap_or_overlaps",
                "routing_is_from_after_the_data_day",
                "queued_day_is_not_routed_to_the_specialist",
            },
        ),
        (
            f"{HISTORY} suggested_owner_role = 'csm' where valid_to = date '2026-10-20'",
            {"queued_day_is_not_routed_to_the_specialist"},
        ),
        (
            "update marts.dim_customers set arr_usd_year = 19999.99 where customer_id = 'large'",
            {"routed_customer_is_below_every_line"},
        ),
        ("update marts.rpt_owner_load set accounts = 51", {"load_over_the_book_is_not_shown"}),
        ("update marts.rpt_owner_load set arr_usd_year = 2500000.01", {"load_over_the_book_is_not_shown"}),
        ("update marts.rpt_owner_load set accounts = 0", {"owner_load_of_another_day"}),
        ("update marts.rpt_owner_load set owner_email = 'other'", {"owner_of_a_customer_has_no_load"}),
        ("update marts.rpt_owner_load set team_people = 21", {"team_is_larger_than_planned"}),
        ("insert into intermediate.int_customer_owners values ('free', true)", {"lead_is_held_by_sales_or_success"}),
        (
            "update marts.rpt_product_led_leads set lead_points = 19 where signal = 'lead_score'",
            {"lead_with_a_score_has_too_few_points"},
        ),
        (
            "update marts.rpt_product_led_leads set suggested_owner_role = 'technical_ae' where signal = 'first_bill'",
            {"lead_of_the_onboarding_queue_is_given_to_sales"},
        ),
        (
            "update marts.rpt_product_led_leads set figure = 499.9 where signal = 'first_bill'",
            {"product_led_leads_contradict_their_rule"},
        ),
        (
            "update marts.rpt_product_led_leads set list_rank = 3 - list_rank",
            {"high_growth_is_not_first_in_product_led_leads"},
        ),
        (
            "update marts.rpt_product_led_leads set customer_id = 'large'; "
            "update staging.stg_crm__accounts set is_do_not_contact = true",
            {"leads_list_do_not_contact_customer", "lead_is_held_by_sales_or_success"},
        ),
        (
            "update marts.rpt_cross_sell set figure = 1; update staging.stg_crm__accounts set is_do_not_contact = true",
            {"cross_sell_lists_do_not_contact_customer"},
        ),
        (
            "update marts.rpt_account_risk set kind = 'opportunity' where signal = 'usage_fall'",
            {"opportunity_with_do_not_contact_customer", "renewal_is_a_risk_by_itself"},
        ),
        ("update marts.rpt_cross_sell set figure = 0", {"cross_sell_contradicts_its_rule"}),
        ("update marts.rpt_cross_sell set product_key = 'surveys'", set()),
        (
            "update marts.rpt_cross_sell set product_key = 'surveys'; "
            "update marts.fct_usage_daily set date = date '2026-10-02'",
            {"product_that_is_used_is_suggested"},
        ),
        (
            "update marts.rpt_cross_sell set figure = 1; "
            "update marts.fct_usage_daily set date = date '2026-10-02', product_key = 'mobile_replay'",
            {"product_that_is_used_is_suggested"},
        ),
        (
            "update marts.rpt_cross_sell set other_products = 'surveys, logs'",
            {"product_is_suggested_twice_by_one_signal"},
        ),
        (
            "update marts.dim_customers set health = 'poor' where customer_id = 'large'",
            {
                "suggestion_for_shrinking_or_queued_customer",
                "parts_of_health_do_not_make_the_health_of_the_customer",
            },
        ),
        (
            "delete from marts.rpt_account_risk where signal = 'usage_fall'",
            {"renewal_is_a_risk_by_itself"},
        ),
        (
            "update marts.rpt_account_risk set customer_id = 'free'",
            {"risk_of_non_paying_customer"},
        ),
        (
            "update marts.rpt_account_risk set signal = 'silent' where signal = 'usage_fall'",
            {"account_risk_contradicts_its_rule"},
        ),
        ("update marts.rpt_large_deals set is_valuable = true", {"criteria_do_not_add_up_to_the_figure"}),
        (
            "update marts.rpt_large_deals set wants_new_features = false, figure = 2",
            {"large_deals_contradict_their_rule"},
        ),
        (
            "update marts.rpt_account_signals set customers = 0 where signal = 'silent'",
            {"rule_without_a_source_fires"},
        ),
        ("delete from marts.rpt_account_signals where signal = 'silent'", {"rule_of_the_seed_is_not_listed"}),
    ],
)
def test_what_is_wrong_is_found(company: duckdb.DuckDBPyConnection, change: str, expected: set[str]) -> None:
    company.execute(change)
    assert broken_of(company, SUITES, change) == expected


def test_every_expectation_is_broken_once() -> None:
    assert never_broken(test_what_is_wrong_is_found, SUITES) == set()
