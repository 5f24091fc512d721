"""The courses of usage that the sample company has planted: in which numbers, and what they do to a month."""

import numpy as np
import pytest

from sample_company.accounts import Account, simulate_accounts
from sample_company.courses import CALM, RESTLESS, course_factors, plant_courses
from sample_company.parameters import DAYS, SIZES, day_at
from sample_company.signups import simulate_signups
from sample_company.usage_plan import UsagePlan, free_course


@pytest.fixture(scope="module")
def planted() -> tuple[list[Account], UsagePlan]:
    streams = [np.random.default_rng([5, part]) for part in range(4)]
    signups = simulate_signups(SIZES["small"], streams[0])
    accounts = simulate_accounts(signups, SIZES["small"], streams[1])
    plan = free_course(signups, streams[2])
    plant_courses(accounts, plan, streams[3])
    return accounts, plan


def test_courses_are_planted_in_the_shares_that_are_written_down(planted: tuple[list[Account], UsagePlan]) -> None:
    accounts, plan = planted
    usual = [each for each in accounts if each.end_day is None and "vendor" not in each.traits]
    settled = [each.organizations[0] for each in usual if each.group not in ("first_bill", "startup")]
    first_bills = [each.organizations[0] for each in usual if each.group == "first_bill"]
    noise = plan.noise[[each.organizations[0] for each in usual]]
    assert [(noise == level).sum() for level in (CALM, RESTLESS)] == pytest.approx([len(usual) / 4] * 2, abs=1)
    shares = [(plan.calendar[settled] == number).sum() / len(settled) for number in (1, 2, 3)]
    assert shares == pytest.approx([0.06] * 3, abs=0.01)
    assert (plan.step_day[settled] > 0).mean() == pytest.approx(0.12, abs=0.01)
    assert (plan.ramp_days[first_bills] > 0).mean() == pytest.approx(0.7, abs=0.05)
    # Nobody has two of them, and whoever pays nothing has none.
    assert not ((plan.calendar > 0) & (plan.step_day > 0)).any()
    assert (plan.ramp_days > 0).sum() == (plan.ramp_days[first_bills] > 0).sum()


def test_calendar_moves_usage_within_a_month_and_a_step_ends_where_it_was_planned(
    planted: tuple[list[Account], UsagePlan],
) -> None:
    _, plan = planted
    days = np.arange(DAYS)
    september = np.array([day_at(number).strftime("%Y-%m") == "2026-09" for number in days.tolist()])
    for calendar, busiest in ((1, 29), (2, 0)):
        factors = course_factors(plan, np.flatnonzero(plan.calendar == calendar), days)[september]
        assert factors.mean(axis=0) == pytest.approx(1)
        assert (factors[busiest] == factors.max(axis=0)).all()
        assert factors.max(axis=0) / factors.min(axis=0) == pytest.approx(6)
    stepped = course_factors(plan, np.flatnonzero(plan.step_day > 0), days)
    assert (stepped[-1] == 1).all()
    assert set(stepped[0].tolist()) == {0.5, 1.6}
