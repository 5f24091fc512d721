"""`dbt build` alone, as someone who edits models types it: what it needs, what it refuses, what it writes."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
import yaml

from ingestion.contract.raw_tables import create_missing_tables
from settings import Settings
from tests.dbt_project.building import DBT_DIR, dbt, insert, read, stripe
from transform.dbt_runner import DbtError, build_models, descriptions_of_marts

pytestmark = pytest.mark.slow

INVOICE = {
    "id": "in_1",
    "customer": "cus_1",
    "status": "paid",
    "currency": "usd",
    "subscription": "sub_1",
    "period_start": 1772323200,
    "period_end": 1775001600,
    "lines": {
        "data": [
            {
                "id": "il_1",
                "amount": 2500,
                "subscription": "sub_1",
                "price": {"product": "prod_1"},
                "period": {"start": 1772323200, "end": 1775001600},
            }
        ]
    },
}


OLD_TABLES = ("published", "seeds_tested")


def write_company(warehouse: Path) -> None:
    """Two organizations on one Stripe customer, an invoice of 25 dollars for March, a counter without a product."""
    with duckdb.connect(str(warehouse)) as connection:
        create_missing_tables(connection)
        for organization_id, signed_up, customer, is_internal in (
            ("org-1", "2026-03-01 09:00", "cus_1", False),
            ("org-2", "2026-04-11 09:00", "cus_1", False),
            ("org-internal", "2026-01-01 09:00", None, True),
        ):
            insert(
                connection,
                "product_db__organizations",
                {
                    "id": organization_id,
                    "name": organization_id,
                    "created_at": signed_up,
                    "updated_at": signed_up,
                    "customer_id": customer,
                    "region": "US",
                    "for_internal_metrics": is_internal,
                },
            )
        connection.execute('alter table raw.usage__usage_reports add column "Tea_Count_in_period" bigint')
        counters = [
            name
            for (name,) in connection.execute(
                "select column_name from duckdb_columns() where schema_name = 'raw' "
                "and table_name = 'usage__usage_reports' and column_name like '%_in_period'"
            ).fetchall()
            if name not in ("event_count_in_period", "Tea_Count_in_period")
        ]
        for day, organization_id, events in (
            (date(2026, 3, 10), "org-1", 1_500_000),
            (date(2026, 4, 20), "org-2", 10),
            (date(2026, 4, 21), "org-internal", 7),
        ):
            row = {
                "date": day,
                "organization_id": organization_id,
                "received_at": f"{day + timedelta(days=1)} 02:00",
                "organization_user_count": 1,
                **dict.fromkeys(counters, 0),
                "event_count_in_period": events,
                "Tea_Count_in_period": events + 1,
            }
            insert(connection, "usage__usage_reports", row)
        insert(
            connection,
            "billing__billing_customers",
            {
                "organization_id": "org-1",
                "stripe_customer_id": "cus_1",
                "has_active_subscription": True,
                "subscribed_products": '["product_analytics"]',
                "custom_limits_usd": "{}",
                "discount_percent": 0,
                "credit_balance_usd": 0,
                "updated_at": "2026-03-01 10:00",
            },
        )
        stripe(connection, "customers", {"id": "cus_1", "metadata": {"organization_id": "org-1"}}, "2026-03-01")
        connection.execute("create schema quality")
        for table in OLD_TABLES:
            connection.execute(f"create table quality.{table} as select 'of the version before' as name")
        product = {"id": "prod_1", "metadata": {"product_key": "product_analytics"}}
        stripe(connection, "products", product, "2026-01-01")
        stripe(connection, "invoices", INVOICE, "2026-04-01 01:00")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which everything was built once, unit tests and all; tests read it."""
    data_dir = tmp_path_factory.mktemp("built")
    write_company(data_dir / "warehouse.duckdb")
    done = dbt(data_dir, "build")
    assert done.returncode == 0, done.stdout
    return data_dir


def described_columns() -> Iterator[tuple[str, str]]:
    for path in (DBT_DIR / "models").rglob("_*__models.yml"):
        for model in yaml.safe_load(path.read_text())["models"]:
            for column in model["columns"]:
                yield model["name"], column["name"]


def test_every_column_of_every_model_is_described(built: Path) -> None:
    columns = read(
        built,
        "select table_name, column_name from duckdb_columns() "
        "where schema_name in ('staging', 'intermediate', 'marts') and column_name <> 'tea_count_in_period'",
    )
    assert set(columns) == set(described_columns())


def test_published_marts_and_columns_have_descriptions(built: Path) -> None:
    columns = read(
        built,
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' union all "
        "select table_name, '' from duckdb_tables() where schema_name = 'marts'",
    )
    described = {name for name, text in descriptions_of_marts(Settings(data_dir=built)).items() if text}
    assert len(columns) > 400
    assert described == set(columns)


def test_old_state_tables_are_migrated(built: Path) -> None:
    tables = "select table_name from duckdb_tables() where schema_name = 'quality' order by all"
    state = {"builds", "built_inputs", "days_rebuilt", "done", "pieces", "turns"}
    assert {table for (table,) in read(built, tables)} == state


def test_counter_that_no_seed_knows_is_listed_and_harms_nothing(built: Path) -> None:
    listed = read(
        built,
        "select finding, subject, cast(figure as int) from marts.rpt_data_quality where finding like 'usage_counter%'",
    )
    assert listed == [("usage_counter_without_product", "tea_count_in_period", 1_500_001 + 11 + 8)]


def test_pooled_account_has_its_mrr_under_the_earliest_organization(built: Path) -> None:
    organizations = (
        "select organization_id, customer_id, lifecycle, cast(mrr_usd_month as int) from marts.dim_organizations"
    )
    assert read(built, f"{organizations} order by 1") == [
        ("org-1", "org-1", "paying", 25),
        ("org-2", "org-1", "activated", 0),
    ]
    months = "select customer_id, month, cast(mrr_usd_month as int) from marts.fct_mrr_monthly order by month"
    assert read(built, months) == [("org-1", date(2026, 3, 1), 25)]
    assert read(built, "select count(*) from intermediate.int_invoices_that_differ") == [(0,)]


def test_data_day_that_is_not_complete_is_refused_in_words(built: Path) -> None:
    refusal = "2026-04-22, which is no complete day of usage: the first one is 2026-03-10 and the last one 2026-04-21"
    with pytest.raises(DbtError, match=refusal):
        build_models(["int_data_day"], Settings(data_dir=built, as_of=date(2026, 4, 22)))


def test_docs_are_generated_without_any_other_set_up(built: Path) -> None:
    done = dbt(built, "docs", "generate")
    assert done.returncode == 0, done.stdout
    catalog = json.loads((built / "target" / "catalog.json").read_text())
    assert "model.growth.fct_mrr_monthly" in catalog["nodes"]
