"""How high up and how far along companies use the product, and who brought whom."""

from collections.abc import Sequence

from serving.page.blocks import Block, Header, PageTable
from serving.page.customer_rows import of_customers, without
from serving.page.snapshot import LAST_CLOSED_MONTH, Snapshot

MONTHS_SHOWN = 18
LEVELS = ("c_level", "vice_president", "head", "lead", "individual_contributor", "unknown")


def levels(published: Snapshot) -> Sequence[Block]:
    """Customers by size of company and the highest level that was active in the last closed month."""
    counts = ", ".join(f"coalesce(sum(customers) filter (where highest_level = '{level}'), 0)" for level in LEVELS)
    rows = published.rows(
        f"""
        select company_size, sum(customers), sum(paying_customers), {counts}
        from rpt_reach
        where month = {LAST_CLOSED_MONTH}
        group by company_size, employees_from
        order by employees_from = 0, employees_from
        """
    )
    columns = [
        Header("Employees", "words"), Header("Customers", "number"), Header("Paying", "number"),
        Header("C-level", "number"), Header("Vice president", "number"), Header("Head", "number"),
        Header("Lead", "number"), Header("Individual contributor", "number"), Header("No title", "number"),
    ]  # fmt: skip
    title = "Customers by the highest level that was active in the last closed month"
    return [
        *without(published, "How large companies are is not known", "enrichment.companies"),
        PageTable("levels", title, columns, rows, "Nobody was active in that month.", "rpt_reach"),
    ]


def ladder(published: Snapshot) -> Sequence[Block]:
    """What becomes of customers from the first user to a public company, and who grew with us."""
    rows = published.rows(
        """
        select stage, customers, reached_with_us, were_there_before, median_days_from_previous_stage,
            lost_customers, unknown_customers
        from rpt_reach_ladder
        order by stage_order
        """
    )
    columns = [
        Header("Stage", "words"), Header("Customers", "number"), Header("Reached it with us", "number"),
        Header("Were there before", "number"), Header("Median days from the stage before", "number"),
        Header("Stopped here", "number"), Header("Not known", "number"),
    ]  # fmt: skip
    grown = {
        "stage": Header("Stage", "words", is_filter=True, is_on_card=True),
        "reached_on": Header("Reached", "date", is_on_card=True),
        "days_from_previous_stage": Header("Days from the stage before", "number"),
        "case when is_lost_here then 'stopped here' else 'still with us' end": Header("Today", "words", is_filter=True),
    }
    return [
        PageTable("ladder", "From the first user to a public company", columns, rows, "", "rpt_reach_ladder"),
        of_customers(published, "grown-with-us", "Who grew with us", "fct_customer_ladder", grown,
                     order="reached_on desc, fct_customer_ladder.customer_id",
                     condition="stage in ('many_people', 'public') and not was_there_before",
                     empty="No company that is known grew this far as a customer."),
    ]  # fmt: skip


def word_of_mouth(published: Snapshot) -> Sequence[Block]:
    """What people carried beside what organizations say, and from where the most came. Organizations only."""
    rows = published.rows(
        f"""
        select strftime(month, '%b %Y'), signups, self_reported_share, carried_share, carried_by_members,
            carried_by_founders, carried_but_said_otherwise, longest_chain
        from rpt_word_of_mouth
        order by month desc
        limit {MONTHS_SHOWN}
        """
    )
    columns = [
        Header("Sign-ups of"), Header("Sign-ups", "number"), Header("Say word of mouth", "percent"),
        Header("Carried by people", "percent"), Header("By members", "number"), Header("By founders", "number"),
        Header("Say otherwise", "number"), Header("Longest chain", "number"),
    ]  # fmt: skip
    title = "Word of mouth that organizations report, and that people carried; – is not known"
    months = PageTable("word-of-mouth", title, columns, rows, "Nobody has signed up.", "rpt_word_of_mouth")
    columns_of_advocates = {
        "brought_directly": Header("Brought", "number"),
        "brought_in_all": Header("With all who came from these", "number", is_on_card=True),
        "generations": Header("Generations", "number"),
        "paying": Header("Paying", "number", is_on_card=True),
        "brought_arr_usd_year": Header("Their ARR", "money", is_on_card=True),
    }
    advocates = of_customers(
        published,
        "advocates",
        "Who brought the most",
        "rpt_advocates",
        columns_of_advocates,
        order="brought_in_all desc, brought_arr_usd_year desc, rpt_advocates.customer_id",
        empty="No organization is known to have brought another one.",
    )
    notes = without(published, "Whose founders came from a customer is not known", "enrichment.companies")
    return [*notes, months, advocates]
