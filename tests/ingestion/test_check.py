"""`growth check` says what a load would say, of every table at once, and touches nothing."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import call
from connectors import systems
from connectors.report import LandingReport
from ingestion.check import check_sources, unknowns
from ingestion.contract.model import load_contract
from ingestion.errors import SourceError
from settings import Settings, get_settings
from tests.ingestion.conftest import Source
from tests.support.source_root import company, write_file, write_source_root
from warehouse.lock import hold

USERS, ORGANIZATIONS, USAGE = "product_db/users", "product_db/organizations", "usage/usage_reports"
REQUIRED = [table for table in load_contract().tables if table.required]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs `growth check` with its arguments; its exit code, and all that it prints."""

    def run(*arguments: object) -> tuple[int, str]:
        get_settings.cache_clear()
        code = call(["check", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return run


@pytest.fixture(autouse=True)
def _settings_of_its_own() -> Iterator[None]:
    yield
    get_settings.cache_clear()


Printed = Callable[..., tuple[int, str]]


def test_a_check_counts_what_a_load_then_has(source: Source) -> None:
    user = company()[USERS][0]
    write_file(source.root / f"{USERS}/b.csv", USERS, [{**user, "id": 900 + n, "is_staff": "no"} for n in range(3)])
    check = check_sources(source.settings())
    report = source.load()
    assert check.faults == []
    assert [(t.table.raw_name, t.files, t.rows_read, t.rows_set_aside, t.rows_kept) for t in check.tables] == [
        (t.table_name, t.files_read, t.rows_read, t.rows_set_aside, t.rows_total) for t in report.tables
    ]
    [usage] = [table for table in check.tables if table.table.path == USAGE]
    assert source.query("select min(date)::varchar, max(date)::varchar from raw.usage__usage_reports") == [
        (usage.first_day, usage.last_day)
    ]


def test_a_check_says_the_faults_that_fail_a_load(source: Source) -> None:
    write_file(source.root / f"{USERS}/a.csv", ORGANIZATIONS, company()[ORGANIZATIONS])
    (source.root / "stripe/products.jsonl").unlink()
    (source.root / "crm/accounts.parquet").write_bytes(b"PAR1 cut")
    faults = check_sources(source.settings()).faults
    with pytest.raises(SourceError) as raised:
        source.load()
    assert len(faults) == 3
    assert str(raised.value).split("\n")[1:] == [f"- {fault}" for fault in faults]


def test_a_check_waits_for_no_run_and_writes_nothing(source: Source) -> None:
    settings = source.settings()
    with hold(settings.warehouse_path, "a run"):
        before = sorted(settings.data_dir.rglob("*"))
        assert check_sources(settings).faults == []
        assert sorted(settings.data_dir.rglob("*")) == before


def test_a_check_ignores_what_an_earlier_load_knows(source: Source) -> None:
    source.load()
    [users] = [table for table in check_sources(source.settings()).tables if table.table.path == USERS]
    assert users.rows_read == len(company()[USERS])


def test_what_every_row_leaves_empty_is_named(source: Source) -> None:
    [users] = [table for table in check_sources(source.settings()).tables if table.table.path == USERS]
    empty = {name for name in company()[USERS][0] if all(row[name] is None for row in company()[USERS])}
    assert set(users.never_filled) == {*empty, "removed_at"}


def test_absent_or_empty_optional_table_says_what_is_unknown(tmp_path: Path) -> None:
    write_source_root(tmp_path / "source", only_required=True)
    write_file(tmp_path / "source" / "crm/accounts.csv", "crm/accounts", [])
    said = unknowns(check_sources(Settings(source_root=str(tmp_path / "source"), data_dir=tmp_path / "data")))
    optional = [table for table in load_contract().tables if not table.required]
    assert [sentence for sentence, _ in said] == [f"no {table.path}: {table.without}" for table in optional]


def test_unreadable_optional_table_is_an_error(printed: Printed, source: Source) -> None:
    (source.root / "crm/opportunities.parquet").write_bytes(b"PAR1 cut")
    code, said = printed(source.root)
    assert (code, "fault: crm/opportunities.parquet cannot be read" in said, "unknown: no crm" in said) == (
        1,
        True,
        False,
    )


def test_a_check_sends_nobody_to_rows_that_no_load_kept(printed: Printed, source: Source) -> None:
    bad = [{**company()[USERS][0], "id": 900 + n, "is_staff": "no"} for n in range(11)]
    write_file(source.root / f"{USERS}/b.csv", USERS, bad)
    code, said = printed(source.root)
    assert (code, f"fault: {USERS}: 11 of" in said, "growth rejects" in said) == (1, True, False)


def test_rows_with_the_same_fault_are_one_line(printed: Printed, source: Source) -> None:
    user = company()[USERS][0]
    bad = [{**user, "id": 900 + n, "is_staff": f"no {n}"} for n in range(8)]
    bad += [{**user, "id": 950, "email": None}, {**user, "id": 951, "is_staff": None}]
    write_file(source.root / f"{USERS}/b.csv", USERS, bad)
    code, said = printed(source.root)
    assert code == 0
    assert [line for line in said.splitlines() if line.startswith("set aside: ")] == [
        f"set aside: {USERS}/b.csv row 1, is_staff: 'no 0' is neither true nor false (8 rows are like this)",
        f"set aside: {USERS}/b.csv row 9, email: there is no value, but every row needs one",
        f"set aside: {USERS}/b.csv row 10, is_staff: there is no value, but every row needs one",
    ]


# ------------------------------------------------------------------------------------------------------- bad input


def test_an_empty_folder_has_no_required_table(printed: Printed, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    code, said = printed(tmp_path / "empty")
    assert code == 1
    assert all(table.path in said.split("fault: ")[1] for table in REQUIRED)


def test_a_file_is_no_source_root(printed: Printed, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("id\n")
    code, said = printed(tmp_path / "users.csv")
    assert (code, "not found, or not a folder" in said) == (1, True)


def test_a_folder_that_may_not_be_read_is_named(
    printed: Printed, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = source.root / "crm"
    scandir = os.scandir

    def refuse(path: Any = ".") -> Any:
        if str(path) == str(closed):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    code, said = printed(source.root)
    assert (code, f"Permission denied: '{closed}'" in said) == (1, True)


def test_an_unknown_file_is_named_and_fails_nothing(printed: Printed, source: Source) -> None:
    (source.root / "product_db/users (1).csv").write_text("id\n")
    (source.root / "hubspot").mkdir()
    (source.root / "hubspot/deals.csv").write_text("id\n")
    code, said = printed(source.root)
    assert code == 0
    assert "warning: product_db/users (1).csv belongs to no table" in said
    assert "warning: hubspot/deals.csv belongs to no table" in said


def test_a_required_table_with_headers_only_is_named(printed: Printed, source: Source) -> None:
    (source.root / "product_db/organization_memberships.parquet").unlink()
    path = "product_db/organization_memberships"
    write_file(source.root / f"{path}.csv", path, [])
    code, said = printed(source.root)
    assert (code, f"warning: {path}: none of its files has a row" in said) == (0, True)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("id,email\n".encode("utf-16"), "is UTF-16 text: save it as UTF-8"),
        (b"id;email;date_joined\n1;a@x.example;2026-01-01\n", "the values are separated by semicolons"),
    ],
    ids=["encoding", "delimiter"],
)
def test_file_with_a_wrong_encoding_or_delimiter_is_named(
    printed: Printed, source: Source, content: bytes, sentence: str
) -> None:
    (source.root / f"{USERS}.parquet").unlink()
    (source.root / f"{USERS}.csv").write_bytes(content)
    code, said = printed(source.root)
    assert (code, f"fault: {USERS}.csv" in said, sentence in said) == (1, True, True)


def test_bytes_that_are_not_utf_8_are_named_with_their_row(printed: Printed, source: Source) -> None:
    write_file(source.root / f"{USERS}/b.csv", USERS, [{**company()[USERS][0], "id": 900, "role_detail": "Chef de"}])
    file = source.root / f"{USERS}/b.csv"
    file.write_bytes(file.read_bytes().replace(b"Chef de", "Ingénieur".encode("latin-1")))
    code, said = printed(source.root)
    assert code == 0
    assert f"set aside: {USERS}/b.csv row 1, role_detail: the byte E9" in said


def test_faults_in_all_tables_are_said_at_once(printed: Printed, source: Source) -> None:
    for table in load_contract().tables:
        for file in source.root.glob(f"{table.path}*"):
            if file.is_file():
                file.unlink()
        broken = f"{table.path}/date=2026-01-01/b" if table.stored == "days" else f"{table.path}/b"
        extension = "jsonl.gz" if table.stored == "objects" else "csv"
        (source.root / broken).parent.mkdir(parents=True, exist_ok=True)
        (source.root / f"{broken}.{extension}").write_bytes(b"x" if table.stored == "objects" else b"")
    code, said = printed(source.root)
    assert code == 1
    named = {table.path for table in load_contract().tables if f"fault: {table.path}/" in said}
    assert named == {table.path for table in load_contract().tables}


# ------------------------------------------------------------------------------------------------------ live systems


def test_check_reads_live_systems_first_unless_a_folder_is_named(
    printed: Printed, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def land(_: Settings) -> LandingReport:
        raise AssertionError("a check lands nothing")

    faults = ["postgres: the table app.orgs has no column plan: correct mappings/postgres.yml"]
    system = systems.System("postgres", lambda _: True, land, lambda _: faults)
    monkeypatch.setattr(systems, "SYSTEMS", (system,))
    monkeypatch.setenv("GROWTH_SOURCE_ROOT", str(source.root))
    code, said = printed()
    assert (code, said.splitlines()[0]) == (1, f"fault: {faults[0]}")
    assert "a load passes" in said
    assert printed(source.root)[0] == 0
    faults.clear()
    assert printed()[0] == 0
    shutil.rmtree(source.root)
    source.root.mkdir()
    code, said = printed()
    assert (code, f"nothing is landed in {source.root} yet" in said) == (0, True)
