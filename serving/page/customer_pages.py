"""What the pages of single customers show: rows of the marts, for the customers that have a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from serving.page.customer_tables import EVENTS_SHOWN, TABLES
from serving.page.packing import CustomerTable, pack
from serving.page.snapshot import Snapshot

# Of a company of a hundred thousand organizations those that matter first; the page says how many are left out.
MOST_PAGES = 10_000
RECENT_DAYS = 90
LISTS = (
    "fct_account_routing", "rpt_account_risk", "rpt_cross_sell", "rpt_credit_runway", "rpt_large_deals",
    "rpt_limits_hit", "rpt_line_crossers", "rpt_product_led_leads", "rpt_startup_rolloffs",
)  # fmt: skip
NEEDED = ("dim_customers", "dim_organizations")
RANKED = """
    create or replace temp table ranked_customers as
    with wanted as (
        select customer_id, 0 as why from (select unnest(?) as customer_id)
        union all
        select customer_id, 1 from dim_customers where mrr_usd_month > 0
        union all
        select customer_id, 2 from ({lists})
        union all
        select customer_id, 3 from dim_organizations
        where cast(created_at as date) > (select as_of_date - {days} from publish_info)
    ),
    reasons as (select customer_id, min(why) as why from wanted group by customer_id)
    select row_number() over (order by why, arr_usd_year desc nulls last, customer_id) - 1 as place, customer_id, why
    from reasons inner join dim_customers using (customer_id)
"""


@dataclass(frozen=True)
class CustomerPages:
    """The packed data of the pages, and whose they are."""

    packed: str = ""
    customer_ids: frozenset[str] = frozenset()
    # Customers that pay, are on a list or signed up lately; fewer have a page if there are too many.
    wanted: int = 0
    fault: str = ""

    @property
    def left_out(self) -> int:
        return self.wanted - len(self.customer_ids)


def tables_read() -> set[str]:
    """Every table that the pages read if it is published."""
    return {
        *NEEDED,
        *LISTS,
        "fct_onboarding_queue",
        "dim_thresholds",
        *(table for each in TABLES for table in each.tables),
    }


def customer_pages(published: Snapshot, shown: Sequence[str]) -> CustomerPages:
    """Pages of customers that the page names (`shown`), that pay, are on a list or signed up lately, in this order."""
    if not set(NEEDED) <= published.tables:
        return CustomerPages()
    try:
        return _customer_pages(published, shown)
    except Exception as error:  # noqa: BLE001 (the company's figures show without its customers' pages)
        return CustomerPages(fault=f"{type(error).__name__}: {error}")


def _customer_pages(published: Snapshot, shown: Sequence[str]) -> CustomerPages:
    lists = [f"select customer_id from {table}" for table in LISTS if table in published.tables]
    if "fct_onboarding_queue" in published.tables:
        lists.append("select customer_id from fct_onboarding_queue where is_open")
    union = " union all ".join(lists) or "select customer_id from dim_customers where false"
    published.rows(RANKED.format(lists=union, days=RECENT_DAYS), [list(dict.fromkeys(shown))])
    (wanted,) = published.row("select count(*) from ranked_customers")
    published.rows(f"delete from ranked_customers where place >= {MOST_PAGES}")
    ids = [name for (name,) in published.rows("select customer_id from ranked_customers order by place")]
    tables = []
    for table in TABLES:
        if set(table.tables) <= published.tables:
            names = published.column_names(table.sql)
            tables.append(CustomerTable(table.name, names[1:], published.rows(table.sql)))
    facts = {"thresholds": _thresholds(published), "events_shown": EVENTS_SHOWN}
    return CustomerPages(pack(ids, tables, facts), frozenset(ids), wanted)


def _thresholds(published: Snapshot) -> dict[str, float]:
    """The values of seed `thresholds` that the pages name, if they are published."""
    if "dim_thresholds" not in published.tables:
        return {}
    return {name: float(value) for name, value in published.rows("select threshold, value from dim_thresholds")}
