"""Daily usage reports, drawn and written a month at a time, and the pooled quantities of every billing period."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.sample_company.accounts import Account
from ingestion.sample_company.adoption import UsagePlan, derived_counters
from ingestion.sample_company.parameters import (
    DAY_US,
    DAYS,
    FIRST_DAY,
    FIRST_DAY_US,
    HOLIDAYS,
    LAUNCH_DAYS,
    MISSING_COLUMNS,
    SECOND_US,
    UNPRICED_COUNTER,
    add_months,
    day_at,
    day_number,
)
from ingestion.sample_company.signups import Signups

RESENT_SHARE = 0.05
LATE_SHARE = 0.012
LATE_DAY_SHARE = 0.25
ZERO_REPORT_SHARE = 0.06
# A late report is received up to this many days later, and always before its period's invoice.
LATEST_DAYS = 3


@dataclass
class PeriodUsage:
    """Pooled counter units, shape (period, counter): account `a`'s period `k` is row `first_row[a] + k`."""

    first_row: np.ndarray
    units: np.ndarray

    def of(self, account: Account, period: int) -> np.ndarray:
        """Counter units of one account's period."""
        return self.units[self.first_row[account.number] + period]


def write_usage(
    directory: Path,
    signups: Signups,
    accounts: list[Account],
    plan: UsagePlan,
    counters: list[str],
    users_by_day: Callable[[int], np.ndarray],
    rng: np.random.Generator,
) -> tuple[PeriodUsage, int]:
    """Write `date=YYYY-MM-DD` folders under `directory`; returns the pooled usage and the number of rows written."""
    names = [*counters, UNPRICED_COUNTER]
    pooled, account_organizations, period_row = _period_rows(accounts, len(names))
    ids = pa.array(signups.ids.tolist(), pa.string())
    rows_written = 0
    for first, last in _months():
        alive = np.flatnonzero((signups.created_day < last) & (plan.last_day > first))
        counts = _month_counts(plan, alive, first, last, names, rng)
        _pool(pooled, counts, alive, first, last, account_organizations, period_row)
        users = users_by_day(first)[alive]
        for day in range(first, last):
            reports = _DayReports(counts[:, day - first], signups.created_day[alive] <= day, users, day)
            frozen = _days_before_invoice(alive, account_organizations, period_row, day)
            rows_written += reports.write(directory, names, ids, alive, frozen, rng)
    return pooled, rows_written


def _months() -> Iterator[tuple[int, int]]:
    for number in range(24):
        yield day_number(add_months(FIRST_DAY, number)), day_number(add_months(FIRST_DAY, number + 1))


def _period_rows(accounts: list[Account], counters: int) -> tuple[PeriodUsage, np.ndarray, np.ndarray]:
    """For each organization of an account and each day, the row of the billing period that the day is in."""
    lengths = [len(account.period_days) - 1 for account in accounts]
    first_row = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
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
    units = np.zeros((int(first_row[-1]), counters), np.int64)
    return PeriodUsage(first_row, units), np.array(organizations)[order], period_row[order]


def _month_counts(
    plan: UsagePlan, alive: np.ndarray, first: int, last: int, names: list[str], rng: np.random.Generator
) -> np.ndarray:
    """Counter units, shape (counter, day, organization alive)."""
    days = np.arange(first, last)
    counts = np.zeros((len(names), len(days), len(alive)), np.int64)
    course = _course(plan, alive, days, rng)
    local = np.full(len(plan.first_day), -1)
    local[alive] = np.arange(len(alive))
    for counter in range(len(names)):
        pairs = np.flatnonzero(
            (plan.pair_counter == counter) & (local[plan.pair_organization] >= 0) & (plan.pair_start < last)
        )
        at = local[plan.pair_organization[pairs]]
        noise = np.maximum(1 + 0.16 * rng.standard_normal((len(days), len(pairs)), dtype=np.float32), 0.2)
        units = course[:, at] * plan.pair_daily[pairs] * noise + rng.random((len(days), len(pairs)), dtype=np.float32)
        units[days[:, None] < plan.pair_start[pairs]] = 0
        if counter not in (1, 2):
            units[course[:, at] == 0] = 0
        counts[counter][:, at] = units
    derived_counters(counts, plan.identified_share[alive], plan.group_share[alive])
    for day, name in MISSING_COLUMNS.items():
        if first <= day_number(day) < last:
            counts[names.index(name), day_number(day) - first] = 0
    return counts


def _course(plan: UsagePlan, alive: np.ndarray, days: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each day's level beside the base rate, shape (day, organization): trend, week, holidays, bursts, silence."""
    start, end = plan.first_day[alive], plan.growth_end[alive]
    day = days[:, None]
    progress = np.clip((day - start) / np.maximum(end - start, 1), 0, 1)
    progress = np.where(plan.is_late_bloomer[alive], progress * progress, progress)
    ratio = plan.start_ratio[alive]
    level = ratio + (1 - ratio) * progress
    decline = plan.decline_day[alive]
    level *= np.clip(1 - (day - decline) / 55, 0.12, 1)
    weekend = plan.weekend[alive]
    is_weekend = np.array([day_at(int(number)).weekday() >= 5 for number in days])[:, None]
    is_holiday = np.array([day_at(int(number)) in HOLIDAYS for number in days])[:, None]
    level *= np.where(is_weekend, weekend, 1.0) * (7 / (5 + 2 * weekend))
    level *= np.where(is_holiday & (weekend < 0.6), 0.65, 1.0)
    since = day - plan.burst_day[alive]
    level *= 1 + (plan.burst_factor[alive] - 1) * np.where((since >= 0) & (since < 5), 1 - since / 5, 0)
    level *= np.maximum(1 + 0.1 * rng.standard_normal(level.shape, dtype=np.float32), 0.2)
    share = plan.active_share[alive]
    is_active = rng.random(level.shape, dtype=np.float32) < share
    return np.where(is_active & (day >= start) & (day < plan.last_day[alive]), level / share, 0.0)


def _pool(
    pooled: PeriodUsage,
    counts: np.ndarray,
    alive: np.ndarray,
    first: int,
    last: int,
    organizations: np.ndarray,
    period_row: np.ndarray,
) -> None:
    at = np.searchsorted(alive, organizations)
    is_here = (at < len(alive)) & (alive[np.minimum(at, len(alive) - 1)] == organizations)
    rows = period_row[is_here, first:last].T
    is_billed = rows >= 0
    for counter in range(counts.shape[0]):
        units = counts[counter][:, at[is_here]]
        # Sums stay below 2**53, so that adding them as floats is exact.
        sums = np.bincount(rows[is_billed], weights=units[is_billed], minlength=len(pooled.units))
        pooled.units[:, counter] += sums.astype(np.int64)


def _days_before_invoice(alive: np.ndarray, organizations: np.ndarray, period_row: np.ndarray, day: int) -> np.ndarray:
    """Organizations whose period is invoiced before a late report of this day would be in."""
    frozen = np.zeros(len(alive), bool)
    ends_soon = period_row[:, day] != period_row[:, day + LATEST_DAYS + 2]
    at = np.searchsorted(alive, organizations[ends_soon])
    at = at[at < len(alive)]
    frozen[at] = True
    return frozen


@dataclass
class _DayReports:
    counts: np.ndarray
    has_signed_up: np.ndarray
    users: np.ndarray
    day: int

    def write(
        self,
        directory: Path,
        names: list[str],
        ids: pa.Array,
        alive: np.ndarray,
        frozen: np.ndarray,
        rng: np.random.Generator,
    ) -> int:
        """One file of the day's runs, on some days a second one with what came late. Returns the rows."""
        is_used = self.counts.any(axis=0)
        is_reported = self.has_signed_up & (is_used | (rng.random(len(alive)) < ZERO_REPORT_SHARE))
        final = np.flatnonzero(is_reported)
        draw = rng.random(len(final))
        night = (self.day + 1) * DAY_US + FIRST_DAY_US
        midday = night - DAY_US // 2
        late = np.zeros(0, np.int64)
        if self.day < DAYS - LATEST_DAYS - 1 and rng.random() < LATE_DAY_SHARE:
            late = final[(draw > 1 - LATE_SHARE) & ~frozen[final]]
        resent = final[draw < RESENT_SHARE]
        thrice = final[draw < RESENT_SHARE / 3]
        # Half of the late ones were reported in part that night, the others not at all.
        partial = late[::2]
        on_time = np.setdiff1d(final, late, assume_unique=True)
        runs = [
            (on_time, 1.0, night + rng.integers(300, 2_700, len(on_time)) * SECOND_US),
            (resent, 0.45, midday + rng.integers(0, 900, len(resent)) * SECOND_US),
            (thrice, 0.75, midday + (6 * 3600 + rng.integers(0, 900, len(thrice))) * SECOND_US),
            (partial, 0.6, night + rng.integers(300, 2_700, len(partial)) * SECOND_US),
        ]
        folder = directory / f"date={day_at(self.day)}"
        folder.mkdir(parents=True)
        self._write_file(folder / "reports.parquet", runs, names, ids, alive)
        if len(late):
            lag = int(rng.integers(1, LATEST_DAYS + 1))
            received = night + (lag * 86_400 + 6 * 3_600 + rng.integers(0, 3_600, len(late))) * SECOND_US
            name = f"reports-late-{day_at(self.day + lag)}.parquet"
            self._write_file(folder / name, [(late, 1.0, received)], names, ids, alive)
        return sum(len(rows) for rows, _, _ in runs) + len(late)

    def _write_file(
        self,
        path: Path,
        runs: list[tuple[np.ndarray, float, np.ndarray]],
        names: list[str],
        ids: pa.Array,
        alive: np.ndarray,
    ) -> None:
        rows = np.concatenate([run[0] for run in runs])
        share = np.concatenate([np.full(len(run[0]), run[1]) for run in runs])
        day = day_at(self.day)
        columns: dict[str, pa.Array] = {
            "date": pa.array(np.full(len(rows), np.datetime64(day)), pa.date32()),
            "organization_id": ids.take(pa.array(alive[rows])),
            "received_at": pa.array(np.concatenate([run[2] for run in runs]), pa.timestamp("us", "UTC")),
            "organization_user_count": pa.array(self.users[rows]),
        }
        for counter, name in enumerate(names):
            if not _is_in_file(name, day):
                continue
            units = self.counts[counter, rows]
            columns[name] = pa.array(np.where(share < 1, (units * share).astype(np.int64), units))
        pq.write_table(
            pa.table(columns),
            path,
            compression="zstd",
            use_dictionary=False,
            write_statistics=False,
            store_schema=False,
        )


def _is_in_file(name: str, day: date) -> bool:
    return day >= LAUNCH_DAYS.get(name, FIRST_DAY) and MISSING_COLUMNS.get(day) != name
