"""Random days: whatever happens in a Stripe account, its newest landed state is the account's."""

import gzip
from pathlib import Path

import pytest

from tests.connectors.stripe_days import RandomDays, account_of_days
from tests.connectors.stripe_landing import killed, landing_of


def test_ten_random_days_land_as_the_account_is(tmp_path: Path) -> None:
    with landing_of(account_of_days(), tmp_path) as stripe:
        days = RandomDays(stripe, seed=1)
        for _ in range(10):
            days.one_day()
        assert days.reasons["weekly"] == 1


@pytest.mark.soak
def test_300_random_days_land_as_the_account_is(tmp_path: Path) -> None:
    with landing_of(account_of_days(), tmp_path) as stripe:
        days = RandomDays(stripe, seed=2)
        for _ in range(300):
            days.one_day()
        assert days.reasons["gap"] > 2
        assert days.reasons["weekly"] > 30
        assert days.found_by_full_lists > 10


@pytest.mark.soak
def test_200_kills_in_random_days_lose_nothing(tmp_path: Path) -> None:
    kills = 0
    with landing_of(account_of_days(), tmp_path) as stripe:

        def kill_at(moment: int) -> None:
            nonlocal kills
            kills += killed(stripe, moment)
            for path in stripe.files():
                with gzip.open(stripe.root / path) as lines:
                    assert lines.read().endswith(b"\n")

        days = RandomDays(stripe, seed=3, kill_at=kill_at)
        while kills < 200:
            days.one_day()
