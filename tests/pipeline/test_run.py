"""The whole run on a company that was worked out by hand: the right rows, on any day, again and again."""

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from dagster import AssetKey

from benchmarks.phases import PUBLISHING, seconds_of_step
from settings import PROJECT_DIR, Settings
from tests.support.hand_made import write_usage_day
from tests.support.receivers import WebServer, serving
from tests.support.running import dagster_instance, marts, read, reading, run_command, run_pipeline
from warehouse.connection import connect


def test_company_of_four_organizations_matches_hand_computed_rows(undisturbed: Path) -> None:
    assert read(
        undisturbed,
        "select organization_id, customer_id, domain, users, activated_at, lifecycle, size_tier, arr_usd_year "
        "from marts.dim_organizations order by organization_id",
    ) == [
        ("org-acme", "org-acme", "acme.example", 1, date(2026, 8, 4), "paying", "small", Decimal("3892.80")),
        ("org-acme-eu", "org-acme", "acme.example", 1, date(2026, 9, 9), "activated", "none", Decimal("0.00")),
        ("org-beta", "org-beta", "gmail.com", 1, date(2026, 10, 20), "activated", "none", Decimal("0.00")),
    ]
    assert read(
        undisturbed,
        "select customer_id, month, list_usd, mrr_usd_month, basis from marts.fct_mrr_monthly order by month",
    ) == [
        ("org-acme", date(2026, 9, 1), Decimal("50.00"), Decimal("50.00"), "usage"),
        ("org-acme", date(2026, 10, 1), Decimal("324.40"), Decimal("324.40"), "usage"),
    ]
    assert read(
        undisturbed,
        "select organization_id, date, product_key, quantity from marts.fct_usage_daily "
        "where date >= date '2026-10-01' order by organization_id, date",
    ) == [
        ("org-acme", date(2026, 10, 9), "product_analytics", Decimal(1)),
        ("org-acme", date(2026, 11, 3), "product_analytics", Decimal(100)),
        ("org-beta", date(2026, 10, 20), "product_analytics", Decimal(5000)),
    ]
    assert read(
        undisturbed,
        "select band, customers, arr_usd from marts.rpt_arr_mix_progress where as_of = date '2026-11-03' order by band",
    ) == [
        ("1m", 0, Decimal("0.00")),
        ("25k", 0, Decimal("0.00")),
        ("50k", 0, Decimal("0.00")),
        ("below", 1, Decimal("3892.80")),
    ]


def test_a_run_on_the_hand_made_company_agrees_with_the_invoices(undisturbed: Path) -> None:
    with connect(Settings(data_dir=undisturbed).warehouse_path, read_only=True) as connection:
        rated = connection.execute("select count(*) from intermediate.int_rated_invoices").fetchone()
        differing = connection.execute("select count(*) from intermediate.int_invoices_that_differ").fetchone()
    assert rated is not None
    assert rated[0] >= 2
    assert differing == (0,)


def ledger(data_dir: Path) -> list[tuple]:
    """What was read, and when."""
    with connect(Settings(data_dir=data_dir).warehouse_path, read_only=True) as connection:
        return connection.execute("select table_name, file, loaded_at from raw.loaded_files order by all").fetchall()


def test_running_again_does_nothing_and_says_so(undisturbed: Path, data_dir: Path, source_root: Path) -> None:
    before = Settings(data_dir=data_dir).serving_path.read_bytes()
    done = run_pipeline(data_dir, source_root)
    assert done.returncode == 0, done.stdout
    assert "Nothing is new since run" in done.stdout
    assert Settings(data_dir=data_dir).serving_path.read_bytes() == before
    assert ledger(data_dir) == ledger(undisturbed)


@pytest.mark.slow
def test_a_past_data_day_and_back_again_under_a_reader_without_pause(
    undisturbed: Path, data_dir: Path, source_root: Path
) -> None:
    with reading(data_dir) as days_seen:
        done = run_pipeline(data_dir, source_root, GROWTH_AS_OF="2026-09-10")
    assert done.returncode == 0, done.stdout
    assert days_seen == {"2026-09-10", "2026-11-03"}
    assert read(data_dir, "select as_of_date from marts.publish_info") == [(date(2026, 9, 10),)]
    assert read(data_dir, "select max(date) from marts.fct_usage_daily") == [(date(2026, 9, 10),)]
    assert read(data_dir, "select organization_id from marts.dim_organizations order by all") == [
        ("org-acme",),
        ("org-acme-eu",),
    ]
    assert read(data_dir, "select count(*) from marts.fct_mrr_monthly where month > date '2026-08-01'") == [(0,)]
    done = run_pipeline(data_dir, source_root)
    assert done.returncode == 0, done.stdout
    assert "Nothing is new since run" not in done.stdout
    assert all(float(seconds_of_step(done.stdout, step)) > 0 for step in PUBLISHING), "the benchmark reads them"
    assert marts(data_dir) == marts(undisturbed)
    assert ledger(data_dir) == ledger(undisturbed)


def test_data_day_without_usage_publishes_nothing_and_alerts_once(
    undisturbed: Path, data_dir: Path, source_root: Path
) -> None:
    web = WebServer()
    with serving(web):
        for _ in range(2):
            webhook = f"team:data={web.address}"
            done = run_pipeline(data_dir, source_root, GROWTH_AS_OF="2026-11-15", GROWTH_ALERT_WEBHOOKS=webhook)
    assert done.returncode == 1
    assert "2026-11-15" in done.stdout
    assert "readers still see the last publish" in done.stdout
    assert web.address not in done.stdout
    assert marts(data_dir) == marts(undisturbed)
    [post] = web.posts
    assert post["subject"] == "growth-pipeline: 1 alert for team:data"
    assert "2026-11-15" in post["lines"][0]


@pytest.mark.slow
def test_a_seed_that_contradicts_itself_is_named_and_nothing_is_published(
    undisturbed: Path, data_dir: Path, source_root: Path, tmp_path: Path
) -> None:
    project = shutil.copytree(PROJECT_DIR, tmp_path / "project", ignore=shutil.ignore_patterns(".*", "data", "target"))
    path = project / "dbt_project" / "seeds" / "price_list.csv"
    text = path.read_text()
    assert "logs,3,,0.15,0," in text
    path.write_text(text.replace("logs,3,,0.15,0,", "logs,3,5000,0.15,0,"))
    noted = "select count(*) from quality.done where what = 'said_by_files'"
    with connect(Settings(data_dir=data_dir).warehouse_path) as connection:
        assert connection.execute(noted).fetchall() > [(20,)]
    done = run_pipeline(data_dir, source_root, project)
    assert done.returncode == 1
    assert "last_price_tier_of_a_product_has_an_upper_bound" in done.stdout
    assert marts(data_dir) == marts(undisturbed)
    with connect(Settings(data_dir=data_dir).warehouse_path) as connection:
        assert connection.execute(noted).fetchall() == [(0,)]


@pytest.mark.slow
def test_a_late_report_restates_its_day(undisturbed: Path, data_dir: Path, own_source: Path) -> None:
    write_usage_day(own_source / "usage" / "usage_reports", "2026-10-20", [("org-beta", 7_000)])
    done = run_pipeline(data_dir, own_source)
    assert done.returncode == 0, done.stdout
    assert read(data_dir, "select quantity from marts.fct_usage_daily where organization_id = 'org-beta'") == [
        (Decimal(7000),)
    ]
    before = marts(undisturbed)["fct_usage_daily"]
    assert len(marts(data_dir)["fct_usage_daily"]) == len(before)
    with dagster_instance(data_dir) as instance:
        built = []
        for key in (["seeds", "price_list"], ["staging", "stg_usage__usage_reports"], ["marts", "fct_mrr_monthly"]):
            event = instance.get_latest_materialization_event(AssetKey(key))
            assert event is not None
            assert event.asset_materialization is not None
            built.append(event.asset_materialization.metadata)
    assert ["is_unchanged" in metadata for metadata in built] == [True, True, False]


def test_a_backfill_of_days_that_are_not_there_says_which_are(data_dir: Path, source_root: Path) -> None:
    done = run_command(data_dir, source_root, "backfill", "--from", "2024-10-31", "--to", "2026-10-21")
    assert done.returncode == 2
    assert "2024-10-31 cannot be rebuilt: days run from 2024-11-01 (GROWTH_FIRST_DAY) to 2026-11-03 (the" in done.stdout


def test_no_address_of_a_user_is_published(undisturbed: Path) -> None:
    with connect(Settings(data_dir=undisturbed).warehouse_path, read_only=True) as connection:
        users = {email for (email,) in connection.execute("select email from raw.product_db__users").fetchall()}
    assert len(users) > 2
    columns = read(
        undisturbed,
        "select table_name, column_name from duckdb_columns() "
        "where schema_name = 'marts' and data_type = 'VARCHAR' order by all",
    )
    assert len(columns) > 50
    for table, column in columns:
        values = read(undisturbed, f'select distinct "{column}" from marts.{table} where "{column}" like \'%@%\'')
        assert not {value for (value,) in values} & users, (table, column)
        assert values == [] or column.endswith("owner_email"), (table, column)


def test_run_sends_exports_only_on_request(undisturbed: Path) -> None:
    assert (undisturbed / "state" / "exports" / "sent.duckdb").exists()
    assert not (undisturbed / "exports").exists()


def test_the_page_is_of_the_run_that_published(undisturbed: Path) -> None:
    ((run_id, as_of_date),) = read(undisturbed, "select run_id, as_of_date from marts.publish_info")
    page = (undisturbed / "published" / "daily.html").read_text()
    assert f'<code title="{run_id}">' in page
    assert f'data-as-of="{as_of_date.isoformat()}"' in page
