"""Bills against use, headroom and the tie-out with Stripe: planted truths are found, and figures are computed again."""

import gzip
import json
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations
from math import exp, floor, log
from typing import Any

import numpy as np
import pytest

from sample_company.parameters import add_months
from sample_company.rating import SCALE, PriceList, load_price_list
from settings import Settings
from tests.pipeline.test_plants import customer_of, planted, published, source
from transform.dbt_runner import DBT_PROJECT_DIR

pytestmark = pytest.mark.slow

# Of seed thresholds: months ahead, months of growth, and the share of the free tier from which free use is looked at.
AHEAD, WINDOW, NEAR = 3, 6, 0.25
PRIMARY = {"product_analytics", "session_replay", "feature_flags", "surveys", "data_warehouse", "error_tracking"}

Months = dict[tuple[str, str], dict[date, float]]


def last_closed_month(settings: Settings) -> date:
    [(month,)] = published(settings, "select last_closed_month from publish_info")
    return month if type(month) is date else month.date()


def test_who_uses_less_and_was_given_a_package_is_listed(sample: Settings) -> None:
    customers = customer_of(sample)
    truth = {customers[organization] for organization in planted(sample)["rising_bills"]}
    found = published(sample, "select customer_id from rpt_bill_and_use where cell = 'bill_rises_use_falls'")
    assert len(truth) == 2
    assert {customer for (customer,) in found} >= truth


def test_cells_follow_from_last_bills_forecasts_and_health(sample: Settings) -> None:
    billed = dict(
        published(
            sample,
            "select customer_id, list_usd - discount_usd from fct_mrr_monthly, publish_info "
            "where month = last_closed_month and list_usd > discount_usd",
        )
    )
    forecast: dict[str, Decimal] = defaultdict(Decimal)
    for customer, dollars in published(
        sample,
        "select customer_id, forecast_bill_usd from fct_bill_forecasts join dim_organizations using (organization_id) "
        "where as_of_date = (select as_of_date from publish_info)",
    ):
        forecast[customer] += dollars
    health = dict(published(sample, "select customer_id, health from dim_customers"))
    truth = {}
    for customer, dollars in billed.items():
        if customer not in forecast or health[customer] == "unknown":
            truth[customer] = "unknown"
            continue
        is_more = forecast[customer] > dollars * Decimal("1.1") and forecast[customer] > dollars + 20
        bill = "rises" if is_more else "holds"
        truth[customer] = f"bill_{bill}_use_{'holds' if health[customer] == 'healthy' else 'falls'}"
    assert len(set(truth.values())) == 5
    assert dict(published(sample, "select customer_id, cell from rpt_bill_and_use")) == truth


def test_hardly_used_is_what_nobody_looked_at(sample: Settings) -> None:
    customers = customer_of(sample)
    analytics = {"product_analytics", "enhanced_persons", "group_analytics"}
    blind = {customers[organization] for organization in planted(sample)["signals"]["insights_not_viewed"]}
    [(as_of,)] = published(sample, "select as_of_date from publish_info")
    seen = {
        customers[organization]
        for (organization,) in source(
            sample,
            "select distinct organization_id::varchar from '{source}/product_events/events_daily.parquet' "
            f"where date > date '{as_of}' - 30 and date <= date '{as_of}'",
        )
        if organization in customers
    }
    paid = {
        (customer, product): dollars
        for customer, product, dollars in published(
            sample,
            "select customer_id, product_key, list_usd from fct_mrr_products, publish_info "
            "where month = last_closed_month and list_usd > discount_usd",
        )
        if (customer in blind or customer not in seen) and product in analytics
    }
    assert blind <= {customer for customer, _ in paid}
    assert {customer for customer, _ in paid} - blind
    found = published(
        sample, "select customer_id, product_key, saves_usd_month from rpt_billed_products where is_hardly_used"
    )
    assert {(customer, product): dollars for customer, product, dollars in found if product in analytics} == paid


def test_a_thousand_units_cost_what_the_books_say(sample: Settings) -> None:
    """Of customers of one organization: the books leave out what stays within the free tier of another one."""
    last = last_closed_month(sample)
    books = sample.sample_dir / "books"
    units = {
        (customer, product, month): quantity
        for customer, product, month, quantity in source(
            sample,
            f"""
            select customer_id, product_key, date_trunc('month', period_end - interval 1 day)::date, sum(quantity)
            from '{books}/rated_lines.parquet' join '{books}/customers.parquet' using (organization_id)
            where invoice_status not in ('draft', 'void') group by all
            """,
        )
    }
    billed = {
        (customer, product, month): dollars
        for customer, product, month, dollars in published(
            sample,
            "select customer_id, product_key, month, list_usd - discount_usd from fct_mrr_products "
            "join dim_products using (product_key) where not is_package",
        )
    }
    found = published(
        sample,
        "select customer_id, product_key, usd_per_thousand_units, usd_per_thousand_units_before, "
        "unit_cost_change_percent "
        "from rpt_billed_products join dim_customers using (customer_id) "
        "where usd_per_thousand_units is not null and organizations = 1",
    )
    assert len(found) > 100
    for customer, product, now, before, change in found:
        key = customer, product, last
        assert float(now) == pytest.approx(1000 * float(billed[key]) / float(units[key]), abs=1e-6)
        key = customer, product, add_months(last, -3)
        if before is not None:
            assert float(before) == pytest.approx(1000 * float(billed[key]) / float(units[key]), abs=1e-6)
            assert float(change) == pytest.approx(100 * float((now - before) / before), abs=1e-4)


def used_by_month(settings: Settings) -> Months:
    """Billed units by customer, product and month, from the reports that were loaded."""
    customers = dict(published(settings, "select organization_id, customer_id from dim_organizations"))
    used: Months = defaultdict(lambda: defaultdict(float))
    for organization, product, month, units in published(
        settings,
        "select organization_id, product_key, date_trunc('month', date)::date, sum(quantity) from fct_usage_daily "
        "group by all",
    ):
        used[customers[organization], product][month] += float(units)
    return used


def list_usd(prices: PriceList, product: str, quantity: float, month: date) -> float:
    """List price of billed units, also of parts of one, at the end of a month."""
    tariff = prices.tariff(product, add_months(month, 1) - timedelta(days=1))
    units, lower, dollars = quantity * prices.divisors.get(product, 1), 0.0, 0.0
    for upper, price in zip(tariff.upper_bounds, tariff.prices, strict=True):
        reached = units if upper is None else min(units, upper)
        dollars += max(reached - lower, 0) * price / SCALE
        lower = max(reached, lower)
    return floor(100 * dollars + 0.5 + 1e-7) / 100


def subscribed_at(settings: Settings, month: date) -> dict[str, set[str]]:
    """Products of customers with an active subscription at the end of a month, from the files."""
    customers = customer_of(settings)
    found: dict[str, set[str]] = defaultdict(set)
    for organization, products in source(
        settings,
        f"""
        select organization_id::varchar, subscribed_products
        from read_json('{{source}}/billing/billing_customers/*.jsonl.gz')
        where updated_at::timestamp < '{add_months(month, 1)}'
        qualify row_number() over (partition by organization_id order by updated_at desc) = 1
            and has_active_subscription
        """,
    ):
        if organization in customers:
            found[customers[organization]] |= set(products)
    return found


def free_use_that_will_bill(
    used: Months, subscribed: dict[str, set[str]], prices: PriceList, base: date
) -> dict[Any, Any]:
    """Expected units after three months and the day of the free tier's end, by customer and product."""
    found = {}
    window = [add_months(base, -back) for back in range(WINDOW)]
    for (customer, product), months in used.items():
        tariff = prices.tariff(product, add_months(base, 1) - timedelta(days=1))
        free = (tariff.upper_bounds[0] or 0) / prices.divisors.get(product, 1) if tariff.prices[0] == 0 else 0
        now = months.get(base, 0)
        if (
            not NEAR * free <= now <= free
            or not free
            or (customer in subscribed and product not in subscribed[customer])
        ):
            continue
        first = min(months)
        whole = [(n, log(months[month])) for n, month in enumerate(window) if months.get(month) and month > first]
        slopes = [min((late - early) / (back - n), log(2)) for (n, late), (back, early) in combinations(whole, 2)]
        growth = float(np.median(slopes)) if len(slopes) >= 3 else 0
        if growth > 0 and now * exp(growth * AHEAD) > free:
            days = np.ceil(round((log(free) - log(now)) / growth * 146097 / 4800, 6))
            month_end = add_months(base, 1) - timedelta(days=1)
            found[customer, product] = now * exp(growth * AHEAD), month_end + timedelta(days=int(days))
    return found


def test_headroom_is_what_was_planted_and_what_plain_python_finds(sample: Settings) -> None:
    prices, base = load_price_list(DBT_PROJECT_DIR / "seeds"), last_closed_month(sample)
    used, subscribed, customers = used_by_month(sample), subscribed_at(sample, base), customer_of(sample)
    found = {
        (kind, customer, product): (float(units), float(dollars), when)
        for kind, customer, product, units, dollars, when in published(
            sample, "select kind, customer_id, product_key, quantity, usd_month, bills_from from rpt_headroom"
        )
    }
    sent = {key[1:]: dollars for key, (_, dollars, _) in found.items() if key[0] == "sent_not_subscribed"}
    assert sent == {
        (customer, product): list_usd(prices, product, months[base], base)
        for (customer, product), months in used.items()
        if customer in subscribed and product not in subscribed[customer]
        and months.get(base) and list_usd(prices, product, months[base], base)
    }  # fmt: skip
    assert set(sent) == {
        (customers[organization], product) for organization, product in planted(sample)["sent_not_subscribed"]
    }

    expected = free_use_that_will_bill(used, subscribed, prices, base)
    free = {key[1:]: row for key, row in found.items() if key[0] == "free_tier_ends"}
    assert set(free) == set(expected)
    for key, (units, when) in expected.items():
        assert free[key][0] == pytest.approx(units, rel=1e-6)
        assert free[key][1] == pytest.approx(list_usd(prices, key[1], units, base), abs=0.01)
        assert free[key][2] == when
    growing = {customers[organization] for organization in planted(sample)["free_tier_ends"]}
    assert len(growing) == 3
    assert growing <= {customer for customer, product in free if product == "product_analytics"}


def test_peers_are_paying_customers_of_the_same_size(sample: Settings) -> None:
    prices, base = load_price_list(DBT_PROJECT_DIR / "seeds"), last_closed_month(sample)
    used = used_by_month(sample)
    tiers = dict(published(sample, "select customer_id, size_tier from dim_customers where mrr_usd_month > 0"))
    group_of = dict(published(sample, "select product_key, product_group from dim_products"))
    groups: dict[str, set[str]] = defaultdict(set)
    peers: dict[tuple[str, str], list[float]] = defaultdict(list)
    for (customer, product), months in used.items():
        if customer in tiers and months.get(base):
            groups[customer].add(group_of[product])
            peers[tiers[customer], product].append(months[base])
    found = {
        (customer, product): (float(units), *map(float, dollars))
        for customer, product, units, *dollars in published(
            sample,
            "select customer_id, product_key, quantity, low_usd_month, usd_month, high_usd_month from rpt_headroom "
            "where kind = 'peers_use'",
        )
        if product in PRIMARY
    }
    truth = {}
    for customer, tier in tiers.items():
        for product in PRIMARY - groups[customer]:
            if len(peers[tier, product]) >= 5:
                low, middle, high = np.quantile(peers[tier, product], [0.25, 0.5, 0.75])
                dollars = [list_usd(prices, product, units, base) for units in (low, middle, high)]
                if dollars[2] > 0:
                    truth[customer, product] = (middle, *dollars)
    assert len(truth) > 100
    assert set(found) == set(truth)
    for key, figures in truth.items():
        assert found[key] == pytest.approx(figures, abs=0.01), key


def test_headroom_of_past_months_is_judged_by_what_came(sample: Settings) -> None:
    prices, last = load_price_list(DBT_PROJECT_DIR / "seeds"), last_closed_month(sample)
    used = used_by_month(sample)
    found = {
        month: tuple(row)
        for month, *row in published(
            sample,
            "select month, expected, came, came_unexpected from rpt_headroom_accuracy where kind = 'free_tier_ends'",
        )
    }
    truth = {}
    for back in range(AHEAD, AHEAD + 6):
        base, later = add_months(last, -back), add_months(last, AHEAD - back)
        subscribed = subscribed_at(sample, base)
        expected = set(free_use_that_will_bill(used, subscribed, prices, base))
        passed = set()
        for (customer, product), months in used.items():
            if customer in subscribed and product not in subscribed[customer]:
                continue
            was_free = months.get(base) and list_usd(prices, product, months[base], base) == 0
            if was_free and list_usd(prices, product, months.get(later, 0), later) > 0:
                passed.add((customer, product))
        truth[base] = len(expected), len(expected & passed), len(passed - expected)
    assert sum(came for _, came, _ in truth.values()) > 5
    assert found == truth


def test_stripe_ties_out_to_the_books_month_by_month(sample: Settings) -> None:
    """Totals and tax of the files, and MRR of the books: between them nothing is without a name."""
    books = sample.sample_dir / "books" / "mrr_monthly.parquet"
    mrr = dict(source(sample, f"select month, sum(mrr_usd_month) from '{books}' group by month"))
    invoices: dict[str, dict[str, Any]] = {}
    for path in sorted((sample.sample_dir / "source" / "stripe" / "invoices").iterdir()):
        with gzip.open(path, "rt") as file:
            invoices |= {invoice["id"]: invoice for invoice in map(json.loads, file) if invoice["livemode"]}
    totals: dict[date, Decimal] = defaultdict(Decimal)
    void: dict[date, Decimal] = defaultdict(Decimal)
    currencies: dict[date, set[str]] = defaultdict(set)
    for invoice in invoices.values():
        month = datetime.fromtimestamp(invoice["created"], tz=UTC).date().replace(day=1)
        currencies[month].add(invoice["currency"])
        totals[month] += Decimal(invoice["total"]) / 100
        if invoice["status"] in ("void", "draft"):
            void[month] -= Decimal(invoice["total"]) / 100
    found = published(
        sample,
        "select month, invoiced_usd, void_or_draft_usd, unexplained_usd, mrr_usd_month from rpt_stripe_tie_out "
        "order by month",
    )
    assert len(found) > 20
    assert {month: amount for month, *_, amount in found} == mrr
    assert {unexplained for _, _, _, unexplained, _ in found} == {Decimal("0.00")}
    plain = [row for row in found if currencies[row[0]] == {"usd"}]
    assert plain
    for month, invoiced, left_out, *_ in plain:
        assert (invoiced, left_out) == (totals[month], void[month])
