"""What the page of a customer has to show, counted a second time: plain SQL on the published file, by customer."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import duckdb
from playwright.sync_api import Page, expect

from serving.reader import snapshot
from settings import Settings

Rows = list[tuple[Any, ...]]

DAY = "(select as_of_date from publish_info)"
CLOSED = "(select last_closed_month from publish_info)"
MEMBERS = "organization_id in (select organization_id from dim_organizations where customer_id = $1)"
USED = f"""
    select product_key, sum(quantity) filter (where date > {DAY} - 30),
        coalesce(sum(quantity) filter (where date <= {DAY} - 30 and date > {DAY} - 60), 0)
    from fct_usage_daily where {MEMBERS} and date > {DAY} - 91 group by product_key
"""
# By the name of a table on the page: the columns of it that are compared, and the query that gives them.
COUNTED: dict[str, tuple[tuple[int, ...], str]] = {
    "Products": (
        (1, 2, 3),
        f"""
        select paid.mrr_usd_month,
            round(case when used.product_key is not null then coalesce(used.column1, 0) end, 2),
            round(used.column2, 2)
        from (select product_key, mrr_usd_month from fct_mrr_products
            where customer_id = $1 and month = {CLOSED} and mrr_usd_month <> 0) as paid
        full join ({USED}) as used (product_key, column1, column2) using (product_key)
        """,
    ),
    "MRR by month": (
        (1, 2, 3, 4, 5),
        f"""
        select list_usd, discount_usd, credit_applied_usd, refund_usd, mrr_usd_month from fct_mrr_monthly
        where customer_id = $1 and month > {CLOSED} - interval 24 month
        """,
    ),
    "Open bill by product": (
        (3, 4, 6),
        f"""
        select list_usd, after_discount_usd, bill_usd from fct_bill_forecast_products
        where {MEMBERS} and as_of_date = {DAY}
        """,
    ),
    "Criteria": (
        (2, 3, 4),
        """
        select coalesce(observed, 'not known'), threshold,
            case result when 'met' then 'met' when 'not_met' then 'not met' else 'not known' end
        from fct_segment_criteria
        where organization_id = $1 and segment in ('high_growth', 'high_potential', 'hobbyist')
        """,
    ),
    "Health by product group": (
        (1, 2),
        "select weight, round(fall_percent, 1) from rpt_customer_health where customer_id = $1",
    ),
    "Stays in the queue": (
        (2, 3, 5),
        "select entry_forecast_usd, latest_forecast_usd, bills_paid from fct_onboarding_queue where customer_id = $1",
    ),
    "Lists": (
        (2, 3),
        " union all ".join(
            f"select round(figure, 2), round(threshold, 2) from {table} where customer_id = $1"
            for table in (
                "rpt_account_risk", "rpt_product_led_leads", "rpt_cross_sell", "rpt_large_deals", "rpt_credit_runway",
                "rpt_startup_rolloffs", "rpt_limits_hit",
            )
        )
        + " union all select round(growth_per_month * 100, 2), null from rpt_line_crossers where customer_id = $1",
    ),
    "Organizations": (
        (6, 7, 8),
        "select users, products_used, mrr_usd_month from dim_organizations where customer_id = $1",
    ),
}  # fmt: skip
HEADLINE = f"""
    select round(mrr_usd_month), round(arr_usd_year),
        (select round(sum(forecast_bill_usd)) from fct_bill_forecasts where {MEMBERS} and as_of_date = {DAY})
    from dim_customers where customer_id = $1
"""


def on_the_page(page: Page) -> dict[str, list[list[str]]]:
    """The cells of every table of the customer that is shown, by the table's name."""
    regions = page.locator("#customer .wide").evaluate_all(
        "all => all.map(each => [each.getAttribute('aria-label'), "
        "[...each.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell => cell.textContent))])"
    )
    found: dict[str, list[list[str]]] = {}
    for name, rows in regions:
        found.setdefault(name, []).extend(rows)
    return found


def number(text: str) -> Decimal | str | None:
    """The number that a cell starts with; else the text, and None for what is not there."""
    written = text.replace("\N{MINUS SIGN}", "-").replace("$", "").replace(",", "").partition(" ")[0]
    if text in ("\N{EN DASH}", "none"):
        return None
    try:
        return Decimal(written).normalize()
    except ArithmeticError:
        return text


def plain(value: Any) -> Decimal | str | None:
    """A value of the marts as `number` reads it."""
    return None if value is None else number(str(value))


def in_order(rows: Rows) -> list[str]:
    return sorted(str(row) for row in rows)


def counted(connection: duckdb.DuckDBPyConnection, sql: str, customer_id: str) -> Rows:
    return [tuple(map(plain, row)) for row in connection.execute(sql, [customer_id]).fetchall()]


def assert_pages_show_the_marts(page: Page, settings: Settings, customer_ids: Sequence[str]) -> int:
    """Open each customer and compare; how many rows were compared."""
    compared = 0
    with snapshot(settings.serving_path) as connection:
        for customer_id in customer_ids:
            page.evaluate("id => location.hash = new URLSearchParams({ customer: id })", customer_id)
            expect(page.locator("#customer .lead code")).to_have_text(customer_id)
            shown = on_the_page(page)
            for name, (columns, sql) in COUNTED.items():
                rows = [tuple(number(row[column]) for column in columns) for row in shown.get(name, [])]
                expected = counted(connection, sql, customer_id)
                assert in_order(rows) == in_order(expected), (customer_id, name)
                compared += len(expected)
            [figures] = counted(connection, HEADLINE, customer_id)
            values = page.locator("#customer .headline .value").all_text_contents()[:3]
            assert tuple(map(number, values)) == figures, customer_id
            events = "select count(*) from fct_customer_events where customer_id = $1"
            [(number_of_events,)] = counted(connection, events, customer_id)
            assert min(number_of_events, 200) == len(shown.get("Timeline", [])), customer_id
            compared += len(shown.get("Timeline", [])) + 3
    return compared
