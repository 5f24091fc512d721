"""A schema that is not ours is brought in by a mapping alone: other tables, names and types, times without a zone."""

from decimal import Decimal
from textwrap import dedent

import pytest

from tests.connectors.conftest import Product

SCHEMA = """
create schema app;
create type app.plan as enum ('free', 'pro', 'business');
create table app.workspaces (
    workspace_no serial primary key, title varchar(80), opened timestamp, changed timestamp, plan app.plan,
    settings jsonb not null default '{}', closed timestamp
);
create table app.people (person_no int primary key, mail text, job text, since date, seen timestamp, state char(1));
create table app.seats (workspace_no int, person_no int, role text, since timestamp);
create table app.meters (workspace_no int, day date, meter text, amount float8, written timestamp default '2026-03-02');
create table app.accounts (workspace_no int, stripe text, features text[], caps jsonb, off money, credit float8);

insert into app.workspaces (title, opened, changed, plan, settings) values
    ('Acme', '2026-07-01 00:30', '2026-07-02 12:00', 'pro', '{"cloud": "frankfurt", "heard": "google"}'),
    ('Beta', '2026-01-01 00:30', null, 'free', '{"cloud": "virginia", "internal": true}'),
    ('Gone', '2026-01-01 00:30', '2026-01-02', 'free', '{"cloud": "virginia"}');
update app.workspaces set closed = '2026-02-01' where title = 'Gone';
insert into app.people values
    (1, 'ada@acme.example', 'dev', '2026-07-01', '2026-07-02 08:00', 'A'),
    (2, 'bob@beta.example', 'boss', '2026-01-01', null, 'X');
insert into app.seats values
    (1, 1, 'owner', '2026-07-01'), (2, 2, 'admin', '2026-01-01'), (2, 1, 'guest', '2026-07-03');
insert into app.meters (workspace_no, day, meter, amount) values
    (1, '2026-03-01', 'events', 1200), (1, '2026-03-01', 'replays', 30), (2, '2026-03-01', 'events', 7);
insert into app.accounts values
    (1, 'cus_1', '{events,replays,beta-thing}', '{"events": 100.5, "replays": 0, "beta-thing": 3}', '$12.50', 0.1),
    (2, null, '{}', null, '$0.00', 0);
"""
MAPPING: dict[str, tuple[str, dict[str, dict[str, str | None]]]] = {
    "product_db.organizations": (
        """
        select
            workspace_no as id,
            title as name,
            opened at time zone 'Europe/Berlin' as created_at,
            changed at time zone 'Europe/Berlin' as updated_at,
            settings ->> 'cloud' as region,
            coalesce((settings ->> 'internal')::boolean, false) as for_internal_metrics,
            settings ->> 'heard' as signup_channel,
            closed at time zone 'Europe/Berlin' as removed_at
        from app.workspaces
        """,
        {"region": {"frankfurt": "EU", "virginia": "US"}, "signup_channel": {"google": "search"}},
    ),
    "product_db.users": (
        """
        select
            person_no as id,
            mail as email,
            job as role_at_organization,
            since::timestamp at time zone 'UTC' as date_joined,
            seen at time zone 'Europe/Berlin' as last_login,
            state = 'A' as is_active,
            mail like '%@vendor.example' as is_staff
        from app.people
        """,
        {"role_at_organization": {"dev": "engineering", "boss": "leadership"}},
    ),
    "product_db.organization_memberships": (
        """
        select
            workspace_no as organization_id,
            person_no as user_id,
            role as level,
            since at time zone 'Europe/Berlin' as joined_at
        from app.seats
        """,
        {"level": {"guest": "1", "admin": "8", "owner": "15"}},
    ),
    "usage.usage_reports": (
        """
        select
            day as date,
            workspace_no as organization_id,
            max(written) at time zone 'UTC' as received_at,
            (sum(amount) filter (where meter = 'events'))::bigint as event_count_in_period,
            coalesce(sum(amount) filter (where meter = 'replays'), 0)::bigint as recording_count_in_period
        from app.meters
        group by day, workspace_no
        """,
        {},
    ),
    "billing.billing_customers": (
        """
        select
            accounts.workspace_no as organization_id,
            stripe as stripe_customer_id,
            plan <> 'free' as has_active_subscription,
            to_json(features) as subscribed_products,
            plan as platform_package,
            coalesce(caps, '{}') as custom_limits_usd,
            "off"::numeric as discount_percent,
            credit::numeric as credit_balance_usd
        from app.accounts
        join app.workspaces using (workspace_no)
        """,
        {
            "platform_package": {"free": None, "pro": "boost", "business": "scale"},
            "subscribed_products": {"events": "product_analytics", "replays": "session_replay", "beta-thing": None},
            "custom_limits_usd": {"events": "product_analytics", "replays": "session_replay", "beta-thing": None},
        },
    ),
}


@pytest.fixture
def foreign(product: Product) -> Product:
    product.execute(SCHEMA)
    for table, (select, values) in MAPPING.items():
        product.map(table, dedent(select), **values)
    return product


def test_another_schema_is_brought_in_by_a_mapping_alone(foreign: Product) -> None:
    report = foreign.land()
    assert (report.failures, report.warnings) == ([], [])
    assert foreign.load().rows_rejected == 0
    organizations = foreign.raw(
        "select id, name, created_at::varchar, region, for_internal_metrics, signup_channel, removed_at::varchar "
        "from raw.product_db__organizations order by id"
    )
    # Midnight in Berlin is 22:00 UTC of the day before in summer, and 23:00 in winter.
    assert organizations == [
        ("1", "Acme", "2026-06-30 22:30:00", "EU", False, "search", None),
        ("2", "Beta", "2025-12-31 23:30:00", "US", True, None, None),
        ("3", "Gone", "2025-12-31 23:30:00", "US", False, None, "2026-01-31 23:00:00"),
    ]
    users = foreign.raw("select id, email, role_at_organization, is_active from raw.product_db__users order by id")
    assert users == [(1, "ada@acme.example", "engineering", True), (2, "bob@beta.example", "leadership", False)]
    levels = "select organization_id, user_id, level from raw.product_db__organization_memberships order by all"
    assert foreign.raw(levels) == [("1", 1, 15), ("2", 1, 1), ("2", 2, 8)]
    counted = "select organization_id, event_count_in_period, recording_count_in_period from raw.usage__usage_reports"
    assert foreign.raw(f"{counted} order by all") == [("1", 1200, 30), ("2", 7, 0)]
    billing = foreign.raw(
        "select organization_id, has_active_subscription, subscribed_products::varchar, platform_package, "
        "custom_limits_usd::varchar, discount_percent, credit_balance_usd from raw.billing__billing_customers "
        "order by all"
    )
    products, limits = '["product_analytics","session_replay"]', '{"product_analytics":"100.5","session_replay":"0"}'
    assert [tuple(str(value).replace(" ", "") for value in row) for row in billing] == [
        ("1", "True", products, "boost", limits, "12.5000000000", "0.1000000000"),
        ("2", "False", "[]", "None", "{}", "0E-10", "0E-10"),
    ]
    assert billing[0][5] == Decimal("12.5")


def test_the_next_landing_lands_only_what_changed(foreign: Product) -> None:
    foreign.land()
    foreign.execute("update app.workspaces set settings = settings || '{\"cloud\": \"virginia\"}' where title = 'Acme'")
    foreign.execute("insert into app.meters values (2, '2026-03-01', 'replays', 5, '2026-03-03')")
    landings = {landing.source_table: landing for landing in foreign.land().tables}
    changed = {name: (each.rows_new, each.rows_changed) for name, each in landings.items() if each.files}
    assert changed == {"product_db.organizations": (0, 1), "usage.usage_reports": (1, 0)}
