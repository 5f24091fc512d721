"""The data of enrichment vendors about each company, in versions, with realistic gaps."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from sample_company import write
from sample_company.accounts import Account
from sample_company.companies import KINDS, Companies
from sample_company.parameters import COMPANY_DOMAIN, DAY_US, END_US, day_at
from sample_company.signups import Signups

MONEY = pa.decimal128(18, 2)
COLUMN_TYPES = {
    "domain": pa.string(), "status": pa.string(), "employees": pa.int64(), "employees_180d_ago": pa.int64(),
    "engineering_employees": pa.int64(), "estimated_annual_revenue_usd": MONEY,
    "consumer_monthly_active_users": pa.int64(), "total_funding_usd": MONEY, "last_round": pa.string(),
    "investors": pa.list_(pa.string()), "accelerator": pa.string(),
    "founder_previous_companies": pa.list_(pa.string()), "company_type": pa.string(), "ipo_date": pa.date32(),
    "founded_year": pa.int64(), "country": pa.string(), "city": pa.string(), "industry": pa.string(),
    "is_side_project": pa.bool_(), "social_followers": pa.int64(), "enriched_at": write.TIMESTAMP,
}  # fmt: skip
# Shares of domains never looked up, with too little data, and not found.
NO_ROW, INSUFFICIENT, NOT_FOUND = 0.10, 0.19, 0.05
ZERO_HEADCOUNT_SHARE = 0.03
REENRICHED_SHARE = 0.45
# Founders who were at a customer; companies that grow to a thousand people with us, and that go public.
FOUNDERS = 15
GROWN = 3
MANY_PEOPLE = 1_000
EMPLOYEES = {
    "hobby": (1, 3), "micro": (1, 14), "startup": (13, 140), "scaleup": (110, 640), "enterprise": (450, 22_000),
    "agency": (4, 70), "school": (60, 3_000), "nonprofit": (5, 200),
}  # fmt: skip
FUNDING_USD = {
    "hobby": 40_000,
    "micro": 1_500_000,
    "startup": 22_000_000,
    "scaleup": 140_000_000,
    "enterprise": 400_000_000,
}
ROUNDS = {
    "micro": ("Pre-Seed", "Seed"),
    "startup": ("Seed", "Series A", "Series B"),
    "scaleup": ("Series B", "Series C", "Series D"),
}
LEADING_INVESTORS = (
    "Sequoia Capital", "Andreessen Horowitz", "Accel", "Benchmark", "Index Ventures", "Founders Fund", "GV",
    "Kleiner Perkins", "Andreessen Horowitz (a16z)", "Index Ventures London",
)  # fmt: skip
OTHER_INVESTORS = (
    "Northwind Angels", "Harborlight Ventures", "Blue Lantern Capital", "First Ridge", "Local Seed Fund",
    "Copperline Partners", "Angel syndicate",
)  # fmt: skip
ACCELERATORS = (
    "Y Combinator Winter 2020",
    "Y Combinator",
    "Harborlight Launchpad",
    "Techstars Berlin 2023",
    "AI Grant",
    "Y Combinator Summer 2024",
)
PREVIOUS_COMPANIES = (
    "Google",
    "Meta",
    "Amazon",
    "Apple",
    "Microsoft",
    "Netflix",
    "Stripe",
    "Airbnb",
    "Uber",
    "Coinbase",
    "Google (2015-2019)",
    "Acme Corp",
    "a local bank",
)
INDUSTRIES = (
    "AI and data", "consumer software", "developer tools", "e-commerce", "education", "enterprise software", "finance",
    "healthcare", "logistics", "marketing",
)  # fmt: skip
CITIES = {
    "US": ("San Francisco", "New York", "Austin", "Seattle", "Chicago"), "GB": ("London", "Leeds"),
    "DE": ("Berlin", "Munich", "Hamburg"), "FR": ("Paris", "Lyon"), "NL": ("Amsterdam",), "SE": ("Stockholm",),
    "JP": ("Tokyo", "Osaka"), "CA": ("Toronto", "Vancouver"),
}  # fmt: skip


@dataclass(frozen=True)
class Planted:
    """What was planted: organizations by founders from another one, and those whose company grew with us, by stage."""

    founders: dict[int, int]
    grown: dict[str, list[int]]


def write_enrichment(
    path: Path, signups: Signups, accounts: list[Account], companies: Companies, rng: np.random.Generator
) -> Planted:
    rows = simulate_enrichment(signups, accounts, companies, rng)
    planted = Planted(_plant_founders(rows, signups, accounts, companies), _plant_growth(rows, signups, companies))
    rows.sort(key=lambda row: (row["enriched_at"], row["domain"]))
    write.write_rows_parquet(path, rows, COLUMN_TYPES)
    return planted


def _plant_growth(rows: list[dict], signups: Signups, companies: Companies) -> dict[str, list[int]]:
    """Some companies reach a thousand people as customers, and some that are public went public as customers."""
    alone = np.bincount(companies.of, minlength=len(companies.of)) == 1
    own = {domain: number for number, domain in enumerate(companies.domain) if alone[number]}
    newest = {row["domain"]: row for row in rows if row["domain"] in own}
    largest: dict[str, int] = {}
    for row in rows:
        largest[row["domain"]] = max(largest.get(row["domain"], 0), row["employees"] or 0)
    able = [row for row in newest.values() if row["enriched_at"] < END_US - 300 * DAY_US and row["status"] == "scored"]
    # Too large for the ICP before and after, so that no segment changes.
    growing = [row for row in able if 500 < largest[row["domain"]] < MANY_PEOPLE][:GROWN]
    for row in growing:
        later = {"employees": MANY_PEOPLE + 40, "enriched_at": row["enriched_at"] + 250 * DAY_US}
        rows.append(row | later)
    public = [row for row in able if row["ipo_date"] is not None and row["company_type"] == "public"][:GROWN]
    went_public = {row["domain"]: day_at(int(signups.created_day[own[row["domain"]]]) + 90) for row in public}
    for row in rows:
        row["ipo_date"] = went_public.get(row["domain"], row["ipo_date"])
    found = {"many_people": [row["domain"] for row in growing], "public": [row["domain"] for row in public]}
    return {stage: sorted(own[domain] for domain in domains) for stage, domains in found.items()}


def _plant_founders(
    rows: list[dict], signups: Signups, accounts: list[Account], companies: Companies
) -> dict[int, int]:
    """Founders of some organizations were at a company that had signed up before."""
    customers = [a.organizations[0] for a in accounts if a.group in ("1m", "50k", "25k") and len(a.organizations) == 1]
    customers = [c for c in customers if not signups.is_internal[c] and companies.of[c] == c]
    own = {domain: number for number, domain in enumerate(companies.domain) if companies.of[number] == number}
    scored = {own[row["domain"]] for row in rows if row["status"] == "scored" and row["domain"] in own}
    alone = np.bincount(companies.of, minlength=len(companies.of)) == 1
    able = [o for o in sorted(scored - set(customers)) if alone[o] and not companies.has_free_mail[o]]
    founders: dict[int, int] = {}
    for number, organization in enumerate(able[len(able) // 3 :: max(1, len(able) // FOUNDERS)]):
        customer = customers[number % len(customers)]
        if signups.created_us[customer] < signups.created_us[organization]:
            founders[organization] = customer
    for row in rows:
        customer = founders.get(own.get(row["domain"], -1), -1)
        if customer >= 0 and row["status"] == "scored":
            row["founder_previous_companies"] = [*row["founder_previous_companies"], companies.name[customer]]
    return founders


def simulate_enrichment(
    signups: Signups, accounts: list[Account], companies: Companies, rng: np.random.Generator
) -> list[dict]:
    """Rows of enrichment.companies, several versions per domain, ordered by `enriched_at` (microseconds)."""
    paying = {account.organizations[0]: account for account in accounts}
    rows = []
    seen = {COMPANY_DOMAIN}
    for organization, domain in enumerate(companies.domain):
        if companies.has_free_mail[organization] or domain in seen:
            continue
        seen.add(domain)
        account = paying.get(int(companies.of[organization]))
        draws = rng.random(24)
        if draws[0] < NO_ROW:
            continue
        first = int(signups.created_us[organization]) + int((600 + draws[1] * draws[1] * 200_000) * 1_000_000)
        row = _company(KINDS[companies.kind[organization]], companies.country[organization], draws, account)
        rows += _versions({"domain": domain, **row}, first, draws)
    return sorted(
        (row for row in rows if row["enriched_at"] < END_US), key=lambda row: (row["enriched_at"], row["domain"])
    )


def _pick(values: tuple, draw: float) -> str:
    return values[int(draw * len(values))]


def _company(kind: str, country: str, draws: np.ndarray, account: Account | None) -> dict:
    status = "scored"
    if draws[2] < NOT_FOUND:
        status = "not_found"
    elif draws[2] < NOT_FOUND + INSUFFICIENT:
        status = "insufficient_data"
    elif kind == "school":
        status = "disqualified"
    empty: dict = {
        "status": status, "employees": None, "employees_180d_ago": None, "engineering_employees": None,
        "estimated_annual_revenue_usd": None, "consumer_monthly_active_users": None, "total_funding_usd": None,
        "last_round": None, "investors": [], "accelerator": None, "founder_previous_companies": [],
        "company_type": None, "ipo_date": None, "founded_year": None, "country": None, "city": None,
        "industry": None, "is_side_project": None, "social_followers": None,
    }  # fmt: skip
    if status == "not_found":
        return empty
    low, high = EMPLOYEES[kind]
    employees = low + int((high - low) * draws[3] ** 3) if kind != "micro" else low + int((high - low) * draws[3])
    if draws[4] < ZERO_HEADCOUNT_SHARE:
        employees = 0
    known = empty | {
        "employees": employees,
        "country": country,
        "city": _pick(CITIES.get(country, ("Springfield",)), draws[5]),
        "industry": _pick(INDUSTRIES, draws[6]),
        "founded_year": 2025 - int(draws[7] * draws[7] * (8 if kind in ("hobby", "micro") else 22)),
    }
    if status == "insufficient_data":
        return known | {"employees": employees if draws[8] < 0.4 else None, "industry": None}
    return known | _size_facts(kind, employees, draws, account) | _backing(kind, draws)


def _size_facts(kind: str, employees: int, draws: np.ndarray, account: Account | None) -> dict:
    per_head = 60_000 + int(draws[9] * 190_000)
    revenue: float | None = round(employees * per_head, -3)
    if kind in ("hobby", "micro"):
        revenue = None if draws[10] < 0.45 else round(revenue * draws[10] * 0.3, -3)
    if account is not None and account.net_usd_year > 25_000:
        revenue = max(revenue or 0, round(account.net_usd_year * 60, -3))
    is_consumer = draws[11] < 0.3
    is_public = kind == "enterprise" and draws[12] < 0.4
    company_type = {"school": "school", "nonprofit": "nonprofit"}.get(kind, "public" if is_public else "private")
    followers = int(50 + draws[13] ** 4 * 400_000)
    return {
        "employees_180d_ago": max(1, int(employees * (0.65 + 0.45 * draws[14]))) if draws[15] < 0.8 else None,
        "engineering_employees": int(employees * (0.15 + 0.5 * draws[16])) if draws[15] < 0.85 else None,
        "estimated_annual_revenue_usd": None if revenue is None else f"{revenue:.2f}",
        "consumer_monthly_active_users": int(1_000 + draws[17] ** 5 * 9_000_000) if is_consumer else None,
        "company_type": company_type if draws[18] < 0.93 else None,
        "ipo_date": date(2004 + int(draws[13] * 20), 1 + int(draws[14] * 12), 14) if is_public else None,
        "is_side_project": kind == "hobby" and draws[18] < 0.7,
        "social_followers": followers,
    }


def _backing(kind: str, draws: np.ndarray) -> dict:
    funding = round(FUNDING_USD.get(kind, 0) * draws[19] * draws[20] * 1.8, -4) if draws[21] < 0.85 else None
    investors = []
    if kind in ("startup", "scaleup", "enterprise") and draws[22] < 0.62:
        investors.append(_pick(LEADING_INVESTORS, draws[20]))
    if kind in ("micro", "startup", "scaleup") and draws[23] < 0.5:
        investors.append(_pick(OTHER_INVESTORS, draws[19]))
    accelerator = _pick(ACCELERATORS, draws[16]) if kind in ("micro", "startup") and draws[21] < 0.34 else None
    previous = (
        [_pick(PREVIOUS_COMPANIES, draws[14])] if kind in ("micro", "startup", "scaleup") and draws[17] < 0.4 else []
    )
    return {
        "total_funding_usd": None if funding is None else f"{funding:.2f}",
        "last_round": _pick(ROUNDS[kind], draws[9]) if kind in ROUNDS and (funding or 0) > 300_000 else None,
        "investors": investors,
        "accelerator": accelerator,
        "founder_previous_companies": previous,
    }


def _versions(row: dict, first: int, draws: np.ndarray) -> list[dict]:
    """The first enrichment and, for some, a later one with a gap filled or more employees."""
    versions = [row | {"enriched_at": first}]
    if draws[23] < REENRICHED_SHARE:
        later = first + (150 + int(draws[22] * 250)) * DAY_US
        grown = dict(row)
        if row["status"] == "scored" and row["employees"]:
            grown["employees_180d_ago"] = row["employees"]
            grown["employees"] = max(1, int(row["employees"] * (0.9 + 0.6 * draws[13])))
        elif row["status"] == "insufficient_data":
            grown |= {"employees": 8 + int(draws[13] * 90), "status": "scored", "company_type": "private"}
        versions.append(grown | {"enriched_at": later})
    return versions
