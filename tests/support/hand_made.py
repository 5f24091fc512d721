"""A company small enough to work out by hand, in the four required sources and nothing else.

Acme pays: its two organizations share a Stripe customer, so their events are pooled. Beta uses the free plan. One
organization is the vendor's own. The data ends with a complete 3 November 2026, on
which October is closed.
"""

import csv
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

COUNTERS = (
    "event_count_in_period",
    "enhanced_persons_event_count_in_period",
    "event_count_with_groups_in_period",
    "recording_count_in_period",
    "mobile_recording_count_in_period",
    "billable_feature_flag_requests_count_in_period",
    "survey_responses_count_in_period",
    "rows_synced_in_period",
    "exceptions_captured_in_period",
    "ai_event_count_in_period",
    "logs_mb_in_period",
    "cdp_billable_invocations_in_period",
    "rows_exported_in_period",
    "workflow_emails_sent_in_period",
)

# Date, organization, events. From 10 August to 9 September Acme has 2,000,000 events, in the month after 10,000,000.
USAGE = (
    ("2026-08-04", "org-acme", 10),
    ("2026-08-10", "org-acme", 1_500_000),
    ("2026-09-09", "org-acme-eu", 500_000),
    ("2026-09-10", "org-acme", 9_999_999),
    ("2026-10-09", "org-acme", 1),
    ("2026-10-20", "org-beta", 5_000),
    ("2026-11-03", "org-acme", 100),
    ("2026-11-03", "org-internal", 999),
)


def write_hand_made_company(root: Path) -> Path:
    """Write the source root, and return it."""
    _write_organizations(root / "product_db" / "organizations.csv")
    _write_csv(
        root / "product_db" / "users.csv",
        [
            _user(1, "ada@acme.example", is_staff=False),
            _user(2, "bob@gmail.com", is_staff=False),
            _user(3, "staff@vendor.example", is_staff=True),
        ],
    )
    _write_csv(
        root / "product_db" / "organization_memberships.csv",
        [
            _membership("org-acme", 1, 15),
            _membership("org-acme-eu", 1, 15),
            _membership("org-beta", 2, 15),
            _membership("org-beta", 3, 1),
            _membership("org-internal", 3, 15),
        ],
    )
    _write_usage(root / "usage" / "usage_reports")
    _write_billing_customers(root / "billing" / "billing_customers.jsonl")
    _write_stripe(root / "stripe")
    return root


def _write_organizations(path: Path) -> None:
    organizations = (
        ("org-acme", "Acme", "2026-08-03T09:00:00Z", "cus_acme", "US", "false", "word_of_mouth"),
        ("org-acme-eu", "Acme", "2026-09-01T09:00:00Z", "cus_acme", "EU", "false", ""),
        ("org-beta", "Beta", "2026-10-19T12:30:00+02:00", "", "EU", "false", "search"),
        ("org-internal", "The vendor", "2026-08-01T00:00:00Z", "", "US", "true", ""),
    )
    names = ("id", "name", "created_at", "customer_id", "region", "for_internal_metrics", "signup_channel")
    rows = [dict(zip(names, organization, strict=True)) for organization in organizations]
    _write_csv(path, [{**row, "updated_at": row["created_at"]} for row in rows])


def _user(number: int, email: str, *, is_staff: bool) -> dict[str, object]:
    return {
        "id": number,
        "email": email,
        "role_detail": "",
        "role_at_organization": "engineering",
        "date_joined": "2026-08-01T00:00:00Z",
        "updated_at": "2026-08-01T00:00:00Z",
        "last_login": "",
        "is_active": "true",
        "is_staff": str(is_staff).lower(),
    }


def _membership(organization_id: str, user_id: int, level: int) -> dict[str, object]:
    joined_at = "2026-08-03T09:00:00Z"
    return {
        "organization_id": organization_id,
        "user_id": user_id,
        "level": level,
        "joined_at": joined_at,
        "updated_at": joined_at,
    }


def _write_usage(folder: Path) -> None:
    for day in sorted({date for date, _, _ in USAGE}):
        write_usage_day(folder, day, [(organization, events) for date, organization, events in USAGE if date == day])


def write_usage_day(
    folder: Path, day: str, events_by_organization: list[tuple[str, int]], *, received: str = "23:59:59"
) -> None:
    """One day's reports as gzipped JSON lines: a first report that is superseded, and the last, after midnight."""
    day_folder = folder / f"date={day}"
    day_folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for organization, events in events_by_organization:
        row = {"date": day, "organization_id": organization, "organization_user_count": 1, **dict.fromkeys(COUNTERS, 0)}
        rows.append({**row, "event_count_in_period": events // 2, "received_at": f"{day}T{received}Z"})
        following = datetime.fromisoformat(day).toordinal() + 1
        after_midnight = datetime.fromordinal(following).strftime("%Y-%m-%dT00:30:00Z")
        rows.append({**row, "event_count_in_period": events, "received_at": after_midnight})
    with gzip.open(day_folder / "reports.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _write_billing_customers(path: Path) -> None:
    base: dict[str, object] = {
        "stripe_customer_id": None,
        "has_active_subscription": False,
        "subscribed_products": [],
        "platform_package": None,
        "current_period_start": None,
        "current_period_end": None,
        "custom_limits_usd": {},
        "discount_percent": "0",
        "credit_balance_usd": "0",
        "startup_program": None,
        "startup_plan_start_at": None,
        "credit_expires_at": None,
        "annual_plan_start_at": None,
        "annual_plan_end_at": None,
        "free_trial_until": None,
    }
    acme: dict[str, object] = {
        "stripe_customer_id": "cus_acme",
        "has_active_subscription": True,
        "subscribed_products": ["product_analytics"],
        "current_period_start": "2026-10-10T00:00:00Z",
        "current_period_end": "2026-11-10T00:00:00Z",
        "updated_at": "2026-08-10T00:00:00Z",
    }
    rows = [
        {**base, **acme, "organization_id": "org-acme"},
        {**base, **acme, "organization_id": "org-acme-eu", "updated_at": "2026-09-01T10:00:00Z"},
        {**base, "organization_id": "org-beta", "updated_at": "2026-10-19T10:30:00Z"},
    ]
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def _write_stripe(folder: Path) -> None:
    folder.mkdir()
    started = _unix("2026-08-10")
    objects = {
        "customers": [
            {
                "id": "cus_acme",
                "object": "customer",
                "created": started,
                "livemode": True,
                "email": None,
                "metadata": {"organization_id": "org-acme"},
            }
        ],
        "products": [
            {
                "id": "prod_events",
                "object": "product",
                "created": started,
                "livemode": True,
                "name": "Product analytics",
                "metadata": {"product_key": "product_analytics"},
            }
        ],
        "subscriptions": [
            {
                "id": "sub_acme",
                "object": "subscription",
                "created": started,
                "livemode": True,
                "customer": "cus_acme",
                "status": "active",
                "start_date": started,
                "current_period_start": _unix("2026-10-10"),
                "current_period_end": _unix("2026-11-10"),
                "canceled_at": None,
                "ended_at": None,
                "items": {"data": [{"id": "si_1", "price": {"id": "price_1", "product": "prod_events"}}]},
            }
        ],
        "invoices": [
            _invoice("in_1", "2026-08-10", "2026-09-10", 5_000),
            _invoice("in_2", "2026-09-10", "2026-10-10", 32_440),
        ],
    }
    for name, rows in objects.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def _invoice(invoice_id: str, start: str, end: str, cents: int) -> dict[str, object]:
    line = {
        "id": f"il_{invoice_id}",
        "object": "line_item",
        "amount": cents,
        "currency": "usd",
        "quantity": 1,
        "discount_amounts": [],
        "proration": False,
        "subscription": "sub_acme",
        "price": {"id": "price_1", "product": "prod_events"},
        "period": {"start": _unix(start), "end": _unix(end)},
    }
    return {
        "id": invoice_id,
        "object": "invoice",
        "livemode": True,
        "customer": "cus_acme",
        "subscription": "sub_acme",
        "status": "paid",
        "currency": "usd",
        "created": _unix(end),
        "period_start": _unix(start),
        "period_end": _unix(end),
        "subtotal": cents,
        "total": cents,
        "tax": None,
        "amount_due": cents,
        "amount_paid": cents,
        "starting_balance": 0,
        "ending_balance": 0,
        "status_transitions": {"paid_at": _unix(end)},
        "lines": {"object": "list", "data": [line], "has_more": False},
    }


def _unix(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def _write_csv(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
