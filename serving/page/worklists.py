"""Sections for daily work: the onboarding queue, customers without the right owner, and what owners carry."""

from collections.abc import Sequence

from serving.page.blocks import UNKNOWN, Block, Figure, Figures, Header, PageTable, short_money
from serving.page.customer_rows import CUSTOMER, NOBODY, OWNER, customer, no_owner, of_customers, without
from serving.page.snapshot import DATA_DAY, Snapshot


def queue(published: Snapshot) -> Sequence[Block]:
    """The onboarding queue, the most urgent contact first."""
    owner = no_owner(published)
    rows = published.rows(
        f"""
        select {customer("queue")}, queue.queue_reason, queue.latest_forecast_usd,
            forecasts.forecast_low_usd, forecasts.forecast_high_usd, queue.period_end, queue.contact_by,
            case when not coalesce(dim_customers.is_do_not_contact, false)
                then cast({DATA_DAY} - queue.contact_by as int) end,
            queue.bills_paid, coalesce(queue.owner_email, '{owner}'), queue.entered_on
        from fct_onboarding_queue as queue
        left join dim_customers using (customer_id)
        left join fct_bill_forecasts as forecasts
            on queue.organization_id = forecasts.organization_id and forecasts.as_of_date = {DATA_DAY}
        where queue.is_open
        order by queue.contact_by, queue.latest_forecast_usd desc, queue.customer_id
        """
    )
    late = sum((row[7] or 0) > 0 for row in rows)
    due = sum(row[7] == 0 for row in rows)
    rows = [(*row[:7], "may not be contacted" if row[7] is None else row[7], *row[8:]) for row in rows]
    columns = [
        CUSTOMER, Header("Reason", "words", is_filter=True, is_on_card=True),
        Header("Forecast", "money", is_on_card=True), Header("Bill low", "money"), Header("Bill high", "money"),
        Header("Renews", "date"), Header("Contact by", "date"), Header("Contact", "late", is_on_card=True),
        Header("Bills paid", "number"), OWNER, Header("Entered", "date"),
    ]  # fmt: skip
    figures = [
        Figure("In the queue", f"{len(rows):,}"),
        Figure("Contact late", f"{late:,}", f"{due:,} due today", "warning" if late else "good"),
        Figure("Without an owner", f"{sum(row[9] == NOBODY for row in rows):,}" if owner == NOBODY else UNKNOWN),
        Figure("Forecast a month", short_money(sum(row[2] or 0 for row in rows))),
    ]
    empty = "The queue is empty."
    return [Figures(figures), PageTable("queue-list", "", columns, rows, empty, "fct_onboarding_queue")]


def unowned(published: Snapshot) -> Sequence[Block]:
    """Customers that need an owner and have none, or one in the wrong role."""
    columns = {
        "fct_account_routing.suggested_owner_role": Header("Needs", "words", is_filter=True, is_on_card=True),
        "reason": Header("Why", "words", is_on_card=True),
        f"coalesce(current_owner_email, '{no_owner(published)}')": OWNER,
        "current_owner_role": Header("Owner's role", "words"),
        "dim_customers.arr_usd_year": Header("ARR", "money", is_on_card=True),
        "since": Header("Since", "date"),
    }
    (need,) = published.row("select count(*) from fct_account_routing where list_rank is not null")
    empty = "Every customer that needs an owner has the right one." if need else "No customer needs an owner."
    return [
        *without(published, "The owners of these customers are not known", "crm.accounts"),
        of_customers(published, "unowned-list", "", "fct_account_routing", columns, empty=empty,
                     order="list_rank, dim_customers.arr_usd_year desc",
                     condition="coalesce(is_gap, true) and list_rank is not null "
                               "and as_of_date = (select max(as_of_date) from fct_account_routing)"),
    ]  # fmt: skip


def owners(published: Snapshot) -> Sequence[Block]:
    """What each person carries, against the book that the role can carry."""
    if unknown := without(published, "What owners carry is not known", "crm.accounts"):
        return unknown
    rows = published.rows(
        """
        select owner_email, owner_role, accounts, book_accounts, arr_usd_year, book_arr_usd_year,
            case when is_over_book then 'over the book' when book_accounts is null then 'no book' else 'within' end
        from rpt_owner_load
        order by is_over_book desc nulls last, arr_usd_year desc, owner_email
        """
    )
    people, most = published.row("select coalesce(max(team_people), 0), max(team_people_max) from rpt_owner_load")
    columns = [
        OWNER, Header("Role", "words", is_filter=True),
        Header("Accounts", "number"), Header("Can carry", "number"), Header("ARR", "money"),
        Header("Can carry ARR", "money"), Header("Load", "words", is_filter=True),
    ]  # fmt: skip
    over = sum(row[6] == "over the book" for row in rows)
    team = Figure("People in the team", f"{people:,}", "" if most is None else f"of at most {most:,}")
    full = Figure("Over their book", f"{over:,}", tone="warning" if over else "good")
    table = PageTable("owners-list", "", columns, rows, "Nobody owns a customer.", "rpt_owner_load")
    return [Figures([team, full]), table] if rows else [table]
