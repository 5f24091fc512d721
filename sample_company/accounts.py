"""The organizations that subscribe: their billing account, band, start, end and companions."""

from dataclasses import dataclass, field

import numpy as np

from sample_company.parameters import (
    BANDS_USD_YEAR,
    DAYS,
    Size,
    add_months,
    day_at,
    day_number,
    instant,
)
from sample_company.signups import Signups

# Range of day numbers in which accounts of a band sign up.
SIGNUP_WINDOWS = {
    "1m": (0, 75),
    "50k": (0, 430),
    "25k": (0, 560),
    "5k": (0, 590),
    "1k": (0, 680),
    "micro": (0, 700),
    "churned": (0, 500),
    "startup": (365, 690),
    # Their credit expires within weeks after the end of the data.
    "startup_ending": (364, 405),
    "card_only": (60, 712),
    "first_bill": (590, 722),
}
# Usage at the start relative to the end: from, to.
START_RATIOS = {
    "1m": (0.12, 0.34),
    "50k": (0.15, 0.5),
    "25k": (0.2, 0.65),
    "5k": (0.35, 0.95),
    "1k": (0.4, 1.1),
    "micro": (0.4, 1.2),
    "churned": (0.7, 1.1),
    "startup": (0.3, 0.9),
    "card_only": (0.5, 1.2),
    "first_bill": (0.85, 1.0),
}
FIRST_BILL_SHARE = 0.5
FIRST_OF_MONTH_SHARE = 0.12
CHURNED_BANDS = ("5k", "1k", "1k", "micro", "1k", "5k", "micro", "25k")
STARTUP_BANDS = ("5k", "25k", "5k", "5k", "50k")


@dataclass
class Account:
    """One billing account: a Stripe customer whose organizations' usage is pooled."""

    number: int
    group: str
    net_usd_year: float
    organizations: list[int]
    start_us: int
    period_days: list[int]
    final_period: int | None
    start_ratio: float
    kind: str = "payg"
    shares: list[float] = field(default_factory=lambda: [1.0])
    currency: str = "usd"
    country: str = "US"
    tax_basis_points: int = 0
    discount_basis_points: int = 0
    package: str | None = None
    package_months: int = 1
    package_from_period: int = 0
    identified_share: float = 0.0
    group_share: float = 0.0
    quantities: dict[str, float] = field(default_factory=dict)
    adopted_days: dict[str, int] = field(default_factory=dict)
    traits: set[str] = field(default_factory=set)
    changes: list[tuple[int, dict]] = field(default_factory=list)

    @property
    def start_day(self) -> int:
        """Day number of the subscription's start, which anchors its periods."""
        return self.period_days[0]

    @property
    def end_day(self) -> int | None:
        """Day number of the subscription's end (exclusive); None while it is active."""
        return None if self.final_period is None else self.period_days[self.final_period]

    @property
    def closed_periods(self) -> int:
        """The number of periods invoiced by the end of the data."""
        closed = sum(1 for day in self.period_days[1:] if day < DAYS)
        return closed if self.final_period is None else min(closed, self.final_period)


def simulate_accounts(signups: Signups, size: Size, rng: np.random.Generator) -> list[Account]:
    """Every account of the size's mix, each on its own organization, in the order of their start."""
    taken = signups.is_internal.copy()
    accounts = []
    for group, band, window in _groups(size):
        low, high = BANDS_USD_YEAR[band]
        net = low * (high / low) ** float(rng.random() ** 1.4)
        if group == "first_bill":
            net = float(rng.uniform(5_600, 21_500))
        first, last = SIGNUP_WINDOWS[window]
        organization = _take(signups, taken, rng.uniform(first, last))
        accounts.append(_account(signups, rng, group, round(net, 2), organization))
    # The vendor is its own customer: this account is billed but never counted.
    accounts.append(_account(signups, rng, "1k", 3_000.0, int(np.flatnonzero(signups.is_internal)[0])))
    accounts[-1].traits.add("vendor")
    accounts.sort(key=lambda account: (account.start_us, account.organizations[0]))
    for number, account in enumerate(accounts):
        account.number = number
    return accounts


def free_organization_after(
    signups: Signups, accounts: list[Account], rng: np.random.Generator, day: int
) -> int | None:
    """An organization without account that signed up on or after a day; None if there is none."""
    taken = signups.is_internal.copy()
    for account in accounts:
        taken[account.organizations] = True
    free = np.flatnonzero(~taken & (signups.created_day >= day))
    return int(rng.choice(free[: max(1, len(free) // 3)])) if len(free) else None


def _groups(size: Size) -> list[tuple[str, str, str]]:
    """Group, band and sign-up window of every account."""
    groups = []
    for band, count in size.bands.items():
        first_bills = round(count * FIRST_BILL_SHARE) if band == "5k" else 0
        groups += [("first_bill", band, "first_bill")] * first_bills + [(band, band, band)] * (count - first_bills)
    groups += [("churned", CHURNED_BANDS[n % len(CHURNED_BANDS)], "churned") for n in range(size.churned)]
    groups += [
        ("startup", STARTUP_BANDS[n % len(STARTUP_BANDS)], "startup_ending" if n % 3 == 0 else "startup")
        for n in range(size.on_startup_credit)
    ]
    groups += [("card_only", "micro", "card_only")] * size.card_only
    return groups


def _take(signups: Signups, taken: np.ndarray, day: float) -> int:
    start = int(np.searchsorted(signups.created_us, instant(0, day * 86_400)))
    free = np.flatnonzero(~taken)
    organization = int(free[np.argmin(np.abs(free - start))])
    taken[organization] = True
    return organization


def _account(signups: Signups, rng: np.random.Generator, group: str, net: float, organization: int) -> Account:
    created_day = int(signups.created_day[organization])
    delay = 2 + int(rng.exponential(9 if group in ("1m", "first_bill", "startup") else 24))
    start_day = min(created_day + delay, DAYS - 4)
    # A period that ends with the month is invoiced on the next day; only the smallest accounts have one.
    if group == "micro" and rng.random() < FIRST_OF_MONTH_SHARE:
        start_day = min(day_number(add_months(day_at(start_day).replace(day=1), 1)), DAYS - 31)
    if group != "micro" and day_at(start_day).day == 1:
        start_day += 1
    anchor = day_at(start_day)
    period_days = [start_day]
    while period_days[-1] <= DAYS:
        period_days.append(day_number(add_months(anchor, len(period_days))))
    closed = sum(1 for day in period_days[1:] if day < DAYS)
    final = int(rng.integers(2, max(3, min(closed, 11) + 1))) if group == "churned" else None
    low, high = START_RATIOS[group]
    return Account(
        number=0,
        group=group,
        net_usd_year=net,
        organizations=[organization],
        start_us=instant(start_day, 8 * 3600 + int(rng.integers(0, 13 * 3600))),
        period_days=period_days,
        final_period=final if final is None or final <= closed else None,
        start_ratio=round(float(rng.uniform(low, high)), 4),
    )
