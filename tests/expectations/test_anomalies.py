"""A figure is unusual when it is far from its own weekdays; a holiday is, and does not make the next one so."""

from collections.abc import Iterator
from datetime import date, timedelta

import duckdb
import pytest

from expectations.anomalies import Judgement, Kind, Rule, judge, judge_figures, load_figures

RULE = Rule(weeks=8, least_weeks=4, deviations=4, least_deviation_share=0.02)
THURSDAY = date(2026, 12, 31)


def weeks_before(*values: float, day: date = THURSDAY) -> dict[date, float]:
    """Values of the same weekday, the newest last."""
    return {day - timedelta(weeks=back): value for back, value in enumerate(reversed(values), 1)}


def judged(by_day: dict[date, float], value: float | None, kind: Kind = "usd", day: date = THURSDAY) -> Judgement:
    """The judgement of a value on a day."""
    return judge(
        "figure", "marts.table", kind, by_day if value is None else {**by_day, day: value}, as_of=day, rule=RULE
    )


# No slope, median 100, median absolute deviation 10: a deviation is 14.826, and four of them 59.304.
SPREAD = weeks_before(100, 110, 90, 80, 120, 90, 110, 100)


@pytest.mark.parametrize(
    ("value", "status"),
    [(159.304, "passed"), (159.305, "unusual"), (40.696, "passed"), (40.695, "unusual")],
)
def test_the_bound_is_four_deviations_on_either_side(value: float, status: str) -> None:
    assert judged(SPREAD, value).status == status


@pytest.mark.parametrize(("value", "status"), [(108.0, "passed"), (108.01, "unusual"), (91.99, "unusual")])
def test_what_never_varied_may_vary_by_a_share_of_itself(value: float, status: str) -> None:
    assert judged(weeks_before(100, 100, 100, 100), value).status == status


@pytest.mark.parametrize(("value", "status"), [(21.0, "passed"), (22.0, "unusual")])
def test_few_rows_vary_by_chance(value: float, status: str) -> None:
    assert judged(weeks_before(9, 9, 9, 9), value, "rows").status == status
    assert judged(weeks_before(9, 9, 9, 9), value, "usd").status == "unusual"


def rhythm(day: date) -> float:
    """2,000 on a working day, 1,000 at the weekend."""
    return 2000.0 if day.weekday() < 5 else 1000.0


def days_until(day: date) -> dict[date, float]:
    """Eight weeks of the rhythm, and the day itself."""
    return {each: rhythm(each) for each in (day - timedelta(days=back) for back in range(57))}


@pytest.mark.parametrize("back", range(7))
def test_a_weekend_is_like_a_weekend_and_no_drop(back: int) -> None:
    day = THURSDAY - timedelta(days=back)
    assert judged(days_until(day), None, "rows", day).status == "passed"


def test_a_working_day_that_looks_like_a_weekend_is_unusual() -> None:
    assert judged(days_until(THURSDAY), 1000.0, "rows").status == "unusual"


def test_holiday_is_unusual_only_on_its_day() -> None:
    christmas, days = date(2026, 12, 25), days_until(date(2026, 12, 25))
    days[christmas] = 900.0
    assert judged(days, None, "rows", christmas).status == "unusual"
    after = christmas + timedelta(weeks=1)
    calm = judged({**days, after: 2000.0}, None, "rows", after)
    assert (calm.status, calm.past[-1], calm.usual) == ("passed", 900.0, 2000.0)


def test_growth_is_usual_and_a_fifth_that_is_lost_in_it_is_not() -> None:
    growing = weeks_before(*range(1000, 1400, 50))
    assert (judged(growing, 1400.0).usual, judged(growing, 1400.0).status) == (1400.0, "passed")
    assert judged(growing, 0.8 * 1400).status == "unusual"


@pytest.mark.parametrize(("weeks", "status"), [(3, "not judged"), (4, "passed")])
def test_too_little_history_is_said_and_judged_of_nobody(weeks: int, status: str) -> None:
    result = judged(weeks_before(*[100] * weeks), 100.0)
    assert result.status == status
    assert ("too little history: 3 such weekdays of 4 needed" in result.note) == (weeks == 3)


def test_day_without_rows_is_zero_and_without_a_ratio_is_skipped() -> None:
    assert (judged(SPREAD, None, "rows").value, judged(SPREAD, None, "rows").status) == (0.0, "unusual")
    assert judged(SPREAD, None, "ratio").status == "not judged"


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse in which a mart had 100 rows on the last four Thursdays, and has 70 now."""
    with duckdb.connect() as connection:
        connection.execute(
            "create schema seeds; create schema quality; create schema raw; create schema marts; "
            "create table seeds.thresholds as from (values ('anomaly_weeks', 8), ('anomaly_least_weeks', 4), "
            "('anomaly_deviations', 4), ('anomaly_least_deviation_share', 0.02)) as t (name, value); "
            "create table quality.expectation_results as select 'marts' as layer, 'dim_organizations' as table_name, "
            "as_of_date, checked_at, total_rows, first_day, turn from (select cast(range as date) as as_of_date, "
            "range as checked_at, 100 as total_rows, cast(null as date) as first_day, 2 as turn "
            "from range(timestamp '2026-12-03', timestamp '2026-12-31', interval 7 day) "
            # An earlier run counted one row; the clock had jumped ahead.
            "union all select date '2026-12-24', timestamp '2027-12-23', 1, null, 1 "
            # A run for a day has counted that day's rows alone.
            "union all select date '2026-12-24', timestamp '2026-12-25', 2, date '2026-12-24', 3); "
            "create table raw.usage__usage_reports (date date); "
            "create table marts.fct_usage_daily (date date, organization_id varchar); "
            "create table marts.fct_bill_forecasts (as_of_date date, forecast_bill_usd int, forecast_list_usd int); "
            "create table marts.dim_organizations as select timestamp '2026-12-31' - to_days(cast(range as int)) "
            "as created_at from range(70)"
        )
        yield connection


def test_row_counts_are_compared_with_earlier_days(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    results = {(each.figure, each.table): each for each in judge_figures(warehouse, THURSDAY)}
    rows = results["rows_of_tables", "marts.dim_organizations"]
    assert (rows.status, rows.value, rows.past) == ("unusual", 70, (100, 100, 100, 100))
    assert results["sign_ups", "marts.dim_organizations"].status == "passed"
    assert results["usage_reports", "raw.usage__usage_reports"].status == "not judged"
    assert len(results) == len(load_figures()) + 1
