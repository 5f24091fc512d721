"""Sections on sign-ups, forecast accuracy and data quality."""

import json
from collections.abc import Sequence
from itertools import groupby

from serving.page import charts
from serving.page.blocks import (
    UNKNOWN,
    Block,
    Chart,
    Figure,
    Figures,
    Header,
    Note,
    PageTable,
    percent,
    words,
    write,
)
from serving.page.snapshot import Snapshot

SEGMENTS = ("high_growth", "high_potential", "hobbyist", "other", "unknown")
UNKNOWN_REASONS = (
    "no_owner", "no_domain", "free_mail", "not_enriched", "not_found", "insufficient_data", "disqualified", "stale",
    "missing_fact",
)  # fmt: skip
WEEKS_SHOWN = 26
WEEKS_OF_FIGURES = 13
# Nominal coverage of the forecast interval: 80 of 100 bills should be within it.
INTERVAL = 0.8
# Subjects listed per kind of finding.
NAMED_FINDINGS = 5
# Groups in which forecasts are judged, the worst first.
GROUPS_SHOWN = 12
METHODS = {"forecast": "This forecast", "published_rule": "Vendor's rule"}
NEXT_WEEK = "(select date_trunc('week', as_of_date + 1) from publish_info)"


def closed_weeks(number: int) -> str:
    """Condition for the last `number` closed calendar weeks; a week without rows counts as one."""
    return f"week < {NEXT_WEEK} and week >= {NEXT_WEEK} - interval {7 * number} day"


def sign_ups(published: Snapshot) -> Sequence[Block]:
    count, icp, unknown, work_mail, paying = published.row(
        f"""
        select coalesce(sum(signups), 0), sum(icp_signups), coalesce(sum(unknown_signups), 0),
            coalesce(sum(work_mail_signups), 0), coalesce(sum(new_paying_companies), 0)
        from rpt_signups_weekly where {closed_weeks(WEEKS_OF_FIGURES)}
        """
    )
    if not count:
        return [Note(f"Nobody signed up in the last {WEEKS_OF_FIGURES} closed weeks.")]
    columns = ", ".join(f"{segment}_signups as {segment}" for segment in SEGMENTS)
    rows = published.records(
        f"""
        with weeks as (
            select week, {columns} from rpt_signups_weekly where {closed_weeks(WEEKS_SHOWN)}
        )
        select week, segment, organizations
        from (unpivot weeks on {", ".join(SEGMENTS)} into name segment value organizations)
        order by week
        """
    )
    for row in rows:
        row["place"] = SEGMENTS.index(row["segment"])
        row["segment"] = words(row["segment"])
    beside = f"last {WEEKS_OF_FIGURES} closed weeks"
    is_known = icp is not None and unknown < count
    figures = [
        Figure("ICP share of sign-ups", percent(icp / count) if is_known else UNKNOWN, beside),
        Figure("Segment unknown", percent(unknown / count), beside),
        Figure("Sign-ups", f"{count:,}", beside),
        Figure("With a work address", percent(work_mail / count), beside),
        Figure("New paying companies", f"{paying:,}", beside),
    ]
    in_icp = f"{icp} of {count} sign-ups" if is_known else f"Of {count} sign-ups an unknown number"
    summary = f"{in_icp} in the {beside} are in the ICP (high growth or high potential)."
    chart = charts.sign_ups(rows, [words(segment) for segment in SEGMENTS])
    return [Figures(figures), Chart("sign-ups-by-week", "Sign-ups by week and segment", summary, chart, "whole")]


def accuracy(published: Snapshot) -> Sequence[Block]:
    """Errors, interval coverage and the onboarding line, by day of the period."""
    rows = published.records(
        """
        select day_of_period as day, method, median_absolute_percentage_error as error, interval_coverage as coverage
        from rpt_forecast_accuracy
        where method in ('forecast', 'published_rule')
        order by day, method
        """
    )
    if not rows:
        return [Note("No period has closed with a forecast yet.")]
    errors = [
        {"day": row["day"], "name": METHODS.get(row["method"], row["method"]), "share": row["error"]}
        for row in rows
        if row["error"] is not None
    ]
    covered = [
        {"day": row["day"], "name": "Bills within the interval", "share": row["coverage"]}
        for row in rows
        if row["coverage"] is not None
    ]
    weeks = published.rows(
        """
        select day_of_period, n, median_absolute_percentage_error, bias, interval_coverage, line_precision, line_recall,
            line_lead_days
        from rpt_forecast_accuracy
        where method = 'forecast' and day_of_period % 7 = 0
        order by day_of_period
        """
    )
    columns = [
        Header("Day", "number"), Header("Bills", "number"), Header("Median error", "percent"),
        Header("Bias", "percent"), Header("In the interval", "percent"), Header("Line: precision", "percent"),
        Header("Line: recall", "percent"), Header("Line: days of lead", "number"),
    ]  # fmt: skip
    summary = (
        f"On day {weeks[0][0]} half of the forecasts are within {percent(weeks[0][2])} of the bill." if weeks else ""
    )
    drawn = [
        (errors, Chart("accuracy-by-day", "Median error of the bill forecast", summary,
                       charts.accuracy(errors, tuple(METHODS.values()), 0.0))),
        (covered, Chart("coverage-by-day", f"Bills within the {percent(INTERVAL)} interval", summary,
                        charts.accuracy(covered, ("Bills within the interval",), INTERVAL))),
    ]  # fmt: skip
    return [
        *(chart if shares else Note(f"{chart.title}: not known for any day.") for shares, chart in drawn),
        PageTable("accuracy-weeks", "", columns, weeks, "No period has closed yet.", "rpt_forecast_accuracy"),
    ]


def where_it_loses(published: Snapshot) -> Sequence[Block]:
    """Mean errors on day 10 by month, size and first or later bill, those first in which a simple rule was better."""
    rows = published.rows(
        f"""
        with errors as (
            select group_by, group_value, max(n) as bills,
                max(case when method = 'forecast' then mean_absolute_percentage_error end) as ours,
                max(case when method = 'published_rule' then mean_absolute_percentage_error end) as of_the_rule,
                max(case when method = 'last_week' then mean_absolute_percentage_error end) as of_last_week,
                max(case when method = 'weekday_means' then mean_absolute_percentage_error end) as of_weekdays,
                max(case when method = 'forecast' then bias end) as bias,
                max(case when method = 'forecast' then interval_coverage end) as coverage
            from rpt_forecast_accuracy_by
            where day_of_period = 10
            group by group_by, group_value
        )
        select case group_by when 'month' then 'Month' when 'bill' then 'Bill' else 'Size' end,
            case when group_by = 'month' then left(group_value, 7) else group_value end,
            bills, ours, of_the_rule, of_last_week, of_weekdays, bias, coverage
        from errors
        order by ours - least(of_the_rule, of_last_week, of_weekdays) desc, group_by, group_value
        limit {GROUPS_SHOWN}
        """
    )
    columns = [
        Header("Group", "words"), Header("Which"), Header("Bills", "number"), Header("Mean error", "percent"),
        Header("Vendor's rule", "percent"), Header("Last seven days", "percent"), Header("Weekday means", "percent"),
        Header("Bias", "percent"), Header("In the interval", "percent"),
    ]  # fmt: skip
    lost = sum(row[3] > min(row[4:7]) for row in rows if None not in row[3:7])
    title = f"Day 10: in {lost} of these groups a simple rule was better than the forecast" if rows else ""
    return [PageTable("accuracy-groups", title, columns, rows, "No period has closed yet.", "rpt_forecast_accuracy_by")]


def checks(published: Snapshot) -> Sequence[Block]:
    """Results of the gates at publishing."""
    passed, warned, failed, set_aside, by_table = published.row(
        "select checks_passed, checks_warned, checks_failed, rows_set_aside, rows_set_aside_by_table from publish_info"
    )
    figures = [
        Figure("Checks passed", f"{passed:,}", tone="good"),
        Figure("Warned", f"{warned:,}", "did not block publishing", "warning" if warned else ""),
        Figure("Failed", f"{failed:,}", "would have blocked publishing", "bad" if failed else ""),
        Figure("Rows set aside", f"{set_aside:,}", "broke the contract", "warning" if set_aside else ""),
    ]
    columns = [Header("Table"), Header("Rows set aside", "number"), Header("What to do")]
    what_to_do = "List them with `growth rejects`, fix the files and load them again."
    rows = [(table, count, what_to_do) for table, count in json.loads(by_table or "{}").items()]
    return [
        Figures(figures),
        PageTable("set-aside", "Rows set aside", columns, rows, "No rows are set aside.", "publish_info"),
    ]


def freshness(published: Snapshot) -> Sequence[Block]:
    """Age of each source at the end of the data day."""
    (info,) = published.records("from publish_info")
    sources = sorted(name.removesuffix("_newest_at") for name in info if name.endswith("_newest_at"))
    ages = ", ".join(
        f"{source}_newest_at, "
        f"case when {source}_newest_at is not null then greatest(as_of_date - cast({source}_newest_at as date), 0) end"
        for source in sources
    )
    if not sources:
        return [Note("No source reports its newest record.")]
    row = published.row(f"select {ages} from publish_info")
    rows = list(zip(sources, row[::2], row[1::2], strict=True))
    columns = [
        Header("Source", "words"),
        Header("Newest record", "date"),
        Header("Days behind the data day", "number"),
    ]
    table = PageTable("freshness", "Freshness of the sources", columns, rows, "No source.", "publish_info", "half")
    (empty,) = published.row("select empty_source_tables from publish_info")
    if not empty:
        return [table]
    return [Note(f"No rows in {empty}: figures based on these tables are unknown."), table]


def findings(published: Snapshot) -> Sequence[Block]:
    """Doubtful data by kind: the largest findings, their source table and what to do."""
    found = published.rows(
        """
        select finding, source_table, what_to_do, subject, figure, unit
        from rpt_data_quality
        order by finding, source_table, abs(figure) desc nulls last, subject
        """
    )
    columns = [
        Header("Finding", "words"), Header("Found", "number"), Header("About, the largest first"),
        Header("Source table"), Header("What to do"),
    ]  # fmt: skip
    rows = []
    for (finding, source_table, what_to_do), of_kind in groupby(found, key=lambda row: row[:3]):
        each = [row[3:] for row in of_kind]
        named = "; ".join(
            f"{subject}: {write(figure, 'number')} {unit}" for subject, figure, unit in each[:NAMED_FINDINGS]
        )
        more = len(each) - NAMED_FINDINGS
        rows.append(
            (finding, len(each), named + (f"; and {more:,} more" if more > 0 else ""), source_table, what_to_do)
        )
    return [PageTable("findings", "Findings", columns, rows, "No findings.", "rpt_data_quality")]


def coverage(published: Snapshot) -> Sequence[Block]:
    """Share of sign-ups with a known segment, and why the others are unknown."""
    if published.lacks("enrichment.companies"):
        return [Note("Enrichment covers nothing: enrichment.companies has no rows, so no segment is known.")]
    sums = ", ".join(f"coalesce(sum(unknown_{reason}), 0)" for reason in UNKNOWN_REASONS)
    work_mail, known, *counts = published.row(
        f"""
        select coalesce(sum(work_mail_signups), 0), coalesce(sum(work_mail_with_segment), 0), {sums}
        from rpt_signups_weekly where {closed_weeks(WEEKS_OF_FIGURES)}
        """
    )
    share = percent(known / work_mail if work_mail else None)
    rows = sorted(
        ((reason, count) for reason, count in zip(UNKNOWN_REASONS, counts, strict=True) if count),
        key=lambda row: -row[1],
    )
    columns = [Header("Why a segment is unknown", "words"), Header("Sign-ups", "number")]
    title = f"Enrichment covers {share} of the work-mail sign-ups of {WEEKS_OF_FIGURES} weeks"
    return [PageTable("unknown", title, columns, rows, "Every segment is known.", "rpt_signups_weekly", "half")]
