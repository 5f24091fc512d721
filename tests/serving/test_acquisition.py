"""What a customer costs is not told of months whose spend is missing."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from serving.page.acquisition import channels
from serving.page.blocks import PageTable
from serving.page.snapshot import Snapshot
from serving.reader import snapshot
from settings import Settings
from tests.serving.published_marts import write_published


def month(number: int, channel: str, spend_usd: int | None) -> dict[str, Any]:
    """A month of 2026 in which a channel brought two customers."""
    return {
        "month": date(2026, number, 1), "signup_channel": channel, "signups": 40, "activated": 20,
        "paying_customers": 2, "new_mrr_usd_month": 900, "spend_usd": spend_usd,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        # The month before the last six, and each that is among them, also for a channel without a sign-up in it.
        (4, {"ads": (600, 150), "events": (300, 150)}),
        (9, {"ads": (None, None), "events": (None, None)}),
    ],
)
def test_spend_a_customer_is_not_told_while_the_spend_of_a_month_is_missing(
    tmp_path: Path, missing: int, told: dict[str, tuple[int | None, int | None]]
) -> None:
    spend = {number: None if number == missing else 300 for number in (4, 9, 10)}
    rows = [*(month(number, "ads", usd) for number, usd in spend.items()), month(10, "events", spend[10])]
    path = write_published(
        Settings(data_dir=tmp_path), {"rpt_acquisition": rows}, published_at=datetime.fromisoformat("2026-11-01T02:30")
    )
    with snapshot(path) as connection:
        [table] = [block for block in channels(Snapshot(connection)) if isinstance(block, PageTable)]
    assert {row[0]: tuple(row[6:]) for row in table.rows} == told
