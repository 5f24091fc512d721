"""Days of changes in a CRM, each landed: what the load makes of the landed files is what the CRM has."""

import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from connectors.crm import client
from connectors.crm.fields import read_mapping
from connectors.crm.landing import HUBSPOT, SALESFORCE, Crm
from connectors.report import LandingError, LandingReport
from ingestion.load import load_sources
from settings import PROJECT_DIR, Settings
from tests.connectors.fake_crms import CLIENT_ID, CLIENT_SECRET, TOKEN, FakeHubSpot, FakeSalesforce, answer

TABLES = {"crm__accounts", "crm__opportunities", "crm__account_merges"}
DAYS = 10


class InHubSpot:
    """A company's CRM, kept in HubSpot."""

    crm: Crm = HUBSPOT
    opportunities_path = "objects/deals"

    def __init__(self, server: HTTPServer) -> None:
        self.fake = FakeHubSpot(server)
        mapping = read_mapping(PROJECT_DIR / "connectors/mappings/hubspot.yml")
        for table, kind in (("crm.accounts", "companies"), ("crm.opportunities", "deals")):
            self.fake.properties[kind] = [name.partition(".")[0] for name in mapping.fields(table)]
        self.settings: dict[str, Any] = {
            "land_hubspot_url": self.fake.address,
            "land_hubspot_token": SecretStr(TOKEN),
        }

    def put_account(self, number: int, name: str, organization: str | None, stamp: str) -> None:
        properties = {"name": name, "growth_organization_id": organization}
        self.fake.put("companies", str(number), properties, stamp)

    def put_opportunity(self, number: int, account: int, amount: str, stamp: str) -> None:
        properties = {"dealtype": "newbusiness", "dealstage": "open", "amount_in_home_currency": amount}
        self.fake.put("deals", str(number), properties, stamp)
        self.fake.companies_of[str(number)] = [str(account)]

    def remove_account(self, number: int) -> None:
        self.fake.archive("companies", str(number))

    def remove_opportunity(self, number: int) -> None:
        del self.fake.objects["deals"][str(number)]

    def merge(self, number: int, into: int) -> None:
        self.fake.merge(str(number), str(into))


class InSalesforce:
    """A company's CRM, kept in Salesforce."""

    crm: Crm = SALESFORCE
    # The last page of the accounts; opportunities come behind it.
    opportunities_path = "/query/"

    def __init__(self, server: HTTPServer) -> None:
        self.fake = FakeSalesforce(server)
        mapping = read_mapping(PROJECT_DIR / "connectors/mappings/salesforce.yml")
        for table, kind in (("crm.accounts", "Account"), ("crm.opportunities", "Opportunity")):
            self.fake.fields[kind] = set(mapping.fields(table))
        self.settings: dict[str, Any] = {
            "land_salesforce_url": self.fake.address,
            "land_salesforce_client_id": CLIENT_ID,
            "land_salesforce_client_secret": SecretStr(CLIENT_SECRET),
        }

    def put_account(self, number: int, name: str, organization: str | None, stamp: str) -> None:
        self.fake.put("Account", str(number), {"Name": name, "Growth_Organization_Id__c": organization}, stamp)

    def put_opportunity(self, number: int, account: int, amount: str, stamp: str) -> None:
        fields = {"AccountId": str(account), "StageName": "open", "Amount": float(amount), "Type": "New Customer"}
        self.fake.put("Opportunity", str(number), fields, stamp)

    def remove_account(self, number: int) -> None:
        self.fake.delete("Account", str(number))

    def remove_opportunity(self, number: int) -> None:
        del self.fake.objects["Opportunity"][str(number)]

    def merge(self, number: int, into: int) -> None:
        self.fake.delete("Account", str(number), into=str(into))


@dataclass
class Company:
    """What the CRM has: name and organization by account, account and amount by opportunity, merges as wanted."""

    crm: InHubSpot | InSalesforce
    settings: Settings
    chance: random.Random
    accounts: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    opportunities: dict[int, tuple[int, str]] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)
    last_number: int = 100
    now: datetime = datetime(2026, 3, 1, tzinfo=UTC)

    def stamp(self) -> str:
        """Now and then the clock of the CRM stands still, or goes back."""
        self.now += timedelta(seconds=self.chance.choice([60, 0, -30]))
        return self.now.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def add_account(self) -> None:
        self.last_number += 1
        self.change_account(self.last_number, f"org-{self.last_number}")

    def change_account(self, number: int, organization: str | None) -> None:
        name = self.chance.choice(['A, "B"', "Ärger\nund Söhne", "x", " blank ", "=1+1"]) + str(number)
        self.accounts[number] = (name, organization)
        self.crm.put_account(number, name, organization, self.stamp())

    def add_opportunity(self) -> None:
        self.last_number += 1
        self.change_opportunity(self.last_number)

    def change_opportunity(self, number: int) -> None:
        account, amount = self.chance.choice(list(self.accounts)), f"{self.chance.randrange(10**8)}.5"
        self.opportunities[number] = (account, amount)
        self.crm.put_opportunity(number, account, amount, self.stamp())

    def remove(self) -> tuple[int, tuple[str, str | None]]:
        """Remove an opportunity and an account; the account is returned."""
        opportunity = self.chance.choice(list(self.opportunities))
        del self.opportunities[opportunity]
        self.crm.remove_opportunity(opportunity)
        account = self.chance.choice(list(self.accounts))
        self.crm.remove_account(account)
        return account, self.accounts.pop(account)

    def merge(self) -> None:
        """Merge an account into another; who was merged into it before now belongs to that one."""
        number, into = self.chance.sample(list(self.accounts), 2)
        self.crm.merge(number, into)
        _, organization = self.accounts.pop(number)
        kept = self.accounts[into][1]
        if organization and kept:
            self.merged = {each: kept if end == organization else end for each, end in self.merged.items()}
            self.merged[organization] = kept

    def land(self) -> LandingReport:
        return self.crm.crm.land(self.settings)

    def loaded(self) -> tuple[dict[int, tuple[str, str | None]], dict[int, tuple[int, str]], dict[str, str]]:
        """What the load makes of the landed files: the newest version of each key that is not removed."""
        report = load_sources(self.settings, tables=TABLES)
        assert report.rows_rejected == 0
        newest = "qualify row_number() over (partition by id order by updated_at desc) = 1 and removed_at is null"
        with duckdb.connect(self.settings.warehouse_path, read_only=True) as warehouse:
            accounts = warehouse.sql(f"select id, name, organization_id from raw.crm__accounts {newest}").fetchall()
            opportunities = warehouse.sql(
                "select id, account_id, cast(cast(amount_usd_year as decimal(18, 1)) as varchar) "
                f"from raw.crm__opportunities {newest}"
            ).fetchall()
            merges = warehouse.sql(
                "select organization_id, canonical_organization_id from raw.crm__account_merges"
            ).fetchall()
        return (
            {int(key): (name, organization) for key, name, organization in accounts},
            {int(key): (int(account), amount) for key, account, amount in opportunities},
            dict(merges),
        )


@pytest.fixture(params=[InHubSpot, InSalesforce])
def company(
    request: pytest.FixtureRequest, httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Company:
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)
    kept: Callable[[HTTPServer], InHubSpot | InSalesforce] = request.param
    crm = kept(httpserver)
    settings = Settings(source_root=str(tmp_path / "source"), data_dir=tmp_path / "data", **crm.settings)
    company = Company(crm, settings, random.Random(7))
    for _ in range(6):
        company.add_account()
    for _ in range(6):
        company.add_opportunity()
    return company


def landed_files(company: Company) -> list[Path]:
    return sorted(path for path in Path(company.settings.resolved_source_root).rglob("*.csv.gz"))


def test_loaded_state_matches_the_crm_after_days_of_changes(company: Company) -> None:
    removed = None
    for _ in range(DAYS):
        company.land()
        if removed:
            # It is taken out of the archive, as it was.
            number, (_, organization) = removed
            company.change_account(number, organization)
        removed = company.remove()
        company.merge()
        company.add_account()
        company.add_opportunity()
        changed = company.chance.choice(list(company.accounts))
        company.change_account(changed, company.accounts[changed][1])
        company.change_opportunity(company.chance.choice(list(company.opportunities)))
    company.land()
    accounts, opportunities, merges = company.loaded()
    assert accounts == company.accounts
    assert opportunities == company.opportunities
    assert merges == company.merged
    assert len(merges) > 5


def test_a_landing_without_changes_writes_no_file(company: Company) -> None:
    company.merge()
    company.land()
    before = landed_files(company)
    report = company.land()
    assert landed_files(company) == before
    assert sum(table.rows_landed for table in report.tables) == 0


def test_a_landing_counts_what_is_new_changed_and_removed(company: Company) -> None:
    company.land()
    company.add_account()
    company.change_account(101, "org-of-another")
    company.crm.remove_account(102)
    report = company.land()
    counts = {each.source_table: (each.rows_new, each.rows_changed, each.rows_removed) for each in report.tables}
    assert counts == {"crm.accounts": (1, 1, 1), "crm.opportunities": (0, 0, 0)}
    assert report.system == company.crm.crm.system


def test_a_merge_of_an_account_that_was_never_landed_is_counted(company: Company) -> None:
    company.change_account(101, None)
    company.crm.merge(101, into=102)
    report = company.land()
    assert report.warnings[-1].startswith("crm.account_merges: 1 of 1 merges are of accounts whose organization is not")
    assert [path for path in landed_files(company) if "account_merges" in str(path)] == []


def test_a_failed_reading_lands_nothing(company: Company) -> None:
    company.land()
    before = landed_files(company)
    company.add_account()
    company.crm.fake.fails(company.crm.opportunities_path, *[answer(500, "oops")] * client.ATTEMPTS)
    with pytest.raises(LandingError):
        company.land()
    assert landed_files(company) == before


def test_table_that_lost_most_rows_is_not_landed(company: Company) -> None:
    for _ in range(20):
        company.add_account()
    company.land()
    before = landed_files(company)
    for number in list(company.accounts)[1:]:
        company.crm.remove_account(number)
    company.change_opportunity(next(iter(company.opportunities)))
    report = company.land()
    [failure] = report.failures
    assert failure.startswith(f"{report.system}: 25 of the 26 landed rows of crm.accounts are no longer there")
    [added] = set(landed_files(company)).difference(before)
    assert added.parent.name == "opportunities"


def test_no_secret_is_in_a_file_a_log_or_an_error(company: Company, caplog: pytest.LogCaptureFixture) -> None:
    def repeat(request: Request) -> Response:
        return Response(f"{request.headers.get('Authorization')} {request.get_data(as_text=True)}", 400)

    errors = []
    with caplog.at_level("DEBUG"):
        company.land()
        for path in ("", company.crm.opportunities_path):
            company.crm.fake.fails(path, repeat)
            with pytest.raises(LandingError) as error:
                company.land()
            errors.append(str(error.value))
    assert not company.crm.fake.faults
    assert all("…" in error for error in errors)
    written = [path for path in Path(company.settings.resolved_source_root).parent.rglob("*") if path.is_file()]
    assert len(written) > 3
    files = [gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes() for path in written]
    assert all(b"5ecret" not in text for text in files)
    assert all("5ecret" not in text for text in (caplog.text, *errors))


def test_two_crms_at_once_are_refused(company: Company) -> None:
    settings = company.settings.model_copy(
        update={"land_hubspot_token": SecretStr(TOKEN), "land_salesforce_url": "https://example.my.salesforce.com"}
    )
    with pytest.raises(LandingError, match="HubSpot and Salesforce are both set, but one CRM has the accounts"):
        company.crm.crm.land(settings)
    assert "HubSpot and Salesforce are both set" in company.crm.crm.check(settings)[0]


def test_a_check_finds_nothing_wrong_and_lands_nothing(company: Company) -> None:
    assert company.crm.crm.check(company.settings) == []
    assert landed_files(company) == []
