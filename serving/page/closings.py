"""Sections on months that were closed: what changed since and why, and how Stripe's invoices lead to their MRR."""

from collections.abc import Sequence

from serving.page.blocks import Block, Header, Note, PageTable
from serving.page.customer_rows import of_customers
from serving.page.snapshot import Snapshot


def closed_months(published: Snapshot) -> Sequence[Block]:
    """Closed months, and each change since by cause and customer."""
    months = published.rows(
        """
        select strftime(month, '%b %Y'), closed_as_of, closed_mrr_usd, mrr_usd_month, difference_usd, unexplained_usd
        from rpt_closed_months order by month desc
        """
    )
    if not months:
        return [Note("No month is closed yet. growth close 2026-10 keeps what is said of October 2026.")]
    of_month = [
        Header("Month"), Header("Closed as of", "date"), Header("MRR as closed", "cents"), Header("MRR now", "cents"),
        Header("Change", "cents"), Header("Without a cause", "cents"),
    ]  # fmt: skip
    of_change = {
        "strftime(month, '%b %Y')": Header("Month", is_filter=True),
        "cause": Header("Cause", "words", is_filter=True, is_on_card=True),
        "product_key": Header("Product", "words", is_filter=True),
        "invoice_id": Header("Invoice"),
        "difference_usd": Header("Change", "cents", is_on_card=True),
    }
    largest_first = "month desc, abs(difference_usd) desc, invoice_id, product_key"
    nothing = "Nothing has changed since."
    return [
        PageTable("closed-months", "", of_month, months, nothing, "rpt_closed_months"),
        of_customers(published, "closed-month-changes", "What changed, by cause", "rpt_closed_month_differences",
                     of_change, order=largest_first, empty=nothing),
    ]  # fmt: skip


def tie_out(published: Snapshot) -> Sequence[Block]:
    """From Stripe's invoices of each closed month to its MRR, step by step."""
    rows = published.rows(
        """
        select strftime(month, '%b %Y'), invoiced_usd, void_or_draft_usd + of_no_customer_usd, tax_usd,
            one_off_usd + proration_usd, prepaid_credit_usd + credit_grant_usd + startup_credit_usd + credit_note_usd,
            other_months_usd, currency_usd + not_in_lines_usd, unexplained_usd, mrr_usd_month
        from rpt_stripe_tie_out order by month desc
        """
    )
    headers = [
        Header("Month", is_on_card=True), Header("Invoiced", "cents", is_on_card=True),
        Header("Not counted", "cents"), Header("Tax", "cents"), Header("One-off", "cents"), Header("Credit", "cents"),
        Header("Other months", "cents"), Header("Other", "cents"), Header("No reason", "cents", is_on_card=True),
        Header("MRR", "cents", is_on_card=True),
    ]  # fmt: skip
    return [PageTable("tie-out", "", headers, rows, "No month is closed yet.", "rpt_stripe_tie_out")]
