"""The SQL and the sample company's own books say the same, to the cent: ratings, MRR, customers."""

from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import duckdb
import pytest

from common.settings import Settings
from tests.pipeline.running import marts, run_pipeline

SIZES = [
    "small",
    pytest.param("medium", marks=[pytest.mark.soak, pytest.mark.timeout(3600)]),
    pytest.param("full", marks=[pytest.mark.soak, pytest.mark.timeout(7200)]),
]

RATED_HERE = """
select invoice_id, product_key, period_start_on, quantity, list_usd, after_discount_usd, bill_usd
from intermediate.int_rated_invoices
where list_usd > 0
"""

RATED_BY_THE_COMPANY = """
select invoice_id, product_key, period_start, quantity, list_usd, after_discount_usd, bill_usd
from read_parquet('{books}/rated_lines.parquet')
where list_usd > 0 and invoice_status not in ('draft', 'void')
"""

MRR_HERE = """
select customer_id, month, list_usd, discount_usd, credit_applied_usd, refund_usd, mrr_usd_month, basis
from marts.fct_mrr_monthly
"""

MRR_BY_THE_COMPANY = """
select customer_id, month, list_usd, discount_usd, credit_applied_usd, refund_usd, mrr_usd_month, basis
from read_parquet('{books}/mrr_monthly.parquet')
"""


@pytest.fixture(scope="module", params=SIZES)
def simulated(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A run on the sample company of a size, from nothing."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("simulated") / "data", sample_size=request.param)
    done = run_pipeline(settings.data_dir, GROWTH_SAMPLE_SIZE=request.param)
    assert done.returncode == 0, done.stdout
    return settings


def differences(settings: Settings, here: str, by_the_company: str) -> tuple[int, list[tuple]]:
    """How many rows the company has, and the rows that only one side has, with the side."""
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        theirs = by_the_company.format(books=settings.sample_dir / "books")
        counted = connection.execute(f"select count(*) from ({theirs})").fetchone()
        rows = connection.execute(
            f"select 'only here', * from ({here} except {theirs}) "
            f"union all select 'only in the books', * from ({theirs} except {here}) order by all limit 20"
        ).fetchall()
    assert counted is not None
    return counted[0], rows


def test_every_rated_line_equals_the_companys_own_to_the_cent(simulated: Settings) -> None:
    counted, differing = differences(simulated, RATED_HERE, RATED_BY_THE_COMPANY)
    assert counted > 1000
    assert differing == []


def test_mrr_of_every_customer_and_month_equals_the_companys_own_to_the_cent(simulated: Settings) -> None:
    counted, differing = differences(simulated, MRR_HERE, MRR_BY_THE_COMPANY)
    assert counted > 1000
    assert differing == []


def share(part: Decimal | int, whole: Decimal | int) -> Decimal:
    return (Decimal(part) / Decimal(whole)).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def retention_by_hand(books: dict[str, dict[date, Decimal]], months: list[date], back: int) -> dict[date, tuple]:
    """Customers in the base, base and current MRR, net, gross and logo retention of each month that has a base."""
    found = {}
    for before, month in zip(months, months[back:], strict=False):
        base = {who: mrr[before] for who, mrr in books.items() if before in mrr and 12 * mrr[before] >= 5000}
        if base:
            now = {who: books[who][month] for who in base}
            whole, left = sum(base.values()), sum(now.values())
            kept = sum(min(base[who], now[who]) for who in base)
            paying = sum(amount > 0 for amount in now.values())
            ratios = (share(left, whole), share(kept, whole), share(paying, len(base)))
            found[month] = (len(base), whole, left, *ratios)
    return found


def test_retention_is_what_plain_python_makes_of_the_companys_own_books(simulated: Settings) -> None:
    books: dict[str, dict[date, Decimal]] = defaultdict(dict)
    path = simulated.sample_dir / "books" / "mrr_monthly.parquet"
    for customer, month, mrr in duckdb.execute(
        f"select customer_id, month, mrr_usd_month from read_parquet('{path}')"
    ).fetchall():
        books[customer][month] = mrr
    months = sorted({month for of_customer in books.values() for month in of_customer})
    reported: dict[int, dict[date, tuple]] = defaultdict(dict)
    with duckdb.connect(str(simulated.serving_path), read_only=True) as connection:
        for back, month, *figures in connection.execute(
            "select base_months, month, customers_in_base, base_mrr, current_mrr, ndr, gdr, logo_retention "
            "from marts.rpt_retention where customers_in_base > 0"
        ).fetchall():
            reported[back][month] = tuple(figures)
    assert {back: len(of_window) > 10 for back, of_window in reported.items()} == {3: True, 6: True, 12: True}
    for back, of_window in reported.items():
        assert of_window == retention_by_hand(books, months, back)


def test_organizations_are_resolved_into_the_customers_that_the_company_knows(simulated: Settings) -> None:
    counted, differing = differences(
        simulated,
        "select organization_id, customer_id from marts.dim_organizations",
        "select organization_id, customer_id from read_parquet('{books}/customers.parquet')",
    )
    assert counted > 1000
    assert differing == []


def test_every_band_of_the_mix_has_customers(simulated: Settings) -> None:
    progress = marts(simulated.data_dir)["rpt_arr_mix_progress"]
    assert progress
    with duckdb.connect(str(simulated.serving_path), read_only=True) as connection:
        empty = connection.execute(
            "select band from marts.rpt_arr_mix_progress where as_of = (select as_of_date from marts.publish_info) "
            "and customers = 0"
        ).fetchall()
    assert empty == []
