"""The product's database in PostgreSQL: what is in it is landed, and the load's reading of the files is its state."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingestion.contract.model import load_contract
from ingestion.load import load_sources
from settings import PROJECT_DIR, Settings
from tests.connectors.conftest import Product
from tests.support.product_database import fill
from tests.support.source_root import company, write_source_root

ORGANIZATIONS = "select id, name, created_at, updated_at, region, for_internal_metrics from organization"
TABLE = """
create table organization (
    id int primary key, name text, created_at timestamptz default '2026-01-01', updated_at timestamptz,
    region text default 'US', for_internal_metrics bool default false
)
"""
USAGE = "select date, organization_id, received_at, events as event_count_in_period from report"


@pytest.fixture
def organizations(product: Product) -> Product:
    product.execute(TABLE)
    product.execute(
        "insert into organization (id, name, updated_at) select n, 'Name ' || n, '2026-01-02' "
        "from generate_series(1, 20) as n"
    )
    product.map("product_db.organizations", ORGANIZATIONS)
    return product


@pytest.fixture
def usage(product: Product) -> Product:
    product.execute("create table report (date date, organization_id text, received_at timestamptz, events bigint)")
    product.map("usage.usage_reports", USAGE)
    return product


def contract_rows(settings: Settings, raw_name: str) -> list[tuple]:
    """The rows of a raw table in the contract's columns."""
    import duckdb

    columns = ", ".join(column.name for column in load_contract().table(raw_name).columns)
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return connection.execute(f"select {columns} from raw.{raw_name} order by all").fetchall()


def test_landed_company_gives_the_same_raw_tables_as_its_files(product: Product, tmp_path: Path) -> None:
    rows = company()
    for of_table in rows.values():
        for row in of_table:
            for column in ("id", "organization_id"):
                if str(row.get(column, "")).startswith("org-"):
                    row[column] = f"00000000-0000-4000-8000-00000000000{row[column][-1]}"
    files = Settings(source_root=str(write_source_root(tmp_path / "files", rows)), data_dir=tmp_path / "of_files")
    load_sources(files)
    fill(product.url, files.warehouse_path)
    landed = product.settings(mappings_dir=PROJECT_DIR / "connectors" / "mappings")
    report = product.land(mappings_dir=landed.mappings_dir)
    assert report.failures == []
    assert report.warnings == []
    tables = {f"{landing.source_table.replace('.', '__')}" for landing in report.tables}
    assert len(tables) == 5
    load = load_sources(landed, tables=tables)
    assert load.rows_rejected == 0
    for table in tables:
        assert contract_rows(landed, table) == contract_rows(files, table)


def test_rows_that_changed_without_a_stamp_or_were_deleted_are_found(organizations: Product) -> None:
    assert organizations.land_one().rows_new == 20
    organizations.execute("update organization set name = 'Other' where id = 3")
    organizations.execute("update organization set name = 'Later', updated_at = now() where id = 4")
    organizations.execute("delete from organization where id = 5")
    organizations.execute("insert into organization (id, name) values (21, 'Without a stamp')")
    landing = organizations.land_one()
    assert (landing.rows_new, landing.rows_changed, landing.rows_removed, landing.files) == (1, 2, 1, 1)
    assert organizations.load().rows_rejected == 0
    expected = organizations.execute("select id::text, name from organization order by 1, 2")
    assert organizations.newest("product_db.organizations", "id, name") == expected
    assert organizations.land_one().files == 0


def test_values_keep_every_digit_blank_and_line_break(product: Product) -> None:
    product.execute("create table customer (id uuid, products text[], limits jsonb, discount numeric, credit numeric)")
    limits = '{"product_analytics": 100.10, "session_replay": 12345678901234.5678901234}'
    product.execute(
        "insert into customer values ('0192e788-7376-75f0-9ebd-854000cc94a7', array['a \"b\", c', ''], %s, 0.10, "
        "123456789012345.1234567891)",
        limits,
    )
    product.map(
        "billing.billing_customers",
        "select id as organization_id, true as has_active_subscription, to_json(products) as subscribed_products, "
        "limits as custom_limits_usd, discount as discount_percent, credit as credit_balance_usd from customer",
    )
    product.land_one()
    assert product.load().rows_rejected == 0
    ((products, landed_limits, discount, credit),) = product.raw(
        "select subscribed_products::varchar, custom_limits_usd::varchar, discount_percent::varchar, "
        "credit_balance_usd::varchar from raw.billing__billing_customers"
    )
    assert json.loads(products) == ['a "b", c', ""]
    assert "12345678901234.5678901234" in landed_limits
    assert (discount, credit) == ("0.1000000000", "123456789012345.1234567891")


def test_null_and_the_empty_text_stay_apart(product: Product) -> None:
    product.execute(TABLE)
    product.execute("alter table organization add customer_id text, add channel text")
    product.execute(
        "insert into organization (id, name) values (1, ''), (2, ' a ''b'' \"c\", \r\n d '), (3, '\\N'), (4, null)"
    )
    product.map("product_db.organizations", ORGANIZATIONS)
    product.land_one()
    product.load()
    assert product.newest("product_db.organizations", "id, name") == [
        ("1", ""),
        ("2", " a 'b' \"c\", \r\n d "),
        ("3", "\\N"),
    ]
    assert product.raw("select column_name from raw.rejected_rows") == [("name",)]


def test_all_tables_are_of_one_instant(product: Product) -> None:
    """A member that joins while the tables are read is in none of them, or in all."""
    product.execute(TABLE)
    product.execute("create table member (organization_id int, user_id int)")
    product.execute("insert into organization (id, name) values (1, 'Before')")
    # Reading the first table adds a row to the second, in another transaction.
    product.execute("create extension dblink")
    adds = f"dblink_exec('{product.url}', 'insert into member values (1, 2)')"
    product.map("product_db.organizations", f"{ORGANIZATIONS} where {adds} is not null")
    product.map(
        "product_db.organization_memberships",
        "select organization_id, user_id, 1 as level, now() as joined_at from member",
    )
    landings = {landing.source_table: landing.rows_seen for landing in product.land().tables}
    assert landings == {"product_db.organizations": 1, "product_db.organization_memberships": 0}
    assert product.execute("select count(*) from member") != [(0,)]


def test_late_commit_with_an_early_stamp_is_landed(organizations: Product) -> None:
    import psycopg

    with psycopg.connect(organizations.url) as late:
        late.execute("insert into organization (id, name, updated_at) values (99, 'Late', now() - interval '1 hour')")
        organizations.execute("update organization set updated_at = now() where id = 1")
        organizations.land_one()
        late.commit()
    landing = organizations.land_one()
    assert (landing.rows_new, landing.rows_changed) == (1, 0)


# ------------------------------------------------------------------------------------------------------------ usage


def reports(usage: Product) -> list[tuple]:
    return usage.raw(
        "select date::varchar, organization_id, event_count_in_period from raw.usage__usage_reports order by 1, 2"
    )


def test_reports_are_landed_in_the_folder_of_their_day(usage: Product) -> None:
    usage.execute(
        "insert into report values ('2026-03-01', 'a', '2026-03-02', 1), ('2026-03-02', 'a', '2026-03-03', 2), "
        "('2026-03-02', 'b', '2026-03-03', 3)"
    )
    landing = usage.land_one()
    assert (landing.rows_new, landing.files) == (3, 2)
    assert {path.split("/")[2] for path in usage.landed_files()} == {"date=2026-03-01", "date=2026-03-02"}
    assert usage.load().rows_rejected == 0
    assert reports(usage) == [("2026-03-01", "a", 1), ("2026-03-02", "a", 2), ("2026-03-02", "b", 3)]
    assert usage.land_one().files == 0


def test_only_reports_that_are_not_landed_yet_are_landed(usage: Product) -> None:
    usage.execute(
        "insert into report select date '2026-03-01' + n, 'a', timestamptz '2026-03-02' + n * interval '1 day', n "
        "from generate_series(0, 9) as n"
    )
    usage.land_one()
    usage.execute(
        "insert into report values ('2026-03-10', 'a', '2026-03-11 12:00', 100), ('2026-03-01', 'a', '2026-03-11', 7), "
        "('2026-03-11', 'a', '2026-03-12', 10)"
    )
    landing = usage.land_one()
    # Those of two days before the newest one are read again.
    assert (landing.rows_seen, landing.rows_new, landing.files) == (6, 3, 3)
    usage.load()
    assert reports(usage)[0] == ("2026-03-01", "a", 7)
    assert reports(usage)[-2:] == [("2026-03-10", "a", 100), ("2026-03-11", "a", 10)]


def test_a_report_from_a_clock_in_the_future_hides_no_later_ones(usage: Product) -> None:
    usage.execute(
        "insert into report values ('2026-03-01', 'a', '2026-03-02', 1), ('2026-03-01', 'b', '2099-01-01', 1)"
    )
    usage.land_one()
    usage.execute("insert into report values ('2026-03-02', 'a', '2026-03-03', 2)")
    assert usage.land_one().rows_new == 1


def test_without_its_note_a_landing_lands_nothing_twice(usage: Product) -> None:
    usage.execute(
        "insert into report values ('2026-03-01', 'a', '2026-03-02', 1), ('2026-03-09', 'a', '2026-03-10', 2)"
    )
    usage.land_one()
    (usage.root / "usage/usage_reports/_window.json").unlink()
    landing = usage.land_one()
    assert (landing.rows_seen, landing.files) == (2, 0)


def test_the_weekly_count_finds_what_the_window_missed(usage: Product) -> None:
    usage.execute(
        "insert into report values ('2026-03-01', 'a', '2026-03-02', 1), ('2026-03-09', 'a', '2026-03-10', 2), "
        "('1999-12-31', 'a', '2026-03-02', 4)"
    )
    usage.land_one()
    usage.execute("insert into report values ('2026-03-01', 'b', '2026-03-02', 3)")
    assert usage.land_one().rows_new == 0
    note = usage.root / "usage/usage_reports/_window.json"
    window = json.loads(note.read_text())
    week_ago = datetime.now(UTC) - timedelta(days=8)
    note.write_text(json.dumps({**window, "counted_at": week_ago.isoformat()}))
    landing = usage.land_one()
    assert landing.rows_new == 1
    [found] = [warning for warning in landing.warnings if "weekly count" in warning]
    assert "the weekly count found 1 reports of 1 days (2026-03-01)" in found
    assert datetime.fromisoformat(json.loads(note.read_text())["counted_at"]) > week_ago + timedelta(days=7)
    usage.load()
    assert ("2026-03-01", "b", 3) in reports(usage)


def test_new_counter_is_landed_and_reports_without_a_day_are_counted(usage: Product) -> None:
    usage.map("usage.usage_reports", USAGE.replace("from", ", 5 as notebook_runs_in_period from"))
    usage.execute("insert into report values ('2026-03-01', 'a', '2026-03-02', 1), (null, 'a', '2026-03-02', 2)")
    landing = usage.land_one()
    assert landing.rows_new == 1
    assert landing.warnings[0].startswith("usage.usage_reports: 1 reports have no day")
    usage.load()
    assert usage.raw("select notebook_runs_in_period from raw.usage__usage_reports") == [(5,)]


def test_counter_that_the_mapping_gained_is_landed_of_every_day(usage: Product) -> None:
    usage.execute(
        "insert into report values ('2026-03-01', 'a', '2026-03-02', 1), ('2026-03-09', 'a', '2026-03-10', 2)"
    )
    usage.land_one()
    usage.map("usage.usage_reports", USAGE.replace("from", ", events * 10 as survey_responses_count_in_period from"))
    assert usage.land_one().rows_new == 2
    assert usage.land_one().rows_seen == 1
    usage.load()
    query = "select event_count_in_period, survey_responses_count_in_period from raw.usage__usage_reports order by 1"
    assert usage.raw(query) == [(1, 10), (2, 20)]
