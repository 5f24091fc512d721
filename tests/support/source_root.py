"""A small, valid source root, written by hand: the company behind the tests that need real input.

`company()` gives the rows of every table, with Python's own types; `write_source_root` writes them in any format.
A test takes what it needs, changes a row, and writes it again.
"""

import csv
import gzip
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.contract.model import load_contract

Row = dict[str, Any]
Rows = dict[str, list[Row]]

FIRST_DAY = date(2026, 3, 1)
DAYS = 3
REQUIRED = {table.path for table in load_contract().tables if table.required}
COUNTERS = [c.name for c in load_contract().table("usage__usage_reports").columns if c.default is not None]

ARROW_TYPES = {
    "string": pa.string(),
    "int": pa.int64(),
    "decimal": pa.decimal128(38, 10),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "list": pa.list_(pa.string()),
    "object": pa.string(),
}


def instant(day: date, hour: int = 0, minute: int = 0) -> datetime:
    """A UTC instant of a day."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC)


def unix(day: date) -> int:
    """The start of a day in unix seconds."""
    return int(instant(day).timestamp())


def company() -> Rows:
    """The rows of every table, by `source/table`: four organizations on three Stripe customers, three days of usage."""
    start = date(2025, 1, 15)
    return {
        "product_db/organizations": [_organization(n, start) for n in range(1, 5)],
        "product_db/users": [_user(n, start) for n in range(1, 7)],
        "product_db/organization_memberships": [
            {
                "organization_id": f"org-{1 + (n - 1) % 4}",
                "user_id": n,
                "level": 15 if n <= 4 else 1,
                "joined_at": instant(start, 9),
                "updated_at": instant(start, 9),
            }
            for n in range(1, 7)
        ],
        "usage/usage_reports": [
            usage_report(FIRST_DAY + timedelta(days=d), f"org-{n}", events=1_000_000 * n + d)
            for d in range(DAYS)
            for n in range(1, 5)
        ],
        "billing/billing_customers": [_billing_customer(n, start) for n in range(1, 5)],
        **_stripe(),
        **_optional(),
    }


def usage_report(day: date, organization_id: str, events: int = 0, *, received: datetime | None = None) -> Row:
    """One report of usage: events, half as many identified ones, and nothing else."""
    counters = dict.fromkeys(COUNTERS, 0)
    counters |= {"organization_user_count": 3, "event_count_in_period": events}
    counters |= {"enhanced_persons_event_count_in_period": events // 2}
    received_at = received or instant(day + timedelta(days=1), 1)
    return {"date": day, "organization_id": organization_id, "received_at": received_at, **counters}


def write_source_root(
    root: Path, rows: Rows | None = None, extension: str = "parquet", *, only_required: bool = False
) -> Path:
    """Write a whole source root; Stripe's objects are JSON lines in every case. Returns `root`."""
    for path, table_rows in (rows or company()).items():
        if not only_required or path in REQUIRED:
            write_table(root, path, table_rows, extension)
    return root


def write_table(root: Path, path: str, rows: list[Row], extension: str = "parquet") -> None:
    """Write the rows of one table: usage as one file a day, any other table as one file."""
    if path == "usage/usage_reports":
        by_day: dict[date, list[Row]] = {}
        for row in rows:
            by_day.setdefault(row["date"], []).append(row)
        for day, of_day in by_day.items():
            write_file(root / path / f"date={day}" / f"part-0.{extension}", path, of_day)
    else:
        suffix = extension
        if path.startswith("stripe/"):
            suffix = "jsonl.gz" if extension.endswith(".gz") else "jsonl"
        write_file(root / f"{path}.{suffix}", path, rows)


def write_file(file: Path, path: str, rows: list[Row]) -> Path:
    """Write rows of the table `path` to one file, in the format that its extension says."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.name.endswith(".parquet"):
        pq.write_table(_arrow(path, rows), file)
        return file
    text = _csv(path, rows) if ".csv" in file.name else "".join(json_line(row) + "\n" for row in rows)
    content = text.encode()
    file.write_bytes(gzip.compress(content, mtime=0) if file.name.endswith(".gz") else content)
    return file


def json_line(row: Row) -> str:
    """A row as one line of JSON: decimals are numbers, as many digits as they have."""
    marks = {}

    def plain(value: Any) -> Any:
        if isinstance(value, Decimal):
            marks[f"decimal {value}"] = str(value)
            return f"decimal {value}"
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return value.isoformat() if isinstance(value, date | datetime) else value

    line = json.dumps(plain(row))
    for mark, number in marks.items():
        line = line.replace(f'"{mark}"', number)
    return line


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | dict):
        return json_line(value) if isinstance(value, dict) else json.dumps(value)
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _csv(path: str, rows: list[Row]) -> str:
    names = list(dict.fromkeys([*_column_names(path), *(name for row in rows for name in row)]))
    names = [name for name in names if not rows or any(name in row for row in rows)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_text(row.get(name)) for name in names] for row in rows)
    return out.getvalue()


def _arrow(path: str, rows: list[Row]) -> pa.Table:
    columns = {column.name: column for column in _contract_table(path).columns}
    names = list(dict.fromkeys([*columns, *(name for row in rows for name in row)]))
    arrays = {}
    for name in names:
        if rows and not any(name in row for row in rows):
            continue
        values = [row.get(name) for row in rows]
        if name not in columns:
            arrays[name] = pa.array(values)
            continue
        if columns[name].type == "object":
            values = [_text(value) for value in values]
        arrays[name] = pa.array(values, ARROW_TYPES[columns[name].type])
    return pa.table(arrays)


def _contract_table(path: str) -> Any:
    return load_contract().table(path.replace("/", "__"))


def _column_names(path: str) -> tuple[str, ...]:
    return _contract_table(path).column_names


def _organization(n: int, start: date) -> Row:
    return {
        "id": f"org-{n}",
        "name": f"Company {n}",
        "created_at": instant(start, 8),
        "updated_at": instant(start, 8),
        "customer_id": f"cus_{min(n, 3)}",
        "region": "EU" if n == 2 else "US",
        "for_internal_metrics": False,
        "signup_channel": "search" if n == 1 else None,
    }


def _user(n: int, start: date) -> Row:
    return {
        "id": n,
        "email": f"person{n}@company{1 + (n - 1) % 4}.example",
        "role_detail": "frontend engineer, lead" if n == 1 else None,
        "role_at_organization": "engineering",
        "date_joined": instant(start, 8),
        "updated_at": instant(start, 8),
        "last_login": instant(FIRST_DAY, 7) if n < 5 else None,
        "is_active": True,
        "is_staff": False,
    }


def _billing_customer(n: int, start: date) -> Row:
    return {
        "organization_id": f"org-{n}",
        "stripe_customer_id": f"cus_{min(n, 3)}",
        "has_active_subscription": True,
        "subscribed_products": ["product_analytics", "session_replay"],
        "platform_package": "boost" if n == 1 else None,
        "current_period_start": instant(date(2026, 3, 1)),
        "current_period_end": instant(date(2026, 4, 1)),
        "custom_limits_usd": {"product_analytics": Decimal("1000.50"), "session_replay": 0} if n == 1 else {},
        "discount_percent": Decimal("12.5") if n == 1 else Decimal(0),
        "credit_balance_usd": Decimal(0),
        "startup_program": None,
        "startup_plan_start_at": None,
        "credit_expires_at": None,
        "annual_plan_start_at": None,
        "annual_plan_end_at": None,
        "free_trial_until": None,
        "updated_at": instant(start, 10),
    }


def invoice(n: int, customer_id: str, month: date, amount: int, **changes: Any) -> Row:
    """A paid invoice in US dollars with one recurring line, in the older shape of Stripe's API; amount in cents."""
    end = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    line = {
        "id": f"il_{n}",
        "object": "line_item",
        "amount": amount,
        "currency": "usd",
        "period": {"start": unix(month), "end": unix(end)},
        "price": {"id": "price_1", "product": "prod_1"},
        "proration": False,
        "subscription": customer_id.replace("cus", "sub"),
        "discount_amounts": [],
        "quantity": 1,
    }
    return {
        "id": f"in_{n}",
        "object": "invoice",
        "livemode": True,
        "customer": customer_id,
        "status": "paid",
        "currency": "usd",
        "created": unix(end),
        "period_start": unix(month),
        "period_end": unix(end),
        "subtotal": amount,
        "total": amount,
        "tax": 0,
        "amount_due": amount,
        "amount_paid": amount,
        "starting_balance": 0,
        "ending_balance": 0,
        "status_transitions": {"paid_at": unix(end) + 3600},
        "subscription": customer_id.replace("cus", "sub"),
        "lines": {"object": "list", "data": [line], "has_more": False},
        **changes,
    }


def _stripe() -> Rows:
    created = unix(date(2025, 1, 20))
    common = {"livemode": True, "created": created}
    return {
        "stripe/customers": [
            {"id": f"cus_{n}", "object": "customer", **common, "metadata": {"organization_id": f"org-{n}"}}
            for n in range(1, 4)
        ],
        "stripe/products": [
            {"id": "prod_1", "object": "product", **common, "metadata": {"product_key": "product_analytics"}},
            {"id": "prod_2", "object": "product", **common, "metadata": {"product_key": "boost"}},
        ],
        "stripe/prices": [{"id": "price_1", "object": "price", **common, "product": "prod_1"}],
        "stripe/subscriptions": [
            {"id": f"sub_{n}", "object": "subscription", **common, "customer": f"cus_{n}", "status": "active"}
            for n in range(1, 4)
        ],
        "stripe/invoices": [
            invoice(10 * n + m, f"cus_{n}", date(2026, m, 1), 10_000 * n) for n in range(1, 4) for m in (1, 2)
        ],
        "stripe/credit_notes": [
            {
                "id": "cn_1",
                "object": "credit_note",
                "livemode": True,
                "created": unix(date(2026, 3, 2)),
                "invoice": "in_12",
                "customer": "cus_1",
                "status": "issued",
                "currency": "usd",
                "lines": {"data": [{"id": "cnli_1", "invoice_line_item": "il_12", "amount": 500}], "has_more": False},
            }
        ],
    }


def _optional() -> Rows:
    when = instant(date(2026, 2, 1), 12)
    return {
        "enrichment/companies": [
            {
                "domain": "company1.example",
                "status": "scored",
                "employees": 40,
                "employees_180d_ago": None,
                "engineering_employees": 20,
                "estimated_annual_revenue_usd": Decimal("2500000.25"),
                "consumer_monthly_active_users": None,
                "total_funding_usd": None,
                "last_round": "series_a",
                "investors": ["Y Combinator Winter 2020", "A, B & Partners"],
                "accelerator": "Y Combinator",
                "founder_previous_companies": [],
                "company_type": "private",
                "ipo_date": None,
                "founded_year": 2020,
                "country": "US",
                "city": "Zürich",
                "industry": "software",
                "is_side_project": False,
                "social_followers": 10,
                "enriched_at": when,
            }
        ],
        "crm/accounts": [
            {
                "id": "acc-1",
                "organization_id": "org-1",
                "name": "Company 1",
                "owner_email": "ae@vendor.example",
                "owner_role": "technical_ae",
                "owner_since": when,
                "do_not_contact": False,
                "last_contacted_at": None,
                "updated_at": when,
            }
        ],
        "crm/opportunities": [
            {
                "id": "opp-1",
                "account_id": "acc-1",
                "type": "expansion",
                "stage": "open",
                "amount_usd_year": Decimal(50000),
                "procurement_started_at": None,
                "requests_new_features": False,
                "stakeholders": 2,
                "non_engineer_stakeholders": 1,
                "created_at": when,
                "closed_at": None,
                "updated_at": when,
            }
        ],
        "crm/account_merges": [{"organization_id": "org-4", "canonical_organization_id": "org-3", "note": None}],
        "crm/contacts": [
            {
                "id": "con-1",
                "account_id": "acc-1",
                "user_id": 1,
                "title": "CTO",
                "role": "champion",
                "left_at": None,
                "updated_at": when,
            }
        ],
        "crm/activities": [
            {
                "id": "act-1",
                "account_id": "acc-1",
                "kind": "email",
                "direction": "outbound",
                "topic": None,
                "happened_at": when,
                "answered_at": None,
                "owner_email": "ae@vendor.example",
                "owner_role": "technical_ae",
            }
        ],
        "crm/feature_requests": [
            {
                "id": "fr-1",
                "account_id": "acc-1",
                "feature": "audit log",
                "requested_at": when,
                "shipped_at": None,
            }
        ],
        "support/tickets": [
            {
                "id": "t-1",
                "organization_id": "org-1",
                "topic": "question",
                "created_at": when,
                "first_answered_at": when,
                "closed_at": None,
            }
        ],
        "product_events/events_daily": [
            {
                "date": date(2026, 2, 1),
                "organization_id": "org-1",
                "billing_page_views": 0,
                "queries": 10,
                "failed_queries": 0,
                "insights_viewed": 3,
                "experiments_viewed": 0,
                "web_analytics_viewed": 0,
            }
        ],
        "costs/unit_costs": [
            {
                "month": date(2026, 2, 1),
                "product_key": "surveys",
                "region": "all",
                "cost_usd_per_unit": Decimal("0.001"),
            }
        ],
        "costs/account_costs": [
            {
                "month": date(2026, 2, 1),
                "organization_id": "org-1",
                "category": "dedicated_cluster",
                "amount_usd": Decimal("100.00"),
            }
        ],
        "closed_months/mrr_lines": [
            {
                "month": date(2026, 1, 1),
                "invoice_id": "in_1",
                "line_number": 1,
                "slice_number": 1,
                "closed_as_of": date(2026, 2, 4),
                "invoice_status": "paid",
                "invoice_created_at": when,
                "is_counted": True,
                "customer_id": "org-1",
                "product_key": "surveys",
                "currency": "usd",
                "usd_per_minor_unit": "0.01",
                "line_amount_minor": -100,
                "line_discount_minor": 0,
                "list_minor": -100,
                "discount_minor": 0,
                "startup_credit_minor": 0,
                "credited_minor": 0,
                "mrr_usd": Decimal("-1.00"),
            }
        ],
        "spend/sales_and_marketing": [
            {
                "month": date(2026, 2, 1),
                "category": "ads",
                "channel": "ads",
                "amount_usd": Decimal("0.1234567891"),
            }
        ],
    }
