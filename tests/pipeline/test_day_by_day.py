"""Days that come one by one, with corrections of what was there, end where one full build of the files does.

The ten days are a part of the sixty.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from benchmarks.same_marts import differences
from settings import Settings
from tests.pipeline.corrections import (
    Company,
    Correction,
    backfill,
    bring_back,
    change_rows,
    credit_an_invoice,
    edit_seed,
    forget_a_user,
    kill,
    mark_an_invoice,
    merge,
    move_stripe_customer,
    restate,
    run_as_of,
    say_late,
    undo_last_merge,
    withdraw,
)

# What happens on a day before its run, to the sample company, whose last day is the third of November.
TEN_DAYS: dict[str, list[Correction]] = {
    "2026-10-27": [restate("2026-09-20")],
    "2026-10-29": [say_late("2026-10-15T12:00:00+00:00", 0, discount_percent="12.00")],
    "2026-10-31": [mark_an_invoice("void", "2026-04", 0)],
    "2026-11-02": [merge(0, 1)],
    # What is corrected while a day of October is published changes November's intervals too.
    "2026-11-03": [
        say_late("2026-10-10T12:00:00+00:00", *range(1, 20), discount_percent="50.00"),
        run_as_of("2026-10-31"),
    ],
}
MONTH_ENDS = ("2026-05-31", "2026-06-01", "2026-06-30", "2026-07-31", "2026-08-01")
SIXTY_DAYS: dict[str, list[Correction]] = {
    "2026-09-06": [restate("2026-09-03")],
    "2026-09-07": [say_late("2026-08-15T12:00:00+00:00", 3, discount_percent="12.00")],
    # It comes three days late.
    "2026-09-08": [withdraw("2026-09-08")],
    "2026-09-10": [mark_an_invoice("void", "2026-04", 3)],
    "2026-09-11": [bring_back("2026-09-08")],
    "2026-09-12": [merge(4, 5)],
    "2026-09-13": [
        edit_seed("price_list", "product_analytics,2,2000000,0.00005,", "product_analytics,2,2000000,0.00006,")
    ],
    "2026-09-14": [withdraw("2026-08-12")],
    "2026-09-15": [
        say_late(
            "2026-07-20T12:00:00+00:00",
            5,
            current_period_start="2026-07-20T00:00:00+00:00",
            current_period_end="2026-08-20T00:00:00+00:00",
        )
    ],
    "2026-09-16": [credit_an_invoice("2026-07")],
    "2026-09-18": [move_stripe_customer("2026-09-01T10:00:00+00:00", 10)],
    "2026-09-19": [run_as_of("2026-08-20")],
    "2026-09-20": [edit_seed("thresholds", "onboarding_line_usd_month,500", "onboarding_line_usd_month,400")],
    "2026-09-21": [bring_back("2026-08-12")],
    "2026-09-22": [backfill("2026-09-01", "2026-09-05")],
    "2026-09-23": [restate("2026-03-31", "2026-04-01")],
    "2026-09-24": [undo_last_merge],
    "2026-09-25": [merge(20, 21)],
    "2026-09-26": [say_late("2026-06-03T00:00:00+00:00", 7, 8, 9, custom_limits_usd={"product_analytics": "50.00"})],
    "2026-09-27": [kill("build_marts", 8)],
    "2026-09-28": [edit_seed("usage_counters", "logs_mb_in_period,logs,1000", "logs_mb_in_period,logs,100")],
    "2026-09-29": [restate("2026-08-31", "2026-09-01")],
    # The last day of a month comes after the month has closed.
    "2026-09-30": [withdraw("2026-09-30")],
    "2026-10-02": [edit_seed("owner_books", "csm,50,2500000", "csm,30,1500000")],
    "2026-10-04": [bring_back("2026-09-30")],
    "2026-10-05": [forget_a_user],
    "2026-10-06": [
        change_rows(
            "product_db/organizations/*2025-q1.parquet",
            "for_internal_metrics = true",
            "id = (select min(id) from rows where customer_id is not null)",
        )
    ],
    "2026-10-07": [undo_last_merge],
    "2026-10-08": [
        change_rows(
            "crm/accounts.parquet",
            "owner_email = (select max(owner_email) from rows)",
            "id = (select min(id) from rows where owner_email is not null)",
        )
    ],
    "2026-10-09": [change_rows("enrichment/companies.parquet", "employees = 3 * employees", "domain < 'c'")],
    "2026-10-10": [mark_an_invoice("void", "2026-09", 4)],
    "2026-10-11": [mark_an_invoice("uncollectible", "2026-08", 3)],
    "2026-10-12": [restate("2026-10-11"), kill("load", 0.5)],
    "2026-10-13": [backfill("2026-09-28", "2026-10-02")],
    "2026-10-14": [say_late("2026-10-01T00:00:10+00:00", 12, 13, discount_percent="30.00")],
    "2026-10-16": [withdraw("2026-10-16")],
    "2026-10-17": [bring_back("2026-10-16")],
    "2026-10-18": [restate("2026-09-17"), kill("gate_marts", 1)],
    "2026-10-19": [edit_seed("size_tiers", "medium,5000", "medium,4000")],
    "2026-10-20": [restate(*MONTH_ENDS)],
    "2026-10-22": [restate("2026-09-30"), run_as_of("2026-09-30")],
    "2026-10-23": [
        say_late("2026-09-12T00:00:00+00:00", 15, 16, subscribed_products=["product_analytics"]),
        run_as_of("2026-10-02"),
        restate("2026-10-20"),
    ],
    "2026-10-24": [mark_an_invoice("open", "2026-10", 2)],
    "2026-10-25": [merge(30, 31), merge(31, 32)],
    **TEN_DAYS,
    "2026-10-26": [move_stripe_customer("2026-10-01T10:00:00+00:00", 40)],
    "2026-10-28": [restate("2026-10-25"), backfill("2026-10-20", "2026-10-24")],
    "2026-10-30": [edit_seed("thresholds", "interval_history_months,12", "interval_history_months,6")],
    "2026-11-01": [credit_an_invoice("2026-10"), kill("build_marts", 5)],
    "2026-11-02": [
        *TEN_DAYS["2026-11-02"],
        say_late("2026-10-31T12:00:00+00:00", 17, 18, has_active_subscription=False),
    ],
}


@pytest.mark.parametrize(
    ("number_of_days", "corrections"),
    [
        pytest.param(10, TEN_DAYS, marks=[pytest.mark.slow, pytest.mark.timeout(3600)], id="ten"),
        pytest.param(60, SIXTY_DAYS, marks=[pytest.mark.soak, pytest.mark.timeout(14400)], id="sixty"),
    ],
)
def test_days_one_by_one_with_corrections_are_a_full_build(
    number_of_days: int, corrections: Mapping[str, Sequence[Correction]], sample: Settings, tmp_path: Path
) -> None:
    company = Company.copy_of(sample.sample_dir / "source", tmp_path)
    company.come_day_by_day(number_of_days, corrections)
    published = [Settings(data_dir=data_dir).serving_path for data_dir in (company.by_days, company.build_at_once())]
    assert differences(*published) == {}
