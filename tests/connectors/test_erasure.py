"""A deletion request rewrites what was landed about a person: keys and figures stay, and nothing lands them again."""

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cli.main import call
from connectors import bucket
from connectors.comparison import land_snapshot, write_snapshot
from connectors.csv_lines import field_of
from connectors.erasure import erase_landed
from connectors.landing import LandingRoot, state_folder
from ingestion.contract.model import load_contract
from ingestion.load import load_sources
from ingestion.privacy.suppression import add_to_list, prepare_hashes
from ingestion.read.files import OBJECT_SUFFIXES, TABLE_SUFFIXES
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
    assert erase_landed(settings.model_copy(update={"source_root": "memory://bucket/source"})) == ({}, [])


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
    assert erase_landed(settings) == ({"landed files of product_db/users": 2}, [])
    assert ADDRESS.encode() not in bytes_everywhere(settings).lower()
    after = landed(settings)
    untouched = [name for name in before[0] if name not in {"email", "role_detail"}]
    assert [[row[name] for name in untouched] for row in after] == [[row[name] for name in untouched] for row in before]
    others = [row for row in after if row["id"] != "1"]
    assert others == [row for row in before if row["id"] != "1"]
    of_person = [row for row in after if row["id"] == "1"]
    assert {row["role_detail"] for row in of_person} == {""}
    assert all(row["email"].startswith("deleted-") for row in of_person)
    assert erase_landed(settings) == ({"landed files of product_db/users": 0}, [])


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
    assert erase_landed(settings) == ({"landed files of stripe/customers": 1}, [])
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
    assert erase_landed(settings) == ({}, [])
    assert ADDRESS in export.read_text()


# As others write exports: columns of their own, one of them nested, and a person in each.
EXPORTED = [
    {
        "id": key,
        "Email": email,
        "role_detail": f"Title, {name}",
        "date_joined": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-02T00:00:00Z",
        "is_active": True,
        "is_staff": False,
        "remark": f"ask {email}",
        "contact": {"names": [name], "scores": [1.10]},
    }
    for key, email, name in ((1, ADDRESS, "Lovelace"), (2, "bob@beta.example", "Babbage"), (3, None, "Ohm"))
]
# Parquet as a warehouse exports it; the contract says text for dates too.
TYPES = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("Email", pa.dictionary(pa.int32(), pa.string())),
        pa.field("role_detail", pa.large_string(), nullable=False),
        *(pa.field(name, pa.timestamp("us", "UTC")) for name in ("date_joined", "updated_at")),
        *(pa.field(name, pa.bool_()) for name in ("is_active", "is_staff")),
        pa.field("remark", pa.string()),
        pa.field("contact", pa.struct({"names": pa.list_(pa.string()), "scores": pa.list_(pa.float64())})),
    ],
    {"written by": "a warehouse"},
)


def write_export(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        instants = {name: datetime(2026, 1, 2, tzinfo=UTC) for name in ("date_joined", "updated_at")}
        table = pa.Table.from_pylist([row | instants for row in rows], TYPES)
        codecs = dict.fromkeys(TYPES.names, "zstd") | {"id": "none", "remark": "gzip", "Email": "snappy"}
        pq.write_table(table, path, compression=codecs, row_group_size=2)
        return
    if ".csv" in path.name:
        fields = [
            [value if isinstance(value, str | None) else json.dumps(value) for value in row.values()] for row in rows
        ]
        lines = [b",".join(field_of(value) for value in each) for each in [list[str | None](rows[0]), *fields]]
    else:
        lines = [json.dumps(row).encode() for row in rows]
    content = b"\xef\xbb\xbf\r\n" * (".csv" in path.name) + b"".join(line + b"\r\n" for line in lines)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def rows_in(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig").strip()
    if ".csv" in path.name:
        return list(csv.DictReader(text.splitlines()))
    return [json.loads(line) for line in text.splitlines()]


def land_from_bucket(settings: Settings, table: str) -> Settings:
    """Land everything in the folder `bucket` as files of a table."""
    folder = settings.data_dir.parent
    (folder / "mappings").mkdir()
    (folder / "mappings" / "bucket.yml").write_text(f"{table}: exports/*\n")
    changed = {"land_bucket": f"file://{folder}/bucket", "mappings_dir": folder / "mappings"}
    settings = settings.model_copy(update=changed)
    report = bucket.land(settings)
    assert (report.failures, report.warnings) == ([], [])
    return settings


@pytest.mark.parametrize("suffix", TABLE_SUFFIXES)
def test_a_person_is_out_of_every_kind_of_file_that_a_bucket_brings(settings: Settings, suffix: str) -> None:
    write_export(settings.data_dir.parent / "bucket" / "exports" / f"a{suffix}", EXPORTED)
    settings = land_from_bucket(settings, "product_db.users")
    (path,) = (Path(str(settings.source_root)) / "product_db" / "users").glob(f"2*{suffix}")
    before = rows_in(path)
    footer = pq.ParquetFile(path).metadata.to_dict() if suffix == ".parquet" else None
    suppress(settings, "address", ADDRESS)
    assert erase_landed(settings) == ({"landed files of product_db/users": 1}, [])
    after = rows_in(path)
    assert after[1:] == before[1:]
    left = {name: value for name, value in after[0].items() if value not in ("", None)}
    assert left.pop("Email").startswith("deleted-")
    assert left == {name: before[0][name] for name in ("id", "date_joined", "updated_at", "is_active", "is_staff")}
    content = path.read_bytes()
    for word in (ADDRESS, "Lovelace"):
        assert word not in str(after)
        assert word.encode() not in content
    if footer:
        same = [TYPES.field(name) for name in TYPES.names if name != "role_detail"]
        written = pq.read_schema(path)
        assert [written.field(field.name) for field in same] == same
        assert written.field("role_detail").type == pa.large_string()
        assert written.metadata[b"written by"] == b"a warehouse"
        kept = [[column["compression"] for column in group["columns"]] for group in footer["row_groups"]]
        now = pq.ParquetFile(path).metadata.to_dict()["row_groups"]
        assert [[column["compression"] for column in group["columns"]] for group in now] == kept
        assert len(set(kept[0])) == 4
        # The third row has no address.
        report = load_sources(settings, tables={USERS.raw_name})
        assert (report.rows_rejected, report.tables[0].rows_total) == (1, 2)
    assert erase_landed(settings) == ({"landed files of product_db/users": 0}, [])


@pytest.mark.parametrize("suffix", OBJECT_SUFFIXES)
def test_objects_that_a_bucket_brings_are_rewritten(settings: Settings, suffix: str) -> None:
    objects = [
        {"id": f"cus_{key}", "object": "customer", "created": 1767225600, "livemode": True, "email": email}
        for key, email in enumerate((ADDRESS, "bob@beta.example"))
    ]
    write_export(settings.data_dir.parent / "bucket" / "exports" / f"a{suffix}", objects)
    settings = land_from_bucket(settings, "stripe.customers")
    suppress(settings, "customer", "cus_0")
    assert erase_landed(settings) == ({"landed files of stripe/customers": 1}, [])
    (path,) = (Path(str(settings.source_root)) / "stripe" / "customers").glob(f"2*{suffix}")
    first, second = rows_in(path)
    assert (first["id"], first.get("email"), second) == ("cus_0", None, objects[1])


HEADER = ",".join(COLUMNS)
WHOLE = "2,bob@beta.example,,2026-01-01T00:00:00Z,t,f,2026-01-02T00:00:00Z"
NOT_REWRITTEN = {
    "cut.csv": f"{HEADER}\n{WHOLE}\n1,{ADDRESS}\n",
    "headless.csv": f"1,{ADDRESS},,2026-01-01T00:00:00Z,t,f,2026-01-02T00:00:00Z\n",
    "cut.jsonl": f'{{"id": 1, "email": "{ADDRESS}"\n',
    "twice.jsonl": f'{{"id": 1, "email": "bob@beta.example", "Email": "{ADDRESS}", "updated_at": "2026-01-02"}}\n',
    "broken.parquet": f"PAR1{ADDRESS}PAR1",
    "packed.csv": "\x1f\x8b\b",
}


def test_what_cannot_be_rewritten_is_named_and_the_request_fails(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    land_users(settings, user(1, ADDRESS), user(2, "bob@beta.example"))
    exports = settings.data_dir.parent / "bucket" / "exports"
    exports.mkdir(parents=True)
    for name, content in NOT_REWRITTEN.items():
        (exports / name).write_text(content, encoding="latin-1")
    settings = land_from_bucket(settings, "product_db.users")
    users = Path(str(settings.source_root)) / "product_db" / "users"
    brought = [path for path in users.glob("2*") if not path.name.endswith(".csv.gz")]
    assert len(brought) == len(NOT_REWRITTEN)
    monkeypatch.setattr("cli.safekeeping.get_settings", lambda: settings)
    monkeypatch.setattr(deletion, "_build_without", lambda _, unfinished: unfinished.unlink() is None)
    for _ in range(2):
        caplog.clear()
        assert call(["forget", "--email", ADDRESS]) == 1
        said = caplog.text
        assert [path.name for path in brought if f"product_db/users/{path.name}" not in said] == []
        assert "in them: 6, named above" in said
        assert ADDRESS not in said
        # Everything else is done.
        assert all(ADDRESS not in row["email"] for row in landed(settings))
    for path in brought:
        path.unlink()
    assert call(["forget", "--email", ADDRESS]) == 0


def test_bad_rows_about_others_stop_no_request(settings: Settings) -> None:
    users = Path(str(settings.source_root)) / "product_db" / "users"
    users.mkdir(parents=True)
    path = users / "20261129T202300123456Z.csv"
    path.write_bytes(
        f"{HEADER}\n3,\xff{ADDRESS[3:]}\n1{WHOLE[1:]}\n".replace("bob@beta.example", ADDRESS).encode("latin-1")
    )
    suppress(settings, "address", ADDRESS)
    assert erase_landed(settings) == ({"landed files of product_db/users": 1}, [])
    assert f"\n3,\xff{ADDRESS[3:]}\n1,deleted-".encode("latin-1") in path.read_bytes()
