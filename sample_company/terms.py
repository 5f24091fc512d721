"""The terms of each account: plan, currency, tax, discounts, packages, limits, trials and unusual events.

Unusual events are assigned by quota, so that even the smallest company has each at least once.
"""

from collections.abc import Callable

import numpy as np

from sample_company.accounts import Account, free_organization_after
from sample_company.parameters import DAY_US, DAYS, END_US, day_at, instant
from sample_company.signups import Signups

# Discount in basis points by the credit of a prepaid year, from a list value in dollars.
PREPAID_DISCOUNTS = (
    (1_000_000, 4_500),
    (500_000, 4_000),
    (250_000, 3_500),
    (100_000, 3_000),
    (60_000, 2_500),
    (0, 2_000),
)
COUPON_BASIS_POINTS = (1_000, 1_500, 1_250, 2_000)
TAX_BASIS_POINTS = (625, 725, 825, 887, 600)
# Event, share of the seasoned accounts that have it, and the minimum number.
ODD_EVENTS = (
    ("limit_bites", 0.09, 5), ("limit_loose", 0.08, 4), ("limit_zero", 0.03, 2), ("credit_note_lines", 0.05, 4),
    ("credit_note_whole", 0.03, 2), ("credit_note_void", 0.01, 1), ("refund_credit_note", 0.03, 2),
    ("refund_noted", 0.02, 2), ("void_reissued", 0.03, 2), ("goodwill", 0.02, 1), ("consulting", 0.03, 2),
    ("unmapped_product", 0.03, 2), ("draft", 0.02, 1), ("test_mode", 0.02, 2), ("uncollectible", 0.02, 1),
)  # fmt: skip
PREPAID_SHARES = {"1m": 0.67, "50k": 0.5, "25k": 0.27}
PACKAGE_SHARES = {
    "1m": (("enterprise", 0.7), ("scale", 0.3)),
    "50k": (("scale", 0.35), ("enterprise", 0.2), ("boost", 0.2)),
    "25k": (("scale", 0.25), ("boost", 0.3)),
    "5k": (("boost", 0.16),),
}


def agree_terms(signups: Signups, accounts: list[Account], rng: np.random.Generator) -> None:
    """Set every account's terms, in place."""
    dealer = _Dealer(accounts, rng)
    _plans(dealer)
    _currencies(signups, dealer)
    _packages(dealer)
    _discounts(dealer)
    _companions(signups, dealer)
    _odd_events(dealer)


class _Dealer:
    def __init__(self, accounts: list[Account], rng: np.random.Generator) -> None:
        self.accounts = accounts
        self.rng = rng

    def deal(self, trait: str, share: float, minimum: int, fits: Callable[[Account], bool]) -> list[Account]:
        """Give a trait to a share of the fitting accounts, at least `minimum`; returns them."""
        able = [account for account in self.accounts if fits(account) and "vendor" not in account.traits]
        count = min(len(able), max(minimum, round(len(able) * share)))
        chosen = [able[index] for index in sorted(self.rng.choice(len(able), count, replace=False))] if count else []
        for account in chosen:
            account.traits.add(trait)
        return chosen


def is_plain(account: Account) -> bool:
    """A live pay-as-you-go account in dollars without an unusual event."""
    return (
        account.kind == "payg"
        and account.currency == "usd"
        and account.group not in ("churned", "card_only")
        and not account.traits
    )


def _plans(dealer: _Dealer) -> None:
    for account in dealer.accounts:
        if account.group in ("card_only", "startup"):
            account.kind = account.group
    chosen = dealer.deal("rolled_off", 0.22, 3, lambda a: a.group in ("5k", "25k") and 20 < a.start_day < 350)
    # Fast growing accounts use up the credit before it expires.
    chosen += dealer.deal("rolled_off", 0.05, 1, lambda a: a.group == "50k" and 20 < a.start_day < 350)
    for account in chosen:
        account.kind = "startup"
    # The batch's companies renew their credit after a year; one early account has done so.
    chosen = dealer.deal("yc", 0.12, 1, lambda a: a.group == "startup")
    chosen += dealer.deal("yc", 0.05, 1, lambda a: a.group == "5k" and a.kind == "payg" and 20 < a.start_day < 350)
    for account in chosen:
        account.kind = "yc"
    for band, share in PREPAID_SHARES.items():
        for account in dealer.deal("prepaid", share, 2, _can_prepay(band)):
            account.kind = "prepaid"
    dealer.deal("instalments", 0.08, 1, lambda a: a.kind == "prepaid" and a.group != "1m" and a.start_day < 480)


def _can_prepay(band: str) -> Callable[[Account], bool]:
    return lambda a: a.group == band and a.kind == "payg" and a.start_day < 600


def _currencies(signups: Signups, dealer: _Dealer) -> None:
    def fits(account: Account) -> bool:
        is_small = account.group in ("25k", "5k", "1k", "micro")
        return is_small and account.kind == "payg" and not account.traits and account.start_day < 650

    for currency, country, share, minimum in (("eur", "DE", 0.08, 4), ("jpy", "JP", 0.03, 2), ("gbp", "GB", 0.02, 1)):
        for account in dealer.deal(currency, share, minimum, fits):
            account.currency, account.country = currency, country
            signups.is_eu[account.organizations] = currency != "jpy"
    elsewhere = ("DE", "FR", "NL", "GB", "SE", "ES", "PL")
    for account in dealer.accounts:
        if account.currency == "usd" and signups.is_eu[account.organizations[0]]:
            account.country = str(dealer.rng.choice(elsewhere))
        elif account.country == "US" and dealer.rng.random() < 0.2:
            account.country = str(dealer.rng.choice(("CA", "BR", "IN", "AU", "SG")))
        if account.country == "US" and dealer.rng.random() < 0.7:
            account.tax_basis_points = int(dealer.rng.choice(TAX_BASIS_POINTS))


def _packages(dealer: _Dealer) -> None:
    for account in dealer.accounts:
        draw = float(dealer.rng.random())
        for package, share in PACKAGE_SHARES.get(account.group, ()):
            draw -= share
            if draw < 0 and account.kind in ("payg", "prepaid") and account.currency == "usd":
                account.package = package
                account.package_from_period = int(dealer.rng.integers(0, 4))
                break

    # Months anchored on day 29 or later are shorter in February, and so are quarters.
    def fits(account: Account) -> bool:
        is_able = is_plain(account) and account.group in ("5k", "25k", "50k") and account.start_day < 540
        return is_able and day_at(account.start_day).day <= 28

    for account in dealer.deal("upgrade", 0.06, 2, fits):
        account.package, account.package_months, account.package_from_period = "boost", 1, 1
    for months, trait in ((12, "yearly_package"), (3, "quarterly_package")):
        for account in dealer.deal(trait, 0.07, 2, fits):
            account.package, account.package_months, account.package_from_period = "scale", months, 1


def _discounts(dealer: _Dealer) -> None:
    for account in dealer.accounts:
        if account.kind == "prepaid":
            account.discount_basis_points = next(b for floor, b in PREPAID_DISCOUNTS if account.net_usd_year >= floor)

    def fits(account: Account) -> bool:
        return account.kind == "payg" and account.group in ("25k", "5k", "1k", "first_bill") and not account.traits

    for account in dealer.deal("coupon", 0.1, 6, fits):
        account.discount_basis_points = int(dealer.rng.choice(COUPON_BASIS_POINTS))
    # A discount in another currency shows whether rounding happens in the right one.
    for account in [a for a in dealer.accounts if a.currency != "usd"][::3]:
        account.discount_basis_points = 1_250


def _companions(signups: Signups, dealer: _Dealer) -> None:
    """Add organizations to some Stripe customers: their usage is pooled."""

    def fits(account: Account) -> bool:
        is_able = account.group in ("1m", "50k", "25k", "5k", "1k") and account.kind in ("payg", "prepaid")
        return is_able and account.start_day < 560 and account.currency == "usd"

    for account in dealer.deal("shared", 0.05, 5, fits):
        created_day = int(signups.created_day[account.organizations[0]])
        for _ in range(1 + int(dealer.rng.random() < 0.35)):
            companion = free_organization_after(signups, dealer.accounts, dealer.rng, created_day + 1)
            if companion is not None:
                account.organizations.append(companion)
        account.organizations.sort(key=lambda number: (signups.created_us[number], signups.ids[number]))
        account.shares = [0.62, 0.28, 0.1][: len(account.organizations)]


def _odd_events(dealer: _Dealer) -> None:
    def is_seasoned(account: Account) -> bool:
        return is_plain(account) and account.group not in ("1m", "first_bill", "micro") and account.closed_periods >= 5

    for trait, share, minimum in ODD_EVENTS:
        dealer.deal(trait, share, minimum, is_seasoned)
    dealer.deal("credit_note_lines", 0.2, 2, lambda a: a.currency in ("eur", "jpy") and a.closed_periods >= 4)
    dealer.deal("unsubscribed_product", 0.15, 3, lambda a: is_plain(a) and a.group in ("25k", "5k", "1k"))
    dealer.deal("declining", 0.15, 4, lambda a: is_plain(a) and a.group in ("25k", "5k", "1k") and a.start_day < 500)
    dealer.deal("paused", 0.1, 2, lambda a: is_plain(a) and a.group in ("1k", "micro") and a.closed_periods > 9)
    dealer.deal("trial", 0.2, 3, lambda a: a.group == "first_bill" and a.start_day < DAYS - 45)
    dealer.deal("trial_now", 0.4, 2, lambda a: a.group == "first_bill" and a.start_day >= DAYS - 28)
    dealer.deal("deleted_customer", 0.05, 1, lambda a: a.group == "churned" and (a.end_day or DAYS) < 600)
    dealer.deal("unpaid_at_the_end", 0.3, 3, lambda a: a.group == "churned" and a.final_period is not None)
    dealer.deal("discount_ends", 0.3, 1, lambda a: a.traits == {"coupon"} and a.closed_periods >= 5)
    # Small enough for a package to show, large enough to be billed after the decline.
    dealer.deal(
        "bill_rises",
        0.02,
        2,
        lambda a: is_plain(a) and a.group == "micro" and a.net_usd_year > 400 and a.start_day < 600,
    )


def plan_rising_bill(account: Account) -> None:
    """A package in the open period, as a dated change of the account's settings."""
    opened = max(day for day in account.period_days if day < DAYS)
    account.changes.append((instant(min(opened + 2, DAYS - 1), 10 * 3_600), {"platform_package": "boost"}))


def plan_limits(account: Account, spend_usd_month: dict[str, float], rng: np.random.Generator) -> None:
    """Spend limits in cents after discount by product, as dated changes of the account's settings."""
    kept = 1 - account.discount_basis_points / 10_000
    by_spend = sorted(spend_usd_month, key=lambda product: (-spend_usd_month[product], product))
    limits: dict[str, int] = {}
    if "limit_bites" in account.traits:
        limits[by_spend[0]] = 100 * max(5, round(spend_usd_month[by_spend[0]] * kept * rng.uniform(0.45, 0.85)))
    if "limit_loose" in account.traits:
        limits[by_spend[0]] = 50 + 100 * max(20, round(spend_usd_month[by_spend[0]] * kept * rng.uniform(1.6, 3)))
    if "limit_zero" in account.traits and len(by_spend) > 1:
        limits[by_spend[-1]] = 0
    if account.group in ("5k", "1k") and not account.traits and rng.random() < 0.15:
        limits["data_warehouse"] = 500_00
    if limits:
        middle = account.period_days[min(2, max(1, account.closed_periods - 3))]
        when = instant(middle + 9, 3600 * 11 + int(rng.integers(0, 20_000)))
        account.changes.append((min(when, instant(DAYS - 1)), {"custom_limits_usd": limits}))
        raised = when + 150 * DAY_US
        if "limit_bites" in account.traits and account.number % 2 and raised < END_US:
            account.changes.append((raised, {"custom_limits_usd": {by_spend[0]: 2 * limits[by_spend[0]]}}))
