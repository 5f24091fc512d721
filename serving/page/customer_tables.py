"""The queries of the pages of single customers.

Each reads `ranked_customers` (place, customer_id), gives the place first, and is sorted by it. What is shown under
which heading is in `static/scripts/customer_*.js`.
"""

from dataclasses import dataclass

from serving.page.snapshot import DATA_DAY, LAST_CLOSED_MONTH

MONTHS_OF_MRR = 24
WEEKS_OF_USAGE = 13
EVENTS_SHOWN = 200


@dataclass(frozen=True)
class PagesTable:
    """A query, and the marts without which it is left out."""

    name: str
    tables: tuple[str, ...]
    sql: str


def _of_customer(name: str, table: str, columns: str, order: str, condition: str = "true") -> PagesTable:
    """Rows of a table with `customer_id`."""
    return _joined(name, (table,), columns, order, condition, key="given.customer_id")


def _of_organizations(name: str, table: str, columns: str, order: str, condition: str = "true") -> PagesTable:
    """Rows of a table with `organization_id`, of all organizations of the customer."""
    return _joined(name, (table, "dim_organizations"), columns, order, condition, key="organizations.customer_id")


def _of_canonical_organization(name: str, table: str, columns: str, order: str, condition: str = "true") -> PagesTable:
    """Rows of a table with `organization_id`, of the organization that the customer has its id and segment from."""
    return _joined(name, (table,), columns, order, condition, key="given.organization_id")


def _joined(name: str, tables: tuple[str, ...], columns: str, order: str, condition: str, *, key: str) -> PagesTable:
    """Rows of the first table, by the column that has the customer's id."""
    of_organizations = (
        "inner join dim_organizations as organizations on given.organization_id = organizations.organization_id"
    )
    sql = f"""
        select ranked.place, {columns}
        from {tables[0]} as given {of_organizations if len(tables) > 1 else ""}
        inner join ranked_customers as ranked on {key} = ranked.customer_id
        where {condition}
        order by ranked.place, {order}
    """
    return PagesTable(name, tables, sql)


def _signals(name: str, table: str, more: str = "'' as more") -> PagesTable:
    columns = f"signal, what_fired, figure, threshold, unit, since, next_action, list_rank, {more}"
    return _of_customer(name, table, columns, "list_rank, signal")


TABLES = (
    PagesTable(
        "about",
        ("dim_customers", "dim_organizations"),
        """
        select ranked.place, customers.name, customers.organizations, customers.first_paid_month,
            customers.mrr_usd_month, customers.arr_usd_year, customers.size_tier, customers.arr_mix_band,
            customers.coverage, customers.suggested_owner_role, customers.owner_email, customers.is_do_not_contact,
            customers.health, customers.lifecycle, canonical.icp_segment, canonical.icp_confidence, canonical.role_fit
        from ranked_customers as ranked
        inner join dim_customers as customers on ranked.customer_id = customers.customer_id
        left join dim_organizations as canonical on ranked.customer_id = canonical.organization_id
        order by ranked.place
        """,
    ),
    _of_customer(
        "organizations",
        "dim_organizations",
        "given.organization_id, given.name, domain, region, cast(created_at as date) as signed_up, signup_channel, "
        "users, activated_at, products_used, products_paid, mrr_usd_month, removed_at",
        "created_at, given.organization_id",
    ),
    _of_customer(
        "mrr",
        "fct_mrr_products",
        "month, product_key, mrr_usd_month",
        "month, product_key",
        f"month > {LAST_CLOSED_MONTH} - interval {MONTHS_OF_MRR} month and mrr_usd_month <> 0",
    ),
    _of_customer(
        "mrr_months",
        "fct_mrr_monthly",
        "month, list_usd, discount_usd, credit_applied_usd, refund_usd, mrr_usd_month, basis",
        "month desc",
        f"month > {LAST_CLOSED_MONTH} - interval {MONTHS_OF_MRR} month",
    ),
    PagesTable(
        "usage",
        ("fct_usage_daily", "dim_organizations"),
        f"""
        with days as (
            select ranked.place, usage.product_key, {DATA_DAY} - usage.date as days_ago, usage.quantity
            from fct_usage_daily as usage
            inner join dim_organizations as organizations on usage.organization_id = organizations.organization_id
            inner join ranked_customers as ranked on organizations.customer_id = ranked.customer_id
            where usage.date > {DATA_DAY} - {7 * WEEKS_OF_USAGE}
        )
        select place, product_key,
            sum(case when days_ago < 30 then quantity else 0 end) as quantity_30_days,
            sum(case when days_ago >= 30 and days_ago < 60 then quantity else 0 end) as quantity_30_days_before,
            [{
            ", ".join(
                f"sum(case when days_ago // 7 = {week} then quantity else 0 end)"
                for week in reversed(range(WEEKS_OF_USAGE))
            )
        }] as quantity_by_week
        from days
        group by place, product_key
        order by place, product_key
        """,
    ),
    _of_organizations(
        "bills",
        "fct_bill_forecasts",
        "organizations.name as organization, given.organization_id, period_start, period_end, amount_to_date_usd, "
        "forecast_list_usd, forecast_after_discount_usd, forecast_bill_usd, forecast_payable_usd, forecast_low_usd, "
        "forecast_high_usd, published_rule_usd, missing_days",
        "forecast_bill_usd desc, given.organization_id",
        f"given.as_of_date = {DATA_DAY}",
    ),
    _of_organizations(
        "bill_products",
        "fct_bill_forecast_products",
        "given.organization_id, product_key, quantity_to_date, projected_quantity, list_usd, after_discount_usd, "
        "limit_usd, bill_usd",
        "bill_usd desc, product_key",
        f"given.as_of_date = {DATA_DAY}",
    ),
    _of_canonical_organization(
        "criteria",
        "fct_segment_criteria",
        "segment, criterion, field, observed, threshold, result, would_decide",
        "segment, criterion",
        "segment in ('high_growth', 'high_potential', 'hobbyist')",
    ),
    _of_canonical_organization(
        "segments",
        "fct_organization_segments",
        "given.icp_segment, given.icp_confidence, given.size_tier, given.unknown_reason, valid_from, valid_to",
        "valid_from desc",
    ),
    _of_organizations(
        "scores",
        "rpt_scores",
        "organizations.name as organization, score, version, cut, points_at_least, points_at_most, facts_missing",
        "score, version, points desc",
    ),
    _of_customer(
        "routing",
        "fct_account_routing",
        "given.suggested_owner_role, reason, current_owner_email, current_owner_role, is_gap, is_double_touch, since",
        "reason",
    ),
    _of_customer(
        "routing_history",
        "fct_account_routing_history",
        "given.suggested_owner_role, reason, valid_from, valid_to",
        "valid_from desc",
    ),
    _of_customer(
        "queue",
        "fct_onboarding_queue",
        "queue_reason, entered_on, entry_forecast_usd, latest_forecast_usd, period_end, contact_by, bills_paid, "
        "owner_email, exited_on, exit_reason, is_open",
        "entered_on desc",
    ),
    _of_customer(
        "exclusions",
        "fct_queue_exclusions",
        "reason, forecast_bill_usd, customer_forecast_bill_usd",
        "forecast_bill_usd desc, reason",
        f"given.as_of_date = {DATA_DAY}",
    ),
    _signals("account_risk", "rpt_account_risk", "kind as more"),
    _signals("product_led_leads", "rpt_product_led_leads"),
    _signals("cross_sell", "rpt_cross_sell", "product_key as more"),
    _signals("large_deals", "rpt_large_deals", "stage as more"),
    _signals("credit_runway", "rpt_credit_runway"),
    _signals("startup_rolloffs", "rpt_startup_rolloffs", "startup_program as more"),
    _signals("limits_hit", "rpt_limits_hit", "product_key as more"),
    _of_customer(
        "line_crossers",
        "rpt_line_crossers",
        "line, direction, line_usd, period, growth_per_month, crosses_on",
        "crosses_on, line",
    ),
    _of_customer(
        "health",
        "rpt_customer_health",
        "product_group, weight, fall_percent",
        "weight desc, product_group",
    ),
    _of_customer(
        "owners",
        "fct_customer_events",
        "day, kind, what, owner_email",
        "day desc, kind, owner_email",
        "kind in ('owner_came', 'owner_left')",
    ),
    PagesTable(
        "events",
        ("fct_customer_events",),
        f"""
        select ranked.place, events.day, events.kind, events.subject, events.what, events.figure, events.unit,
            events.owner_email
        from fct_customer_events as events
        inner join ranked_customers as ranked on events.customer_id = ranked.customer_id
        qualify row_number() over (
            partition by ranked.place order by events.day desc, events.kind, events.subject, events.what, events.figure
        ) <= {EVENTS_SHOWN}
        order by ranked.place, events.day desc, events.kind, events.subject, events.what, events.figure
        """,
    ),
)
