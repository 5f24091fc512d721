"""The SQL of the project runs on each engine: what only one of them has stands in its own file of macros."""

import pytest

from expectations.suites import load_suites
from settings import PROJECT_DIR
from tests.style.portable_sql import in_query, in_templates

FOLDER = PROJECT_DIR / "dbt_project"
FILES = [
    path
    for name in ("models", "macros", "tests")
    for path in sorted((FOLDER / name).rglob("*.sql"))
    if path.parent.name != "engines"
]


# Checked by DuckDB's engine alone until they are written otherwise; the list only becomes shorter.
OF_DUCKDB = {
    "fct_mrr_monthly.month_of_a_customer_is_missing",
    "fct_mrr_movements_by.movements_differ_from_those_of_the_customer",
    "fct_mrr_movements_by.start_plus_movements_of_a_segment_is_not_end",
    "fct_mrr_movements_by.start_plus_movements_of_a_tier_is_not_end",
    "fct_usage_daily.usage_differs_from_the_counters",
    "rpt_acquisition.signups_do_not_add_up",
    "rpt_arr_mix_projection.month_of_a_band_is_missing",
    "rpt_credit_runway.contract_that_ends_soon_is_missing",
    "rpt_cross_sell.product_is_suggested_twice_by_one_signal",
    "rpt_cross_sell.product_that_is_used_is_suggested",
    "rpt_growth_funnel.cohort_is_judged_too_early_or_not_at_all",
    "rpt_growth_funnel.signups_do_not_add_up",
    "rpt_line_crossers.line_is_crossed_before_it_can_be_or_too_late",
    "rpt_retention.base_differs_from_the_months",
    "rpt_retention_by.groups_do_not_add_up_to_retention",
    "rpt_signups_weekly.signups_do_not_add_up_to_organizations",
    "stg_usage__usage_reports.counter_has_no_product",
}


def test_models_and_macros_use_what_every_engine_has() -> None:
    assert len(FILES) > 150
    found = {path.name: list(in_templates(path.read_text())) for path in FILES}
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_suites_use_what_every_engine_has() -> None:
    found = {}
    for suite in load_suites():
        for each in suite.expectations:
            texts = [each.kwargs.get("unexpected_rows_query"), each.kwargs.get("condition"), each.look_for]
            faults = [fault for text in texts if text for fault in in_query(text)]
            if faults:
                found[f"{suite.table}.{each.name}"] = faults
    assert {name: faults for name, faults in found.items() if name not in OF_DUCKDB} == {}


@pytest.mark.parametrize(
    "construct",
    [
        "select a::int from b",
        "select a from b qualify row_number() over (partition by a order by c) = 1",
        "select count(*) filter (where a > 1) from b",
        "select a // 2 from b",
        "select a from b asof join c on b.d >= c.d",
        "select a, count(*) from b group by all",
        "select * exclude (a) from b",
        "select date_diff('day', a, c) from b",
        "select list_sum(a) from b",
        "select [1, 2] as a from b",
        "select a + interval 1 day from b",
        "select a from b where c ilike 'x'",
        "select arg_max(a, c) from b",
        "select strftime(a, '%Y') from b",
    ],
)
def test_what_only_duckdb_has_is_found_in_models_and_in_suites(construct: str) -> None:
    assert list(in_templates("{{ config(materialized='table') }}\n" + construct))
    assert list(in_query(construct))
