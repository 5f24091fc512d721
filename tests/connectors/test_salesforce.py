"""What is read from Salesforce, and what is said when Salesforce does not answer."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from connectors.crm import client
from connectors.crm.fields import read_mapping
from connectors.crm.reading import Merge, Reading
from connectors.crm.salesforce import Salesforce
from connectors.report import LandingError
from settings import PROJECT_DIR, Settings
from tests.connectors.fake_crms import (
    CLIENT_ID,
    CLIENT_SECRET,
    SESSION,
    FakeSalesforce,
    Fault,
    answer,
    reset_within_the_page,
)

MAPPING = PROJECT_DIR / "connectors/mappings/salesforce.yml"
ACCOUNT = {
    "Growth_Organization_Id__c": "org-1",
    "Name": "Ärger & Söhne",
    "Owner.Email": "ada@vendor.example",
    "Owner.UserRole.Name": "Customer Success Manager",
    "Growth_Owner_Since__c": "2026-02-01T09:30:00.000+0000",
    "Growth_Do_Not_Contact__c": False,
    "LastActivityDate": "2026-03-01",
}
OPPORTUNITY = {
    "AccountId": "001A",
    "Type": "Existing Customer - Upgrade",
    "StageName": "Negotiation/Review",
    "Amount": 350000000.0,
    "Growth_Procurement_Started__c": None,
    "Growth_Requests_New_Features__c": True,
    "Growth_Stakeholders__c": 4.0,
    "Growth_Non_Engineer_Stakeholders__c": None,
    "CloseDate": "2026-05-01",
    "IsClosed": True,
}


@pytest.fixture
def salesforce(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> FakeSalesforce:
    """An organization with one account and one opportunity."""
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)
    fake = FakeSalesforce(httpserver)
    mapping = read_mapping(MAPPING)
    for table, kind in (("crm.accounts", "Account"), ("crm.opportunities", "Opportunity")):
        fake.fields[kind] = set(mapping.fields(table))
    fake.put("Account", "001A", ACCOUNT, "2026-06-01T00:00:00.000Z")
    fake.put("Opportunity", "006A", OPPORTUNITY, "2026-06-02T00:00:00.000Z")
    return fake


def read(fake: FakeSalesforce, folder: Path, secret: str = CLIENT_SECRET) -> Reading:
    settings = Settings(
        land_salesforce_url=fake.address,
        land_salesforce_client_id=CLIENT_ID,
        land_salesforce_client_secret=SecretStr(secret),
    )
    folder.mkdir(parents=True, exist_ok=True)
    reading = Reading(folder)
    Salesforce(settings, read_mapping(MAPPING)).read(reading)
    return reading


def rows(reading: Reading, table: str) -> list[dict[str, Any]]:
    with reading.files[table].open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_an_account_and_an_opportunity_become_rows_of_the_contract(salesforce: FakeSalesforce, tmp_path: Path) -> None:
    reading = read(salesforce, tmp_path / "read")
    assert rows(reading, "crm.accounts") == [
        {
            "id": "001A",
            "organization_id": "org-1",
            "name": "Ärger & Söhne",
            "owner_email": "ada@vendor.example",
            "owner_role": "csm",
            "owner_since": "2026-02-01T09:30:00.000+0000",
            "do_not_contact": "false",
            "last_contacted_at": "2026-03-01T00:00:00Z",
            "updated_at": "2026-06-01T00:00:00.000+0000",
        }
    ]
    assert rows(reading, "crm.opportunities") == [
        {
            "id": "006A",
            "account_id": "001A",
            "type": "expansion",
            "stage": "Negotiation/Review",
            "amount_usd_year": "350000000.0",
            "procurement_started_at": "",
            "requests_new_features": "true",
            "stakeholders": "4",
            "non_engineer_stakeholders": "0",
            "created_at": "2026-01-05T08:00:00.000+0000",
            "closed_at": "2026-05-01T00:00:00Z",
            "updated_at": "2026-06-02T00:00:00.000+0000",
        }
    ]
    assert reading.warnings_of("Salesforce", "salesforce.yml") == []


@pytest.mark.parametrize(
    ("sent", "amount"), [("3.5E8", "350000000"), ("1.2345678901234567E14", "123456789012345.67"), ("0.1", "0.1")]
)
def test_money_is_taken_as_it_was_sent(salesforce: FakeSalesforce, tmp_path: Path, sent: str, amount: str) -> None:
    account = {"Id": "006A", "AccountId": "001A", "CreatedDate": "x", "SystemModstamp": "y", "IsDeleted": False}
    record = json.dumps({**account, **OPPORTUNITY, "Amount": "AMOUNT"}).replace('"AMOUNT"', sent)
    page = answer(200, f'{{"totalSize": 1, "done": true, "records": [{record}]}}')
    # The first query is for accounts.
    salesforce.fails("queryAll", answer(200, {"records": []}), page)
    assert rows(read(salesforce, tmp_path / "read"), "crm.opportunities")[0]["amount_usd_year"] == amount


def test_all_pages_are_read_and_deleted_records_removed(salesforce: FakeSalesforce, tmp_path: Path) -> None:
    for number in range(10):
        salesforce.put("Account", f"001B{number}", {"Name": f"Account {number}"})
    salesforce.delete("Account", "001B5")
    salesforce.delete("Opportunity", "006A")
    reading = read(salesforce, tmp_path / "read")
    assert [row["id"] for row in rows(reading, "crm.accounts")] == [
        "001A",
        *(f"001B{number}" for number in range(10) if number != 5),
    ]
    assert rows(reading, "crm.opportunities") == []


def test_an_account_that_nobody_owns_has_no_owner(salesforce: FakeSalesforce, tmp_path: Path) -> None:
    salesforce.put("Account", "001A", {"Owner.Email": None, "Owner.UserRole.Name": None})
    row = rows(read(salesforce, tmp_path / "read"), "crm.accounts")[0]
    assert (row["owner_email"], row["owner_role"]) == ("", "")


def test_an_opportunity_without_an_account_is_left_out_and_named(salesforce: FakeSalesforce, tmp_path: Path) -> None:
    salesforce.put("Opportunity", "006B", {**OPPORTUNITY, "AccountId": None})
    reading = read(salesforce, tmp_path / "read")
    assert [row["id"] for row in rows(reading, "crm.opportunities")] == ["006A"]
    assert "Salesforce has 1 without an account" in reading.warnings_of("Salesforce", "salesforce.yml")[0]


def test_what_was_merged_is_noted_with_its_organization(salesforce: FakeSalesforce, tmp_path: Path) -> None:
    salesforce.put("Account", "001B", {"Name": "Twin", "Growth_Organization_Id__c": "org-2"})
    salesforce.delete("Account", "001B", into="001A")
    reading = read(salesforce, tmp_path / "read")
    assert reading.merges == [Merge("001B", "001A", "org-2")]
    assert [row["id"] for row in rows(reading, "crm.accounts")] == ["001A"]


def error_of(code: str, message: str = "…") -> list[dict[str, str]]:
    return [{"errorCode": code, "message": message}]


PASSING: dict[str, list[Fault]] = {
    "429": [answer(429, error_of("REQUEST_RATE_LIMIT"), Retry_After="1")],
    "503": [answer(503, error_of("SERVER_UNAVAILABLE"))] * 4,
    "reset within a page": [reset_within_the_page] * 2,
}
LASTING: dict[str, tuple[list[Fault], str]] = {
    "no right": (
        [answer(400, error_of("INVALID_TYPE", "sObject type 'Account' is not supported."))],
        "Salesforce does not let the app's user read Account: give the user a permission set that may",
    ),
    "day's limit": (
        [answer(403, error_of("REQUEST_LIMIT_EXCEEDED"))],
        "Salesforce's requests of the last 24 hours are used up at Account: land again later",
    ),
    "403": ([answer(403, error_of("API_DISABLED_FOR_ORG"))], "Salesforce (403) does not let us read Account"),
    "session": ([answer(401, error_of("INVALID_SESSION_ID"))], "Salesforce ended the session at Account"),
    "500 for ever": ([answer(500, "oops")] * 5, "Salesforce (500) cannot answer for Account, after 5 attempts"),
    "reset for ever": ([reset_within_the_page] * 5, "fails or breaks at Account, after 5 attempts"),
    "no JSON": ([answer(200, "<html>")], "something that is not JSON: check that GROWTH_LAND_SALESFORCE_URL is"),
    "half a record": ([answer(200, {"records": [{"Id": "1"}]})], "Salesforce sends one of Account without Growth_"),
}


@pytest.mark.parametrize("faults", PASSING.values(), ids=PASSING.keys())
def test_a_fault_that_passes_changes_no_row(salesforce: FakeSalesforce, tmp_path: Path, faults: list[Fault]) -> None:
    expected = rows(read(salesforce, tmp_path / "expected"), "crm.accounts")
    salesforce.fails("/queryAll", *faults)
    assert rows(read(salesforce, tmp_path / "read"), "crm.accounts") == expected
    assert not salesforce.faults


@pytest.mark.parametrize(("faults", "sentence"), LASTING.values(), ids=LASTING.keys())
def test_a_fault_that_lasts_is_one_sentence(
    salesforce: FakeSalesforce, tmp_path: Path, faults: list[Fault], sentence: str
) -> None:
    salesforce.fails("/queryAll", *faults)
    with pytest.raises(LandingError) as error:
        read(salesforce, tmp_path / "read")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert not salesforce.faults


@pytest.mark.parametrize("field", ["Type", "Owner.UserRole.Name"])
def test_a_field_that_does_not_exist_is_named(salesforce: FakeSalesforce, tmp_path: Path, field: str) -> None:
    kind = "Account" if field.startswith("Owner") else "Opportunity"
    salesforce.fields[kind].remove(field)
    with pytest.raises(LandingError) as error:
        read(salesforce, tmp_path / "read")
    assert str(error.value) == (
        f"Salesforce on {kind}: No such column '{field}' on entity '{kind}'; correct salesforce.yml, or let the app's "
        "user read the field"
    )


def test_a_wrong_secret_is_named_by_its_setting_and_never_shown(salesforce: FakeSalesforce, tmp_path: Path) -> None:
    with pytest.raises(LandingError) as error:
        read(salesforce, tmp_path / "read", secret="wrong-5ecret")
    assert str(error.value) == (
        "Salesforce refuses the app (invalid_client): check GROWTH_LAND_SALESFORCE_CLIENT_ID and _SECRET, and that the "
        "app allows the client credentials flow"
    )
    assert error.value.__suppress_context__


def test_the_secret_is_not_sent_where_a_redirect_leads(salesforce: FakeSalesforce, tmp_path: Path) -> None:
    salesforce.fails("/token", answer(307, "", Location=f"{salesforce.address}/elsewhere"))
    with pytest.raises(LandingError, match="something that is not JSON: check that GROWTH_LAND_SALESFORCE_URL"):
        read(salesforce, tmp_path / "read")
    assert salesforce.requests == ["POST /services/oauth2/token?"]


def test_no_secret_is_written(salesforce: FakeSalesforce, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        read(salesforce, tmp_path / "read")
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 2
    for text in (*written, caplog.text, json.dumps(salesforce.requests)):
        assert CLIENT_SECRET not in text
        assert SESSION not in text
