"""Rows of the marts for the pages of single customers, beside those of `company_on_the_page`."""

from datetime import date, datetime, timedelta
from typing import Any

Rows = dict[str, list[dict[str, Any]]]

DATA_DAY = date(2026, 10, 31)
MONTHS = [date(2026, month, 1) for month in range(1, 11)]
# Customer, segment, domain, users.
ORGANIZATIONS = (("c1", "other", "acme.example", 12), ("c2", "high_growth", "bluefin.example", 40))
SIGNED_UP = datetime.fromisoformat("2025-12-30T08:00:00")
NEW = "n1"


def rows_of_the_day_before(rows: Rows) -> Rows:
    """The same company a day earlier: q0 is not in the queue yet, c2 is, and it is smaller and has no owner."""
    queue = [row for row in rows["fct_onboarding_queue"] if row["customer_id"] != "q0"]
    left = {**queue[0], "customer_id": "c2", "organization_id": "c2"}
    customers = [
        {**row, "size_tier": "small", "mrr_usd_month": 4_000, "owner_email": None}
        if row["customer_id"] == "c2"
        else row
        for row in rows["dim_customers"]
        if row["customer_id"] != NEW
    ]
    return {
        **rows,
        "dim_customers": customers,
        "dim_organizations": [row for row in rows["dim_organizations"] if row["customer_id"] != NEW],
        "fct_onboarding_queue": [*queue, left],
        "rpt_account_risk": [],
    }


def organization(customer_id: str, name: str, segment: str = "unknown", **more: Any) -> dict[str, Any]:
    return {
        "organization_id": customer_id,
        "customer_id": customer_id,
        "name": name,
        "region": "EU",
        "created_at": SIGNED_UP,
        "users": 3,
        "products_used": 2,
        "products_paid": 1,
        "icp_segment": segment,
        "icp_confidence": "strict" if segment != "unknown" else "unknown",
        "mrr_usd_month": 0,
        **more,
    }


def _signal(customer_id: str, signal: str, **more: Any) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "signal": signal,
        "what_fired": f"{signal} is what fired",
        "figure": 12.5,
        "threshold": 10,
        "unit": "percent",
        "since": date(2026, 10, 3),
        "next_action": f"Act on {signal}.",
        "arr_usd_year": 60_000,
        "owner_email": "ada.owner@vendor.example",
        "list_rank": 1,
        **more,
    }


def _event(day: date, kind: str, **more: Any) -> dict[str, Any]:
    return {"customer_id": "c1", "day": day, "kind": kind, "source_table": "a mart", **more}


def _criterion(
    criterion: str, field: str, observed: str | None, threshold: str, result: str, *, decides: bool = True
) -> dict[str, Any]:
    return {
        "organization_id": "c1",
        "segment": "high_growth",
        "criterion": criterion,
        "field": field,
        "observed": observed,
        "threshold": threshold,
        "result": result,
        "would_decide": "high_growth" if decides else None,
    }


def _scores() -> list[dict[str, Any]]:
    """One passes whatever is missing, one may fall below its cut, one may reach it, and one cannot."""
    return [
        {
            "organization_id": "c1",
            "score": score,
            "version": version,
            "points": points,
            "cut": cut,
            "passes": points >= cut,
            "points_at_least": at_least,
            "points_at_most": at_most,
            "facts_missing": int(at_least < at_most),
        }
        for score, version, points, cut, at_least, at_most in (
            ("lead_70", 1, 21, 20, 21, 21),
            ("icp_24", 1, 12, 12, 7, 12),
            ("icp_24", 2, 6, 12, 6, 12),
            ("icp_24", 3, 5, 12, -10, 11),
        )
    ]


def _usage() -> list[dict[str, Any]]:
    """1,000 units a day in the last thirty days, and 800 in those before."""
    return [
        {
            "organization_id": "c1",
            "product_key": "session_replay",
            "date": DATA_DAY - timedelta(days=ago),
            "quantity": 1000 if ago < 30 else 800,
        }
        for ago in range(100)
    ]


def customer_rows(names: dict[str, str]) -> Rows:
    """Rows by table, of customers with these names by id."""
    return {"dim_organizations": _organizations(names), **_bills(), **_standing_of_c1(), **_lists(), **_growth()}


def _organizations(names: dict[str, str]) -> list[dict[str, Any]]:
    known = {customer_id: (segment, domain, users) for customer_id, segment, domain, users in ORGANIZATIONS}
    organizations = []
    for customer_id, name in names.items():
        if customer_id == NEW:
            continue
        segment, domain, users = known.get(customer_id, ("unknown", None, 3))
        organizations.append(organization(customer_id, name, segment, domain=domain, users=users))
    fresh = datetime.fromisoformat("2026-10-29T09:00:00")
    return [*organizations, organization(NEW, names[NEW], "high_potential", domain="new.example", created_at=fresh)]


def _month(customer_id: str, month: date, mrr_usd_month: int, discount_usd: int) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "month": month,
        "list_usd": mrr_usd_month + discount_usd,
        "discount_usd": discount_usd,
        "credit_applied_usd": 0,
        "refund_usd": 0,
        "mrr_usd_month": mrr_usd_month,
        "basis": "usage",
    }


def _bills() -> Rows:
    """What c1 and c2 pay, what c1 uses, and why its bill is not in the queue."""
    return {
        "fct_mrr_monthly": [
            *(_month("c1", month, 100_000, 10_000) for month in MONTHS),
            _month("c2", MONTHS[-1], 5_000, 0),
        ],
        "fct_usage_daily": _usage(),
        "fct_queue_exclusions": [
            {
                "organization_id": "c1",
                "customer_id": "c1",
                "reason": "paid_before",
                "forecast_bill_usd": 99_000,
                "customer_forecast_bill_usd": 99_000,
                "as_of_date": DATA_DAY,
            }
        ],
    }


def _standing_of_c1() -> Rows:
    """Its segment, who should hold it, how healthy it is, and what happened to it."""
    return {
        "fct_segment_criteria": [
            _criterion("employees_at_least", "employees", "12", ">= 15", "not_met"),
            _criterion("revenue", "revenue_usd_month", None, ">= 100000", "unknown"),
            _criterion("consumer_users", "consumer_users_month", "12", ">= 1000000", "not_met", decides=False),
            _criterion("not_public", "is_public", "true", "= false", "not_met"),
        ],
        "rpt_scores": _scores(),
        "fct_organization_segments": [
            {
                "organization_id": "c1",
                "icp_segment": "other",
                "icp_confidence": "strict",
                "size_tier": "large",
                "valid_from": date(2026, 2, 4),
            }
        ],
        "fct_account_routing_history": [
            {
                "customer_id": "c1",
                "suggested_owner_role": "csm",
                "reason": "arr_with_many_primary_products",
                "valid_from": MONTHS[0],
            }
        ],
        "fct_customer_events": [
            _event(
                date(2026, 9, 3), "mrr_moved", subject="2026-08-01", what="expansion", figure=120.5, unit="USD a month"
            ),
            _event(date(2026, 9, 4), "owner_came", subject="acc-1", what="csm", owner_email="eve.owner@vendor.example"),
        ],
        "rpt_customer_health": [
            {
                "customer_id": "c1",
                "product_group": "session_replay",
                "weight": 40,
                "fall_percent": 0,
                "customer_fall_percent": 0,
                "health": "healthy",
            }
        ],
    }


def _lists() -> Rows:
    return {
        "rpt_product_led_leads": [_signal("q3", "lead_score", unit="users")],
        "rpt_cross_sell": [_signal("c2", "pair", product_key="surveys")],
        "rpt_large_deals": [_signal("c2", "large_deal", opportunity_id="d1", stage="evaluation", unit="criteria")],
    }


def _growth() -> Rows:
    """Tables of the whole company: owners, channels, cohorts."""
    return {
        "rpt_owner_load": [
            {
                "owner_email": "ada.owner@vendor.example",
                "owner_role": "csm",
                "accounts": 60,
                "arr_usd_year": 60_000,
                "book_accounts": 50,
                "book_arr_usd_year": 2_500_000,
                "is_over_book": True,
                "team_people": 1,
                "team_people_max": 20,
                "as_of_date": DATA_DAY,
            }
        ],
        "rpt_acquisition": [
            {
                "month": MONTHS[-1],
                "signup_channel": "ads",
                "signups": 40,
                "activated": 20,
                "icp_signups": 7,
                "paying_customers": 2,
                "new_mrr_usd_month": 900,
                "spend_usd": 5_000,
            }
        ],
        "rpt_growth_funnel": [
            {"month": MONTHS[2], "signups": 40, "activated": 30, "paying_by_day_120": 2},
            {"month": MONTHS[-1], "signups": 50, "activated": 30},
        ],
    }
