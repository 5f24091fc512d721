"""What has changed since the publish before is told of the customers as they are today."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from serving.page import yesterday
from serving.page.blocks import Figures, PageTable
from serving.page.snapshot import Snapshot
from serving.publish.versions import version_of_earlier_day
from serving.reader import snapshot
from settings import Settings
from tests.serving.published_marts import keep_earlier, write_published

pytestmark = pytest.mark.slow

Tables = dict[str, list[dict[str, Any]]]


def company(customers: dict[str, tuple[str, int]]) -> Tables:
    """Organizations with the customer of each and its MRR; what a customer pays is what its organizations do."""
    mrr: dict[str, int] = {}
    for customer_id, usd in customers.values():
        mrr[customer_id] = mrr.get(customer_id, 0) + usd
    return {
        "dim_organizations": [
            {"organization_id": key, "customer_id": customer_id} for key, (customer_id, _) in customers.items()
        ],
        "dim_customers": [
            {"customer_id": key, "name": f"Name of {key}", "mrr_usd_month": usd} for key, usd in mrr.items()
        ],
    }


def stay(customer_id: str) -> dict[str, Any]:
    return {"customer_id": customer_id, "is_open": True, "entered_on": "2026-10-02", "contact_by": "2026-10-20"}


def deal(customer_id: str, opportunity_id: str) -> dict[str, Any]:
    return {
        "customer_id": customer_id, "signal": "large_deal", "opportunity_id": opportunity_id,
        "what_fired": f"{opportunity_id} is large.",
    }  # fmt: skip


def risk(customer_id: str, signal: str) -> dict[str, Any]:
    return {"customer_id": customer_id, "signal": signal, "kind": "risk", "what_fired": signal}


def changes(folder: Path, before: Tables, now: Tables) -> tuple[dict[str, Any], dict[str, list[tuple[Any, ...]]]]:
    """The figures of the section with what stands below each, and the rows of its tables."""
    settings = Settings(data_dir=folder)
    path = write_published(settings, now, published_at=datetime.fromisoformat("2026-11-01T02:30:00"))
    keep_earlier(settings, before)
    with snapshot(path) as connection:
        (day,) = connection.execute("select as_of_date from publish_info").fetchone() or ()
        earlier = version_of_earlier_day(settings, day)
        assert earlier is not None
        published = Snapshot(connection, earlier.path)
        parts = (yesterday.days, yesterday.queue, yesterday.late, yesterday.mrr, yesterday.signals)
        blocks = [block for part in parts for block in part(published)]
    figures = {
        figure.name: (figure.value, figure.beside)
        for block in blocks
        if isinstance(block, Figures)
        for figure in block.figures
    }
    return figures, {block.key: [tuple(row) for row in block.rows] for block in blocks if isinstance(block, PageTable)}


def test_a_merge_is_no_gain_no_loss_and_no_change_of_lists(tmp_path: Path) -> None:
    two = company({"a": ("a", 100), "b": ("b", 50), "new": ("new", 0)})
    one = company({"a": ("b", 100), "b": ("b", 50), "new": ("new", 0)})
    before = {**two, "fct_onboarding_queue": [stay("a")], "rpt_account_risk": [risk("a", "usage_fell")]}
    now = {
        **one,
        "fct_onboarding_queue": [stay("b"), stay("new")],
        "rpt_account_risk": [risk("b", "usage_fell"), risk("b", "owner_left")],
    }
    figures, rows = changes(tmp_path, before, now)
    assert rows["since-mrr"] == []
    assert (figures["MRR gained"][0], figures["MRR lost"][0]) == ("$0", "$0")
    assert figures["New in the queue"] == ("1", "0 left it")
    assert [row[0]["id"] for row in rows["since-queue"]] == ["new"]
    assert [row[0]["id"] for row in rows["since-late"]] == ["new"]
    assert [row[2] for row in rows["since-signals"]] == ["owner_left"]


def test_merged_customers_that_pay_less_have_lost_the_difference_once(tmp_path: Path) -> None:
    before = company({"a": ("a", 100), "b": ("b", 50)})
    before["fct_onboarding_queue"] = [stay("a"), stay("b")]
    now = company({"a": ("b", 100), "b": ("b", 20)})
    now["fct_onboarding_queue"] = [{**stay("b"), "is_open": False, "exit_reason": "graduated"}]
    figures, rows = changes(tmp_path, before, now)
    assert rows["since-mrr"] == [({"id": "b", "name": "Name of b"}, -30, 150, 120)]
    assert figures["New in the queue"] == ("0", "1 left it")
    assert [(row[0]["id"], *row[1:3]) for row in rows["since-queue"]] == [("b", "left", "graduated")]


def test_customers_of_which_no_organization_is_left_have_lost_their_mrr(tmp_path: Path) -> None:
    _, rows = changes(tmp_path, company({"a": ("a", 100), "b": ("b", 50)}), company({"b": ("b", 50)}))
    assert rows["since-mrr"] == [({"id": "a", "name": "Name of a"}, -100, 100, 0)]


def test_second_large_deal_of_a_customer_is_new(tmp_path: Path) -> None:
    customers = company({"a": ("a", 100)})
    before = {**customers, "rpt_large_deals": [deal("a", "first")]}
    now = {**customers, "rpt_large_deals": [deal("a", "first"), deal("a", "second")]}
    _, rows = changes(tmp_path, before, now)
    assert [row[2] for row in rows["since-signals"]] == ["second is large."]
