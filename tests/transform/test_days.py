"""Days that a run builds: what it is asked for, what dbt is told, its months, and what is listed as missing."""

from datetime import date

from orchestration.checks.missing_days import list_days
from transform.days import Days, days_of_tags, dbt_variables, months_of, ranges_of, tags_of_days

OCTOBER_30, OCTOBER_31 = date(2026, 10, 30), date(2026, 10, 31)


def test_a_run_without_partitions_builds_what_has_changed_and_takes_nothing_from_the_shell() -> None:
    assert days_of_tags({"growth/files": "abc"}) is None
    assert dbt_variables(None) == {"GROWTH_DAYS_FROM": "", "GROWTH_DAYS_TO": ""}


def test_a_partition_is_a_month_and_a_range_goes_from_its_first_day_to_its_last() -> None:
    assert days_of_tags({"dagster/partition": "2024-02"}) == Days(date(2024, 2, 1), date(2024, 2, 29))
    months = {"dagster/asset_partition_range_start": "2025-12", "dagster/asset_partition_range_end": "2026-10"}
    assert days_of_tags(months) == Days(date(2025, 12, 1), OCTOBER_31)


def test_a_backfill_of_some_days_of_a_month_builds_those_days() -> None:
    days = Days(OCTOBER_30, OCTOBER_31)
    tags = tags_of_days(days)
    assert tags["dagster/asset_partition_range_start"] == tags["dagster/asset_partition_range_end"] == "2026-10"
    assert days_of_tags(tags) == days
    assert dbt_variables(days) == {"GROWTH_DAYS_FROM": "2026-10-30", "GROWTH_DAYS_TO": "2026-10-31"}


def test_months_go_on_over_the_end_of_a_year() -> None:
    assert months_of(Days(date(2025, 11, 30), date(2026, 2, 1))) == ["2025-11", "2025-12", "2026-01", "2026-02"]
    assert months_of(Days(OCTOBER_31, OCTOBER_31)) == ["2026-10"]


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
