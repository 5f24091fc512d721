"""Whoever asked to be deleted is in no row of schema raw, and does not come back with the same files."""

import json
import re
import stat
import unicodedata
from pathlib import Path
from typing import Any, Literal

import pytest

from ingestion.contract.model import load_contract
from ingestion.contract.object_shapes import kept_shape
from ingestion.errors import SourceError
from ingestion.privacy.erase_raw import list_request, rewrite_raw
from ingestion.privacy.spellings import all_readings
from settings import PROJECT_DIR
from tests.ingestion.conftest import Source
from tests.support.source_root import Rows, company, invoice, json_line, write_file, write_source_root
from tests.support.spellings import spellings

pytestmark = pytest.mark.slow

USERS, CUSTOMERS = "product_db/users", "stripe/customers"
TABLES = [table.path for table in load_contract().tables if table.source not in {"usage", "spend"}]
KEY = "a key that only this test knows of, for HMAC"
PAT = "Pat.Rivers@rivers-design.example"
OF_ORGANIZATION = {PAT.lower(), "pat@home.example", "rivers-design.example"}
# What only Pat has, in small letters.
OF_PAT = ("pat.rivers", "pat@home.example", "rivers", "riverside", "sculptor", "+41 44 000", "mel@")


def company_of_pat() -> Rows:
    """Organization 2 is Pat, with a helper; Pat had another address before, and pays. A colleague is a member, too."""
    rows = company()
    first, helper = rows[USERS][1], rows[USERS][5]
    colleague = {**rows[USERS][0], "id": 9, "email": "ae@vendor.example", "is_staff": True}
    rows[USERS] += [
        {**first, "email": PAT, "updated_at": rows[USERS][0]["updated_at"].replace(year=2026), "phone": "+41 44 000"},
        colleague,
    ]
    first["email"], first["role_detail"] = "pat@home.example", "sculptor of Riverside"
    helper["email"] = "mel@rivers-design.example"
    rows["product_db/organization_memberships"].append(
        {**rows["product_db/organization_memberships"][1], "user_id": 9, "level": 1}
    )
    rows["product_db/organizations"][1]["name"] = "Pat Rivers"
    rows[CUSTOMERS][1] |= {"email": PAT, "name": "Pat Rivers", "shipping": {"name": "P. Rivers"}}
    rows["stripe/invoices"][2] |= {"customer_email": PAT, "customer_address": {"line1": "1 Riverside"}}
    account = rows["crm/accounts"][0]
    rows["crm/accounts"].append({**account, "id": "acc-2", "organization_id": "org-2", "name": "Pat Rivers"})
    rows["crm/account_merges"][0]["note"] = f"asked by {PAT}."
    answer = rows["enrichment/companies"][0]
    rows["enrichment/companies"].append({**answer, "domain": "www.rivers-design.example", "city": "Riverside"})
    return rows


@pytest.fixture
def loaded(tmp_path: Path) -> Source:
    """The company of Pat after a load, with a row of Pat that breaks the contract."""
    source = Source(tmp_path)
    rows = company_of_pat()
    write_source_root(source.root, rows)
    bad = {**rows[USERS][1], "email": "pat.rivers.3@home.example", "updated_at": None}
    write_file(source.root / USERS / "bad.jsonl", USERS, [bad])
    source.load(*TABLES)
    return source


def forget(source: Source, kind: Literal["address", "organization"], value: str) -> dict[str, int]:
    """What a request takes out of schema raw."""
    list_request(source.settings(), kind, value)
    return rewrite_raw(source.settings())


def texts(source: Source) -> str:
    """All that schema raw says, in small letters."""
    return repr(source.raw("_row_hash")).lower()


def anew(source: Source) -> dict[str, Any]:
    """Schema raw after the same files were loaded into an empty warehouse."""
    for file in source.data_dir.glob("warehouse.duckdb*"):
        file.unlink()
    source.load(*TABLES)
    return source.raw()


@pytest.mark.slow
def test_deleted_organization_and_its_people_do_not_come_back(loaded: Source) -> None:
    before = loaded.raw()
    assert [word for word in OF_PAT if word not in texts(loaded)] == []
    assert list_request(loaded.settings(), "organization", " ORG-2 ").words >= OF_ORGANIZATION
    removed = rewrite_raw(loaded.settings())
    assert [word for word in OF_PAT if word in texts(loaded)] == []
    assert removed == {
        "raw.product_db__organizations": 1,
        "raw.product_db__users": 3,
        "raw.stripe__customers": 1,
        "raw.stripe__subscriptions": 1,
        "raw.stripe__invoices": 2,
        "raw.enrichment__companies": 1,
        "raw.crm__accounts": 1,
        "raw.crm__account_merges": 1,
        "raw.rejected_rows": 1,
    }
    after = loaded.raw()
    assert {table: len(rows) for table, rows in after.items()} == {table: len(rows) for table, rows in before.items()}
    assert "ae@vendor.example" in repr(after["product_db__users"])
    [named] = loaded.query("select name from raw.product_db__organizations where id = 'org-2'")
    assert re.fullmatch("deleted-[0-9a-f]{12}", named[0])
    assert loaded.query("select name from raw.crm__accounts where id = 'acc-2'") == [named]

    # What was found out about the company stands, under the name that its people's addresses have.
    [(domain,)] = loaded.query("select domain from raw.enrichment__companies where city is null")
    [(helper,)] = loaded.query("select email from raw.product_db__users where id = 6")
    assert helper.split("@")[1] == domain

    report = loaded.load(*TABLES)
    assert [table.rows_changed for table in report.tables] == [0] * len(report.tables)
    assert sum(table.files_read for table in report.tables) >= 8
    assert loaded.raw() == after
    assert anew(loaded) == after
    assert forget(loaded, "organization", "org-2") == {}


def test_figures_of_what_is_left_are_those_that_were_sent(loaded: Source) -> None:
    figures = (
        "select id, created, payload ->> 'customer', payload ->> 'total', payload ->> 'period_start', "
        "payload -> '$.lines.data[*].amount', payload -> '$.lines.data[*].period.end' "
        "from raw.stripe__invoices order by 1"
    )
    before = loaded.query(figures)
    forget(loaded, "organization", "org-2")
    assert loaded.query(figures) == before


@pytest.mark.slow
def test_deletion_removes_the_person_and_keeps_the_shared_domain(loaded: Source) -> None:
    forget(loaded, "address", PAT)
    users = loaded.query("select email, role_detail, phone from raw.product_db__users where id = 2 order by updated_at")
    assert [re.sub("[0-9a-f]{12}", "#", email) for email, *_ in users] == [
        "deleted-#@deleted-#.invalid",
        "deleted-#@rivers-design.example",
    ]
    assert {rest for _, *rest in map(tuple, users) for rest in rest} == {None}
    assert loaded.query("select email from raw.product_db__users where id = 6") == [("mel@rivers-design.example",)]
    assert "pat.rivers" not in texts(loaded).replace("pat rivers", "")
    assert loaded.query("select payload ->> 'name' from raw.stripe__customers where id = 'cus_2'") == [(None,)]
    # The last one who writes from it takes the domain along.
    request = list_request(loaded.settings(), "address", "mel@rivers-design.example")
    assert request.possibly_meant == []
    rewrite_raw(loaded.settings())
    after = loaded.raw()
    assert "rivers-design" not in texts(loaded)
    assert anew(loaded) == after


@pytest.mark.slow
def test_who_is_not_known_is_left_out_once_there_and_harms_nobody(loaded: Source) -> None:
    before = loaded.raw()
    assert list_request(loaded.settings(), "address", "later@company9.example").newly_listed == 1
    assert list_request(loaded.settings(), "address", "Later@company9.example").newly_listed == 0
    assert rewrite_raw(loaded.settings()) == {}
    assert loaded.raw() == before
    row = {**company()[USERS][0], "id": 44, "email": "Later@Company9.example", "first_name": "Later"}
    write_file(loaded.root / USERS / "later.csv", USERS, [row])
    answer = {**company()["enrichment/companies"][0], "domain": "company9.example"}
    write_file(loaded.root / "enrichment/companies/2.jsonl", "enrichment/companies", [answer])
    loaded.load(USERS, "enrichment/companies")
    [(email, first_name)] = loaded.query("select email, first_name from raw.product_db__users where id = 44")
    assert re.fullmatch("deleted-[0-9a-f]{12}@company9.example", email)
    assert first_name is None
    # Nobody knew whose the domain is, so it is taken for nobody's own.
    assert ("company9.example",) in loaded.query("select domain from raw.enrichment__companies")


def test_rejected_row_of_a_deleted_person_is_not_quoted(loaded: Source) -> None:
    forget(loaded, "address", PAT)
    for number, line in enumerate([f'{{"id": "x", "email": "{PAT}"', f'{{"id": 2, "email": "{PAT}", "x": "{PAT}"}}']):
        (loaded.root / USERS / f"cut-{number}.jsonl").write_text(f"{line}\n" * 11)
    with pytest.raises(SourceError) as raised:
        loaded.load(USERS)
    assert "rivers" not in str(raised.value).lower()
    (loaded.root / USERS / "cut-1.jsonl").unlink()
    with pytest.raises(SourceError) as raised:
        loaded.load(USERS, max_set_aside_share=0)
    assert "who asked to be deleted" in str(raised.value)
    assert "rivers" not in str(raised.value).lower() + repr(loaded.rejects()).lower()


def test_deletion_list_names_nobody_and_needs_its_key(loaded: Source) -> None:
    forget(loaded, "organization", "org-2")
    folder = loaded.settings().suppression_dir
    listed = (folder / "list.csv").read_text()
    assert [word for word in (*OF_PAT, "org-2", "cus_2") if word in listed.lower()] == []
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    with pytest.raises(SourceError, match="written with another key"):
        loaded.load(USERS, suppression_key=KEY)
    (folder / "key").unlink()
    with pytest.raises(SourceError, match="is missing: restore"):
        loaded.load(USERS)


def test_what_may_be_meant_as_well_is_told(loaded: Source) -> None:
    assert list_request(loaded.settings(), "organization", "org-4").possibly_meant == ["org-3"]
    assert list_request(loaded.settings(), "address", "person3@company3.example").possibly_meant == ["org-3"]
    assert list_request(loaded.settings(), "organization", "org-3").possibly_meant == []


def test_payer_is_found_by_an_invoice_of_a_vanished_file(loaded: Source) -> None:
    path = loaded.root / "stripe/invoices/2.jsonl"
    write_file(path, "stripe/invoices", [invoice(77, "cus_1", company()["usage/usage_reports"][0]["date"], 5)])
    path.write_text(path.read_text().replace('"currency"', '"receipt": {"to": "Once@x.example."}, "currency"', 1))
    loaded.load("stripe/invoices")
    path.unlink()
    assert forget(loaded, "address", "once@x.example") == {"raw.stripe__invoices": 1}


ODD = "jörg.o'neil@bäcker.example"


def write_lines(source: Source, path: str, lines: list[str]) -> None:
    """One file of a table, with its lines as they are given."""
    file = source.root / f"{path}.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_address_is_found_in_every_spelling(source: Source) -> None:
    written = sorted(spelling for spelling in spellings(ODD) if '"' not in spelling and "\\x" not in spelling)
    customer = json.dumps(company()[CUSTOMERS][0])
    lines = [
        customer.replace('"cus_1"', f'"cus_{number}"').replace('"object"', f'"contact": "<{spelling}>", "object"', 1)
        for number, spelling in enumerate(written)
    ]
    others = (f"x{ODD}", f"{ODD}.com", "o'neil@bäcker.example", "neil@x.example")
    lines += [
        customer.replace('"cus_1"', f'"kept_{number}"').replace('"object"', f'"contact": "{other}", "object"', 1)
        for number, other in enumerate(others)
    ]
    assert all(json.loads(line)["contact"] for line in lines)
    user = company()[USERS][0]
    emails = (ODD, f"Jörg <{ODD.upper()}>", unicodedata.normalize("NFD", ODD), "jörg.o'neil@xn--bcker-gra.example")
    users = [json_line({**user, "id": number, "email": email}) for number, email in enumerate(emails, start=50)]
    cut = [json.dumps({"email": spelling})[:-1] for spelling in (ODD, ODD.upper(), f"mailto:{ODD}?subject=x")]
    write_lines(source, USERS, users)
    (source.root / f"{USERS}.parquet").unlink()
    write_lines(source, f"{USERS}/cut", cut)
    write_lines(source, CUSTOMERS, lines)

    def rows_with_it() -> list[str]:
        texts = [row for rows in source.raw().values() for row in map(repr, rows) if "kept_" not in row]
        read = [all_readings(text.replace("\\\\", "\\")).lower() for text in texts]
        return [text for text in read if "neil@bäcker" in unicodedata.normalize("NFC", text)]

    source.load(USERS, CUSTOMERS)
    assert len(rows_with_it()) == len(users) + len(written) + len(cut)
    assert forget(source, "address", f" {ODD.upper()} ") == {
        "raw.product_db__users": len(users),
        "raw.stripe__customers": len(written),
        "raw.rejected_rows": len(cut),
    }
    assert rows_with_it() == []
    kept = source.query("select payload ->> 'contact' from raw.stripe__customers where id like 'kept%' order by id")
    assert [contact for (contact,) in kept] == list(others)
    (source.data_dir / "warehouse.duckdb").unlink()
    source.load(USERS, CUSTOMERS)
    assert rows_with_it() == []


READ_OF_STRIPE = {
    "payload": (r"json_text\('(?:\w+\.)?payload', '([^']+)'", r"column='payload',.*?fields=(\{.*?\})"),
    "line.value": (
        r"json_(?:text|array_sum)\('line\.value', '([^']+)'",
        r"column='line\.value',.*?fields=(\{.*?\})",
    ),
}
# Text that no figure is made of.
NOT_LEFT = {"description"}


def test_what_staging_reads_of_an_object_is_left_of_it() -> None:
    checked = 0
    for table in [table for table in load_contract().tables if table.stored == "objects" and table.subjects]:
        shape = json.loads(kept_shape(table)[1:-1])
        for path in (PROJECT_DIR / "dbt_project/models/staging/stripe").glob(f"*__{table.name.removesuffix('s')}*.sql"):
            for column, (single, several) in READ_OF_STRIPE.items():
                read = re.findall(single, path.read_text())
                for fields in re.findall(several, path.read_text(), re.S):
                    read += re.findall(r": '([^']+)'", fields)
                for place in set(read) - NOT_LEFT:
                    at: Any = shape if column == "payload" else shape["lines"]["data"][0]
                    for part in place.split("."):
                        assert part in at, (path.name, place)
                        at = at[part]
                    checked += 1
    assert checked > 40
