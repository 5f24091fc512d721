"""Exact prices: graduated tiers in integers, rounded half up to cents. The simulation rates its invoices with it.

A price is an integer number of 1e-10 dollars per unit of the counter (a gigabyte's price is divided by its 1,000
megabytes), so that nothing is rounded before the cents.
"""

import csv
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

SCALE = 10**10
SCALE_TO_CENTS = SCALE // 100
RATE_SCALE = 10**8


def half_up(numerator: int, denominator: int) -> int:
    """The quotient rounded to the nearest integer, halves away from zero."""
    sign = 1 if numerator >= 0 else -1
    return sign * ((2 * abs(numerator) + denominator) // (2 * denominator))


@dataclass(frozen=True)
class Tariff:
    """One version of a product's price list: inclusive upper bounds in counter units, prices in 1e-10 dollars."""

    product_key: str
    valid_from: date
    upper_bounds: tuple[int | None, ...]
    prices: tuple[int, ...]
    flat_cents: int

    def split(self, quantity: int) -> list[tuple[int, int]]:
        """Units and charge (1e-10 dollars) of each tier that a quantity reaches."""
        result, lower = [], 0
        for upper, price in zip(self.upper_bounds, self.prices, strict=True):
            units = (quantity if upper is None else min(quantity, upper)) - lower
            if units <= 0:
                break
            result.append((units, units * price))
            lower += units
        return result

    def list_cents(self, quantity: int) -> int:
        """List value in cents, half up, of whole counter units."""
        return half_up(sum(charge for _, charge in self.split(quantity)), SCALE_TO_CENTS)


class PriceList:
    """Every version of every product's tariff, and its billed counters."""

    def __init__(self, tariffs: dict[str, list[Tariff]], counters: dict[str, str], divisors: dict[str, int]) -> None:
        self._tariffs = tariffs
        self.product_of_counter = counters
        self.divisors = divisors
        self.counters = list(counters)
        self.products = list(counters.values())

    def versions(self, product_key: str) -> list[Tariff]:
        """The product's tariffs, oldest first."""
        return self._tariffs[product_key]

    def tariff(self, product_key: str, last_day: date) -> Tariff:
        """The tariff valid on a period's last day; the first one has no start."""
        versions = self._tariffs[product_key]
        return next((t for t in reversed(versions) if t.valid_from <= last_day), versions[0])


def load_price_list(seeds: Path) -> PriceList:
    """The price list and the billed counters of the dbt seeds in folder `seeds`."""
    with (seeds / "usage_counters.csv").open() as file:
        rows = list(csv.DictReader(file))
    counters = {row["counter"]: row["product_key"] for row in rows}
    divisors = {row["product_key"]: int(row["units_per_billed_unit"]) for row in rows}
    versions: dict[tuple[str, date], list[dict[str, str]]] = defaultdict(list)
    with (seeds / "price_list.csv").open() as file:
        for row in csv.DictReader(file):
            versions[row["product_key"], date.fromisoformat(row["valid_from"])].append(row)
    tariffs: dict[str, list[Tariff]] = defaultdict(list)
    for (product_key, valid_from), tiers in sorted(versions.items()):
        tiers.sort(key=lambda row: int(row["tier"]))
        divisor = divisors.get(product_key, 1)
        tariffs[product_key].append(
            Tariff(
                product_key,
                valid_from,
                tuple(int(row["up_to"]) * divisor if row["up_to"] else None for row in tiers),
                tuple(_exact(Decimal(row["unit_price_usd"]) * SCALE / divisor) for row in tiers),
                _exact(Decimal(tiers[0]["flat_amount_usd"]) * 100),
            )
        )
    return PriceList(dict(tariffs), counters, divisors)


def after_discount(list_cents: int, discount_basis_points: int) -> int:
    """Cents after a discount in basis points, half up."""
    return half_up(list_cents * (10_000 - discount_basis_points), 10_000)


def before_discount(cents: int, discount_basis_points: int) -> int:
    """Cents before a discount in basis points that leaves `cents`, half up."""
    return half_up(cents * 10_000, 10_000 - discount_basis_points)


class ExchangeRates:
    """US dollars per unit of a currency by month, from the dbt seed."""

    def __init__(self, seeds: Path) -> None:
        self._rates: dict[tuple[str, int, int], tuple[int, int]] = {}
        with (seeds / "exchange_rates.csv").open() as file:
            for row in csv.DictReader(file):
                month = date.fromisoformat(row["month"])
                rate = _exact(Decimal(row["usd_per_unit"]) * RATE_SCALE)
                self._rates[row["currency"], month.year, month.month] = rate, int(row["minor_unit_decimals"])

    def to_minor(self, usd_cents: int, currency: str, last_day: date) -> int:
        """US cents in the currency's minor units, at the rate of the month of `last_day`, half up."""
        rate, decimals = self._rates[currency, last_day.year, last_day.month]
        return half_up(usd_cents * 10**decimals * RATE_SCALE, 100 * rate)

    def to_usd_cents(self, minor: int, currency: str, last_day: date) -> int:
        """Minor units in US cents, at the rate of the month of `last_day`, half up."""
        rate, decimals = self._rates[currency, last_day.year, last_day.month]
        return half_up(minor * rate * 100, 10**decimals * RATE_SCALE)


def _exact(value: Decimal) -> int:
    result = int(value)
    if result != value:
        raise ValueError(f"{value} is finer than the simulation's price unit of 1e-10 dollars")
    return result
