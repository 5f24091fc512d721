"""Rules about figures that crossed their bounds, as sentences, from `rpt_figure_alerts`."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from serving.page.blocks import money, percent
from serving.page.snapshot import Snapshot

# How a figure is called in a sentence; units are those of the mart.
NAMES = {
    "mrr": "MRR",
    "paying_customers": "Paying customers",
    "ndr_12_months": "Net retention of twelve months",
    "gdr_12_months": "Gross retention of twelve months",
    "usage": "Usage in seven days",
    "expected_bills": "The sum of the bills that are expected",
    "signups": "Sign-ups in seven days",
    "onboarding_queue_size": "The onboarding queue",
    "late_contacts": "Late contacts of the onboarding queue",
}
GROUPS = {
    "icp_segment": "segment", "size_tier": "tier", "signup_channel": "channel", "product_key": "product"
}  # fmt: skip


@dataclass(frozen=True)
class Crossing:
    """A rule that fired on `crossed_on`, whom it is for, and what to do."""

    rule: str
    group_value: str
    crossed_on: date
    sentence: str
    channel: str
    receiver: str
    next_action: str


def crossings(published: Snapshot, *, only_told: bool) -> list[Crossing]:
    """The rules that fired in the week, or with `only_told` those to tell of, in the order of seed and group.

    Empty if the published file is of a version of the project without the table.
    """
    if "rpt_figure_alerts" not in published.tables:
        return []
    rows = published.rows(
        """
        select rule, metric, group_by, group_value, comparison, bound, days, figure, figure_before, unit, crossed_on,
            channel, receiver, next_action
        from rpt_figure_alerts, publish_info
        where figure is not null and case when ? then is_told else crossed_on > publish_info.as_of_date - 7 end
        order by rule, group_value
        """,
        [only_told],
    )
    return [
        Crossing(
            rule, group_value, crossed_on, _sentence(metric, group_by, group_value, *more), channel, receiver, action
        )
        for rule, metric, group_by, group_value, *more, crossed_on, channel, receiver, action in rows
    ]


def _sentence(  # noqa: PLR0917 (the columns of the mart, in their order)
    metric: str,
    group_by: str,
    group_value: str,
    comparison: str,
    bound: Decimal,
    days: int,
    figure: Decimal,
    figure_before: Decimal | None,
    unit: str,
) -> str:
    name = NAMES[metric]
    if group_by != "company":
        name += f" of {GROUPS[group_by]} {group_value.replace('_', ' ')}"
    now = f"{name}: {_write(figure, unit)}"
    if comparison in ("above", "below"):
        held = "" if days == 1 else f" for {days} days"
        return f"{now}, {comparison} {_write(bound, unit)}{held}."
    if figure_before is None or figure_before <= 0:
        return f"{now}."
    change = figure / figure_before - 1
    direction = "more" if change >= 0 else "less"
    return f"{now}, {percent(abs(change))} {direction} than {days} days before ({_write(figure_before, unit)})."


def _write(figure: Decimal, unit: str) -> str:
    if unit == "share":
        return percent(figure)
    if unit.startswith("USD"):
        return f"{money(figure)}{unit.removeprefix('USD')}"
    return f"{figure:,.0f}"
