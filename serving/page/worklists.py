"""Sections for daily work: customers that need a person."""

from collections.abc import Sequence

from serving.page.blocks import UNKNOWN, Block, Figure, Figures, Header, Note, PageTable, short_money
from serving.page.snapshot import DATA_DAY, LAST_CLOSED_MONTH, Snapshot

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


def _no_owner(published: Snapshot) -> str:
    """Text for a missing owner: unknown without CRM accounts, otherwise nobody."""
    return UNKNOWN if published.lacks("crm.accounts") else NOBODY


def queue(published: Snapshot) -> Sequence[Block]:
    """The onboarding queue, the most urgent contact first."""
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
        Header("Customer"), Header("Reason", "words", is_filter=True), Header("Forecast", "money"),
        Header("Bill low", "money"), Header("Bill high", "money"), Header("Renews", "date"),
        Header("Contact by", "date"), Header("Contact", "words", is_filter=True), Header("Bills paid", "number"),
        Header("Owner", "person", is_filter=True), Header("Entered", "date"),
    ]  # fmt: skip
    due = sum(row[7] == "due" for row in rows)
    figures = [
        Figure("In the queue", f"{len(rows):,}"),
        Figure("Contact due", f"{due:,}", tone="warning" if due else "good"),
        Figure("Without an owner", f"{sum(row[9] == NOBODY for row in rows):,}" if no_owner == NOBODY else UNKNOWN),
        Figure("Forecast a month", short_money(sum(row[2] or 0 for row in rows))),
    ]
    empty = "The queue is empty."
    return [Figures(figures), PageTable("queue-list", "", columns, rows, empty, "fct_onboarding_queue")]


def line_crossers(published: Snapshot) -> Sequence[Block]:
    """Customers that soon cross a revenue line at their current growth."""
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
        Header("Customer"), Header("Direction", "words", is_filter=True), Header("Line", "words", is_filter=True),
        Header("MRR", "money"), Header("Growth a month", "percent"),
        Header("Crosses on", "date"),
    ]  # fmt: skip
    return [
        PageTable("line-crossers-list", "", columns, rows, "No customer is about to cross a line.", "rpt_line_crossers")
    ]


def gainers_and_losers(published: Snapshot) -> Sequence[Block]:
    """The largest movements of the last closed month, up and down."""
    month = f"{published.last_closed_month():%B %Y}"
    columns = [
        Header("Customer"), Header("Movement", "words"), Header("Change a month", "money"), Header("Before", "money"),
        Header("After", "money"),
    ]  # fmt: skip
    blocks = []
    for key, title, condition, direction in (
        ("gainers", "Gainers", "delta_usd_month > 0", "desc"),
        ("losers", "Losers", "delta_usd_month < 0", "asc"),
    ):
        rows = published.rows(
            _named(
                "fct_mrr_movements",
                "movement, delta_usd_month, mrr_before_usd_month, mrr_after_usd_month",
                f"{condition} and month = {LAST_CLOSED_MONTH}",
                f"delta_usd_month {direction}",
            )
            + "limit 10"
        )
        blocks.append(PageTable(key, f"{title}, {month}", columns, rows, "Nobody.", "fct_mrr_movements", "half"))
    return blocks


def unowned(published: Snapshot) -> Sequence[Block]:
    """Customers that need an owner and have none, or one in the wrong role."""
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
        Header("Customer"), Header("Needs", "words", is_filter=True), Header("Why", "words"),
        Header("Owner now", "person", is_filter=True), Header("Owner's role", "words"), Header("ARR", "money"),
        Header("Since", "date"),
    ]  # fmt: skip
    (need,) = published.row("select count(*) from fct_account_routing where list_rank is not null")
    empty = "Every customer that needs an owner has the right one." if need else "No customer needs an owner."
    table = PageTable("unowned", "", columns, rows, empty, "fct_account_routing")
    if not published.lacks("crm.accounts"):
        return [table]
    return [Note("The owners of these customers are unknown: crm.accounts has no rows."), table]


def risk(published: Snapshot) -> Sequence[Block]:
    """Risk signals and the next action for each."""
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
        Header("Customer"), Header("Signal", "words", is_filter=True), Header("What fired"), Header("ARR", "money"),
        Header("Owner", "person", is_filter=True), Header("Since", "date"), Header("Next"),
    ]  # fmt: skip
    return [PageTable("risk-list", "", columns, rows, "No account shows a risk signal.", "rpt_account_risk")]


def startup_rolloffs(published: Snapshot) -> Sequence[Block]:
    """Startup plans that end: when, and the first bill that follows."""
    rows = published.rows(
        _named(
            "rpt_startup_rolloffs",
            "startup_program, signal, rolls_off_on, credit_left_usd, projected_first_bill_usd, next_action",
            "true",
            "rolls_off_on",
        )
    )
    columns = [
        Header("Customer"), Header("Program", "words"), Header("Stage", "words", is_filter=True),
        Header("Rolls off", "date"), Header("Credit left", "money"), Header("First bill", "money"), Header("Next"),
    ]  # fmt: skip
    return [
        PageTable(
            "rolloffs", "Startup plans about to end", columns, rows, "No startup is on a plan.", "rpt_startup_rolloffs"
        )
    ]


def credit_runways(published: Snapshot) -> Sequence[Block]:
    """How long prepaid credit lasts, compared with its contract."""
    rows = published.rows(
        _named(
            "rpt_credit_runway",
            "signal, credit_balance_usd, burn_usd_day, runs_out_on, runway_days, term_ends_on, next_action",
            "true",
            "coalesce(runs_out_on, term_ends_on), signal",
        )
    )
    columns = [
        Header("Customer"), Header("State", "words", is_filter=True), Header("Credit", "money"),
        Header("Used a day", "money"), Header("Runs out", "date"), Header("Days left", "number"),
        Header("Contract ends", "date"), Header("Next"),
    ]  # fmt: skip
    return [
        PageTable(
            "runways", "Prepaid credit", columns, rows, "No customer has a prepaid contract.", "rpt_credit_runway"
        )
    ]


def limits_hit(published: Snapshot) -> Sequence[Block]:
    """Customers near or over a spend limit they set."""
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
        Header("Customer"), Header("Products", "words"), Header("Level", "words"), Header("So far", "money"),
        Header("Limit", "money"), Header("Cut off", "money"), Header("Renews", "date"), Header("Next"),
    ]  # fmt: skip
    return [PageTable("limits", "Spend limits", columns, rows, "No spend limit is near.", "rpt_limits_hit")]
