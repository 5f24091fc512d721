"""What has changed since the last publish of an earlier data day, which the snapshot holds as `earlier.marts`."""

from collections.abc import Callable, Sequence
from functools import wraps

import duckdb

from serving.page.blocks import Block, Figure, Figures, Header, Note, PageTable, short_money
from serving.page.customer_rows import CUSTOMER, OWNER, customer, no_owner
from serving.page.snapshot import DATA_DAY, Snapshot

NO_EARLIER = (
    "This is the first data day of which a publish is kept; from the next one on, what has changed stands here."
)
# Of each customer what may move, by the table that says it.
ATTRIBUTES = {
    "segment": "icp_segment",
    "tier": "size_tier",
    "band": "arr_mix_band",
    "coverage": "coverage",
    "lifecycle": "lifecycle",
    "owner": "owner_email",
}
# By table what its rows are called, and its key: a customer has a row for each large deal.
LISTS = {
    "rpt_account_risk": ("kind", ("customer_id", "signal")),
    "rpt_product_led_leads": ("'lead'", ("customer_id", "signal")),
    "rpt_cross_sell": ("'cross-sell'", ("customer_id", "signal")),
    "rpt_large_deals": ("'large deal'", ("opportunity_id",)),
}
OTHER_COLUMNS = """
    select table_name, column_name from duckdb_columns()
    where database_name = current_database() and schema_name = 'marts'
    except
    select table_name, column_name from duckdb_columns() where database_name = 'earlier' and schema_name = 'marts'
"""


def compared(build: Callable[[Snapshot], Sequence[Block]]) -> Callable[[Snapshot], Sequence[Block]]:
    """Draw nothing without an earlier publish; say so if it is of a version of the project with other columns."""

    @wraps(build)
    def drawn(published: Snapshot) -> Sequence[Block]:
        if not published.has_earlier:
            return [Note(NO_EARLIER)] if build.__name__ == "days" else []
        try:
            return build(published)
        except (duckdb.BinderException, duckdb.CatalogException):
            if not published.rows(OTHER_COLUMNS):
                raise
            return [Note("The publish before has other columns and cannot be compared: the next one can.")]

    return drawn


def _before(table: str, *columns: str) -> str:
    """Columns of a table of the earlier publish, and `customer_id` as it is today.

    The id of a customer is that of one of its organizations, so a merge since then is no loss and no gain.
    """
    return f"""
        select coalesce(organizations.customer_id, given.customer_id) as customer_id,
            {", ".join(f"given.{column}" for column in columns)}
        from earlier.marts.{table} as given
        left join dim_organizations as organizations on given.customer_id = organizations.organization_id
    """


_QUEUE_BEFORE = f"""
    select distinct customer_id from ({_before("fct_onboarding_queue", "is_open")}) as queue where is_open
"""


@compared
def days(published: Snapshot) -> Sequence[Block]:
    """Which two days are compared, and the counts."""
    before, closed_before, days_between = published.row(
        f"select as_of_date, last_closed_month, cast({DATA_DAY} - as_of_date as int) from earlier.marts.publish_info"
    )
    closed = published.last_closed_month()
    months = f"{closed_before:%b} to {closed:%b %Y}" if closed_before != closed else f"{closed:%b %Y}, restated"
    entered, left = published.row(
        f"""
        with now as (select customer_id from fct_onboarding_queue where is_open),
        before as ({_QUEUE_BEFORE})
        select (select count(*) from now anti join before using (customer_id)),
            (select count(*) from before anti join now using (customer_id))
        """
    )
    signups, icp = published.row(
        """
        select count(*), count(*) filter (where icp_segment in ('high_growth', 'high_potential'))
        from dim_organizations anti join earlier.marts.dim_organizations as earlier using (organization_id)
        """
    )
    gained, lost = published.row(
        f"select sum(delta) filter (where delta > 0), sum(delta) filter (where delta < 0) from ({_MRR})"
    )
    since = f"{before.day} {before:%b %Y}"
    how_long = "the day before" if days_between == 1 else f"{days_between:,} days before"
    icp_words = "segments not known" if published.lacks("enrichment.companies") else f"{icp:,} known to be in the ICP"
    return [
        Figures(
            [
                Figure("Compared with", since, how_long),
                Figure("New in the queue", f"{entered:,}", f"{left:,} left it"),
                Figure("MRR gained", short_money(gained or 0), months),
                Figure("MRR lost", short_money(lost or 0), months),
                Figure("Sign-ups", f"{signups:,}", icp_words),
            ]
        )
    ]


@compared
def queue(published: Snapshot) -> Sequence[Block]:
    """Who entered the queue and who left it."""
    rows = published.rows(
        f"""
        with earlier as ({_QUEUE_BEFORE}),
        stays as (
            select *, row_number() over (partition by customer_id order by entered_on desc) as place
            from fct_onboarding_queue
        )
        select {customer("stays")}, case when stays.is_open then 'entered' else 'left' end,
            case when stays.is_open then stays.queue_reason else stays.exit_reason end,
            stays.latest_forecast_usd, coalesce(stays.owner_email, '{no_owner(published)}')
        from stays left join earlier using (customer_id) left join dim_customers using (customer_id)
        where stays.place = 1 and stays.is_open = (earlier.customer_id is null)
            and (stays.is_open or earlier.customer_id is not null)
        order by stays.is_open desc, stays.latest_forecast_usd desc, stays.customer_id
        """
    )
    columns = [
        CUSTOMER, Header("Queue", "words", is_filter=True, is_on_card=True), Header("Why", "words", is_on_card=True),
        Header("Forecast", "money", is_on_card=True), OWNER,
    ]  # fmt: skip
    empty = "Nobody entered or left the onboarding queue."
    return [PageTable("since-queue", "Onboarding queue", columns, rows, empty, "fct_onboarding_queue", "half")]


@compared
def late(published: Snapshot) -> Sequence[Block]:
    """Customers of the queue whose contact was not late before and is now."""
    rows = published.rows(
        f"""
        with earlier as (
            select distinct queue.customer_id from ({_before("fct_onboarding_queue", "is_open", "contact_by")}) as queue
            cross join earlier.marts.publish_info as info
            where queue.is_open and queue.contact_by < info.as_of_date
        )
        select {customer("queue")}, cast({DATA_DAY} - queue.contact_by as int), queue.latest_forecast_usd,
            queue.period_end, coalesce(queue.owner_email, '{no_owner(published)}')
        from fct_onboarding_queue as queue left join earlier using (customer_id)
        left join dim_customers using (customer_id)
        where queue.is_open and queue.contact_by < {DATA_DAY} and earlier.customer_id is null
            and not coalesce(dim_customers.is_do_not_contact, false)
        order by queue.contact_by, queue.customer_id
        """
    )
    columns = [
        CUSTOMER, Header("Contact", "late", is_on_card=True), Header("Forecast", "money", is_on_card=True),
        Header("Renews", "date"), OWNER,
    ]  # fmt: skip
    empty = "Nobody is newly late."
    return [PageTable("since-late", "Newly late", columns, rows, empty, "fct_onboarding_queue", "half")]


@compared
def moved(published: Snapshot) -> Sequence[Block]:
    """Customers whose segment, tier, band, coverage, lifecycle or owner is another."""
    rows = published.rows(
        f"""
        with now as ({_attributes("")}), before as ({_attributes("earlier.marts.")})
        select {customer("now", "now")}, attribute, coalesce(value_before, 'none'), coalesce(value_now, 'none'),
            now.arr_usd_year
        from now inner join before using (customer_id)
        cross join lateral (values {_pairs()}) as pairs (attribute, value_before, value_now)
        where value_before is distinct from value_now
        order by now.arr_usd_year desc, now.customer_id, attribute
        """
    )
    columns = [
        CUSTOMER, Header("What", "words", is_filter=True, is_on_card=True), Header("From", "person", is_on_card=True),
        Header("To", "person", is_on_card=True), Header("ARR", "money"),
    ]  # fmt: skip
    shown = [(*row[:2], *(value.replace("_", " ") if row[1] != "owner" else value for value in row[2:4]), row[4])
             for row in rows]  # fmt: skip
    empty = "Nobody moved to another segment, tier, band, coverage, lifecycle or owner."
    return [PageTable("since-moved", "Moved", columns, shown, empty, "dim_customers", "half")]


def _attributes(schema: str) -> str:
    columns = ", ".join(f"customers.{name}" for name in ATTRIBUTES.values() if name != "icp_segment")
    return f"""
        select customers.customer_id, customers.name, customers.arr_usd_year, organizations.icp_segment, {columns}
        from {schema}dim_customers as customers left join {schema}dim_organizations as organizations
            on customers.customer_id = organizations.organization_id
    """


def _pairs() -> str:
    return ", ".join(f"('{name}', before.{column}, now.{column})" for name, column in ATTRIBUTES.items())


_MRR = f"""
    with before as (
        select customer_id, min(nullif(name, '')) as name, sum(mrr_usd_month) as mrr_usd_month
        from ({_before("dim_customers", "name", "mrr_usd_month")}) as customers
        group by customer_id
    )
    select coalesce(now.customer_id, before.customer_id) as customer_id,
        coalesce(nullif(now.name, ''), nullif(before.name, ''), now.customer_id, before.customer_id) as name,
        coalesce(before.mrr_usd_month, 0) as mrr_before, coalesce(now.mrr_usd_month, 0) as mrr_now,
        coalesce(now.mrr_usd_month, 0) - coalesce(before.mrr_usd_month, 0) as delta
    from dim_customers as now full join before using (customer_id)
"""


@compared
def mrr(published: Snapshot) -> Sequence[Block]:
    """MRR gained and lost, the largest changes first."""
    rows = published.rows(
        f"""
        select {{'id': customer_id, 'name': name}}, delta, mrr_before, mrr_now from ({_MRR}) where delta <> 0
        order by abs(delta) desc, customer_id
        """
    )
    columns = [
        CUSTOMER, Header("Change a month", "money", is_on_card=True), Header("MRR before", "money"),
        Header("MRR now", "money", is_on_card=True),
    ]  # fmt: skip
    month = f"{published.last_closed_month():%B %Y}"
    empty = f"No MRR moved: {month} is the last closed month, and nothing in it was restated."
    return [PageTable("since-mrr", "MRR gained and lost", columns, rows, empty, "dim_customers", "half")]


@compared
def signals(published: Snapshot) -> Sequence[Block]:
    """Signals that fire now and did not before, on every list."""
    union = " union all ".join(_new(table, kind, key) for table, (kind, key) in LISTS.items())
    rows = published.rows(
        f"select customer, kind, what_fired, figure, threshold, unit, arr_usd_year from ({union}) "
        "order by kind = 'risk' desc, arr_usd_year desc nulls last, list_rank, what_fired"
    )
    columns = [
        CUSTOMER, Header("List", "words", is_filter=True, is_on_card=True), Header("What fired", is_on_card=True),
        Header("Figure", "number"), Header("Asked", "number"), Header("Unit", "unit"),
        Header("ARR", "money", is_on_card=True),
    ]  # fmt: skip
    empty = "No signal fires that did not before."
    return [PageTable("since-signals", "New on the lists", columns, rows, empty, "rpt_account_risk and other lists")]


def _new(table: str, kind: str, key: Sequence[str]) -> str:
    """Rows of a list whose key was not on it before."""
    other_columns = [column for column in key if column != "customer_id"]
    return f"""
        select {customer("listed")} as customer, {kind} as kind, what_fired, figure, threshold, unit,
            listed.arr_usd_year, listed.list_rank
        from {table} as listed anti join ({_before(table, *other_columns)}) as earlier using ({", ".join(key)})
        left join dim_customers using (customer_id)
    """
