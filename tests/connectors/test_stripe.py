"""What a landing of Stripe brings: over HTTP, from a fake account to landed files."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.connectors.stripe_landing import Landing, landing_of
from tests.support.stripe_account import KINDS, StripeAccount


@pytest.fixture
def stripe(tmp_path: Path) -> Iterator[Landing]:
    """A customer, a product, a price, a subscription that is cancelled, an invoice of each state and a credit note."""
    account = StripeAccount()
    customer = account.create("customers")
    product = account.create("products", metadata={"product_key": "boost"})
    account.create("prices", product=product["id"])
    account.create("subscriptions", customer=customer["id"], status="canceled")
    account.create_invoice(customer)
    for settle in (account.finalize, account.pay, account.void):
        settle(account.create_invoice(customer))
    account.credit(next(o for o in account.everything() if o.get("status") == "paid"), 10)
    with landing_of(account, tmp_path) as landing:
        yield landing


def test_first_landing_brings_every_object_of_every_kind(stripe: Landing) -> None:
    report = stripe.land()
    assert stripe.newest() == stripe.expected()
    assert {table.source_table: table.rows_new for table in report.tables} == {
        "stripe.customers": 1, "stripe.products": 1, "stripe.prices": 1, "stripe.subscriptions": 1,
        "stripe.invoices": 4, "stripe.credit_notes": 1,
    }  # fmt: skip
    assert report.warnings == []


def test_landing_without_changes_writes_no_file(stripe: Landing) -> None:
    stripe.land()
    files = stripe.files()
    report = stripe.land()
    assert stripe.files() == files
    assert len(files) == len(KINDS)
    assert all(table.rows_landed == table.files == 0 for table in report.tables)
