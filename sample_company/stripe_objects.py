"""Stripe objects as the API returns them, in the old shape and, after the change of version, in the new one.

An export has the objects created or changed in its month, so an object may be in several: the latest wins.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from sample_company import write
from sample_company.account_ledger import AccountLedger, CreditNote, Invoice, Line, object_id
from sample_company.accounts import Account
from sample_company.billing import UNMAPPED_PRODUCT
from sample_company.parameters import (
    DAY_US,
    END_US,
    NEW_API_SHAPE_DAY,
    SECOND_US,
    day_at,
    day_number,
    instant,
)
from sample_company.rating import SCALE, PriceList, half_up

NEW_SHAPE_US = instant(day_number(NEW_API_SHAPE_DAY))
CATALOGUE_CREATED = 1_704_067_200
PACKAGES = ("boost", "scale", "enterprise")
OTHER_PRODUCTS = {"platform": "Contract", "credits": "Prepaid credit", UNMAPPED_PRODUCT: "Browser agent"}

Exports = dict[str, list[str]]


def product_id(product_key: str) -> str:
    return object_id("prod", product_key)


def price_id(product_key: str) -> str:
    return object_id("price", product_key)


def catalogue(prices: PriceList) -> tuple[list[dict], list[dict]]:
    """Products and their prices, metered and tiered for usage, flat for packages."""
    keys = [*prices.products, *PACKAGES, *OTHER_PRODUCTS]
    products = [
        {
            "id": product_id(key), "object": "product", "active": True, "created": CATALOGUE_CREATED, "livemode": True,
            "name": OTHER_PRODUCTS.get(key, key.replace("_", " ").capitalize()), "metadata": {"product_key": key},
        }
        for key in keys
    ]  # fmt: skip
    return products, [_price(prices, key) for key in keys]


def write_stripe(
    folder: Path, ledgers: list[AccountLedger], owner_email: list[str], organization_id: list[str], prices: PriceList
) -> None:
    """Write the catalogue as one file per table, everything else as one file per month with new and changed objects."""
    products, price_objects = catalogue(prices)
    write.write_jsonl(folder / "products.jsonl.gz", map(json.dumps, products))
    write.write_jsonl(folder / "prices.jsonl.gz", map(json.dumps, price_objects))
    for table, exports in objects_by_month(ledgers, owner_email, organization_id).items():
        for month, lines in sorted(exports.items()):
            write.write_jsonl(folder / table / f"export-{month}.jsonl.gz", lines)


def objects_by_month(
    ledgers: list[AccountLedger], owner_email: list[str], organization_id: list[str]
) -> dict[str, Exports]:
    """JSON lines by table and month (`YYYY-MM`) of their export."""
    exports: dict[str, Exports] = {
        table: defaultdict(list) for table in ("customers", "subscriptions", "invoices", "credit_notes")
    }
    for ledger in ledgers:
        account = ledger.account
        main = account.organizations[0]
        for when, customer in _customers(ledger, owner_email[main], organization_id[main]):
            _send(exports["customers"], when, customer)
        for when, subscription in _subscriptions(ledger):
            _send(exports["subscriptions"], when, subscription)
        for invoice in sorted(ledger.invoices, key=lambda i: (i.created_us, i.id)):
            for when, sent in _invoice_versions(invoice):
                _send(exports["invoices"], when, sent)
        for note in ledger.credit_notes:
            _send(exports["credit_notes"], note.created_us, _credit_note(note))
    return exports


def _send(exports: Exports, when: int, sent: dict) -> None:
    exports[write.month_of(when)].append(json.dumps(sent, separators=(",", ":")))


def _seconds(when: int | None) -> int | None:
    return None if when is None else when // SECOND_US


def _price(prices: PriceList, key: str) -> dict:
    common = {
        "id": price_id(key), "object": "price", "active": True, "created": CATALOGUE_CREATED, "currency": "usd",
        "livemode": True, "product": product_id(key), "metadata": {},
    }  # fmt: skip
    if key not in prices.products:
        flat = prices.tariff(key, day_at(0)).flat_cents if key in PACKAGES else None
        recurring = {"interval": "month", "interval_count": 1, "usage_type": "licensed"} if key in PACKAGES else None
        return common | {
            "billing_scheme": "per_unit", "recurring": recurring, "type": "recurring" if recurring else "one_time",
            "unit_amount": flat, "unit_amount_decimal": None if flat is None else str(flat),
        }  # fmt: skip
    tariff = prices.versions(key)[-1]
    tiers = [
        {
            "up_to": upper,
            "unit_amount_decimal": f"{price * 100 / SCALE:.12f}".rstrip("0").rstrip("."),
            "flat_amount": None,
        }
        for upper, price in zip(tariff.upper_bounds, tariff.prices, strict=True)
    ]
    return common | {
        "billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": tiers, "type": "recurring",
        "recurring": {
            "interval": "month", "interval_count": 1, "usage_type": "metered", "aggregate_usage": "last_during_period",
        },
    }  # fmt: skip


def _customers(ledger: AccountLedger, email: str, organization_id: str) -> Iterator[tuple[int, dict]]:
    account = ledger.account
    metadata = {"organization_id": organization_id}
    is_on_credit = account.start_us + 366 * DAY_US > END_US and ledger.balance < 0
    if account.kind in ("startup", "yc") and account.number % 2 == 0 and is_on_credit:
        metadata["is_startup_plan"] = "true"
    created = account.start_us - 120 * SECOND_US
    customer = _customer(ledger.customer_id, created, email, account, metadata)
    customer["discount"] = _discount(ledger.customer_id, account.discount_basis_points, created)
    yield created, customer
    if "deleted_customer" in account.traits:
        gone = instant(account.end_day or 0) + 60 * DAY_US
        yield min(gone, END_US - 1), {"id": ledger.customer_id, "object": "customer", "deleted": True}
        return
    if ledger.balance:
        changed = max([account.start_us, *(invoice.created_us for invoice in ledger.invoices)])
        yield changed, customer | {"balance": ledger.balance}
    if "instalments" in account.traits:
        first = min(i.created_us for i in ledger.invoices if not i.adds_revenue)
        marked = metadata | {"payment_only": "true"}
        yield first - 3_600 * SECOND_US, _customer(ledger.payer_id, first - 3_600 * SECOND_US, email, account, marked)
    if "test_mode" in account.traits:
        yield created, _customer(ledger.payer_id, created, email, account, metadata) | {"livemode": False}


def _customer(customer_id: str, created: int, email: str, account: Account, metadata: dict[str, str]) -> dict:
    return {
        "id": customer_id, "object": "customer", "created": _seconds(created), "livemode": True, "email": email,
        "name": None, "balance": 0, "currency": account.currency, "delinquent": "unpaid_at_the_end" in account.traits,
        "address": {"country": account.country}, "discount": None, "metadata": metadata,
    }  # fmt: skip


def _discount(owner: str, basis_points: int, since: int) -> dict | None:
    if not basis_points:
        return None
    percent = basis_points / 100
    return {
        "id": object_id("di", owner, basis_points), "object": "discount", "start": _seconds(since), "end": None,
        "coupon": {
            "id": f"off-{basis_points}", "object": "coupon", "percent_off": percent, "duration": "forever",
            "valid": True,
        },
    }  # fmt: skip


def _subscriptions(ledger: AccountLedger) -> Iterator[tuple[int, dict]]:
    account = ledger.account
    products = sorted(
        {
            line.product_key
            for i in ledger.invoices
            for line in i.lines
            if line.subscription_id == ledger.subscription_id
        }
    )
    live = _subscription(ledger.subscription_id, ledger.customer_id, account.start_us, products, 1)
    yield account.start_us, live
    if account.end_day is not None:
        ended = instant(account.end_day, 4_000)
        change = {"status": "canceled", "canceled_at": _seconds(ended - 9 * DAY_US), "ended_at": _seconds(ended)}
        yield ended, live | change
    for invoice in ledger.invoices:
        if invoice.subscription_id == ledger.package_subscription_id:
            keys = [invoice.lines[0].product_key]
            months = account.package_months
            yield (
                invoice.created_us,
                _subscription(ledger.package_subscription_id, ledger.customer_id, invoice.created_us, keys, months),
            )
            break
    payer = [i for i in ledger.invoices if not i.adds_revenue and i.livemode]
    if payer and payer[0].subscription_id:
        first = payer[0]
        yield first.created_us, _subscription(first.subscription_id, ledger.payer_id, first.created_us, ["platform"], 1)


def _subscription(subscription_id: str | None, customer_id: str, start: int, products: list[str], months: int) -> dict:
    return {
        "id": subscription_id, "object": "subscription", "customer": customer_id, "status": "active",
        "created": _seconds(start), "start_date": _seconds(start), "billing_cycle_anchor": _seconds(start),
        "cancel_at_period_end": False, "canceled_at": None, "ended_at": None, "livemode": True, "metadata": {},
        "items": {
            "object": "list", "has_more": False,
            "data": [
                {
                    "id": object_id("si", subscription_id, key), "object": "subscription_item",
                    "price": {
                        "id": price_id(key), "product": product_id(key),
                        "recurring": {"interval": "month", "interval_count": months},
                    },
                }
                for key in products
            ],
        },
    }  # fmt: skip


def _invoice_versions(invoice: Invoice) -> Iterator[tuple[int, dict]]:
    """As sent in the month of its creation, and again in the month in which it was settled."""
    settled = invoice.settled_us
    if settled is None or write.month_of(settled) == write.month_of(invoice.created_us):
        yield invoice.created_us, _invoice(invoice, invoice.status, settled)
        return
    yield invoice.created_us, _invoice(invoice, "open", None)
    yield settled, _invoice(invoice, invoice.status, settled)


def _invoice(invoice: Invoice, status: str, settled: int | None) -> dict:
    is_new = invoice.created_us >= NEW_SHAPE_US
    net = sum(line.net for line in invoice.lines)
    amount_due = invoice.total - (invoice.ending_balance - invoice.starting_balance)
    discount_id = object_id("di", invoice.customer_id, invoice.coupon_basis_points)
    moments: dict[str, int | None] = {"paid_at": None, "voided_at": None, "marked_uncollectible_at": None}
    moment = {"paid": "paid_at", "void": "voided_at", "uncollectible": "marked_uncollectible_at"}.get(status)
    if moment:
        moments[moment] = _seconds(settled)
    result = {
        "id": invoice.id, "object": "invoice", "livemode": invoice.livemode, "customer": invoice.customer_id,
        "status": status, "currency": invoice.account.currency, "created": _seconds(invoice.created_us),
        "period_start": _seconds(instant(invoice.period[0])), "period_end": _seconds(instant(invoice.period[1])),
        "subtotal": invoice.subtotal, "total": invoice.total, "total_excluding_tax": net, "amount_due": amount_due,
        "amount_paid": amount_due if status == "paid" else 0, "starting_balance": invoice.starting_balance,
        "ending_balance": invoice.ending_balance if status != "draft" else None,
        "status_transitions": {"finalized_at": None if status == "draft" else _seconds(invoice.created_us), **moments},
        "metadata": invoice.metadata,
        "lines": {
            "object": "list", "has_more": False,
            "data": [_line(invoice, line, discount_id, is_new) for line in invoice.lines],
        },
    }  # fmt: skip
    if not is_new:
        return result | {"tax": invoice.tax or None, "subscription": invoice.subscription_id}
    parent = None
    if invoice.subscription_id:
        parent = {
            "type": "subscription_details", "quote_details": None,
            "subscription_details": {"subscription": invoice.subscription_id, "metadata": {}},
        }  # fmt: skip
    taxes = [{"amount": invoice.tax, "tax_behavior": "exclusive", "taxable_amount": net}] if invoice.tax else []
    return result | {"total_taxes": taxes, "parent": parent}


def _line(invoice: Invoice, line: Line, discount_id: str, is_new: bool) -> dict:
    common = {
        "id": line.id, "object": "line_item", "amount": line.amount, "currency": invoice.account.currency,
        "description": line.description, "discountable": True, "livemode": invoice.livemode, "quantity": line.quantity,
        "discount_amounts": [{"amount": line.discount, "discount": discount_id}] if line.discount else [],
        "period": {"start": _seconds(instant(line.start_day)), "end": _seconds(instant(line.end_day))},
        "metadata": {},
    }  # fmt: skip
    price, product = price_id(line.product_key), product_id(line.product_key)
    item = object_id("si", line.subscription_id, line.product_key) if line.subscription_id else None
    if not is_new:
        return common | {
            "type": "subscription" if line.subscription_id else "invoiceitem", "subscription": line.subscription_id,
            "subscription_item": item, "proration": line.is_proration,
            "price": {"id": price, "object": "price", "product": product},
        }  # fmt: skip
    details = {"proration": line.is_proration, "subscription": line.subscription_id}
    kind = "subscription_item_details" if line.subscription_id else "invoice_item_details"
    if item:
        details["subscription_item"] = item
    return common | {
        "parent": {"type": kind, kind: details},
        "pricing": {"type": "price_details", "price_details": {"price": price, "product": product}},
    }


def _credit_note(note: CreditNote) -> dict:
    invoice = note.invoice
    net = sum(line.net for line in invoice.lines)
    tax = half_up(invoice.tax * note.amount, net) if net else 0
    lines = [
        {
            "id": object_id("cnli", note.id, line_id), "object": "credit_note_line_item", "type": "invoice_line_item",
            "invoice_line_item": line_id, "amount": amount, "livemode": True,
        }
        for line_id, amount in note.lines
    ]  # fmt: skip
    result: dict = {
        "id": note.id, "object": "credit_note", "invoice": invoice.id, "customer": invoice.customer_id,
        "currency": invoice.account.currency, "created": _seconds(note.created_us), "status": note.status,
        "livemode": invoice.livemode, "amount": note.amount + tax, "total": note.amount + tax, "subtotal": note.amount,
        "reason": "order_change", "refund": note.refund_id, "metadata": {},
    }  # fmt: skip
    if note.lines or invoice.account.number % 2:
        result["lines"] = {"object": "list", "has_more": False, "data": lines}
    if note.created_us >= NEW_SHAPE_US:
        return result | {"total_excluding_tax": note.amount, "total_taxes": [{"amount": tax}] if tax else []}
    return result | {"tax_amounts": [{"amount": tax}] if tax else []}
