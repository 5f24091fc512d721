"""How far enrichment covers the newest sign-ups, in two lines for the end of a run."""

from pathlib import Path

from serving.reader import query

RECENT_WEEKS = """
    from rpt_signups_weekly
    where week <= (select as_of_date - 6 from publish_info)
    order by week desc
    limit 4
"""


def coverage_lines(path: Path) -> list[str]:
    """Shares of the four newest weeks that are over, and why segments are unknown; none before such a week."""
    with query(RECENT_WEEKS, path=path) as newest:
        weeks = [dict(zip(newest.columns, row, strict=True)) for row in reversed(newest.fetchall())]
    if not weeks:
        return []
    reasons = {
        name.removeprefix("unknown_"): sum(week[name] for week in weeks)
        for name in weeks[0]
        if name.startswith("unknown_") and name != "unknown_signups"
    }
    most_first = sorted(reasons.items(), key=lambda reason: -reason[1])
    return [
        f"  sign-ups of the weeks from {', '.join(format(week['week'], '%d %b') for week in weeks)}: "
        f"{_shares(weeks, 'icp_signups_percent')} are ICP; "
        f"of those with a work address {_shares(weeks, 'coverage_percent')} have a segment",
        "  segments not known: " + (", ".join(f"{name} {count:,}" for name, count in most_first if count) or "none"),
    ]


def _shares(weeks: list[dict], column: str) -> str:
    return ", ".join("-" if week[column] is None else f"{week[column]:.0f} %" for week in weeks)
