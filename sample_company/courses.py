"""Courses of usage that are hard to foresee, planted in fixed shares of the billing accounts that go on to the end.

| course | share | what it is |
| --- | --- | --- |
| calm, restless | a quarter each | noise of 0.4 and of 2 times the usual |
| month end | 6 % | the last four days of a month have six times the usage of the others |
| month start | 6 % | so have the first four days |
| on and off | 6 % | every other week has 0.3 times the mean, the others 1.7 times |
| step | 12 % | on a day in the second half of its life usage changes for good, from 0.5 or from 1.6 times the later |
| ramp | 70 % of first bills | usage climbs from a quarter to all of it within the first 20 to 50 days |

A month has about as much usage with a calendar as without one, and a step ends at what was planned.
"""

from calendar import monthrange
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sample_company.accounts import Account
from sample_company.parameters import DAYS, EVENTS, day_at
from sample_company.signups import Signups
from sample_company.usage_plan import DAYS_OF_A_MONTH, NEVER, Pairs, UsagePlan

SHARES = {"month_end": 0.06, "month_start": 0.06, "on_off": 0.06, "step": 0.12}
CALM, RESTLESS = 0.4, 2.0
RAMP_SHARE = 0.7
RAMP_DAYS = (20, 51)
STEPS = (0.5, 1.6)
# Of these other things are planted, which a course would hide.
PLANTED_OTHERWISE = {"refund_credit_note", "paused", "declining", "vendor", "unsubscribed_product", "bill_rises"}
BUSY_DAYS, BUSY_FACTOR = 4, 6.0
# Free organizations that come near the free tier: how many, signed up in which days, from and to which share of it.
GROWING = 3
GROWS_SINCE = (380, 460)
GROWS_FROM, GROWS_UP_TO = 0.3, 0.97


def plant_courses(accounts: Sequence[Account], plan: UsagePlan, rng: np.random.Generator) -> None:
    """Set the courses of the accounts in the plan."""
    usual = [a for a in accounts if a.end_day is None and a.kind == "payg" and not a.traits & PLANTED_OTHERWISE]
    for group, noise in zip(_parts(usual, [0.25, 0.25], rng), (CALM, RESTLESS), strict=True):
        for account in group:
            plan.noise[account.organizations] = noise
    settled = [account for account in usual if account.group not in ("first_bill", "startup")]
    parts = _parts(settled, list(SHARES.values()), rng)
    for number, group in enumerate(parts[:-1]):
        for account in group:
            plan.calendar[account.organizations] = number + 1
    for position, account in enumerate(parts[-1]):
        life = DAYS - account.start_day
        plan.step_day[account.organizations] = account.start_day + int((0.5 + 0.4 * rng.random()) * life)
        plan.step_from[account.organizations] = STEPS[position % len(STEPS)]
    for account in _parts([account for account in usual if account.group == "first_bill"], [RAMP_SHARE], rng)[0]:
        plan.ramp_days[account.organizations] = int(rng.integers(*RAMP_DAYS))


def plant_free_growth(signups: Signups, pairs: Pairs, plan: UsagePlan, free_events: int) -> list[int]:
    """Let a few free organizations grow evenly up to just below the free tier of events; returns them."""
    organization, counter, daily, _ = pairs
    sends = np.flatnonzero(counter == EVENTS)
    created = signups.created_day[organization[sends]]
    stays = (plan.last_day[organization[sends]] == DAYS) & ~signups.is_internal[organization[sends]]
    planted = sends[stays & (created >= GROWS_SINCE[0]) & (created < GROWS_SINCE[1])][:GROWING]
    chosen = organization[planted]
    daily[planted] = GROWS_UP_TO * free_events / DAYS_OF_A_MONTH
    plan.start_ratio[chosen] = GROWS_FROM
    plan.is_late_bloomer[chosen] = False
    plan.growth_end[chosen] = DAYS
    plan.decline_day[chosen] = NEVER
    plan.active_share[chosen] = 1.0
    plan.burst_factor[chosen] = 1.0
    plan.noise[chosen] = CALM
    return chosen.tolist()


def course_factors(plan: UsagePlan, organizations: np.ndarray, days: np.ndarray) -> np.ndarray:
    """What the courses of organizations make of usage, shape (day, organization)."""
    dates, day = [day_at(number) for number in days.tolist()], days[:, None]
    of_month = np.array([date.day for date in dates])
    lengths = np.array([monthrange(date.year, date.month)[1] for date in dates])
    calendars = [
        np.ones(len(days)),
        _busy(lengths - of_month < BUSY_DAYS, lengths),
        _busy(of_month <= BUSY_DAYS, lengths),
        np.where(days // 7 % 2 == 0, 1.7, 0.3),
    ]
    factor = np.stack(calendars)[plan.calendar[organizations]].T
    factor = factor * np.where(day < plan.step_day[organizations], plan.step_from[organizations], 1.0)
    since = day - plan.first_day[organizations]
    climb = np.clip(0.25 + 0.75 * since / np.maximum(plan.ramp_days[organizations], 1), 0.25, 1)
    return factor * np.where(plan.ramp_days[organizations] > 0, climb, 1.0)


def _busy(is_busy: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Factors of the days of a month whose mean is 1."""
    return np.where(is_busy, BUSY_FACTOR, 1.0) * lengths / (lengths - BUSY_DAYS + BUSY_DAYS * BUSY_FACTOR)


def _parts(accounts: list[Account], shares: list[float], rng: np.random.Generator) -> list[list[Account]]:
    """Disjoint parts of the accounts, of these shares rounded to whole accounts."""
    order = rng.permutation(len(accounts))
    ends = np.rint(np.cumsum([0.0, *shares]) * len(accounts)).astype(int)
    return [[accounts[n] for n in order[first:last]] for first, last in pairwise(ends)]
