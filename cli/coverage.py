"""How far enrichment covers the newest sign-ups, in a few lines for the end of a run."""

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
    rows = {
        "sign-ups of the week from": [format(week["week"], "%d %b") for week in weeks],
        "in the ICP": _shares(weeks, "icp_signups_percent"),
        "work address, segment known": _shares(weeks, "coverage_percent"),
    }
    unknown = ", ".join(f"{name} {count:,}" for name, count in most_first if count)
    return [
        *(f"  {name:<28}{''.join(f'{cell:>9}' for cell in cells)}" for name, cells in rows.items()),
        f"  segments not known: {unknown or 'none'}",
    ]


def _shares(weeks: list[dict], column: str) -> list[str]:
    return ["-" if week[column] is None else f"{week[column]:.0f} %" for week in weeks]
