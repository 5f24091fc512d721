"""What is read from HubSpot, and what is said when HubSpot does not answer."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer

from connectors.crm import client
from connectors.crm.fields import read_mapping
from connectors.crm.hubspot import HubSpot
from connectors.crm.reading import Merge, Reading
from connectors.report import LandingError
from settings import PROJECT_DIR, Settings
from tests.connectors.fake_crms import TOKEN, FakeHubSpot, Fault, answer, reset_within_the_page

MAPPING = PROJECT_DIR / "connectors/mappings/hubspot.yml"
COMPANY = {
    "growth_organization_id": "org-1",
    "name": 'Ärger & "Söhne", Ltd',
    "hubspot_owner_id": "71",
    "hubspot_owner_assigneddate": "2026-02-01T09:30:00.120Z",
    "growth_do_not_contact": "true",
    "notes_last_contacted": "2026-03-01T10:00:00Z",
}
DEAL = {
    "dealtype": "existingbusiness",
    "dealstage": "contractsent",
    "amount_in_home_currency": "123456789012.45",
    "hs_v2_date_entered_contractsent": "2026-04-01T00:00:00Z",
    "growth_requests_new_features": "false",
    "num_associated_contacts": "4",
    "growth_non_engineer_stakeholders": "1",
    "closedate": "2026-05-01T00:00:00Z",
    "hs_is_closed": "true",
}


@pytest.fixture
def hubspot(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> FakeHubSpot:
    """An account with one company and one deal."""
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)
    fake = FakeHubSpot(httpserver)
    mapping = read_mapping(MAPPING)
    for table, kind in (("crm.accounts", "companies"), ("crm.opportunities", "deals")):
        fake.properties[kind] = [name.partition(".")[0] for name in mapping.fields(table)]
    fake.owners = [
        {"id": "71", "email": "ada@vendor.example", "teams": [{"id": "1", "name": "Technical AE", "primary": True}]},
        {"id": "72", "email": "left@vendor.example", "teams": [], "archived": True},
    ]
    fake.put("companies", "10", COMPANY, "2026-06-01T00:00:00.000Z")
    fake.put("deals", "20", DEAL, "2026-06-02T00:00:00.000Z")
    fake.companies_of["20"] = ["10"]
    return fake


def read(fake: FakeHubSpot, folder: Path, token: str = TOKEN, mapping: Path = MAPPING) -> Reading:
    settings = Settings(land_hubspot_url=fake.address, land_hubspot_token=SecretStr(token))
    folder.mkdir(parents=True, exist_ok=True)
    reading = Reading(folder)
    HubSpot(settings, read_mapping(mapping)).read(reading)
    return reading


def rows(reading: Reading, table: str) -> list[dict[str, Any]]:
    with reading.files[table].open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_company_and_a_deal_become_rows_of_the_contract(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    reading = read(hubspot, tmp_path / "read")
    assert rows(reading, "crm.accounts") == [
        {
            "id": "10",
            "organization_id": "org-1",
            "name": 'Ärger & "Söhne", Ltd',
            "owner_email": "ada@vendor.example",
            "owner_role": "technical_ae",
            "owner_since": "2026-02-01T09:30:00.120Z",
            "do_not_contact": "true",
            "last_contacted_at": "2026-03-01T10:00:00Z",
            "updated_at": "2026-06-01T00:00:00.000Z",
        }
    ]
    assert rows(reading, "crm.opportunities") == [
        {
            "id": "20",
            "account_id": "10",
            "type": "expansion",
            "stage": "contractsent",
            "amount_usd_year": "123456789012.45",
            "procurement_started_at": "2026-04-01T00:00:00Z",
            "requests_new_features": "false",
            "stakeholders": "4",
            "non_engineer_stakeholders": "1",
            "created_at": "2026-01-05T08:00:00.000Z",
            "closed_at": "2026-05-01T00:00:00Z",
            "updated_at": "2026-06-02T00:00:00.000Z",
        }
    ]
    assert reading.warnings_of("HubSpot", "hubspot.yml") == []


def test_all_pages_are_read_and_archived_records_removed(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    for number in range(100, 110):
        hubspot.put("companies", str(number), {"name": f"Company {number}"})
    hubspot.archive("companies", "105")
    found = [row["id"] for row in rows(read(hubspot, tmp_path / "read"), "crm.accounts")]
    assert found == ["10", *(str(number) for number in range(100, 110) if number != 105)]


def test_a_record_that_comes_on_two_pages_is_one_row(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    record = hubspot.objects["companies"]["10"]
    first = {"results": [record], "paging": {"next": {"after": "9"}}}
    hubspot.fails("/objects/companies", answer(200, first))
    assert [row["id"] for row in rows(read(hubspot, tmp_path / "read"), "crm.accounts")] == ["10"]
    assert sum("/objects/companies" in request for request in hubspot.requests) == 2


def test_a_redirect_is_not_followed(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    hubspot.fails("/objects/companies", answer(307, "", Location=f"{hubspot.address}/elsewhere"))
    with pytest.raises(LandingError, match="elsewhere: set GROWTH_LAND_HUBSPOT_URL to where it is answered"):
        read(hubspot, tmp_path / "read")
    assert not any("/elsewhere" in request for request in hubspot.requests)


def test_an_owner_who_left_still_owns_what_was_not_handed_over(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    hubspot.put("companies", "10", {"hubspot_owner_id": "72"})
    row = rows(read(hubspot, tmp_path / "read"), "crm.accounts")[0]
    assert (row["owner_email"], row["owner_role"]) == ("left@vendor.example", "")


def test_the_primary_company_of_a_deal_is_its_account(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    hubspot.companies_of["20"] = ["77", "10", "11"]
    assert rows(read(hubspot, tmp_path / "read"), "crm.opportunities")[0]["account_id"] == "77"


def test_an_open_deal_is_not_closed_on_the_day_on_which_it_might_be(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    hubspot.put("deals", "20", {"hs_is_closed": "false"})
    assert rows(read(hubspot, tmp_path / "read"), "crm.opportunities")[0]["closed_at"] == ""


def test_a_deal_without_a_company_is_left_out_and_named(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    hubspot.put("deals", "21", DEAL)
    reading = read(hubspot, tmp_path / "read")
    assert [row["id"] for row in rows(reading, "crm.opportunities")] == ["20"]
    assert reading.warnings_of("HubSpot", "hubspot.yml") == [
        "crm.opportunities: HubSpot has 1 without an account, not landed: give each one in HubSpot. For example: 21"
    ]


def test_a_value_that_no_map_knows_is_named_with_its_column_and_count(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    hubspot.put("deals", "20", {"dealtype": "partner"})
    reading = read(hubspot, tmp_path / "read")
    assert rows(reading, "crm.opportunities")[0]["type"] == "partner"
    assert reading.warnings_of("HubSpot", "hubspot.yml") == [
        "crm.opportunities.type: 'partner' is in no map, and the load sets its 1 row aside: give it a meaning in "
        "hubspot.yml"
    ]


def test_what_was_merged_is_noted(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    for number in ("11", "12"):
        hubspot.put("companies", number, {"name": "Twin"})
    hubspot.merge("12", into="11")
    hubspot.merge("11", into="10")
    assert read(hubspot, tmp_path / "read").merges == [Merge("11", "10"), Merge("12", "10")]


def test_a_property_that_does_not_exist_is_named(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    hubspot.properties["deals"].remove("dealtype")
    with pytest.raises(LandingError) as error:
        read(hubspot, tmp_path / "read")
    assert str(error.value) == (
        "HubSpot has no property 'dealtype' of deals, which hubspot.yml names for crm.opportunities: write the "
        "internal name of one that it has"
    )


def test_a_check_names_every_fault_at_once(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    mapping = tmp_path / "hubspot.yml"
    mapping.write_text(MAPPING.read_text().replace("hubspot_owner_id.email", "hubspot_owner_id.mail"))
    hubspot.properties["companies"].remove("notes_last_contacted")
    hubspot.properties["deals"].remove("dealtype")
    hubspot.fails("/owners", answer(403, SCOPE))
    settings = Settings(land_hubspot_url=hubspot.address, land_hubspot_token=SecretStr(TOKEN))
    faults = HubSpot(settings, read_mapping(mapping)).faults()
    assert [fault.partition(",")[0] for fault in faults] == [
        "hubspot.yml names 'hubspot_owner_id.mail' for crm.accounts",
        "HubSpot has no property 'notes_last_contacted' of companies",
        "HubSpot has no property 'dealtype' of deals",
        "HubSpot does not let the token read owners: give the private app the scope crm.objects.companies.read",
    ]


SCOPE = {
    "status": "error",
    "category": "MISSING_SCOPES",
    "errors": [
        {
            "message": "One or more of the following scopes are required.",
            "context": {"requiredGranularScopes": ["crm.objects.companies.read"]},
        }
    ],
}
TOO_MANY = {"status": "error", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}
DAILY = {"status": "error", "errorType": "RATE_LIMIT", "policyName": "DAILY"}
PASSING: dict[str, list[Fault]] = {
    "429 with a wait": [answer(429, TOO_MANY, Retry_After="1")],
    "429 without one": [answer(429, TOO_MANY)] * 4,
    "500": [answer(500, "oops"), answer(502, "<html>")],
    "reset within a page": [reset_within_the_page] * 2,
}
LASTING: dict[str, tuple[list[Fault], str]] = {
    "scope": (
        [answer(403, SCOPE)],
        "HubSpot does not let the token read companies: give the private app the scope crm.objects.companies.read",
    ),
    "403 without a scope": (
        [answer(403, "no")],
        "HubSpot (403) does not let us read companies: give the app the right",
    ),
    "day's limit": ([answer(429, DAILY)], "HubSpot's requests of this day are used up at companies: land again after"),
    "429 for ever": ([answer(429, TOO_MANY)] * 5, "HubSpot (429) refuses requests for companies as too many"),
    "500 for ever": ([answer(500, "oops")] * 5, "HubSpot (500) cannot answer for companies, after 5 attempts"),
    "reset for ever": ([reset_within_the_page] * 5, "fails or breaks at companies, after 5 attempts: check"),
    "no JSON": ([answer(200, "<html>")], "HubSpot answers the request for companies with something that is not JSON"),
    "another shape": ([answer(200, {"total": 1})], "HubSpot answers the request for companies without results"),
    "half a record": ([answer(200, {"results": [{"id": "1"}]})], "HubSpot sends one of companies without createdAt"),
    "400": ([answer(400, "limit\n is wrong")], "HubSpot (400) refuses the request for companies: limit is wrong"),
    "404": ([answer(404, "no")], "HubSpot (404) has no companies at this address: check GROWTH_LAND_HUBSPOT_URL"),
}


@pytest.mark.parametrize("faults", PASSING.values(), ids=PASSING.keys())
def test_a_fault_that_passes_changes_no_row(hubspot: FakeHubSpot, tmp_path: Path, faults: list[Fault]) -> None:
    expected = rows(read(hubspot, tmp_path / "expected"), "crm.accounts")
    hubspot.fails("/objects/companies", *faults)
    assert rows(read(hubspot, tmp_path / "read"), "crm.accounts") == expected
    assert not hubspot.faults


@pytest.mark.parametrize(("faults", "sentence"), LASTING.values(), ids=LASTING.keys())
def test_a_fault_that_lasts_is_one_sentence(
    hubspot: FakeHubSpot, tmp_path: Path, faults: list[Fault], sentence: str
) -> None:
    hubspot.fails("/objects/companies", *faults)
    with pytest.raises(LandingError) as error:
        read(hubspot, tmp_path / "read")
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)
    assert not hubspot.faults


def test_a_wrong_token_is_named_by_its_setting_and_never_shown(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    with pytest.raises(LandingError) as error:
        read(hubspot, tmp_path / "read", token="pat-wrong-5ecret")
    assert "HubSpot does not know the token: set GROWTH_LAND_HUBSPOT_TOKEN" in str(error.value)
    assert "5ecret" not in str(error.value)
    assert error.value.__suppress_context__


def test_an_address_where_nobody_answers_is_named(hubspot: FakeHubSpot, tmp_path: Path) -> None:
    hubspot.address = "http://127.0.0.1:9"
    with pytest.raises(LandingError, match=r"the connection to HubSpot at http://127\.0\.0\.1:9 fails or breaks"):
        read(hubspot, tmp_path / "read")


WRONG_MAPPINGS: dict[str, tuple[str, str, str]] = {
    "not a column": ("  name: name", "  nam: name", "crm.accounts.nam is not a column of the input contract"),
    "needed": ("  stage: dealstage\n", "", "crm.opportunities.stage has no source, but every row needs a value"),
    "built in": ("  name: name", "  name: name\n  id: x", "crm.accounts.id is read without a mapping: take it out"),
    "not allowed": ("csm", "success", "means 'success', which is not one of technical_ae, csm, onboarding_specialist"),
    "misspelt key": ("only_if: hs", "only_iff: hs", "key 'crm.opportunities.closed_at.only_iff' is unknown"),
    "no name": ("name: name", "name: name FROM User", "crm.accounts.name.field is wrong: string should match pattern"),
    "both": ("{field: closedate,", "{field: closedate, value: x,", "a column has either a `field` or a `value`"),
    "no table": ("crm.accounts:", "crm.account:", "key 'crm.account' is unknown"),
    "merges of nothing": (
        "  organization_id: growth_organization_id\n",
        "",
        "crm.account_merges needs organization_id of crm.accounts: name its field, or take crm.account_merges out",
    ),
    "no YAML": ("crm.accounts:", "crm.accounts: {", "cannot be read"),
}


@pytest.mark.parametrize(("right", "wrong", "sentence"), WRONG_MAPPINGS.values(), ids=WRONG_MAPPINGS.keys())
def test_a_mistake_in_the_mapping_is_one_sentence(tmp_path: Path, right: str, wrong: str, sentence: str) -> None:
    text = MAPPING.read_text()
    assert right in text
    path = tmp_path / "hubspot.yml"
    path.write_text(text.replace(right, wrong, 1))
    with pytest.raises(LandingError) as error:
        read_mapping(path)
    assert str(path) in str(error.value)
    assert sentence in str(error.value)
    assert "\n" not in str(error.value)


def test_no_secret_is_written(hubspot: FakeHubSpot, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        read(hubspot, tmp_path / "read")
    written = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) == 2
    for text in (*written, caplog.text, json.dumps(hubspot.requests)):
        assert TOKEN not in text
