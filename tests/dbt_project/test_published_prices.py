"""The price list that is in force, rated in SQL: what the vendor's own examples say that usage costs."""

from datetime import date
from decimal import Decimal

import duckdb
import pytest

from settings import Settings
from tests.dbt_project.building import DBT_DIR, read
from tests.support.published_prices import BILLS
from transform.dbt_runner import invoke_dbt, parsed_project

DAY = date(2026, 9, 30)
# Product, counted units, the period's last day, discount in percent and limit in dollars, and the bill in cents.
TERMS = [
    # The limit of 50 dollars is that of two million events.
    ("product_analytics", 2_000_000, DAY, 0, 50, 50_00),
    ("product_analytics", 2_000_300, DAY, 0, 50, 50_00),
    ("product_analytics", 2_000_300, DAY, 0, None, 50_01),
    # Of 250 dollars, 20 percent less are the limit of 200.
    ("product_analytics", 7_830_904, DAY, 20, None, 200_00),
    ("product_analytics", 7_831_304, DAY, 20, None, 200_01),
    ("product_analytics", 7_831_304, DAY, 20, 200, 200_00),
    # First 250 responses were free, then 1,500.
    ("surveys", 1_600, date(2025, 7, 31), 0, None, 135_00),
    ("surveys", 1_600, date(2025, 8, 1), 0, None, 10_00),
    # The first price holds from the beginning.
    ("logs", 100_000, date(2025, 1, 1), 0, None, 22_50),
    ("logs", 100_000, date(2026, 6, 1), 0, None, 22_50),
]
USAGE = """
create schema intermediate;
create table intermediate.int_invoiced_usage (
    invoice_id varchar, product_key varchar, quantity decimal(24, 6), priced_on date, discount_percent decimal(13, 10),
    limit_usd decimal(22, 2), period_start_on date default '2024-01-01', period_end_on date default '2024-02-01',
    month date default '2024-01-01', currency varchar default 'usd', is_subscribed boolean default true
)
"""
INSERT = f"""
insert into intermediate.int_invoiced_usage
    (invoice_id, product_key, quantity, priced_on, discount_percent, limit_usd)
select ?, product_key, cast(? as decimal(24, 6)) / units_per_billed_unit, ?, ?, ?
from '{DBT_DIR}/seeds/usage_counters.csv' where product_key = ?
"""
MODELS = ("price_list", "products", "exchange_rates", "int_price_tiers", "int_exchange_rates", "int_rated_invoices")


@pytest.fixture(scope="module")
def rated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Decimal]:
    """What each example costs, in dollars."""
    bills = [
        (f"bill {number}", units, DAY, 0, None, product)
        for number, (products, _) in enumerate(BILLS)
        for product, units in products.items()
    ]
    terms = [(f"terms {number}", units, *rest, product) for number, (product, units, *rest, _) in enumerate(TERMS)]
    data_dir = tmp_path_factory.mktemp("rated")
    settings = Settings(data_dir=data_dir)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute(USAGE)
        connection.executemany(INSERT, [*bills, *terms])
    build = ["build", "--no-write-json", "--select", *MODELS, "--exclude", "resource_type:test resource_type:unit_test"]
    invoke_dbt(build, settings, settings.dbt_target_dir / "run", manifest=parsed_project(settings))
    sums = "select invoice_id, count(*), sum(bill_usd) from intermediate.int_rated_invoices group by all"
    found = read(data_dir, sums)
    assert sum(rows for _, rows, _ in found) == len(bills) + len(terms)
    return {example: bill_usd for example, _, bill_usd in found}


@pytest.mark.parametrize("number", range(len(BILLS)))
def test_published_examples_are_priced_to_the_cent_in_sql(rated: dict[str, Decimal], number: int) -> None:
    assert rated[f"bill {number}"] * 100 == BILLS[number][1], BILLS[number]


@pytest.mark.parametrize("number", range(len(TERMS)))
def test_terms_and_the_day_decide_what_is_billed(rated: dict[str, Decimal], number: int) -> None:
    assert rated[f"terms {number}"] * 100 == TERMS[number][-1], TERMS[number]
