"""Run the simulation from sign-ups to books and write its tables."""

import hashlib
import json
import logging
import shutil
from pathlib import Path

import numpy as np

from sample_company.account_ledger import AccountLedger
from sample_company.account_usage import AccountUsage
from sample_company.accounts import Account, simulate_accounts
from sample_company.billing import Biller
from sample_company.billing_customers import write_billing_customers
from sample_company.books import canonical_organizations, write_books
from sample_company.companies import Companies, merge_regions, simulate_companies
from sample_company.costs import write_costs
from sample_company.courses import plant_courses, plant_free_growth
from sample_company.crm import write_crm
from sample_company.enrichment import write_enrichment
from sample_company.parameters import FIRST_DAY, LAUNCH_DAYS, SIZES, UNPRICED_COUNTER, day_number
from sample_company.people import People, came_from, simulate_people
from sample_company.product_db import write_memberships, write_organizations, write_users
from sample_company.rating import ExchangeRates, load_price_list
from sample_company.signals import write_signals
from sample_company.signups import Signups, simulate_signups
from sample_company.spend import write_spend
from sample_company.stripe_objects import write_stripe
from sample_company.terms import agree_terms
from sample_company.usage import UsageSimulation
from sample_company.usage_plan import UsagePlan, free_course, free_pairs
from settings import PROJECT_DIR, UserError

logger = logging.getLogger(__name__)

# Increase it whenever the same size and seed give another company than before.
VERSION = 8
SEEDS = PROJECT_DIR / "dbt_project" / "seeds"


def write_company(directory: Path, *, size: str, seed: int) -> bool:
    """See `write_sample_company`."""
    if size not in SIZES:
        raise ValueError(f"unknown size {size!r}: choose one of {', '.join(SIZES)}")
    identity = {"size": size, "seed": seed, "version": VERSION, "seeds": _fingerprint()}
    mark = directory / "company.json"
    if mark.is_file() and json.loads(mark.read_text()) == identity:
        return False
    if not mark.is_file() and directory.is_dir() and any(directory.iterdir()):
        raise UserError(
            f"{directory} is not empty, and no sample company: nothing is overwritten there, name a new folder"
        )
    beside, replaced = (directory.with_name(f".{directory.name}.{state}") for state in ("partial", "replaced"))
    # Left behind by a killed run.
    shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(replaced, ignore_errors=True)
    beside.mkdir(parents=True)
    _Simulation(beside, size, seed).run()
    (beside / mark.name).write_text(json.dumps(identity))
    if directory.exists():
        directory.rename(replaced)
    beside.rename(directory)
    shutil.rmtree(replaced, ignore_errors=True)
    return True


def _fingerprint() -> str:
    """Hash of prices, counters and rates: another price list gives another company."""
    names = ("price_list.csv", "usage_counters.csv", "exchange_rates.csv")
    return hashlib.sha256(b"".join((SEEDS / name).read_bytes() for name in names)).hexdigest()[:16]


class _Simulation:
    def __init__(self, directory: Path, size: str, seed: int) -> None:
        self._source = directory / "source"
        self._books = directory / "books"
        self._size = SIZES[size]
        self._seed = seed
        self._prices = load_price_list(SEEDS)
        self._rates = ExchangeRates(SEEDS)

    def run(self) -> None:
        signups = simulate_signups(self._size, self._rng(1))
        accounts = simulate_accounts(signups, self._size, self._rng(2))
        agree_terms(signups, accounts, self._rng(3))
        merges = merge_regions(signups, accounts, self._rng(4))
        companies = simulate_companies(signups, accounts, merges, self._rng(5))
        people = simulate_people(signups, accounts, companies, self._rng(6))
        logger.info(f"{len(signups.ids):,} organizations, {len(people.email):,} users, {len(accounts):,} accounts")
        plan, growing = self._plan_usage(signups, accounts)
        usage = UsageSimulation(
            signups=signups, accounts=accounts, plan=plan, counters=self._prices.counters, rng=self._rng(8)
        )
        folder = self._source / "usage" / "usage_reports"
        pooled, rows = usage.write(folder, lambda day: people.users_on(day, len(signups.ids)))
        logger.info(f"{rows:,} usage reports")
        biller = Biller(pooled, self._prices, self._rates, f"{self._seed}-{self._size.number}")
        ledgers = [biller.bill(account) for account in accounts]
        logger.info(f"{sum(len(ledger.invoices) for ledger in ledgers):,} invoices")
        self._write_product_db(signups, companies, people, ledgers)
        write_billing_customers(self._source / "billing" / "billing_customers", signups, ledgers, self._rng(9))
        write_stripe(self._source / "stripe", ledgers, people.owner_email, signups.ids.tolist(), self._prices)
        path = self._source / "enrichment" / "companies.parquet"
        planted = write_enrichment(path, signups, accounts, companies, self._rng(10))
        crm_accounts = write_crm(self._source / "crm", signups, accounts, companies, merges=merges, rng=self._rng(11))
        signals = write_signals(self._source, crm_accounts, signups, accounts, people, rng=self._rng(17))
        write_spend(self._source / "spend" / "sales_and_marketing.csv", self._size, self._rng(12))
        clusters = write_costs(self._source / "costs", self._prices, signups, accounts)
        write_books(self._books, signups, ledgers, merges, prices=self._prices, rates=self._rates)
        ids, canonical = signups.ids.tolist(), canonical_organizations(signups, ledgers, merges)
        origins = came_from(people, signups)
        carried = [
            (ids[organization], ids[origin], carrier)
            for carrier, found in (("member", origins), ("founder", planted.founders))
            for organization, origin in found.items()
            if canonical[organization] != canonical[origin] and companies.of[organization] != companies.of[origin]
            and (carrier == "member" or organization not in origins)
        ]  # fmt: skip
        grown = {stage: [ids[organization] for organization in found] for stage, found in planted.grown.items()}
        plants = {
            "signals": signals,
            "word_of_mouth": sorted(carried),
            "grown_with_us": grown,
            "clusters": sorted(clusters),
            "rising_bills": sorted(ids[a.organizations[0]] for a in accounts if "bill_rises" in a.traits),
            "free_tier_ends": sorted(ids[organization] for organization in growing),
            "sent_not_subscribed": sorted(
                (ids[account.organizations[0]], list(account.quantities)[-1])
                for account in accounts
                if "unsubscribed_product" in account.traits and len(account.quantities) > 1
            ),
        }
        (self._books / "plants.json").write_text(json.dumps(plants))

    def _plan_usage(self, signups: Signups, accounts: list[Account]) -> tuple[UsagePlan, list[int]]:
        """The plan, and the free organizations that will come to pay."""
        rng = self._rng(7)
        plan = free_course(signups, rng)
        pairs = [free_pairs(signups, accounts, plan, self._prices, rng)]
        free_events = self._prices.versions("product_analytics")[-1].upper_bounds[0] or 0
        growing = plant_free_growth(signups, pairs[0], plan, free_events)
        usage = AccountUsage(signups, plan, self._prices, self._rng(16))
        for account in accounts:
            pairs += usage.plan(account)
        plant_courses(accounts, plan, self._rng(18))
        counters = (*self._prices.counters, UNPRICED_COUNTER)
        plan.set_pairs(pairs, np.array([day_number(LAUNCH_DAYS.get(counter, FIRST_DAY)) for counter in counters]))
        return plan, growing

    def _rng(self, part: int) -> np.random.Generator:
        """A separate stream for each part, so that a change in one does not affect the others."""
        return np.random.default_rng([self._seed, self._size.number, part])

    def _write_product_db(
        self, signups: Signups, companies: Companies, people: People, ledgers: list[AccountLedger]
    ) -> None:
        folder = self._source / "product_db"
        write_organizations(folder / "organizations", signups, companies, ledgers, self._rng(13))
        write_users(folder / "users", people, self._rng(14))
        write_memberships(folder / "organization_memberships.csv.gz", signups, people, self._rng(15))
