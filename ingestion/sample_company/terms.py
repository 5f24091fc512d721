"""On what terms an account pays: plan, currency, tax, discounts, packages, limits, trials and its odd events.

Odd events are dealt out by quota, so that even the smallest company has each of them at least once.
"""

from collections.abc import Callable

import numpy as np

from ingestion.sample_company.accounts import Account, free_organization_after
from ingestion.sample_company.parameters import DAYS, day_at, instant
from ingestion.sample_company.signups import Signups

# Discount in hundredths of a percent by the credit that a prepaid year buys, from a list value in dollars.
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
PREPAID_SHARES = {"1m": 0.67, "50k": 0.5, "25k": 0.27}
PACKAGE_SHARES = {
    "1m": (("enterprise", 0.7), ("scale", 0.3)),
    "50k": (("scale", 0.35), ("enterprise", 0.2), ("boost", 0.2)),
    "25k": (("scale", 0.25), ("boost", 0.3)),
    "5k": (("boost", 0.16),),
}


def agree_terms(signups: Signups, accounts: list[Account], rng: np.random.Generator) -> None:
    """Fill in every account's terms, in place."""
    _plans(accounts, rng)
    _currencies(signups, accounts, rng)
    _packages(accounts, rng)
    _discounts(accounts, rng)
    _companions(signups, accounts, rng)
    _odd_events(accounts, rng)


def deal(
    accounts: list[Account],
    rng: np.random.Generator,
    trait: str,
    share: float,
    minimum: int,
    fits: Callable[[Account], bool],
) -> list[Account]:
    """Give a trait to a share of the accounts that it fits, but to at least `minimum`; returns them."""
    able = [account for account in accounts if fits(account)]
    count = min(len(able), max(minimum, round(len(able) * share)))
    chosen = [able[index] for index in sorted(rng.choice(len(able), count, replace=False))] if count else []
    for account in chosen:
        account.traits.add(trait)
    return chosen


def is_plain(account: Account) -> bool:
    """A live pay-as-you-go account in dollars that no odd event has been dealt to."""
    return (
        account.kind == "payg"
        and account.currency == "usd"
        and account.group not in ("churned", "card_only")
        and not account.traits
    )


def _plans(accounts: list[Account], rng: np.random.Generator) -> None:
    for account in accounts:
        if account.group == "card_only":
            account.kind = "card_only"
        elif account.group == "startup":
            account.kind = "startup"
    for account in deal(accounts, rng, "yc", 0.15, 1, lambda a: a.kind == "startup" and a.start_day < 690):
        account.kind = "yc"
    early = [a for a in accounts if a.group in ("5k", "25k") and a.start_day < 350]
    deal(early, rng, "rolled_off", 0.22, 3, lambda a: a.start_day > 20)
    for account in early:
        if "rolled_off" in account.traits:
            account.kind = "startup"
    for band, share in PREPAID_SHARES.items():
        able = [a for a in accounts if a.group == band and a.kind == "payg" and a.start_day < 600]
        for account in deal(able, rng, "prepaid", share, 2, lambda _: True):
            account.kind = "prepaid"
    deal(accounts, rng, "instalments", 0.08, 1, lambda a: a.kind == "prepaid" and a.group != "1m" and a.start_day < 480)


def _currencies(signups: Signups, accounts: list[Account], rng: np.random.Generator) -> None:
    small = ("25k", "5k", "1k", "micro")
    for currency, country, share, minimum in (("eur", "DE", 0.08, 4), ("jpy", "JP", 0.03, 2), ("gbp", "GB", 0.02, 1)):
        chosen = deal(
            accounts, rng, currency, share, minimum,
            lambda a: a.kind == "payg" and a.group in small and not a.traits and a.start_day < 650,
        )  # fmt: skip
        for account in chosen:
            account.currency, account.country = currency, country
            signups.is_eu[account.organizations] = currency != "jpy"
    elsewhere = ("DE", "FR", "NL", "GB", "SE", "ES", "PL")
    for account in accounts:
        if account.currency == "usd" and signups.is_eu[account.organizations[0]]:
            account.country = str(rng.choice(elsewhere))
        elif account.country == "US" and rng.random() < 0.2:
            account.country = str(rng.choice(("CA", "BR", "IN", "AU", "SG")))
        if account.country == "US" and rng.random() < 0.7:
            account.tax_basis_points = int(rng.choice(TAX_BASIS_POINTS))


def _packages(accounts: list[Account], rng: np.random.Generator) -> None:
    for account in accounts:
        draw = float(rng.random())
        for package, share in PACKAGE_SHARES.get(account.group, ()):
            draw -= share
            if draw < 0 and account.kind in ("payg", "prepaid") and account.currency == "usd":
                account.package = package
                account.package_from_period = int(rng.integers(0, 4))
                break
    able = [a for a in accounts if a.kind == "payg" and a.group in ("5k", "25k", "50k") and a.start_day < 540]
    for account in deal(able, rng, "upgrade", 0.06, 2, is_plain):
        account.package, account.package_months, account.package_from_period = "boost", 1, 1
    for months, trait in ((12, "yearly_package"), (3, "quarterly_package")):
        for account in deal(able, rng, trait, 0.07, 2, lambda a: is_plain(a) and day_at(a.start_day).day <= 28):
            account.package, account.package_months, account.package_from_period = "scale", months, 1


def _discounts(accounts: list[Account], rng: np.random.Generator) -> None:
    for account in accounts:
        if account.kind == "prepaid":
            account.discount_basis_points = next(b for floor, b in PREPAID_DISCOUNTS if account.net_usd_year >= floor)
    for account in deal(
        accounts, rng, "coupon", 0.1, 6,
        lambda a: a.kind == "payg" and a.group in ("25k", "5k", "1k", "first_bill") and not a.traits,
    ):  # fmt: skip
        account.discount_basis_points = int(rng.choice(COUPON_BASIS_POINTS))
    # A discount in another currency shows whether the rounding is done in the right one.
    for account in [a for a in accounts if a.currency != "usd"][::3]:
        account.discount_basis_points = 1_250


def _companions(signups: Signups, accounts: list[Account], rng: np.random.Generator) -> None:
    """Several organizations on one Stripe customer: their usage is pooled."""
    groups = ("1m", "50k", "25k", "5k", "1k")
    for account in deal(
        accounts, rng, "shared", 0.05, 5,
        lambda a: a.group in groups and a.kind in ("payg", "prepaid") and a.start_day < 560 and a.currency == "usd",
    ):  # fmt: skip
        created_day = int(signups.created_day[account.organizations[0]])
        for _ in range(1 + int(rng.random() < 0.35)):
            companion = free_organization_after(signups, accounts, rng, created_day + 1)
            if companion is not None:
                account.organizations.append(companion)
        account.organizations.sort(
            key=lambda organization: (signups.created_us[organization], signups.ids[organization])
        )
        account.shares = [0.62, 0.28, 0.1][: len(account.organizations)]


def _odd_events(accounts: list[Account], rng: np.random.Generator) -> None:
    def with_periods(minimum: int) -> Callable[[Account], bool]:
        return lambda a: is_plain(a) and a.group not in ("1m", "first_bill") and a.closed_periods >= minimum

    for trait, share, minimum in (
        ("limit_bites", 0.09, 5), ("limit_loose", 0.08, 4), ("limit_zero", 0.03, 2), ("credit_note_lines", 0.05, 4),
        ("credit_note_whole", 0.03, 2), ("credit_note_void", 0.01, 1), ("refund_credit_note", 0.03, 2),
        ("refund_noted", 0.02, 2), ("void_reissued", 0.03, 2), ("goodwill", 0.02, 1), ("consulting", 0.03, 2),
        ("unmapped_product", 0.03, 2), ("draft", 0.02, 1), ("test_mode", 0.02, 2), ("uncollectible", 0.02, 1),
    ):  # fmt: skip
        deal(accounts, rng, trait, share, minimum, with_periods(5))
    deal(accounts, rng, "credit_note_lines", 0.2, 2, lambda a: a.currency in ("eur", "jpy") and a.closed_periods >= 4)
    deal(accounts, rng, "trial", 0.2, 3, lambda a: a.group == "first_bill" and a.start_day < DAYS - 45)
    deal(accounts, rng, "trial_now", 0.4, 2, lambda a: a.group == "first_bill" and a.start_day >= DAYS - 28)
    deal(accounts, rng, "deleted_customer", 0.05, 1, lambda a: a.group == "churned" and (a.end_day or DAYS) < 560)
    deal(accounts, rng, "unpaid_at_the_end", 0.3, 3, lambda a: a.group == "churned" and a.final_period is not None)
    deal(accounts, rng, "discount_ends", 0.3, 1, lambda a: a.traits == {"coupon"} and a.closed_periods >= 5)


def plan_limits(account: Account, spend_usd_month: dict[str, float], rng: np.random.Generator) -> None:
    """Spend limits in dollars after discount by product, as dated changes of the account's settings."""
    kept = 1 - account.discount_basis_points / 10_000
    by_spend = sorted(spend_usd_month, key=lambda product: (-spend_usd_month[product], product))
    limits: dict[str, str] = {}
    if "limit_bites" in account.traits:
        limits[by_spend[0]] = f"{max(5, round(spend_usd_month[by_spend[0]] * kept * rng.uniform(0.45, 0.85)))}"
    if "limit_loose" in account.traits:
        limits[by_spend[0]] = f"{max(20, round(spend_usd_month[by_spend[0]] * kept * rng.uniform(1.6, 3)))}.50"
    if "limit_zero" in account.traits:
        limits[by_spend[-1]] = "0"
    if account.group in ("5k", "1k") and not account.traits and rng.random() < 0.15:
        limits["data_warehouse"] = "500"
    if limits:
        middle = account.period_days[min(2, max(1, account.closed_periods - 3))]
        when = instant(middle + 9, 3600 * 11 + int(rng.integers(0, 20_000)))
        account.changes.append((min(when, instant(DAYS - 1)), {"custom_limits_usd": limits}))
