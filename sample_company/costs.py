"""What the sample company's customers cost: units by month, product and region, and clusters of a few accounts."""

from datetime import date
from pathlib import Path

from sample_company import write
from sample_company.accounts import Account
from sample_company.parameters import FIRST_DAY, MONTHS, add_months
from sample_company.rating import SCALE, PriceList
from sample_company.signups import Signups

# A unit costs this share of the price in the last tier, a little less every month.
COST_SHARE = 0.45
FALL_A_MONTH = 0.004
# Where a region's own cost differs from that of all.
EU_FACTORS = {"session_replay": 1.15, "logs": 1.3}
# Customers that have a cluster of their own, which costs more than they pay.
CLUSTERS = 3
CLUSTER_MONTHS = 5
CLUSTER_FACTOR = 2


def write_costs(folder: Path, prices: PriceList, signups: Signups, accounts: list[Account]) -> list[str]:
    """Write costs/unit_costs and costs/account_costs; returns the organizations that have a cluster of their own."""
    months = [add_months(FIRST_DAY, number) for number in range(MONTHS)]
    header = ["month", "product_key", "region", "cost_usd_per_unit"]
    write.write_csv(folder / "unit_costs.csv", header, unit_costs(prices, months))
    header = ["month", "organization_id", "category", "amount_usd"]
    clusters = [
        account
        for account in accounts
        if account.group == "25k" and account.final_period is None and not signups.is_internal[account.organizations[0]]
    ][:CLUSTERS]
    ids = [str(signups.ids[account.organizations[0]]) for account in clusters]
    rows = [
        [month, organization, "dedicated_cluster", f"{CLUSTER_FACTOR * account.net_usd_year / 12:.2f}"]
        for month in months[-CLUSTER_MONTHS:]
        for organization, account in zip(ids, clusters, strict=True)
    ]
    write.write_csv(folder / "account_costs.csv", header, rows)
    return ids


def unit_costs(prices: PriceList, months: list[date]) -> list[list]:
    """Rows of costs.unit_costs: month, product, region, dollars a billed unit as text."""
    rows = []
    for number, month in enumerate(months):
        for product in prices.products:
            last_price = prices.versions(product)[-1].prices[-1] * prices.divisors.get(product, 1) / SCALE
            dollars = last_price * COST_SHARE * (1 - FALL_A_MONTH) ** number
            rows.append([month, product, "all", f"{dollars:.10f}"])
            if product in EU_FACTORS:
                rows.append([month, product, "EU", f"{dollars * EU_FACTORS[product]:.10f}"])
    return rows
