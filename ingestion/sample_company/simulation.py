"""Runs the simulation from sign-ups to books and writes its tables."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from common.settings import PROJECT_DIR
from ingestion.sample_company import write
from ingestion.sample_company.accounts import Account, simulate_accounts
from ingestion.sample_company.adoption import plan_usage
from ingestion.sample_company.billing import FIRST_SETTINGS, Biller, Ledger, fold
from ingestion.sample_company.books import canonical_organizations, month_start, monthly_books
from ingestion.sample_company.companies import Companies, Merge, merge_regions, simulate_companies
from ingestion.sample_company.crm import simulate_crm
from ingestion.sample_company.enrichment import simulate_enrichment
from ingestion.sample_company.parameters import CHANNELS, DAY_US, END_US, SECOND_US, SIZES, day_at
from ingestion.sample_company.people import People, simulate_people
from ingestion.sample_company.rating import ExchangeRates, PriceList, load_price_list
from ingestion.sample_company.signups import Signups, simulate_signups
from ingestion.sample_company.spend import simulate_spend
from ingestion.sample_company.stripe_objects import catalogue, write_objects
from ingestion.sample_company.terms import agree_terms
from ingestion.sample_company.usage import UsageSimulation

# Raised by one whenever the same size and seed give another company than before.
VERSION = 1
SEEDS = PROJECT_DIR / "dbt_project" / "seeds"
MONEY = pa.decimal128(18, 2)
NEW_NAMES = (" Group", " HQ", " Technologies", " One")


def write_company(directory: Path, *, size: str, seed: int, say: Callable[[str], None]) -> bool:
    """See `write_sample_company`."""
    if size not in SIZES:
        raise ValueError(f"unknown size {size!r}: choose one of {', '.join(SIZES)}")
    identity = {"size": size, "seed": seed, "version": VERSION}
    mark = directory / "company.json"
    if mark.is_file() and json.loads(mark.read_text()) == identity:
        return False
    beside = directory.with_name(f".{directory.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        _Simulation(beside, size, seed, say).run()
        (beside / mark.name).write_text(json.dumps(identity))
        if directory.exists():
            shutil.rmtree(directory)
        beside.rename(directory)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return True


class _Simulation:
    def __init__(self, directory: Path, size: str, seed: int, say: Callable[[str], None]) -> None:
        self._source = directory / "source"
        self._books = directory / "books"
        self._size = SIZES[size]
        self._seed = seed
        self._say = say
        self._streams = 0

    def _rng(self) -> np.random.Generator:
        """A stream of its own for each part, so that a change in one leaves the others as they were."""
        self._streams += 1
        return np.random.default_rng([self._seed, self._size.number, self._streams])

    def run(self) -> None:
        prices, rates = load_price_list(SEEDS), ExchangeRates(SEEDS)
        signups = simulate_signups(self._size, self._rng())
        accounts = simulate_accounts(signups, self._size, self._rng())
        agree_terms(signups, accounts, self._rng())
        merges = merge_regions(signups, accounts, self._rng())
        companies = simulate_companies(signups, accounts, merges, self._rng())
        people = simulate_people(signups, accounts, companies, self._rng())
        self._say(
            f"{len(signups.ids):,} organizations, {len(people.email):,} users, {len(accounts):,} billing accounts"
        )
        plan = plan_usage(signups, accounts, prices, self._rng())
        usage = UsageSimulation(
            signups=signups, accounts=accounts, plan=plan, counters=prices.counters, rng=self._rng()
        )
        folder = self._source / "usage" / "usage_reports"
        pooled, rows = usage.write(folder, lambda day: people.users_on(day, len(signups.ids)))
        self._say(f"{rows:,} usage reports")
        biller = Biller(pooled, prices, rates, f"{self._seed}-{self._size.number}")
        ledgers = [biller.bill(account) for account in accounts]
        self._say(f"{sum(len(ledger.invoices) for ledger in ledgers):,} invoices")
        self._write_product_db(signups, companies, people, ledgers)
        self._write_billing(signups, ledgers)
        self._write_stripe(ledgers, people, signups, prices)
        self._write_enrichment(signups, accounts, companies)
        self._write_crm(signups, accounts, companies, merges)
        self._write_spend()
        self._write_books(signups, ledgers, merges, rates)

    def _write_product_db(self, signups: Signups, companies: Companies, people: People, ledgers: list[Ledger]) -> None:
        folder = self._source / "product_db"
        rng = self._rng()
        count = len(signups.ids)
        organization, stamp, customer, name = _organization_versions(signups, companies, ledgers, rng)
        channels = pa.array([*CHANNELS, None])
        write.write_parquet_exports(
            folder / "organizations",
            stamp,
            {
                "id": pa.array(signups.ids.tolist()).take(pa.array(organization)),
                "name": pa.array(name),
                "created_at": pa.array(signups.created_us[organization], write.TIMESTAMP),
                "updated_at": pa.array(stamp, write.TIMESTAMP),
                "customer_id": pa.array(customer, pa.string()),
                "region": pa.array(np.where(signups.is_eu[organization], "EU", "US").tolist()),
                "for_internal_metrics": pa.array(signups.is_internal[organization]),
                "signup_channel": channels.take(pa.array(signups.channel[organization] % (len(CHANNELS) + 1))),
            },
        )
        self._write_users(folder / "users", people, rng)
        ids = signups.ids
        order = np.argsort(people.member_joined_us, kind="stable")
        write.write_csv(
            folder / "organization_memberships.csv.gz",
            ["organization_id", "user_id", "level", "joined_at", "updated_at"],
            (
                (ids[o], u, level, write.iso(joined), write.iso(joined))
                for o, u, level, joined in zip(
                    people.member_organization[order].tolist(), people.member_user[order].tolist(),
                    people.member_level[order].tolist(), people.member_joined_us[order].tolist(), strict=True,
                )
            ),
        )  # fmt: skip
        self._say(f"{len(organization) - count:,} changes of organizations")

    def _write_users(self, folder: Path, people: People, rng: np.random.Generator) -> None:
        """Everybody at the day of joining; those who came back once more when they were last seen."""
        count = len(people.email)
        came_back = np.flatnonzero((people.seen_us > people.joined_us + DAY_US) & (rng.random(count) < 0.6))
        user = np.concatenate([np.arange(count), came_back])
        stamp = np.concatenate([people.joined_us, people.seen_us[came_back] + 5 * SECOND_US])
        login = np.concatenate([people.joined_us, people.seen_us[came_back]])
        has_login = rng.random(len(user)) > 0.02
        active = people.is_active[user] | (np.arange(len(user)) < count)
        take = pa.array(user)
        write.write_parquet_exports(
            folder,
            stamp,
            {
                "id": pa.array(user + 1),
                "email": pa.array(people.email).take(take),
                "role_detail": pa.array(people.title, pa.string()).take(take),
                "role_at_organization": pa.array(people.role, pa.string()).take(take),
                "date_joined": pa.array(people.joined_us[user], write.TIMESTAMP),
                "updated_at": pa.array(stamp, write.TIMESTAMP),
                "last_login": pa.array(login, write.TIMESTAMP, mask=~has_login),
                "is_active": pa.array(active),
                "is_staff": pa.array(people.is_staff[user]),
            },
        )

    def _write_billing(self, signups: Signups, ledgers: list[Ledger]) -> None:
        known = self._rng().random(len(signups.ids)) < 0.9
        accounts = {o: ledger.account for ledger in ledgers for o in ledger.account.organizations}
        rows: list[tuple[int, dict]] = []
        for organization, organization_id in enumerate(signups.ids.tolist()):
            account = accounts.get(organization)
            if account is None and not known[organization]:
                continue
            first = int(signups.created_us[organization]) + 90 * SECOND_US
            rows += billing_versions(organization_id, first, account)
        rows.sort(key=lambda item: (item[0], item[1]["organization_id"]))
        write.write_jsonl_exports(self._source / "billing" / "billing_customers", rows)

    def _write_stripe(self, ledgers: list[Ledger], people: People, signups: Signups, prices: PriceList) -> None:
        folder = self._source / "stripe"
        products, price_objects = catalogue(prices)
        write.write_jsonl(folder / "products.jsonl.gz", map(json.dumps, products))
        write.write_jsonl(folder / "prices.jsonl.gz", map(json.dumps, price_objects))
        emails = {organization: people.owner_email[organization] for organization in range(len(signups.ids))}
        for table, exports in write_objects(ledgers, emails, signups.ids.tolist()).items():
            for month, lines in sorted(exports.items()):
                write.write_jsonl(folder / table / f"export-{month}.jsonl.gz", lines)

    def _write_enrichment(self, signups: Signups, accounts: list[Account], companies: Companies) -> None:
        rows = simulate_enrichment(signups, accounts, companies, self._rng())
        types = {
            "domain": pa.string(), "status": pa.string(), "employees": pa.int64(), "employees_180d_ago": pa.int64(),
            "engineering_employees": pa.int64(), "estimated_annual_revenue_usd": MONEY,
            "consumer_monthly_active_users": pa.int64(), "total_funding_usd": MONEY, "last_round": pa.string(),
            "investors": pa.list_(pa.string()), "accelerator": pa.string(),
            "founder_previous_companies": pa.list_(pa.string()), "company_type": pa.string(), "ipo_date": pa.date32(),
            "founded_year": pa.int64(), "country": pa.string(), "city": pa.string(), "industry": pa.string(),
            "is_side_project": pa.bool_(), "social_followers": pa.int64(), "enriched_at": write.TIMESTAMP,
        }  # fmt: skip
        write.write_rows_parquet(self._source / "enrichment" / "companies.parquet", rows, types)

    def _write_crm(self, signups: Signups, accounts: list[Account], companies: Companies, merges: list[Merge]) -> None:
        folder = self._source / "crm"
        crm_accounts, opportunities = simulate_crm(signups, accounts, companies, self._rng())
        for row in crm_accounts:
            organization = row.pop("organization")
            row["organization_id"] = None if organization is None else str(signups.ids[organization])
        types = {
            "id": pa.string(), "organization_id": pa.string(), "name": pa.string(), "owner_email": pa.string(),
            "owner_role": pa.string(), "owner_since": write.TIMESTAMP, "do_not_contact": pa.bool_(),
            "last_contacted_at": write.TIMESTAMP, "updated_at": write.TIMESTAMP,
        }  # fmt: skip
        write.write_rows_parquet(folder / "accounts.parquet", crm_accounts, types)
        instants = ("procurement_started_at", "created_at", "closed_at", "updated_at")
        header = [
            "id", "account_id", "type", "stage", "amount_usd_year", "procurement_started_at", "requests_new_features",
            "stakeholders", "non_engineer_stakeholders", "created_at", "closed_at", "updated_at",
        ]  # fmt: skip
        texts = ([write.iso(row[k]) if k in instants else _csv(row[k]) for k in header] for row in opportunities)
        write.write_csv(folder / "opportunities.csv", header, texts)
        ids = signups.ids
        rows = sorted((ids[m.organization], ids[m.canonical], m.note) for m in merges)
        write.write_csv(folder / "account_merges.csv", ["organization_id", "canonical_organization_id", "note"], rows)

    def _write_spend(self) -> None:
        rows = simulate_spend(self._size, self._rng())
        header = ["month", "category", "channel", "amount_usd"]
        path = self._source / "spend" / "sales_and_marketing.csv"
        write.write_csv(path, header, ([_csv(row[key]) for key in header] for row in rows))

    def _write_books(self, signups: Signups, ledgers: list[Ledger], merges: list[Merge], rates: ExchangeRates) -> None:
        ids = signups.ids.tolist()
        canonical = canonical_organizations(signups, ledgers, merges)
        outside = np.flatnonzero(~signups.is_internal).tolist()
        self._books.mkdir()
        write.write_parquet(
            self._books / "customers.parquet",
            {"organization_id": [ids[o] for o in outside], "customer_id": [ids[canonical[o]] for o in outside]},
        )
        books = monthly_books(ledgers, canonical, signups, rates)
        rows = [(c, m, book, basis) for c, months in books.items() for m, (book, basis) in months.items()]
        rows.sort(key=lambda row: (ids[row[0]], row[1]))
        money = {
            name: pa.array([write.decimal_usd(value(row[2])) for row in rows], pa.decimal128(18, 2))
            for name, value in (
                ("list_usd", lambda b: b.list_cents), ("discount_usd", lambda b: b.discount_cents),
                ("credit_applied_usd", lambda b: b.credit_cents), ("refund_usd", lambda b: b.refund_cents),
                ("mrr_usd_month", lambda b: b.mrr_cents),
            )
        }  # fmt: skip
        write.write_parquet(
            self._books / "mrr_monthly.parquet",
            {"customer_id": [ids[row[0]] for row in rows], "month": [month_start(row[1]) for row in rows], **money,
             "basis": [row[3] for row in rows]},
        )  # fmt: skip
        self._write_rated_lines(ids, ledgers, signups)

    def _write_rated_lines(self, ids: list[str], ledgers: list[Ledger], signups: Signups) -> None:
        outside = [ledger for ledger in ledgers if not signups.is_internal[ledger.account.organizations[0]]]
        rows = [(ids[ledger.account.organizations[0]], rated) for ledger in outside for rated in ledger.rated]
        rows = [row for row in rows if row[1].invoice.livemode]
        prices = load_price_list(SEEDS)
        quantity = [write.Decimal(r.units) / prices.divisors.get(r.product_key, 1) for _, r in rows]
        cents = {
            "list_usd": [r.list_cents for _, r in rows],
            "after_discount_usd": [r.after_discount_cents for _, r in rows],
            "limit_usd": [r.limit_cents for _, r in rows], "bill_usd": [r.bill_cents for _, r in rows],
        }  # fmt: skip
        write.write_parquet(
            self._books / "rated_lines.parquet",
            {
                "invoice_id": [r.invoice.id for _, r in rows],
                "organization_id": [organization for organization, _ in rows],
                "product_key": [r.product_key for _, r in rows],
                "period_start": [day_at(r.start_day) for _, r in rows],
                "period_end": [day_at(r.end_day) for _, r in rows],
                "quantity": pa.array(quantity, pa.decimal128(38, 10)),
                **{
                    name: pa.array([None if v is None else write.decimal_usd(v) for v in values], pa.decimal128(18, 2))
                    for name, values in cents.items()
                },
                "invoice_status": [r.invoice.status for _, r in rows],
            },
        )


def billing_versions(organization_id: str, first_us: int, account: Account | None) -> Iterator[tuple[int, dict]]:
    """Stamped rows of billing_customers of one organization, one for every instant at which something changed."""
    changes = sorted(account.changes, key=lambda item: item[0]) if account else []
    settings = FIRST_SETTINGS
    earlier = [change for stamp, change in changes if stamp <= first_us]
    for change in earlier:
        settings = fold(settings, change)
    stamp = first_us
    for next_stamp, change in changes[len(earlier) :]:
        if next_stamp >= END_US:
            break
        if next_stamp != stamp:
            yield stamp, _billing_row(organization_id, stamp, settings)
        settings, stamp = fold(settings, change), next_stamp
    yield stamp, _billing_row(organization_id, stamp, settings)


def _billing_row(organization_id: str, stamp: int, settings: dict) -> dict:
    return {
        "organization_id": organization_id,
        "stripe_customer_id": settings["stripe_customer_id"],
        "has_active_subscription": settings["has_active_subscription"],
        "subscribed_products": list(settings["subscribed_products"]),
        "platform_package": settings["platform_package"],
        "current_period_start": write.iso(settings["current_period_start_us"]),
        "current_period_end": write.iso(settings["current_period_end_us"]),
        "custom_limits_usd": {
            key: cents // 100 if cents % 100 == 0 else cents / 100
            for key, cents in settings["custom_limits_usd"].items()
        },
        "discount_percent": str(write.decimal_usd(settings["discount_basis_points"])),
        "credit_balance_usd": str(write.decimal_usd(settings["credit_cents"])),
        "startup_program": settings["startup_program"],
        "startup_plan_start_at": write.iso(settings["startup_plan_start_us"]),
        "credit_expires_at": write.iso(settings["credit_expires_us"]),
        "annual_plan_start_at": write.iso(settings["annual_plan_start_us"]),
        "annual_plan_end_at": write.iso(settings["annual_plan_end_us"]),
        "free_trial_until": write.iso(settings["free_trial_until_us"]),
        "updated_at": write.iso(stamp),
    }


def _organization_versions(
    signups: Signups, companies: Companies, ledgers: list[Ledger], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, list[str | None], list[str]]:
    """Organization number, stamp, Stripe customer and name of every version: sign-up, Stripe customer, new name."""
    count = len(signups.ids)
    renamed = np.flatnonzero(rng.random(count) < 0.05)
    renamed_at = signups.created_us[renamed] + (rng.random(len(renamed)) * 200 * DAY_US).astype(np.int64) + DAY_US // 2
    versions = [(int(stamp), number, None, companies.name[number]) for number, stamp in enumerate(signups.created_us)]
    customers: dict[int, tuple[int, str]] = {}
    for ledger in ledgers:
        for organization in ledger.account.organizations:
            stamp = max(ledger.account.start_us, int(signups.created_us[organization]) + 30 * SECOND_US)
            customers[organization] = stamp, ledger.customer_id
            versions.append((stamp, organization, ledger.customer_id, companies.name[organization]))
    for organization, stamp in zip(renamed.tolist(), renamed_at.tolist(), strict=True):
        since, customer = customers.get(organization, (END_US, None))
        # A name that changes before the subscription would be undone by its version: such a change is left out.
        if stamp < END_US and (organization not in customers or stamp > since):
            versions.append(
                (
                    stamp,
                    organization,
                    customer,
                    companies.name[organization].split()[0] + NEW_NAMES[organization % len(NEW_NAMES)],
                )
            )
    versions.sort(key=lambda version: (version[0], version[1]))
    stamps, organizations, customer_ids, names = zip(*versions, strict=True)
    return np.array(organizations), np.array(stamps), list(customer_ids), list(names)


def _csv(value: object) -> object:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else value
