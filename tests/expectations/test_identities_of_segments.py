"""Each expectation of the segments holds on a company of three organizations, and fails when it is broken."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.expectations.breaking import broken_of, company_of

pytestmark = pytest.mark.slow

SUITES = (
    "fct_organization_segments",
    "fct_segment_criteria",
    "fct_segment_flags",
    "rpt_score_comparison",
    "rpt_scores",
    "rpt_segment_moves",
    "rpt_signups_weekly",
)
TABLES = """
create schema marts;

create table marts.dim_organizations as select * from (values
    ('a', 'high_growth', 'strict', 'small', timestamp '2026-09-15'),
    ('b', 'hobbyist', 'likely', 'none', timestamp '2026-09-22'),
    ('c', 'unknown', 'unknown', 'none', timestamp '2026-09-22')
) as organizations (organization_id, icp_segment, icp_confidence, size_tier, created_at);
create table marts.dim_customers as select * from (values
    ('a', 'small', 1200.00), ('b', 'none', 0.00), ('c', 'none', 0.00)
) as customers (customer_id, size_tier, arr_usd_year);
create table marts.fct_organization_segments as select * from (values
    ('a', 'other', 'strict', 'none', null, date '2026-10-01', date '2026-10-31'),
    ('a', 'high_growth', 'strict', 'small', null, date '2026-10-31', null),
    ('b', 'hobbyist', 'likely', 'none', null, date '2026-10-02', null),
    ('c', 'unknown', 'unknown', 'none', 'stale', date '2026-10-02', null)
) as spans (organization_id, icp_segment, icp_confidence, size_tier, unknown_reason, valid_from, valid_to);
create table marts.fct_segment_criteria as select *, 'high_growth' as segment from (values
    ('a', 'size', 'size', '15', 'met', null), ('a', 'users', 'use', null, 'unknown', null),
    ('a', 'revenue', 'use', '9', 'met', null),
    ('b', 'size', 'size', '1', 'not_met', null), ('b', 'users', 'use', '1', 'met', null),
    ('b', 'revenue', 'use', '9', 'met', null),
    ('c', 'size', 'size', null, 'unknown', 'high_growth'), ('c', 'users', 'use', '1', 'met', null),
    ('c', 'revenue', 'use', '9', 'met', null)
) as criteria (organization_id, criterion, criteria_group, observed, result, would_decide);
create table marts.fct_segment_flags as select * from (values
    ('a', null), ('b', 2), ('c', null)
) as flags (organization_id, hobbyist_bonus_points);
create table marts.rpt_score_comparison as
select 'icp_24' as score, 1 as version, 3 as customers, 2 as passing, 1 as became_paying, 1 as passing_became_paying,
    50.00 as paying_of_passing_percent, 33.33 as paying_of_all_percent;
create table marts.rpt_scores as select *, 12 as cut, 1 as version, 'icp_24' as score from (values
    ('a', 12, 12, 24, true), ('b', 11, -4, 12, false), ('c', 0, -15, 24, false)
) as scores (organization_id, points, points_at_least, points_at_most, passes);
create table marts.rpt_segment_moves as select date '2026-10-01' as month, * from (values
    ('icp_segment', 'other', 'high_growth', 1), ('size_tier', 'none', 'small', 1)
) as moves (attribute, state_before, state_after, customers);
create table marts.rpt_signups_weekly as select *, 0 as high_potential_signups, 0 as other_signups,
    0 as unknown_no_owner, 0 as unknown_no_domain, 0 as unknown_free_mail, 0 as unknown_not_enriched,
    0 as unknown_not_found, 0 as unknown_insufficient_data, 0 as unknown_disqualified, 0 as unknown_missing_fact
from (values
    (date '2026-09-14', 1, 1, 1, 0, 0, 1, 0), (date '2026-09-21', 2, 2, 0, 1, 1, 1, 1),
    (date '2026-10-18', 0, 0, 0, 0, 0, 0, 0)
) as weeks (week, signups, work_mail_signups, high_growth_signups, hobbyist_signups, unknown_signups,
    work_mail_with_segment, unknown_stale);
"""


@pytest.fixture
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    with company_of(TABLES) as connection:
        yield connection


def test_segments_that_are_right_pass(company: duckdb.DuckDBPyConnection) -> None:
    assert broken_of(company, SUITES) == set()


HISTORY = "update marts.fct_organization_segments set"
CRITERIA = "update marts.fct_segment_criteria set"
FLAGS = "update marts.fct_segment_flags set"
SCORES = "update marts.rpt_scores set"
COMPARISON = "update marts.rpt_score_comparison set"
MOVES = "update marts.rpt_segment_moves set"
WEEKS = "update marts.rpt_signups_weekly set"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (f"{HISTORY} valid_to = date '2026-10-30' where valid_to is not null", {"segments_leave_a_gap_or_overlap"}),
        (f"{HISTORY} valid_to = date '2026-11-01' where valid_to is not null",
         {"segments_leave_a_gap_or_overlap", "segment_is_from_after_the_data_day"}),
        ("insert into marts.fct_organization_segments from marts.fct_organization_segments where organization_id = 'b'",
         {"organization_has_two_segments_on_one_day", "segments_leave_a_gap_or_overlap"}),
        ("delete from marts.fct_organization_segments where organization_id = 'b'", {"organization_has_no_history"}),
        (f"{HISTORY} icp_segment = 'other', icp_confidence = 'strict' where organization_id = 'b'",
         {"organization_has_no_history"}),
        (f"{HISTORY} size_tier = 'micro' where organization_id = 'b'", {"organization_has_no_history"}),
        (f"{HISTORY} valid_from = date '2026-11-01' where organization_id = 'b'",
         {"segment_is_from_after_the_data_day"}),
        (f"{HISTORY} unknown_reason = null", {"segment_and_confidence_contradict_each_other"}),
        (f"{HISTORY} unknown_reason = 'stale' where organization_id = 'b'",
         {"segment_and_confidence_contradict_each_other"}),
        ("insert into marts.fct_organization_segments select spans.* replace (organization_id || n as organization_id) "
         "from marts.fct_organization_segments as spans, range(2) as copies (n) where organization_id = 'c'",
         {"most_work_mail_organizations_have_no_segment"}),
        ("insert into marts.fct_segment_criteria from marts.fct_segment_criteria where organization_id = 'b' limit 1",
         {"criterion_is_answered_twice", "organizations_have_different_criteria"}),
        (f"{CRITERIA} observed = null where result = 'not_met'", {"answer_contradicts_what_was_observed"}),
        (f"{CRITERIA} observed = '1' where result = 'unknown'", {"answer_contradicts_what_was_observed"}),
        ("delete from marts.fct_segment_criteria where organization_id = 'c' and criterion = 'users'",
         {"organizations_have_different_criteria"}),
        (f"{CRITERIA} result = 'not_met' where organization_id = 'a' and criterion = 'size'",
         {"strict_segment_has_a_group_without_a_met_criterion"}),
        (f"{CRITERIA} would_decide = 'high_growth' where organization_id = 'b' and criterion = 'size'",
         {"decided_organization_has_a_deciding_fact"}),
        ("insert into marts.fct_segment_flags values ('b', 2)", {"organization_has_two_rows_of_flags"}),
        ("delete from marts.fct_segment_flags where organization_id = 'c'", {"organization_has_no_flags"}),
        (f"{FLAGS} hobbyist_bonus_points = 1 where organization_id = 'a'", {"bonus_of_a_non_hobbyist"}),
        (f"{FLAGS} hobbyist_bonus_points = null", {"bonus_of_a_non_hobbyist"}),
        ("insert into marts.rpt_scores from marts.rpt_scores where organization_id = 'a'",
         {"organization_has_two_scores_of_one_version"}),
        ("delete from marts.rpt_scores where organization_id = 'c'", {"organization_has_no_score"}),
        (f"{SCORES} passes = false", {"points_are_outside_of_their_range"}),
        (f"{SCORES} points_at_least = 13 where organization_id = 'a'", {"points_are_outside_of_their_range"}),
        (f"{SCORES} points_at_most = 25 where organization_id = 'c'", {"first_version_exceeds_its_maximum"}),
        ("insert into marts.rpt_score_comparison from marts.rpt_score_comparison", {"version_is_compared_twice"}),
        (f"{COMPARISON} customers = 4", {"versions_are_compared_on_other_customers"}),
        (f"{COMPARISON} passing_became_paying = 2", {"parts_are_more_than_the_whole"}),
        (f"{COMPARISON} paying_of_passing_percent = 33.32", {"score_picks_worse_than_chance"}),
        ("insert into marts.rpt_segment_moves from marts.rpt_segment_moves where attribute = 'icp_segment'",
         {"move_is_listed_twice"}),
        (f"{MOVES} state_after = 'other' where attribute = 'icp_segment'", {"move_has_no_change_or_no_customer"}),
        (f"{MOVES} customers = 2 where attribute = 'size_tier'", {"moves_do_not_add_up_to_the_tiers"}),
        ("insert into marts.rpt_signups_weekly from marts.rpt_signups_weekly where signups = 0",
         {"week_appears_twice"}),
        (f"{WEEKS} signups = 2, work_mail_signups = 2, high_growth_signups = 2 where week = date '2026-09-14'",
         {"signups_do_not_add_up_to_organizations"}),
        (f"{WEEKS} unknown_stale = 0", {"segments_or_reasons_do_not_add_up"}),
        (f"{WEEKS} unknown_stale = 0, unknown_free_mail = unknown_stale", {"segments_or_reasons_do_not_add_up"}),
        (f"{WEEKS} work_mail_with_segment = 0 where week = date '2026-09-21'",
         {"coverage_of_recent_signups_fell_below_half"}),
        (f"{WEEKS} work_mail_with_segment = 0 where week = date '2026-09-14'", set()),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(company: duckdb.DuckDBPyConnection, change: str, expected: set[str]) -> None:
    company.execute(change)
    assert broken_of(company, SUITES) == expected
