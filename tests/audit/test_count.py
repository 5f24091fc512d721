"""A count of its own of companies that no other test has seen says what is published, row by row, to the cent."""

import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from sample_company import write_sample_company
from tests.audit.count import ONE_DAY, ZERO, Company, half_up, instant, month_of, months_later, seed, threshold
from tests.support.running import read, run_pipeline

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]

Rows = Iterable[tuple[Any, ...]]


@dataclass(frozen=True)
class Audited:
    """A company, and the data folder of a run on it."""

    company: Company
    data_dir: Path


@pytest.fixture(scope="module", params=[7301, 9127])
def audited(request: pytest.FixtureRequest, parsed: Path, tmp_path_factory: pytest.TempPathFactory) -> Audited:
    """A run on a company that is simulated from a seed, and the company's files."""
    data_dir = Path(shutil.copytree(parsed, tmp_path_factory.mktemp("audited") / "data"))
    write_sample_company(data_dir.with_name("company"), size="small", seed=request.param)
    source = data_dir.with_name("company") / "source"
    done = run_pipeline(data_dir, source)
    assert done.returncode == 0, done.stdout
    return Audited(Company(source), data_dir)


def share(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """A share with four digits, None of nothing."""
    return half_up(Fraction(part) / Fraction(whole), 4) if whole else None


def the_days(company: Company) -> Rows:
    """The data day and the last closed month."""
    yield company.data_day, company.last_closed_month


def the_usage(company: Company) -> Rows:
    """Billed units by organization, day and product."""
    for organization, days in company.usage.items():
        for day, products in days.items():
            for product, units in products.items():
                yield organization, day, product, Decimal(units) / company.units[product]


def the_mrr(company: Company) -> Rows:
    """What MRR is made of, by customer and month."""
    for customer, months in company.mrr.items():
        for month, amounts in months.items():
            yield customer, month, *amounts, company.mrr_of(customer, month)


def the_mrr_by_product(company: Company) -> Rows:
    """The same by product."""
    for key, amounts in company.mrr_by_product.items():
        yield *key, *amounts


def movement(before: Decimal, after: Decimal, has_paid: bool) -> str:
    """What a change of MRR is called."""
    if before <= 0 < after:
        return "reactivation" if has_paid else "new"
    if after <= 0 < before:
        return "churn"
    return "expansion" if after > before else "contraction"


def the_movements(company: Company) -> Rows:
    """Changes of MRR from month to month."""
    for customer, months in company.mrr.items():
        before, has_paid = ZERO, False
        for month in sorted(months):
            after = company.mrr_of(customer, month)
            if after != before:
                yield customer, month, movement(before, after, has_paid), after - before, before, after
            before, has_paid = after, has_paid or after > 0


def months_of(company: Company) -> list[date]:
    """The months from the first with MRR to the last closed one."""
    return sorted({month for months in company.mrr.values() for month in months})


def the_retention(company: Company) -> Rows:
    """What became of the customers that were large enough some months before."""
    floor = threshold("retention_floor_usd_year")
    for base_months in (int(row["base_months"]) for row in seed("retention_windows")):
        for base, month in zip(months_of(company), months_of(company)[base_months:], strict=False):
            pairs = [(company.mrr_of(each, base), company.mrr_of(each, month)) for each in company.mrr]
            pairs = [pair for pair in pairs if 12 * pair[0] >= floor]
            was, is_now = (sum((pair[place] for pair in pairs), ZERO) for place in (0, 1))
            kept, logos = sum(map(min, pairs), ZERO), sum(now > 0 for _, now in pairs)
            figures = (share(is_now, was), share(kept, was), share(logos, len(pairs)))
            yield month, base_months, len(pairs), was, is_now, kept, *figures


def the_mix(company: Company) -> Rows:
    """Customers and ARR by band at the end of each closed month and on the data day."""
    bands = sorted(seed("arr_mix_targets"), key=lambda row: -int(row["arr_from_usd_year"]))
    ends = [(months_later(month, 1) - ONE_DAY, month) for month in months_of(company)]
    for as_of, month in [*ends, (company.data_day, company.last_closed_month)]:
        left = [arr for each in company.mrr if (arr := 12 * company.mrr_of(each, month)) > 0]
        for row in bands:
            of_band = [arr for arr in left if arr >= int(row["arr_from_usd_year"])]
            left = [arr for arr in left if arr < int(row["arr_from_usd_year"])]
            capped = sum((min(arr, Decimal(row["price_usd_year"])) for arr in of_band), ZERO)
            target = int(row["target_customers"]) * int(row["price_usd_year"])
            yield as_of, row["band"], len(of_band), sum(of_band, ZERO), capped, share(capped, target)


def the_signups(company: Company) -> Rows:
    """Sign-ups by week, and customers with MRR in the week in which they paid a bill with money for the first time."""
    weeks: dict[date, Counter[str]] = defaultdict(Counter)
    for row in company.organizations.values():
        weeks[monday(row["created_at"].date())]["signups"] += 1
    first_paid: dict[str, datetime] = {}
    for invoice in company.bills():
        paid_at = instant(invoice["status_transitions"]["paid_at"] or invoice["created"]) or company.end
        customer = company.customers[company.pooled[invoice["customer"]][0]]
        paid = invoice["amount_paid"] * company.rates[month_of(paid_at.date()), invoice["currency"]]
        if invoice["status"] == "paid" and paid > threshold("paid_bill_above_usd"):
            first_paid[customer] = min(paid_at, first_paid.get(customer, paid_at))
    for customer, paid_at in first_paid.items():
        if any(company.mrr_of(customer, month) > 0 for month in company.mrr[customer]):
            weeks[monday(paid_at.date())]["companies"] += 1
    for week, counted in weeks.items():
        yield week, counted["signups"], counted["companies"]


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


# What is published in the same columns.
PUBLISHED: dict[Callable[[Company], Rows], str] = {
    the_days: "select as_of_date, last_closed_month from marts.publish_info",
    lambda company: company.customers.items(): "select organization_id, customer_id from marts.dim_organizations",
    the_usage: "select organization_id, date, product_key, quantity from marts.fct_usage_daily",
    Company.bills_to_date: """
        select organization_id, as_of_date, period_start, period_end, amount_to_date_usd from marts.fct_bill_forecasts
    """,
    the_mrr: """
        select customer_id, month, list_usd, discount_usd, credit_applied_usd, refund_usd, mrr_usd_month
        from marts.fct_mrr_monthly
    """,
    the_mrr_by_product: """
        select customer_id, month, product_key, list_usd, discount_usd, credit_applied_usd, refund_usd
        from marts.fct_mrr_products
    """,
    the_movements: """
        select customer_id, month, movement, delta_usd_month, mrr_before_usd_month, mrr_after_usd_month
        from marts.fct_mrr_movements
    """,
    the_retention: """
        select month, base_months, customers_in_base, base_mrr_usd_month, current_mrr_usd_month, kept_mrr_usd_month,
            ndr, gdr, logo_retention
        from marts.rpt_retention
    """,
    the_mix: "select as_of, band, customers, arr_usd, capped_arr_usd, progress from marts.rpt_arr_mix_progress",
    the_signups: "select week, signups, new_paying_companies from marts.rpt_signups_weekly",
}


def test_a_count_that_reads_no_sql_finds_no_difference(audited: Audited) -> None:
    for count, query in PUBLISHED.items():
        counted, published = Counter(count(audited.company)), Counter(read(audited.data_dir, query))
        assert counted, query
        assert not counted - published, query
        assert not published - counted, query
