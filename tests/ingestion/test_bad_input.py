"""Input that breaks the contract: bad rows are set aside with their place and a sentence, bad files stop the load."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.errors import SourceError
from tests.ingestion.conftest import Source, report_of
from tests.support.source_root import (
    FIRST_DAY,
    company,
    invoice,
    json_line,
    usage_report,
    write_file,
    write_table,
)

USERS = "product_db/users"
ORGANIZATIONS = "product_db/organizations"
USAGE = "usage/usage_reports"
INVOICES = "stripe/invoices"
CLOSED = "closed_months/mrr_lines"
SPEND = "spend/sales_and_marketing"
DAY_FOLDER = f"{USAGE}/date={FIRST_DAY}"


def replace(source: Source, path: str, rows: list[dict[str, Any]], extension: str) -> None:
    """Put rows in the place of a table's file."""
    for file in source.root.glob(f"{path}.*"):
        file.unlink()
    write_table(source.root, path, rows, extension)


def test_a_wrong_type_deep_in_a_csv_is_set_aside_and_the_rest_loads(source: Source) -> None:
    user = company()[USERS][0]
    rows = [{**user, "id": n} for n in range(1, 30_011)]
    rows[29_999]["last_login"] = "yesterday, around ten"
    replace(source, USERS, rows, "csv")
    report = source.load(USERS)
    assert report_of(report, USERS).rows_set_aside == 1
    assert source.query("select count(*), max(id) from raw.product_db__users") == [(30_009, 30_010)]
    [(file, position, column, reason, original)] = source.rejects()
    assert (file, position, column) == ("product_db/users.csv", 30_000, "last_login")
    assert reason.startswith("'yesterday, around ten' is not a timestamp")
    assert json.loads(original)["id"] == "30000"


FAULTS = [
    ("id", "", "there is no value"),
    ("id", "12.5", "'12.5' is not a whole number"),
    ("id", "99999999999999999999", "is not a whole number of 64 bits"),
    ("id", "1_000", "is not a whole number"),
    ("email", "", "there is no value"),
    ("is_staff", "no", "'no' is neither true nor false"),
    ("role_at_organization", "wizard", "'wizard' is not one of engineering, product"),
    ("date_joined", "2026-01-31T10:00:00", "has no time zone: write it as 2026-01-31T10:00:00Z"),
    ("date_joined", "2026-01-31 10:00:00.1234567Z", "is not a timestamp of microseconds at most"),
    ("date_joined", "2026-02-30T10:00:00Z", "is not a timestamp"),
    ("updated_at", "1767225600", "is a number, as unix time is, and not a timestamp"),
]


@pytest.mark.parametrize("extension", ["csv", "jsonl"])
def test_each_fault_of_a_value_is_told_with_its_column(source: Source, extension: str) -> None:
    user = company()[USERS][0]
    rows = [{**user, "id": n} for n in range(1, 5)]
    rows += [{**user, "id": 100 + n, column: value or None} for n, (column, value, _) in enumerate(FAULTS)]
    replace(source, USERS, rows, extension)
    source.load(USERS)
    assert source.query("select count(*) from raw.product_db__users") == [(4,)]
    found = source.rejects("position", "column_name", "reason")
    assert [row[:2] for row in found] == [(n, column) for n, (column, _, _) in enumerate(FAULTS, start=5)]
    for (_, _, reason), (_, _, sentence) in zip(found, FAULTS, strict=True):
        assert sentence in reason


@pytest.mark.parametrize("extension", ["parquet", "csv", "jsonl"])
def test_rate_of_a_closed_month_that_is_no_number_of_its_decimals_is_set_aside(source: Source, extension: str) -> None:
    line = company()[CLOSED]
    rates = ["0.01000000000000", "1", None, "0.0115 EUR", "0,01", "-0.01", "NaN", "1e-2", "0.010000000000001", "9" * 11]
    rows = [{**line[0], "line_number": n, "usd_per_minor_unit": rate} for n, rate in enumerate(rates, start=1)]
    replace(source, CLOSED, rows, extension)
    source.load(CLOSED)
    assert source.query("select line_number from raw.closed_months__mrr_lines order by 1") == [(1,), (2,), (3,)]
    assert source.rejects("position", "column_name") == [(n, "usd_per_minor_unit") for n in range(4, 11)]
    assert source.rejects("reason")[0] == ("'0.0115 EUR' is not written as [0-9]{1,10}([.][0-9]{1,14})?",)


def test_json_types_that_do_not_fit_are_set_aside(source: Source) -> None:
    rows = company()[ORGANIZATIONS]
    faults: list[dict[str, Any]] = [
        {"id": 5},
        {"name": ["a"]},
        {"region": True},
        {"for_internal_metrics": 1},
        {"created_at": 1767225600},
    ]
    replace(source, ORGANIZATIONS, [*rows, *({**rows[0], "id": "x", **fault} for fault in faults)], "jsonl")
    source.load(ORGANIZATIONS)
    columns = ["id", "name", "region", "for_internal_metrics", "created_at"]
    assert source.rejects("column_name") == [(column,) for column in columns]
    assert source.query("select count(*) from raw.product_db__organizations") == [(4,)]


def test_decimals_keep_every_digit_or_are_set_aside(source: Source) -> None:
    spend = company()["spend/sales_and_marketing"][0]
    amounts = [
        "123456789012345.0123456789",
        "0.10000000000000000000",
        "-5",
        "0.12345678901",
        "1234567890123456",
        "1,5",
        "NaN",
    ]
    rows = [{**spend, "category": f"c{n}", "amount_usd": amount} for n, amount in enumerate(amounts)]
    expected = [(Decimal(amount),) for amount in ("-5", "0.1", "123456789012345.0123456789")]
    for extension in ("csv", "jsonl"):
        replace(source, "spend/sales_and_marketing", rows, extension)
        if extension == "jsonl":
            text = "".join(json_line(row) + "\n" for row in rows)
            for amount in amounts[:5]:
                text = text.replace(f'"{amount}"', amount)
            (source.root / "spend/sales_and_marketing.jsonl").write_text(text)
        source.load("spend/sales_and_marketing")
        assert source.query("select amount_usd from raw.spend__sales_and_marketing order by 1") == expected
        assert source.rejects("position", "column_name") == [(n, "amount_usd") for n in (4, 5, 6, 7)]


def test_lists_and_objects_that_are_none_are_set_aside(source: Source) -> None:
    customer = company()["billing/billing_customers"][0]
    rows = [
        {**customer, "organization_id": f"org-{n}", **change}
        for n, change in enumerate(
            [
                {"subscribed_products": "product_analytics"},
                {"subscribed_products": '["a", 1]'},
                {"custom_limits_usd": "[1]"},
                {"custom_limits_usd": '{"surveys": "much"}'},
            ],
            start=1,
        )
    ]
    replace(source, "billing/billing_customers", rows, "csv")
    source.load("billing/billing_customers")
    assert source.rejects("position", "column_name") == [
        (1, "subscribed_products"),
        (2, "subscribed_products"),
        (3, "custom_limits_usd"),
        (4, "custom_limits_usd"),
    ]


def test_a_csv_row_with_too_many_or_too_few_values_keeps_its_place(source: Source) -> None:
    replace(source, USERS, company()[USERS], "csv")
    file = source.root / f"{USERS}.csv"
    header, *rows = file.read_text().splitlines()
    file.write_text("\n".join([header, rows[0], "1,2,3", rows[1], rows[2] + ",more", rows[3].replace("person4", "")]))
    with file.open("a") as end:
        end.write("\n" + rows[4].replace("true", "maybe"))
    source.load(USERS)
    assert source.query("select id, _row from raw.product_db__users order by 1") == [(1, 1), (2, 3), (4, 5)]
    found = source.rejects("position", "column_name", "reason", "original_text")
    assert [row[:2] for row in found] == [(2, None), (4, None), (6, "is_active")]
    assert found[0][2:] == ("the row has 3 values, but the header names 9 columns", "1,2,3")


def test_a_json_line_cut_in_the_middle_is_set_aside(source: Source) -> None:
    rows = company()[ORGANIZATIONS]
    lines = [json_line(row) for row in rows]
    replace(source, ORGANIZATIONS, [], "jsonl")
    cut = lines[1][:40]
    (source.root / f"{ORGANIZATIONS}.jsonl").write_text("\n".join([lines[0], cut, "", "[1, 2]", lines[2]]))
    source.load(ORGANIZATIONS)
    assert source.query("select id, _row from raw.product_db__organizations order by 1") == [("org-1", 1), ("org-3", 5)]
    assert source.rejects("position", "original_text") == [(2, cut), (4, "[1, 2]")]
    assert "is it truncated?" in source.rejects("reason")[0][0]


def test_a_report_in_the_folder_of_another_day_is_set_aside(source: Source) -> None:
    rows = [usage_report(FIRST_DAY, "org-1", 5), usage_report(FIRST_DAY + timedelta(days=1), "org-2", 5)]
    write_file(source.root / DAY_FOLDER / "part-0.parquet", USAGE, rows)
    source.load(USAGE)
    assert source.query(f"select organization_id from raw.usage__usage_reports where date = '{FIRST_DAY}'") == [
        ("org-1",)
    ]
    [(file, position, column, reason, _)] = source.rejects()
    assert (file, position, column) == (f"{DAY_FOLDER}/part-0.parquet", 2, "date")
    assert reason == "'2026-03-02' is not the day of its folder, 2026-03-01: move the row to the folder of its day"


@pytest.mark.parametrize("extension", ["parquet", "csv", "jsonl"])
def test_a_counter_below_zero_is_set_aside(source: Source, extension: str) -> None:
    (source.root / DAY_FOLDER / "part-0.parquet").unlink()
    rows = [usage_report(FIRST_DAY, "org-1", 5), usage_report(FIRST_DAY, "org-2", -2)]
    rows.append({**usage_report(FIRST_DAY, "org-3", 1), "sparks_in_period": -7})
    write_file(source.root / DAY_FOLDER / f"part-0.{extension}", USAGE, rows)
    source.load(USAGE)
    assert source.rejects("position", "column_name", "reason") == [
        (2, "event_count_in_period", "'-2' is below 0"),
        (3, "sparks_in_period", "'-7' is below 0"),
    ]


def test_a_report_with_too_few_values_is_set_aside(source: Source) -> None:
    (source.root / DAY_FOLDER / "part-0.parquet").unlink()
    file = source.root / DAY_FOLDER / "part-0.csv.gz"
    write_file(file, USAGE, [usage_report(FIRST_DAY, "org-1", 5), usage_report(FIRST_DAY, "org-2", 6)])
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    file.write_bytes(gzip.compress("\n".join([*lines[:2], f"{FIRST_DAY},org-3", lines[2]]).encode()))
    report = source.load(USAGE)
    assert report_of(report, USAGE).rows_set_aside == 1
    assert source.rejects("file", "position", "column_name") == [(f"{DAY_FOLDER}/part-0.csv.gz", 2, None)]
    query = f"select organization_id, _row from raw.usage__usage_reports where date = '{FIRST_DAY}' order by 1"
    assert source.query(query) == [("org-1", 1), ("org-2", 3)]


def test_a_null_counter_is_not_zero(source: Source) -> None:
    rows = [{**usage_report(FIRST_DAY, "org-1", 5), "logs_mb_in_period": None}, usage_report(FIRST_DAY, "org-2", 1)]
    write_file(source.root / DAY_FOLDER / "part-0.parquet", USAGE, rows)
    source.load(USAGE)
    assert source.rejects("position", "column_name") == [(1, "logs_mb_in_period")]


def test_later_of_two_rows_with_one_stamp_is_loaded_and_listed(source: Source) -> None:
    rows = company()[ORGANIZATIONS]
    twins = [{**rows[0], "name": "Other name"}, dict(rows[1])]
    replace(source, ORGANIZATIONS, [*rows, *twins], "csv")
    # It is no fault of the file, and fails no load.
    report = source.load(ORGANIZATIONS, max_set_aside_share=0)
    assert report_of(report, ORGANIZATIONS).rows_set_aside == 0
    query = "select id, name, _row from raw.product_db__organizations order by 1"
    assert source.query(query)[:2] == [("org-1", "Other name", 5), ("org-2", "Company 2", 6)]
    assert len(source.query(query)) == 4
    [(file, position, column, rule, reason, original)] = source.rejects(
        "file", "position", "column_name", "rule", "reason", "original_text"
    )
    assert (file, position, column, rule) == ("product_db/organizations.csv", 1, "updated_at", "tie")
    assert reason == (
        "product_db/organizations.csv row 5 comes later with the same id and updated_at and other values, and is "
        "used instead"
    )
    assert json.loads(original)["name"] == "Company 1"


def test_of_two_reports_with_one_stamp_the_later_file_is_taken(source: Source) -> None:
    late = datetime(2026, 3, 4, tzinfo=UTC)
    early = usage_report(FIRST_DAY, "org-1", 10)
    (source.root / DAY_FOLDER / "part-0.parquet").unlink()
    # By the order of files 2.csv comes before 10.csv, and a Parquet file is nothing better.
    sent = {"10.csv": [{**early, "received_at": late}], "2.parquet": [{**early, "received_at": late}, early]}
    sent["10.csv"][0]["event_count_in_period"], sent["2.parquet"][0]["event_count_in_period"] = 11, 12
    for name, rows in sent.items():
        write_file(source.root / DAY_FOLDER / name, USAGE, rows)
    source.load(USAGE, max_set_aside_share=0)
    query = f"select event_count_in_period, _path from raw.usage__usage_reports where date = '{FIRST_DAY}'"
    assert source.query(query) == [(11, f"{DAY_FOLDER}/10.csv")]
    [(file, position, rule, reason)] = source.rejects("file", "position", "rule", "reason")
    assert (file, position, rule) == (f"{DAY_FOLDER}/2.parquet", 1, "tie")
    assert reason.startswith(
        f"{DAY_FOLDER}/10.csv row 1 comes later with the same date and organization_id and received"
    )


def test_duplicate_keys_without_a_stamp_are_listed(source: Source) -> None:
    spend = company()[SPEND][0]
    replace(source, SPEND, [spend, {**spend, "amount_usd": Decimal(7)}], "csv")
    write_file(source.root / SPEND / "later.csv", SPEND, [{**spend, "amount_usd": Decimal(9)}])
    source.load(SPEND, max_set_aside_share=0)
    assert source.query("select amount_usd from raw.spend__sales_and_marketing") == [(Decimal(9),)]
    assert source.rejects("file", "position", "column_name", "rule") == [(f"{SPEND}.csv", 1, "month", "tie")]


def test_loaded_row_is_replaced_only_by_a_later_file(source: Source) -> None:
    source.load(ORGANIZATIONS)
    names = "select name, _path from raw.product_db__organizations where id = 'org-1'"
    daily = [(f"{ORGANIZATIONS}/{day}.csv", f"Name {day}") for day in (3, 4)]
    for file, name in daily:
        write_file(source.root / file, ORGANIZATIONS, [{**company()[ORGANIZATIONS][0], "name": name}])
        report = source.load(ORGANIZATIONS, max_set_aside_share=0)
        # What was read before is not read again.
        assert report_of(report, ORGANIZATIONS).files_read == 1
        assert source.query(names) == [(name, file)]
    replaced = [(f"{ORGANIZATIONS}.parquet", 1), (daily[0][0], 1)]
    assert source.rejects("file", "position") == replaced
    assert source.rejects("reason")[0][0].startswith(f"{daily[0][0]} row 1 comes later")

    # One that comes late, but stands before others, changes what is listed and not what is taken.
    write_file(source.root / ORGANIZATIONS / "2.csv", ORGANIZATIONS, [company()[ORGANIZATIONS][0]])
    source.load(ORGANIZATIONS)
    assert source.query(names) == [(daily[1][1], daily[1][0])]
    assert source.rejects("file", "position") == [(f"{ORGANIZATIONS}/2.csv", 1), (daily[0][0], 1)]
    before = source.raw()
    for path in source.data_dir.glob("warehouse.duckdb*"):
        path.unlink()
    source.load(ORGANIZATIONS)
    assert source.raw() == before


def test_a_billing_customer_without_an_organization_waits_for_it(source: Source) -> None:
    stray = {**company()["billing/billing_customers"][0], "organization_id": "org-9"}
    replace(source, "billing/billing_customers", [*company()["billing/billing_customers"], stray], "csv")
    source.load(ORGANIZATIONS, "billing/billing_customers")
    [(file, position, column, reason, _)] = source.rejects()
    assert (file, position, column) == ("billing/billing_customers.csv", 5, "organization_id")
    assert reason == "'org-9' is in no file of product_db.organizations: add that row, or remove this one"

    new = {**company()[ORGANIZATIONS][0], "id": "org-9"}
    write_file(source.root / ORGANIZATIONS / "later.csv", ORGANIZATIONS, [new])
    source.load(ORGANIZATIONS, "billing/billing_customers")
    assert source.rejects() == []
    assert source.query("select count(*) from raw.billing__billing_customers") == [(5,)]


def stripe_line(**changes: Any) -> dict[str, Any]:
    """The lines of an invoice with one line that differs from a good one."""
    line = invoice(1, "cus_1", date(2026, 1, 1), 100)["lines"]["data"][0]
    return {"data": [{**line, **changes}], "has_more": False}


def test_stripe_objects_are_read_in_both_shapes_and_faults_are_told(source: Source) -> None:
    def changed(n: int, **changes: Any) -> dict[str, Any]:
        return invoice(n, "cus_1", date(2026, 1, 1), 100, **changes)

    new_shape = stripe_line(
        subscription=None,
        price=None,
        pricing={"price_details": {"product": "prod_1"}},
        parent={"subscription_item_details": {"subscription": "sub_1", "proration": False}},
    )
    one_off = stripe_line(subscription=None, price=None)
    good = [
        changed(1, lines=new_shape),
        changed(2, lines=one_off),
        changed(3, status="draft", ending_balance=None),
        {"id": "in_4", "object": "invoice", "deleted": True},
    ]
    faults = [
        (changed(5, lines={**stripe_line(), "has_more": True}), "lines.has_more", "has more lines than are here"),
        (changed(6, customer=None), "customer", "there is no customer"),
        (changed(7, created="2026-01-01"), "created", "is not a time in unix seconds"),
        (changed(8, created=1767225600000), "created", "is not a time in unix seconds"),
        (changed(9, status="lost"), "status", 'status "lost" is not one of draft'),
        (changed(10, ending_balance=None), "ending_balance", "there is no ending_balance"),
        (changed(11, lines=stripe_line(amount=1.5)), "lines.data[].amount", "line 1 (il_1): amount 1.5 is not a whole"),
        (changed(12, lines=stripe_line(price=None)), "lines.data[].price.product", "nor pricing.price_details.product"),
        (changed(13, lines=stripe_line(discount_amounts=[{"amount": "5"}])), "lines.data[].discount_amounts", "amount"),
        (changed(14, customer={"id": "cus_1"}), "customer", "without expanding"),
        ({"object": "invoice"}, "id", "there is no id"),
    ]
    replace(source, INVOICES, [*good, *(row for row, _, _ in faults)], "jsonl")
    source.load(INVOICES)
    assert [row[0] for row in source.query("select id from raw.stripe__invoices order by 1")] == [
        "in_1",
        "in_2",
        "in_3",
        "in_4",
    ]
    found = source.rejects("position", "column_name", "reason")
    assert [row[:2] for row in found] == [(n, column) for n, (_, column, _) in enumerate(faults, start=5)]
    for (_, _, reason), (_, _, sentence) in zip(found, faults, strict=True):
        assert sentence in reason


def test_invoice_sent_twice_counts_as_the_later_one(source: Source) -> None:
    sent = [invoice(1, "cus_1", date(2026, 1, 1), amount) for amount in (100, 300, 200)]
    replace(source, INVOICES, sent[:2], "jsonl")
    query = "select cast(payload ->> 'total' as int), count(*) over () from raw.stripe__invoices"
    source.load(INVOICES)
    assert source.query(query) == [(300, 1)]
    write_file(source.root / INVOICES / "later.jsonl", INVOICES, sent[2:])
    source.load(INVOICES)
    assert source.query(query) == [(200, 1)]
    assert source.rejects() == []


def test_a_credit_note_needs_an_amount_or_lines(source: Source) -> None:
    note = company()["stripe/credit_notes"][0]
    bare = {key: value for key, value in note.items() if key != "lines"}
    rows = [
        {**bare, "id": "cn_2", "total_excluding_tax": 5},
        {**bare, "id": "cn_3", "subtotal": 5},
        {**bare, "id": "cn_4"},
    ]
    replace(source, "stripe/credit_notes", rows, "jsonl")
    source.load("stripe/credit_notes")
    assert source.rejects("position", "column_name") == [(3, "total_excluding_tax")]


def test_an_unknown_product_is_no_fault(source: Source) -> None:
    product = {**company()["stripe/products"][0], "id": "prod_9", "metadata": {}}
    replace(source, "stripe/products", [*company()["stripe/products"], product], "jsonl")
    customer = {**company()["billing/billing_customers"][0], "subscribed_products": ["teleportation"]}
    replace(source, "billing/billing_customers", [customer], "jsonl")
    source.load("stripe/products", "billing/billing_customers")
    assert source.rejects() == []
    assert source.query("select count(*) from raw.stripe__products") == [(3,)]


def break_columns(root: Path) -> str:
    rows = [{key: value for key, value in row.items() if key != "region"} for row in company()[ORGANIZATIONS]]
    write_file(root / f"{ORGANIZATIONS}.csv", ORGANIZATIONS, rows)
    return r"product_db/organizations\.csv has no column region, .*add it"


def break_gzip(root: Path) -> str:
    lines = [json_line({**company()[ORGANIZATIONS][0], "id": f"org-{n}"}) for n in range(500)]
    content = gzip.compress("\n".join(lines).encode())
    (root / f"{ORGANIZATIONS}.jsonl.gz").write_bytes(content[: len(content) // 2])
    return r"product_db/organizations\.jsonl\.gz cannot be read: .*Write the file again"


def break_csv_gzip(root: Path) -> str:
    write_file(root / f"{USERS}.csv.gz", USERS, [{**company()[USERS][0], "id": n} for n in range(500)])
    file = root / f"{USERS}.csv.gz"
    file.write_bytes(file.read_bytes()[:-100])
    return r"product_db/users\.csv\.gz cannot be read"


def break_parquet(root: Path) -> str:
    (root / DAY_FOLDER / "part-1.parquet").write_text("id,name\n1,x\n")
    return rf"{DAY_FOLDER}/part-1\.parquet cannot be read: .*Write the file again"


def break_parquet_pages(root: Path) -> str:
    file = root / DAY_FOLDER / "part-0.parquet"
    content = bytearray(file.read_bytes())
    content[4:400] = bytes(396)
    file.write_bytes(content)
    return rf"{DAY_FOLDER}/part-0\.parquet cannot be read"


def break_types(root: Path) -> str:
    rows = [{**row, "updated_at": row["updated_at"].replace(tzinfo=None)} for row in company()[USERS]]
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(rows), root / f"{USERS}.parquet")
    return r"product_db/users\.parquet: column updated_at is timestamp\[us\], but must be timestamp\[us, UTC\]"


def break_text(root: Path) -> str:
    (root / f"{USERS}.csv").write_bytes(b"id,e\xffmail\n1,x\n")
    return r"product_db/users\.csv: in its first line the byte FF .*is not UTF-8: save the file as UTF-8"


def break_header(root: Path) -> str:
    (root / f"{USERS}.csv").write_text("")
    return r"product_db/users\.csv has no header"


def break_names(root: Path) -> str:
    rows = [{**row, "ID": "x"} for row in company()[USERS]]
    write_file(root / f"{USERS}.csv", USERS, rows)
    return r"product_db/users\.csv has two columns id: 'id' and 'ID'; remove one"


def break_extension(root: Path) -> str:
    (root / "crm/accounts.xlsx").write_text("x")
    return r"crm/accounts\.xlsx has none of the extensions"


def break_folder(root: Path) -> str:
    write_file(root / USAGE / "today.parquet", USAGE, [])
    return (
        r"usage/usage_reports/today\.parquet is not in a day's folder: put it into usage/usage_reports/date=YYYY-MM-DD/"
    )


def break_day(root: Path) -> str:
    write_file(root / USAGE / "date=2026-02-30" / "part.parquet", USAGE, [])
    return r"date=2026-02-30/part\.parquet: 2026-02-30 is not a date"


def lose_a_required_table(root: Path) -> str:
    (root / "billing/billing_customers.parquet").unlink()
    return r"has no billing/billing_customers: add each as one file"


def lose_the_root(root: Path) -> str:
    root.rename(root.with_name("elsewhere"))
    return r"the source root .*source cannot be read: .*Check GROWTH_SOURCE_ROOT"


@pytest.mark.parametrize(
    "break_it",
    [
        break_columns,
        break_gzip,
        break_csv_gzip,
        break_parquet,
        break_parquet_pages,
        break_types,
        break_text,
        break_header,
        break_names,
        break_extension,
        break_folder,
        break_day,
        lose_a_required_table,
        lose_the_root,
    ],
)
def test_unusable_file_stops_the_load_before_it_writes(source: Source, break_it: Any) -> None:
    message = break_it(source.root)
    with pytest.raises(SourceError, match=message):
        source.load()
    assert source.query("select count(*) from raw.product_db__organizations") == [(0,)]
    assert source.query("select count(*) from raw.loaded_files") == [(0,)]


def test_an_empty_source_is_loaded_as_no_rows(source: Source) -> None:
    replace(source, "crm/accounts", [], "jsonl")
    write_file(source.root / "crm/opportunities.csv", "crm/opportunities", [])
    (source.root / "crm/opportunities.parquet").unlink()
    write_file(source.root / "crm/account_merges.parquet", "crm/account_merges", [])
    write_file(source.root / DAY_FOLDER / "part-0.parquet", USAGE, [])
    next_folder = source.root / f"{USAGE}/date={FIRST_DAY + timedelta(days=1)}"
    (next_folder / "part-0.parquet").unlink()
    write_file(next_folder / "part-0.jsonl", USAGE, [])
    report = source.load("crm/accounts", "crm/opportunities", "crm/account_merges", USAGE)
    assert [(r.rows_total, r.is_absent) for r in report.tables] == [(4, False), (0, False), (0, False), (0, False)]
    assert source.rejects() == []


def test_an_absent_optional_table_is_there_and_empty(source: Source) -> None:
    (source.root / "crm/accounts.parquet").unlink()
    report = source.load("crm/accounts", "crm/account_merges")
    assert report_of(report, "crm/accounts").is_absent
    assert source.query("select count(*) from raw.crm__accounts") == [(0,)]


def test_too_many_bad_rows_stop_the_load_and_can_be_looked_at(source: Source) -> None:
    user = company()[USERS][0]
    rows = [{**user, "id": n, "email": None if n <= 11 else user["email"]} for n in range(1, 201)]
    replace(source, USERS, rows, "csv")
    message = (
        r"product_db/users: 11 of 200 rows break the contract \(5\.5%; the limit is 1\.0% or 10 rows\), so nothing "
        r"is loaded\. product_db/users\.csv row 1, email: there is no value.*GROWTH_MAX_SET_ASIDE_SHARE"
    )
    with pytest.raises(SourceError, match=message):
        source.load(max_set_aside_share=0.01)
    assert source.rejects("position", "column_name") == [(n, "email") for n in range(1, 12)]
    assert source.query("select count(*) from raw.product_db__users") == [(0,)]
    assert source.query("select count(*) from raw.product_db__organizations") == [(0,)]

    source.load(USERS, max_set_aside_share=0.055)
    assert source.query("select count(*) from raw.product_db__users") == [(189,)]


def test_few_bad_rows_stop_no_load_however_small_their_table_is(source: Source) -> None:
    spend = company()[SPEND][0]
    rows = [{**spend, "category": f"c{n}", "amount_usd": "a lot"} for n in range(10)]
    replace(source, SPEND, rows, "csv")
    source.load(SPEND, max_set_aside_share=0.01)
    assert source.rejects("position", "column_name") == [(n, "amount_usd") for n in range(1, 11)]
    replace(source, SPEND, [*rows, {**rows[0], "category": "c10"}], "csv")
    with pytest.raises(SourceError, match="11 of 11 rows"):
        source.load(SPEND, max_set_aside_share=0.01)


def test_a_fixed_file_replaces_what_was_set_aside_of_it(source: Source) -> None:
    good = company()[USERS]
    replace(source, USERS, [{**good[0], "email": None}, *good[1:]], "csv")
    replace(source, ORGANIZATIONS, [{**company()[ORGANIZATIONS][0], "name": None}], "csv")
    source.load(USERS, ORGANIZATIONS)
    assert source.rejects("file") == [(f"{ORGANIZATIONS}.csv",), (f"{USERS}.csv",)]
    replace(source, USERS, [*good, {**good[0], "id": 7, "is_staff": None}], "csv")
    source.load(USERS, ORGANIZATIONS)
    assert source.rejects("file", "position", "column_name") == [
        (f"{ORGANIZATIONS}.csv", 1, "name"),
        (f"{USERS}.csv", 7, "is_staff"),
    ]
    assert source.query("select count(*) from raw.product_db__users") == [(6,)]


def test_a_file_that_belongs_to_no_table_is_told(source: Source) -> None:
    (source.root / "crm/acounts.csv").write_text("id\n1\n")
    (source.root / "crm/_SUCCESS").write_text("")
    report = source.load("crm/account_merges")
    assert report.warnings == ["crm/acounts.csv belongs to no table of the contract and is ignored"]


COMPANY_FAULTS = [
    ("employees", "-1", "'-1' is below 0"),
    ("employees", "11-50", "'11-50' is not a whole number"),
    ("investors", "Sequoia Capital", "'Sequoia Capital' is not a JSON list of texts"),
    ("founder_previous_companies", '"Google"', "is not a JSON list of texts"),
    ("estimated_annual_revenue_usd", "1.2M", "'1.2M' is not a number"),
]


def test_figures_of_a_company_that_are_none_are_set_aside(source: Source) -> None:
    companies = "enrichment/companies"
    row = company()[companies][0]
    rows = [{**row, "domain": f"c{n}.example", column: value} for n, (column, value, _) in enumerate(COMPANY_FAULTS)]
    plausible = [{**row, "domain": f"p{n}.example", "employees": count} for n, count in enumerate(["", "0", "1"])]
    replace(source, companies, [*plausible, *rows], "csv")
    source.load(companies)
    assert source.query("select employees from raw.enrichment__companies order by domain") == [(None,), (0,), (1,)]
    found = source.rejects("column_name", "reason")
    assert [column for column, _ in found] == [column for column, _, _ in COMPANY_FAULTS]
    for (_, reason), (_, _, sentence) in zip(found, COMPANY_FAULTS, strict=True):
        assert sentence in reason
