"""What a value may be: bounds of dates and numbers, words for null, exact decimals, and text that a database keeps."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.contract.model import Table, load_contract
from ingestion.errors import SourceError
from ingestion.plan.row_checks import NULL_WORDS
from tests.ingestion.conftest import Source
from tests.support.source_root import FIRST_DAY, company, invoice, json_line, unix, usage_report, write_file
from warehouse.connection import connect

USERS, ORGANIZATIONS, USAGE = "product_db/users", "product_db/organizations", "usage/usage_reports"
BILLING, SPEND, ACCOUNTS = "billing/billing_customers", "spend/sales_and_marketing", "crm/accounts"
MERGES, INVOICES, CUSTOMERS = "crm/account_merges", "stripe/invoices", "stripe/customers"
DAY_FOLDER = f"{USAGE}/date={FIRST_DAY}"
LARGEST = 10**15
# Tables with rows; usage stands in folders of days and has tests of its own.
ROWS = [table for table in load_contract().tables if not table.fields and table.stored != "days"]


def put(source: Source, path: str, rows: list[dict[str, Any]], name: str = "odd.jsonl") -> str:
    """Write rows to a file of a table beside those that it has; returns the file's path."""
    folder = f"{path}/date={rows[0]['date']}" if path == USAGE else path
    write_file(source.root / folder / name, path, rows)
    return f"{folder}/{name}"


def with_own_key(table: Table, number: int) -> dict[str, Any]:
    """A good row of a table that no other row shares its key with, and that refers to what is there."""
    row = dict(company()[table.path][0])
    if table.path == BILLING:
        return {**row, "updated_at": datetime(2026, 2, 1, 0, 0, number % 60, number // 60, tzinfo=UTC)}
    keys = {"string": f"key-{number}", "int": 1000 + number, "date": date(2026, 2, 1)}
    return row | {name: keys[table.column(name).type] for name in table.key}  # type: ignore[union-attr]


WRONG_DATES = {
    "date": ["1970-01-01", "0000-12-31", "1999-12-31", "2100-01-02", "9999-12-31"],
    "timestamp": [
        "1970-01-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "2100-01-01T00:00:00.000001Z",
        "9999-12-31T23:59:59Z",
        "2000-01-01T00:00:00+00:01",
        "2026-01-01T00:00:00+99:99",
    ],
}


def test_no_date_of_any_table_lies_outside_of_2000_to_2100(source: Source) -> None:
    expected = []
    for table in ROWS:
        wrong = [(c, value) for c in table.columns for value in WRONG_DATES.get(c.type, [])]
        if wrong:
            rows = [with_own_key(table, n) | {column.name: value} for n, (column, value) in enumerate(wrong)]
            file = put(source, table.path, rows)
            expected += [(file, n, column.name) for n, (column, _) in enumerate(wrong, start=1)]
    assert len(expected) > 100
    source.load(*(table.path for table in ROWS))
    assert source.rejects("file", "position", "column_name") == sorted(expected)
    said = {reason for (reason,) in source.rejects("reason") if "9999-12-31T" in reason}
    assert said == {
        "'9999-12-31T23:59:59Z' is not between 2000-01-01 and 2100-01-01",
        "'9999-12-31T23:59:59Z' is not between 2000-01-01 and 2100-01-01; if no end is meant, leave the field empty",
    }
    assert "+99:99' is not a timestamp" in " ".join(reason for (reason,) in source.rejects("reason"))


def test_the_first_and_the_last_instant_are_kept(source: Source) -> None:
    first, last = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    customer = {**company()[BILLING][0], "current_period_start": first, "current_period_end": last}
    put(source, BILLING, [customer | {"updated_at": first}], "a.csv")
    put(source, BILLING, [customer | {"updated_at": last}], "b.parquet")
    source.load(BILLING)
    assert source.rejects() == []
    query = (
        "select distinct current_period_start, current_period_end from raw.billing__billing_customers "
        "where _path like '%/_.%'"
    )
    assert source.query(query) == [(first.replace(tzinfo=None), last.replace(tzinfo=None))]


def test_parquet_s_own_dates_have_the_same_bounds(source: Source) -> None:
    row = company()[BILLING][0]
    ends = [datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC), None]
    put(
        source,
        BILLING,
        [
            {**row, "annual_plan_end_at": end, "updated_at": instant}
            for end, instant in zip(ends, (datetime(2026, 2, day, tzinfo=UTC) for day in (1, 2, 3)), strict=True)
        ],
        "p.parquet",
    )
    put(source, SPEND, [{**company()[SPEND][0], "month": date(9999, 12, 31)}], "p.parquet")
    source.load(BILLING, SPEND)
    assert source.rejects("file", "position", "column_name") == [
        (f"{BILLING}/p.parquet", 1, "annual_plan_end_at"),
        (f"{BILLING}/p.parquet", 2, "annual_plan_end_at"),
        (f"{SPEND}/p.parquet", 1, "month"),
    ]


def test_reports_with_impossible_dates_are_set_aside(source: Source) -> None:
    received = datetime(2026, 3, 2, 23, 59, tzinfo=UTC)
    old = put(source, USAGE, [usage_report(date(1970, 1, 1), "org-1", 5, received=received)])
    future = put(source, USAGE, [usage_report(date(2062, 10, 15), "org-1", 5, received=received)], "a.csv")
    next_day = put(source, USAGE, [usage_report(date(2026, 3, 3), "org-9", 5, received=received)], "odd.parquet")
    same_day = put(source, USAGE, [usage_report(date(2026, 3, 2), "org-9", 5, received=received)])
    source.load(USAGE)
    found = source.rejects("file", "column_name", "reason")
    assert [row[:2] for row in found] == [(old, "date"), (next_day, "date"), (future, "date")]
    assert found[1][2] == (
        "'2026-03-03' is later than 2026-03-02, the day the report was received: the clock of the sender or "
        "of the receiver is wrong"
    )
    assert source.query("select _path from raw.usage__usage_reports where organization_id = 'org-9'") == [(same_day,)]
    assert source.query("select min(date), max(date) from raw.usage__usage_reports") == [(FIRST_DAY, date(2026, 3, 3))]


def lines(**changes: Any) -> dict[str, Any]:
    """The lines of an invoice with one line that differs from a good one."""
    line = invoice(1, "cus_1", date(2026, 1, 1), 100)["lines"]["data"][0]
    return {"data": [{**line, **changes}], "has_more": False}


MILLENNIUM, CENTURY = unix(date(2000, 1, 1)), unix(date(2100, 1, 1))
WRONG_INVOICES: list[tuple[dict[str, Any], str | None, str]] = [
    (
        {"lines": lines(period={"start": 0, "end": 1790812800})},
        "lines.data[].period.start",
        "unix seconds between 2000",
    ),
    ({"lines": lines(period={"start": 1790812800, "end": 4946486400})}, "lines.data[].period.end", "and 2100-01-01"),
    ({"lines": lines(period={"start": MILLENNIUM - 1, "end": CENTURY})}, "lines.data[].period.start", "between"),
    ({"created": 0}, "created", "unix seconds between 2000-01-01 and 2100-01-01"),
    ({"period_start": 0}, "period_start", "if no end is meant, leave the field empty"),
    ({"period_end": CENTURY + 1}, "period_end", "leave the field empty"),
    ({"status_transitions": {"paid_at": 0}}, "status_transitions.paid_at", "unix seconds"),
    ({"lines": lines(amount=9 * 10**18)}, "lines.data[].amount", "line 1 (il_1): amount 9000000000000000000 is not a"),
    ({"lines": lines(amount=-LARGEST - 1)}, "lines.data[].amount", "of at most 1,000,000,000,000,000"),
    ({"lines": lines(discount_amounts=[{"amount": LARGEST + 1}])}, "lines.data[].discount_amounts", "of at most"),
    ({"total": LARGEST + 1}, "total", "of at most"),
    ({"subtotal": 10**30}, "subtotal", "of at most"),
    ({"subtotal": "100"}, "subtotal", "is not a whole number"),
    ({"amount_paid": 1.5}, "amount_paid", "is not a whole number"),
    ({"starting_balance": -LARGEST - 1}, "starting_balance", "of at most"),
    ({"customer": "NULL"}, "customer", 'customer "NULL" stands for no value'),
    ({"id": " none "}, "id", 'id " none " stands for no value'),
    ({"subscription": r"\N"}, "subscription", "stands for no value"),
    ({"lines": lines(price={"product": "n/a"})}, "lines.data[].price.product", "stands for no value"),
    ({"lines": lines(subscription="nan")}, "lines.data[].subscription", "stands for no value"),
    ({"description": "a\0b"}, None, "the line has a NUL character"),
    ({"object": "event"}, "object", 'object "event" is not invoice'),
    ({"object": "list", "customer": None}, "object", 'object "list" is not invoice'),
]


def test_stripe_value_out_of_bounds_rejects_only_its_object(source: Source) -> None:
    good: list[dict[str, Any]] = [
        {"lines": lines(period={"start": MILLENNIUM, "end": CENTURY}, amount=-LARGEST)},
        {"total": LARGEST, "starting_balance": -LARGEST},
        # Counted as they are sent, and listed by the models.
        {"lines": lines(period={"start": 1790812800, "end": 1788220800})},
        {"subtotal": 10_001},
        # A backslash that is written, and no character NUL.
        {"description": r"C:\u0000"},
        {"object": None, "customer_name": "None"},
    ]
    sent = [*good, *(change for change, _, _ in WRONG_INVOICES)]
    file = put(source, INVOICES, [invoice(500 + n, "cus_1", date(2026, 1, 1), 100) | row for n, row in enumerate(sent)])
    source.load(INVOICES)
    found = source.rejects("file", "position", "column_name", "reason")
    assert [row[:3] for row in found] == [
        (file, n, column) for n, (_, column, _) in enumerate(WRONG_INVOICES, start=len(good) + 1)
    ]
    for (*_, reason), (_, _, sentence) in zip(found, WRONG_INVOICES, strict=True):
        assert sentence in reason
    assert source.query(f"select count(*) from raw.stripe__invoices where _path = '{file}'") == [(len(good),)]


def test_other_objects_of_stripe_are_of_their_kind_and_within_bounds(source: Source) -> None:
    rows = company()
    subscription, note = rows["stripe/subscriptions"][0], rows["stripe/credit_notes"][0]
    wrong = {
        "stripe/subscriptions": [
            (subscription | {"id": "sub_x", "ended_at": 0}, "ended_at"),
            (subscription | {"id": "sub_y", "canceled_at": "yesterday"}, "canceled_at"),
            (subscription | {"id": "sub_z", "customer": "None"}, "customer"),
        ],
        "stripe/credit_notes": [
            (
                note | {"id": "cn_x", "lines": {"data": [{"amount": 1, "discount_amounts": [{"amount": "1"}]}]}},
                "lines.data[].discount_amounts",
            ),
            (note | {"id": "cn_y", "invoice": "-"}, "invoice"),
        ],
        CUSTOMERS: [
            (rows[CUSTOMERS][0] | {"id": "cus_x", "metadata": {"organization_id": "NULL"}}, "metadata.organization_id"),
            (
                {"id": "evt_1", "object": "event", "created": 1790812800, "data": {"object": rows[CUSTOMERS][0]}},
                "object",
            ),
        ],
        "stripe/prices": [(rows["stripe/prices"][0] | {"object": "plan"}, "object")],
        "stripe/products": [(rows["stripe/products"][0] | {"object": "event"}, "object")],
    }
    files = {path: put(source, path, [row for row, _ in cases]) for path, cases in wrong.items()}
    source.load(*wrong)
    assert source.rejects("file", "position", "column_name") == sorted(
        (files[path], n, column) for path, cases in wrong.items() for n, (_, column) in enumerate(cases, start=1)
    )


LINKS = [
    (table, column.name)
    for table in ROWS
    for column in table.columns
    if column.type == "string" and (column.link or column.name in table.key)
]


def test_a_word_for_null_is_a_fault_in_every_key_and_link(source: Source) -> None:
    words = [*NULL_WORDS, "NULL", "None", "NaN", "N/A", r"\N", " null ", "\t", "\u00a0none\u200b", " " * 50]
    expected = []
    for table in ROWS:
        links = [name for of, name in LINKS if of is table]
        rows = [with_own_key(table, n) | {name: word} for name in links for n, word in enumerate(words)]
        if rows:
            file = put(source, table.path, rows)
            names = [name for name in links for _ in words]
            expected += [(file, n, name) for n, name in enumerate(names, start=1)]
    source.load(*(table.path for table in ROWS))
    assert source.rejects("file", "position", "column_name") == sorted(expected)
    assert {name for _, name in LINKS} >= {
        "customer_id",
        "stripe_customer_id",
        "canonical_organization_id",
        "account_id",
    }


@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_null_and_empty_links_merge_nobody(source: Source, extension: str) -> None:
    first = company()[ORGANIZATIONS][0]
    values = ["NULL", "null", None, "nullarbor", "N/A Inc", "cus_none"]
    rows = [{**first, "id": f"new-{n}", "customer_id": value} for n, value in enumerate(values)]
    file = put(source, ORGANIZATIONS, [*rows, {**first, "id": "new-9", "name": "None"}], f"odd.{extension}")
    report = put(
        source, USAGE, [usage_report(FIRST_DAY, "nan", 5), usage_report(FIRST_DAY, "nano", 5)], f"odd.{extension}"
    )
    source.load(ORGANIZATIONS, USAGE)
    assert source.rejects("file", "position", "column_name", "reason") == [
        (
            file,
            n,
            "customer_id",
            f"'{word}' stands for no value: write the key that is meant, or leave the field empty if it is optional",
        )
        for n, word in ((1, "NULL"), (2, "null"))
    ] + [
        (
            report,
            1,
            "organization_id",
            "'nan' stands for no value: write the key that is meant, or leave the field empty if it is optional",
        )
    ]
    query = f"select customer_id from raw.product_db__organizations where _path = '{file}' order by id"
    assert [value for (value,) in source.query(query)] == [*values[2:], "cus_1"]


def test_numbers_end_where_the_models_cannot_hold_them(source: Source) -> None:
    customer, answer = company()[BILLING][0], company()["enrichment/companies"][0]
    limits = [
        '{"a": "99999999999999999999"}', '{"a": 1000000000000000}', '{"a": 1e15}', '{"a": 0.12345678901}',
        '{"a": 999999999999999.99, "b": -5, "c": 0, "d": null}',
    ]  # fmt: skip
    text = "".join(
        json_line({**customer, "updated_at": f"2026-02-0{n}T00:00:00Z", "custom_limits_usd": f"limit-{n}"}).replace(
            f'"limit-{n}"', limit
        )
        + "\n"
        for n, limit in enumerate(limits, start=1)
    )
    (source.root / BILLING).mkdir()
    (source.root / BILLING / "limits.jsonl").write_text(text)
    others: list[dict[str, Any]] = [
        {"discount_percent": Decimal("100.01")}, {"discount_percent": -1}, {"credit_balance_usd": 10**15},
        {"credit_balance_usd": Decimal("-999999999999999.9999999999")},
    ]  # fmt: skip
    put(
        source,
        BILLING,
        [{**customer, "updated_at": f"2026-01-0{n}T00:00:00Z"} | row for n, row in enumerate(others, 1)],
    )
    companies: list[dict[str, Any]] = [
        {"employees": 10**10 + 1},
        {"estimated_annual_revenue_usd": Decimal(10**15)},
        {"founded_year": 20260},
    ]
    put(
        source,
        "enrichment/companies",
        [{**answer, "domain": f"c{n}.x"} | row for n, row in enumerate(companies)],
        "a.csv",
    )
    users = [{**company()[USERS][0], "id": number} for number in (2**63 - 1, 2**63)]
    put(source, USERS, users)
    source.load(BILLING, "enrichment/companies", USERS)
    assert source.rejects("file", "position", "column_name") == [
        *((f"{BILLING}/limits.jsonl", n, "custom_limits_usd") for n in (1, 2, 3, 4)),
        (f"{BILLING}/odd.jsonl", 1, "discount_percent"),
        (f"{BILLING}/odd.jsonl", 2, "discount_percent"),
        (f"{BILLING}/odd.jsonl", 3, "credit_balance_usd"),
        ("enrichment/companies/a.csv", 1, "employees"),
        ("enrichment/companies/a.csv", 2, "estimated_annual_revenue_usd"),
        ("enrichment/companies/a.csv", 3, "founded_year"),
        (f"{USERS}/odd.jsonl", 2, "id"),
    ]
    reasons = source.rejects("reason")
    assert "with at most 15 digits before and 10 after the point" in reasons[0][0]
    assert reasons[7][0] == "'10000000001' is above 10,000,000,000"
    kept = "select custom_limits_usd from raw.billing__billing_customers where _path like '%limits.jsonl'"
    assert [json.loads(value) for (value,) in source.query(kept)] == [{"a": "999999999999999.99", "b": "-5", "c": "0"}]


def test_a_counter_ends_at_what_a_month_of_it_can_hold(source: Source) -> None:
    counts = [LARGEST, LARGEST + 1, 2**63 - 1]
    for extension in ("parquet", "csv", "jsonl"):
        rows = [usage_report(FIRST_DAY, f"new-{n}-{extension}", 0) for n, _ in enumerate(counts)]
        put(
            source,
            USAGE,
            [row | {"rows_synced_in_period": n, "sparks_in_period": n} for row, n in zip(rows, counts, strict=True)],
            f"a.{extension}",
        )
    put(source, USAGE, [usage_report(FIRST_DAY, "new", 0) | {"sparks_in_period": LARGEST + 1}], "b.csv")
    source.load(USAGE)
    found = source.rejects("file", "position", "column_name", "reason")
    assert [row[:3] for row in found] == [
        *(
            (f"{DAY_FOLDER}/a.{extension}", n, "rows_synced_in_period")
            for extension in ("csv", "jsonl", "parquet")
            for n in (2, 3)
        ),
        (f"{DAY_FOLDER}/b.csv", 1, "sparks_in_period"),
    ]
    assert found[0][3] == "'1000000000000001' is above 1,000,000,000,000,000"


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32(), pa.decimal128(18, 2)], ids=str)
def test_new_counter_with_a_point_stops_no_load(source: Source, kind: pa.DataType) -> None:
    # The last number before the fraction has more digits than the text of a float of 32 bits.
    values = [None, 0, 7, 123_456_792, "0.5", -2]
    rows = [usage_report(FIRST_DAY, f"new-{n}", 5) for n, _ in enumerate(values)]
    file = put(source, USAGE, rows, "a.parquet")
    numbers = pa.array([value and Decimal(value) for value in values], pa.decimal128(18, 2)).cast(kind)
    pq.write_table(pq.read_table(source.root / file).append_column("sparks_in_period", numbers), source.root / file)
    source.load(USAGE)
    query = f"select sparks_in_period from raw.usage__usage_reports where _path = '{file}' order by organization_id"
    assert source.query(query) == [(None,), (0,), (7,), (123_456_792,)]
    found = source.rejects("file", "position", "column_name", "reason")
    assert [row[:3] for row in found] == [(file, n, "sparks_in_period") for n in (5, 6)]
    assert [row[3].split("' ")[1] for row in found] == ["is not a whole number of 64 bits", "is below 0"]


@pytest.mark.parametrize("others", [[], [{"logs_mb_in_period": 3, "rows_synced_in_period": 4}]])
def test_missing_counter_of_a_line_is_0(source: Source, others: list[Any]) -> None:
    full = usage_report(FIRST_DAY, "org-7", 5)
    sparse = {key: value for key, value in full.items() if key not in {"logs_mb_in_period", "rows_synced_in_period"}}
    rows = [sparse, *(full | {"organization_id": "org-8"} | other for other in others)]
    null = full | {"organization_id": "org-9", "logs_mb_in_period": None}
    file = put(source, USAGE, [*rows, null])
    empty = put(source, USAGE, [null | {"organization_id": "org-6"}], "a.csv")
    source.load(USAGE)
    query = (
        "select logs_mb_in_period, rows_synced_in_period, event_count_in_period from raw.usage__usage_reports "
        f"where _path = '{file}' order by organization_id"
    )
    assert source.query(query) == [(0, 0, 5), *((3, 4, 5) for _ in others)]
    assert source.rejects("file", "position", "column_name") == [
        (empty, 1, "logs_mb_in_period"),
        (file, len(rows) + 1, "logs_mb_in_period"),
    ]


def parquet(source: Source, path: str, **columns: pa.Array) -> None:
    """Write a table's good rows to Parquet with other columns than they have."""
    file = source.root / path / "odd.parquet"
    write_file(file, path, company()[path][:1])
    table = pq.read_table(file)
    for name, values in columns.items():
        place = table.column_names.index(name) if name in table.column_names else table.num_columns
        table = (table.drop_columns([name]) if name in table.column_names else table).add_column(place, name, values)
    pq.write_table(table, file)


MANY_DIGITS, FEW_FLOATS = pa.decimal256(40, 2), pa.list_(pa.float64())
MONEY_AS = {
    "x256": (SPEND, "amount_usd", pa.array([Decimal("1234.50")], pa.decimal256(55, 10))),
    "rounded": (SPEND, "amount_usd", pa.array([Decimal("345.12345678")], pa.decimal256(76, 38))),
    "39 digits": (SPEND, "amount_usd", pa.array([Decimal(5)], pa.decimal256(39, 2))),
    "beyond the contract": (SPEND, "tax_usd", pa.array([Decimal(5)], MANY_DIGITS)),
    "map": (BILLING, "custom_limits_usd", pa.array([[("a", Decimal(5))]], pa.map_(pa.string(), MANY_DIGITS))),
    "float in a map": (BILLING, "custom_limits_usd", pa.array([[("a", 0.1)]], pa.map_(pa.string(), pa.float64()))),
    "float in a struct": (BILLING, "custom_limits_usd", pa.array([{"a": 0.1}], pa.struct([("a", pa.float32())]))),
    "float in a list": (BILLING, "custom_limits_usd", pa.array([{"a": [0.1]}], pa.struct([("a", FEW_FLOATS)]))),
}


@pytest.mark.parametrize("kind", MONEY_AS)
def test_parquet_that_does_not_hold_money_exactly_is_refused(source: Source, kind: str) -> None:
    path, column, values = MONEY_AS[kind]
    parquet(source, path, **{column: values})
    with pytest.raises(SourceError, match=rf"{path}/odd\.parquet: column {column} is .*(at most 38 digits|not exact)"):
        source.load(path)


def test_parquet_that_does_is_taken_to_the_last_digit(source: Source) -> None:
    limits = [[("a", Decimal("123456789012345.0123456789")), ("b", Decimal(0))]]
    parquet(source, BILLING, custom_limits_usd=pa.array(limits, pa.map_(pa.string(), pa.decimal128(38, 10))),
            updated_at=pa.array([datetime(2026, 2, 1, tzinfo=UTC)], pa.timestamp("us", tz="UTC")))  # fmt: skip
    parquet(source, SPEND, amount_usd=pa.array([Decimal("999999999999999.99")], pa.decimal128(38, 2)))
    source.load(BILLING, SPEND)
    kept = "select custom_limits_usd from raw.billing__billing_customers where _path like '%odd%'"
    [(text,)] = source.query(kept)
    assert json.loads(text) == {"a": "123456789012345.0123456789", "b": "0.0000000000"}
    assert source.query("select amount_usd from raw.spend__sales_and_marketing") == [(Decimal("999999999999999.99"),)]


@pytest.mark.parametrize("extension", ["jsonl", "csv", "parquet"])
def test_text_with_the_character_nul_is_set_aside(source: Source, extension: str) -> None:
    organization, answer = company()[ORGANIZATIONS][0], company()["enrichment/companies"][0]
    names = ["Null\0byte", "fine", r"C:\u0000", "also"]
    rows = [organization | {"id": f"new-{n}", "name": name, "note": "x"} for n, name in enumerate(names)]
    rows[3]["note"] = "beyond\0the contract"
    put(source, ORGANIZATIONS, rows, f"odd.{extension}")
    lists = [["A\0B"], [r"A\u0000B"]]
    put(
        source,
        "enrichment/companies",
        [answer | {"domain": f"c{n}.x", "investors": each} for n, each in enumerate(lists)],
        f"odd.{extension}",
    )
    source.load(ORGANIZATIONS, "enrichment/companies")
    found = source.rejects("position", "column_name", "reason")
    assert [row[:2] for row in found] == [(1, "investors"), (1, "name"), (4, "note")]
    assert all("has a NUL character" in reason for *_, reason in found)
    assert source.query("select name from raw.product_db__organizations where id = 'new-2'") == [(names[2],)]


REMOVED = [ORGANIZATIONS, USERS, "product_db/organization_memberships", ACCOUNTS]


def test_what_was_removed_at_the_source_says_when(source: Source) -> None:
    when = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    for path in REMOVED:
        put(source, path, [company()[path][0] | {"removed_at": when, "updated_at": when}], "later.csv")
    source.load(*REMOVED)
    assert source.rejects() == []
    for path in REMOVED:
        found = source.query(f"select removed_at from raw.{path.replace('/', '__')} order by removed_at nulls first")
        assert found[0] == (None,)
        assert [value for (value,) in found if value] == [when.replace(tzinfo=None)]


def test_a_warehouse_that_is_older_than_a_column_gains_it(source: Source) -> None:
    when = datetime(2026, 2, 3, tzinfo=UTC)
    put(source, USERS, [company()[USERS][0] | {"removed_at": when, "updated_at": when}], "later.csv")
    source.load(*REMOVED)
    fresh = source.raw("_row_hash")
    with connect(source.data_dir / "warehouse.duckdb") as connection:
        # The column of one table was not there, and that of another was beyond the contract, with a hash of its own.
        connection.execute("alter table raw.product_db__organizations drop column removed_at")
        connection.execute("alter table raw.product_db__users alter column removed_at type varchar")
        connection.execute("update raw.product_db__users set _row_hash = 'as text' where removed_at is not null")
    report = source.load(*REMOVED)
    assert source.raw("_row_hash") == fresh
    assert {table.table_name for table in report.tables if table.files_read} == {"product_db__users"}
