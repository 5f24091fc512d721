"""Sections on prices: another price list, whether we are the cheapest, and who pays less than they cost."""

from collections.abc import Sequence

from serving.page.blocks import Block, Header, Note, PageTable
from serving.page.customer_rows import of_customers, without
from serving.page.snapshot import Snapshot

HOW_TO_WEIGH = (
    "No other price list is weighed. Put prices into the seed candidate_price_list, or try one without publishing: "
    "growth try price_list.csv session_replay/2.unit_price_usd=0.006"
)


def price_change(published: Snapshot) -> Sequence[Block]:
    """What the candidate price list would have made of the last closed months."""
    groups = published.rows(
        """
        select attribute, attribute_value, customers_that_pay_more, customers_that_pay_less, rated_usd, candidate_usd,
            change_usd, change_share
        from rpt_price_change_by
        order by array_position(['all', 'product_key', 'size_tier', 'icp_segment'], attribute), abs(change_usd) desc,
            attribute_value
        """
    )
    if not groups:
        return [Note(HOW_TO_WEIGH)]
    mix = published.rows(
        """
        select band, customers, candidate_customers, arr_usd, candidate_arr_usd, probability_in_time,
            candidate_probability_in_time
        from rpt_price_change_mix order by target_customers desc, band
        """
    )
    of_group = [
        Header("By", "words", is_filter=True, is_on_card=True), Header("Of", "words", is_on_card=True),
        Header("Pay more", "number"), Header("Pay less", "number"), Header("Bills now", "money"),
        Header("Bills then", "money"), Header("Change", "money", is_on_card=True), Header("Share", "percent"),
    ]  # fmt: skip
    of_mix = [
        Header("Band", "words"), Header("Customers", "number"), Header("Then", "number"), Header("ARR", "money"),
        Header("Then", "money"), Header("In time", "percent"), Header("Then", "percent"),
    ]  # fmt: skip
    of_customer = {
        "rpt_price_change_customers.icp_segment": Header("Segment", "words", is_filter=True),
        "rpt_price_change_customers.size_tier": Header("Size", "words", is_filter=True),
        "rated_usd": Header("Bills now", "money"),
        "candidate_usd": Header("Bills then", "money"),
        "change_usd": Header("Change", "cents", is_on_card=True),
        "change_share": Header("Share", "percent"),
        "direction || ' over ' || furthest_line": Header("Crosses a line", "words", is_on_card=True),
    }
    nobody = "No bill of these months would have been another."
    return [
        PageTable("price-change-groups", "The last twelve closed months, had customers used what they used", of_group,
                  groups, nobody, "rpt_price_change_by"),
        PageTable("price-change-mix", "The mix, and the probability of meeting it in time", of_mix, mix, nobody,
                  "rpt_price_change_mix"),
        of_customers(published, "price-change-customers", "By customer", "rpt_price_change_customers", of_customer,
                     order="abs(change_usd) desc", empty=nobody, condition="change_usd <> 0"),
    ]  # fmt: skip


def cheapest(published: Snapshot) -> Sequence[Block]:
    """Our list price against that of each competitor, by product."""
    rows = published.rows(
        """
        select coalesce(display_name, compared.product_key), competitor, customers_cheapest_share, customers_dearer,
            customers_unknown, units_cheapest / nullif(units, 0), dearer_from_units, dearer_by_usd,
            case when is_stale then 'stale' else 'recent' end, read_on,
            replace(source, 'https://', '')
        from rpt_cheapest_products as compared left join dim_products using (product_key)
        order by customers_cheapest_share nulls last, 1, competitor
        """
    )
    columns = [
        Header("Product", is_on_card=True), Header("Against", "words", is_filter=True, is_on_card=True),
        Header("Cheapest for", "percent", is_on_card=True), Header("Dearer for", "number"),
        Header("Not known", "number"), Header("Of units", "percent"), Header("Dearer from", "number"),
        Header("By a month", "money"), Header("Price", "words", is_filter=True), Header("Read on", "date"),
        Header("Source"),
    ]  # fmt: skip
    empty = "No competitor's price is known: the seed competitor_prices has no rows."
    return [PageTable("cheapest", "", columns, rows, empty, "rpt_cheapest_products")]


def margins(published: Snapshot) -> Sequence[Block]:
    """Customers that cost more than they pay, and open deals priced below cost."""
    if unknown := without(published, "What customers cost is not known", "costs.unit_costs"):
        return unknown
    of_customer = {
        "negative_since_month": Header("Below zero since", "month"),
        "mrr_usd": Header("Paid", "cents"),
        "unit_cost_usd": Header("Units cost", "cents"),
        "account_cost_usd": Header("Account costs", "cents"),
        "margin_usd": Header("Margin", "cents", is_on_card=True),
        "dearest_product_key": Header("Costs most", "words", is_filter=True),
        "next_action": Header("Next action", is_on_card=True),
    }
    of_deal = {
        "opportunity_type": Header("Type", "words", is_filter=True),
        "stage": Header("Stage", "words"),
        "price_usd_year": Header("Price a year", "money", is_on_card=True),
        "cost_usd_year": Header("Cost a year", "money"),
        "margin_usd_year": Header("Margin", "money", is_on_card=True),
    }
    return [
        of_customers(published, "margin-negative-customers", "Below zero in each of the last closed months",
                     "rpt_margin_negative_customers", of_customer, order="margin_usd",
                     empty="Every customer whose cost is known pays for it."),
        of_customers(published, "deals-below-cost", "Open deals priced below cost", "rpt_deals_below_cost", of_deal,
                     order="margin_usd_year", empty="No open deal is priced below what the customer costs."),
    ]  # fmt: skip
