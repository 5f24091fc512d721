"""Days of random changes, a landing each: the load's reading of the files gives the state of the database.

Kills at random moments of a landing change nothing of that.
"""

import random
from pathlib import Path

import psycopg
import pytest

from tests.connectors.conftest import Product
from tests.connectors.killed_landing import land_and_kill

TABLES = """
create table organization (
    id int primary key, name text, created_at timestamptz default '2026-01-01', updated_at timestamptz,
    region text default 'US', for_internal_metrics bool default false
);
create table member (
    organization_id int, user_id int, level int, joined_at timestamptz default '2026-01-01', updated_at timestamptz,
    primary key (organization_id, user_id)
);
create table report (id serial, date date, organization_id int, received_at timestamptz, events bigint);
"""
SELECTS = {
    "product_db.organizations": "select id, name, created_at, updated_at, region, for_internal_metrics "
    "from organization",
    "product_db.organization_memberships": "select organization_id, user_id, level, joined_at, updated_at from member",
    "usage.usage_reports": "select date, organization_id, received_at, events as event_count_in_period from report",
}
NAMES = ("Acme", "Beta, Inc.", 'Gamma "G"', "Delta\nline", "", "  é  ", "0")
STAMPS = ("now()", "null", "now() - interval '3 days'", "now() + interval '1 hour'", "updated_at")


@pytest.fixture
def changing(product: Product) -> Product:
    product.execute(TABLES)
    # Most changes then meet a row that is there.
    product.execute(
        "insert into organization (id, name, updated_at) select n, 'Name', now() from generate_series(1, 9) as n"
    )
    product.execute("insert into member select n, n % 3, 1 from generate_series(1, 9) as n")
    for table, select in SELECTS.items():
        product.map(table, select)
    return product


class Days:
    """Random changes. A transaction may stay open over a landing, and commit with the stamps of before."""

    def __init__(self, product: Product, seed: int) -> None:
        self.product = product
        self.random = random.Random(seed)
        self.late: psycopg.Connection | None = None

    def change(self) -> None:
        """A day's changes: inserts, updates with and without a stamp, deletions, rows that come back, late commits."""
        for _ in range(self.random.randint(0, 15)):
            self.product.execute(*self._change())
        if self.late is None and self.random.random() < 0.3:
            self.late = psycopg.connect(self.product.url)
            self.late.execute(
                "insert into organization (id, name, updated_at) values (%s, 'Late', now()) on conflict do nothing",
                [self.random.randint(1000, 1020)],
            )
        elif self.late is not None:
            self.late.commit()
            self.late.close()
            self.late = None

    def _change(self) -> tuple:
        key, other, stamp = self.random.randint(1, 12), self.random.randint(0, 3), self.random.choice(STAMPS)
        name = self.random.choice(NAMES)
        insert_stamp = stamp.replace("updated_at", "null")
        return self.random.choice(
            [
                (
                    f"insert into organization (id, name, updated_at) values (%s, %s, {insert_stamp}) "
                    "on conflict do nothing",
                    key,
                    name,
                ),
                (f"update organization set name = %s, updated_at = {stamp} where id = %s", name, key),
                ("delete from organization where id = %s", key),
                (
                    f"insert into member (organization_id, user_id, level, updated_at) values (%s, %s, 1, "
                    f"{insert_stamp}) on conflict do nothing",
                    key,
                    other,
                ),
                (f"update member set level = 9 - level, updated_at = {stamp} where organization_id = %s", key),
                ("delete from member where user_id = %s and organization_id < %s", other, key),
                (
                    "insert into report (date, organization_id, received_at, events) "
                    # The day of when it was received: in the first hour of a day, that is the day before.
                    "values (((now() - interval '1 hour') at time zone 'utc')::date - %s, %s, "
                    "now() - interval '1 hour', %s)",
                    other,
                    key,
                    self.random.randint(0, 1000),
                ),
            ]
        )


def states(product: Product) -> list[list[tuple]]:
    """The state of each table in the database."""
    return [
        product.execute("select id::text, name from organization order by 1, 2"),
        product.execute("select organization_id::text, user_id, level from member order by 1, 2, 3"),
        product.execute(
            "select distinct on (date, organization_id) date, organization_id::text, events from report "
            "order by date, 2, received_at desc, id desc"
        ),
    ]


def landed_states(product: Product) -> list[list[tuple]]:
    """The state of each table in what the load made of the landed files."""
    return [
        sorted(product.newest("product_db.organizations", "id, name")),
        sorted(product.newest("product_db.organization_memberships", "organization_id, user_id, level")),
        product.raw("select date, organization_id, event_count_in_period from raw.usage__usage_reports order by 1, 2"),
    ]


def assert_days_are_landed(product: Product, days: int, seed: int, *, load_every: int = 1) -> None:
    """Change, land, load, compare; a second landing of the same state writes nothing."""
    changes = Days(product, seed)
    for day in range(1, days + 1):
        changes.change()
        before = states(product)
        report = product.land(max_lost_share=1.0)
        assert report.failures == []
        assert sum(landing.files for landing in product.land(max_lost_share=1.0).tables) == 0
        if day % load_every == 0 or day == days:
            assert product.load().rows_rejected == 0
            assert landed_states(product) == [sorted(rows) for rows in before], f"day {day} of seed {seed}"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_ten_days_of_random_changes(changing: Product, seed: int) -> None:
    assert_days_are_landed(changing, 10, seed)


@pytest.mark.soak
def test_three_hundred_days_of_random_changes(changing: Product) -> None:
    assert_days_are_landed(changing, 300, 7, load_every=10)


def assert_kills_lose_nothing(product: Product, kills: int, seed: int) -> None:
    """Kill landings at random moments; the next one that ends has everything, once."""
    changes, chance = Days(product, seed), random.Random(seed)
    for number in range(1, kills + 1):
        changes.change()
        land_and_kill(product.settings(max_lost_share=1.0), chance.uniform(0, 0.4))
        if number % 10 == 0:
            before = states(product)
            assert product.land(max_lost_share=1.0).failures == []
            assert product.load().rows_rejected == 0
            assert landed_states(product) == [sorted(rows) for rows in before], f"kill {number} of seed {seed}"
            assert list(product.root.rglob(".*")) == []


@pytest.mark.slow
def test_ten_kills_at_random_moments(changing: Product) -> None:
    assert_kills_lose_nothing(changing, 10, 3)


@pytest.mark.soak
def test_two_hundred_kills_at_random_moments(changing: Product) -> None:
    assert_kills_lose_nothing(changing, 200, 4)


def test_landing_killed_at_any_write_loses_and_doubles_nothing(changing: Product, tmp_path: Path) -> None:
    """Ended in place of each write, one after the other, until one landing gets through."""
    days = Days(changing, 5)
    for write in range(40):
        days.change()
        if not land_and_kill(changing.settings(max_lost_share=1.0), at_write=write):
            break
    assert 5 <= write < 40
    before = states(changing)
    assert changing.land(max_lost_share=1.0).failures == []
    assert changing.load().rows_rejected == 0
    assert landed_states(changing) == [sorted(rows) for rows in before]
