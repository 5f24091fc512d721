"""Sections on credit and limits: startup plans that end, prepaid credit, spend limits."""

from collections.abc import Sequence

from serving.page.blocks import Block, Header, PageTable
from serving.page.customer_rows import named, no_owner
from serving.page.snapshot import Snapshot

OWNER = Header("Owner", "person", is_filter=True)


def _owner(published: Snapshot) -> str:
    return f"coalesce(dim_customers.owner_email, '{no_owner(published)}')"


def startup_rolloffs(published: Snapshot) -> Sequence[Block]:
    """Startup plans that end: when, and the first bill that follows."""
    rows = published.rows(
        named(
            "rpt_startup_rolloffs",
            "startup_program, signal, rolls_off_on, credit_left_usd, projected_first_bill_usd, "
            f"{_owner(published)}, next_action",
            "true",
            "rolls_off_on",
        )
    )
    columns = [
        Header("Customer", "customer", is_on_card=True), Header("Program", "words"),
        Header("Stage", "words", is_filter=True, is_on_card=True), Header("Rolls off", "date", is_on_card=True),
        Header("Credit left", "money"), Header("First bill", "money", is_on_card=True), OWNER, Header("Next"),
    ]  # fmt: skip
    title = "Startup plans about to end"
    return [PageTable("rolloffs", title, columns, rows, "No startup is on a plan.", "rpt_startup_rolloffs")]


def credit_runways(published: Snapshot) -> Sequence[Block]:
    """How long prepaid credit lasts, compared with its contract."""
    rows = published.rows(
        named(
            "rpt_credit_runway",
            "signal, credit_balance_usd, burn_usd_day, runs_out_on, runway_days, term_ends_on, "
            f"{_owner(published)}, next_action",
            "true",
            "coalesce(runs_out_on, term_ends_on), signal",
        )
    )
    columns = [
        Header("Customer", "customer", is_on_card=True), Header("State", "words", is_filter=True, is_on_card=True),
        Header("Credit", "money", is_on_card=True), Header("Used a day", "money"), Header("Runs out", "date"),
        Header("Days left", "number", is_on_card=True), Header("Contract ends", "date"), OWNER, Header("Next"),
    ]  # fmt: skip
    empty = "No prepaid credit runs out early, and no renewal is due."
    return [PageTable("runways", "Prepaid credit", columns, rows, empty, "rpt_credit_runway")]


def limits_hit(published: Snapshot) -> Sequence[Block]:
    """Customers near or over a spend limit they set."""
    rows = published.rows(
        named(
            "rpt_limits_hit",
            "product_key || coalesce(', ' || other_products, ''), signal, figure, limit_usd, cut_usd, period_end, "
            f"{_owner(published)}, next_action",
            "true",
            "cut_usd desc, period_end, signal",
        )
    )
    columns = [
        Header("Customer", "customer", is_on_card=True), Header("Products", "words", is_on_card=True),
        Header("Level", "words", is_on_card=True), Header("So far", "money"), Header("Limit", "money"),
        Header("Cut off", "money", is_on_card=True), Header("Renews", "date"), OWNER, Header("Next"),
    ]  # fmt: skip
    return [PageTable("limits", "Spend limits", columns, rows, "No spend limit is near.", "rpt_limits_hit")]
