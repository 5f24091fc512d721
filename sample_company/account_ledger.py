"""The billing records of an account: invoices, lines, credit notes and rated usage."""

import hashlib
from dataclasses import dataclass, field

from sample_company.accounts import Account

COUNTED_STATUSES = ("open", "paid", "uncollectible")


@dataclass
class Line:
    """An invoice line in minor units; the end day is exclusive. Recurring lines have a subscription."""

    id: str
    product_key: str
    start_day: int
    end_day: int
    amount: int
    discount: int
    quantity: int
    description: str
    subscription_id: str | None
    is_proration: bool = False

    @property
    def net(self) -> int:
        """The amount after discount."""
        return self.amount - self.discount


@dataclass
class Invoice:
    """An invoice in its final state, with the instants of its events."""

    id: str
    account: Account
    customer_id: str
    created_us: int
    period: tuple[int, int]
    lines: list[Line]
    subscription_id: str | None
    tax: int = 0
    starting_balance: int = 0
    ending_balance: int = 0
    status: str = "paid"
    settled_us: int | None = None
    livemode: bool = True
    adds_revenue: bool = True
    has_startup_credit: bool = False
    coupon_basis_points: int = 0
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def subtotal(self) -> int:
        """Sum of the lines before discounts and tax."""
        return sum(line.amount for line in self.lines)

    @property
    def total(self) -> int:
        """Total after discounts, with tax, before the balance is applied."""
        return sum(line.net for line in self.lines) + self.tax


@dataclass
class CreditNote:
    """A credit note; amounts without tax by line, or for the whole invoice if it has no lines."""

    id: str
    invoice: Invoice
    created_us: int
    amount: int
    lines: list[tuple[str, int]]
    status: str = "issued"
    refund_id: str | None = None


@dataclass(frozen=True)
class RatedLine:
    """The rated value in cents of a product's usage (or a package) in a period; `limit_cents` is None without limit."""

    invoice: Invoice
    product_key: str
    start_day: int
    end_day: int
    units: int
    list_cents: int
    after_discount_cents: int
    limit_cents: int | None
    bill_cents: int


@dataclass
class AccountLedger:
    account: Account
    customer_id: str
    subscription_id: str
    package_subscription_id: str
    payer_id: str
    invoices: list[Invoice] = field(default_factory=list)
    credit_notes: list[CreditNote] = field(default_factory=list)
    rated: list[RatedLine] = field(default_factory=list)
    balance: int = 0


def object_id(prefix: str, *parts: object) -> str:
    """A Stripe-like id that depends only on its parts."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=9, person=prefix.encode()).hexdigest()
    return f"{prefix}_{digest}"
