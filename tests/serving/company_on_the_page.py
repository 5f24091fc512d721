"""Rows of the marts for a company of a few customers, one of which has a name that would break out of the page."""

from datetime import date, timedelta
from typing import Any

from tests.serving.customers_on_the_page import customer_rows

DATA_DAY = date(2026, 10, 31)
HOSTILE_NAME = "</script><img src=x onerror=document.title='broken'> & \"Sons\""
NAMES = {
    "c1": "Acme",
    "c2": "Blue Fin",
    "c3": HOSTILE_NAME,
    **{f"q{i}": f"Queued {i}" for i in range(20)},
    "n1": "Newly Signed",
}
MONTHS = [date(2026, month, 1) for month in range(1, 11)]
ENDS = [date(2026, month + 1, 1) - timedelta(days=1) for month in range(1, 11)]


def _customers() -> list[dict[str, Any]]:
    arr = {"c1": (1_200_000, "large"), "c2": (60_000, "medium"), "c3": (2_400, "small")}
    return [
        {
            "customer_id": customer_id,
            "name": name,
            "arr_usd_year": arr.get(customer_id, (0, "none"))[0],
            "size_tier": arr.get(customer_id, (0, "none"))[1],
            "mrr_usd_month": arr.get(customer_id, (0, "none"))[0] // 12,
            "lifecycle": "paying" if customer_id in arr else "activated",
            "health": "healthy" if customer_id in arr else "unknown",
            "owner_email": "ada.owner@vendor.example" if customer_id == "c2" else None,
            "arr_mix_band": "below",
            "coverage": "self_serve",
            "organizations": 1,
        }
        for customer_id, name in NAMES.items()
    ]


def _progress() -> list[dict[str, Any]]:
    bands = {"25k": (1000, 25_000_000), "50k": (500, 25_000_000), "1m": (50, 50_000_000), "below": (0, 0)}
    return [
        {
            "as_of": end,
            "band": band,
            "target_customers": target,
            "customers": 0 if band == "25k" else 1,
            "target_arr_usd": dollars,
            "arr_usd": {"25k": 0, "50k": 60_000, "1m": 1_200_000, "below": 2_400}[band],
            "capped_arr_usd": {"25k": 0, "50k": 50_000, "1m": 1_000_000, "below": 0}[band],
            "customers_needed_per_month": 24.5,
            "customers_added_per_month": 0.33,
            "progress": None if band == "below" else 0.02,
        }
        for end in ENDS
        for band, (target, dollars) in bands.items()
    ]


def _queue() -> list[dict[str, Any]]:
    reasons = ("first_bill", "startup_rolloff", "startup_credit_use")
    stays = [
        {
            "customer_id": f"q{i}",
            "organization_id": f"q{i}",
            "queue_reason": reasons[i % 3],
            "entered_on": date(2026, 10, 1) + timedelta(days=i),
            "latest_forecast_usd": 600 + 37 * (i * 7 % 20),
            "period_end": date(2026, 11, 5) + timedelta(days=i),
            "contact_by": date(2026, 10, 22) + timedelta(days=i),
            "bills_paid": i % 3,
            "owner_email": (None, "ada.owner@vendor.example", None, "ada.owner.jr@vendor.example")[i % 4],
            "is_open": True,
        }
        for i in range(20)
    ]
    return [*stays, {**stays[0], "customer_id": "c2", "is_open": False}]


def _accuracy() -> list[dict[str, Any]]:
    return [
        {
            "day_of_period": day,
            "method": method,
            "n": 40,
            "median_absolute_percentage_error": round((0.1 if method == "forecast" else 0.2) * (31 - day) / 31, 4),
            "bias": -0.01,
            "interval_coverage": 0.82 if method == "forecast" else None,
            "line_precision": 0.9,
            "line_recall": 0.8,
            "line_lead_days": 20.5,
        }
        for day in range(1, 31)
        for method in ("forecast", "published_rule")
    ]


def _accuracy_by() -> list[dict[str, Any]]:
    errors = {"forecast": 0.1, "published_rule": 0.2, "last_week": 0.15, "weekday_means": 0.12}
    return [
        {
            "group_by": group,
            "group_value": value,
            "day_of_period": 10,
            "method": method,
            "n": 40,
            "mean_absolute_percentage_error": 0.3 if (value, method) == ("first", "forecast") else error,
            "bias": -0.01,
            "interval_coverage": 0.82 if method == "forecast" else None,
        }
        for group, value in (("month", "2026-09-01"), ("bill", "first"), ("bill", "later"), ("size_tier", "medium"))
        for method, error in errors.items()
    ]


def _movements() -> list[dict[str, Any]]:
    kinds = ("new", "expansion", "contraction", "churn", "reactivation")
    return [
        {
            "customer_id": ("c1", "c2", "c3")[i % 3],
            "month": month,
            "movement": kind,
            "delta_usd_month": (-1 if kind in ("contraction", "churn") else 1) * (100.25 + 10 * i),
            "mrr_before_usd_month": 500,
            "mrr_after_usd_month": 600,
        }
        for month in MONTHS
        for i, kind in enumerate(kinds)
    ]


def _projection() -> list[dict[str, Any]]:
    months = [date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]
    return [
        {
            "as_of": DATA_DAY,
            "month": month,
            "band": band,
            "target_customers": target,
            "customers_p10": 1 + i,
            "customers_p50": 2 + i,
            "customers_p90": 4 + i,
            "target_arr_usd": target * 25_000,
            "arr_usd_p10": 1_100_000,
            "arr_usd_p50": 2_200_000,
            "arr_usd_p90": 14_400_000,
            "arr_usd_naive": 3_300_000,
            "is_pace_unusual": True,
            "probability_in_time": 0.125,
            "outlook": "not_within_horizon",
        }
        for band, target in (("25k", 5), ("50k", 500), ("1m", 50), ("mix", 555))
        for i, month in enumerate(months)
    ]


def _retention() -> list[dict[str, Any]]:
    return [
        {
            "month": month,
            "base_months": window,
            "customers_in_base": 2,
            "base_mrr_usd_month": 1000,
            "current_mrr_usd_month": 1100,
            "ndr": 1.1,
            "gdr": 0.97,
            "logo_retention": 1,
        }
        for month in MONTHS[3:]
        for window in (3, 6, 12)
    ]


def _sign_ups() -> list[dict[str, Any]]:
    return [
        {
            "week": date(2026, 10, 26) - timedelta(weeks=i),
            "signups": 40,
            "work_mail_signups": 20,
            "icp_signups": 7,
            "high_growth_signups": 4,
            "high_potential_signups": 3,
            "hobbyist_signups": 2,
            "other_signups": 11,
            "unknown_signups": 20,
            "work_mail_with_segment": 15,
            "unknown_free_mail": 20,
            "new_paying_companies": 1,
        }
        for i in range(20)
    ]


ROWS: dict[str, list[dict[str, Any]]] = {
    **customer_rows(NAMES),
    "dim_customers": _customers(),
    "rpt_arr_mix_progress": _progress(),
    "rpt_arr_mix_projection": _projection(),
    "fct_mrr_movements": _movements(),
    "fct_mrr_products": [
        {"customer_id": "c1", "month": MONTHS[-1], "product_key": "session_replay", "mrr_usd_month": 100_000},
        {"customer_id": "c2", "month": MONTHS[-1], "product_key": "surveys", "mrr_usd_month": 5_000},
    ],
    "rpt_retention": _retention(),
    "fct_onboarding_queue": _queue(),
    "fct_bill_forecasts": [
        {
            "organization_id": f"q{i}",
            "as_of_date": DATA_DAY,
            "forecast_low_usd": 500 + i,
            "forecast_high_usd": 1500 + i,
            "forecast_bill_usd": 900.25 + i,
            "forecast_payable_usd": 800.25 + i,
            "amount_to_date_usd": 450.5,
            "published_rule_usd": 880,
            "period_start": date(2026, 10, 5),
            "period_end": date(2026, 11, 5),
            "missing_days": 0,
        }
        for i in range(20)
    ],
    "fct_bill_forecast_products": [
        {
            "organization_id": f"q{i}",
            "as_of_date": DATA_DAY,
            "product_key": product,
            "quantity_to_date": 1000,
            "projected_quantity": 2000.5,
            "list_usd": dollars,
            "after_discount_usd": dollars,
            "limit_usd": 700 if product == "surveys" else None,
            "bill_usd": dollars,
        }
        for i in range(20)
        for product, dollars in (("session_replay", 300.25 + i), ("surveys", 600))
    ],
    "rpt_forecast_accuracy": _accuracy(),
    "rpt_forecast_accuracy_by": _accuracy_by(),
    "fct_account_routing": [
        {
            "customer_id": "c1",
            "suggested_owner_role": "csm",
            "reason": "arr_with_many_primary_products",
            "is_gap": True,
            "list_rank": 1,
            "since": MONTHS[0],
            "as_of_date": DATA_DAY,
        }
    ],
    "rpt_account_risk": [
        {
            "customer_id": "c3",
            "signal": "usage_fell",
            "kind": "risk",
            "what_fired": "Events fell.",
            "since": MONTHS[-1],
            "next_action": "Call.",
            "list_rank": 1,
        }
    ],
    "rpt_line_crossers": [
        {
            "customer_id": "c2",
            "line": "large",
            "direction": "up",
            "line_usd": 100_000,
            "period": "year",
            "mrr_usd_month": 5_000,
            "growth_per_month": 0.25,
            "crosses_on": date(2026, 12, 24),
            "as_of_date": DATA_DAY,
        }
    ],
    "rpt_startup_rolloffs": [
        {
            "customer_id": "q1",
            "organization_id": "q1",
            "startup_program": "yc",
            "signal": "two_weeks_before",
            "what_fired": "A startup plan is about to end",
            "credit_left_usd": 900,
            "rolls_off_on": date(2026, 11, 12),
            "projected_first_bill_usd": 640,
            "next_action": "Write.",
        }
    ],
    "rpt_credit_runway": [
        {
            "customer_id": "c1",
            "organization_id": "c1",
            "signal": "runs_out_early",
            "what_fired": "Credit runs out early",
            "credit_balance_usd": 100_000,
            "burn_usd_day": 3_000,
            "runs_out_on": date(2026, 12, 3),
            "runway_days": 33,
            "term_ends_on": date(2027, 6, 1),
            "next_action": "Offer.",
        }
    ],
    "rpt_limits_hit": [
        {
            "customer_id": "c1",
            "organization_id": "c1",
            "signal": "at_limit",
            "what_fired": "The bill has reached its limit",
            "product_key": "session_replay",
            "other_products": "logs, surveys",
            "figure": 500,
            "limit_usd": 500,
            "cut_usd": 240,
            "period_end": date(2026, 11, 12),
            "next_action": "Ask.",
        }
    ],
    "rpt_margin_negative_customers": [
        {
            "customer_id": "c3",
            "months": 3,
            "negative_since_month": MONTHS[-3],
            "mrr_usd": 600,
            "unit_cost_usd": 900,
            "account_cost_usd": None,
            "margin_usd": -300,
            "dearest_product_key": "logs",
            "next_action": "Look at the discount.",
        }
    ],
    "rpt_deals_below_cost": [
        {
            "opportunity_id": "o1",
            "customer_id": "c3",
            "opportunity_type": "renewal",
            "stage": "procurement",
            "price_usd_year": 1_000,
            "cost_usd_year": 1_200,
            "margin_usd_year": -200,
        }
    ],
    "rpt_cheapest_products": [
        {
            "product_key": "logs",
            "competitor": "somebody",
            "customers": 3,
            "customers_cheapest": 2,
            "customers_dearer": 1,
            "customers_unknown": 0,
            "customers_cheapest_share": 0.6667,
            "units": 300,
            "units_cheapest": 100,
            "dearer_by_usd": 12,
            "dearer_from_units": 120,
            "is_stale": True,
            "read_on": MONTHS[0],
            "source": "https://prices.example",
        }
    ],
    "rpt_bill_and_use": [
        {
            "customer_id": "c3",
            "cell": "bill_rises_use_falls",
            "health": "poor",
            "fall_percent": 30,
            "billed_usd": 600,
            "forecast_bill_usd": 780,
            "bill_change_percent": 30,
            "largest_product_key": "logs",
            "unit_cost_change_percent": 12,
            "hardly_used_products": 1,
            "saves_usd_month": 250,
            "next_action": "Show what makes up the bill.",
        }
    ],
    "rpt_billed_products": [
        {
            "customer_id": "c3",
            "product_key": "boost",
            "billed_usd": 225,
            "list_usd": 250,
            "use_measure": "active_people",
            "use_figure": 1,
            "is_hardly_used": True,
            "saves_usd_month": 250,
            "next_action": "Ask who uses it.",
        }
    ],
    "rpt_headroom": [
        {
            "kind": "free_tier_ends",
            "customer_id": "c3",
            "icp_segment": "other",
            "product_key": "surveys",
            "quantity": 1_800,
            "low_usd_month": 0,
            "usd_month": 30,
            "high_usd_month": 60,
            "bills_from": date(2026, 12, 6),
        }
    ],
    "rpt_headroom_accuracy": [
        {
            "kind": "free_tier_ends",
            "month": MONTHS[-3],
            "expected": 4,
            "came": 3,
            "came_in_range": 2,
            "came_unexpected": 1,
            "expected_usd_month": 100,
            "expected_of_came_usd_month": 80,
            "came_usd_month": 90,
        }
    ],
    "rpt_stripe_tie_out": [
        {
            "month": MONTHS[-1],
            "invoiced_usd": 120_000,
            "tax_usd": -9_000,
            "one_off_usd": -6_100,
            "unexplained_usd": 0,
            "mrr_usd_month": 104_900,
        }
    ],
    "rpt_closed_months": [
        {
            "month": MONTHS[-1],
            "closed_as_of": DATA_DAY,
            "closed_mrr_usd": 105_000,
            "mrr_usd_month": 104_900,
            "difference_usd": -100,
            "explained_usd": -100,
            "unexplained_usd": 0,
        }
    ],
    "rpt_closed_month_differences": [
        {
            "month": MONTHS[-1],
            "cause": "credit_note",
            "customer_id": "c3",
            "product_key": "logs",
            "invoice_id": "in_1",
            "difference_usd": -100,
        }
    ],
    "rpt_price_change_by": [
        {
            "attribute": "all",
            "attribute_value": "all",
            "customers_that_pay_more": 1,
            "customers_that_pay_less": 0,
            "rated_usd": 9_000,
            "candidate_usd": 9_900,
            "change_usd": 900,
            "change_share": 0.1,
        },
    ],
    "rpt_price_change_customers": [
        {
            "customer_id": "c3",
            "icp_segment": "other",
            "size_tier": "small",
            "rated_usd": 9_000,
            "candidate_usd": 9_900,
            "change_usd": 900,
            "change_share": 0.1,
            "direction": "up",
            "furthest_line": "medium",
        },
    ],
    "rpt_price_change_mix": [
        {
            "band": "25k",
            "target_customers": 1000,
            "customers": 0,
            "candidate_customers": 1,
            "arr_usd": 0,
            "candidate_arr_usd": 25_000,
        },
    ],
    "rpt_signups_weekly": _sign_ups(),
    "rpt_data_quality": [
        {"finding": "usage_counter_without_product", "subject": "x_in_period", "figure": 12, "unit": "units"}
    ],
    "rpt_reach_ladder": [
        {"stage": "first_user", "stage_order": 1, "meaning": "Somebody signed up.", "customers": 9, "lost_customers": 2}
    ],
    "rpt_word_of_mouth": [
        {
            "month": date(2026, 10, 1),
            "signups": 40,
            "self_reported_share": 0.3,
            "carried_share": 0.05,
            "carried_by_members": 2,
        }
    ],
    "rpt_responsiveness": [
        {
            "list_name": "onboarding_queue",
            "role": "onboarding_specialist",
            "entries": 4,
            "answered": 3,
            "waiting": 1,
            "ended_unanswered": 0,
            "p50_hours": 12,
            "p90_hours": 96,
        }
    ],
    "rpt_team_outlook": [
        {
            "lever": "as_planned",
            "lever_order": 1,
            "meaning": "As it is.",
            "team_people_max": 20,
            "people_first_month": 12,
            "people_last_month": 24,
            "last_month": date(2027, 12, 1),
            "above_month_p50": date(2027, 6, 1),
            "outlook": "goes above",
        }
    ],
    "rpt_feature_demand": [
        {"feature": "audit log", "companies": 3, "icp_companies": 2, "would_be_the_only_user": False, "place": 1}
    ],
    "rpt_reference_progress": [
        {"product_key": "surveys", "icp_segment": "high_growth", "could_be": 2, "wanted": 5, "still_missing": 3}
    ],
}
