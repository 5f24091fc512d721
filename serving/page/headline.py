"""The headline figures at the top of the page."""

from collections.abc import Callable

from serving.page.blocks import UNKNOWN, Figure, percent, short_money
from serving.page.snapshot import LAST_CLOSED_MONTH, Snapshot
from serving.page.trust import WEEKS_OF_FIGURES, closed_weeks

LAST_MONTH = "month = (select max(month) from {table})"


def headline(published: Snapshot) -> list[Figure]:
    """One figure per topic; those without published tables are left out."""
    return [_figure(published, name, build) for name, tables, build in HEADLINE if tables <= published.tables]


def _figure(published: Snapshot, name: str, build: Callable[[Snapshot, str], Figure]) -> Figure:
    try:
        return build(published, name)
    except Exception as error:  # noqa: BLE001 (the page names the figure's fault; the others show)
        return Figure(name, "–", f"cannot be shown ({type(error).__name__})", fault=f"{type(error).__name__}: {error}")


def _arr(published: Snapshot, name: str) -> Figure:
    (arr,) = published.row("select coalesce(sum(arr_usd_year), 0) from dim_customers")
    (net,) = published.row(
        f"select coalesce(sum(delta_usd_month), 0) from fct_mrr_movements where month = {LAST_CLOSED_MONTH}"
    )
    month = published.last_closed_month()
    return Figure(name, short_money(arr), f"{'+' if net >= 0 else ''}{short_money(net * 12)} in {month:%b %Y}")


def _customers(published: Snapshot, name: str) -> Figure:
    (paying,) = published.row("select count(*) from dim_customers where lifecycle = 'paying'")
    (new,) = published.row(
        f"select count(*) from fct_mrr_movements where movement = 'new' and month = {LAST_CLOSED_MONTH}"
    )
    return Figure(name, f"{paying:,}", f"{new:,} new in {published.last_closed_month():%b %Y}")


def _mix(published: Snapshot, name: str) -> Figure:
    capped, target = published.row(
        """
        select coalesce(sum(capped_arr_usd), 0), coalesce(sum(target_arr_usd), 0)
        from rpt_arr_mix_progress where as_of = (select max(as_of) from rpt_arr_mix_progress)
        """
    )
    share = float(capped / target) if target else None
    return Figure(name, short_money(capped), f"of {short_money(target)}", share=share)


def _retention(published: Snapshot, name: str) -> Figure:
    rows = published.rows(
        f"select base_months, ndr from rpt_retention where {LAST_MONTH.format(table='rpt_retention')} "
        "and ndr is not null order by base_months desc limit 1"
    )
    if not rows:
        return Figure(name, UNKNOWN, "no customers in the base")
    months, ndr = rows[0]
    return Figure(name, percent(ndr), f"over {months} months")


def _queue(published: Snapshot, name: str) -> Figure:
    (waiting,) = published.row("select count(*) from fct_onboarding_queue where is_open")
    return Figure(name, f"{waiting:,}", "customers waiting")


def _icp(published: Snapshot, name: str) -> Figure:
    share, unknown = published.row(
        f"""
        select
            case when sum(signups) > sum(unknown_signups) then sum(icp_signups) / sum(signups) end,
            sum(unknown_signups) / nullif(sum(signups), 0)
        from rpt_signups_weekly where {closed_weeks(WEEKS_OF_FIGURES)}
        """
    )
    if unknown is None:
        return Figure(name, "–", f"no sign-ups in {WEEKS_OF_FIGURES} weeks")
    beside = f"last {WEEKS_OF_FIGURES} weeks; segment of {percent(unknown)} unknown"
    return Figure(name, UNKNOWN if share is None else percent(share), beside)


HEADLINE: tuple[tuple[str, set[str], Callable[[Snapshot, str], Figure]], ...] = (
    ("ARR", {"dim_customers", "fct_mrr_movements"}, _arr),
    ("ARR in the mix", {"rpt_arr_mix_progress"}, _mix),
    ("Paying customers", {"dim_customers", "fct_mrr_movements"}, _customers),
    ("Net retention", {"rpt_retention"}, _retention),
    ("Onboarding queue", {"fct_onboarding_queue"}, _queue),
    ("ICP share of sign-ups", {"rpt_signups_weekly"}, _icp),
)
