"""A large account: how many requests its landings make."""

import gzip
import math
from pathlib import Path

import pytest

from tests.connectors.stripe_landing import landing_of
from tests.support.stripe_account import DAY_SECONDS, KINDS, StripeAccount

PAGE, EMBEDDED = 100, 10
LINES = 120
YEARS = 3


def large_account(invoices: int) -> StripeAccount:
    """Paid invoices of three years. They share their lines, so that they fit into memory."""
    account = StripeAccount()
    lines = [{"id": f"il_{n}", "object": "line_item", "amount": n, "livemode": True} for n in range(LINES)]
    for number in range(invoices):
        id_ = f"in_{number:06d}"
        account.objects["invoices"][id_] = {
            "id": id_, "object": "invoice", "livemode": True, "status": "paid", "customer": "cus_1",
            "created": account.now - YEARS * 365 * DAY_SECONDS * (invoices - number) // invoices,
            "lines": {"object": "list", "has_more": False, "url": f"/v1/invoices/{id_}/lines", "data": lines},
        }  # fmt: skip
    return account


def count_requests(folder: Path, invoices: int) -> dict[str, tuple[int, int]]:
    """Requests made and needed, by landing."""
    account = large_account(invoices)
    pages = math.ceil(invoices / PAGE)
    others = len(KINDS) - 1
    counts = {}
    with landing_of(account, folder) as stripe:
        stripe.land()
        line_pages = math.ceil((LINES - EMBEDDED) / PAGE)
        counts["first"] = (sum(stripe.fake.requests.values()), others + pages + invoices * line_pages)
        [path] = [path for path in stripe.files() if "invoices" in path]
        with gzip.open(stripe.root / path) as objects:
            assert sum(1 for _ in objects) == invoices
        account.now += DAY_SECONDS
        young = sum(found["created"] >= account.now - 35 * DAY_SECONDS for found in account.newest_first("invoices"))
        stripe.land()
        # Five kinds of events, lists of what is young, and old invoices that are drafts or open.
        counts["without changes"] = (sum(stripe.fake.requests.values()), 5 + others + math.ceil(young / PAGE) + 2)
        account.now += 6 * DAY_SECONDS
        stripe.land()
        counts["weekly"] = (sum(stripe.fake.requests.values()), 5 + others + pages)
        assert len(stripe.files()) == len(KINDS)
    return counts


def test_requests_are_at_most_a_tenth_more_than_the_rules_need(tmp_path: Path) -> None:
    for made, needed in count_requests(tmp_path, 300).values():
        # One asks for the time.
        assert made <= 1.1 * needed + 1


@pytest.mark.soak
def test_requests_of_100_000_invoices_with_two_pages_of_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counts = count_requests(tmp_path, 100_000)
    with capsys.disabled():
        for landing, (made, needed) in counts.items():
            print(f"\n{landing}: {made:,} requests, the rules need {needed:,}", end="")
    assert all(made <= 1.1 * needed for made, needed in counts.values())
