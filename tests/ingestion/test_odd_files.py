"""Files as they turn up: an odd line, row or name is set aside or named, and takes no other with it."""

import gzip
import json
import os
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dlt.common.normalizers.naming.sql_ci_v1 import NamingConvention

from ingestion.contract.model import load_contract
from ingestion.errors import SourceError
from ingestion.plan import planner as plans
from ingestion.read import csv_rows, files, streams
from ingestion.read import json_lines as lines
from ingestion.read.columns import match_columns
from tests.ingestion.conftest import Source
from tests.support.source_root import FIRST_DAY, company, json_line, write_file

pytestmark = pytest.mark.slow

USERS = "product_db/users"
ORGANIZATIONS = "product_db/organizations"
USAGE = "usage/usage_reports"
CUSTOMERS = "stripe/customers"
DAY_FOLDER = f"{USAGE}/date={FIRST_DAY}"


def organization(key: str, **changes: Any) -> str:
    return json_line({**company()[ORGANIZATIONS][0], "id": key, **changes})


def write(source: Source, path: str, content: str | bytes) -> Path:
    """Put a file in the place of a table's files."""
    for file in source.root.glob(f"{path.partition('.')[0]}.*"):
        file.unlink()
    file = source.root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


GOOD = '{"id":"x"}'
# A line, the column that is named, and words of the sentence.
ODD_LINES: list[tuple[str | bytes, str | None, str]] = [
    (GOOD + ",", None, "ends with a comma, as in a list"),
    ('{"id":"x","a":1,}', None, "a comma before a closing bracket at character 17"),
    ('{"id":"x","a":[1,]}', None, "a comma before a closing bracket"),
    (GOOD + GOOD, None, "more than one object: write one object per line"),
    (GOOD + " " + GOOD + "\r", None, "more than one object"),
    (GOOD + "\r" + GOOD + "\r", None, "carriage returns between them: end each line with a line feed"),
    (f"[{GOOD}]", None, "is a list, not an object: write one object per line"),
    ("[", None, "part of a list over several lines (is the file one JSON array?)"),
    ("{", None, "only a bracket of an object over several lines"),
    ('"id": "x",', None, "text after the object"),
    ("// customers", None, "is a comment"),
    ("# customers", None, "is a comment"),
    ('{"id":"x" /* key */}', None, "a comment at character 11"),
    (GOOD + " // the first", None, "a comment after the object"),
    ('{"id":"x","a":NaN}', "a", "NaN is not a JSON value: write null"),
    ('{"id":"x","a":[1,{"b":-Infinity}]}', "a", "-Infinity is not a JSON value"),
    ('{"id":"x","a":inf}', None, "is not JSON at character 15"),
    (r'{"id":"x","name":"a \ud83d b"}', "name", "half of a character"),
    (r'{"id":"x","a":{"b":["\udc00"]}}', "a", "half of a character"),
    (r'{"id":"x","a\ud83d":1}', "a\ufffd", "half of a character"),
    (r'{"id":"x","a\u0000b":1}', "a\ufffdb", "a character \\u0000: remove it"),
    ('{"id":"x","id":"y"}', "id", "two values for this key"),
    ('{"id":"x","a":1,"b":2,"a":1}', "a", "two values for this key"),
    ('{"id":"x","a":' + "[" * 1000 + "]" * 1000 + "}", None, "nested more than 200 deep"),
    ('{"id":"x","a":' + '{"a":' * 100_000 + "1" + "}" * 100_001, None, "nested more than 200 deep"),
    ("\ufeff" + GOOD, None, "begins with a byte order mark"),
    ('{"id":\ufeff"x"}', None, "is not JSON at character 7"),
    ("{'id': 'x', 'ok': True}", None, "single quotes, as Python prints them"),
    ('{"id":"x","a":"tab\there"}', None, "a control character in a text at character 19"),
    ('{"id":"x","a":"b', None, "is it truncated?"),
    ('{"id":"x","a":', None, "is it truncated?"),
    ("id,name", None, "does not begin with a curly bracket"),
    ("<html>", None, "does not begin with a curly bracket"),
    ("7", None, "is a single value, not an object"),
    ("null", None, "is only null, not an object"),
    ('{"id":01}', None, "is not JSON at character"),
    (b'{"id":"x","name":"Caf\xe9"}', None, "the byte E9 (in Latin-1 'é') at position 22 is not UTF-8"),
    (b'{"id":"\xff\xfe"}', None, "the byte FF"),
]


@pytest.mark.parametrize("table", [ORGANIZATIONS, CUSTOMERS])
def test_line_that_is_not_one_object_is_set_aside(source: Source, table: str) -> None:
    good = [organization("first"), organization("last", name="\U0001f600 \u0131")]
    if table == CUSTOMERS:
        good = [
            json_line({**company()[CUSTOMERS][0], "id": name, "nested": [[[]]] * 300}) for name in ("first", "last")
        ]
    odd = [line if isinstance(line, bytes) else line.encode() for line, _, _ in ODD_LINES]
    write(source, f"{table}.jsonl", b"\n".join([good[0].encode(), b" \r", *odd, good[1].encode()]))
    source.load(table)
    found = source.query(f"select id, _row from raw.{table.replace('/', '__')} order by 1")
    assert found == [("first", 1), ("last", len(odd) + 3)]
    rejects = source.rejects("position", "column_name", "reason")
    assert [row[:2] for row in rejects] == [(n, column) for n, (_, column, _) in enumerate(ODD_LINES, start=3)]
    for (_, _, reason), (_, _, sentence) in zip(rejects, ODD_LINES, strict=True):
        assert sentence in reason
    assert source.query("select distinct table_name, file from raw.rejected_rows") == [
        (table.replace("/", "__"), f"{table}.jsonl")
    ]


def test_odd_keys_of_a_line_are_kept_under_a_name_that_is_free(source: Source) -> None:
    rows = [
        organization("plain", note="a", Note="b", price=12.50),
        organization("empty", **{"": "nameless", "_row": "7", "_dlt_id": "x", "2fa": True, "total ": 1}),
        organization("far", **{"地域": "east", "名前": "north", "a/b~c": "pointer", "line": "own", "fault": "mine"}),
        organization("long", price="keep").replace('"keep"', "0.12345678901234567890123"),
        organization("big", **{"serial": 123456789012345678901234567890}),
        organization("nothing", **{"": None, "note": None}),
    ]
    write(source, f"{ORGANIZATIONS}.jsonl", "\n".join(rows))
    report = source.load(ORGANIZATIONS)
    assert source.rejects() == []
    query = "select {} from raw.product_db__organizations where id = '{}'"
    assert source.query(query.format("note, note_2, price", "plain")) == [("a", "b", "12.5")]
    assert source.query(query.format("unnamed, extra_row, extra_dlt_id, _2fa, total, _row", "empty")) == [
        ("nameless", "7", "x", "true", "1", 2)
    ]
    assert source.query(query.format("line, fault, a_b_c, _path", "far")) == [
        ("own", "mine", "pointer", f"{ORGANIZATIONS}.jsonl")
    ]
    assert source.query(query.format("price", "long")) == [("0.12345678901234567890123",)]
    assert source.query(query.format("serial", "big")) == [("123456789012345678901234567890",)]
    assert source.query(query.format("unnamed, note", "nothing")) == [(None, None)]
    names = source.query("select column_name from duckdb_columns() where schema_name = 'raw'")
    far = [name for (name,) in names if name.startswith("unnamed_")]
    assert sorted(source.query(query.format(", ".join(far), "far"))[0]) == ["east", "north"]
    assert report.warnings == []


def test_line_with_two_keys_for_one_column_is_rejected(source: Source) -> None:
    good = json.loads(organization("a"))
    upper = {"ID" if key == "id" else key: value for key, value in {**good, "id": "upper"}.items()}
    spaced = {
        ("Customer ID" if key == "customer_id" else key): value for key, value in {**good, "id": "spaced"}.items()
    }
    both = [{**good, "ID": "b"}, {**upper, "Id": None}, {**spaced, "customer_id": "cus_9"}]
    write(source, f"{ORGANIZATIONS}.jsonl", "\n".join(map(json.dumps, [good, upper, spaced, *both])))
    source.load(ORGANIZATIONS)
    assert source.query("select id, customer_id from raw.product_db__organizations order by 1") == [
        ("a", "cus_1"),
        ("spaced", "cus_1"),
        ("upper", "cus_1"),
    ]
    assert source.rejects("position", "column_name") == [(4, "id"), (5, "id"), (6, "customer_id")]
    assert "more than one of the keys customer_id, Customer ID, which are one column" in source.rejects("reason")[2][0]


def test_extra_columns_beyond_the_bound_are_named_and_not_stored(source: Source) -> None:
    many = {f"key_{n}": n for n in range(3000)}
    rows = [organization("odd", **many), *(organization(f"o{n}", zz_plan="pro") for n in range(3))]
    write(source, f"{ORGANIZATIONS}.jsonl", "\n".join(rows))
    [warning] = source.load(ORGANIZATIONS).warnings
    assert warning.startswith(f"{ORGANIZATIONS}: 2,901 columns are not stored (key_")
    assert ", 2,881 more)" in warning
    assert source.query("select count(*), count(zz_plan), count(key_0) from raw.product_db__organizations") == [
        (4, 3, 1)
    ]
    # What the table has, it keeps; what is new finds no place.
    write_file(
        source.root / ORGANIZATIONS / "2.csv",
        ORGANIZATIONS,
        [{**company()[ORGANIZATIONS][0], "id": "later", "zz_plan": "team", "newcomer": "x", "n" * 64: "y"}],
    )
    assert source.load(ORGANIZATIONS).warnings == [
        f"{ORGANIZATIONS}: 2 columns are not stored ({'n' * 63}, newcomer): a table may have {plans.MAX_EXTRA_COLUMNS} "
        "columns beyond the contract, with names of at most 63 characters"
    ]
    assert source.query("select zz_plan from raw.product_db__organizations where id = 'later'") == [("team",)]


def test_every_name_that_is_made_is_one_that_dlt_leaves_as_it_is() -> None:
    odd = [
        "",
        " ",
        "_",
        "__",
        "2fa",
        "a__2",
        "a____b",
        "x_",
        "__x",
        "_dlt",
        "__dlt_id",
        "É",
        "名前",
        "a b",
        "A-B",
        "1",
        "_1",
    ]
    odd += ["name.", "owner_role_", "_row", "_path", "select", "a\nb", 'a"b', "unnamed", "note", "note", "note_2"]
    table = load_contract().table("crm__accounts")
    match = match_columns(table, "x.csv", [*table.column_names, *odd])
    assert len(match.extras) == len(odd)
    assert not set(match.extras) & set(table.column_names)
    normalize = NamingConvention(65536).normalize_path
    assert [name for name in match.extras if normalize(name) != name or name.startswith("_dlt")] == []


def users_csv(*rows: str, header: str = "") -> str:
    names = "id,email,role_detail,role_at_organization,date_joined,updated_at,last_login,is_active,is_staff"
    return "\n".join([header or names, *rows])


def user_row(number: int | str, detail: str = "") -> str:
    return f"{number},a@b.example,{detail},,2026-01-05T00:00:00Z,2026-01-05T00:00:00Z,,true,false"


def test_an_odd_row_of_csv_is_set_aside_and_takes_no_other_with_it(source: Source) -> None:
    rows = [
        user_row(1, '"two\r\nlines, ""quoted"""'),
        user_row(2, '"never closed'),
        user_row(3),
        "",
        user_row(4, '"closed" too early'),
        user_row(5, '5" screen'),
        user_row(6, "Caf\udce9"),
        user_row(7, '""'),
        user_row(8) + ",more",
        user_row(9, "Ren\u00e9"),
        user_row(10, '"open again'),
    ]
    write(source, f"{USERS}.csv", users_csv(*rows).encode(errors="surrogateescape"))
    source.load(USERS)
    assert source.query("select id, _row, role_detail from raw.product_db__users order by 1") == [
        (1, 1, 'two\r\nlines, "quoted"'),
        (3, 3, None),
        (5, 5, '5" screen'),
        (7, 7, ""),
        (9, 9, "Ren\u00e9"),
    ]
    found = source.rejects("position", "column_name", "reason")
    assert [row[:2] for row in found] == [(2, None), (4, None), (6, "role_detail"), (8, None), (10, None)]
    for (_, _, reason), words in zip(
        found,
        ["never closed", "after a closing quote", "the byte E9 (in Latin-1 'é')", "10 values", "never"],
        strict=True,
    ):
        assert words in reason


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_both_ways_of_reading_csv_give_the_same_rows(
    source: Source, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_rows, "BLOCK_BYTES", 256)
    rows = [user_row(n, f'"{"x" * (n % 70)}, ""y"" é"' if n % 3 else "") for n in range(1, 200)]
    write(source, f"{USERS}.csv", users_csv(*rows).replace("\n", ending))
    source.load(USERS)
    query = "select id, _row, role_detail from raw.product_db__users order by 1"
    quick = source.query(query)
    assert len(quick) == 199
    write(source, f"{USERS}.csv", users_csv(*rows, "odd").replace("\n", ending))
    source.load(USERS)
    assert source.query(query) == quick
    assert source.rejects("position", "column_name") == [(200, None)]
    write(source, f"{USERS}.csv", (2 * "\n" + users_csv(*rows)).replace("\n", ending))
    source.load(USERS)
    assert source.query(query) == quick
    assert source.rejects() == []


def test_columns_of_csv_and_parquet_with_odd_names_are_kept(source: Source) -> None:
    names = ",note,Note,note,_row,file_row_number,filename,_dlt_path,a'b"
    values = ",1,2,3,4,5,6,7,8"
    write(source, f"{USERS}.csv", users_csv(user_row(1) + ",0" + values, header=users_csv() + "," + names))
    rows = [{**company()[USERS][0], "id": 2, "": "0", "note": "1", "Note": "2", "_row": "4", "file_row_number": "5"}]
    write_file(source.root / USERS / "2.parquet", USERS, rows)
    source.load(USERS)
    query = "select unnamed, note, note_{}, extra_row, file_row_number, _row from raw.product_db__users where id = {}"
    # The first that has the very name keeps it, and so on.
    assert source.query(query.format(3, 1)) == [("0", "1", "2", "4", "5", 1)]
    assert source.query(query.format(2, 2)) == [("0", "1", "2", "4", "5", 1)]
    assert source.query("select note_2, filename, a_b from raw.product_db__users where id = 1") == [("3", "6", "8")]


NO_CSV = {
    "semicolons": (
        b"id;name;created_at\norg-1;One;2026-01-05T00:00:00Z\n",
        "separated by semicolons: export with commas",
    ),
    "tabs": (b"id\tname\n1\tx\n", "separated by tabs: export with commas"),
    "sep": (b"sep=,\r\nid,name\r\norg-1,One\r\n", "begins with the line 'sep=,', which only Excel reads: take it out"),
    "sep;": (b"sep=;\nid;name\n", "begins with the line 'sep=;'"),
    "utf16": ("id,name\norg-1,One\n".encode("utf-16"), "is UTF-16 text: save it as UTF-8"),
    "utf16 without a mark": ("id,name\n".encode("utf-16-be"), "is UTF-16 text: save it as UTF-8"),
    "latin1": ("id,größe\n1,2\n".encode("latin-1"), "in its first line the byte F6 (in Latin-1 'ö') is not UTF-8"),
    "excel": (b"PK\x03\x04rest", "is a ZIP file or an Excel workbook"),
    "packed": (gzip.compress(b"id,name\n"), "is compressed with gzip: add .gz to its name"),
    "page": (b"<!DOCTYPE html>\n<p>", "is a web page or XML"),
    "json": (b'{"id":"x"}\n', "has JSON in its first line: give it the extension .jsonl"),
    "open": (b'id,"name\n1,x\n', "its first line must name the columns, but it cannot be read"),
    "endless": (b"x" * 2000, "its first line is longer than 1,000 characters"),
}


@pytest.mark.parametrize("kind", NO_CSV)
def test_a_file_that_is_no_csv_says_what_it_is_and_what_to_do(
    source: Source, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_rows, "LONGEST_ROW_CHARACTERS", 1000)
    content, sentence = NO_CSV[kind]
    write(source, f"{ORGANIZATIONS}.csv", content)
    with pytest.raises(SourceError) as raised:
        source.load(ORGANIZATIONS)
    assert str(raised.value).startswith(f"{ORGANIZATIONS}.csv")
    assert sentence in str(raised.value)


def test_text_with_a_byte_order_mark_is_read(source: Source) -> None:
    write(source, f"{USERS}.csv.gz", gzip.compress(users_csv(user_row(1)).encode("utf-8-sig")))
    write(source, f"{ORGANIZATIONS}.jsonl", organization("a").encode("utf-8-sig"))
    source.load(USERS, ORGANIZATIONS)
    assert source.rejects() == []
    assert source.query("select id from raw.product_db__organizations") == [("a",)]


STAMPS = {
    "2026-01-05": "has no time and no time zone: write it as 2026-01-31T10:00:00Z",
    "2026-01-05T10:00:00": "has no time zone: write it as 2026-01-31T10:00:00Z",
    "05.01.2026": "is not year, month, day: write it as 2026-01-31T10:00:00Z",
    "1/5/2026 10:00": "is not year, month, day",
    "1767571200000": "is a number, as unix time is, and not a timestamp: write it as 2026-01-31T10:00:00Z",
    "2026-01-05 00:00:00 UTC": "has the name of a time zone: write it as 2026-01-31T10:00:00Z",
    "2026-01-05T00:00:00 Europe/Berlin": "has the name of a time zone",
}


@pytest.mark.parametrize("extension", ["csv", "jsonl"])
def test_each_way_to_write_a_time_wrongly_is_told(source: Source, extension: str) -> None:
    user = company()[USERS][0]
    rows = [{**user, "id": n, "last_login": stamp} for n, stamp in enumerate(STAMPS, start=1)]
    if extension == "jsonl":
        rows[4]["last_login"] = 1767571200000
    for file in source.root.glob(f"{USERS}.*"):
        file.unlink()
    write_file(source.root / f"{USERS}.{extension}", USERS, rows)
    source.load(USERS)
    found = source.rejects("column_name", "reason")
    assert len(found) == len(STAMPS)
    for (column, reason), (stamp, sentence) in zip(found, STAMPS.items(), strict=True):
        assert column == "last_login"
        assert reason.startswith(f"'{stamp}' ")
        assert sentence in reason


def test_a_line_without_an_end_is_bounded(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE_BYTES", 2000)
    monkeypatch.setattr(csv_rows, "LONGEST_ROW_CHARACTERS", 2000)
    long_line = organization("long", note="x" * 5000)
    write(source, f"{ORGANIZATIONS}.jsonl", "\n".join([organization("a"), long_line, organization("b")]))
    write(source, f"{USERS}.csv", users_csv(user_row(1), user_row(2, "x" * 5000), user_row(3), user_row(4, '"x')))
    source.load(ORGANIZATIONS, USERS)
    assert source.query("select id, _row from raw.product_db__organizations order by 1") == [("a", 1), ("b", 3)]
    assert source.query("select id, _row from raw.product_db__users order by 1") == [(1, 1), (3, 3)]
    found = source.rejects("position", "reason", "original_text")
    assert "the line is longer than" in found[0][1]
    assert long_line.startswith(found[0][2])
    assert [row[0] for row in found] == [2, 2, 4]
    os.utime(source.root / f"{ORGANIZATIONS}.jsonl", ns=(1, 1))
    monkeypatch.setattr(lines, "NO_LINE_BYTES", 3000)
    monkeypatch.setattr(lines, "BLOCK_BYTES", 500)
    with pytest.raises(SourceError, match=r"organizations\.jsonl: line 2 does not end within 3,000 bytes"):
        source.load(ORGANIZATIONS)


@pytest.mark.parametrize("name", [f"{ORGANIZATIONS}.jsonl.gz", f"{USERS}.csv.gz"])
def test_a_packed_file_that_unpacks_to_far_more_is_refused(
    source: Source, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "ANY_EXPANSION_BYTES", 1_000_000)
    good = organization("a") if "jsonl" in name else users_csv(user_row(1))
    write(source, name, gzip.compress(good.encode() + b"\n" + b" \n" * 5_000_000))
    with pytest.raises(SourceError, match="unpacks to more than 200 times its size"):
        source.load(name.partition(".")[0])


def test_a_packed_file_with_a_broken_middle_is_told(source: Source) -> None:
    packed = bytearray(gzip.compress("\n".join(organization(f"o{n}") for n in range(2000)).encode()))
    packed[len(packed) // 2 : len(packed) // 2 + 40] = b"\xff" * 40
    write(source, f"{ORGANIZATIONS}.jsonl.gz", bytes(packed))
    with pytest.raises(SourceError, match=r"organizations\.jsonl\.gz cannot be read: .*Write the file again"):
        source.load(ORGANIZATIONS)


# --------------------------------------------------------------------------------------------- what stands in a folder


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


def make_device_link(path: Path) -> None:
    path.symlink_to("/dev/zero")


def make_broken_link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (make_pipe, "a named pipe"),
        (make_socket, "a socket"),
        (make_device_link, "a device"),
        (make_broken_link, "a link to a missing file"),
    ],
)
def test_what_is_no_file_is_told_and_not_opened(
    source: Source, make: Any, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(source.root / "crm")
    make(Path("accounts.csv"))
    with pytest.raises(SourceError, match=rf"crm/accounts\.csv is {said}.*: put a file in its place, or remove it"):
        source.load("crm/account_merges")
    Path("accounts.csv").unlink()
    make(Path("notes.csv"))
    assert source.load("crm/account_merges").warnings == [
        "crm/notes.csv belongs to no table of the contract and is ignored"
    ]


def test_link_to_a_file_is_read_and_to_a_parent_folder_refused(source: Source) -> None:
    elsewhere = source.folder / "elsewhere.parquet"
    (source.root / f"{USERS}.parquet").rename(elsewhere)
    (source.root / f"{USERS}.parquet").symlink_to(elsewhere)
    source.load(USERS)
    assert source.query("select count(*) from raw.product_db__users") == [(6,)]
    (source.root / "crm/again").symlink_to(source.root)
    with pytest.raises(SourceError, match="crm/again is a link to a folder above it"):
        source.load(USERS)


def test_only_names_of_tables_and_files_in_their_folders_are_read(source: Source) -> None:
    broken = "no row of any table"
    unknown = [
        "invoices (1).jsonl",
        "invoices.jsonl.bak",
        "invoices.old.jsonl",
        "invoices.csv/part-0.csv",
        "Invoices.jsonl",
    ]
    passed_over = ["_temporary/0/x.jsonl", "invoices/_temporary/0/a/b/part.jsonl", "invoices/_delta_log/0.json"]
    passed_over += ["invoices/.ipynb_checkpoints/x-checkpoint.jsonl", "invoices/.x.jsonl.swp", "_invoices.jsonl"]
    for name in (*unknown, *passed_over):
        file = source.root / "stripe" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(broken)
    for folder in ("_delta_log", f"date={FIRST_DAY}/_temporary/0", f"date={FIRST_DAY}/.ipynb_checkpoints"):
        (source.root / USAGE / folder).mkdir(parents=True)
        (source.root / USAGE / folder / "part.parquet").write_text(broken)
    report = source.load("stripe/invoices", USAGE)
    assert sorted(report.warnings) == [
        f"stripe/{name} belongs to no table of the contract and is ignored" for name in sorted(unknown)
    ]
    assert source.rejects() == []
    (source.root / "stripe/invoices.jsonl").unlink()
    with pytest.raises(SourceError, match=r"has no stripe/invoices \(stripe/invoices \(1\)\.jsonl, .* is not read\)"):
        source.load("stripe/invoices")


NAMES = [
    "it's",
    'a "quoted" one',
    "100%",
    "two\nlines",
    "ünïcode",
    "a*b?[c]",
    "{a,b}",
    "#1",
    " lead",
    "semi;colon",
    "x=y",
]


def test_files_may_have_any_name(source: Source) -> None:
    for number, name in enumerate(NAMES):
        extension = ("parquet", "csv", "jsonl")[number % 3]
        row = {**company()[ORGANIZATIONS][0], "id": f"named-{number}"}
        write_file(source.root / ORGANIZATIONS / f"{name}.{extension}", ORGANIZATIONS, [row, {**row, "region": "mars"}])
    source.load(ORGANIZATIONS)
    found = source.query("select _path from raw.product_db__organizations where id like 'named-%'")
    expected = {f"{ORGANIZATIONS}/{name}.{('parquet', 'csv', 'jsonl')[n % 3]}" for n, name in enumerate(NAMES)}
    assert {file for (file,) in found} == expected
    assert {file for (file,) in source.rejects("file")} == expected


def test_a_name_that_is_not_utf8_is_told(source: Source) -> None:
    (source.root / "crm/accounts").mkdir()
    notes, accounts = (
        Path(source.root, "crm", os.fsdecode(name)) for name in (b"notes\xff.csv", b"accounts/a\xff.csv")
    )
    notes.touch()
    accounts.touch()
    with pytest.raises(SourceError, match=r"crm/accounts/a\\xff\.csv has a name that is not UTF-8"):
        source.load("crm/account_merges")
    accounts.unlink()
    assert "notes\\xff.csv belongs to no table" in source.load("crm/account_merges").warnings[0]


@pytest.mark.parametrize("change", ["grows", "is cut", "is replaced", "vanishes"])
@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_a_file_that_changes_while_it_is_read_is_not_loaded(
    source: Source, change: str, extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (source.root / f"{USERS}.parquet").unlink()
    file = write_file(source.root / f"{USERS}.{extension}", USERS, company()[USERS])
    whole = file.read_bytes()
    list_files = files.SourceRoot.list_files

    def then_change(self: files.SourceRoot, contract: Any) -> files.Listing:
        listing = list_files(self, contract)
        if change == "vanishes":
            file.unlink()
        else:
            file.write_bytes({"grows": whole + b"7,x", "is cut": whole[:-30], "is replaced": whole}[change])
            os.utime(file, ns=(1, 1))
        return listing

    monkeypatch.setattr(files.SourceRoot, "list_files", then_change)
    with pytest.raises(SourceError, match=rf"product_db/users\.{extension}"):
        source.load(USERS)
    monkeypatch.undo()
    assert source.query("select count(*) from raw.product_db__users") == [(0,)]
    file.write_bytes(whole)
    source.load(USERS)
    assert source.query("select count(*) from raw.product_db__users") == [(6,)]


def test_the_load_after_an_odd_line_is_the_same_as_without_it(source: Source) -> None:
    day = FIRST_DAY + timedelta(days=1)
    source.load(ORGANIZATIONS, USAGE)
    before = source.raw("_row")
    rows = "\n".join(json_line(row) for row in company()[ORGANIZATIONS])
    write(source, f"{ORGANIZATIONS}.jsonl", rows.replace("\n", "\n" + r'{"id":"\ud800"}' + "\n", 1))
    with gzip.open(source.root / f"{USAGE}/date={day}/odd.jsonl.gz", "wb") as odd:
        odd.write(b'{"date": NaN}\n{"_row": 1}{}\n\xff\n')
    source.load(ORGANIZATIONS, USAGE)
    after = source.raw("_row")
    assert len(after.pop("rejected_rows")) == 4
    for table, found in before.items():
        if table != "rejected_rows":
            assert after[table] == [
                tuple(
                    str(value).replace(".parquet", ".jsonl") if "organizations.parquet" in str(value) else value
                    for value in row
                )
                for row in found
            ]
