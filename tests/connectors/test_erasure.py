"""A deletion request rewrites what was landed about a person: keys and figures stay, and nothing lands them again."""

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from connectors.comparison import land_snapshot, write_snapshot
from connectors.csv_lines import field_of
from connectors.erasure import erase_landed
from connectors.landing import LandingRoot, state_folder
from ingestion.contract.model import load_contract
from ingestion.load import load_sources
from ingestion.privacy.suppression import add_to_list, prepare_hashes
from operations import deletion
from settings import Settings

ADDRESS = "ada@acme.example"
USERS = load_contract().table("product_db__users")
COLUMNS = ("id", "email", "role_detail", "date_joined", "is_active", "is_staff", "updated_at")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", source_root=str(tmp_path / "source"))


def land_users(settings: Settings, *rows: tuple[str | None, ...]) -> int:
    state = state_folder(settings, "postgres")
    state.mkdir(parents=True, exist_ok=True)
    path = state / "users.csv"
    path.write_bytes(b"".join(b",".join(map(field_of, row)) + b"\n" for row in (COLUMNS, *rows)))
    snapshot = write_snapshot("postgres", USERS, path, state, datetime.now(UTC))
    return land_snapshot(LandingRoot(str(settings.source_root), state), snapshot, state, 1.0).rows_landed


def user(key: int, email: str, title: str | None = 'Engineer, "backend"\nand more') -> tuple[str | None, ...]:
    return (str(key), email, title, "2026-01-01 00:00:00+00", "t", "f", "2026-01-02 00:00:00+00")


def suppress(settings: Settings, kind: str, value: str) -> None:
    with duckdb.connect() as connection:
        prepare_hashes(connection, settings)
        connection.execute(
            "create temp table requested as select ?::varchar as kind, ?::varchar as value", [kind, value]
        )
        add_to_list(connection, settings, "requested")


def test_a_root_in_which_nothing_can_be_landed_has_nothing_to_erase(settings: Settings) -> None:
    suppress(settings, "address", ADDRESS)
    assert erase_landed(settings.model_copy(update={"source_root": "memory://bucket/source"})) == {}


def landed(settings: Settings) -> list[dict[str, str]]:
    paths = sorted(Path(str(settings.source_root)).rglob("users/*.csv.gz"))
    return [row for path in paths for row in csv.DictReader(gzip.open(path, "rt", newline=""))]


def bytes_everywhere(settings: Settings) -> bytes:
    files = [path for place in (settings.data_dir, Path(str(settings.source_root))) for path in place.rglob("*")]
    contents = [path.read_bytes() for path in files if path.is_file()]
    return b"".join(gzip.decompress(each) if each.startswith(b"\x1f\x8b") else each for each in contents)


def test_a_person_is_out_of_every_landed_file_and_of_the_caches(settings: Settings) -> None:
    land_users(settings, user(1, ADDRESS), user(2, "bob@beta.example", ""), user(3, "eve@acme.example"))
    land_users(
        settings, user(1, f"Ada <{ADDRESS.upper()}>"), user(2, "bob@beta.example", ""), user(3, "eve@acme.example")
    )
    before = landed(settings)
    suppress(settings, "address", ADDRESS)
    assert erase_landed(settings) == {"landed files of product_db/users": 2}
    assert ADDRESS.encode() not in bytes_everywhere(settings).lower()
    after = landed(settings)
    untouched = [name for name in before[0] if name not in {"email", "role_detail"}]
    assert [[row[name] for name in untouched] for row in after] == [[row[name] for name in untouched] for row in before]
    others = [row for row in after if row["id"] != "1"]
    assert others == [row for row in before if row["id"] != "1"]
    of_person = [row for row in after if row["id"] == "1"]
    assert {row["role_detail"] for row in of_person} == {""}
    assert all(row["email"].startswith("deleted-") for row in of_person)
    assert erase_landed(settings) == {"landed files of product_db/users": 0}


def test_landing_after_deletion_at_the_source_brings_nobody_back(settings: Settings) -> None:
    land_users(settings, user(1, ADDRESS), user(2, "bob@beta.example"))
    suppress(settings, "address", ADDRESS)
    erase_landed(settings)
    assert land_users(settings, user(2, "bob@beta.example")) == 1
    assert land_users(settings, user(2, "bob@beta.example")) == 0
    assert ADDRESS.encode() not in bytes_everywhere(settings)
    assert landed(settings)[-1]["removed_at"] != ""


def test_objects_keep_what_figures_need(settings: Settings, tmp_path: Path) -> None:
    folder = Path(str(settings.source_root)) / "stripe" / "customers"
    folder.mkdir(parents=True)
    objects = [
        {"id": "cus_1", "object": "customer", "created": 1767225600, "livemode": True, "email": ADDRESS, "name": "Ada"},
        {"id": "cus_2", "object": "customer", "created": 1767225600, "livemode": True, "email": "bob@beta.example"},
    ]
    path = folder / "20261129T202300123456Z.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(each) + "\n" for each in objects).encode()))
    suppress(settings, "customer", "cus_1")
    assert erase_landed(settings) == {"landed files of stripe/customers": 1}
    first, second = (json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines())
    assert (first["id"], first["created"], first["livemode"]) == ("cus_1", 1767225600, True)
    assert ADDRESS not in json.dumps(first)
    assert "Ada" not in json.dumps(first)
    assert second == objects[1]


def test_a_request_rewrites_what_was_landed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    land_users(settings, user(1, ADDRESS), user(2, "bob@beta.example"))
    load_sources(settings, tables={USERS.raw_name})
    # The run that follows a request has tests of its own.
    monkeypatch.setattr(deletion, "_build_without", lambda *_: True)
    assert deletion.forget(settings, "address", ADDRESS)
    assert ADDRESS.encode() not in b"".join(row["email"].encode() for row in landed(settings))
    report = load_sources(settings, tables={USERS.raw_name})
    assert (report.rows_rejected, report.tables[0].rows_total) == (0, 2)


def test_files_that_were_not_landed_are_their_owners(settings: Settings, tmp_path: Path) -> None:
    export = Path(str(settings.source_root)) / "product_db" / "users.csv"
    export.parent.mkdir(parents=True)
    export.write_text(f"id,email\n1,{ADDRESS}\n")
    suppress(settings, "address", ADDRESS)
    assert erase_landed(settings) == {}
    assert ADDRESS in export.read_text()
