"""The digest says in sentences what the published file holds, and what is not known as not known."""

import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from serving.digest.figures import crossings
from serving.digest.week import Digest, digest
from serving.digest.written import as_html, as_lines, as_text
from serving.page.snapshot import Snapshot
from serving.reader import snapshot
from settings import Settings
from tests.serving.published_marts import write_published

pytestmark = pytest.mark.slow

HOSTILE_NAME = "</p><img src=x onerror=alert(1)>"
CUSTOMERS = {
    "a": ("Acme", 120000), "b": ("Blue Fin", 60000), "c": ("", 1200), "d": ("Dune", 900), "h": (HOSTILE_NAME, 500)
}  # fmt: skip


def event(customer_id: str, day: str, kind: str, what: str, figure: float | None = None, **more: Any) -> dict[str, Any]:
    return {
        "customer_id": customer_id, "day": day, "kind": kind, "subject": "subject", "what": what, "figure": figure,
        "source_table": "table", **more,
    }  # fmt: skip


ROWS: dict[str, list[dict[str, Any]]] = {
    "dim_customers": [
        {"customer_id": key, "name": name, "arr_usd_year": arr, "is_do_not_contact": key == "d"}
        for key, (name, arr) in CUSTOMERS.items()
    ],
    "dim_organizations": [
        {"organization_id": "o1", "name": "One", "created_at": "2026-10-25 00:00:00", "icp_segment": "high_growth"},
        {"organization_id": "o2", "name": "Two", "created_at": "2026-10-31 23:59:59", "icp_segment": "other"},
        {"organization_id": "o3", "name": "Before", "created_at": "2026-10-24 23:59:59", "icp_segment": "high_growth"},
    ],
    "fct_mrr_monthly": [
        {"customer_id": "a", "month": "2026-10-01", "mrr_usd_month": 10000, "arr_usd_year": 120000},
        {"customer_id": "b", "month": "2026-10-01", "mrr_usd_month": 5000, "arr_usd_year": 60000},
        {"customer_id": "d", "month": "2026-10-01", "mrr_usd_month": 0, "arr_usd_year": 0},
        {"customer_id": "a", "month": "2026-09-01", "mrr_usd_month": 12500, "arr_usd_year": 150000},
    ],
    "fct_customer_events": [
        event("b", "2026-10-31", "mrr_moved", "new", 5000),
        event("a", "2026-10-31", "mrr_moved", "contraction", -2500),
        event("a", "2026-10-24", "mrr_moved", "expansion", 9999),
        event("a", "2026-10-25", "queue_entered", "first_bill", 600),
        event("b", "2026-10-26", "queue_entered", "first_bill", 700),
        event("c", "2026-10-27", "queue_entered", "startup_rolloff", 900),
        event("d", "2026-10-28", "queue_entered", "first_bill", 500),
        event("a", "2026-10-30", "queue_left", "graduated", 600),
        event("a", "2026-10-30", "tier_changed", "small to large", 120000),
        event("h", "2026-10-30", "tier_changed", "none to micro", 500),
        event("a", "2026-10-29", "bill_unpaid", "open", 800),
        event("b", "2026-10-29", "bill_unpaid", "open", None),
        event("a", "2026-10-29", "owner_came", "csm"),
    ],
    "fct_onboarding_queue": [
        {"customer_id": "b", "is_open": True, "contact_by": "2026-10-30"},
        {"customer_id": "c", "is_open": True, "contact_by": "2026-10-31"},
        {"customer_id": "d", "is_open": True, "contact_by": "2026-10-01"},
        {"customer_id": "a", "is_open": False, "contact_by": "2026-10-01"},
    ],
    "rpt_account_risk": [
        {"customer_id": "a", "kind": "risk", "what_fired": "Volume fell", "since": "2026-10-31"},
        {"customer_id": "b", "kind": "risk", "what_fired": "Volume fell", "since": "2026-10-24"},
        {"customer_id": "b", "kind": "opportunity", "what_fired": "MRR is large", "since": "2026-10-25"},
    ],
    "fct_account_routing": [
        {"customer_id": "a", "is_gap": True, "list_rank": 1},
        {"customer_id": "b", "is_gap": False, "list_rank": 2},
    ],
    "rpt_figure_alerts": [
        {
            "rule": "mrr_falls", "metric": "mrr", "group_by": "icp_segment", "group_value": "high_growth",
            "comparison": "falls_by", "bound": 0.05, "days": 28, "figure": 900, "figure_before": 1000,
            "unit": "USD a month", "crossed_on": "2026-10-31", "is_told": True, "channel": "every",
            "receiver": "team:growth", "next_action": "Ask.",
        },
        {
            "rule": "late", "metric": "late_contacts", "group_by": "company", "group_value": "all",
            "comparison": "above", "bound": 10, "days": 3, "figure": 12, "unit": "customers",
            "crossed_on": "2026-10-30", "is_told": False, "channel": "every", "receiver": "team:growth",
            "next_action": "Ask.",
        },
        {
            "rule": "kept", "metric": "ndr_12_months", "group_by": "company", "group_value": "all",
            "comparison": "below", "bound": 1, "days": 1, "figure": 0.98, "unit": "share",
            "crossed_on": "2026-10-24", "is_told": False, "channel": "every", "receiver": "team:growth",
            "next_action": "Ask.",
        },
    ],
}  # fmt: skip


def digest_of(tmp_path: Path, rows: dict[str, list[dict[str, Any]]] = ROWS, **more: Any) -> Digest:
    settings = Settings(data_dir=tmp_path)
    write_published(settings, rows, published_at=datetime(2026, 11, 1, 2, 30), **more)  # noqa: DTZ001 (UTC)
    with snapshot(settings.serving_path) as connection:
        return digest(Snapshot(connection))


def sentences(digest: Digest) -> dict[str, list[str]]:
    return {topic.title: list(topic.sentences) for topic in digest.topics}


def test_week_digest_has_only_its_own_week(tmp_path: Path) -> None:
    week = digest_of(tmp_path)
    assert (week.first_day, week.last_day) == (date(2026, 10, 25), date(2026, 10, 31))
    said = sentences(week)
    assert said["Revenue"] == [
        "ARR is $180k from 2 paying customers at the end of October 2026, the last closed month: $30k more than a "
        "month before (20 %).",
        "October 2026 was closed in this week. MRR a month by movement: +$5,000 new, \N{MINUS SIGN}$2,500 contraction.",
        "Most was won at Blue Fin (+$5,000 a month).",
        "Most was lost at Acme (\N{MINUS SIGN}$2,500 a month).",
    ]
    assert said["Onboarding queue"] == [
        "4 customers entered the queue (3 first bill, 1 startup rolloff), and 1 customer left it (1 graduated).",
        "3 customers are in it; the contact of 1 is late.",
        "The largest bills expected of those that entered are c ($900 a month), Blue Fin ($700 a month), Acme ($600 a "
        "month) and 1 more.",
    ]
    assert said["Sign-ups"] == [
        "2 organizations signed up, 100 % more than in the week before.",
        "1 of them is known to be in the ICP: One.",
    ]
    assert said["Moves"] == [
        f"2 customers changed size tier: Acme (small to large) and {HOSTILE_NAME} (none to micro)."
    ]
    assert said["Signals"] == [
        "1 new signal of risk: Acme (volume fell).",
        "1 new signal of growth: Blue Fin (MRR is large).",
    ]
    assert said["Bills and credit"] == [
        "2 bills of this week are not paid, $800 in all, 1 of them without an exchange rate: Acme ($800) and Blue Fin."
    ]
    assert said["Owners"] == [
        "1 customer got an owner: Acme; an owner left nobody.",
        "1 customer needs an owner and has none, or one in the wrong role.",
    ]
    assert said["Figures past their bounds"] == [
        "Late contacts of the onboarding queue: 12, above 10 for 3 days. Since 30 Oct 2026.",
        "MRR of segment high growth: $900 a month, 10 % less than 28 days before ($1,000 a month). Since 31 Oct 2026.",
    ]


def test_customer_with_many_accounts_or_changes_is_counted_once(tmp_path: Path) -> None:
    events = [
        event("a", "2026-10-29", "owner_came", "csm", subject="account 1"),
        event("a", "2026-10-29", "owner_came", "csm", subject="account 2"),
        event("b", "2026-10-30", "owner_left", "csm", subject="account 3"),
        event("b", "2026-10-31", "owner_left", "csm", subject="account 4"),
        event("same name", "2026-10-30", "credit_ended", "used up"),
        event("a", "2026-10-30", "credit_ended", "used up", subject="grant 1"),
        event("a", "2026-10-31", "credit_ended", "used up", subject="grant 2"),
        event("a", "2026-10-29", "segment_changed", "unknown to other"),
        event("a", "2026-10-31", "segment_changed", "other to unknown"),
    ]
    named_alike = {"customer_id": "same name", "name": "Acme", "arr_usd_year": 0}
    customers = [*ROWS["dim_customers"], named_alike]
    said = sentences(digest_of(tmp_path, {**ROWS, "dim_customers": customers, "fct_customer_events": events}))
    assert said["Owners"][0] == "1 customer got an owner: Acme; an owner left 1 customer."
    assert said["Bills and credit"] == ["Credit ended for 2 customers: Acme and Acme."]
    assert said["Moves"] == ["1 customer changed segment: Acme (other to unknown) and Acme (unknown to other)."]


def test_the_same_publish_gives_the_same_digest(tmp_path: Path) -> None:
    first = digest_of(tmp_path / "first")
    again = digest_of(tmp_path / "again", {table: rows[::-1] for table, rows in ROWS.items()})
    assert as_text(first) == as_text(again)
    assert as_html(first) == as_html(again)


@pytest.mark.parametrize(
    ("as_of_date", "sentence"),
    [
        (date(2026, 11, 2), "No month was closed in this week, so no MRR moved."),
        (date(2026, 11, 3), "October 2026 was closed in this week, and no MRR moved."),
        (date(2026, 11, 9), "October 2026 was closed in this week, and no MRR moved."),
        (date(2026, 11, 10), "No month was closed in this week, so no MRR moved."),
    ],
)
def test_month_that_was_closed_in_the_week_is_named_also_if_no_mrr_moved(
    tmp_path: Path, as_of_date: date, sentence: str
) -> None:
    days = [{"threshold": "month_closes_after_days", "value": 3}]
    month = date(2026, 9 if as_of_date.day == 2 else 10, 1)
    week = digest_of(tmp_path, {"dim_thresholds": days}, as_of_date=as_of_date, last_closed_month=month)
    assert sentences(week)["Revenue"][1] == sentence


def test_bill_without_an_exchange_rate_is_not_counted_as_nothing(tmp_path: Path) -> None:
    events = [event("a", "2026-10-29", "bill_unpaid", "open", None)]
    said = sentences(digest_of(tmp_path, {**ROWS, "fct_customer_events": events}))
    assert said["Bills and credit"] == ["1 bill of this week is not paid, without an exchange rate: Acme."]


def test_crossing_that_missed_runs_have_not_told_is_told_for_as_long_as_the_threshold_says(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    crossing = ROWS["rpt_figure_alerts"][0] | {"crossed_on": "2026-10-21"}
    rows = {"rpt_figure_alerts": [crossing]}
    write_published(settings, rows, published_at=datetime(2026, 11, 1, 2, 30))  # noqa: DTZ001 (UTC)
    with snapshot(settings.serving_path) as connection:
        published = Snapshot(connection)
        assert [each.rule for each in crossings(published, only_told=True)] == ["mrr_falls"]
        assert crossings(published, only_told=False) == []


def test_a_week_in_which_nothing_happened_says_so(tmp_path: Path) -> None:
    said = sentences(digest_of(tmp_path, {}))
    assert said["Revenue"][1] == "No month was closed in this week, so no MRR moved."
    assert said["Onboarding queue"] == [
        "Nobody entered the queue, and nobody left it.",
        "Nobody is in it; the contact of 0 is late.",
    ]
    assert said["Sign-ups"] == [
        "Nobody signed up, as many as in the week before.",
        "0 of them are known to be in the ICP.",
    ]
    assert said["Signals"] == ["No signal fired."]
    assert said["Bills and credit"] == ["Every bill of this week is paid, and no credit ended."]
    assert said["Figures past their bounds"] == ["No figure crossed its bound."]


def test_month_without_its_invoices_is_told_beside_its_revenue(tmp_path: Path) -> None:
    month = {"finding": "closed_month_not_invoiced", "subject": "2026-10-01", "figure": 0.0731}
    said = sentences(digest_of(tmp_path, {**ROWS, "rpt_data_quality": [month]}))
    told = "7.3 % of the MRR expected of October 2026 has no invoice yet: its figures are too low."
    assert said["Revenue"][1] == told


def test_what_no_source_knows_is_not_told_as_zero(tmp_path: Path) -> None:
    said = sentences(digest_of(tmp_path, ROWS, empty_source_tables="crm.accounts, enrichment.companies"))
    assert said["Sign-ups"][1] == "Which of them are in the ICP is not known without enrichment."
    assert said["Owners"] == ["Who owns customers is not known without a CRM."]


def test_mail_escapes_names_and_loads_nothing(tmp_path: Path) -> None:
    week = digest_of(tmp_path)
    html = as_html(week)
    assert "<img" not in html
    assert "&lt;/p&gt;&lt;img" in html
    assert not re.search(r"\b(src|href|url)\s*[=(]", html.replace("img src=x", ""))
    assert all(sentence in as_text(week) for topic in week.topics for sentence in topic.sentences)
    assert [line.partition(":")[0] for line in as_lines(week)] == [topic.title for topic in week.topics]


@pytest.mark.parametrize(("only_told", "rules"), [(True, ["mrr_falls"]), (False, ["late", "mrr_falls"])])
def test_muted_rules_are_in_the_digest_and_tell_nobody(tmp_path: Path, only_told: bool, rules: list[str]) -> None:
    settings = Settings(data_dir=tmp_path)
    write_published(settings, ROWS, published_at=datetime(2026, 11, 1, 2, 30))  # noqa: DTZ001 (UTC)
    with snapshot(settings.serving_path) as connection:
        assert [each.rule for each in crossings(Snapshot(connection), only_told=only_told)] == rules


def test_a_publish_of_a_version_without_the_table_has_no_crossing(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    published_at = datetime(2026, 11, 1, 2, 30)  # noqa: DTZ001 (UTC)
    write_published(settings, ROWS, published_at=published_at, without=["rpt_figure_alerts"])
    with snapshot(settings.serving_path) as connection:
        assert crossings(Snapshot(connection), only_told=False) == []
