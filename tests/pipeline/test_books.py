"""The SQL and the sample company's own books say the same, to the cent: ratings, MRR, customers."""

import csv
import json
import shutil
from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import accumulate, combinations, takewhile
from math import log
from pathlib import Path
from statistics import median

import duckdb
import pytest

from sample_company.rating import after_discount, load_price_list
from serving.page.blocks import percent, short_money
from serving.page.headline import headline
from serving.page.snapshot import Snapshot
from serving.page.trust import WEEKS_OF_FIGURES
from serving.reader import snapshot
from settings import Settings
from tests.pipeline.metrics import metric
from tests.support.running import read, run_pipeline
from transform.dbt_runner import DBT_PROJECT_DIR
from transform.trial import build_trial, edit_project

pytestmark = pytest.mark.slow

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
def simulated(request: pytest.FixtureRequest, parsed: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A run on the sample company of a size."""
    if request.param == "small":
        small: Settings = request.getfixturevalue("sample")
        return small
    data_dir = Path(shutil.copytree(parsed, tmp_path_factory.mktemp("simulated") / "data"))
    settings = Settings(data_dir=data_dir, sample_size=request.param)
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


def test_mrr_equals_the_companys_books_to_the_cent(simulated: Settings) -> None:
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


def test_retention_matches_the_companys_books(simulated: Settings) -> None:
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
            "select base_months, month, customers_in_base, base_mrr_usd_month, current_mrr_usd_month, ndr, gdr, "
            "logo_retention "
            "from marts.rpt_retention where customers_in_base > 0"
        ).fetchall():
            reported[back][month] = tuple(figures)
    assert {back: len(of_window) > 10 for back, of_window in reported.items()} == {3: True, 6: True, 12: True}
    for back, of_window in reported.items():
        assert of_window == retention_by_hand(books, months, back)


def test_organizations_resolve_into_the_known_customers(simulated: Settings) -> None:
    counted, differing = differences(
        simulated,
        "select organization_id, customer_id from marts.dim_organizations",
        "select organization_id, customer_id from read_parquet('{books}/customers.parquet')",
    )
    assert counted > 1000
    assert differing == []


def test_every_band_of_the_mix_has_customers(simulated: Settings) -> None:
    bands = read(
        simulated.data_dir,
        "select band, customers from marts.rpt_arr_mix_progress "
        "where as_of = (select as_of_date from marts.publish_info)",
    )
    assert {band for band, _ in bands} == {"1m", "50k", "25k", "below"}
    assert [band for band, customers in bands if customers == 0] == []


def books_mrr(settings: Settings) -> dict[str, dict[date, Decimal]]:
    """The company's own MRR by customer and month."""
    found: dict[str, dict[date, Decimal]] = defaultdict(dict)
    rows = duckdb.execute(
        "select customer_id, cast(month as date), cast(mrr_usd_month as decimal(18, 2)) from read_parquet(?)",
        [f"{settings.sample_dir}/books/mrr_monthly.parquet"],
    ).fetchall()
    for customer, month, mrr in rows:
        found[customer][month] = mrr
    return found


def built(settings: Settings, query: str) -> list[tuple]:
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_acquisition_cost_and_payback_match_the_books(simulated: Settings) -> None:
    [(months, closed)] = built(
        simulated,
        "select (select list(distinct month order by month) from marts.rpt_acquisition), last_closed_month "
        "from intermediate.int_data_day",
    )
    mrr = books_mrr(simulated)
    firsts = [min((month for month in paid if paid[month] > 0), default=None) for paid in mrr.values()]
    new = [(first, paid[first]) for first, paid in zip(firsts, mrr.values(), strict=True) if first]
    with (simulated.sample_dir / "source" / "spend" / "sales_and_marketing.csv").open() as file:
        spent = [(date.fromisoformat(row["month"]), Decimal(row["amount_usd"])) for row in csv.DictReader(file)]
    expected = [
        (
            month,
            sum(first == month for first, _ in new),
            sum((paid for first, paid in new if first == month), Decimal()),
            sum((amount for day, amount in spent if day == month), Decimal()),
        )
        for month in months
        if month <= closed
    ]
    assert len(expected) > 20
    # What the open month brought is not known yet.
    assert [*expected, (months[-1], None, None, None)] == built(
        simulated,
        "select month, cast(sum(paying_customers) as int), sum(new_mrr_usd_month), sum(spend_usd) "
        "from marts.rpt_acquisition group by month order by month",
    )
    last_year = expected[-12:]
    payback = sum(row[3] for row in last_year) * 365 / (12 * sum(row[2] for row in last_year))
    [(shown,)] = built(simulated, "select value from marts.rpt_strategy where figure = 'payback_days'")
    assert abs(shown - payback) <= Decimal("0.005")


def test_projection_accuracy_matches_the_books(simulated: Settings) -> None:
    bounds = {"below": 0, "25k": 25_000, "50k": 50_000, "1m": 1_000_000, "mix": 25_000}
    above = {"below": 25_000, "25k": 50_000, "50k": 1_000_000, "1m": 10**12, "mix": 10**12}
    mrr = books_mrr(simulated)
    judged = built(
        simulated,
        "select month, band, customers_p10, customers_p90, customers_actual, is_customers_covered, arr_usd_p10, "
        "arr_usd_p90, arr_usd_actual, is_arr_covered from marts.rpt_arr_mix_projection_accuracy",
    )
    assert len(judged) == (6 + 9 + 12) * 5
    held: dict[str, list[bool]] = defaultdict(list)
    for month, band, few, many, customers, is_covered, low, high, arr, is_arr_covered in judged:
        arrs = [12 * paid.get(month, Decimal()) for paid in mrr.values()]
        of_band = [each for each in arrs if each > 0 and bounds[band] <= each < above[band]]
        assert (customers, arr) == (len(of_band), sum(of_band, Decimal()))
        assert is_covered == (few <= len(of_band) <= many)
        assert is_arr_covered == (low <= sum(of_band, Decimal()) <= high)
        held[band].append(is_covered)
    shares = built(
        simulated, "select distinct band, cast(customers_coverage as double) from marts.rpt_arr_mix_projection"
    )
    assert dict(shares) == {band: pytest.approx(sum(of) / len(of), abs=5e-5) for band, of in held.items()}


def test_line_crossers_match_the_growth_in_the_books(simulated: Settings) -> None:
    [(as_of, last_month)] = built(simulated, "select as_of_date, last_closed_month from intermediate.int_data_day")
    lines = built(simulated, "select line, line_usd_year from intermediate.int_revenue_lines")
    months = list(accumulate(range(5), lambda month, _: (month - timedelta(days=1)).replace(day=1), initial=last_month))
    days_ahead = (as_of - (last_month + timedelta(days=32)).replace(day=1)).days + 1 + 90
    expected = []
    for customer, paid in books_mrr(simulated).items():
        recent = list(takewhile(lambda each: each > 0, (paid.get(month, Decimal()) for month in months)))
        if len(recent) < 3:
            continue
        pairs = combinations(enumerate(map(log, recent)), 2)
        slope = median((later - earlier) / (months_ago - since) for (since, later), (months_ago, earlier) in pairs)
        for line, line_usd_year in lines:
            distance = log(line_usd_year) - log(12 * recent[0])
            if slope * distance > 0 and distance / slope * 146097 / 4800 <= days_ahead:
                expected.append((customer, line, "up" if slope > 0 else "down"))
    assert expected
    assert sorted(expected) == built(
        simulated, "select customer_id, line, direction from marts.rpt_line_crossers order by all"
    )


# A metric by MetricFlow, what it is grouped by, and the same figures as the marts have them.
METRICS = {
    "mrr": ((), "select sum(mrr_usd_month) from marts.dim_customers"),
    "arr": ((), "select sum(arr_usd_year) from marts.dim_customers"),
    "mrr by month": (
        ("metric_time__month",),
        "select month, sum(mrr_usd_month) from marts.fct_mrr_monthly group by month",
    ),
    "arr by size": (
        ("customer__size_tier",),
        "select size_tier, sum(arr_usd_year) from marts.dim_customers "
        "where customer_id in (select customer_id from marts.fct_mrr_products "
        "where month = (select last_closed_month from intermediate.int_data_day)) group by size_tier",
    ),
    "mrr by product": (
        ("product__display_name",),
        "select display_name, sum(mrr_usd_month - refund_usd) from marts.fct_mrr_products "
        "inner join marts.dim_products using (product_key) "
        "where month = (select last_closed_month from intermediate.int_data_day) group by display_name",
    ),
    **{
        f"mrr by {attribute}": (
            (f"customer__{attribute}",),
            f"select {attribute}, sum(mrr_usd_month) from marts.dim_customers "
            "where customer_id in (select customer_id from marts.fct_mrr_products "
            "where month = (select last_closed_month from intermediate.int_data_day)) group by 1",
        )
        for attribute in ("icp_segment", "size_tier", "signup_channel")
    },
    **{
        f"ndr by {attribute}": (
            ("product" if attribute == "product_key" else f"retention_base__{attribute}",),
            "select attribute_value, ndr from marts.rpt_retention_by where base_months = 12 and ndr is not null "
            f"and attribute = '{attribute}' and month = (select last_closed_month from intermediate.int_data_day)",
        )
        for attribute in ("icp_segment", "size_tier", "signup_channel", "product_key")
    },
    "customers_in_band": (
        ("mix_row__band",),
        "select arr_mix_band, count(*) from marts.dim_customers where arr_usd_year > 0 group by arr_mix_band",
    ),
    "arr_in_mix": (
        (),
        "select sum(capped_arr_usd) from marts.rpt_arr_mix_progress "
        "where as_of = (select as_of_date from intermediate.int_data_day)",
    ),
    "onboarding_queue_size": ((), "select count(*) from marts.fct_onboarding_queue where is_open"),
    "icp_share": (
        ("metric_time__week",),
        "select week, round(icp_signups / signups, 4) from marts.rpt_signups_weekly where signups > 0",
    ),
    **{
        f"{rate}_{months}_months": (
            ("metric_time__month",),
            f"select month, {rate} from marts.rpt_retention where base_months = {months} and {rate} is not null",
        )
        for rate in ("ndr", "gdr")
        for months in (3, 6, 12)
    },
}


OF_LAST_MONTH = "where month = (select last_closed_month from intermediate.int_data_day)"
KNOWN = "count(*) filter (where outcome <> 'unknown')"
ANSWERED = "count(*) filter (where outcome = 'answered')"
COMPARED = "sum(customers - customers_unknown)"
CARRIED = "sum(carried_by_members + coalesce(carried_by_founders, 0))"
# The same of the strategy's marts: metric, group, its column, figures, table and what rows of it.
STRATEGY_METRICS = [
    ("margin", "", "", "sum(margin_usd)", "fct_margins_monthly", OF_LAST_MONTH),
    ("mrr_with_margin", "", "", "sum(mrr_usd_month)", "fct_margins_monthly",
        f"{OF_LAST_MONTH} and margin_usd is not null"),
    ("margin_share", "", "", "sum(margin_usd) / sum(mrr_usd_month)", "fct_margins_monthly",
        f"{OF_LAST_MONTH} and margin_usd is not null"),
    ("customers_by_bill_and_use", "customer__cell", "cell", "count(*)", "rpt_bill_and_use", ""),
    ("savings_of_fixes", "", "", "sum(saves_usd_month)", "rpt_billed_products", ""),
    ("headroom", "headroom_row__kind", "kind", "sum(usd_month)", "rpt_headroom", ""),
    ("headroom_expected", "judged_row__kind", "kind", "sum(expected)", "rpt_headroom_accuracy", ""),
    ("headroom_came", "judged_row__kind", "kind", "sum(came)", "rpt_headroom_accuracy", ""),
    ("headroom_came_share", "judged_row__kind", "kind", "sum(came) / sum(expected)", "rpt_headroom_accuracy", ""),
    ("stripe_invoiced", "metric_time__month", "month", "sum(invoiced_usd)", "rpt_stripe_tie_out", ""),
    ("stripe_unexplained", "metric_time__month", "month", "sum(0)", "rpt_stripe_tie_out", ""),
    ("customers_compared", "price_row__competitor", "competitor", COMPARED, "rpt_cheapest_products", ""),
    ("customers_cheapest", "product", "product_key", "sum(customers_cheapest)", "rpt_cheapest_products", ""),
    ("cheapest_share", "product", "product_key", f"sum(customers_cheapest) / {COMPARED}", "rpt_cheapest_products", ""),
    ("deals_below_cost", "", "", "count(*)", "rpt_deals_below_cost", ""),
    ("entries_that_ask", "response__list_name", "list_name", KNOWN, "fct_responses", ""),
    ("entries_answered", "response__role", "role", ANSWERED, "fct_responses", ""),
    ("answered_share", "response__list_name", "list_name", f"{ANSWERED} / {KNOWN}", "fct_responses", ""),
    ("entries_waiting", "", "", "count(*)", "fct_responses", "where outcome = 'waiting'"),
    ("active_customers", "reach_row__highest_level", "highest_level", "sum(customers)", "rpt_reach",
        "where month = (select max(month) from marts.rpt_reach)"),
    ("signups_by_month", "metric_time__month", "month", "sum(signups)", "rpt_word_of_mouth", ""),
    ("carried_signups", "metric_time__month", "month", CARRIED, "rpt_word_of_mouth", ""),
    ("carried_share", "", "", f"{CARRIED} / sum(signups)", "rpt_word_of_mouth", ""),
    ("missing_references", "product", "product_key", "sum(still_missing)", "rpt_reference_progress", ""),
    ("feature_demand", "feature__feature_name", "feature", "sum(companies)", "rpt_feature_demand", ""),
    ("team_people", "team_row__lever", "lever", "sum(people_p50)", "rpt_team_projection",
        "where month = (select min(month) from marts.rpt_team_projection)"),
]  # fmt: skip
METRICS |= {
    name: ((by,) if by else (), f"select {column + ', ' if by else ''}{figure} from marts.{mart} {where} group by all")
    for name, by, column, figure, mart, where in STRATEGY_METRICS
}


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_what_the_marts_say(simulated: Settings, name: str) -> None:
    by, figures = METRICS[name]
    found = [
        (*of, round(value, 4)) for *of, value in metric(simulated, name.split(maxsplit=1)[0], by) if value is not None
    ]
    with duckdb.connect(str(simulated.warehouse_path), read_only=True) as connection:
        expected = sorted(connection.execute(figures).fetchall())
    assert len(expected) >= (10 if by and by[0].startswith("metric_time") else 1)
    assert [[str(part)[:10] for part in row[:-1]] for row in found] == [
        [str(part)[:10] for part in row[:-1]] for row in expected
    ]
    # A share of the marts is rounded half up from decimals, one of MetricFlow's is a division of floats.
    assert [float(row[-1]) for row in found] == pytest.approx([float(row[-1]) for row in expected], abs=0.00011)


def test_the_page_says_at_its_top_what_the_metrics_say(simulated: Settings) -> None:
    with snapshot(simulated.serving_path) as connection:
        shown = {figure.name: figure.value for figure in headline(Snapshot(connection))}
        ((as_of,),) = connection.execute("select as_of_date from publish_info").fetchall()
    weeks = [week for week, _ in metric(simulated, "signups", ["metric_time__week"])]
    first, *_, last = [week for week in weeks if week.date() + timedelta(days=6) <= as_of][-WEEKS_OF_FIGURES:]
    in_them = f"{{{{ TimeDimension('metric_time', 'week') }}}} between '{first}' and '{last}'"

    def value(name: str, *where: str) -> Decimal:
        ((found,),) = metric(simulated, name, where=where)
        return found

    assert shown == {
        "ARR": short_money(value("arr")),
        "ARR in the mix": short_money(value("arr_in_mix")),
        "Paying customers": f"{value('customers_in_band'):,.0f}",
        "Net retention": percent(value("ndr_12_months")),
        "Onboarding queue": f"{value('onboarding_queue_size'):,.0f}",
        "ICP share of sign-ups": percent(value("icp_share", in_them)),
    }


# Prices that are moved at a free tier, in the middle, and in the last tier; and a package's fee.
OTHER_PRICES = [
    "product_analytics/1.up_to=500000",
    "session_replay/2.unit_price_usd=0.006",
    "feature_flags/5.unit_price_usd=0.00002",
    "boost/1.flat_amount_usd=300",
]


@pytest.fixture(scope="module")
def weighed(simulated: Settings, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, list[str]], Settings]:
    """Weighs a price list on a copy of the simulated company's warehouse."""

    def weigh(what: str, edits: list[str]) -> Settings:
        # The run may be one that other tests read.
        copy = simulated.model_copy(update={"data_dir": tmp_path_factory.mktemp("weighed")})
        copy.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(simulated.warehouse_path, copy.warehouse_path)
        trial = build_trial(what, edits, copy)
        return copy.model_copy(update={"data_dir": trial.parent})

    return weigh


def test_the_same_price_list_gives_the_bills_of_all_closed_months_to_the_cent(
    simulated: Settings, weighed: Callable[[str, list[str]], Settings], tmp_path: Path
) -> None:
    shutil.copyfile(DBT_PROJECT_DIR / "seeds" / "price_list.csv", tmp_path / "candidate_price_list.csv")
    same = weighed(str(tmp_path), [])
    [(bills, differing)] = built(
        same,
        "select count(*), "
        "count(*) filter (candidate_minor <> rated_minor or candidate_minor <> invoiced_minor "
        "or mrr_change_minor <> 0) "
        "from intermediate.int_repriced_bills",
    )
    assert bills > 5000
    assert differing == 0
    # What the company's own books have for the same products, by bill.
    books = simulated.sample_dir / "books" / "rated_lines.parquet"
    in_books = duckdb.execute(
        "select count(*), cast(sum(bill_usd) * 100 as hugeint) "
        f"from read_parquet('{books}') where bill_usd > 0 and invoice_status not in ('draft', 'void')"
    ).fetchall()
    in_dollars = (
        "select count(*), cast(sum(rated.bill_usd) * 100 as hugeint) from intermediate.int_repriced_bills as bills "
        "join intermediate.int_rated_invoices as rated using (invoice_id, product_key, period_start_on) "
        "where rated.bill_usd > 0"
    )
    assert built(same, in_dollars) == in_books
    assert built(
        same,
        "select count(*) from marts.rpt_price_change_mix where probability_in_time <> candidate_probability_in_time",
    ) == [(0,)]


def test_another_price_list_changes_bills_as_plain_python_does(
    weighed: Callable[[str, list[str]], Settings], tmp_path: Path
) -> None:
    """By the sample company's own rating in whole numbers, which shares no code with the models."""
    other = weighed("price_list.csv", OTHER_PRICES)
    shutil.copytree(DBT_PROJECT_DIR / "seeds", tmp_path / "seeds")
    edit_project("price_list.csv", OTHER_PRICES, tmp_path)
    shutil.copyfile(tmp_path / "seeds" / "candidate_price_list.csv", tmp_path / "seeds" / "price_list.csv")
    prices = load_price_list(tmp_path / "seeds")
    bills = built(
        other,
        "select bills.product_key, bills.period_end_on, bills.quantity, rated.discount_percent, rated.limit_usd, "
        "rated.is_subscribed, bills.rated_minor, bills.candidate_minor from intermediate.int_repriced_bills as bills "
        "join intermediate.int_rated_invoices as rated using (invoice_id, product_key, period_start_on) "
        "where bills.currency = 'usd'",
    )
    moved: dict[str, int] = defaultdict(int)
    for product, end, quantity, discount, limit, is_subscribed, rated, candidate in bills:
        tariff = prices.tariff(product, end - timedelta(days=1))
        units = int(quantity)
        listed = tariff.flat_cents * units if product == "boost" else tariff.list_cents(units)
        cents = after_discount(listed if is_subscribed else 0, int(discount * 100))
        assert candidate == (cents if limit is None else min(cents, int(limit * 100)))
        moved[product] += candidate != rated
    assert {product for product, bills_moved in moved.items() if bills_moved} == {
        "product_analytics",
        "session_replay",
        "feature_flags",
        "boost",
    }
    # What customers pay more is what the mix gains.
    assert built(
        other, "select sum(candidate_arr_usd_year - arr_usd_year) from marts.rpt_price_change_customers"
    ) == built(other, "select sum(candidate_arr_usd - arr_usd) from marts.rpt_price_change_mix where band <> 'mix'")


def test_margins_are_what_plain_python_makes_of_books_reports_and_costs(simulated: Settings) -> None:
    source = simulated.sample_dir / "source"
    products = load_price_list(DBT_PROJECT_DIR / "seeds")
    with (source / "costs" / "unit_costs.csv").open() as file:
        cost = {
            (date.fromisoformat(row["month"]), row["product_key"], row["region"]): Decimal(row["cost_usd_per_unit"])
            for row in csv.DictReader(file)
        }
    customers = dict(built(simulated, "select organization_id, customer_id from marts.dim_organizations"))
    regions = dict(built(simulated, "select organization_id, region from marts.dim_organizations"))
    months = sorted({month for month, _, _ in cost})[-4:]
    sums = ", ".join(f"sum({counter})" for counter in products.counters)
    used: dict[tuple[str, date, str, str], int] = defaultdict(int)
    for organization, month, *units in built(
        simulated,
        f"select organization_id, cast(date_trunc('month', date) as date), {sums} from raw.usage__usage_reports "
        f"where date >= date '{months[0]}' group by all",
    ):
        for product, quantity in zip(products.products, units, strict=True):
            if organization in customers and quantity:
                used[customers[organization], month, product, regions[organization]] += quantity
    extra: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    with (source / "costs" / "account_costs.csv").open() as file:
        for row in csv.DictReader(file):
            extra[customers[row["organization_id"]], date.fromisoformat(row["month"])] += Decimal(row["amount_usd"])
    spent: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
    for (customer, month, product, region), quantity in used.items():
        if month in months:
            unit = cost.get((month, product, region)) or cost[month, product, "all"]
            dollars = Decimal(quantity) / products.divisors.get(product, 1) * unit
            spent[customer, month] += dollars.quantize(Decimal("0.01"), ROUND_HALF_UP)
    expected = {
        (customer, month): paid[month] - spent[customer, month] - extra[customer, month]
        for customer, paid in books_mrr(simulated).items()
        for month in months
        if paid.get(month, 0) > 0
    }
    found = built(
        simulated, f"select customer_id, month, margin_usd from marts.fct_margins_monthly where month >= '{months[0]}'"
    )
    assert {(customer, month): margin for customer, month, margin in found} == expected
    negative = {
        customer
        for customer, _ in expected
        if all(expected.get((customer, month), Decimal(0)) < 0 for month in months[-3:])
    }
    listed = built(simulated, "select customer_id from marts.rpt_margin_negative_customers")
    assert {customer for (customer,) in listed} == negative
    planted = json.loads((simulated.sample_dir / "books" / "plants.json").read_text())["clusters"]
    assert len(planted) == 3
    assert {customers[organization] for organization in planted} <= negative


def list_usd(tiers: list[tuple[Decimal | None, Decimal, Decimal]], units: Decimal) -> Decimal | None:
    """What units cost by graduated tiers (last unit, price, flat fee), by walking them; None above the last one."""
    total, below = Decimal(0), Decimal(0)
    for last_unit, price, fee in tiers:
        if units > below:
            total += fee + price * ((units if last_unit is None else min(units, last_unit)) - below)
        if last_unit is None or units <= last_unit:
            return total
        below = last_unit
    return None


def test_whom_we_are_cheapest_for_is_what_walking_the_price_lists_says(simulated: Settings) -> None:
    seeds = DBT_PROJECT_DIR / "seeds"
    tiers: dict[str, dict[str, list]] = {"theirs": defaultdict(list), "ours": defaultdict(list)}
    for of, name, key in (("theirs", "competitor_prices", "competitor"), ("ours", "price_list", "valid_to")):
        with (seeds / f"{name}.csv").open() as file:
            for row in csv.DictReader(file):
                if of == "theirs" or not row["valid_to"]:
                    place = f"{row['product_key']} {row[key]}".strip()
                    last_unit = Decimal(row["up_to"]) if row["up_to"] else None
                    amounts = Decimal(row["unit_price_usd"]), Decimal(row["flat_amount_usd"])
                    tiers[of][place].append((last_unit, *amounts))
    used: dict[str, list[Decimal]] = defaultdict(list)
    for product, quantity in built(
        simulated,
        "select product_key, sum(quantity) from marts.fct_usage_daily join marts.dim_organizations "
        "using (organization_id) where date between '2026-10-01' and '2026-10-31' group by customer_id, product_key",
    ):
        used[product].append(quantity)
    compared = built(
        simulated,
        "select product_key, competitor, customers_cheapest, customers_dearer, customers_unknown, dearer_from_units "
        "from marts.rpt_cheapest_products",
    )
    assert {f"{product} {competitor}" for product, competitor, *_ in compared} == tiers["theirs"].keys()
    cent = Decimal("0.01")
    for product, competitor, *counts, dearer_from in compared:
        ours, theirs = tiers["ours"][product], tiers["theirs"][f"{product} {competitor}"]
        found = [0, 0, 0]
        for quantity in used[product]:
            their_usd, our_usd = list_usd(theirs, quantity), list_usd(ours, quantity)
            assert our_usd is not None
            if their_usd is None:
                found[2] += 1
            else:
                pay = [amount.quantize(cent, ROUND_HALF_UP) for amount in (our_usd, their_usd)]
                found[pay[0] > pay[1]] += 1
        assert found == counts
        if dearer_from is not None:
            before, at = dearer_from - 1, dearer_from
            assert (list_usd(ours, at) or 0) > (list_usd(theirs, at) or 0)
            assert (list_usd(ours, before) or 0) <= (list_usd(theirs, before) or 0)
