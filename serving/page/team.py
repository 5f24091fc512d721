"""How soon customers get an answer, and how many people it takes to look after them."""

from collections.abc import Sequence

from serving.page.blocks import UNKNOWN, Block, Figure, Figures, Header, Note, PageTable
from serving.page.customer_rows import CUSTOMER, customer, of_customers, without
from serving.page.snapshot import Snapshot


def responsiveness(published: Snapshot) -> Sequence[Block]:
    """Waits by list and role, and who waits now."""
    if published.lacks("crm.accounts") and published.lacks("support.tickets"):
        return [Note("How soon customers get an answer is not known: crm.accounts and support.tickets have no rows.")]
    rows = published.rows(
        """
        select list_name, role, entries, answered, waiting, ended_unanswered, p50_hours, p90_hours, waiting_since
        from rpt_responsiveness
        order by list_name, role
        """
    )
    columns = [
        Header("List", "words", is_filter=True), Header("Who answers", "words", is_filter=True),
        Header("Entries", "number"), Header("Answered", "number"), Header("Waiting", "number"),
        Header("Not answered", "number"), Header("Median hours", "number"),
        Header("90 % within hours", "number"), Header("Waiting since", "date"),
    ]  # fmt: skip
    waiting = {
        "list_name": Header("List", "words", is_filter=True, is_on_card=True),
        "reason": Header("Reason", "words"),
        "role": Header("Who answers", "words", is_filter=True),
        "cast(known_at as date)": Header("Since", "date"),
        "cast(floor(waited_minutes / 1440) as int)": Header("Days", "number", is_on_card=True),
    }
    title = "From the entry to our first word; who waits counts with the wait so far"
    return [
        *without(published, "Answers may be missing here", "crm.activities", "support.tickets"),
        PageTable("responsiveness", title, columns, rows, "Nothing asked for an answer.", "rpt_responsiveness"),
        of_customers(published, "waiting", "Unanswered now", "fct_responses", waiting, condition="outcome = 'waiting'",
                     order="waited_minutes desc, fct_responses.customer_id, reason",
                     empty="Nobody waits for an answer."),
    ]  # fmt: skip


def outlook(published: Snapshot) -> Sequence[Block]:
    """When the team no longer fits into its limit, what moves that, and people by role at the end of each year."""
    rows = published.rows(
        """
        select meaning, people_first_month, people_last_month, last_month, above_month_p90, above_month_p50,
            above_month_p10, outlook
        from rpt_team_outlook
        order by lever_order
        """
    )
    columns = [
        Header("With"), Header("Needed in the first month", "number"), Header("Needed at the end", "number"),
        Header("The end", "month"), Header("Above at the earliest", "month"),
        Header("Most likely", "month"), Header("At the latest", "month"), Header("Outlook", "words"),
    ]  # fmt: skip
    most, now = published.row("select max(team_people_max), max(people_now) from rpt_team_outlook")
    roles = published.rows(
        """
        select role, month, people_p10, people_p50, people_p90
        from rpt_team_projection
        where lever = 'as_planned' and (
            extract(month from month) in (6, 12) or month = (select min(month) from rpt_team_projection)
        )
        order by month, role
        """
    )
    names = [
        Header("Role", "words", is_filter=True), Header("Month", "month"),
        Header("Lowest tenth of the paths", "number"), Header("Middle", "number"), Header("Highest tenth", "number"),
    ]  # fmt: skip
    limit = Figure("The team stays within", "–" if most is None else f"{most:,}", "people")
    owners = Figure("Own a customer today", UNKNOWN if now is None else f"{now:,}")
    if rows and all(row[1] is None for row in rows):
        unknown = "How many people it will take is not known: there is too little history for a projection."
        return [Figures([limit, owners]), Note(unknown)]
    return [
        Figures([limit, owners]),
        PageTable("team-outlook", "What moves it", columns, rows, "Nothing could be projected.", "rpt_team_outlook"),
        PageTable(
            "team-roles",
            "People by role, as planned",
            names,
            roles,
            "Nothing could be projected.",
            "rpt_team_projection",
        ),
    ]


def references(published: Snapshot) -> Sequence[Block]:
    """Who could be a reference for each product, and what the next ones lack."""
    if unknown := without(published, "Which customers are in the ICP is not known", "enrichment.companies"):
        return unknown
    progress = published.rows(
        """
        select products.display_name, progress.icp_segment, progress.could_be, progress.wanted, progress.still_missing,
            progress.unknown_customers, progress.customers, progress.complete_since
        from rpt_reference_progress as progress
        left join dim_products as products using (product_key)
        order by products.is_primary desc, products.display_name, progress.icp_segment
        """
    )
    columns = [
        Header("Product"), Header("Segment", "words", is_filter=True), Header("Could be", "number"),
        Header("Wanted", "number"), Header("Still missing", "number"), Header("Not known", "number"),
        Header("Pay for it", "number"), Header("Complete since", "date"),
    ]  # fmt: skip
    rows = published.rows(
        f"""
        select {customer("candidates")}, products.display_name, candidates.icp_segment, candidates.state,
            candidates.missing, candidates.could_be_since, candidates.months_paid, candidates.arr_usd_year
        from rpt_reference_customers as candidates
        left join dim_products as products using (product_key)
        left join dim_customers using (customer_id)
        where candidates.place <= (select max(wanted) from rpt_reference_progress)
        order by products.is_primary desc, products.display_name, candidates.icp_segment, candidates.place
        """
    )
    names = [
        CUSTOMER, Header("Product", "text", is_filter=True, is_on_card=True),
        Header("Segment", "words", is_filter=True), Header("Reference", "words", is_filter=True, is_on_card=True),
        Header("Missing"), Header("Since", "date"), Header("Months paid", "number"), Header("ARR", "money"),
    ]  # fmt: skip
    none = "No customer of the ICP pays for a product."
    return [
        *without(published, "Who may be asked is not known", "crm.accounts"),
        PageTable("reference-progress", "By product and segment", columns, progress, none, "rpt_reference_progress"),
        PageTable("references", "The first of each", names, rows, none, "rpt_reference_customers"),
    ]


def feature_demand(published: Snapshot) -> Sequence[Block]:
    """What companies ask for, those that the product is for first."""
    if unknown := without(published, "What companies ask for is not known", "crm.feature_requests"):
        return unknown
    rows = published.rows(
        """
        select feature, companies, icp_companies, paying_companies, arr_usd_year,
            case when would_be_the_only_user then 'would be the only user' else 'several ask' end,
            ask_before_using, first_requested_on, shipped_on
        from rpt_feature_demand
        order by place
        """
    )
    columns = [
        Header("Feature", is_on_card=True), Header("Companies", "number", is_on_card=True),
        Header("In the ICP", "number", is_on_card=True), Header("Paying", "number"), Header("ARR", "money"),
        Header("Who asks", "words", is_filter=True), Header("Ask before using", "number"),
        Header("First asked", "date"), Header("Came", "date"),
    ]  # fmt: skip
    return [
        *without(published, "Which of the companies are in the ICP is not known", "enrichment.companies"),
        PageTable("features", "", columns, rows, "Nobody asks for a feature.", "rpt_feature_demand"),
    ]
