"""Schema raw is a function of the files: whatever their format, their order of arrival, and what ended a load."""

import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import fsspec
import pytest
from pyarrow.parquet import read_schema

from cli.main import call
from ingestion.errors import SourceError
from ingestion.load import is_all_loaded, load_sources
from ingestion.write.delivery import deliver
from settings import Settings
from tests.ingestion.conftest import Source, report_of
from tests.support.killed_load import kill_load
from tests.support.s3_server import running_s3
from tests.support.source_root import (
    DAYS,
    FIRST_DAY,
    company,
    instant,
    invoice,
    json_line,
    usage_report,
    write_file,
    write_source_root,
    write_table,
)
from warehouse.connection import connect
from warehouse.data_day import newest_complete_day

USERS = "product_db/users"
ORGANIZATIONS = "product_db/organizations"
USAGE = "usage/usage_reports"
INVOICES = "stripe/invoices"
BILLING = "billing/billing_customers"
MERGES = "crm/account_merges"
SPEND = "spend/sales_and_marketing"
ARRIVING = (ORGANIZATIONS, USAGE, BILLING, INVOICES, MERGES)
DAY_FOLDER = f"{USAGE}/date={FIRST_DAY}"


@pytest.mark.slow
def test_every_format_gives_the_same_rows(tmp_path: Path) -> None:
    tables = (USERS, ORGANIZATIONS, USAGE, BILLING, "enrichment/companies", SPEND)
    loaded = {}
    for extension in ("parquet", "csv", "jsonl.gz"):
        source = Source(tmp_path / extension)
        write_source_root(source.root, extension=extension)
        report = source.load(*tables)
        assert report.rows_rejected == 0
        loaded[extension] = source.raw("_path")
    rows = company()
    assert {table: len(loaded["parquet"][table.replace("/", "__")]) for table in tables} == {
        table: len(rows[table]) for table in tables
    }
    for extension, tables_of_format in loaded.items():
        assert tables_of_format == loaded["parquet"], extension


def test_loading_again_with_nothing_new_reads_and_writes_nothing(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    tables = (USERS, USAGE, BILLING, INVOICES)
    source.load(*tables)
    before = source.raw()
    caplog.set_level(logging.INFO, "ingestion")
    caplog.clear()
    # The same folder, written in another way.
    report = source.load(*tables, source_root=f"file://{source.root}/")
    assert [(table.files_read, table.rows_changed) for table in report.tables] == [(0, 0)] * len(report.tables)
    assert caplog.messages == []
    assert source.raw() == before


CHANGES_OF_FILES = {
    "a file came": lambda source: write_table(source.root, "enrichment/companies", company()["enrichment/companies"]),
    "a file changed": lambda source: write_table(source.root, USERS, company()[USERS][1:]),
    "a file vanished": lambda source: (source.root / f"{SPEND}.parquet").unlink(),
    "an unknown file came": lambda source: (source.root / "crm" / "unknown.csv").write_text("id\n"),
    "the source root moved": lambda source: source.root.rename(source.root.with_name("elsewhere")),
}


@pytest.mark.parametrize("change", CHANGES_OF_FILES.values(), ids=CHANGES_OF_FILES)
def test_a_change_of_files_is_seen_before_a_load(source: Source, change: Callable[[Source], Any]) -> None:
    (source.root / "enrichment" / "companies.parquet").unlink()
    source.load()
    assert all_loaded(source.settings())
    change(source)
    moved = source.root.with_name("elsewhere")
    assert not all_loaded(source.settings(source_root=str(moved if moved.exists() else source.root)))


def all_loaded(settings: Settings) -> bool:
    with connect(settings.warehouse_path, read_only=True) as connection:
        return is_all_loaded(connection, settings)


def test_values_arrive_as_they_are_written(source: Source) -> None:
    source.load("billing/billing_customers", "stripe/invoices", "spend/sales_and_marketing")
    [row] = source.query(
        "select subscribed_products, custom_limits_usd ->> 'product_analytics', discount_percent::varchar, "
        "current_period_start, _path, _row from raw.billing__billing_customers where organization_id = 'org-1'"
    )
    assert row == (
        '["product_analytics","session_replay"]',
        "1000.50",
        "12.5000000000",
        instant(date(2026, 3, 1)).replace(tzinfo=None),
        "billing/billing_customers.parquet",
        1,
    )
    [(created, live, payload)] = source.query(
        "select created, livemode, payload from raw.stripe__invoices where id = 'in_11'"
    )
    assert (created, live) == (instant(date(2026, 2, 1)).replace(tzinfo=None), True)
    assert payload == json_line(company()[INVOICES][0])
    assert source.query("select amount_usd::varchar from raw.spend__sales_and_marketing") == [("0.1234567891",)]


def later_organization(n: int, day: int, **changes: Any) -> dict[str, Any]:
    return {**company()[ORGANIZATIONS][n - 1], "updated_at": instant(date(2026, 2, day)), **changes}


def arrivals() -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Files that arrive one after the other: new versions, repetitions, a tie, late reports, re-sent objects."""
    rows = company()
    next_day = FIRST_DAY + timedelta(days=1)
    late = instant(date(2026, 3, 9))
    return [
        (f"{ORGANIZATIONS}/2.csv", ORGANIZATIONS, [later_organization(1, 2, name="Second"), later_organization(2, 2)]),
        (f"{ORGANIZATIONS}/10.csv", ORGANIZATIONS, [later_organization(1, 2, name="Other"), later_organization(3, 9)]),
        (
            f"{ORGANIZATIONS}/3.jsonl",
            ORGANIZATIONS,
            [later_organization(2, 2), {**rows[ORGANIZATIONS][0], "plan": "x"}],
        ),
        (f"{INVOICES}/2.jsonl", INVOICES, [invoice(11, "cus_1", date(2026, 1, 1), 777)]),
        (f"{INVOICES}/10.jsonl", INVOICES, [invoice(11, "cus_1", date(2026, 1, 1), 888, status="open")] * 2),
        (f"{INVOICES}/9.jsonl.gz", INVOICES, [invoice(11, "cus_1", date(2026, 1, 1), 999), {"id": "broken"}]),
        (f"{DAY_FOLDER}/late.csv", USAGE, [usage_report(FIRST_DAY, "org-1", 5, received=late)]),
        (f"{USAGE}/date={next_day}/late.jsonl", USAGE, [usage_report(next_day, "org-2", 6, received=late)]),
        ("crm/account_merges/2.csv", "crm/account_merges", [{**rows["crm/account_merges"][0], "note": "two"}]),
        (
            "billing/billing_customers/2.csv",
            "billing/billing_customers",
            [{**rows["billing/billing_customers"][0], "organization_id": "org-7"}],
        ),
        (f"{ORGANIZATIONS}/7.parquet", ORGANIZATIONS, [{**rows[ORGANIZATIONS][0], "id": "org-7"}]),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", ["backward", *(pytest.param(order, marks=pytest.mark.soak) for order in ("forward", "interleaved"))]
)
def test_the_order_in_which_files_arrive_makes_no_difference(tmp_path: Path, order: str) -> None:
    at_once, one_by_one = Source(tmp_path / "a"), Source(tmp_path / "b")
    for source in (at_once, one_by_one):
        write_source_root(source.root)
        source.root = source.root.resolve()
    for file, table, rows in arrivals():
        write_file(at_once.root / file, table, rows)
    at_once.load(*ARRIVING)

    files = arrivals()
    sequence = {"forward": files, "backward": files[::-1], "interleaved": files[::2] + files[1::2]}[order]
    one_by_one.load(*ARRIVING)
    for number, (file, table, rows) in enumerate(sequence):
        write_file(one_by_one.root / file, table, rows)
        if number % 4 == 0:
            one_by_one.load(table)
    one_by_one.load(*ARRIVING)
    assert one_by_one.raw() == at_once.raw()
    assert {row[-1] for row in at_once.query("select rule, rule from raw.rejected_rows")} == {"contract", "tie"}


def test_raw_is_what_the_rules_say_after_all_arrivals(source: Source) -> None:
    for file, table, rows in arrivals():
        write_file(source.root / file, table, rows)
    source.load(*ARRIVING)
    versions = source.query(
        "select id, name, _path, plan from raw.product_db__organizations where id < 'org-4' order by 1, updated_at"
    )
    assert versions == [
        ("org-1", "Company 1", f"{ORGANIZATIONS}/3.jsonl", "x"),
        ("org-1", "Other", f"{ORGANIZATIONS}/10.csv", None),
        ("org-2", "Company 2", f"{ORGANIZATIONS}.parquet", None),
        ("org-2", "Company 2", f"{ORGANIZATIONS}/3.jsonl", None),
        ("org-3", "Company 3", f"{ORGANIZATIONS}.parquet", None),
        ("org-3", "Company 3", f"{ORGANIZATIONS}/10.csv", None),
    ]
    [(status, _)] = source.query("select payload ->> 'status', _row from raw.stripe__invoices where id = 'in_11'")
    assert status == "open"
    usage = source.query(
        "select event_count_in_period from raw.usage__usage_reports where _path like '%late%' order by 1"
    )
    assert usage == [(5,), (6,)]
    assert source.query("select note from raw.crm__account_merges") == [("two",)]
    assert source.query("select count(*) from raw.billing__billing_customers") == [(5,)]
    assert source.rejects("table_name", "file", "position", "rule") == [
        ("product_db__organizations", f"{ORGANIZATIONS}/2.csv", 1, "tie"),
        ("stripe__invoices", f"{INVOICES}/9.jsonl.gz", 2, "contract"),
    ]


def test_deleting_the_warehouse_loses_nothing(source: Source) -> None:
    source.load(USERS, USAGE)
    write_file(source.root / USERS / "2.csv", USERS, [{**company()[USERS][0], "updated_at": instant(FIRST_DAY)}])
    source.load(USERS, USAGE)
    before = source.raw()
    for file in source.data_dir.glob("warehouse.duckdb*"):
        file.unlink()
    source.load(USERS, USAGE)
    assert source.raw() == before

    shutil.rmtree(source.data_dir / "state")
    write_file(source.root / USERS / "3.csv", USERS, [{**company()[USERS][0], "id": 99}])
    source.load(USERS, USAGE)
    assert len(source.raw()["product_db__users"]) == len(before["product_db__users"]) + 1


def test_a_changed_file_takes_its_old_rows_along(source: Source) -> None:
    tables = (ORGANIZATIONS, USAGE, BILLING, INVOICES)
    source.load(*tables)
    organizations = company()[ORGANIZATIONS]
    organizations[0]["region"] = "EU"
    write_table(source.root, ORGANIZATIONS, organizations[:3])
    write_file(source.root / f"{INVOICES}.jsonl", INVOICES, company()[INVOICES][1:])
    write_file(source.root / DAY_FOLDER / "part-0.parquet", USAGE, [usage_report(FIRST_DAY, "org-2", 3)])
    report = source.load(*tables)
    assert source.query("select id, region from raw.product_db__organizations order by 1") == [
        ("org-1", "EU"),
        ("org-2", "EU"),
        ("org-3", "US"),
    ]
    assert source.query("select count(*), count(_deleted) from raw.stripe__invoices") == [(5, 0)]
    assert source.query(
        f"select organization_id, event_count_in_period from raw.usage__usage_reports where date = '{FIRST_DAY}'"
    ) == [("org-2", 3)]
    assert report_of(report, ORGANIZATIONS).rows_changed == 2
    # The fourth organization is gone: its billing customer no longer has one.
    assert source.rejects("file", "position", "rule") == [("billing/billing_customers.parquet", 4, "reference")]


def test_load_of_the_organizations_alone_judges_their_billing_customers(source: Source) -> None:
    write_file(source.root / BILLING / "2.csv", BILLING, [{**company()[BILLING][0], "organization_id": "org-7"}])
    source.load()
    waiting = (f"{BILLING}/2.csv", 1, "reference")
    assert source.rejects("file", "position", "rule") == [waiting]
    write_file(source.root / ORGANIZATIONS / "7.csv", ORGANIZATIONS, [later_organization(1, 2, id="org-7")])
    source.load(ORGANIZATIONS)
    assert source.rejects() == []
    assert source.query("select count(*) from raw.billing__billing_customers") == [(5,)]
    write_file(source.root / ORGANIZATIONS / "7.csv", ORGANIZATIONS, [])
    source.load(ORGANIZATIONS)
    assert source.rejects("file", "position", "rule") == [waiting]


def test_load_of_the_organizations_alone_leaves_billing_customers_that_are_away(source: Source, tmp_path: Path) -> None:
    write_file(source.root / BILLING / "2.csv", BILLING, [{**company()[BILLING][0], "organization_id": "org-7"}])
    source.load()
    waiting = source.rejects()
    shutil.move((source.root / BILLING).parent, tmp_path / "away")
    write_file(source.root / ORGANIZATIONS / "7.csv", ORGANIZATIONS, [later_organization(1, 2, id="org-7")])
    source.load(ORGANIZATIONS)
    assert source.rejects() == waiting != []


def test_a_day_that_is_left_without_a_good_row_is_empty(source: Source) -> None:
    source.load(USAGE)
    write_file(source.root / DAY_FOLDER / "part-0.parquet", USAGE, [usage_report(FIRST_DAY, "org-1", -1)])
    source.load(USAGE)
    assert source.query(f"select count(*), min(date) > '{FIRST_DAY}' from raw.usage__usage_reports") == [(8, True)]


def test_what_was_set_aside_of_a_file_that_vanished_is_listed_no_more(source: Source) -> None:
    odd = source.root / ORGANIZATIONS / "odd.jsonl"
    odd.parent.mkdir()
    odd.write_text("7\n")
    source.load(ORGANIZATIONS)
    assert source.rejects("file", "position") == [(f"{ORGANIZATIONS}/odd.jsonl", 1)]
    odd.unlink()
    assert source.load(ORGANIZATIONS).rows_rejected == 0
    assert source.rejects() == []


def test_file_that_was_away_for_one_load_is_read_again(source: Source) -> None:
    odd = source.root / ORGANIZATIONS / "odd.jsonl"
    odd.parent.mkdir()
    odd.write_text("7\n")
    source.load(ORGANIZATIONS)
    away = odd.rename(source.root.parent / "odd.jsonl")
    assert source.load(ORGANIZATIONS).rows_rejected == 0
    away.rename(odd)
    assert source.load(ORGANIZATIONS).rows_rejected == 1


@pytest.mark.parametrize("is_new", [True, False])
def test_what_a_refused_load_has_set_aside_is_listed_until_its_file_is_good_or_gone(
    source: Source, is_new: bool
) -> None:
    file = source.root / MERGES / "other.jsonl"
    file.parent.mkdir(exist_ok=True)
    if not is_new:
        file.write_text(json_line({"organization_id": "org-1", "canonical_organization_id": "org-2"}) + "\n")
    source.load(MERGES)
    good = None if is_new else (file.read_bytes(), file.stat())
    file.write_text("7\n" * 50)
    with pytest.raises(SourceError):
        source.load(MERGES, max_set_aside_share=0.01)
    assert len(source.rejects()) == 50
    file.unlink()
    if good:
        file.write_bytes(good[0])
        os.utime(file, ns=(good[1].st_atime_ns, good[1].st_mtime_ns))
    assert source.load(MERGES).rows_rejected == 0
    assert source.rejects() == []


def test_object_that_stands_for_an_empty_folder_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_s3() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        store = fsspec.filesystem("s3")
        write_source_root(tmp_path / "source")
        store.put(f"{tmp_path}/source/", "landed/x/", recursive=True)
        for folder in (f"{USAGE}/date=2026-03-01", "crm"):
            store.call_s3("put_object", Bucket="landed", Key=f"x/{folder}/", Body=b"")
        report = load_sources(Settings(source_root="s3://landed/x", data_dir=tmp_path / "data"))
    assert report.warnings == []


def test_rows_of_a_file_that_vanished_stay(source: Source) -> None:
    user = company()[USERS][0]
    old_reports = [usage_report(FIRST_DAY, f"org-{n}", n) for n in (8, 9)]
    write_file(source.root / DAY_FOLDER / "part-1.parquet", USAGE, old_reports)
    write_file(source.root / USERS / "old.csv", USERS, [{**user, "id": 50}, {**user, "id": 51}])
    source.load(USAGE, USERS)
    (source.root / DAY_FOLDER / "part-1.parquet").unlink()
    (source.root / USERS / "old.csv").unlink()
    # New files have other values for a row of each file that is gone; one of the old files has changed.
    new_reports = [usage_report(FIRST_DAY, f"org-{n}", 10 * n) for n in (9, 10)]
    write_file(source.root / DAY_FOLDER / "part-2.parquet", USAGE, new_reports)
    write_file(source.root / USERS / "new.csv", USERS, [{**user, "id": 50, "is_active": False}])
    write_table(source.root, USERS, company()[USERS][:5])
    report = source.load(USAGE, USERS)
    assert source.query(
        "select organization_id, event_count_in_period from raw.usage__usage_reports "
        f"where date = '{FIRST_DAY}' and event_count_in_period < 1000 order by 2"
    ) == [("org-8", 8), ("org-9", 90), ("org-10", 100)]
    assert source.query("select id, is_active from raw.product_db__users order by id desc limit 3") == [
        (51, True),
        (50, False),
        (5, True),
    ]
    assert source.rejects() == []
    assert report.warnings == [
        "product_db/users: 1 loaded files no longer exist; their rows are kept",
        "usage/usage_reports: 1 loaded files no longer exist; their rows are kept",
    ]


def test_a_load_that_failed_before_its_delivery_loses_no_row_of_a_vanished_file(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [source.root / DAY_FOLDER / f"part-{number}.parquet" for number in range(1, 4)]
    for number, file in enumerate(files[:2], start=1):
        write_file(file, USAGE, [usage_report(FIRST_DAY, f"gone-{number}", number)])
    source.load(USAGE)
    before = source.raw()["usage__usage_reports"]
    files[0].unlink()
    write_file(files[2], USAGE, [usage_report(FIRST_DAY, "new", 3)])
    with monkeypatch.context() as patch:
        patch.setattr("ingestion.load.deliver", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            source.load(USAGE)
    files[1].unlink()
    source.load(USAGE)
    after = source.raw()["usage__usage_reports"]
    assert len(after) == len(before) + 1
    assert set(before) <= set(after)


def test_extra_columns_may_have_reserved_names(source: Source) -> None:
    names = dict.fromkeys(("rank", "stays", "alike", "is_read", "line", "fields", "key"), "x")
    day = source.root / USAGE / f"date={FIRST_DAY}"
    once = {**usage_report(FIRST_DAY, "org-1", events=1), **names}
    write_file(day / "part-9.jsonl", USAGE, [once, {**once, "event_count_in_period": 2}])
    write_file(
        source.root / ORGANIZATIONS / "more.jsonl", ORGANIZATIONS, [later_organization(1, 1, id="org-9", **names)]
    )
    source.load()
    assert source.query(
        f"select event_count_in_period, rank from raw.usage__usage_reports where date = '{FIRST_DAY}' "
        "and organization_id = 'org-1'"
    ) == [(2, "x")]
    assert source.query("select rank from raw.product_db__organizations where id = 'org-9'") == [("x",)]


def test_folder_with_a_wrong_date_moves_no_data_day(source: Source) -> None:
    last_day = FIRST_DAY + timedelta(days=DAYS - 1)
    wrong = source.root / USAGE / "date=2062-10-15"
    write_file(wrong / "part-0.parquet", USAGE, [usage_report(date(2062, 10, 15), "org-1", 7)])
    for _ in range(2):
        source.load()
        with connect(source.settings().warehouse_path, read_only=True) as connection:
            assert newest_complete_day(connection) == last_day
        shutil.rmtree(wrong, ignore_errors=True)


@pytest.mark.slow
def test_usage_is_the_same_however_large_its_files_are(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    late = instant(date(2026, 3, 9))
    resent = [usage_report(FIRST_DAY, f"org-{n}", 100 * n, received=late) for n in range(1, 5)]
    tied = [{**resent[0], "event_count_in_period": 1}, usage_report(FIRST_DAY, "org-2", -2)]
    twin = [resent[1], {**resent[1], "sparks_in_period": 3}, usage_report(FIRST_DAY + timedelta(days=1), "org-5", 5)]
    for number, rows in enumerate([resent, tied, twin]):
        write_file(source.root / DAY_FOLDER / f"more-{number}.parquet", USAGE, rows)
    loaded = []
    for folder, limits in (
        ("kept", {}),
        ("in place", {"planner.LARGE_FILE_BYTES": 0}),
        ("days", {"usage_days.BATCH_BYTES": 1}),
    ):
        with monkeypatch.context() as patch:
            for name, value in limits.items():
                patch.setattr(f"ingestion.plan.{name}", value)
            other = Source(source.folder / folder)
            other.root = source.root
            other.load(USAGE)
            loaded.append(other.raw())
    assert loaded[0] == loaded[1] == loaded[2]
    assert [row[1:3] for row in other.rejects("file", "position", "rule")] == [
        (1, "tie"),
        (2, "contract"),
        (3, "contract"),
    ]
    query = f"select organization_id, event_count_in_period from raw.usage__usage_reports where date = '{FIRST_DAY}'"
    assert sorted(other.query(query)) == [("org-1", 1), ("org-2", 200), ("org-3", 300), ("org-4", 400)]


def test_new_counter_does_not_rewrite_earlier_days(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    day = FIRST_DAY + timedelta(days=10)
    report = {**usage_report(day, "org-1", 1), "sparks_in_period": 7}
    write_file(source.root / USAGE / f"date={day}" / "a.parquet", USAGE, [report])
    headers: list[set[str]] = []

    def delivering(connection: Any, dlt_dir: Path, deliveries: Any) -> None:
        headers.extend(set(read_schema(changes.path).names) for _, each in deliveries for changes in each)
        deliver(connection, dlt_dir, deliveries)

    monkeypatch.setattr("ingestion.load.deliver", delivering)
    monkeypatch.setattr("ingestion.plan.usage_days.BATCH_BYTES", 1)
    source.load(USAGE)
    # dlt writes a file again that lacks a column of its table.
    assert len(headers) > 1
    assert all("sparks_in_period" in names for names in headers)
    by_day = "select date, max(sparks_in_period) from raw.usage__usage_reports group by date order by date"
    days = [FIRST_DAY + timedelta(days=number) for number in range(3)]
    assert source.query(by_day) == [*((each, None) for each in days), (day, 7)]


@pytest.mark.parametrize("table", [USERS, USAGE])
def test_a_load_that_would_lose_much_is_refused(source: Source, table: str) -> None:
    many = {
        USERS: [{**company()[USERS][0], "id": n} for n in range(1, 301)],
        USAGE: [usage_report(FIRST_DAY, f"org-{n}", n) for n in range(1, 301)],
    }[table]
    file = source.root / (f"{USERS}.parquet" if table == USERS else f"{DAY_FOLDER}/part-0.parquet")
    write_file(file, table, many)
    source.load(table)
    before = source.raw()
    write_file(file, table, many[:180])
    with pytest.raises(SourceError, match=r"120 of 30\d loaded rows are missing .*GROWTH_MAX_LOST_SHARE"):
        source.load(table)
    assert source.raw() == before
    source.load(table, max_lost_share=0.5)
    assert (
        source.query(f"select count(*) from raw.{table.replace('/', '__')}")[0][0]
        == len(before[table.replace("/", "__")]) - 120
    )


def test_columns_come_and_go(source: Source) -> None:
    source.load(USAGE, USERS)
    day = FIRST_DAY + timedelta(days=10)
    report = usage_report(day, "org-1", 1)
    del report["survey_responses_count_in_period"]
    write_file(
        source.root / USAGE / f"date={day}" / "a.csv", USAGE, [{**report, "sparks_in_period": 7, "Note: x": "y"}]
    )
    users = [{key: value for key, value in row.items() if key != "role_detail"} for row in company()[USERS]]
    write_file(source.root / USERS / "2.jsonl", USERS, [{**users[0], "id": 70, "tags": ["a", 1.50]}])
    source.load(USAGE, USERS)
    query = "select survey_responses_count_in_period, sparks_in_period, note__x from raw.usage__usage_reports"
    assert source.query(f"{query} order by date desc limit 2") == [(0, 7, "y"), (0, None, None)]
    assert source.query("select role_detail, tags from raw.product_db__users where id = 70") == [(None, '["a",1.5]')]
    write_file(source.root / USERS / "2.jsonl", USERS, [{**users[0], "id": 70, "tags": ["b"]}])
    source.load(USERS)
    assert source.query("select tags from raw.product_db__users where id = 70") == [('["b"]',)]
    types = source.query(
        "select column_name, data_type from duckdb_columns() where schema_name = 'raw' "
        "and column_name in ('sparks_in_period', 'tags') order by 1"
    )
    assert types == [("sparks_in_period", "BIGINT"), ("tags", "VARCHAR")]

    before = source.raw()
    for file in source.data_dir.glob("warehouse.duckdb*"):
        file.unlink()
    source.load(USAGE, USERS)
    assert source.raw() == before


@pytest.mark.slow
def test_another_source_root_starts_from_nothing(source: Source) -> None:
    source.load(USERS, ORGANIZATIONS)
    other = Source(source.folder)
    other.root = source.folder / "other"
    write_source_root(other.root, {**company(), USERS: [{**company()[USERS][0], "id": 77, "team": "x"}]}, "csv")
    other.load(USERS, ORGANIZATIONS)
    assert other.query("select id, team from raw.product_db__users") == [(77, "x")]
    assert other.query("select distinct source_root from raw.loaded_files") == [(str(other.root),)]

    # And back: nothing of the other one is left, whether the load is good or not.
    before = other.raw()
    good = (source.root / f"{USERS}.parquet").read_bytes()
    (source.root / f"{USERS}.parquet").write_text("no parquet")
    with pytest.raises(SourceError):
        source.load(USERS, ORGANIZATIONS)
    assert other.raw() == before
    (source.root / f"{USERS}.parquet").write_bytes(good)
    source.load(USERS, ORGANIZATIONS)
    fresh = Source(source.folder / "fresh")
    fresh.root = source.root
    fresh.load(USERS, ORGANIZATIONS)
    assert source.raw() == fresh.raw()


def test_an_object_store_is_read_like_a_folder(source: Source, tmp_path: Path) -> None:
    memory = fsspec.filesystem("memory")
    memory.put(str(source.root), "/bucket/export", recursive=True)
    try:
        settings = Settings(source_root="memory://bucket/export", data_dir=tmp_path / "remote")
        tables = {"product_db__users", "usage__usage_reports"}
        report = load_sources(settings, tables=tables)
        assert [table.rows_total for table in report.tables] == [len(company()[USERS]), len(company()[USAGE])]
        again = load_sources(settings, tables=tables)
        assert sum(table.files_read for table in again.tables) == 0
        with memory.open(f"/bucket/export/{USERS}.parquet", "wb") as file:
            file.write(b"no parquet")
        with pytest.raises(SourceError, match=r"product_db/users\.parquet cannot be read"):
            load_sources(settings)
    finally:
        memory.rm("/bucket", recursive=True)


@pytest.mark.parametrize("asked", [FIRST_DAY - timedelta(days=1), FIRST_DAY + timedelta(days=400)])
def test_data_day_outside_of_the_data_is_refused_with_the_range(source: Source, asked: date) -> None:
    with pytest.raises(SourceError, match=rf"GROWTH_AS_OF={asked} is outside the data, which covers {FIRST_DAY} to"):
        source.load(as_of=asked)
    assert source.query("select count(*) from raw.product_db__users") == [(0,)]
    source.load(as_of=FIRST_DAY)
    assert source.query("select count(*) > 0 from raw.product_db__users") == [(True,)]


def test_the_command_prints_a_table_or_says_what_is_wrong(
    source: Source, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("cli.sources.get_settings", lambda: source.settings(max_set_aside_share=0.5))
    write_file(source.root / f"{USERS}.parquet", USERS, [*company()[USERS], {**company()[USERS][0], "id": None}])
    assert call(["load"]) == 0
    printed = capsys.readouterr().out
    assert (
        "product_db__users                           1 of 1           7           6           1            6" in printed
    )
    assert "1 rows are set aside in all: `growth rejects` lists them" in printed
    assert call(["rejects"]) == 0
    assert "product_db/users.parquet row 7, id: " in capsys.readouterr().out
    (source.root / f"{USERS}.parquet").unlink()
    assert call(["load"]) == 1
    assert "has no product_db/users" in capsys.readouterr().err


DELIVERED = (USERS, *ARRIVING)


def second_delivery(root: Path) -> None:
    """What has arrived when the second load is started: files are added, changed, and bad in part."""
    write_table(root, USERS, [{**user, "is_active": False} for user in company()[USERS][:5]])
    for file, table, rows in arrivals():
        write_file(root / file, table, rows)
    day = FIRST_DAY + timedelta(days=5)
    write_file(root / USAGE / f"date={day}" / "a.parquet", USAGE, [usage_report(day, f"org-{n}", n) for n in (1, 2, 3)])


@dataclass
class Interrupted:
    """A source root after its second delivery, and a data folder that knows the first."""

    root: Path
    first_data: Path

    def copy(self, folder: Path) -> Source:
        """A warehouse of one's own, in the state after the first load."""
        source = Source(folder)
        source.root = self.root
        shutil.copytree(self.first_data, source.data_dir)
        return source

    def rows_after_load(self, source: Source) -> dict[str, Any]:
        """Schema raw after a load that ends well."""
        source.load(*DELIVERED)
        return source.raw()


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    """A source that was loaded once, and of which more has arrived since."""
    source = Source(tmp_path_factory.mktemp("interrupted"))
    write_source_root(source.root)
    source.load(*DELIVERED)
    second_delivery(source.root)
    return Interrupted(source.root, source.data_dir)


@pytest.fixture(scope="module")
def undisturbed(interrupted: Interrupted, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Schema raw after a second load that nothing disturbed."""
    return interrupted.rows_after_load(interrupted.copy(tmp_path_factory.mktemp("undisturbed")))


@pytest.mark.parametrize(
    "point",
    [
        *(
            pytest.param(point, marks=pytest.mark.slow)
            for point in ("dlt copy", "dlt merge", "record the loaded files")
        ),
        *(pytest.param(point, marks=pytest.mark.soak) for point in ("read usage", "write", "dlt normalize")),
    ],
)
def test_a_load_that_was_killed_ends_like_one_that_was_not(
    interrupted: Interrupted, undisturbed: dict[str, Any], tmp_path: Path, point: str
) -> None:
    source = interrupted.copy(tmp_path)
    kill_load(source.data_dir, source.root, point, *DELIVERED)
    assert interrupted.rows_after_load(source) == undisturbed


@pytest.mark.slow
def test_rows_of_a_killed_load_are_replaced_when_the_file_changes(source: Source) -> None:
    source.load(USERS)
    later = source.root / USERS / "later.csv"
    write_file(later, USERS, [{**company()[USERS][0], "id": n} for n in (90, 91)])
    kill_load(source.data_dir, source.root, "record the loaded files", USERS)
    assert source.query("select count(*) from raw.product_db__users where id >= 90") == [(2,)]
    write_file(later, USERS, [{**company()[USERS][0], "id": 92}])
    source.load(USERS)
    assert source.query("select id from raw.product_db__users where id >= 90") == [(92,)]


def test_the_note_of_a_day_changes_with_its_values_alone(source: Source) -> None:
    def notes_after(received_on: date, events: int) -> list[tuple]:
        reports = [usage_report(FIRST_DAY, f"org-{n}", events * n, received=instant(received_on)) for n in range(1, 5)]
        write_file(source.root / DAY_FOLDER / "again.parquet", USAGE, reports)
        source.load(USAGE)
        return source.query("select date, reports, fingerprint from raw.usage_days order by date")

    first = notes_after(date(2026, 3, 9), 5)
    again = notes_after(date(2026, 3, 10), 5)
    other = notes_after(date(2026, 3, 11), 6)
    assert len(first) == 3
    assert again == first
    assert [one == before for one, before in zip(other, first, strict=True)] == [False, True, True]
