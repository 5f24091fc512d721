"""Daily usage reports, drawn and written by month, and the pooled quantities of every billing period."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sample_company.accounts import Account
from sample_company.courses import course_factors
from sample_company.parameters import (
    DAYS,
    FIRST_DAY,
    HOLIDAYS,
    LAUNCH_DAYS,
    MISSING_COLUMNS,
    MONTHS,
    SECOND_US,
    UNPRICED_COUNTER,
    add_months,
    day_at,
    day_number,
    instant,
)
from sample_company.signups import Signups
from sample_company.usage_plan import UsagePlan, derived_counters

RESENT_SHARE = 0.05
LATE_SHARE = 0.012
LATE_DAY_SHARE = 0.2
ZERO_REPORT_SHARE = 0.1
# In the first weeks every organization is reported, so that no day's file is empty.
FIRST_DAYS = 14
# A late report arrives up to this many days later, always before its period's invoice.
LATEST_DAYS = 3
DAY_SECONDS = 86_400


@dataclass
class PeriodUsage:
    """Pooled counter units, shape (period, counter): account `a`'s period `k` is row `first_row[a] + k`."""

    first_row: np.ndarray
    units: np.ndarray

    def of(self, account: Account, period: int) -> np.ndarray:
        return self.units[self.first_row[account.number] + period]


@dataclass(frozen=True)
class _Run:
    """One batch of reports: organizations (positions among those alive), share of the day so far, instants."""

    organizations: np.ndarray
    share: float
    received_us: np.ndarray


class UsageSimulation:
    """Draws every organization's counters; `write` may be called once."""

    def __init__(
        self,
        *,
        signups: Signups,
        accounts: list[Account],
        plan: UsagePlan,
        counters: list[str],
        rng: np.random.Generator,
    ) -> None:
        self._created_day = signups.created_day
        self._ids = pa.array(signups.ids.tolist(), pa.string())
        self._plan = plan
        self._names = [*counters, UNPRICED_COUNTER]
        self._rng = rng
        self._pool_periods(accounts)

    def write(self, directory: Path, users_on: Callable[[int], np.ndarray]) -> tuple[PeriodUsage, int]:
        """Write `date=YYYY-MM-DD` folders under `directory`; returns the pooled usage and the number of rows.

        `users_on` returns the users of every organization at the start of a day number.
        """
        rows = 0
        for month in range(MONTHS + 1):
            first, last = (min(day_number(add_months(FIRST_DAY, number)), DAYS) for number in (month, month + 1))
            alive = np.flatnonzero((self._created_day < last) & (self._plan.last_day > first))
            counts = self._month_counts(alive, first, last)
            self._pool(counts, alive, first, last)
            users = users_on(first)[alive]
            for day in range(first, last):
                rows += self._write_day(directory, day, alive, counts[:, day - first], users)
        return self._pooled, rows

    def _pool_periods(self, accounts: list[Account]) -> None:
        """Map each billed organization and day to the row of its billing period."""
        first_row = np.concatenate([[0], np.cumsum([len(account.period_days) - 1 for account in accounts])])
        organizations = [organization for account in accounts for organization in account.organizations]
        period_row = np.full((len(organizations), DAYS + 10), -1, np.int32)
        position = 0
        for account in accounts:
            for _ in account.organizations:
                for period in range(account.closed_periods + (account.final_period is None)):
                    start, end = account.period_days[period], account.period_days[period + 1]
                    period_row[position, start:end] = first_row[account.number] + period
                position += 1
        order = np.argsort(organizations)
        self._billed_organizations = np.array(organizations)[order]
        self._period_row = period_row[order]
        units = np.zeros((int(first_row[-1]), len(self._names)), np.int64)
        self._pooled = PeriodUsage(first_row.astype(np.int64), units)

    def _month_counts(self, alive: np.ndarray, first: int, last: int) -> np.ndarray:
        """Counter units, shape (counter, day, organization alive)."""
        plan, rng = self._plan, self._rng
        days = np.arange(first, last)
        counts = np.zeros((len(self._names), len(days), len(alive)), np.int64)
        course = self._course(alive, days)
        local = np.full(len(self._ids), -1)
        local[alive] = np.arange(len(alive))
        is_used = (local[plan.pair_organization] >= 0) & (plan.pair_start < last)
        for counter in range(len(self._names)):
            pairs = np.flatnonzero(is_used & (plan.pair_counter == counter))
            shape, at = (len(days), len(pairs)), local[plan.pair_organization[pairs]]
            spread = 0.16 * plan.noise[plan.pair_organization[pairs]]
            noise = np.maximum(1 + spread * rng.standard_normal(shape, dtype=np.float32), 0.2)
            level = course[:, at]
            # Adding a random fraction before truncation keeps the mean of small counts.
            units = level * plan.pair_daily[pairs] * noise + rng.random(shape, dtype=np.float32)
            units[(level == 0) | (days[:, None] < plan.pair_start[pairs])] = 0
            counts[counter][:, at] = units
        derived_counters(counts, plan.identified_share[alive], plan.group_share[alive])
        for day, name in MISSING_COLUMNS.items():
            if first <= day_number(day) < last:
                counts[self._names.index(name), day_number(day) - first] = 0
        return counts

    def _course(self, alive: np.ndarray, days: np.ndarray) -> np.ndarray:
        """Each day's level relative to the base rate, shape (day, organization): trend, week, holidays, bursts."""
        plan, rng, day = self._plan, self._rng, days[:, None]
        start, end = plan.first_day[alive], plan.growth_end[alive]
        progress = np.clip((day - start) / np.maximum(end - start, 1), 0, 1)
        progress = np.where(plan.is_late_bloomer[alive], progress * progress, progress)
        ratio, weekend = plan.start_ratio[alive], plan.weekend[alive]
        level = ratio + (1 - ratio) * progress
        level *= np.clip(1 - (day - plan.decline_day[alive]) / 55, 0.12, 1)
        is_weekend = np.array([day_at(number).weekday() >= 5 for number in days.tolist()])[:, None]
        is_holiday = np.array([day_at(number) in HOLIDAYS for number in days.tolist()])[:, None]
        level *= np.where(is_weekend, weekend, 1.0) * (7 / (5 + 2 * weekend))
        level *= np.where(is_holiday & (weekend < 0.6), 0.65, 1.0)
        since = day - plan.burst_day[alive]
        level *= 1 + (plan.burst_factor[alive] - 1) * np.where((since >= 0) & (since < 5), 1 - since / 5, 0)
        level *= course_factors(plan, alive, days)
        level *= np.maximum(1 + 0.1 * plan.noise[alive] * rng.standard_normal(level.shape, dtype=np.float32), 0.2)
        share = plan.active_share[alive]
        # At work-week companies that do not use the product daily, even fewer use it at weekends.
        is_resting = is_weekend & (weekend < 0.6) & (share < 1)
        is_active = rng.random(level.shape, dtype=np.float32) < np.where(is_resting, 0.7 * share, share)
        is_active &= (day >= start) & (day < plan.last_day[alive])
        is_active &= (day < plan.pause_day[alive]) | (day >= plan.pause_end[alive])
        return np.where(is_active, level / share, 0.0)

    def _pool(self, counts: np.ndarray, alive: np.ndarray, first: int, last: int) -> None:
        at = np.searchsorted(alive, self._billed_organizations)
        is_here = (at < len(alive)) & (alive[np.minimum(at, len(alive) - 1)] == self._billed_organizations)
        rows = self._period_row[is_here, first:last].T
        is_billed = rows >= 0
        for counter in range(counts.shape[0]):
            units = counts[counter][:, at[is_here]]
            # Sums stay below 2**53, so adding them as floats is exact.
            sums = np.bincount(rows[is_billed], weights=units[is_billed], minlength=len(self._pooled.units))
            self._pooled.units[:, counter] += sums.astype(np.int64)

    def _may_be_late(self, alive: np.ndarray, day: int) -> np.ndarray:
        """False for organizations whose period would be invoiced before a late report of this day arrives."""
        ends_soon = self._period_row[:, day] != self._period_row[:, day + LATEST_DAYS + 2]
        return ~np.isin(alive, self._billed_organizations[ends_soon])

    def _write_day(self, directory: Path, day: int, alive: np.ndarray, counts: np.ndarray, users: np.ndarray) -> int:
        """Write one file of the day's reports and, on some days, a second one of late ones; returns the rows."""
        rng = self._rng
        zero_share = 1.0 if day < FIRST_DAYS else ZERO_REPORT_SHARE
        is_reported = counts.any(axis=0) | (rng.random(len(alive)) < zero_share)
        final = np.flatnonzero(is_reported & (self._created_day[alive] <= day))
        draw = rng.random(len(final))
        # On its first day an organization is reported at night only: it may not have existed at noon.
        draw[self._created_day[alive[final]] == day] = 0.5
        late = np.zeros(0, np.int64)
        if day < DAYS - LATEST_DAYS - 1 and rng.random() < LATE_DAY_SHARE:
            late = final[(draw > 1 - LATE_SHARE) & self._may_be_late(alive, day)[final]]
        runs = [
            self._run(np.setdiff1d(final, late, assume_unique=True), 1.0, day, DAY_SECONDS + 300, 2_400),
            self._run(final[draw < RESENT_SHARE], 0.45, day, 12 * 3_600, 900),
            self._run(final[draw < RESENT_SHARE / 3], 0.75, day, 18 * 3_600, 900),
            # Half of the late ones were reported partly that night, the others not at all.
            self._run(late[::2], 0.6, day, DAY_SECONDS + 300, 2_400),
        ]
        folder = directory / f"date={day_at(day)}"
        folder.mkdir(parents=True)
        self._write_file(folder / "reports.parquet", day, alive, runs, counts=counts, users=users)
        if len(late):
            lag = int(rng.integers(1, LATEST_DAYS + 1))
            again = self._run(late, 1.0, day, (1 + lag) * DAY_SECONDS + 6 * 3_600, 3_600)
            self._write_file(
                folder / f"reports-late-{day_at(day + lag)}.parquet", day, alive, [again], counts=counts, users=users
            )
        return sum(len(run.organizations) for run in runs) + len(late)

    def _run(self, organizations: np.ndarray, share: float, day: int, seconds: int, spread: int) -> _Run:
        received = instant(day, seconds) + self._rng.integers(0, spread, len(organizations)) * SECOND_US
        return _Run(organizations, share, received)

    def _write_file(
        self, path: Path, day: int, alive: np.ndarray, runs: list[_Run], *, counts: np.ndarray, users: np.ndarray
    ) -> None:
        rows = np.concatenate([run.organizations for run in runs])
        partial_from = len(runs[0].organizations)
        share = np.concatenate([np.full(len(run.organizations), run.share) for run in runs[1:]] or [np.zeros(0)])
        date_of_day = day_at(day)
        columns: dict[str, pa.Array] = {
            "date": pa.array(np.full(len(rows), np.datetime64(date_of_day)), pa.date32()),
            "organization_id": self._ids.take(pa.array(alive[rows])),
            "received_at": pa.array(np.concatenate([run.received_us for run in runs]), pa.timestamp("us", "UTC")),
            "organization_user_count": pa.array(users[rows]),
        }
        for counter, name in enumerate(self._names):
            if date_of_day >= LAUNCH_DAYS.get(name, FIRST_DAY) and MISSING_COLUMNS.get(date_of_day) != name:
                units = counts[counter, rows]
                units[partial_from:] = units[partial_from:] * share
                columns[name] = pa.array(units)
        pq.write_table(
            pa.table(columns),
            path,
            compression="zstd",
            use_dictionary=False,
            write_statistics=False,
            store_schema=False,
        )
