"""Which products an organization uses, since when and how much: the base rates that daily usage is drawn from."""

from dataclasses import dataclass

import numpy as np

from ingestion.sample_company.accounts import Account
from ingestion.sample_company.parameters import (
    DAYS,
    EVENTS,
    FREE_ADOPTION,
    GROUPS,
    IDENTIFIED,
    LAUNCH_DAYS,
    UNPRICED_COUNTER,
    day_at,
    day_number,
    instant,
)
from ingestion.sample_company.rating import SCALE, PriceList
from ingestion.sample_company.signups import Signups
from ingestion.sample_company.terms import plan_limits

DAYS_OF_A_MONTH = 365 / 12
ADD_ONS = ("enhanced_persons", "group_analytics")
PRODUCT_COUNTS = {
    "1m": (9, 11), "50k": (6, 9), "25k": (4, 7), "5k": (3, 5), "first_bill": (2, 4), "1k": (2, 3), "micro": (1, 2),
    "churned": (2, 3), "startup": (3, 5), "card_only": (1, 2),
}  # fmt: skip
# Share of a spend that goes to a product, before the draw.
SPEND_WEIGHTS = {
    "product_analytics": 3.0, "session_replay": 2.4, "feature_flags": 1.6, "error_tracking": 1.1, "data_warehouse": 1.0,
    "surveys": 0.5, "llm_analytics": 0.9, "logs": 0.7, "realtime_destinations": 0.7, "batch_exports": 0.5,
    "mobile_replay": 0.7, "workflows_emails": 0.5,
}  # fmt: skip
LEAVES_SHARE = 0.2
NEVER_USES_SHARE = 0.07


@dataclass
class UsagePlan:
    """Pairs of organization and counter with their daily rate, and each organization's course over time."""

    pair_organization: np.ndarray
    pair_counter: np.ndarray
    pair_daily: np.ndarray
    pair_start: np.ndarray
    start_ratio: np.ndarray
    is_late_bloomer: np.ndarray
    first_day: np.ndarray
    growth_end: np.ndarray
    decline_day: np.ndarray
    last_day: np.ndarray
    weekend: np.ndarray
    active_share: np.ndarray
    identified_share: np.ndarray
    group_share: np.ndarray
    burst_day: np.ndarray
    burst_factor: np.ndarray


def plan_usage(signups: Signups, accounts: list[Account], prices: PriceList, rng: np.random.Generator) -> UsagePlan:
    """The usage plan of every organization; fills in the accounts' products, quantities and settings as well."""
    plan = _free_course(signups, rng)
    pairs = [_free_pairs(signups, accounts, plan, prices, rng)]
    for account in accounts:
        _choose_products(account, signups, prices, rng)
        _account_course(account, signups, plan, rng)
        pairs += _account_pairs(account, signups, plan, prices)
    organization, counter, daily, start = (np.concatenate(column) for column in zip(*pairs, strict=True))
    order = np.lexsort((counter, organization))
    launch = np.array(
        [day_number(LAUNCH_DAYS[c]) if c in LAUNCH_DAYS else 0 for c in (*prices.counters, UNPRICED_COUNTER)]
    )
    plan.pair_organization, plan.pair_counter = organization[order], counter[order]
    plan.pair_daily, plan.pair_start = np.round(daily[order], 6), np.maximum(start[order], launch[counter[order]])
    return plan


def _free_course(signups: Signups, rng: np.random.Generator) -> UsagePlan:
    count = len(signups.ids)
    created = signups.created_day
    first = created + np.where(
        rng.random(count) < 0.72, rng.integers(0, 5, count), rng.exponential(16, count).astype(int)
    )
    never = rng.random(count) < NEVER_USES_SHARE
    life = np.round(rng.exponential(70, count)).astype(np.int64) + 1
    leaves = rng.random(count) < LEAVES_SHARE
    last = np.where(never, first, np.where(leaves, np.minimum(first + life, DAYS), DAYS))
    is_consumer = rng.random(count) < 0.4
    nothing = np.zeros(0, np.int64)
    return UsagePlan(
        nothing, nothing, np.zeros(0), nothing,
        start_ratio=np.round(0.15 + 1.6 * rng.random(count), 4),
        is_late_bloomer=rng.random(count) < 0.4,
        first_day=first,
        growth_end=np.minimum(last, DAYS),
        decline_day=np.where(leaves & (life > 60), last - 40, DAYS + 100),
        last_day=last,
        weekend=np.round(np.where(is_consumer, 0.8 + 0.6 * rng.random(count), 0.2 + 0.3 * rng.random(count)), 4),
        active_share=np.round(0.64 + 0.36 * np.sqrt(rng.random(count)), 4),
        identified_share=np.round(0.05 + 0.8 * rng.random(count), 4),
        group_share=np.where(rng.random(count) < 0.06, 0.4, 0.0),
        burst_day=created + (rng.random(count) * 400).astype(np.int64),
        burst_factor=np.where(rng.random(count) < 0.3, 2 + np.round(5 * rng.random(count), 4), 1.0),
    )  # fmt: skip


def _free_pairs(
    signups: Signups, accounts: list[Account], plan: UsagePlan, prices: PriceList, rng: np.random.Generator
) -> tuple[np.ndarray, ...]:
    """Free organizations stay below the free tiers; products that the company adds later are adopted later."""
    count = len(signups.ids)
    is_free = np.ones(count, bool)
    is_free[[organization for account in accounts for organization in account.organizations]] = False
    is_free &= plan.last_day > plan.first_day
    size = rng.standard_normal(count)
    columns: list[tuple[np.ndarray, ...]] = []
    for product, share in FREE_ADOPTION.items():
        free_units = prices.versions(product)[-1].upper_bounds[0] or 0
        adopts = is_free & (rng.random(count) < share)
        spread = np.exp(-3.1 + 1.3 * size + 1.1 * rng.standard_normal(count))
        monthly = np.minimum(spread, 0.75) * free_units * np.where(signups.is_internal, 3.0, 1.0)
        waits = np.where(rng.random(count) < 0.5, 0, rng.exponential(110, count)).astype(np.int64)
        if product == "product_analytics":
            waits[:] = 0
        chosen = np.flatnonzero(adopts)
        counter = np.full(len(chosen), prices.products.index(product))
        columns.append((chosen, counter, monthly[chosen] / DAYS_OF_A_MONTH, (plan.first_day + waits)[chosen]))
    chosen = np.flatnonzero(is_free & (rng.random(count) < 0.04))
    daily = np.round(1 + rng.exponential(6, len(chosen)), 3)
    columns.append((chosen, np.full(len(chosen), len(prices.counters)), daily, plan.first_day[chosen]))
    return tuple(np.concatenate(column) for column in zip(*columns, strict=True))


def _choose_products(account: Account, signups: Signups, prices: PriceList, rng: np.random.Generator) -> None:
    low, high = PRODUCT_COUNTS[account.group]
    names = list(SPEND_WEIGHTS)
    weights = np.array(list(SPEND_WEIGHTS.values()))
    count = int(rng.integers(low, high + 1))
    chosen = [names[i] for i in sorted(rng.choice(len(names), count, replace=False, p=weights / weights.sum()))]
    if "product_analytics" not in chosen and (account.group != "micro" or rng.random() < 0.6):
        chosen = ["product_analytics", *chosen[1:]]
    account.identified_share = round(float(rng.uniform(0.15, 0.9)), 3)
    account.group_share = round(float(rng.uniform(0.1, 0.6)), 3) if rng.random() < 0.35 else 0.0
    flat = prices.tariff(account.package, day_at(0)).flat_cents / 100 if account.package else 0.0
    kept = 1 - account.discount_basis_points / 10_000
    usage_usd = max(account.net_usd_year / 12 / kept - flat, account.net_usd_year / 12 * 0.4)
    shares = rng.gamma(1.6, 1.0, len(chosen)) * np.array([SPEND_WEIGHTS[p] for p in chosen])
    spend = {p: float(usage_usd * s / shares.sum()) for p, s in zip(chosen, shares, strict=True)}
    if account.kind == "card_only":
        spend = dict.fromkeys(chosen, 0.0)
    account.quantities = {p: _monthly_quantity(account, prices, p, usd) for p, usd in spend.items()}
    _adopt(account, signups, list(spend), rng)
    plan_limits(account, spend, rng)


def _adopt(account: Account, signups: Signups, chosen: list[str], rng: np.random.Generator) -> None:
    """The first product is there from the start; others come in the first three fifths of the account's life."""
    created = int(signups.created_day[account.organizations[0]])
    end = account.end_day or DAYS
    widest = 0.0 if account.group in ("first_bill", "churned") else 0.6 * (end - account.start_day)
    prices_start = {"error_tracking": 75, "llm_analytics": 213, "workflows_emails": 334, "logs": 395}
    subscribed = []
    for position, product in enumerate(chosen):
        launch = prices_start.get(product, 0)
        wait = 0 if position < max(1, len(chosen) // 2) else int(widest * rng.random())
        day = max(
            created if wait == 0 else account.start_day + wait, launch + 3 + int(rng.integers(0, 40)) if launch else 0
        )
        account.adopted_days[product] = day
        keys = (product, *ADD_ONS[: 2 if account.group_share else 1]) if product == "product_analytics" else (product,)
        if day <= account.start_day:
            subscribed += keys
        elif day < end - 3:
            account.changes.append(
                (instant(day, 9 * 3600 + int(rng.integers(0, 30_000))), {"add_products": list(keys)})
            )
    if not subscribed:
        subscribed = list(chosen[:1])
    account.changes.append((account.start_us, {"add_products": subscribed}))


def _monthly_quantity(account: Account, prices: PriceList, product: str, usd: float) -> float:
    """Counter units a month whose list value is `usd`; events carry their add-ons."""
    share = {product: 1.0}
    if product == "product_analytics":
        share |= {"enhanced_persons": account.identified_share, "group_analytics": account.group_share}
    free = prices.versions(product)[-1].upper_bounds[0] or 0
    if usd <= 0:
        return round(0.45 * free)
    low, high = 0.0, 2e11
    for _ in range(48):
        middle = (low + high) / 2
        if sum(_value(prices, key, middle * part) for key, part in share.items()) < usd:
            low = middle
        else:
            high = middle
    return float(np.rint(high))


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


def _account_course(account: Account, signups: Signups, plan: UsagePlan, rng: np.random.Generator) -> None:
    for organization in account.organizations:
        created = int(signups.created_day[organization])
        plan.start_ratio[organization] = account.start_ratio
        plan.first_day[organization] = created
        plan.growth_end[organization] = DAYS
        plan.decline_day[organization] = DAYS + 100
        plan.last_day[organization] = DAYS
        plan.active_share[organization] = 1.0
        plan.burst_factor[organization] = 1.0 if rng.random() < 0.85 or account.group == "1m" else 3.5
        plan.identified_share[organization] = account.identified_share
        plan.group_share[organization] = account.group_share
        plan.is_late_bloomer[organization] = rng.random() < 0.35
        if account.end_day is not None:
            plan.growth_end[organization] = account.end_day
            plan.decline_day[organization] = account.end_day - 45
            plan.last_day[organization] = min(DAYS, account.end_day + int(rng.integers(2, 30)))


def _account_pairs(
    account: Account, signups: Signups, plan: UsagePlan, prices: PriceList
) -> list[tuple[np.ndarray, ...]]:
    pairs = []
    for organization, share in zip(account.organizations, account.shares, strict=True):
        products = list(account.quantities)
        counter = np.array([prices.products.index(product) for product in products])
        daily = np.array([account.quantities[product] * share / DAYS_OF_A_MONTH for product in products])
        created = int(signups.created_day[organization])
        start = np.array([max(created, account.adopted_days[product]) for product in products])
        pairs.append((np.full(len(products), organization), counter, daily, start))
    return pairs


def derived_counters(counts: np.ndarray, identified_share: np.ndarray, group_share: np.ndarray) -> None:
    """Identified events and events with groups are views of the same events: fill them in, never above them."""
    counts[IDENTIFIED] = (counts[EVENTS] * identified_share).astype(np.int64)
    counts[GROUPS] = (counts[EVENTS] * group_share).astype(np.int64)
