"""Companies of made-up accounts whose daily usage has a shape with a name: what forecasts are measured on.

A shape is a function of the day numbers, the days of their months, their weekdays and a generator, and returns the
mean usage of each day as a multiple of the account's level.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

FIRST_DAY = date(2024, 6, 1)
DAYS = 638  # To the end of February 2026: two Decembers.


@dataclass(frozen=True)
class Calendar:
    """The days of the company, as arrays of one length."""

    number: np.ndarray
    day_of_month: np.ndarray
    days_of_month: np.ndarray
    weekday: np.ndarray
    day_of_year: np.ndarray
    month: np.ndarray


@dataclass(frozen=True)
class Account:
    """An account: its daily units, its terms, and the number of its first day."""

    name: str
    shape: str
    first_day: int
    anchor_day: int
    units: np.ndarray
    limit_usd: float | None = None
    package: str | None = None


Shape = Callable[[Calendar, np.random.Generator], np.ndarray]


def calendar() -> Calendar:
    """The calendar of the company's days."""
    dates = [FIRST_DAY + timedelta(days=number) for number in range(DAYS)]
    ends = [(day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1) for day in dates]
    return Calendar(
        np.arange(DAYS),
        np.array([day.day for day in dates]),
        np.array([day.day for day in ends]),
        np.array([day.weekday() for day in dates]),
        np.array([day.timetuple().tm_yday for day in dates]),
        np.array([day.month for day in dates]),
    )


def weekly(days: Calendar, rest: float) -> np.ndarray:
    """Weekends have the share `rest` of a working day."""
    return np.where(days.weekday >= 5, rest, 1.0)


def noise(days: Calendar, rng: np.random.Generator, spread: float) -> np.ndarray:
    """Independent noise around 1."""
    return np.exp(rng.normal(0, spread, len(days.number)) - spread**2 / 2)


def drift(days: Calendar, rng: np.random.Generator, spread: float) -> np.ndarray:
    """A random walk in logarithms that is pulled back to 1."""
    level, levels = 0.0, []
    for step in rng.normal(0, spread, len(days.number)):
        level = 0.97 * level + step
        levels.append(level)
    return np.exp(np.array(levels))


def step_at(days: Calendar, rng: np.random.Generator, factor: float) -> np.ndarray:
    """A lasting change of level in the second half."""
    return np.where(days.number >= rng.integers(300, 560), factor, 1.0)


TUNED: dict[str, Shape] = {
    "steady": lambda d, r: weekly(d, 0.5) * noise(d, r, 0.04),
    "noisy": lambda d, r: weekly(d, 0.5) * noise(d, r, 0.5),
    "drifting": lambda d, r: weekly(d, 0.6) * drift(d, r, 0.08) * noise(d, r, 0.1),
    "month_end": lambda d, r: np.where(d.days_of_month - d.day_of_month < 4, 6.0, 0.6) * noise(d, r, 0.12),
    "month_start": lambda d, r: np.where(d.day_of_month <= 4, 7.0, 0.6) * noise(d, r, 0.12),
    "wave": lambda d, r: 1 + 0.7 * np.sin(2 * np.pi * d.day_of_month / d.days_of_month + 1) * noise(d, r, 0.05),
    "on_off": lambda d, r: np.where(d.number // 7 % 2 == 0, 1.7, 0.2) * noise(d, r, 0.1),
    "step_up": lambda d, r: weekly(d, 0.5) * step_at(d, r, 2.5) * noise(d, r, 0.08),
    "step_down": lambda d, r: weekly(d, 0.5) * step_at(d, r, 0.35) * noise(d, r, 0.08),
    "many_steps": lambda d, r: np.exp(r.normal(0, 0.5, 12))[d.number // 60] * noise(d, r, 0.1),
    "growth": lambda d, r: 1.003**d.number * weekly(d, 0.5) * noise(d, r, 0.1),
    "fast_growth": lambda d, r: 1.008 ** (d.number / 2) * noise(d, r, 0.15),
    "decay": lambda d, r: 0.9975**d.number * weekly(d, 0.5) * noise(d, r, 0.1),
    "ramp": lambda d, r: np.clip((d.number - d.number[0]) / 120, 0.02, 1) * weekly(d, 0.6) * noise(d, r, 0.12),
    "december": lambda d, r: np.where((d.day_of_year >= 350) | (d.day_of_year <= 4), 0.25, 1) * noise(d, r, 0.08),
    "bursts": lambda d, r: np.where(r.random(len(d.number)) < 0.02, 9.0, 1.0) * noise(d, r, 0.1),
    "burst_weeks": lambda d, r: np.where(r.random(120) < 0.06, 3.0, 1.0)[d.number // 7] * noise(d, r, 0.1),
    "weekdays_only": lambda d, r: weekly(d, 0.0) * noise(d, r, 0.2),
    "weekend_only": lambda d, r: np.where(d.weekday >= 5, 1.0, 0.02) * noise(d, r, 0.2),
    "outage": lambda d, r: np.where((d.number % 113 < 4) & (d.number > 60), 0.0, 1.0) * noise(d, r, 0.1),
    "sparse": lambda d, r: (r.random(len(d.number)) < 0.25) * noise(d, r, 0.6),
    "summer": lambda d, r: np.where((d.month == 8) | (d.month == 7), 0.5, 1.0) * weekly(d, 0.5) * noise(d, r, 0.1),
    "payday": lambda d, r: (
        np.where((d.day_of_month == 15) | (d.day_of_month == d.days_of_month), 12.0, 0.5) * noise(d, r, 0.1)
    ),
    "constant": lambda d, r: np.ones(len(d.number)),
}
# Neither tuned on nor looked at while any part of the method was made: what forecasts are judged by.
JUDGED: dict[str, Shape] = {
    "month_end_and_week": lambda d, r: (
        np.where(d.days_of_month - d.day_of_month < 5, 3.0, 0.8) * weekly(d, 0.3) * noise(d, r, 0.15)
    ),
    "mid_month": lambda d, r: np.where((d.day_of_month >= 14) & (d.day_of_month <= 17), 6.0, 0.6) * noise(d, r, 0.15),
    "first_ten_days": lambda d, r: np.where(d.day_of_month <= 10, 1.8, 0.5) * noise(d, r, 0.2),
    "saw_tooth": lambda d, r: (0.3 + 1.4 * d.day_of_month / d.days_of_month) * noise(d, r, 0.1),
    "last_friday": lambda d, r: (
        np.where((d.weekday == 4) & (d.days_of_month - d.day_of_month < 7), 12.0, 0.7) * noise(d, r, 0.15)
    ),
    "two_on_two_off": lambda d, r: np.where(d.number // 14 % 2 == 0, 1.8, 0.2) * noise(d, r, 0.1),
    "calm": lambda d, r: weekly(d, 0.7) * noise(d, r, 0.02),
    "working_days_noisy": lambda d, r: weekly(d, 0.05) * noise(d, r, 0.45),
    "slow_drift": lambda d, r: weekly(d, 0.5) * drift(d, r, 0.04) * noise(d, r, 0.08),
    "step_tenfold": lambda d, r: step_at(d, r, 10.0) * weekly(d, 0.6) * noise(d, r, 0.1),
    "step_to_a_tenth": lambda d, r: step_at(d, r, 0.1) * weekly(d, 0.6) * noise(d, r, 0.1),
    "two_steps": lambda d, r: step_at(d, r, 1.8) * step_at(d, r, 0.6) * noise(d, r, 0.12),
    "linear_growth": lambda d, r: (1 + d.number / 200) * weekly(d, 0.4) * noise(d, r, 0.12),
    "growth_that_stops": lambda d, r: 1.006 ** np.minimum(d.number, 420) * weekly(d, 0.5) * noise(d, r, 0.1),
    "half_year_wave": lambda d, r: (1 + 0.5 * np.sin(2 * np.pi * d.number / 182)) * noise(d, r, 0.1),
    "december_rush": lambda d, r: np.where((d.month == 12) & (d.day_of_month < 24), 2.5, 1.0) * noise(d, r, 0.1),
    "closed_at_year_end": lambda d, r: (
        np.where((d.day_of_year >= 357) | (d.day_of_year <= 5), 0.1, 1.0) * weekly(d, 0.4) * noise(d, r, 0.12)
    ),
    "weekly_job": lambda d, r: np.where(d.weekday == 6, 8.0, 0.4) * noise(d, r, 0.25),
    "spikes": lambda d, r: np.where(r.random(len(d.number)) < 0.01, 15.0, 1.0) * weekly(d, 0.5) * noise(d, r, 0.15),
    "heavy_tail": lambda d, r: np.exp(r.standard_t(3, len(d.number)) * 0.3),
    "quick_ramp": lambda d, r: np.clip((d.number - d.number[0] + 3) / 30, 0.1, 1) * weekly(d, 0.5) * noise(d, r, 0.15),
    "pauses": lambda d, r: np.where(d.number // 40 % 5 == 4, 0.0, 1.0) * noise(d, r, 0.15),
}


def accounts_of(shapes: dict[str, Shape], seed: int, copies: int) -> list[Account]:
    """So many accounts of each shape. A third of them came late; every eighth has a limit or a package."""
    accounts = []
    for position, (name, shape) in enumerate(shapes.items()):
        for copy in range(copies):
            rng = np.random.default_rng([seed, position, copy])
            whole = calendar()
            first = int(rng.integers(200, 520)) if copy % 3 == 2 else int(rng.integers(0, 60))
            days = Calendar(*(values[first:] for values in vars(whole).values()))
            level = np.exp(rng.uniform(np.log(45_000), np.log(3_000_000)))
            units = np.round(np.maximum(shape(days, rng), 0) * level)
            limit = float(rng.choice([100, 400])) if copy % 8 == 5 else None
            package = "boost" if copy % 8 == 6 else None
            anchor = 1 if copy % 2 == 0 else int(rng.integers(2, 29))
            accounts.append(Account(f"{name}_{copy}", name, first, anchor, units, limit, package))
    return accounts
