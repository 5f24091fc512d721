"""The figures at the top of the page, which are read from across a room."""

from collections.abc import Callable

from serving.page.blocks import Figure, percent, short_money
from serving.page.published import LAST_CLOSED_MONTH, Published
from serving.page.trust import CLOSED_WEEKS, WEEKS_OF_FIGURES

LAST_MONTH = "month = (select max(month) from {table})"


def headline(published: Published) -> list[Figure]:
    """One figure of each topic; one whose table is not published is left out, and its section says so."""
    return [build(published) for tables, build in HEADLINE if tables <= published.tables]


def _arr(published: Published) -> Figure:
    (arr,) = published.row("select coalesce(sum(arr_usd_year), 0) from dim_customers")
    (net,) = published.row(
        f"select coalesce(sum(delta_usd_month), 0) from fct_mrr_movements where month = {LAST_CLOSED_MONTH}"
    )
    return Figure("ARR", short_money(arr), f"{'+' if net >= 0 else ''}{short_money(net * 12)} in the last month")


def _customers(published: Published) -> Figure:
    (paying,) = published.row("select count(*) from dim_customers where lifecycle = 'paying'")
    (new,) = published.row(
        f"select count(*) from fct_mrr_movements where movement = 'new' and month = {LAST_CLOSED_MONTH}"
    )
    return Figure("Paying customers", f"{paying:,}", f"{new:,} new in the last month")


def _mix(published: Published) -> Figure:
    capped, target = published.row(
        """
        select coalesce(sum(capped_arr_usd), 0), coalesce(sum(target_arr_usd), 0)
        from rpt_arr_mix_progress where as_of = (select max(as_of) from rpt_arr_mix_progress)
        """
    )
    share = float(capped / target) if target else None
    return Figure("ARR in the mix", short_money(capped), f"of {short_money(target)}", share=share)


def _retention(published: Published) -> Figure:
    rows = published.rows(
        f"select base_months, ndr from rpt_retention where {LAST_MONTH.format(table='rpt_retention')} "
        "and ndr is not null order by base_months desc limit 1"
    )
    if not rows:
        return Figure("Net retention", "–", "no base of customers yet")
    months, ndr = rows[0]
    return Figure("Net retention", percent(ndr), f"over {months} months")


def _queue(published: Published) -> Figure:
    (waiting,) = published.row("select count(*) from fct_onboarding_queue where is_open")
    return Figure("Onboarding queue", f"{waiting:,}", "customers waiting")


def _icp(published: Published) -> Figure:
    (share,) = published.row(
        f"""
        select sum(icp_signups) / nullif(sum(signups), 0)
        from (select * from rpt_signups_weekly where {CLOSED_WEEKS} order by week desc limit {WEEKS_OF_FIGURES})
        """
    )
    return Figure("ICP share of sign-ups", "–" if share is None else percent(share), f"last {WEEKS_OF_FIGURES} weeks")


HEADLINE: tuple[tuple[set[str], Callable[[Published], Figure]], ...] = (
    ({"dim_customers", "fct_mrr_movements"}, _arr),
    ({"rpt_arr_mix_progress"}, _mix),
    ({"dim_customers", "fct_mrr_movements"}, _customers),
    ({"rpt_retention"}, _retention),
    ({"fct_onboarding_queue"}, _queue),
    ({"rpt_signups_weekly"}, _icp),
)
