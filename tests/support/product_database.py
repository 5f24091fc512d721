"""A product's PostgreSQL database: the present state of a company in the types that such databases have."""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import psycopg
from psycopg import sql

from ingestion.contract.model import load_contract

SCHEMA = """
create domain address as text;
create type region as enum ('US', 'EU');
create table posthog_organization (
    id uuid primary key, name text not null, created_at timestamptz not null, updated_at timestamptz,
    customer_id varchar(200), region region, for_internal_metrics bool not null, signup_channel text
);
create table posthog_user (
    id bigint primary key, email address, role_detail text, role_at_organization text, date_joined timestamptz,
    updated_at timestamptz, last_login timestamptz, is_active bool, is_staff bool
);
create table posthog_organizationmembership (
    organization_id uuid, user_id bigint, level smallint, joined_at timestamptz, updated_at timestamptz,
    primary key (organization_id, user_id)
);
create table billing_customer (
    organization_id uuid primary key, stripe_customer_id text, has_active_subscription bool, subscribed_products text[],
    platform_package text, current_period_start timestamptz, current_period_end timestamptz, custom_limits_usd jsonb,
    discount_percent numeric, credit_balance_usd numeric(12, 2), startup_program text,
    startup_plan_start_at timestamptz, credit_expires_at timestamptz,
    annual_plan_start_at timestamptz, annual_plan_end_at timestamptz,
    free_trial_until timestamptz, updated_at timestamptz
);
create table billing_usagereport (
    id bigint generated always as identity primary key, organization_id uuid, date date, received_at timestamptz,
    report jsonb
);
"""
TABLES = {
    "product_db__organizations": "posthog_organization",
    "product_db__users": "posthog_user",
    "product_db__organization_memberships": "posthog_organizationmembership",
    "billing__billing_customers": "billing_customer",
}


def fill(url: str, warehouse: Path) -> None:
    """Make the tables, with the newest state that a warehouse holds in schema raw."""
    with psycopg.connect(url) as connection, duckdb.connect(str(warehouse), read_only=True) as raw:
        connection.execute(SCHEMA)
        for raw_name, table in TABLES.items():
            _copy(connection, raw, _newest(raw_name), sql.Identifier(table))
        counters = [
            name
            for name, *_ in raw.execute("describe raw.usage__usage_reports").fetchall()
            if name.endswith("_in_period") or name == "organization_user_count"
        ]
        packed = ", ".join(f"'{name}', {name}" for name in counters)
        reports = (
            "select organization_id, date, received_at || '+00' as received_at, "
            f"json_object({packed}) as report from raw.usage__usage_reports"
        )
        columns = sql.SQL("billing_usagereport (organization_id, date, received_at, report)")
        _copy(connection, raw, reports, columns)


def _newest(raw_name: str) -> str:
    table = load_contract().table(raw_name)
    columns = []
    for column in table.columns:
        if column.name == "removed_at":
            continue
        value = {
            "timestamp": f"{column.name} || '+00'",
            "list": f"'{{' || array_to_string(from_json({column.name}, '[\"varchar\"]'), ',') || '}}'",
            "object": f"{column.name}::varchar",
        }.get(column.type, column.name)
        columns.append(f"{value} as {column.name}")
    key = ", ".join(table.key)
    return (
        f"select {', '.join(columns)} from raw.{raw_name} "
        f"qualify row_number() over (partition by {key} order by {table.stamp} desc) = 1"
    )


def _copy(connection: psycopg.Connection, raw: duckdb.DuckDBPyConnection, query: str, table: sql.Composable) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        raw.execute(f"copy ({query}) to '{path}' (format csv, header)")
        statement = sql.SQL("copy {table} from stdin (format csv, header)").format(table=table)
        with connection.cursor() as cursor, cursor.copy(statement) as copy, path.open("rb") as file:
            while block := file.read(1 << 20):
                copy.write(block)
