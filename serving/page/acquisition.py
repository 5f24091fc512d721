"""Sections on sign-ups that fit, what customers cost, what becomes of sign-ups, and how long cohorts stay."""

from collections.abc import Sequence
from datetime import date

from serving.page.blocks import Block, Header, HeatMap, Note, PageTable, short_money
from serving.page.customer_rows import CUSTOMER, customer, without
from serving.page.snapshot import LAST_CLOSED_MONTH, Snapshot

WEEK_DAYS = 7
MONTHS_OF_CHANNELS = 6
MONTHS_OF_FUNNEL = 18
COHORTS_SHOWN = 12
MONTHS_SINCE = 12


def icp_sign_ups(published: Snapshot) -> Sequence[Block]:
    """Names of the sign-ups in the ICP of the seven days up to the data day."""
    if unknown := without(published, "Which sign-ups are in the ICP is not known", "enrichment.companies"):
        return unknown
    rows = published.rows(
        f"""
        select {customer("organizations", "organizations")}, organizations.icp_segment,
            organizations.domain, organizations.signup_channel, organizations.users,
            organizations.products_used, cast(organizations.created_at as date)
        from dim_organizations as organizations cross join publish_info
        where organizations.icp_segment in ('high_growth', 'high_potential')
            and cast(organizations.created_at as date) > as_of_date - {WEEK_DAYS}
        order by organizations.icp_segment, organizations.users desc, organizations.organization_id
        """
    )
    columns = [
        CUSTOMER, Header("Segment", "words", is_filter=True, is_on_card=True),
        Header("Domain", is_on_card=True), Header("Channel", "words"), Header("Users", "number", is_on_card=True),
        Header("Products used", "number"), Header("Signed up", "date", is_on_card=True),
    ]  # fmt: skip
    title = f"In the ICP, signed up in the last {WEEK_DAYS} days"
    empty = "No sign-up of these days is known to be in the ICP."
    return [PageTable("icp-sign-ups", title, columns, rows, empty, "dim_organizations")]


def channels(published: Snapshot) -> Sequence[Block]:
    """What customers cost by channel, over the last closed months."""
    # The customers of a month count, so its spend must too.
    spend = "case when (select bool_and(spend_usd is not null) from cells) then sum(spend_usd) end"
    rows = published.rows(
        f"""
        with cells as (
            from rpt_acquisition
            where month > {LAST_CLOSED_MONTH} - interval {MONTHS_OF_CHANNELS} month and month <= {LAST_CLOSED_MONTH}
        )
        select signup_channel, sum(signups), sum(activated), sum(icp_signups), sum(paying_customers),
            sum(new_mrr_usd_month), {spend}, {spend} / nullif(sum(paying_customers), 0)
        from cells
        group by signup_channel
        order by sum(new_mrr_usd_month) desc nulls last, sum(signups) desc, signup_channel
        """
    )
    columns = [
        Header("Channel", "words"), Header("Sign-ups", "number"), Header("Activated", "number"),
        Header("In the ICP", "number"), Header("New customers", "number"), Header("New MRR", "money"),
        Header("Spend", "money"), Header("Spend a customer", "money"),
    ]  # fmt: skip
    title = f"By channel, the last {MONTHS_OF_CHANNELS} closed months; – is not known"
    return [
        *without(published, "What customers cost is not known", "spend.sales_and_marketing"),
        PageTable("channels", title, columns, rows, "Nobody signed up in these months.", "rpt_acquisition"),
    ]


def funnel(published: Snapshot) -> Sequence[Block]:
    """What became of the sign-ups of each month."""
    rows = published.rows(
        f"""
        select strftime(month, '%b %Y'), signups, activated, activated / nullif(signups, 0), paying_by_day_120,
            paying_by_day_120 / nullif(signups, 0), mrr_at_day_120_per_1000_signups_usd_month
        from rpt_growth_funnel
        order by month desc
        limit {MONTHS_OF_FUNNEL}
        """
    )
    columns = [
        Header("Sign-ups of"), Header("Sign-ups", "number"), Header("Activated", "number"), Header("Share", "percent"),
        Header("Paying by day 120", "number"), Header("Share", "percent"),
        Header("MRR on day 120 a 1,000 sign-ups", "money"),
    ]  # fmt: skip
    title = "By month of sign-up; – is too early to know"
    return [PageTable("funnel-list", title, columns, rows, "Nobody has signed up.", "rpt_growth_funnel")]


def cohorts(published: Snapshot) -> Sequence[Block]:
    """Customers and dollars that stay, by the month in which a customer first paid."""
    rows = published.rows(
        f"""
        with firsts as (
            select customer_id, min(month) as cohort from fct_mrr_monthly where mrr_usd_month > 0 group by customer_id
        )
        select cohort, date_diff('month', cohort, month) as months_since,
            count(*) filter (where mrr_usd_month > 0), sum(greatest(mrr_usd_month, 0))
        from fct_mrr_monthly inner join firsts using (customer_id)
        where month between cohort and {LAST_CLOSED_MONTH}
            and cohort > {LAST_CLOSED_MONTH} - interval {COHORTS_SHOWN} month
            and date_diff('month', cohort, month) <= {MONTHS_SINCE}
        group by all
        order by cohort, months_since
        """
    )
    if not rows:
        return [Note("No customer has paid in the last closed months, so there is no cohort yet.")]
    # Of each cohort, by months since, customers and MRR.
    by_cohort: dict[date, dict[int, tuple[int, float]]] = {}
    for cohort, months_since, paying, mrr in rows:
        by_cohort.setdefault(cohort, {})[months_since] = (paying, float(mrr))
    width = max(max(months) for months in by_cohort.values()) + 1

    def shares(which: int) -> list[list[float | None]]:
        return [
            [months[since][which] / months[0][which] if since in months else None for since in range(width)]
            for months in by_cohort.values()
        ]

    names = [f"{cohort:%b %Y}" for cohort in by_cohort]
    customers = [f"{months[0][0]:,}" for months in by_cohort.values()]
    dollars = [short_money(months[0][1]) for months in by_cohort.values()]
    note = "Percent of the month of the first bill, by months since. Blank: too young to know."
    return [
        HeatMap("Customers that still pay", "Customers", list(zip(names, customers, shares(0), strict=True)), note),
        HeatMap("MRR that is left or has grown", "MRR", list(zip(names, dollars, shares(1), strict=True)), note),
    ]
