"""The sections of the page in their order, and the tables that each part of one needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from serving.page import revenue, trust, worklists
from serving.page.blocks import Block, Note
from serving.page.snapshot import Snapshot


@dataclass(frozen=True)
class Part:
    """What is shown of some tables; without one of them, or where it cannot be drawn, a sentence says so."""

    what: str
    tables: tuple[str, ...]
    build: Callable[[Snapshot], Sequence[Block]]

    def blocks(self, published: Snapshot) -> Sequence[Block]:
        """The part as the published file has it."""
        missing = [table for table in self.tables if table not in published.tables]
        if missing:
            are = "is" if len(missing) == 1 else "are"
            return [Note(f"No {self.what}: {' and '.join(missing)} {are} not in the published file.")]
        try:
            return self.build(published)
        except Exception as error:  # noqa: BLE001
            # Whatever it is, the other parts are not to go without it.
            kind = type(error).__name__
            return [Note(f"The {self.what} cannot be drawn ({kind}).", fault=f"{kind}: {error}")]


@dataclass(frozen=True)
class Section:
    """A heading, a sentence that says how to read what is under it, and its parts."""

    key: str
    title: str
    short_title: str
    lead: str
    parts: tuple[Part, ...]


SECTIONS = (
    Section(
        "mix",
        "The mix",
        "Mix",
        "Three bands of customers by ARR, each with a number to reach. A customer counts at most at its band's price.",
        (
            Part("bands", ("rpt_arr_mix_progress",), revenue.mix_today),
            Part("projection", ("rpt_arr_mix_projection", "rpt_arr_mix_progress"), revenue.mix_ahead),
        ),
    ),
    Section(
        "arr",
        "ARR and movements",
        "ARR",
        "ARR is twelve times the MRR of the last closed month. What is won is blue, what is lost is orange.",
        (
            Part("months", ("publish_info",), revenue.months),
            Part("tiers", ("dim_customers",), revenue.tiers),
            Part("ARR by month", ("rpt_arr_mix_progress",), revenue.arr),
            Part("movements", ("fct_mrr_movements",), revenue.movements),
            Part("products", ("fct_mrr_products",), revenue.products),
        ),
    ),
    Section(
        "retention",
        "Retention",
        "Retention",
        "Customers of the base month, then and now: net with what they grew, gross without it.",
        (Part("retention", ("rpt_retention",), revenue.retention),),
    ),
    Section(
        "queue",
        "Onboarding queue",
        "Queue",
        "Who is about to pay a first bill worth a conversation, the next to write to first.",
        (Part("queue", ("fct_onboarding_queue", "fct_bill_forecasts", "dim_customers"), worklists.queue),),
    ),
    Section(
        "unowned",
        "Unowned accounts",
        "Unowned",
        "Customers that need a person and have nobody, or somebody of another role.",
        (Part("unowned accounts", ("fct_account_routing", "dim_customers"), worklists.unowned),),
    ),
    Section(
        "line-crossers",
        "Line-crossers",
        "Line-crossers",
        "Customers that cross a line of revenue soon if they go on as in their last months.",
        (Part("line-crossers", ("rpt_line_crossers", "dim_customers"), worklists.line_crossers),),
    ),
    Section(
        "moves",
        "Gainers and losers",
        "Movers",
        "The largest changes of MRR from the month before to the last closed one.",
        (Part("gainers and losers", ("fct_mrr_movements", "dim_customers"), worklists.gainers_and_losers),),
    ),
    Section(
        "risk",
        "Accounts at risk",
        "Risk",
        "What fired, since when, and what to do next.",
        (Part("accounts at risk", ("rpt_account_risk", "dim_customers"), worklists.risk),),
    ),
    Section(
        "credits",
        "Roll-offs and credit",
        "Credit",
        "Startup plans that end, prepaid credit that runs out, and spend limits that hold usage back.",
        (
            Part("startup plans", ("rpt_startup_rolloffs", "dim_customers"), worklists.startup_rolloffs),
            Part("credit runways", ("rpt_credit_runway", "dim_customers"), worklists.credit_runways),
            Part("spend limits", ("rpt_limits_hit", "dim_customers"), worklists.limits_hit),
        ),
    ),
    Section(
        "sign-ups",
        "New sign-ups",
        "Sign-ups",
        "How many of those who sign up are in the ICP, as known on the data day.",
        (Part("sign-ups", ("rpt_signups_weekly",), trust.sign_ups),),
    ),
    Section(
        "accuracy",
        "Forecast accuracy",
        "Accuracy",
        "Forecasts of each day of a billing period beside the bill that came, over closed periods. The line is "
        "where the onboarding queue begins.",
        (Part("accuracy", ("rpt_forecast_accuracy",), trust.accuracy),),
    ),
    Section(
        "quality",
        "Data quality",
        "Data quality",
        "What was checked before this was published, how new each source is, and what is doubtful.",
        (
            Part("checks", ("publish_info",), trust.checks),
            Part("findings", ("rpt_data_quality",), trust.findings),
            Part("freshness", ("publish_info",), trust.freshness),
            Part("coverage", ("rpt_signups_weekly", "publish_info"), trust.coverage),
        ),
    ),
)
