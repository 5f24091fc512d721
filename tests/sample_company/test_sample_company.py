"""The sample company keeps the source contract, adds up, and has everything that makes real data awkward."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pytest

from ingestion.contract.model import load_contract
from sample_company import write_sample_company
from sample_company.account_ledger import Line
from sample_company.books import month_slices
from sample_company.companies import _names
from sample_company.parameters import SIZES, day_number
from sample_company.rating import ExchangeRates, after_discount, before_discount, half_up, load_price_list
from sample_company.signups import simulate_signups
from settings import PROJECT_DIR, UserError
from tests.ingestion.sample_company_sql import AWKWARD, TABLES
from tests.support.published_prices import BILLS

SEEDS = PROJECT_DIR / "dbt_project" / "seeds"
TYPES = {
    "string": "VARCHAR",
    "int": "BIGINT",
    "bool": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("sample") / "small"
    assert write_sample_company(target, size="small")
    return target


@pytest.fixture(scope="module")
def company(directory: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(TABLES.format(source=directory / "source", books=directory / "books"))
    yield connection
    connection.close()


def rows_of(company: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return company.execute(query).fetchall()


def test_a_folder_that_has_anything_else_in_it_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "invoices.csv").write_text("mine")
    with pytest.raises(UserError, match="is not empty, and no sample company"):
        write_sample_company(tmp_path)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]
    assert list(tmp_path.parent.glob(f".{tmp_path.name}.*")) == []


def digest_of(directory: Path) -> dict[str, str]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_another_process(directory: Path, tmp_path: Path) -> None:
    again = tmp_path / "small"
    written = "import sys, pathlib, sample_company; sample_company.write_sample_company(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", written, str(again)]
    subprocess.run(command, check=True, cwd=PROJECT_DIR, env={**os.environ, "PYTHONHASHSEED": "7"}, capture_output=True)
    assert digest_of(again) == digest_of(directory)


def test_a_company_with_a_customer_whom_only_staff_has_joined_is_written(tmp_path: Path) -> None:
    assert write_sample_company(tmp_path / "small", size="small", seed=606)


def test_another_seed_and_another_size_are_other_companies() -> None:
    def ids(seed: int, size: str) -> list[str]:
        return simulate_signups(SIZES[size], np.random.default_rng([seed, SIZES[size].number, 1])).ids[:50].tolist()

    assert set(ids(1, "small")).isdisjoint(ids(2, "small"))
    assert set(ids(1, "small")).isdisjoint(ids(1, "medium"))


def test_a_company_that_is_there_is_not_written_again(directory: Path) -> None:
    before = digest_of(directory)
    assert not write_sample_company(directory, size="small")
    assert digest_of(directory) == before


def test_an_unknown_size_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="unknown size 'endless'"):
        write_sample_company(tmp_path / "endless", size="endless")
    assert list(tmp_path.iterdir()) == []


# The sample company has closed no month: `growth close` does.
@pytest.mark.parametrize(
    "path", [t.path for t in load_contract().tables if t.stored != "objects" and t.source != "closed_months"]
)
def test_every_table_has_the_columns_of_the_contract(
    company: duckdb.DuckDBPyConnection, directory: Path, path: str
) -> None:
    table = next(t for t in load_contract().tables if t.path == path)
    source = {
        "usage/usage_reports": "reports", "product_db/organizations": "organization_versions",
        "product_db/users": "users", "product_db/organization_memberships": "memberships",
        "billing/billing_customers": "billing", "enrichment/companies": "companies", "crm/accounts": "crm_accounts",
        "crm/opportunities": "opportunities", "crm/account_merges": "merges", "spend/sales_and_marketing": "spend",
        "crm/contacts": "contacts", "crm/activities": "activities", "crm/feature_requests": "feature_requests",
        "costs/unit_costs": "unit_costs", "costs/account_costs": "account_costs",
        "support/tickets": "tickets", "product_events/events_daily": "events",
    }[path]  # fmt: skip
    types = {name: str(kind) for name, kind, *_ in rows_of(company, f"describe {source}")}
    # Nothing of the sample company was removed at the source, and an export need not have the column.
    for column in (column for column in table.columns if column.name != "removed_at"):
        assert column.name in types
        if column.type in TYPES:
            assert types[column.name] == TYPES[column.type], column.name
        if not column.nullable and column.default is None:
            assert rows_of(company, f'select count(*) from {source} where "{column.name}" is null') == [(0,)], (
                column.name
            )
    unique = ", ".join([*table.key, table.stamp] if table.stamp else table.key)
    assert rows_of(company, f"select {unique} from {source} group by all having count(*) > 1") == []


def test_every_table_is_there_and_every_format_is_used(directory: Path) -> None:
    source = directory / "source"
    # `growth close` writes the closed months.
    for table in (table for table in load_contract().tables if table.source != "closed_months"):
        assert list(source.glob(f"{table.path}.*")) or list(source.glob(f"{table.path}/*")), table.path
    names = [path.name for path in source.rglob("*") if path.is_file()]
    for ending in (".parquet", ".csv", ".csv.gz", ".jsonl.gz"):
        assert any(name.endswith(ending) for name in names), ending


@pytest.mark.parametrize("what", AWKWARD)
def test_what_makes_real_data_awkward_is_there(company: duckdb.DuckDBPyConnection, what: str) -> None:
    assert rows_of(company, f"select count(*) > 0 from ({AWKWARD[what]}) as found") == [(True,)]


def test_counters_come_with_their_products_and_some_files_miss_one(directory: Path) -> None:
    def columns(day: str) -> set[str]:
        folder = directory / "source" / "usage" / "usage_reports" / f"date={day}"
        return {row[0] for row in duckdb.sql(f"describe select * from '{folder}/reports.parquet'").fetchall()}

    assert "logs_mb_in_period" not in columns("2025-11-30")
    assert "logs_mb_in_period" in columns("2025-12-01")
    assert "rows_exported_in_period" in columns("2025-03-08")
    assert "rows_exported_in_period" not in columns("2025-03-09")


def test_every_day_is_there_and_complete(company: duckdb.DuckDBPyConnection) -> None:
    query = "select count(distinct date), min(date), max(date) from reports"
    assert rows_of(company, query) == [(733, date(2024, 11, 1), date(2026, 11, 3))]
    incomplete = "select date from reports group by date having max(received_at) < date + interval 1 day"
    assert rows_of(company, incomplete) == []


def test_counters_are_consistent_and_not_negative(
    company: duckdb.DuckDBPyConnection,
) -> None:
    counters = [name for name, *_ in rows_of(company, "describe reports") if name.endswith("_in_period")]
    assert len(counters) == 15
    least = ", ".join(f"coalesce({name}, 0)" for name in counters)
    assert rows_of(company, f"select count(*) from reports where least({least}) < 0") == [(0,)]
    above = "enhanced_persons_event_count_in_period > event_count_in_period"
    assert rows_of(company, f"select count(*) from reports where {above}") == [(0,)]


def test_nothing_happens_before_its_time_or_after_the_end(company: duckdb.DuckDBPyConnection) -> None:
    """What is stamped after the last day would not exist on it; only that day's last reports come next morning."""
    for table, stamp in (
        ("organization_versions", "updated_at"), ("users", "updated_at"), ("memberships", "updated_at"),
        ("billing", "updated_at"), ("companies", "enriched_at"), ("crm_accounts", "updated_at"),
        ("opportunities", "updated_at"), ("invoices", "created"), ("contacts", "updated_at"),
        ("activities", "happened_at"), ("feature_requests", "requested_at"), ("tickets", "created_at"),
    ):  # fmt: skip
        query = f"select min({stamp}) >= '2024-11-01', max({stamp}) < '2026-11-04' from {table}"
        assert rows_of(company, query) == [(True, True)], table
    assert rows_of(company, "select max(received_at) < '2026-11-04 01:00' from reports") == [(True,)]
    too_early = """
        select count(*) from reports join organizations on id = organization_id where received_at < created_at
        union all select count(*) from memberships m join users u on u.id = m.user_id where joined_at < date_joined
        union all select count(*) from billing b join organizations o on o.id = organization_id
            where b.updated_at < created_at
        union all select count(*) from lines where status <> 'draft' and product_key not in ('boost', 'scale',
            'enterprise', 'platform', 'credits') and created < period_end
    """
    assert rows_of(company, too_early) == [(0,)] * 4


def test_people_are_made_up(company: duckdb.DuckDBPyConnection) -> None:
    query = """select count(*) from users where not regexp_matches(email, '\\.example$')
        and split_part(email, '@', 2) not in ('gmail.com', 'outlook.com', 'hotmail.com', 'yahoo.com', 'icloud.com',
        'proton.me', 'gmx.de', 'qq.com')"""
    assert rows_of(company, query) == [(0,)]
    assert rows_of(company, "select count(distinct email) = count(distinct id) from users") == [(True,)]


def test_every_organization_has_an_owner_from_the_start(company: duckdb.DuckDBPyConnection) -> None:
    query = """select count(*) from organizations o where not exists
        (select 1 from memberships where organization_id = o.id and level = 15 and joined_at = o.created_at)"""
    assert rows_of(company, query) == [(0,)]


@pytest.mark.parametrize(("units", "cents"), BILLS)
def test_published_examples_are_priced_to_the_cent(units: dict[str, int], cents: int) -> None:
    prices = load_price_list(SEEDS)
    assert sum(prices.tariff(k, date(2026, 9, 30)).list_cents(quantity) for k, quantity in units.items()) == cents


def test_price_of_the_periods_last_day_is_used() -> None:
    prices = load_price_list(SEEDS)
    before, after = (prices.tariff("surveys", date(2025, month, day)) for month, day in ((7, 31), (8, 1)))
    assert (before.list_cents(1_500), after.list_cents(1_500)) == (125_00, 0)
    assert prices.tariff("logs", date(2025, 1, 1)) == prices.tariff("logs", date(2026, 6, 1))


def test_money_is_rounded_half_away_from_zero() -> None:
    assert [half_up(n, 2) for n in (1, 3, -1, -3, 4)] == [1, 2, -1, -2, 2]
    assert after_discount(1_05, 5_000) == 53
    assert before_discount(200_00, 2_000) == 250_00
    rates = ExchangeRates(SEEDS)
    yen = rates.to_minor(100_00, "jpy", date(2024, 1, 31))
    assert yen == half_up(100 * 10**6, 6_915)
    assert rates.to_usd_cents(yen, "jpy", date(2024, 1, 31)) == 100_00


def test_yearly_line_is_cut_into_equal_months() -> None:
    start, end = (day_number(date(year, 5, 12)) for year in (2025, 2026))
    line = Line("il_1", "scale", start, end, 1_000_01, 0, 1, "", "sub_1")
    slices = month_slices(line, line.amount)
    assert [amount for _, amount in slices] == [83_33] * 11 + [83_38]
    assert (slices[0][0], slices[-1][0]) == (date(2025, 6, 11), date(2026, 5, 11))
    short = Line(
        "il_2", "scale", day_number(date(2025, 2, 28)), day_number(date(2025, 3, 31)), 75_000, 0, 1, "", "sub_1"
    )
    assert month_slices(short, short.amount) == [(date(2025, 3, 30), 75_000)]


def test_invoices_add_up(company: duckdb.DuckDBPyConnection) -> None:
    query = """
        select count(*), count(*) filter (subtotal <> amounts), count(*) filter (total <> net + tax),
            count(*) filter ((j->>'amount_due')::bigint <> total - coalesce(ending_balance - starting_balance, 0))
        from (select i.id, any_value(i.j) as j, any_value(i.subtotal) as subtotal, any_value(i.total) as total,
                any_value(i.tax) as tax, any_value(i.starting_balance) as starting_balance,
                any_value(i.ending_balance) as ending_balance, coalesce(sum(l.amount), 0) as amounts,
                coalesce(sum(l.amount - l.discount), 0) as net
            from invoices as i left join lines as l on l.id = i.id group by i.id)
    """
    invoices, *wrong = rows_of(company, query)[0]
    assert invoices > 1_000
    assert wrong == [0, 0, 0]


def test_what_was_rated_is_what_was_reported(company: duckdb.DuckDBPyConnection) -> None:
    """Pooled over the account's organizations, newest report of each day, and only the days of the period."""
    counters = duckdb.sql(
        f"select counter, product_key, units_per_billed_unit from '{SEEDS}/usage_counters.csv'"
    ).fetchall()
    pooled = " union all ".join(
        f"select organization_id, date, '{product}' as product_key, coalesce({counter}, 0) / {divisor} as quantity "
        "from usage"
        for counter, product, divisor in counters
    )
    query = f"""
        with days as ({pooled}),
        members as (select a.organization_id as main, b.organization_id from accounts a
            join accounts b using (stripe_customer_id)),
        expected as (select r.invoice_id, r.product_key, r.period_start, any_value(r.quantity) as quantity,
                sum(d.quantity) as reported
            from rated r join members m on m.main = r.organization_id
            join days d on d.organization_id = m.organization_id and d.product_key = r.product_key
                and d.date >= r.period_start and d.date < r.period_end
            group by all)
        select count(*), count(*) filter (abs(quantity - reported) > 0.000001) from expected
    """
    rated, wrong = rows_of(company, query)[0]
    usage_lines = "select count(*) from rated where product_key not in ('boost', 'scale', 'enterprise')"
    assert [(rated,)] == rows_of(company, usage_lines)
    assert wrong == 0


def test_lines_of_a_product_add_up_to_its_bill(company: duckdb.DuckDBPyConnection) -> None:
    query = """
        with billed as (select id, product_key, any_value(currency) as currency, sum(amount - discount) as net
            from lines where subscription is not null and not proration group by id, product_key)
        select count(*), count(*) filter (billed.net is null),
            count(*) filter (billed.net <> rated.bill_usd * 100 and currency = 'usd')
        from rated left join billed on billed.id = rated.invoice_id and billed.product_key = rated.product_key
    """
    lines, *wrong = rows_of(company, query)[0]
    assert lines > 5_000
    assert wrong == [0, 0]


def test_an_invoice_is_rated_by_the_settings_of_its_instant(company: duckdb.DuckDBPyConnection) -> None:
    query = """
        with stamped as (select rated.*, created from rated join invoices on invoices.id = invoice_id)
        select count(*),
            count(*) filter (round(list_usd * (100 - discount_percent) * 0.01, 2) <> after_discount_usd),
            count(*) filter ((custom_limits_usd->>product_key)::decimal(18, 2) is distinct from limit_usd),
            count(*) filter (not list_contains(list_append(subscribed_products, platform_package), product_key)),
            count(*) filter (bill_usd <> least(after_discount_usd, coalesce(limit_usd, after_discount_usd)))
        from stamped asof join billing
            on billing.organization_id = stamped.organization_id and stamped.created >= billing.updated_at
    """
    rated, *wrong = rows_of(company, query)[0]
    assert rated > 5_000
    assert wrong == [0, 0, 0, 0]


def test_no_report_is_later_than_the_invoice_that_bills_it(company: duckdb.DuckDBPyConnection) -> None:
    query = """
        select count(*) from reports join accounts a using (organization_id)
        join (select distinct customer, period_start, period_end, min(created) over (partition by customer, period_end)
                as created from lines where subscription is not null and livemode and product_key not in
                ('boost', 'scale', 'enterprise', 'platform')) as billed
            on billed.customer = a.stripe_customer_id and date >= period_start and date < period_end
        where received_at > created
    """
    assert rows_of(company, query) == [(0,)]


def test_billing_has_a_version_for_every_period_of_a_subscription(company: duckdb.DuckDBPyConnection) -> None:
    query = """
        select count(*) from rated where product_key not in ('boost', 'scale', 'enterprise') and not exists
            (select 1 from billing where billing.organization_id = rated.organization_id
                and current_period_start = period_start and current_period_end = period_end)
    """
    assert rows_of(company, query) == [(0,)]
    query = """
        select count(*) from (select * from billing qualify row_number() over
            (partition by organization_id order by updated_at desc) = 1)
        where has_active_subscription
            and not (current_period_start <= '2026-11-03' and current_period_end > '2026-11-03')
    """
    assert rows_of(company, query) == [(0,)]


def test_credit_in_billing_is_the_balance_that_invoices_leave(company: duckdb.DuckDBPyConnection) -> None:
    query = """
        with last as (select customer, max_by(ending_balance, created) as balance, max(created) as created from invoices
            where ending_balance <> starting_balance and status <> 'draft' group by customer)
        select count(*), count(*) filter (credit_balance_usd * 100 <> -balance)
        from last join accounts on stripe_customer_id = customer
        asof join billing on billing.organization_id = accounts.organization_id
            and last.created + interval 10 minute >= billing.updated_at
        where startup_program is not null or annual_plan_start_at is not null
    """
    accounts, wrong = rows_of(company, query)[0]
    assert accounts > 10
    assert wrong == 0


def test_books_have_no_gap_and_add_up(company: duckdb.DuckDBPyConnection) -> None:
    query = """
        select count(*), count(*) filter (list_usd - discount_usd - credit_applied_usd - refund_usd <> mrr_usd_month),
            count(*) filter (mrr_usd_month < 0) from mrr
    """
    months, *wrong = rows_of(company, query)[0]
    assert months > 1_000
    assert wrong == [0, 0]
    gaps = """
        select count(*) from (select customer_id, count(*) as n, max(month) as last,
            date_diff('month', min(month), max(month)) + 1 as span from mrr group by customer_id)
        where n <> span or last <> '2026-10-01'
    """
    assert rows_of(company, gaps) == [(0,)]


def test_customers_are_joined_by_merges_and_shared_stripe_customers(company: duckdb.DuckDBPyConnection) -> None:
    internal = "select count(*) from customers join organizations on id = organization_id where for_internal_metrics"
    assert rows_of(company, internal) == [(0,)]
    apart = """
        select count(*) from merges m join customers a using (organization_id)
            join customers b on b.organization_id = m.canonical_organization_id where a.customer_id <> b.customer_id
        union all select count(*) from accounts x join accounts y using (stripe_customer_id)
            join customers a on a.organization_id = x.organization_id
            join customers b on b.organization_id = y.organization_id where a.customer_id <> b.customer_id
        union all select count(*) from customers join merges on merges.organization_id = customers.customer_id
    """
    assert rows_of(company, apart) == [(0,)] * 3


def test_every_band_of_the_mix_is_populated(company: duckdb.DuckDBPyConnection) -> None:
    query = """
        select count(*) filter (arr >= 1000000), count(*) filter (arr >= 50000 and arr < 1000000),
            count(*) filter (arr >= 25000 and arr < 50000), count(*) filter (arr > 0 and arr < 25000), sum(arr)
        from (select 12 * mrr_usd_month as arr from mrr where month = '2026-10-01')
    """
    million, fifty, twenty_five, below, total = rows_of(company, query)[0]
    assert 2 <= million <= 4
    assert 6 <= fifty <= 14
    assert 8 <= twenty_five <= 22
    assert 60 <= below <= 130
    assert 3_000_000 < total < 12_000_000


def test_most_never_pay_and_new_customers_still_come(company: duckdb.DuckDBPyConnection) -> None:
    query = """select (select count(distinct customer_id) from mrr where mrr_usd_month > 0),
        (select count(*) from customers)"""
    paid, organizations = rows_of(company, query)[0]
    assert 0.02 <= paid / organizations <= 0.055
    first_bills = """
        select count(*) from (select organization_id, sum(bill_usd) as bill, period_end,
            row_number() over (partition by organization_id order by period_end) as n from rated
            group by organization_id, period_end)
        where n = 1 and bill between 500 and 1666.66 and period_end >= '2026-07-01'
    """
    assert rows_of(company, first_bills)[0][0] >= 8


def test_signups_grow_and_follow_the_week(company: duckdb.DuckDBPyConnection) -> None:
    query = """
        select count(*) filter (created_at < '2025-05-01'), count(*) filter (created_at >= '2026-05-01'),
            count(*) filter (isodow(created_at) <= 5) / 5.0, count(*) filter (isodow(created_at) > 5) / 2.0
        from organizations
    """
    first_half_year, last_half_year, weekday, weekend = rows_of(company, query)[0]
    assert last_half_year > 1.8 * first_half_year
    assert weekday > 1.6 * weekend


def test_names_and_mail_domains_do_not_run_out() -> None:
    names, domains = _names(250_000, np.random.default_rng(1))
    assert len(set(domains)) == len(names) == 250_000
    assert any(name.endswith(" 2") for name in names)
