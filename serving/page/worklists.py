"""Who needs a person: the lists from which people work."""

from collections.abc import Sequence

from serving.page.blocks import UNKNOWN, Block, Column, Figure, Figures, Note, Table, short_money
from serving.page.published import DATA_DAY, LAST_CLOSED_MONTH, Published

CUSTOMER = "coalesce(dim_customers.name, {table}.customer_id)"
NOBODY = "nobody"


def _named(table: str, columns: str, condition: str, order: str) -> str:
    """A query on a table of customers, with their names first."""
    return f"""
        select {CUSTOMER.format(table=table)} as name, {columns}
        from {table} left join dim_customers using (customer_id)
        where {condition}
        order by {order}, name
    """


def _no_owner(published: Published) -> str:
    """What stands in the place of an owner who is not there: without accounts of a CRM nobody knows whether one is."""
    return UNKNOWN if published.lacks("crm.accounts") else NOBODY


def queue(published: Published) -> Sequence[Block]:
    """The onboarding queue, the next to write to first."""
    no_owner = _no_owner(published)
    rows = published.rows(
        f"""
        select {CUSTOMER.format(table="queue")}, queue.queue_reason, queue.latest_forecast_usd,
            forecasts.forecast_low_usd, forecasts.forecast_high_usd, queue.period_end, queue.contact_by,
            case
                when dim_customers.is_do_not_contact then 'may not be contacted'
                when queue.contact_by <= {DATA_DAY} then 'due'
                else 'later'
            end,
            queue.bills_paid, coalesce(queue.owner_email, '{no_owner}'), queue.entered_on
        from fct_onboarding_queue as queue
        left join dim_customers using (customer_id)
        left join fct_bill_forecasts as forecasts
            on queue.organization_id = forecasts.organization_id and forecasts.as_of_date = {DATA_DAY}
        where queue.is_open
        order by queue.contact_by, queue.latest_forecast_usd desc, queue.customer_id
        """
    )
    columns = [
        Column("Customer"), Column("Reason", "words", is_filter=True), Column("Forecast", "money"),
        Column("Bill low", "money"), Column("Bill high", "money"), Column("Renews", "date"),
        Column("Contact by", "date"), Column("Contact", "words", is_filter=True), Column("Bills paid", "number"),
        Column("Owner", "person", is_filter=True), Column("Entered", "date"),
    ]  # fmt: skip
    due = sum(row[7] == "due" for row in rows)
    figures = [
        Figure("In the queue", f"{len(rows):,}"),
        Figure("Contact due", f"{due:,}", tone="warning" if due else "good"),
        Figure("Held by nobody", f"{sum(row[9] == NOBODY for row in rows):,}" if no_owner == NOBODY else UNKNOWN),
        Figure("Forecast a month", short_money(sum(row[2] or 0 for row in rows))),
    ]
    empty = "Nobody is in the queue."
    return [Figures(figures), Table("queue-list", "", columns, rows, empty, "fct_onboarding_queue")]


def line_crossers(published: Published) -> Sequence[Block]:
    """Who crosses a line soon at the present growth."""
    rows = published.rows(
        _named(
            "rpt_line_crossers",
            "direction, line || format(' (${:,} a ', cast(line_usd as bigint)) || period || ')', "
            "rpt_line_crossers.mrr_usd_month, growth_per_month, crosses_on",
            "true",
            "crosses_on, line_usd",
        )
    )
    columns = [
        Column("Customer"), Column("Direction", "words", is_filter=True), Column("Line", "words", is_filter=True),
        Column("MRR", "money"), Column("Growth a month", "percent"),
        Column("Crosses on", "date"),
    ]  # fmt: skip
    return [Table("line-crossers-list", "", columns, rows, "Nobody is about to cross a line.", "rpt_line_crossers")]


def gainers_and_losers(published: Published) -> Sequence[Block]:
    """The largest movements of the last closed month, either way."""
    month = f"{published.last_closed_month():%B %Y}"
    columns = [
        Column("Customer"), Column("Movement", "words"), Column("Change a month", "money"), Column("Before", "money"),
        Column("After", "money"),
    ]  # fmt: skip
    blocks = []
    for key, title, condition, direction in (
        ("gainers", "Gainers", "delta_usd_month > 0", "desc"),
        ("losers", "Losers", "delta_usd_month < 0", "asc"),
    ):
        rows = published.rows(
            _named(
                "fct_mrr_movements",
                "movement, delta_usd_month, mrr_before, mrr_after",
                f"{condition} and month = {LAST_CLOSED_MONTH}",
                f"delta_usd_month {direction}",
            )
            + "limit 10"
        )
        blocks.append(Table(key, f"{title}, {month}", columns, rows, "Nobody.", "fct_mrr_movements", "half"))
    return blocks


def unowned(published: Published) -> Sequence[Block]:
    """Customers that need a person and have nobody, or the wrong one."""
    rows = published.rows(
        _named(
            "fct_account_routing",
            "fct_account_routing.suggested_owner_role, reason, "
            f"coalesce(current_owner_email, '{_no_owner(published)}'), "
            "current_owner_role, dim_customers.arr_usd_year, since",
            "coalesce(is_gap, true) and list_rank is not null "
            "and as_of_date = (select max(as_of_date) from fct_account_routing)",
            "list_rank, dim_customers.arr_usd_year desc",
        )
    )
    columns = [
        Column("Customer"), Column("Needs", "words", is_filter=True), Column("Why", "words"),
        Column("Owner now", "person", is_filter=True), Column("Owner's role", "words"), Column("ARR", "money"),
        Column("Since", "date"),
    ]  # fmt: skip
    (need,) = published.row("select count(*) from fct_account_routing where list_rank is not null")
    empty = "Every customer that needs a person has the right one." if need else "No customer needs a person."
    table = Table("unowned", "", columns, rows, empty, "fct_account_routing")
    if not published.lacks("crm.accounts"):
        return [table]
    return [Note("Who owns these customers is not known: crm.accounts holds no row."), table]


def risk(published: Published) -> Sequence[Block]:
    """What may go wrong with whom, and what to do next."""
    no_owner = _no_owner(published)
    rows = published.rows(
        _named(
            "rpt_account_risk",
            "signal, what_fired, rpt_account_risk.arr_usd_year, "
            f"coalesce(rpt_account_risk.owner_email, '{no_owner}'), "
            "since, next_action",
            "kind = 'risk'",
            "list_rank",
        )
    )
    columns = [
        Column("Customer"), Column("Signal", "words", is_filter=True), Column("What fired"), Column("ARR", "money"),
        Column("Owner", "person", is_filter=True), Column("Since", "date"), Column("Next"),
    ]  # fmt: skip
    return [Table("risk-list", "", columns, rows, "No account shows a sign of risk.", "rpt_account_risk")]


def startup_rolloffs(published: Published) -> Sequence[Block]:
    """Startups whose plan ends: when, and what they will pay then."""
    rows = published.rows(
        _named(
            "rpt_startup_rolloffs",
            "startup_program, signal, rolls_off_on, credit_left_usd, projected_first_bill_usd, next_action",
            "true",
            "rolls_off_on",
        )
    )
    columns = [
        Column("Customer"), Column("Program", "words"), Column("Stage", "words", is_filter=True),
        Column("Rolls off", "date"), Column("Credit left", "money"), Column("First bill", "money"), Column("Next"),
    ]  # fmt: skip
    return [
        Table("rolloffs", "Startup plans that end", columns, rows, "No startup is on a plan.", "rpt_startup_rolloffs")
    ]


def credit_runways(published: Published) -> Sequence[Block]:
    """How long prepaid credit lasts, beside its contract."""
    rows = published.rows(
        _named(
            "rpt_credit_runway",
            "signal, credit_balance_usd, burn_usd_day, runs_out_on, runway_days, term_ends_on, next_action",
            "true",
            "coalesce(runs_out_on, term_ends_on), signal",
        )
    )
    columns = [
        Column("Customer"), Column("State", "words", is_filter=True), Column("Credit", "money"),
        Column("Used a day", "money"), Column("Runs out", "date"), Column("Days left", "number"),
        Column("Contract ends", "date"), Column("Next"),
    ]  # fmt: skip
    return [Table("runways", "Prepaid credit", columns, rows, "Nobody has a prepaid contract.", "rpt_credit_runway")]


def limits_hit(published: Published) -> Sequence[Block]:
    """Who is close to a spend limit of their own, or held back by it."""
    rows = published.rows(
        _named(
            "rpt_limits_hit",
            "product_key || coalesce(', ' || other_products, ''), signal, figure, limit_usd, cut_usd, period_end, "
            "next_action",
            "true",
            "cut_usd desc, period_end, signal",
        )
    )
    columns = [
        Column("Customer"), Column("Products", "words"), Column("Level", "words"), Column("So far", "money"),
        Column("Limit", "money"), Column("Cut off", "money"), Column("Renews", "date"), Column("Next"),
    ]  # fmt: skip
    return [Table("limits", "Spend limits", columns, rows, "No spend limit is near.", "rpt_limits_hit")]
