"""The page's sections in order, and the tables that each part needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from serving.page import (
    acquisition,
    bills,
    closings,
    credit,
    pricing,
    reach,
    revenue,
    signals,
    team,
    trust,
    worklists,
    yesterday,
)
from serving.page.blocks import Block, Note
from serving.page.snapshot import Snapshot


@dataclass(frozen=True)
class Part:
    """Blocks built from some tables; a note replaces them if a table is missing or the build fails."""

    what: str
    tables: tuple[str, ...]
    build: Callable[[Snapshot], Sequence[Block]]

    def blocks(self, published: Snapshot) -> Sequence[Block]:
        missing = [table for table in self.tables if table not in published.tables]
        if missing:
            are = "is" if len(missing) == 1 else "are"
            return [Note(f"No {self.what}: {' and '.join(missing)} {are} not in the published file.")]
        try:
            return self.build(published)
        except Exception as error:  # noqa: BLE001 (the page names the fault; the other sections show)
            kind = type(error).__name__
            return [Note(f"The {self.what} cannot be drawn ({kind}).", fault=f"{kind}: {error}")]


@dataclass(frozen=True)
class Section:
    """A heading, a sentence on how to read the section, and its parts."""

    key: str
    title: str
    short_title: str
    lead: str
    parts: tuple[Part, ...]


LISTED = ("rpt_account_risk", "rpt_product_led_leads", "rpt_cross_sell", "rpt_large_deals")

SECTIONS = (
    Section(
        "since",
        "Since yesterday",
        "Since yesterday",
        "What is new against the last data day that was published before this one. A name opens the customer.",
        (
            Part(
                "changes",
                ("fct_onboarding_queue", "dim_customers", "dim_organizations", "publish_info"),
                yesterday.days,
            ),
            Part(
                "changes of the queue", ("fct_onboarding_queue", "dim_customers", "dim_organizations"), yesterday.queue
            ),
            Part("newly late contacts", ("fct_onboarding_queue", "dim_customers", "dim_organizations"), yesterday.late),
            Part("moves", ("dim_customers", "dim_organizations"), yesterday.moved),
            Part("changes of MRR", ("dim_customers", "dim_organizations"), yesterday.mrr),
            Part("new signals", (*LISTED, "dim_customers", "dim_organizations"), yesterday.signals),
        ),
    ),
    Section(
        "mix",
        "The mix",
        "Mix",
        "Three bands of customers by ARR, each with a target. A customer counts at most at its band's price.",
        (
            Part("bands", ("rpt_arr_mix_progress",), revenue.mix_today),
            Part("projection", ("rpt_arr_mix_projection", "rpt_arr_mix_progress"), revenue.mix_ahead),
        ),
    ),
    Section(
        "arr",
        "ARR and movements",
        "ARR",
        "ARR is twelve times the MRR of the last closed month. Blue is won, orange is lost.",
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
        "Customers of the base month, then and now: net includes their growth, gross does not.",
        (
            Part("retention", ("rpt_retention",), revenue.retention),
            Part("cohorts", ("fct_mrr_monthly",), acquisition.cohorts),
        ),
    ),
    Section(
        "queue",
        "Onboarding queue",
        "Queue",
        "Customers whose first bill will be worth a conversation, the most urgent first.",
        (Part("queue", ("fct_onboarding_queue", "fct_bill_forecasts", "dim_customers"), worklists.queue),),
    ),
    Section(
        "unowned",
        "Unowned accounts",
        "Unowned",
        "Customers that need an owner and have none, or one in the wrong role.",
        (Part("unowned accounts", ("fct_account_routing", "dim_customers"), worklists.unowned),),
    ),
    Section(
        "owners",
        "Owners' load",
        "Owners",
        "What each person holds, against what one person in the role can carry.",
        (Part("owners' load", ("rpt_owner_load",), worklists.owners),),
    ),
    Section(
        "responses",
        "How soon do we answer, and who waits now?",
        "Answers",
        "From the day on which a list names a customer to our first word. Who may not be written to is left out.",
        (Part("answers", ("rpt_responsiveness", "fct_responses", "dim_customers"), team.responsiveness),),
    ),
    Section(
        "team",
        "When does the team no longer fit?",
        "Team",
        "People that the projected customers take by the rules of coverage and the books, and what moves that.",
        (Part("team", ("rpt_team_outlook", "rpt_team_projection"), team.outlook),),
    ),
    Section(
        "line-crossers",
        "Line-crossers",
        "Line-crossers",
        "Customers that soon cross a revenue line at the growth of their last months.",
        (Part("line-crossers", ("rpt_line_crossers", "dim_customers"), signals.line_crossers),),
    ),
    Section(
        "moves",
        "Gainers and losers",
        "Movers",
        "The largest MRR changes in the last closed month.",
        (Part("gainers and losers", ("fct_mrr_movements", "dim_customers"), signals.gainers_and_losers),),
    ),
    Section(
        "risk",
        "Accounts at risk",
        "Risk",
        "Each signal: what fired, since when, and the next action.",
        (
            Part("accounts at risk", ("rpt_account_risk", "dim_customers"), signals.risk),
            Part("opportunities", ("rpt_account_risk", "dim_customers"), signals.opportunities),
        ),
    ),
    Section(
        "leads",
        "Product-led leads",
        "Leads",
        "Customers that nobody in sales or success holds and whose use of the product says that a word is welcome.",
        (Part("leads", ("rpt_product_led_leads", "dim_customers"), signals.leads),),
    ),
    Section(
        "cross-sell",
        "Cross-sell",
        "Cross-sell",
        "What paying customers could use besides what they do, the product to offer first.",
        (Part("cross-sell", ("rpt_cross_sell", "dim_customers"), signals.cross_sell),),
    ),
    Section(
        "deals",
        "Large deals",
        "Deals",
        "Open opportunities that meet most of the criteria of a large deal.",
        (Part("large deals", ("rpt_large_deals", "dim_customers"), signals.large_deals),),
    ),
    Section(
        "credits",
        "Roll-offs and credit",
        "Credit",
        "Startup plans about to end, prepaid credit about to run out, and spend limits that cap usage.",
        (
            Part("startup plans", ("rpt_startup_rolloffs", "dim_customers"), credit.startup_rolloffs),
            Part("credit runways", ("rpt_credit_runway", "dim_customers"), credit.credit_runways),
            Part("spend limits", ("rpt_limits_hit", "dim_customers"), credit.limits_hit),
        ),
    ),
    Section(
        "sign-ups",
        "New sign-ups",
        "Sign-ups",
        "How many new sign-ups are in the ICP, as known on the data day.",
        (
            Part("sign-ups", ("rpt_signups_weekly",), trust.sign_ups),
            Part("sign-ups in the ICP", ("dim_organizations", "publish_info"), acquisition.icp_sign_ups),
        ),
    ),
    Section(
        "acquisition",
        "Acquisition and funnel",
        "Acquisition",
        "What customers cost by the channel that they name, and what becomes of the sign-ups of a month.",
        (
            Part("channels", ("rpt_acquisition",), acquisition.channels),
            Part("funnel", ("rpt_growth_funnel",), acquisition.funnel),
        ),
    ),
    Section(
        "prices",
        "What would another price list do?",
        "Prices",
        "The same units by the prices of seed candidate_price_list, with each bill's discount and spend limit.",
        (
            Part(
                "price changes",
                ("rpt_price_change_by", "rpt_price_change_customers", "rpt_price_change_mix", "dim_customers"),
                pricing.price_change,
            ),
        ),
    ),
    Section(
        "cheapest",
        "Are we the cheapest for each product?",
        "Cheapest",
        "List price against public list price, for what customers used in the last closed month. A stale price was "
        "read long ago.",
        (Part("prices of others", ("rpt_cheapest_products", "dim_products"), pricing.cheapest),),
    ),
    Section(
        "margins",
        "Who costs more than they pay?",
        "Margins",
        "What customers pay less what their units cost, free ones too, and what their accounts cost besides.",
        (
            Part(
                "margins",
                ("rpt_margin_negative_customers", "rpt_deals_below_cost", "dim_customers"),
                pricing.margins,
            ),
        ),
    ),
    Section(
        "bill-and-use",
        "Whose bill and use disagree?",
        "Bill and use",
        "The forecast of the open bill against the last one, and whether use holds or falls; what is billed and hardly "
        "used, and what leaving it off saves.",
        (
            Part(
                "bill and use",
                ("rpt_bill_and_use", "rpt_billed_products", "dim_customers"),
                bills.bill_and_use,
            ),
        ),
    ),
    Section(
        "headroom",
        "What could customers come to pay?",
        "Headroom",
        "Units that are sent and not subscribed, free use that will bill, and products that others of the same size "
        "use. It says where the product helps more, not whom to sell to.",
        (Part("headroom", ("rpt_headroom", "rpt_headroom_accuracy", "dim_customers"), bills.headroom),),
    ),
    Section(
        "closed-months",
        "What has changed in months that were closed?",
        "Closed months",
        "MRR as it was said when the month was closed, and as it is now; each change has one cause.",
        (
            Part(
                "closed months",
                ("rpt_closed_months", "rpt_closed_month_differences", "dim_customers"),
                closings.closed_months,
            ),
        ),
    ),
    Section(
        "stripe",
        "Does MRR follow from what Stripe invoiced?",
        "Stripe",
        "From the invoices of a month to its MRR; what is left without an explanation is 0.",
        (Part("tie-out", ("rpt_stripe_tie_out",), closings.tie_out),),
    ),
    Section(
        "reach",
        "How high up is the product used, and who grew with us?",
        "Reach",
        "From individual contributors up to the C-level, and from the first user to a public company.",
        (
            Part("levels", ("rpt_reach",), reach.levels),
            Part("ladder", ("rpt_reach_ladder", "fct_customer_ladder", "dim_customers"), reach.ladder),
        ),
    ),
    Section(
        "word-of-mouth",
        "Who brought whom?",
        "Word of mouth",
        "Organizations that somebody from another one, or a founder from a customer, brought in. No persons are named.",
        (Part("word of mouth", ("rpt_word_of_mouth", "rpt_advocates", "dim_customers"), reach.word_of_mouth),),
    ),
    Section(
        "features",
        "What do companies ask for?",
        "Features",
        "Features by the companies that ask for them, those of the ICP first. A list of wishes promises nothing.",
        (Part("features", ("rpt_feature_demand",), team.feature_demand),),
    ),
    Section(
        "references",
        "Who could be a reference customer?",
        "References",
        "Customers in the ICP that have paid for a product for long, are healthy, owe nothing and may be asked.",
        (
            Part(
                "reference customers",
                ("rpt_reference_progress", "rpt_reference_customers", "dim_products", "dim_customers"),
                team.references,
            ),
        ),
    ),
    Section(
        "accuracy",
        "Forecast accuracy",
        "Accuracy",
        "Daily forecasts of a billing period compared with its final bill, over closed periods. The line is where the "
        "onboarding queue begins.",
        (
            Part("accuracy", ("rpt_forecast_accuracy",), trust.accuracy),
            Part("accuracy-groups", ("rpt_forecast_accuracy_by",), trust.where_it_loses),
        ),
    ),
    Section(
        "quality",
        "Data quality",
        "Data quality",
        "Checks run before publishing, freshness of each source, and doubtful data.",
        (
            Part("checks", ("publish_info",), trust.checks),
            Part("findings", ("rpt_data_quality",), trust.findings),
            Part("freshness", ("publish_info",), trust.freshness),
            Part("coverage", ("rpt_signups_weekly", "publish_info"), trust.coverage),
        ),
    ),
)
