"""Lists of customers for whom a rule fired: each with its figure, what the rule asks, and the next action."""

from collections.abc import Mapping, Sequence

from serving.page.blocks import Block, Header, PageTable
from serving.page.customer_rows import OWNER, customer, of_customers, owner_in, without
from serving.page.snapshot import LAST_CLOSED_MONTH, Snapshot

FIRED = {"what_fired": Header("What fired", is_filter=True, is_on_card=True)}
FIGURES = {
    "figure": Header("Figure", "number", is_on_card=True),
    "threshold": Header("Asked", "number"),
    "unit": Header("Unit", "unit", is_on_card=True),
}


def _signals(
    published: Snapshot,
    key: str,
    title: str,
    table: str,
    *,
    empty: str,
    condition: str = "true",
    first: Mapping[str, Header] | None = None,
) -> PageTable:
    """A list of signals in the order of its ranks; `first` are columns before those that every list has."""
    arr = {f"{table}.arr_usd_year": Header("ARR", "money", is_on_card=True)}
    columns = {**(first or {}), **FIRED, **FIGURES, **arr, **_whose_turn(published, table)}
    return of_customers(published, key, title, table, columns, order="list_rank", empty=empty, condition=condition)


def _whose_turn(published: Snapshot, table: str) -> dict[str, Header]:
    return {owner_in(table, published): OWNER, "since": Header("Since", "date"), "next_action": Header("Next")}


def risk(published: Snapshot) -> Sequence[Block]:
    """Risk signals and the next action for each."""
    empty = "No rule that the sources can answer shows a risk."
    return [
        *without(published, "Risks from owners may be missing here", "crm.accounts"),
        _signals(published, "risk-list", "", "rpt_account_risk", empty=empty, condition="kind = 'risk'"),
    ]


def opportunities(published: Snapshot) -> Sequence[Block]:
    """Signals that an account grows."""
    key, title, of_kind = "opportunities-list", "Opportunities", "kind = 'opportunity'"
    empty = "No rule that the sources can answer shows an opportunity."
    return [_signals(published, key, title, "rpt_account_risk", empty=empty, condition=of_kind)]


def leads(published: Snapshot) -> Sequence[Block]:
    """Customers worth a word from sales."""
    empty = "No customer that may be written to and has no owner shows a signal."
    return [
        *without(published, "Leads by the company's size or segment may be missing here", "enrichment.companies"),
        _signals(published, "leads-list", "", "rpt_product_led_leads", empty=empty),
    ]


def cross_sell(published: Snapshot) -> Sequence[Block]:
    """What paying customers could use besides what they do."""
    product = {"product_key": Header("Product", "words", is_filter=True, is_on_card=True)}
    empty = "No paying customer shows a signal."
    return [
        *without(published, "Suggestions by the company's size may be missing here", "enrichment.companies"),
        _signals(published, "cross-sell-list", "", "rpt_cross_sell", empty=empty, first=product),
    ]


def large_deals(published: Snapshot) -> Sequence[Block]:
    """Open opportunities of which most criteria of a large deal hold."""
    if unknown := without(published, "Large deals are not known", "crm.opportunities"):
        return unknown
    columns = {
        "opportunity_type": Header("Type", "words", is_filter=True),
        "stage": Header("Stage", "words", is_filter=True, is_on_card=True),
        "amount_usd_year": Header("Value a year", "money", is_on_card=True),
        **FIGURES,
        **_whose_turn(published, "rpt_large_deals"),
    }
    order = "list_rank, amount_usd_year desc nulls last"
    empty = "No open opportunity meets most of the criteria of a large deal."
    return [of_customers(published, "deals-list", "", "rpt_large_deals", columns, order=order, empty=empty)]


def line_crossers(published: Snapshot) -> Sequence[Block]:
    """Customers that soon cross a revenue line at their current growth."""
    line = "line || format(' (${:,} a ', cast(line_usd as bigint)) || period || ')'"
    columns = {
        "direction": Header("Direction", "words", is_filter=True, is_on_card=True),
        line: Header("Line", "words", is_filter=True, is_on_card=True),
        "rpt_line_crossers.mrr_usd_month": Header("MRR", "money", is_on_card=True),
        "growth_per_month": Header("Growth a month", "percent"),
        "crosses_on": Header("Crosses on", "date", is_on_card=True),
        owner_in("dim_customers", published): OWNER,
    }
    key, order, empty = "line-crossers-list", "crosses_on, line_usd", "No customer is about to cross a line."
    return [of_customers(published, key, "", "rpt_line_crossers", columns, order=order, empty=empty)]


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
