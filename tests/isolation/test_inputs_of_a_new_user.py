"""Odd inputs in one whole run with the settings of a new user: it publishes, and each is counted rightly or listed."""

import csv
import io
import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from settings import Settings
from tests.isolation.odd_customers import Company, company
from tests.support.hand_made import write_hand_made_company
from tests.support.running import run_pipeline

pytestmark = pytest.mark.slow

Row = dict[str, Any]
USERS, INVOICES, BILLING = "product_db/users", "stripe/invoices", "billing/billing_customers"
COMPANIES, ORGANIZATIONS = "enrichment/companies", "product_db/organizations"
REPORTS = "usage/usage_reports"


def unix(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def amounts(made: Company, cents: int, period: tuple[str, str] = ("2026-09-01", "2026-10-01")) -> None:
    """Make the bill one of so many cents for the period."""
    start, end = map(unix, period)
    made.line.update(amount=cents, period={"start": start, "end": end})
    made.invoice.update(subtotal=cents, total=cents, amount_paid=cents)


def bill(made: Company, created: str, line: Row) -> None:
    """One more bill, with a line like the first bill's."""
    second = json.loads(json.dumps(made.invoice))
    second["lines"]["data"] = [made.line | {"id": f"il_{made.name}_2"} | line]
    cents = line["amount"]
    second |= {"id": f"in_{made.name}_2", "created": unix(created), "subtotal": cents, "total": cents}
    made.add(INVOICES, **(second | {"amount_paid": max(cents, 0), "status_transitions": {"paid_at": unix(created)}}))


def cancelled_in_its_second_month(made: Company) -> None:
    amounts(made, 360_000, ("2026-09-01", "2027-09-01"))
    rest = {"start": unix("2026-10-01"), "end": unix("2027-09-01")}
    bill(made, "2026-10-01", {"amount": -330_000, "proration": True, "period": rest})


def granted_on_a_plan(made: Company) -> None:
    amounts(made, 70_000)
    made.line["pretax_credit_amounts"] = [{"amount": 25_000, "type": "credit_balance_transaction"}]
    made.invoice.update(total=45_000, amount_paid=45_000)
    made.billing.update(startup_program="startup", startup_plan_start_at="2026-08-20T09:00:00Z")


def granted_without_a_plan(made: Company) -> None:
    amounts(made, 31_000)
    made.line["pretax_credit_amounts"] = [{"amount": 31_000, "type": "credit_balance_transaction"}]
    made.invoice.update(total=0, amount_paid=0)


def bought_for_seventy_years(made: Company) -> None:
    amounts(made, 84_000, ("2026-09-01", "2096-09-01"))


def of_an_older_api(made: Company) -> None:
    amounts(made, 4_500)
    made.line.update(id="sub_old", subscription=None)


def left_and_came_back_small(made: Company) -> None:
    before = "2024-05-20T09:00:00Z"
    for table in ("product_db/organizations", USERS, BILLING):
        made.rows[table][0]["updated_at"] = before
    made.rows["product_db/organizations"][0]["created_at"] = before
    year = {"start": unix("2024-06-01"), "end": unix("2025-06-01")}
    bill(made, "2024-06-01", {"amount": 660_000, "period": year})


def has_two_lines_with_one_id(made: Company) -> None:
    amounts(made, 11_000)
    made.line["id"] = "sub_same"
    made.invoice["lines"]["data"].append(made.line | {"amount": 13_000})
    made.invoice.update(subtotal=24_000, total=24_000, amount_paid=24_000)
    line = {"id": "cnli_1", "invoice_line_item": "sub_same", "amount": 4_000}
    made.add(
        "stripe/credit_notes",
        id="cn_same",
        object="credit_note",
        livemode=True,
        created=unix("2026-10-02"),
        invoice=made.invoice["id"],
        customer=made.stripe_customer_id,
        status="issued",
        currency="usd",
        lines={"data": [line], "has_more": False},
    )


def paid_for_a_set_up(made: Company) -> None:
    amounts(made, 6_000)
    once = {"id": "price_once", "product": "prod_events", "type": "one_time"}
    moment = {"start": unix("2026-09-01"), "end": unix("2026-09-01")}
    fee = {"id": "il_fee", "amount": 123_456, "type": "invoiceitem", "price": once, "period": moment}
    made.invoice["lines"]["data"].append(made.line | fee)
    made.invoice.update(subtotal=129_456, total=129_456, amount_paid=129_456)


# What is right of each customer: MRR in dollars by month, all months in which it is not 0.
COUNTED: dict[str, tuple[Callable[[Company], None], dict[str, str]]] = {
    "cancelled": (cancelled_in_its_second_month, {"2026-09-01": "300.00"}),
    "granted_on_plan": (granted_on_a_plan, {"2026-09-01": "450.00"}),
    "granted": (granted_without_a_plan, {"2026-09-01": "310.00"}),
    "lifetime": (bought_for_seventy_years, {"2026-09-01": "1.00", "2026-10-01": "1.00"}),
    "older_api": (of_an_older_api, {"2026-09-01": "45.00"}),
    "same_id": (has_two_lines_with_one_id, {"2026-09-01": "200.00"}),
    "set_up": (paid_for_a_set_up, {"2026-09-01": "60.00"}),
    "gone": (
        left_and_came_back_small,
        {f"{2024 + month // 12}-{1 + month % 12:02}-01": "550.00" for month in range(5, 17)} | {"2026-09-01": "25.00"},
    ),
}  # fmt: skip


def of_no_start(made: Company) -> None:
    made.line["period"]["start"] = 86_400


def beyond_the_calendar(made: Company) -> None:
    amounts(made, 120_000, ("2026-09-01", "2126-09-01"))


def of_an_amount_that_is_none(made: Company) -> None:
    amounts(made, 5 * 10**17)


def limited_with_too_many_digits(made: Company) -> None:
    made.billing["custom_limits_usd"] = {"product_analytics": "123456789012345678901"}


def linked_to_a_word(made: Company) -> None:
    made.billing["stripe_customer_id"] = "None"


def worth_too_many_digits(made: Company) -> None:
    made.add(
        COMPANIES,
        domain=f"{made.name}-odd.example",
        status="scored",
        investors=[],
        founder_previous_companies=[],
        estimated_annual_revenue_usd="98765432109876543210",
        enriched_at="2026-08-20T09:00:00Z",
    )


# A row of each of these breaks the contract: the table that it is of, and the column that is named.
SET_ASIDE: dict[str, tuple[Callable[[Company], None], str, str]] = {
    "no_start": (of_no_start, INVOICES, "lines.data[].period.start"),
    "beyond": (beyond_the_calendar, INVOICES, "lines.data[].period.end"),
    "huge": (of_an_amount_that_is_none, INVOICES, "subtotal"),
    "huge_limit": (limited_with_too_many_digits, BILLING, "custom_limits_usd"),
    "word": (linked_to_a_word, BILLING, "stripe_customer_id"),
    "worth": (worth_too_many_digits, COMPANIES, "estimated_annual_revenue_usd"),
}  # fmt: skip

# Lines of a file of users: its column at fault, and words of what is wrong.
LINES = {
    "array": ('[{"id": 71}]\n', None, "is a list, not an object"),
    "comma": ('{"id": 72},\n', None, "ends with a comma, as in a list"),
    "half_character": ('{"id": 73, "email": "a\\ude00@b.example"}\n', "email", "half of a character"),
    "cr_only": ('{"id": 74}\r{"id": 75}\r', None, "carriage returns between them"),
}


def parquet_of(amount: Decimal) -> bytes:
    """A file of spend whose amounts are decimals of 55 digits."""
    out = io.BytesIO()
    rows = {"month": pa.array([date(2026, 8, 1)]), "category": ["ads"], "channel": ["ads"]}
    pq.write_table(pa.table(rows | {"amount_usd": pa.array([amount], pa.decimal256(55, 10))}), out)
    return out.getvalue()


def report(day: str, organization_id: str, received: str) -> Row:
    return {"date": day, "organization_id": organization_id, "received_at": received, "event_count_in_period": 3}


def write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_odd_inputs(root: Path) -> None:
    """Everything odd beside the hand-made company."""
    kinds = {name: kind[0] for name, kind in (COUNTED | SET_ASIDE).items()}
    for number, (name, change) in enumerate(kinds.items()):
        made = company(name, number)
        change(made)
        for table, rows in made.rows.items():
            write(root / table / f"{name}.jsonl", rows)
    for name, (text, _, _) in LINES.items():
        (root / USERS / f"{name}.jsonl").write_text(text, newline="")
    # As a SQL Server tool writes them; and two versions of one organization with one stamp.
    names = ["id", "name", "created_at", "updated_at", "customer_id", "region", "for_internal_metrics"]
    when = "2026-08-20T09:00:00Z"
    with (root / ORGANIZATIONS / "words.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows([f"odd-{word}", word, when, when, word, "US", "false"] for word in ("null", "N/A"))
        writer.writerow(["odd-twice", "Before", when, when, "", "US", "false"])
        writer.writerow(["odd-twice", "After", when, when, "", "US", "false"])
    days = root / REPORTS
    write(days / "date=1971-05-05" / "r.jsonl", [report("1971-05-05", "org-acme", "2026-10-16T01:00:00Z")])
    write(days / "date=2051-03-01" / "r.jsonl", [report("2051-03-01", "org-acme", "2051-03-02T01:00:00Z")])
    for passed_over in (
        "_temporary/0/part.parquet",
        "date=2026-11-03/.ipynb_checkpoints/r-checkpoint.jsonl",
        "date=2026-11-03/_temporary/part.jsonl",
        "_delta_log/00000000000000000001.json",
    ):
        (days / passed_over).parent.mkdir(parents=True, exist_ok=True)
        (days / passed_over).write_text("{")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The data folder of a run over all of it, which published."""
    folder = tmp_path_factory.mktemp("odd_inputs")
    write_odd_inputs(write_hand_made_company(folder / "source"))
    done = run_pipeline(folder / "data", folder / "source")
    assert done.returncode == 0, done.stdout
    return Settings(data_dir=folder / "data")


def query(path: Path, sql: str, values: list[str] | None = None) -> list[tuple]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(sql, values or []).fetchall()


@pytest.mark.parametrize("name", COUNTED)
def test_mrr_of_an_odd_invoice_is_right(published: Settings, name: str) -> None:
    rows = query(
        published.serving_path,
        "select month, mrr_usd_month from marts.fct_mrr_monthly where customer_id = ? and mrr_usd_month <> 0",
        [f"odd-{name}"],
    )
    assert {str(month): usd for month, usd in rows} == {month: Decimal(usd) for month, usd in COUNTED[name][1].items()}


@pytest.mark.parametrize("name", SET_ASIDE)
def test_rejected_row_is_listed_with_place_column_and_id(published: Settings, name: str) -> None:
    _, table, column = SET_ASIDE[name]
    [(position, named, reason, text)] = query(
        published.warehouse_path,
        "select position, column_name, reason, original_text from raw.rejected_rows where file = ?",
        [f"{table}/{name}.jsonl"],
    )
    assert (position, named) == (1, column)
    assert reason
    assert name in text


@pytest.mark.parametrize("name", LINES)
def test_line_that_is_no_object_is_listed_with_what_is_wrong(published: Settings, name: str) -> None:
    _, column, words = LINES[name]
    [(position, named, reason)] = query(
        published.warehouse_path,
        "select position, column_name, reason from raw.rejected_rows where file = ?",
        [f"{USERS}/{name}.jsonl"],
    )
    assert (position, named) == (1, column)
    assert words in reason


def test_words_for_null_in_a_link_join_nobody(published: Settings) -> None:
    rows = query(
        published.warehouse_path,
        "select position, column_name from raw.rejected_rows "
        "where file = 'product_db/organizations/words.csv' and rule <> 'tie' order by position",
    )
    assert rows == [(1, "customer_id"), (2, "customer_id")]
    # Neither do those whose row of billing has a word.
    assert query(published.serving_path, "select customer_id from marts.dim_customers where organizations > 1") == [
        ("org-acme",)
    ]


def test_row_that_a_later_one_replaces_is_a_finding(published: Settings) -> None:
    assert query(
        published.serving_path,
        "select subject, source_table, length(what_to_do) > 0 from marts.rpt_data_quality "
        "where finding = 'row_replaced_by_another'",
    ) == [("product_db/organizations/words.csv row 3", "raw.rejected_rows", True)]
    assert query(
        published.serving_path, "select name from marts.dim_organizations where organization_id = 'odd-twice'"
    ) == [("After",)]


def test_reports_of_a_wrong_clock_move_no_day_and_are_listed(published: Settings) -> None:
    assert query(published.serving_path, "select cast(as_of_date as varchar) from marts.publish_info") == [
        ("2026-11-03",)
    ]
    assert query(
        published.warehouse_path, "select file, position, column_name from raw.rejected_rows where file like 'usage/%'"
    ) == [("usage/usage_reports/date=1971-05-05/r.jsonl", 1, "date")]
    assert query(
        published.serving_path,
        "select subject, length(what_to_do) > 0 from marts.rpt_data_quality where finding = 'usage_outside_of_history'",
    ) == [("org-acme 2051-03-01", True)]


def test_credit_that_belongs_to_no_plan_is_a_finding(published: Settings) -> None:
    assert query(
        published.serving_path,
        "select subject, figure, length(what_to_do) > 0 from marts.rpt_data_quality "
        "where finding = 'credit_grant_outside_a_plan'",
    ) == [("in_odd_granted", Decimal(31_000), True)]


def test_page_is_drawn_where_nobody_was_large_twelve_months_before(published: Settings) -> None:
    """The one customer that was large had left by then, and the others began this year."""
    page = published.page_path.read_text()
    assert "Not known in the last closed month: the base 12 months before has no customers." in page
    assert re.findall(r"The [^<]{1,80} cannot be drawn \(", page) == []


# A file of each kind that cannot be read as it is, and the sentence that says so.
UNREADABLE: dict[str, tuple[str, bytes, str]] = {
    "semicolons": (f"{ORGANIZATIONS}/late.csv", b"id;name\norg-7;Seven\n", "separated by semicolons"),
    "sep": (f"{ORGANIZATIONS}/late.csv", b"sep=;\r\nid;name\r\norg-7;Seven\r\n", "begins with the line 'sep=;'"),
    "utf16": (f"{ORGANIZATIONS}/late.csv", "id,name\norg-7,Seven\n".encode("utf-16-le"), "is UTF-16 text"),
    "wide": ("spend/sales_and_marketing.parquet", parquet_of(Decimal("77.25")), "at most 38 digits"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_unreadable_file_ends_the_run_and_keeps_the_published_file(
    published: Settings, tmp_path: Path, kind: str
) -> None:
    name, content, sentence = UNREADABLE[kind]
    source = Path(shutil.copytree(published.data_dir.parent / "source", tmp_path / "source"))
    (source / name).parent.mkdir(exist_ok=True)
    (source / name).write_bytes(content)
    data_dir = Path(shutil.copytree(published.data_dir, tmp_path / "data"))
    done = run_pipeline(data_dir, source)
    assert done.returncode == 1
    assert name in done.stdout
    assert sentence in done.stdout
    assert "Traceback" not in done.stdout
    assert Settings(data_dir=data_dir).serving_path.read_bytes() == published.serving_path.read_bytes()
