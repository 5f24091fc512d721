"""Days that a run builds: what it is asked for, what dbt is told, what it reports, and what is listed as missing."""

from datetime import date

import pytest

from orchestration.checks.missing_days import list_days
from transform.days import Days, days_of_tags, days_to_report, dbt_variables, ranges_of, tags_of_days

OCTOBER_30, OCTOBER_31 = date(2026, 10, 30), date(2026, 10, 31)


def test_run_builds_what_changed_and_ignores_the_shells_variables() -> None:
    assert days_of_tags({"growth/files": "abc"}) is None
    assert dbt_variables(None) == {"GROWTH_DAYS_FROM": "", "GROWTH_DAYS_TO": ""}


def test_one_partition_is_one_day() -> None:
    assert days_of_tags({"dagster/partition": "2026-10-31"}) == Days(OCTOBER_31, OCTOBER_31)


def test_a_range_is_one_run_with_both_ends() -> None:
    days = Days(OCTOBER_30, OCTOBER_31)
    assert days_of_tags(tags_of_days(days)) == days
    assert dbt_variables(days) == {"GROWTH_DAYS_FROM": "2026-10-30", "GROWTH_DAYS_TO": "2026-10-31"}


@pytest.mark.parametrize(
    ("built", "reported"),
    [
        (Days(OCTOBER_31, OCTOBER_31), [OCTOBER_31]),
        (Days(OCTOBER_30, OCTOBER_31), [OCTOBER_30, OCTOBER_31]),
        # Nothing was restated: the run has looked at the data day all the same.
        (Days(date(2026, 11, 1), OCTOBER_31), [OCTOBER_31]),
        (Days(date(1900, 1, 1), OCTOBER_31), [date(2026, 10, day) for day in range(25, 32)]),
    ],
)
def test_a_run_reports_the_days_it_built_and_of_many_the_newest(built: Days, reported: list[date]) -> None:
    assert days_to_report(built, OCTOBER_31) == reported


def test_days_with_a_gap_are_two_backfills() -> None:
    days = [date(2026, 10, 28), OCTOBER_31, OCTOBER_30, OCTOBER_30]
    assert ranges_of(days) == [Days(date(2026, 10, 28), date(2026, 10, 28)), Days(OCTOBER_30, OCTOBER_31)]
    assert ranges_of([]) == []


def test_the_list_of_days_says_how_to_mend_each() -> None:
    rows = list_days({"missing": [OCTOBER_30, OCTOBER_31], "failed": [date(2026, 10, 1)]})
    assert [(row["first_day"], row["last_day"], row["state"]) for row in rows] == [
        ("2026-10-30", "2026-10-31", "missing"),
        ("2026-10-01", "2026-10-01", "failed"),
    ]
    assert "backfill --from 2026-10-30 --to 2026-10-31" in rows[0]["mended_by"]
    assert list_days({"missing": [], "failed": []}) == []
