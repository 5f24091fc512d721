"""The usage of a billing account: its products, their quantities at full size, and its course over time."""

import numpy as np

from sample_company.accounts import Account
from sample_company.parameters import DAYS, LAUNCH_DAYS, day_at, day_number, instant
from sample_company.rating import SCALE, PriceList
from sample_company.signups import Signups
from sample_company.terms import plan_limits, plan_rising_bill
from sample_company.usage_plan import DAYS_OF_A_MONTH, NEVER, Pairs, UsagePlan

ADD_ONS = ("enhanced_persons", "group_analytics")
PRODUCT_COUNTS = {
    "1m": (9, 11), "50k": (6, 9), "25k": (4, 7), "5k": (3, 5), "first_bill": (2, 4), "1k": (2, 3), "micro": (1, 2),
    "churned": (2, 3), "startup": (3, 5), "card_only": (1, 2),
}  # fmt: skip
# Weight of each product in the spend, before random variation.
SPEND_WEIGHTS = {
    "product_analytics": 3.0, "session_replay": 2.4, "feature_flags": 1.6, "error_tracking": 1.1, "data_warehouse": 1.0,
    "surveys": 0.5, "llm_analytics": 0.9, "logs": 0.7, "realtime_destinations": 0.7, "batch_exports": 0.5,
    "mobile_replay": 0.7, "workflows_emails": 0.5,
}  # fmt: skip
# Products used within the free tier only.
TRIED_PRODUCTS = 2
# The product that is used and not subscribed is used so many times as much as is free.
UNSUBSCRIBED_TIMES = 1.6
PAUSE_DAYS = 75
# So long use has declined of those whose bill rises.
RISING_BILL_DAYS = 30


class AccountUsage:
    """Plans the usage of one account after the other and writes it into the usage plan."""

    def __init__(self, signups: Signups, plan: UsagePlan, prices: PriceList, rng: np.random.Generator) -> None:
        self._created_day = signups.created_day
        self._plan = plan
        self._prices = prices
        self._rng = rng
        self._launches = {prices.product_of_counter.get(c, c): day_number(day) for c, day in LAUNCH_DAYS.items()}

    def plan(self, account: Account) -> list[Pairs]:
        """The pairs of the account's organizations; fills in its products, quantities and dated settings."""
        spend = self._spend(account)
        account.quantities = {product: self._monthly_quantity(account, product, usd) for product, usd in spend.items()}
        if "unsubscribed_product" in account.traits and len(spend) > 1:
            unsubscribed = list(spend)[-1]
            least = np.rint(UNSUBSCRIBED_TIMES * self._free_units(unsubscribed))
            account.quantities[unsubscribed] = max(account.quantities[unsubscribed], float(least))
        self._adopt(account, list(spend))
        plan_limits(account, {product: usd for product, usd in spend.items() if usd > 0}, self._rng)
        if "bill_rises" in account.traits:
            plan_rising_bill(account)
        for organization in account.organizations:
            self._course(account, organization)
        return self._pairs(account)

    def _spend(self, account: Account) -> dict[str, float]:
        """List value in dollars per month by product; 0 for products that stay within the free tier."""
        rng, names = self._rng, list(SPEND_WEIGHTS)
        weights = np.array(list(SPEND_WEIGHTS.values()))
        low, high = PRODUCT_COUNTS[account.group]
        count = min(int(rng.integers(low, high + 1)) + TRIED_PRODUCTS, len(names))
        drawn = [names[i] for i in rng.choice(len(names), count, replace=False, p=weights / weights.sum())]
        tried = set(drawn[-TRIED_PRODUCTS:]) if rng.random() < 0.6 else set(drawn[-1:])
        chosen = [name for name in names if name in drawn[:-TRIED_PRODUCTS]]
        if "product_analytics" not in chosen and (account.group != "micro" or rng.random() < 0.6):
            chosen = ["product_analytics", *chosen[1:]]
            tried.discard("product_analytics")
        account.identified_share = round(float(rng.uniform(0.15, 0.9)), 3)
        account.group_share = round(float(rng.uniform(0.1, 0.6)), 3) if rng.random() < 0.35 else 0.0
        flat = self._prices.tariff(account.package, day_at(0)).flat_cents / 100 if account.package else 0.0
        kept = 1 - account.discount_basis_points / 10_000
        usage_usd = max(account.net_usd_year / 12 / kept - flat, account.net_usd_year / 12 * 0.4)
        shares = rng.gamma(1.6, 1.0, len(chosen)) * np.array([SPEND_WEIGHTS[product] for product in chosen])
        spend = {p: float(usage_usd * s / shares.sum()) for p, s in zip(chosen, shares, strict=True)}
        if account.kind == "card_only":
            spend = dict.fromkeys(chosen, 0.0)
        return spend | {name: 0.0 for name in names if name in tried}

    def _adopt(self, account: Account, products: list[str]) -> None:
        """The first products are adopted at the start, others in the first three fifths of the account's life."""
        created, end = int(self._created_day[account.organizations[0]]), account.end_day or DAYS
        widest = 0.0 if account.group in ("first_bill", "churned") else 0.6 * (end - account.start_day)
        subscribed: list[str] = []
        for position, product in enumerate(products):
            wait = 0 if position < max(1, len(products) // 2) else int(widest * self._rng.random())
            day = created if wait == 0 else account.start_day + wait
            if product in self._launches:
                day = max(day, self._launches[product] + 3 + int(self._rng.integers(0, 40)))
            account.adopted_days[product] = day
            # One product is used but never subscribed, so usage above the free tier bills nothing.
            if "unsubscribed_product" in account.traits and position == len(products) - 1 and position > 0:
                continue
            keys = [product]
            if product == "product_analytics":
                keys += ADD_ONS[: 2 if account.group_share else 1]
            if day <= account.start_day or not subscribed:
                subscribed += keys
            elif day < end - 3:
                when = instant(day, 9 * 3_600 + int(self._rng.integers(0, 30_000)))
                account.changes.append((when, {"add_products": keys}))
        account.changes.append((account.start_us, {"add_products": subscribed}))

    def _monthly_quantity(self, account: Account, product: str, usd: float) -> float:
        """Counter units per month whose list value is `usd`; events include their add-ons."""
        if usd <= 0:
            often = 1.3 if "unsubscribed_product" in account.traits else 0.75
            return float(np.rint(self._free_units(product) * self._rng.uniform(0.08, often)))
        share = {product: 1.0}
        if product == "product_analytics":
            share |= {"enhanced_persons": account.identified_share, "group_analytics": account.group_share}
        low, high = 0.0, 2e11
        for _ in range(48):
            middle = (low + high) / 2
            if sum(_value(self._prices, key, middle * part) for key, part in share.items()) < usd:
                low = middle
            else:
                high = middle
        return float(np.rint(high))

    def _free_units(self, product: str) -> int:
        return self._prices.versions(product)[-1].upper_bounds[0] or 0

    def _course(self, account: Account, organization: int) -> None:
        plan, rng = self._plan, self._rng
        plan.start_ratio[organization] = account.start_ratio
        plan.first_day[organization] = int(self._created_day[organization])
        plan.growth_end[organization] = DAYS
        plan.decline_day[organization] = NEVER
        plan.last_day[organization] = DAYS
        plan.active_share[organization] = 1.0
        plan.burst_factor[organization] = 1.0 if rng.random() < 0.85 or account.group == "1m" else 3.5
        plan.identified_share[organization] = account.identified_share
        plan.group_share[organization] = account.group_share
        plan.is_late_bloomer[organization] = rng.random() < 0.35
        if "refund_credit_note" in account.traits:
            # A runaway loop makes one bill many times the usual; part of it is refunded.
            plan.burst_day[organization] = account.period_days[3] + 8
            plan.burst_factor[organization] = 30.0
        if "paused" in account.traits:
            plan.pause_day[organization] = account.period_days[3] - 5
            plan.pause_end[organization] = plan.pause_day[organization] + PAUSE_DAYS
        if "declining" in account.traits:
            plan.decline_day[organization] = DAYS - int(rng.integers(18, 50))
        if "bill_rises" in account.traits:
            plan.decline_day[organization] = DAYS - RISING_BILL_DAYS
        if account.end_day is not None:
            plan.growth_end[organization] = account.end_day
            plan.decline_day[organization] = account.end_day - 45
            plan.last_day[organization] = min(DAYS, account.end_day + int(rng.integers(2, 30)))

    def _pairs(self, account: Account) -> list[Pairs]:
        pairs = []
        products = list(account.quantities)
        counter = np.array([self._prices.products.index(product) for product in products])
        for organization, share in zip(account.organizations, account.shares, strict=True):
            daily = np.array([account.quantities[product] * share / DAYS_OF_A_MONTH for product in products])
            created = int(self._created_day[organization])
            start = np.array([max(created, account.adopted_days[product]) for product in products])
            pairs.append((np.full(len(products), organization), counter, daily, start))
        return pairs


def _value(prices: PriceList, product: str, quantity: float) -> float:
    tariff = prices.versions(product)[-1]
    total, lower = 0.0, 0.0
    for upper, price in zip(tariff.upper_bounds, tariff.prices, strict=True):
        reached = quantity if upper is None else min(quantity, upper)
        if reached <= lower:
            break
        total += (reached - lower) * price / SCALE
        lower = reached
    return total
