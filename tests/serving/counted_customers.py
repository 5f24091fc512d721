"""What the tables on the page of a customer have to show, counted a second time: plain SQL on the published file.

Every column of every table is counted; what stands beside the tables is counted in `counted_sentences`.
"""

from collections.abc import Sequence
from typing import Any

import duckdb
from playwright.sync_api import Page, expect

from serving.reader import snapshot
from settings import Settings
from tests.serving.counted_sentences import DAY, MEMBERS, Row, assert_sentences_are_those_of, read, written

Rows = Sequence[tuple[Any, ...]]

CLOSED = "(select last_closed_month from publish_info)"
MOST_EVENTS = 200
# Weeks of seven days before the data day, the oldest first; a week without usage is 0.
WEEKS = f"""
    select product_key, {
    ", ".join(
        f"coalesce(sum(quantity) filter (where date > {DAY} - {7 * week + 7} and date <= {DAY} - {7 * week}), 0)"
        for week in range(12, -1, -1)
    )
}
    from fct_usage_daily where {MEMBERS} and date > {DAY} - 91 group by product_key
"""
USED = f"""
    select product_key, coalesce(sum(quantity) filter (where date > {DAY} - 30), 0),
        coalesce(sum(quantity) filter (where date <= {DAY} - 30 and date > {DAY} - 60), 0)
    from fct_usage_daily where {MEMBERS} and date > {DAY} - 91 group by product_key
"""
IN_UNIT = "round({0}, 2) || case when unit like 'USD%' then unit[4:] else coalesce(' ' || unit, '') end"


def _listed(table: str, name: str, more: str = "null") -> str:
    """Rows of a list as the page says them; `more` is what it says in brackets."""
    return f"""
        select {name}, what_fired || coalesce(' (' || nullif({more}, '') || ')', ''), {IN_UNIT.format("figure")},
            {IN_UNIT.format("threshold")}, since, next_action
        from {table} where customer_id = $1
    """


def _named(column: str) -> str:
    """An id says nothing to a reader, and the first day of a month is the month."""
    return f"""
        case
            when regexp_matches({column}, '[0-9a-f]{{8}}') then null
            when regexp_matches({column}, '^[0-9]{{4}}-[0-9]{{2}}-01$') then strftime(cast({column} as date), '%b %Y')
            else {column}
        end
    """


# By the name of a table on the page the query of all that it shows, column by column; the last one may be a drawing.
COUNTED = {
    "Products": f"""
        select product_key, paid.mrr_usd_month, round(used.now, 2), round(used.before, 2),
            case when used.before <> 0 then round(100 * (used.now::double / used.before::double - 1), 1) || ' %' end
        from (select product_key, mrr_usd_month from fct_mrr_products
            where customer_id = $1 and month = {CLOSED} and mrr_usd_month <> 0) as paid
        full join ({USED}) as used (product_key, now, before) using (product_key)
    """,
    "MRR by month": f"""
        select strftime(month, '%b %Y'), list_usd, discount_usd, credit_applied_usd, refund_usd, mrr_usd_month, basis
        from fct_mrr_monthly where customer_id = $1 and month > {CLOSED} - interval 24 month
    """,
    "Open bill by product": f"""
        select product_key, round(quantity_to_date, 2), round(projected_quantity, 2), list_usd, after_discount_usd,
            coalesce(limit_usd || '', 'none'), bill_usd
        from fct_bill_forecast_products where {MEMBERS} and as_of_date = {DAY}
    """,
    "Criteria": """
        select segment, criterion, coalesce(observed, 'not known'), threshold,
            case result when 'met' then 'met' when 'not_met' then 'not met' else 'not known' end
        from fct_segment_criteria
        where organization_id = $1 and segment in ('high_growth', 'high_potential', 'hobbyist')
    """,
    "Segments before": """
        select valid_from, coalesce(strftime(valid_to, '%-d %b %Y'), 'now'), icp_segment, icp_confidence, size_tier
        from fct_organization_segments where organization_id = $1
    """,
    "Health by product group": """
        select product_group, weight, round(fall_percent, 1) || ' %' from rpt_customer_health where customer_id = $1
    """,
    "Owners": """
        select day, split_part(owner_email, '@', 1), coalesce(what, 'not known'),
            case kind when 'owner_came' then 'took over' else 'left it' end
        from fct_customer_events where customer_id = $1 and kind in ('owner_came', 'owner_left')
    """,
    "Who should hold it": """
        select valid_from, coalesce(strftime(valid_to, '%-d %b %Y'), 'now'), coalesce(suggested_owner_role, 'nobody'),
            reason
        from fct_account_routing_history where customer_id = $1
    """,
    "Stays in the queue": """
        select queue_reason, entered_on, entry_forecast_usd, latest_forecast_usd, contact_by, bills_paid,
            case when is_open then 'is in it' else strftime(exited_on, '%-d %b %Y') end,
            case when not is_open then coalesce(exit_reason, 'not known') end
        from fct_onboarding_queue where customer_id = $1
    """,
    "Lists": " union all ".join((
        _listed("rpt_account_risk", "case kind when 'opportunity' then 'Opportunity' else 'Risk' end"),
        _listed("rpt_product_led_leads", "'Product-led lead'"),
        _listed("rpt_cross_sell", "'Cross-sell'", "product_key"),
        _listed("rpt_large_deals", "'Large deal'", "stage"),
        _listed("rpt_credit_runway", "'Prepaid credit'"),
        _listed("rpt_startup_rolloffs", "'Startup plan ends'", "startup_program"),
        _listed("rpt_limits_hit", "'Spend limit'", "product_key"),
        """
        select 'Line-crosser', case direction when 'up' then 'Reaches' else 'Falls below' end || ' the line ' || line
                || ' ($' || cast(line_usd as int) || ' a ' || period || ') on ' || strftime(crosses_on, '%-d %b %Y'),
            round(growth_per_month * 100, 2) || ' percent a month', null, null, null
        from rpt_line_crossers where customer_id = $1
        """,
    )),
    "Timeline": f"""
        select day, kind, coalesce(split_part(owner_email, '@', 1), {_named("subject")}), {_named("what")},
            {IN_UNIT.format("figure")}
        from fct_customer_events where customer_id = $1
        order by day desc, kind, subject, what, figure limit {MOST_EVENTS}
    """,
    "Organizations": """
        select coalesce(nullif(name, ''), organization_id), coalesce(domain, 'not known'), region,
            cast(created_at as date), coalesce(signup_channel, 'not stated'),
            coalesce(strftime(activated_at, '%-d %b %Y'), 'no'), users, products_used, mrr_usd_month
        from dim_organizations where customer_id = $1
    """,
    "Scores": f"""
        select
            case score when 'lead_70' then 'Lead score of 70' when 'icp_24' then 'Fit to the ICP of 24' else score end,
            (select name from dim_organizations where organization_id = rpt_scores.organization_id),
            case when points_at_least = points_at_most then points || ''
                else points_at_least || ' to ' || points_at_most end,
            cut, case when points_at_least >= cut then 'yes' when points_at_most < cut then 'no' else 'not known' end,
            facts_missing
        from rpt_scores where {MEMBERS}
    """,
}  # fmt: skip


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


def weeks_on_the_page(page: Page) -> list[Row]:
    """What the small drawings say to a reader who does not see them: the product, and its units by week."""
    labels = page.locator("#customer .spark").evaluate_all("all => all.map(each => each.getAttribute('aria-label'))")
    parts = [label.split(" by week, oldest first: ") for label in labels]
    return [(written(product), *map(written, values.split(", "))) for product, values in parts]


def as_rows(rows: Rows) -> list[Row]:
    return [tuple(map(written, row)) for row in rows]


def in_order(rows: Sequence[Row]) -> list[str]:
    return sorted(str(row) for row in rows)


def assert_tables_are_those_of(page: Page, connection: duckdb.DuckDBPyConnection, customer_id: str) -> int:
    """How many rows were compared, the small drawings too."""
    shown = on_the_page(page)
    assert shown.keys() <= COUNTED.keys(), "a table that nobody counts"
    compared = 0
    for name, sql in COUNTED.items():
        expected = read(connection, sql, customer_id)
        width = len(expected[0]) if expected else None
        rows = as_rows([tuple(row[:width]) for row in shown.get(name, [])])
        assert in_order(rows) == in_order(expected), (customer_id, name)
        compared += len(expected)
    weeks = [(product, *map(_whole, values)) for product, *values in read(connection, WEEKS, customer_id)]
    assert in_order(weeks_on_the_page(page)) == in_order(weeks), customer_id
    return compared + len(weeks)


def _whole(units: str | None) -> str | None:
    return written(round(float(units or 0)))


def assert_pages_show_the_marts(page: Page, settings: Settings, customer_ids: Sequence[str]) -> int:
    """Open each customer and compare all that its page says; how many rows, figures and sentences were compared."""
    compared = 0
    with snapshot(settings.serving_path) as connection:
        for customer_id in customer_ids:
            page.evaluate("id => location.hash = new URLSearchParams({ customer: id })", customer_id)
            expect(page.locator("#customer .lead code")).to_have_text(customer_id)
            compared += assert_tables_are_those_of(page, connection, customer_id)
            compared += assert_sentences_are_those_of(page, connection, customer_id)
    return compared
