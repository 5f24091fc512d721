"""The simulation's own revenue figures, to the cent, with which the models are compared."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa

from sample_company import write
from sample_company.account_ledger import COUNTED_STATUSES, AccountLedger, CreditNote, Invoice, Line
from sample_company.account_settings import settings_at
from sample_company.companies import Merge
from sample_company.parameters import (
    END_US,
    FIRST_DAY,
    LAST_CLOSED_MONTH,
    add_months,
    day_at,
    day_number,
    instant,
)
from sample_company.rating import ExchangeRates, PriceList, half_up
from sample_company.signups import Signups

MONEY, QUANTITY = pa.decimal128(18, 2), pa.decimal128(38, 10)
Month = int


@dataclass
class MonthBook:
    """One customer's month in cents."""

    list_cents: int = 0
    discount_cents: int = 0
    credit_cents: int = 0
    refund_cents: int = 0
    has_startup_invoice: bool = False

    @property
    def mrr_cents(self) -> int:
        """List minus discount, credit and refund."""
        return self.list_cents - self.discount_cents - self.credit_cents - self.refund_cents


def write_books(
    folder: Path,
    signups: Signups,
    ledgers: list[AccountLedger],
    merges: list[Merge],
    *,
    prices: PriceList,
    rates: ExchangeRates,
) -> None:
    """Write customers, mrr_monthly and rated_lines as Parquet to `folder`, without the vendor's own organizations."""
    ids = signups.ids.tolist()
    canonical = canonical_organizations(signups, ledgers, merges)
    outside = np.flatnonzero(~signups.is_internal).tolist()
    customers = {"organization_id": [ids[o] for o in outside], "customer_id": [ids[canonical[o]] for o in outside]}
    _write(folder / "customers.parquet", customers)
    counted = [ledger for ledger in ledgers if not signups.is_internal[ledger.account.organizations[0]]]
    _write(folder / "mrr_monthly.parquet", _mrr_columns(monthly_books(counted, canonical, rates), ids))
    _write(folder / "rated_lines.parquet", _rated_columns(counted, ids, prices))


def _write(path: Path, columns: dict[str, list]) -> None:
    kinds = {name: MONEY for name in columns if name.endswith(("_usd", "_usd_month"))} | {"quantity": QUANTITY}
    write.write_parquet(path, {name: pa.array(values, kinds.get(name)) for name, values in columns.items()})


def _mrr_columns(books: dict[int, dict[Month, tuple[MonthBook, str]]], ids: list[str]) -> dict[str, list]:
    rows = [(ids[c], month_start(m), book, basis) for c, months in books.items() for m, (book, basis) in months.items()]
    rows.sort(key=lambda row: row[:2])
    dollars = write.decimal_usd
    return {
        "customer_id": [row[0] for row in rows],
        "month": [row[1] for row in rows],
        "list_usd": [dollars(row[2].list_cents) for row in rows],
        "discount_usd": [dollars(row[2].discount_cents) for row in rows],
        "credit_applied_usd": [dollars(row[2].credit_cents) for row in rows],
        "refund_usd": [dollars(row[2].refund_cents) for row in rows],
        "mrr_usd_month": [dollars(row[2].mrr_cents) for row in rows],
        "basis": [row[3] for row in rows],
    }


def _rated_columns(ledgers: list[AccountLedger], ids: list[str], prices: PriceList) -> dict[str, list]:
    """Every rated product of every invoice outside test mode, whatever the invoice's status."""
    rows = [(ids[ledger.account.organizations[0]], rated) for ledger in ledgers for rated in ledger.rated]
    rows = [row for row in rows if row[1].invoice.livemode]
    dollars = write.decimal_usd
    return {
        "invoice_id": [rated.invoice.id for _, rated in rows],
        "organization_id": [organization for organization, _ in rows],
        "product_key": [rated.product_key for _, rated in rows],
        "period_start": [day_at(rated.start_day) for _, rated in rows],
        "period_end": [day_at(rated.end_day) for _, rated in rows],
        "quantity": [Decimal(rated.units) / prices.divisors.get(rated.product_key, 1) for _, rated in rows],
        "list_usd": [dollars(rated.list_cents) for _, rated in rows],
        "after_discount_usd": [dollars(rated.after_discount_cents) for _, rated in rows],
        "limit_usd": [None if rated.limit_cents is None else dollars(rated.limit_cents) for _, rated in rows],
        "bill_usd": [dollars(rated.bill_cents) for _, rated in rows],
        "invoice_status": [rated.invoice.status for _, rated in rows],
    }


def canonical_organizations(signups: Signups, ledgers: list[AccountLedger], merges: list[Merge]) -> list[int]:
    """Each organization's canonical one: the end of its merges, else the earliest with the same Stripe customer."""
    parent = list(range(len(signups.ids)))
    for ledger in ledgers:
        for organization in ledger.account.organizations[1:]:
            parent[organization] = ledger.account.organizations[0]
    for merge in merges:
        parent[merge.organization] = merge.canonical
    for organization in range(len(parent)):
        root = organization
        while parent[root] != root:
            root = parent[root]
        parent[organization] = root
    return parent


def monthly_books(
    ledgers: list[AccountLedger], canonical: list[int], rates: ExchangeRates
) -> dict[int, dict[Month, tuple[MonthBook, str]]]:
    """Book and basis by customer (canonical organization) and month number, without gaps to the last closed month."""
    books: dict[int, dict[Month, MonthBook]] = defaultdict(lambda: defaultdict(MonthBook))
    prepaid: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for ledger in ledgers:
        main = ledger.account.organizations[0]
        customer = books[canonical[main]]
        for invoice in ledger.invoices:
            if _is_counted(invoice):
                _book_invoice(customer, invoice, rates)
        for note in ledger.credit_notes:
            if note.status == "issued" and _is_counted(note.invoice):
                _book_credit_note(customer, note, rates)
        settings = settings_at(ledger.account, END_US - 1)
        if settings["annual_plan_start_us"] is not None:
            prepaid[canonical[main]].append((settings["annual_plan_start_us"], settings["annual_plan_end_us"]))
    last = month_number(LAST_CLOSED_MONTH)
    result = {}
    for customer_number, months in books.items():
        first = min(months, default=last + 1)
        result[customer_number] = {
            month: (months.get(month, MonthBook()), _basis(months.get(month), month, prepaid[customer_number]))
            for month in range(first, last + 1)
        }
    return result


def month_number(day: date) -> Month:
    """Months since the year 0."""
    return day.year * 12 + day.month - 1


def month_start(number: Month) -> date:
    return date(number // 12, number % 12 + 1, 1)


def _is_counted(invoice: Invoice) -> bool:
    return (
        invoice.adds_revenue and invoice.livemode and invoice.status in COUNTED_STATUSES and invoice.created_us < END_US
    )


def _recurs(line: Line) -> bool:
    return line.subscription_id is not None and not line.is_proration


def month_slices(line: Line, amount: int) -> list[tuple[date, int]]:
    """Last day and amount of each month of a line: equal parts, with the remainder in the last."""
    start = day_at(line.start_day)
    months = max(1, half_up((line.end_day - line.start_day) * 48, 1_461))
    ends = [day_number(add_months(start, number)) for number in range(1, months)] + [line.end_day]
    part = abs(amount) // len(ends) * (1 if amount >= 0 else -1)
    parts = [part] * (len(ends) - 1)
    return [(day_at(end - 1), cents) for end, cents in zip(ends, [*parts, amount - sum(parts)], strict=True)]


def _book_invoice(customer: dict[Month, MonthBook], invoice: Invoice, rates: ExchangeRates) -> None:
    currency = invoice.account.currency
    applied = invoice.ending_balance - invoice.starting_balance
    for line in invoice.lines:
        if not _recurs(line):
            continue
        for last_day, amount in month_slices(line, line.amount):
            customer[month_number(last_day)].list_cents += rates.to_usd_cents(amount, currency, last_day)
        for last_day, discount in month_slices(line, line.discount):
            customer[month_number(last_day)].discount_cents += rates.to_usd_cents(discount, currency, last_day)
        if invoice.has_startup_credit:
            book = customer[month_number(day_at(line.end_day - 1))]
            book.has_startup_invoice = True
            book.credit_cents += half_up(line.net * applied, invoice.total) if invoice.total else 0


def _book_credit_note(customer: dict[Month, MonthBook], note: CreditNote, rates: ExchangeRates) -> None:
    lines = {line.id: line for line in note.invoice.lines}
    credited = note.lines
    if not credited:
        net = sum(line.net for line in lines.values())
        if note.amount != net:
            raise ValueError(f"{note.id} credits part of an invoice without naming lines")
        credited = [(line.id, line.net) for line in lines.values()]
    for line_id, amount in credited:
        line = lines[line_id]
        last_day = day_at(line.end_day - 1)
        if _recurs(line):
            cents = rates.to_usd_cents(amount, note.invoice.account.currency, last_day)
            customer[month_number(last_day)].refund_cents += cents


def _basis(book: MonthBook | None, month: Month, prepaid: list[tuple[int, int]]) -> str:
    last_instant = instant((month_start(month + 1) - FIRST_DAY).days) - 1
    if any(start <= last_instant < end for start, end in prepaid):
        return "prepaid"
    return "startup_credit" if book is not None and book.has_startup_invoice else "usage"
