"""Sections on credit and limits: startup plans that end, prepaid credit, spend limits."""

from collections.abc import Sequence

from serving.page.blocks import Block, Header
from serving.page.customer_rows import OWNER, of_customers, owner_in
from serving.page.snapshot import Snapshot

NEXT = Header("Next")


def startup_rolloffs(published: Snapshot) -> Sequence[Block]:
    """Startup plans that end: when, and the first bill that follows."""
    columns = {
        "startup_program": Header("Program", "words"),
        "signal": Header("Stage", "words", is_filter=True, is_on_card=True),
        "rolls_off_on": Header("Rolls off", "date", is_on_card=True),
        "credit_left_usd": Header("Credit left", "money"),
        "projected_first_bill_usd": Header("First bill", "money", is_on_card=True),
        owner_in("dim_customers", published): OWNER,
        "next_action": NEXT,
    }
    title, empty = "Startup plans about to end", "No startup is on a plan."
    return [
        of_customers(published, "rolloffs", title, "rpt_startup_rolloffs", columns, order="rolls_off_on", empty=empty)
    ]


def credit_runways(published: Snapshot) -> Sequence[Block]:
    """How long prepaid credit lasts, compared with its contract."""
    columns = {
        "signal": Header("State", "words", is_filter=True, is_on_card=True),
        "credit_balance_usd": Header("Credit", "money", is_on_card=True),
        "burn_usd_day": Header("Used a day", "money"),
        "runs_out_on": Header("Runs out", "date"),
        "runway_days": Header("Days left", "number", is_on_card=True),
        "term_ends_on": Header("Contract ends", "date"),
        owner_in("dim_customers", published): OWNER,
        "next_action": NEXT,
    }
    order = "coalesce(runs_out_on, term_ends_on), signal"
    empty = "No prepaid credit runs out early, and no renewal is due."
    return [
        of_customers(published, "runways", "Prepaid credit", "rpt_credit_runway", columns, order=order, empty=empty)
    ]


def limits_hit(published: Snapshot) -> Sequence[Block]:
    """Customers near or over a spend limit they set."""
    columns = {
        "product_key || coalesce(', ' || other_products, '')": Header("Products", "words", is_on_card=True),
        "signal": Header("Level", "words", is_on_card=True),
        "figure": Header("So far", "money"),
        "limit_usd": Header("Limit", "money"),
        "cut_usd": Header("Cut off", "money", is_on_card=True),
        "period_end": Header("Renews", "date"),
        owner_in("dim_customers", published): OWNER,
        "next_action": NEXT,
    }
    order, empty = "cut_usd desc, period_end, signal", "No spend limit is near."
    return [of_customers(published, "limits", "Spend limits", "rpt_limits_hit", columns, order=order, empty=empty)]
