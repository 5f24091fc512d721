"""Who signs up and when: growth, weekdays, holidays and launch weeks."""

from dataclasses import dataclass

import numpy as np

from sample_company.parameters import (
    CHANNELS,
    DAY_US,
    DAYS,
    FIRST_DAY_US,
    HOLIDAYS,
    LAUNCHES,
    SECOND_US,
    Size,
    day_at,
    day_number,
)

HOUR_WEIGHTS = np.array([4, 3, 3, 3, 3, 4, 6, 9, 12, 14, 14, 13, 12, 14, 16, 17, 17, 15, 13, 11, 10, 9, 7, 5])
WEEKDAY_WEIGHTS = np.array([1.08, 1.15, 1.12, 1.05, 0.88, 0.46, 0.42])
CHANNEL_WEIGHTS_FIRST = np.array([0.40, 0.19, 0.15, 0.12, 0.02, 0.05, 0.03, 0.04])
CHANNEL_WEIGHTS_LAST = np.array([0.33, 0.13, 0.11, 0.10, 0.20, 0.06, 0.03, 0.04])
UNKNOWN_CHANNEL_SHARE = 0.22
EU_SHARE = 0.34


@dataclass
class Signups:
    """Every organization in the order of its creation: microseconds, ids, channel number (-1 unknown), region."""

    created_us: np.ndarray
    ids: np.ndarray
    channel: np.ndarray
    is_eu: np.ndarray
    is_internal: np.ndarray

    @property
    def created_day(self) -> np.ndarray:
        """Day number of each organization's creation."""
        return (self.created_us - FIRST_DAY_US) // DAY_US


def simulate_signups(size: Size, rng: np.random.Generator) -> Signups:
    """`size.organizations` sign-ups over the calendar, with the vendor's own organizations among the first."""
    count = size.organizations
    bounds = np.cumsum(_day_weights(rng))
    days = np.sort(np.searchsorted(bounds, rng.random(count) * bounds[-1]))
    hours = np.searchsorted(np.cumsum(HOUR_WEIGHTS), rng.random(count) * HOUR_WEIGHTS.sum(), side="right")
    microseconds = rng.integers(0, 3_600 * SECOND_US, count)
    created = np.sort(FIRST_DAY_US + days * DAY_US + hours * 3_600 * SECOND_US + microseconds)
    progress = ((created - FIRST_DAY_US) / (DAYS * DAY_US))[:, None]
    weights = np.cumsum(CHANNEL_WEIGHTS_FIRST * (1 - progress) + CHANNEL_WEIGHTS_LAST * progress, axis=1)
    channel = (rng.random(count)[:, None] >= weights).sum(axis=1).clip(0, len(CHANNELS) - 1)
    channel[rng.random(count) < UNKNOWN_CHANNEL_SHARE] = -1
    is_internal = np.zeros(count, bool)
    is_internal[rng.choice(count // 4, size.internal, replace=False)] = True
    return Signups(created, time_ordered_ids(created, rng), channel, rng.random(count) < EU_SHARE, is_internal)


def time_ordered_ids(created_us: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Version 7 UUIDs: milliseconds, then random bits. Shape of `created_us`, as text of 36 characters."""
    count = len(created_us)
    octets = rng.integers(0, 256, (count, 16), dtype=np.uint8)
    milliseconds = created_us // 1_000
    for position in range(6):
        octets[:, position] = (milliseconds >> (8 * (5 - position))) & 0xFF
    octets[:, 6] = (octets[:, 6] & 0x0F) | 0x70
    octets[:, 8] = (octets[:, 8] & 0x3F) | 0x80
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    text = np.full((count, 36), ord("-"), dtype=np.uint8)
    places = [place for place in range(36) if place not in (8, 13, 18, 23)]
    text[:, places[0::2]] = digits[octets >> 4]
    text[:, places[1::2]] = digits[octets & 0x0F]
    return text.view("S36").ravel().astype("U36")


def _day_weights(rng: np.random.Generator) -> np.ndarray:
    progress = np.arange(DAYS) / DAYS
    weights = 1 + 1.1 * progress + 0.6 * progress * progress
    days = [day_at(number) for number in range(DAYS)]
    weights = weights * WEEKDAY_WEIGHTS[[day.weekday() for day in days]]
    weights[[day in HOLIDAYS for day in days]] *= 0.45
    for day, factor in LAUNCHES:
        for later in range(6):
            weights[day_number(day) + later] *= 1 + (factor - 1) * (1 - later / 6)
    return weights * (0.85 + 0.3 * rng.random(DAYS))
