"""What people said and did: contacts, messages and wishes in the CRM, support tickets, events of the product itself.

Some customers are planted: what the lists should find of them is returned, and written beside the books.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from sample_company import write
from sample_company.accounts import Account
from sample_company.parameters import DAY_US, DAYS, END_US, SECOND_US, day_at, day_of
from sample_company.people import People
from sample_company.signups import Signups

HOUR_US = 3_600 * SECOND_US
CONTACT_TYPES = {
    "id": pa.string(), "account_id": pa.string(), "user_id": pa.int64(), "title": pa.string(), "role": pa.string(),
    "left_at": write.TIMESTAMP, "updated_at": write.TIMESTAMP,
}  # fmt: skip
ACTIVITY_TYPES = {
    "id": pa.string(), "account_id": pa.string(), "kind": pa.string(), "direction": pa.string(), "topic": pa.string(),
    "happened_at": write.TIMESTAMP, "answered_at": write.TIMESTAMP, "owner_email": pa.string(),
    "owner_role": pa.string(),
}  # fmt: skip
REQUEST_COLUMNS = ("id", "account_id", "feature", "requested_at", "shipped_at")
TICKET_COLUMNS = ("id", "organization_id", "topic", "created_at", "first_answered_at", "closed_at")
EVENT_COUNTERS = (
    "billing_page_views", "queries", "failed_queries", "insights_viewed", "experiments_viewed", "web_analytics_viewed",
)  # fmt: skip
BUYER_TITLES = ("VP Engineering", "Head of Growth", "CFO", "Director of Product", "CPO", "Procurement lead")
TOPICS = ("question", "question", "bug", "question", "bug", "bill", None)
FEATURES = (
    "audit log", "dark mode", "cohort sync", "alerts by phone", "saved replies", "replay of canvas", "flag approvals",
    "survey branching",
)  # fmt: skip
RARE_FEATURE = "import of punch cards"
# Days between two messages of an owner, the share of accounts whose owner stopped, and days of product events.
MESSAGE_DAYS = 10
STOPPED_SHARE = 0.2
# Groups of accounts whose first bill somebody writes about, and of how many.
FIRST_BILLS = ("first_bill", "5k", "startup")
WRITTEN_SHARE = 0.7
EVENT_DAYS = 60
# So long nobody has viewed insights of those that are planted: longer than use is counted over.
UNVIEWED_DAYS = 45
# How many customers each plant is for.
PLANTS = {
    "champion_left": 5, "recommendation_ignored": 4, "evaluating_alternatives": 3, "custom_builds": 3,
    "ticket_spike": 2, "full_export_asked": 2, "billing_page_visits": 4, "query_failures": 3, "insights_not_viewed": 3,
}  # fmt: skip


def write_signals(
    source: Path,
    crm_accounts: list[dict],
    signups: Signups,
    accounts: list[Account],
    people: People,
    *,
    rng: np.random.Generator,
) -> dict[str, list[str]]:
    """Write the five tables; returns the organizations that were planted by what the lists should find of them.

    `crm_accounts`: the versions of crm.accounts.
    """
    ids = signups.ids.tolist()
    paying = [a.organizations[0] for a in accounts if a.end_day is None and a.group not in ("card_only", "startup")]
    paying = [organization for organization in paying if not signups.is_internal[organization]]
    account_of = {row["organization_id"]: row["id"] for row in crm_accounts if row["organization_id"]}
    # An account without a user of its own, to whom only staff has joined, has no contact.
    with_users = set(people.member_organization[~people.is_staff[people.member_user - 1]].tolist())
    with_account = [number for number in paying if ids[number] in account_of and number in with_users]
    planted = _plant(paying, with_account, rng)
    crm = source / "crm"
    contacts = _contacts(with_account, planted["champion_left"], account_of, people, ids=ids, rng=rng)
    write.write_rows_parquet(crm / "contacts.parquet", contacts, CONTACT_TYPES)
    activities = _activities(crm_accounts, accounts, planted, ids=ids, rng=rng)
    write.write_rows_parquet(crm / "activities.parquet", activities, ACTIVITY_TYPES)
    write.write_csv(crm / "feature_requests.csv", list(REQUEST_COLUMNS), _requests(crm_accounts, rng))
    tickets = _tickets(paying, accounts, planted, ids=ids, rng=rng)
    write.write_csv(source / "support" / "tickets.csv.gz", list(TICKET_COLUMNS), tickets)
    write.write_parquet(
        source / "product_events" / "events_daily.parquet", _events(paying, accounts, planted, ids=ids, rng=rng)
    )
    return {signal: sorted(ids[organization] for organization in chosen) for signal, chosen in planted.items()}


def _plant(paying: list[int], with_account: list[int], rng: np.random.Generator) -> dict[str, list[int]]:
    of_crm = {"champion_left", "recommendation_ignored", "evaluating_alternatives", "custom_builds"}
    return {
        signal: sorted(rng.choice(with_account if signal in of_crm else paying, count, replace=False).tolist())
        for signal, count in PLANTS.items()
    }


def _contacts(
    organizations: list[int],
    champion_left: list[int],
    account_of: dict[str, str],
    people: People,
    *,
    ids: list[str],
    rng: np.random.Generator,
) -> list[dict]:
    """A champion, colleagues and a buyer at each account. Of others than the planted a second champion came."""
    rows: list[dict] = []
    members: dict[int, list[int]] = {organization: [] for organization in organizations}
    for organization, user in zip(people.member_organization.tolist(), people.member_user.tolist(), strict=True):
        if organization in members and not people.is_staff[user - 1]:
            members[organization].append(user)
    for organization in organizations:
        account = account_of[ids[organization]]
        users = members[organization][:3]
        known_us = int(people.joined_us[users[0] - 1]) + 20 * DAY_US
        draws = rng.random(8)
        for number, user in enumerate(users):
            role = ("champion", "user", None)[number]
            row: dict[str, Any] = {
                "id": f"con{account[3:]}{number}", "account_id": account, "user_id": user,
                "title": people.title[user - 1] or ("Engineering manager" if draws[number] < 0.5 else None),
                "role": role, "left_at": None, "updated_at": known_us,
            }  # fmt: skip
            rows.append(row)
            left = END_US - int((4 + 30 * draws[4]) * DAY_US)
            if number == 0 and organization in champion_left:
                rows.append(row | {"left_at": left, "updated_at": left + HOUR_US})
            elif number == 0 and draws[5] < 0.08 and len(users) > 1:
                rows.append(row | {"left_at": left, "updated_at": left + HOUR_US})
                role_of_next = "champion"
                rows.append(row | {"id": f"con{account[3:]}8", "user_id": users[1], "role": role_of_next,
                                   "title": "Staff engineer", "updated_at": left + HOUR_US})  # fmt: skip
        if draws[6] < 0.4:
            title = BUYER_TITLES[int(draws[7] * len(BUYER_TITLES))]
            rows.append({"id": f"con{account[3:]}9", "account_id": account, "user_id": None, "title": title,
                         "role": "decision_maker", "left_at": None, "updated_at": known_us + DAY_US})  # fmt: skip
    return sorted((row for row in rows if row["updated_at"] < END_US), key=lambda row: (row["updated_at"], row["id"]))


def _activities(
    crm_accounts: list[dict],
    accounts: list[Account],
    planted: dict[str, list[int]],
    *,
    ids: list[str],
    rng: np.random.Generator,
) -> list[dict]:
    """What owners wrote: once when the CRM says so, then every ten days or so, and what accounts said of their own.

    Most customers whose first bill comes were written to before it does.
    """
    newest = {row["id"]: row for row in crm_accounts}
    rows = [
        _activity(row, row["last_contacted_at"], "email", "outbound")
        for row in crm_accounts
        if row["last_contacted_at"] is not None and row["updated_at"] - row["last_contacted_at"] < HOUR_US
    ]
    for row in newest.values():
        stop = END_US - int(rng.integers(20, 70)) * DAY_US if rng.random() < STOPPED_SHARE else END_US
        at = (row["last_contacted_at"] or END_US) + int(rng.integers(2, MESSAGE_DAYS)) * DAY_US
        while row["owner_email"] is not None and at < stop - HOUR_US:
            kind = ("email", "chat", "call", "meeting", "note")[int(rng.integers(0, 5))]
            answered = at + int(rng.exponential(20) * HOUR_US)
            rows.append(_activity(row, at, kind, "outbound") | {"answered_at": answered if answered < stop else None})
            at += int((4 + rng.exponential(MESSAGE_DAYS - 4)) * DAY_US)
    account_of = {row["organization_id"]: row for row in newest.values()}
    for account in accounts:
        asked = account_of.get(ids[account.organizations[0]])
        at = account.start_us + int((9 + 14 * rng.random()) * DAY_US)
        if account.group in FIRST_BILLS and asked and at < END_US and rng.random() < WRITTEN_SHARE:
            rows.append(_activity(asked, at, "email", "outbound"))

    def said(signal: str, first: int, last: int, **values: Any) -> None:
        for organization in planted[signal]:
            at = END_US - int((first + (last - first) * rng.random()) * DAY_US)
            rows.append(_activity(account_of[ids[organization]], at, "call", "inbound") | values)

    said("recommendation_ignored", 16, 80, kind="email", direction="outbound", topic="recommendation")
    said("evaluating_alternatives", 2, 25, topic="alternatives")
    said("custom_builds", 2, 80, topic="custom_build")
    rows.sort(key=lambda row: (row["happened_at"], row["account_id"], row["kind"]))
    for number, row in enumerate(rows, 1):
        row["id"] = f"act{number:07d}"
    return rows


def _activity(account: dict, at: int, kind: str, direction: str) -> dict:
    return {
        "id": "", "account_id": account["id"], "kind": kind, "direction": direction, "topic": None, "happened_at": at,
        "answered_at": None, "owner_email": account["owner_email"], "owner_role": account["owner_role"],
    }  # fmt: skip


def _requests(crm_accounts: list[dict], rng: np.random.Generator) -> list[list[Any]]:
    """Wishes of accounts, one of them of a single account, and some of accounts that never used the product."""
    accounts = {row["id"]: row for row in reversed(crm_accounts)}
    asking = sorted(account for account in accounts if rng.random() < 0.4)
    shipped = {FEATURES[0]: END_US - 100 * DAY_US}
    rows = []
    for account in asking:
        for feature in rng.choice(len(FEATURES), int(rng.integers(1, 3)), replace=False):
            since = accounts[account]["updated_at"]
            at = since + int(rng.random() * (END_US - since))
            rows.append((at, account, FEATURES[int(feature)]))
    rows.append((END_US - 30 * DAY_US, asking[0], RARE_FEATURE))
    rows.append((END_US - 20 * DAY_US, "acc900001", FEATURES[1]))
    return [
        [f"fr{number:05d}", account, feature, write.iso(at), write.iso(shipped.get(feature))]
        for number, (at, account, feature) in enumerate(sorted(rows), 1)
    ]


def _tickets(
    paying: list[int],
    accounts: list[Account],
    planted: dict[str, list[int]],
    *,
    ids: list[str],
    rng: np.random.Generator,
) -> list[list[Any]]:
    """A ticket every few months of a customer; the answer comes within hours, and of a few not yet."""
    start = {account.organizations[0]: account.start_us for account in accounts}
    rows: list[tuple[int, int, str | None]] = []
    for organization in paying:
        months = (END_US - start[organization]) / (30 * DAY_US)
        for _ in range(int(rng.poisson(0.25 * months))):
            at = start[organization] + int(rng.random() * (END_US - start[organization] - HOUR_US))
            rows.append((at, organization, TOPICS[int(rng.integers(0, len(TOPICS)))]))
    for organization in planted["ticket_spike"]:
        rows += [(END_US - int((1 + 27 * rng.random()) * DAY_US), organization, "bug") for _ in range(12)]
    for organization in planted["full_export_asked"]:
        rows.append((END_US - int((1 + 27 * rng.random()) * DAY_US), organization, "export"))
    texts = []
    for number, (at, organization, topic) in enumerate(sorted(rows, key=lambda row: row[:2]), 1):
        answered = at + SECOND_US + int(rng.exponential(7) * HOUR_US)
        closed = answered + int(rng.exponential(3) * DAY_US)
        is_open = rng.random() < 0.01
        times = [
            write.iso(at),
            *(None if is_open or stamp >= END_US else write.iso(stamp) for stamp in (answered, closed)),
        ]
        texts.append([f"t{number:06d}", ids[organization], topic, *times])
    return texts


def _events(
    paying: list[int],
    accounts: list[Account],
    planted: dict[str, list[int]],
    *,
    ids: list[str],
    rng: np.random.Generator,
) -> dict[str, pa.Array]:
    """Counts a day of the last weeks, none on most weekends. Last week the planted alone opened the billing page."""
    start = {account.organizations[0]: day_of(account.start_us) for account in accounts}
    rows = []
    for organization in paying:
        for day in range(max(DAYS - EVENT_DAYS, start[organization]), DAYS):
            if day_at(day).weekday() > 4 and rng.random() < 0.8:
                continue
            queries, ago = int(rng.poisson(30)) + 1, DAYS - 1 - day
            is_blind = organization in planted["insights_not_viewed"] and ago < UNVIEWED_DAYS
            viewed = 0 if is_blind else int(rng.poisson(9)) + 1
            failing = 0.3 if organization in planted["query_failures"] and ago < 7 else 0.02
            visits = int(rng.random() < 0.04) if ago > 7 else 2 * (organization in planted["billing_page_visits"])
            failed = int(failing * queries)
            rows.append((day, organization, visits, queries, failed, viewed, int(rng.poisson(1)), int(rng.poisson(1))))
    columns = list(zip(*rows, strict=True))
    return {
        "date": pa.array([day_at(day) for day in columns[0]]),
        "organization_id": pa.array([ids[organization] for organization in columns[1]]),
        **{name: pa.array(values, pa.int64()) for name, values in zip(EVENT_COUNTERS, columns[2:], strict=True)},
    }
