"""Sections on whether bill and use agree, and on what customers could come to pay."""

from collections.abc import Sequence

from serving.page.blocks import Block, Header, PageTable
from serving.page.customer_rows import CUSTOMER, customer, of_customers, without
from serving.page.snapshot import Snapshot


def bill_and_use(published: Snapshot) -> Sequence[Block]:
    """Customers in four cells, those whose bill rises while they use less, and what is billed and hardly used."""
    cells = published.rows(
        """
        select replace(cell, '_use', ', use'), count(*), sum(billed_usd), sum(forecast_bill_usd),
            median(unit_cost_change_percent) / 100, sum(saves_usd_month)
        from rpt_bill_and_use group by cell order by cell = 'unknown', cell desc
        """
    )
    of_cell = [
        Header("Bill and use", "words", is_on_card=True), Header("Customers", "number", is_on_card=True),
        Header("Last bill", "money"), Header("Forecast", "money", is_on_card=True),
        Header("Unit cost, median change", "percent"), Header("A fix saves a month", "money"),
    ]  # fmt: skip
    of_customer = {
        "replace(cell, '_use', ', use')": Header("Bill and use", "words", is_filter=True, is_on_card=True),
        "billed_usd": Header("Last bill", "money"),
        "forecast_bill_usd": Header("Forecast", "money", is_on_card=True),
        "unit_cost_change_percent / 100": Header("Unit cost, change", "percent"),
        "saves_usd_month": Header("A fix saves", "money", is_on_card=True),
        "next_action": Header("Next action", is_on_card=True),
    }
    of_product = {
        "product_key": Header("Product", "words", is_filter=True, is_on_card=True),
        "billed_usd": Header("Billed", "money"),
        "use_measure": Header("Counted as use", "words", is_filter=True),
        "use_figure": Header("Use", "number"),
        "saves_usd_month": Header("Leaving it off saves", "money", is_on_card=True),
        "next_action": Header("What to show", is_on_card=True),
    }
    return [
        *without(published, "Whether insights are viewed is not known", "product_events.events_daily"),
        PageTable("bill-and-use-cells", "Health against the forecast of the open bill", of_cell, cells,
                  "Nobody was billed for the last closed month.", "rpt_bill_and_use"),
        of_customers(published, "bill-and-use-customers", "Whom to show what the bill is made of", "rpt_bill_and_use",
                     of_customer, order="cell <> 'bill_rises_use_falls', saves_usd_month desc nulls last",
                     condition="cell = 'bill_rises_use_falls' or saves_usd_month > 0",
                     empty="No bill rises while its customer uses less, and nothing is billed and hardly used."),
        of_customers(published, "hardly-used", "Billed and hardly used", "rpt_billed_products", of_product,
                     order="saves_usd_month desc, product_key", condition="is_hardly_used",
                     empty="Every product that is billed and counted is used."),
    ]  # fmt: skip


def headroom(published: Snapshot) -> Sequence[Block]:
    """Dollars a month by kind with what became of them before, and the customers they are of, hobbyists left out."""
    kinds = published.rows(
        """
        select kind, coalesce(customers, 0), coalesce(low_usd, 0), coalesce(usd, 0), coalesce(high_usd, 0),
            expected, came / expected, came_unexpected,
            came_usd / nullif(expected_usd, 0)
        from (
            select kind, count(distinct customer_id) as customers, sum(low_usd_month) as low_usd,
                sum(usd_month) as usd, sum(high_usd_month) as high_usd
            from rpt_headroom group by kind
        ) full join (
            select kind, sum(expected) as expected, sum(came) as came, sum(came_unexpected) as came_unexpected,
                sum(expected_usd_month) as expected_usd, sum(came_usd_month) as came_usd
            from rpt_headroom_accuracy group by kind
        ) using (kind)
        order by kind desc
        """
    )
    customers = published.rows(
        f"""
        select {customer("headroom")}, headroom.kind, headroom.icp_segment, headroom.product_key,
            round(headroom.quantity), headroom.low_usd_month, headroom.usd_month, headroom.high_usd_month,
            headroom.bills_from
        from rpt_headroom as headroom
        left join dim_customers using (customer_id)
        where headroom.icp_segment <> 'hobbyist'
        order by headroom.icp_segment not in ('high_growth', 'high_potential'), headroom.kind = 'peers_use',
            headroom.usd_month desc, headroom.customer_id, headroom.product_key, headroom.kind
        """
    )
    of_kind = [
        Header("Headroom", "words", is_on_card=True), Header("Customers", "number", is_on_card=True),
        Header("At least", "money"), Header("A month", "money", is_on_card=True), Header("At most", "money"),
        Header("Expected before", "number"), Header("Came", "percent"), Header("Unexpected", "number"),
        Header("Of dollars", "percent"),
    ]  # fmt: skip
    of_customer = [
        CUSTOMER, Header("Headroom", "words", is_filter=True),
        Header("Segment", "words", is_filter=True), Header("Product", "words", is_filter=True, is_on_card=True),
        Header("Units a month", "number"), Header("At least", "cents"),
        Header("Expected", "cents", is_on_card=True), Header("At most", "cents"), Header("Bills from", "date"),
    ]  # fmt: skip
    empty = "Nobody could come to pay for more than today."
    return [
        PageTable("headroom-kinds", "At list price, and what came of it within three months in the past", of_kind,
                  kinds, empty, "rpt_headroom"),
        PageTable("headroom-customers", "By customer and product, the ICP first", of_customer, customers, empty,
                  "rpt_headroom"),
    ]  # fmt: skip
