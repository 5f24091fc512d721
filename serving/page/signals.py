"""Lists of customers for whom a rule fired: each with its figure, what the rule asks, and the next action."""

from collections.abc import Sequence

from serving.page.blocks import Block, Header, Note, PageTable
from serving.page.customer_rows import customer, named, no_owner
from serving.page.snapshot import LAST_CLOSED_MONTH, Snapshot

FIRED = "what_fired, figure, threshold, unit"
COLUMNS = (
    Header("Customer", "customer", is_on_card=True), Header("What fired", is_filter=True, is_on_card=True),
    Header("Figure", "number", is_on_card=True), Header("Asked", "number"), Header("Unit", "unit", is_on_card=True),
    Header("ARR", "money", is_on_card=True), Header("Owner", "person", is_filter=True), Header("Since", "date"),
    Header("Next"),
)  # fmt: skip


def _fired(published: Snapshot, table: str, condition: str = "true") -> list[tuple]:
    """Rows of `COLUMNS`."""
    return published.rows(
        named(
            table,
            f"{FIRED}, {table}.arr_usd_year, coalesce({table}.owner_email, '{no_owner(published)}'), since, "
            "next_action",
            condition,
            "list_rank",
        )
    )


def _not_known(published: Snapshot, what: str, *source_tables: str) -> list[Block]:
    """A note for each source without rows that the list needs: an empty list is then no good news."""
    return [
        Note(f"{what} may be missing here: {source_table} has no rows.")
        for source_table in source_tables
        if published.lacks(source_table)
    ]


def risk(published: Snapshot) -> Sequence[Block]:
    """Risk signals and the next action for each."""
    empty = "No rule that the sources can answer shows a risk."
    rows = _fired(published, "rpt_account_risk", "kind = 'risk'")
    table = PageTable("risk-list", "", COLUMNS, rows, empty, "rpt_account_risk")
    return [*_not_known(published, "Risks from owners", "crm.accounts"), table]


def opportunities(published: Snapshot) -> Sequence[Block]:
    """Signals that an account grows."""
    empty = "No rule that the sources can answer shows an opportunity."
    rows = _fired(published, "rpt_account_risk", "kind = 'opportunity'")
    return [PageTable("opportunities-list", "Opportunities", COLUMNS, rows, empty, "rpt_account_risk")]


def leads(published: Snapshot) -> Sequence[Block]:
    """Customers worth a word from sales."""
    empty = "No customer that may be written to and has no owner shows a signal."
    rows = _fired(published, "rpt_product_led_leads")
    table = PageTable("leads-list", "", COLUMNS, rows, empty, "rpt_product_led_leads")
    return [*_not_known(published, "Leads by the company's size or segment", "enrichment.companies"), table]


def cross_sell(published: Snapshot) -> Sequence[Block]:
    """What paying customers could use besides what they do."""
    rows = published.rows(
        named(
            "rpt_cross_sell",
            f"product_key, {FIRED}, rpt_cross_sell.arr_usd_year, "
            f"coalesce(rpt_cross_sell.owner_email, '{no_owner(published)}'), since, next_action",
            "true",
            "list_rank",
        )
    )
    columns = [COLUMNS[0], Header("Product", "words", is_filter=True, is_on_card=True), *COLUMNS[1:]]
    empty = "No paying customer shows a signal."
    table = PageTable("cross-sell-list", "", columns, rows, empty, "rpt_cross_sell")
    return [*_not_known(published, "Suggestions by the company's size", "enrichment.companies"), table]


def large_deals(published: Snapshot) -> Sequence[Block]:
    """Open opportunities of which most criteria of a large deal hold."""
    if published.lacks("crm.opportunities"):
        return [Note("Large deals are not known: crm.opportunities has no rows.")]
    rows = published.rows(
        named(
            "rpt_large_deals",
            "opportunity_type, stage, amount_usd_year, figure, threshold, unit, "
            f"coalesce(rpt_large_deals.owner_email, '{no_owner(published)}'), since, next_action",
            "true",
            "list_rank, amount_usd_year desc nulls last",
        )
    )
    columns = [
        COLUMNS[0], Header("Type", "words", is_filter=True), Header("Stage", "words", is_filter=True, is_on_card=True),
        Header("Value a year", "money", is_on_card=True), *COLUMNS[2:5], *COLUMNS[6:],
    ]  # fmt: skip
    empty = "No open opportunity meets most of the criteria of a large deal."
    return [PageTable("deals-list", "", columns, rows, empty, "rpt_large_deals")]


def line_crossers(published: Snapshot) -> Sequence[Block]:
    """Customers that soon cross a revenue line at their current growth."""
    rows = published.rows(
        named(
            "rpt_line_crossers",
            "direction, line || format(' (${:,} a ', cast(line_usd as bigint)) || period || ')', "
            "rpt_line_crossers.mrr_usd_month, growth_per_month, crosses_on, "
            f"coalesce(dim_customers.owner_email, '{no_owner(published)}')",
            "true",
            "crosses_on, line_usd",
        )
    )
    columns = [
        Header("Customer", "customer", is_on_card=True), Header("Direction", "words", is_filter=True, is_on_card=True),
        Header("Line", "words", is_filter=True, is_on_card=True), Header("MRR", "money", is_on_card=True),
        Header("Growth a month", "percent"), Header("Crosses on", "date", is_on_card=True),
        Header("Owner", "person", is_filter=True),
    ]  # fmt: skip
    return [
        PageTable("line-crossers-list", "", columns, rows, "No customer is about to cross a line.", "rpt_line_crossers")
    ]


def gainers_and_losers(published: Snapshot) -> Sequence[Block]:
    """The largest movements of the last closed month, up and down."""
    month = f"{published.last_closed_month():%B %Y}"
    columns = [
        Header("Customer", "customer"), Header("Movement", "words"), Header("Change a month", "money"),
        Header("Before", "money"), Header("After", "money"),
    ]  # fmt: skip
    blocks: list[Block] = []
    for key, title, condition, direction in (
        ("gainers", "Gainers", "delta_usd_month > 0", "desc"),
        ("losers", "Losers", "delta_usd_month < 0", "asc"),
    ):
        rows = published.rows(
            f"""
            select {customer("fct_mrr_movements")}, movement, delta_usd_month, mrr_before_usd_month, mrr_after_usd_month
            from fct_mrr_movements left join dim_customers using (customer_id)
            where {condition} and month = {LAST_CLOSED_MONTH}
            order by delta_usd_month {direction}, fct_mrr_movements.customer_id
            limit 10
            """
        )
        blocks.append(PageTable(key, f"{title}, {month}", columns, rows, "Nobody.", "fct_mrr_movements", "half"))
    return blocks
