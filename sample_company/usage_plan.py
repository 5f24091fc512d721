"""The plan from which daily usage is drawn: counters, start and level of each organization, and its course."""

from dataclasses import dataclass

import numpy as np

from sample_company.accounts import Account
from sample_company.parameters import DAYS, EVENTS, FREE_ADOPTION, GROUPS, IDENTIFIED
from sample_company.rating import PriceList
from sample_company.signups import Signups

DAYS_OF_A_MONTH = 365 / 12
LEAVES_SHARE = 0.2
NEVER_USES_SHARE = 0.07
UNPRICED_SHARE = 0.04
# A day number that no simulation reaches.
NEVER = 10 * DAYS

# Organization, counter number, mean units per day, first day number: arrays of one length.
Pairs = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass
class UsagePlan:
    """Sorted pairs of organization and counter; all other arrays have one value per organization.

    Days are day numbers. `start_ratio` is the level of the first day relative to that of `growth_end`. The last five
    arrays are those of `courses`: noise as a multiple of the usual, number of a calendar (0 is none), the day of a step
    and the level before it as a multiple of that after it, days of a ramp (0 is none).
    """

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
    pause_day: np.ndarray
    pause_end: np.ndarray
    weekend: np.ndarray
    active_share: np.ndarray
    identified_share: np.ndarray
    group_share: np.ndarray
    burst_day: np.ndarray
    burst_factor: np.ndarray
    noise: np.ndarray
    calendar: np.ndarray
    step_day: np.ndarray
    step_from: np.ndarray
    ramp_days: np.ndarray

    def set_pairs(self, pairs: list[Pairs], launch_day: np.ndarray) -> None:
        """Set the pairs; a counter starts no earlier than the launch day of its product."""
        organization, counter, daily, start = (np.concatenate(column) for column in zip(*pairs, strict=True))
        order = np.lexsort((counter, organization))
        self.pair_organization, self.pair_counter = organization[order], counter[order]
        self.pair_daily = np.round(daily[order], 6)
        self.pair_start = np.maximum(start[order], launch_day[counter[order]])


def free_course(signups: Signups, rng: np.random.Generator) -> UsagePlan:
    """The course of free organizations: some never start, some leave, most stay small."""
    count = len(signups.ids)
    created = signups.created_day
    is_prompt = rng.random(count) < 0.72
    first = created + np.where(is_prompt, rng.integers(0, 5, count), rng.exponential(16, count).astype(int))
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
        decline_day=np.where(leaves & (life > 60), last - 40, NEVER),
        last_day=last,
        pause_day=np.full(count, NEVER),
        pause_end=np.full(count, NEVER),
        weekend=np.round(np.where(is_consumer, 0.8 + 0.6 * rng.random(count), 0.2 + 0.3 * rng.random(count)), 4),
        active_share=np.round(0.64 + 0.36 * np.sqrt(rng.random(count)), 4),
        identified_share=np.round(0.05 + 0.8 * rng.random(count), 4),
        group_share=np.where(rng.random(count) < 0.06, 0.4, 0.0),
        burst_day=created + (rng.random(count) * 400).astype(np.int64),
        burst_factor=np.where(rng.random(count) < 0.3, 2 + np.round(5 * rng.random(count), 4), 1.0),
        noise=np.ones(count),
        calendar=np.zeros(count, np.int64),
        step_day=np.zeros(count, np.int64),
        step_from=np.ones(count),
        ramp_days=np.zeros(count, np.int64),
    )  # fmt: skip


def free_pairs(
    signups: Signups, accounts: list[Account], plan: UsagePlan, prices: PriceList, rng: np.random.Generator
) -> Pairs:
    """Free organizations stay below the free tiers; a second product comes later, if ever."""
    count = len(signups.ids)
    is_free = np.ones(count, bool)
    is_free[[organization for account in accounts for organization in account.organizations]] = False
    is_free &= plan.last_day > plan.first_day
    size = rng.standard_normal(count)
    columns: list[Pairs] = []
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
    chosen = np.flatnonzero(is_free & (rng.random(count) < UNPRICED_SHARE))
    daily = np.round(1 + rng.exponential(6, len(chosen)), 3)
    columns.append((chosen, np.full(len(chosen), len(prices.counters)), daily, plan.first_day[chosen]))
    organization, counters, means, start = (np.concatenate(column) for column in zip(*columns, strict=True))
    return organization, counters, means, start


def derived_counters(counts: np.ndarray, identified_share: np.ndarray, group_share: np.ndarray) -> None:
    """Fill in identified events and events with groups, which are subsets of all events."""
    counts[IDENTIFIED] = (counts[EVENTS] * identified_share).astype(np.int64)
    counts[GROUPS] = (counts[EVENTS] * group_share).astype(np.int64)
