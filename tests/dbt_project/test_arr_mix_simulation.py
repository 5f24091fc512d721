"""The simulation of the mix, held against what can be computed by hand, and as dbt runs it in this process."""

from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import duckdb
import numpy as np
import pytest

from settings import PROJECT_DIR
from tests.dbt_project.building import MODELS_DIR, load_model

pytestmark = pytest.mark.slow

MODEL = "growth/int_arr_mix_simulation.py"
simulation = load_model(MODEL)
BANDS = simulation.Bands(
    ["below", "25k", "50k", "1m"], np.array([0, 25_000, 50_000, 1_000_000]), np.array([0, 1000, 500, 50])
)
RULES = simulation.Rules(
    paths=200, horizon_months=12, window_months=12, block_months=3, neighbours=20, young_months=6, min_months=6,
    enough_customers=30, doubt_percent=5,
)  # fmt: skip


def simulate(mrr: np.ndarray, seed: int = 1, **kwargs: Any) -> Any:
    rules = RULES._replace(**{name: kwargs.pop(name) for name in list(kwargs) if name in RULES._fields})
    return simulation.simulate(mrr, kwargs.pop("bands", BANDS), rules, np.random.default_rng(seed), **kwargs)


def base(customers: int, mrr: float, months: int = 13) -> np.ndarray:
    return np.full((customers, months), mrr)


def churning(customers: int, share: float, months: int = 13) -> np.ndarray:
    """A base of which exactly `share` leaves each month, from customers of every place in the table."""
    table = base(customers, 100.0, months)
    alive = np.random.default_rng(0).permutation(customers)
    for month in range(1, months):
        alive, gone = np.split(alive, [round(len(alive) * (1 - share))])
        table[gone, month:] = 0
    return table


@pytest.mark.parametrize(
    ("mrr", "band"),
    [(2083.33, "below"), (25_000 / 12, "25k"), (4166.66, "25k"), (50_000 / 12, "50k"), (83_333.34, "1m")],
)
def test_base_without_churn_and_arrivals_stays_as_it_is(mrr: float, band: str) -> None:
    outcome = simulate(base(40, mrr))
    assert outcome.customers.shape == (13, 5, 200)
    of_mix = 0 if band == "below" else 40
    expected = np.array([40 * (name == band) for name in BANDS.names] + [of_mix])
    assert (outcome.customers == expected[None, :, None]).all()
    assert np.allclose(outcome.arr, expected[None, :, None] * 12 * mrr, rtol=1e-12)


def test_doubling_base_crosses_on_the_month_computed_by_hand() -> None:
    # 1,200 dollars a year at the start: 19,200 after 4 months, 38,400 after 5, 76,800 after 6.
    mrr = 100 * 2.0 ** np.arange(-12, 1)[None, :].repeat(30, axis=0)
    bands = BANDS._replace(target_customers=np.array([0, 30, 30, 30]))
    outcome = simulate(mrr, bands=bands)
    by_name = dict(zip([*BANDS.names, "mix"], outcome.customers[:, :, 0].T.tolist(), strict=True))
    assert by_name["25k"] == [0] * 5 + [30] + [0] * 7
    assert by_name["50k"] == [0] * 6 + [30] * 4 + [0] * 3
    assert by_name["1m"] == [0] * 10 + [30] * 3
    first_met = [outcome.is_met[:, band].all(axis=1).argmax() for band in range(4)]
    assert first_met == [0, 0, 7, 11], "a target is met once it has been held for two months"
    assert not outcome.is_met[:, 1].any(), "a band that is passed in one month has not met its target"
    assert not outcome.is_met[:, 4].any(), "the bands were met in different months, never the mix in one"


def test_customers_fall_as_the_power_of_what_stays() -> None:
    outcome = simulate(churning(1000, 0.1), horizon_months=9, paths=400)
    start = outcome.customers[0, :-1, 0].sum()
    for month in (1, 3, 6, 9):
        paths = outcome.customers[month, :-1].sum(axis=0)
        expected = start * 0.9**month
        # Cohorts of the past are cut to whole customers, which is worth half a customer a month at most.
        assert abs(paths.mean() - expected) < 4 * paths.std() / 20 + 0.02 * expected
        # Each customer stays or goes by itself: a binomial draw, and nothing else in this base.
        assert paths.std() == pytest.approx(np.sqrt(expected * (1 - 0.9**month)), rel=0.25)


def test_arrivals_come_at_the_rate_of_the_past_and_keep_what_they_pay() -> None:
    # Every month 20 customers arrive at 2,500 dollars a month, and nobody leaves.
    months = np.arange(13)
    mrr = np.where(months[None, :] >= np.arange(13)[:, None], 2500.0, 0.0).repeat(20, axis=0)
    outcome = simulate(mrr, horizon_months=6, paths=400)
    for month in (1, 3, 6):
        paths = outcome.customers[month, 1]
        assert paths.mean() == pytest.approx(260 + 20 * month, abs=4 * np.sqrt(20 * month / 400))
        assert np.allclose(outcome.arr[month, 1], paths * 30_000)


def test_returns_come_at_the_rate_of_the_past() -> None:
    # Of 400 that once paid a quarter is back in any block of three months; a start sees 300 dormant and 100 paying.
    mrr = np.zeros((400, 13))
    mrr[:, 0] = 100
    for month in range(1, 13):
        mrr[np.arange(400) % 4 == month // 3 % 4, month] = 100
    outcome = simulate(mrr, horizon_months=9, paths=400, window_months=9)
    assert outcome.customers[0, :-1].sum(axis=0).tolist() == [100] * 400
    for month in (3, 6, 9):
        # Those who left can return, and those who returned cannot do so again.
        assert outcome.customers[month, :-1].sum(axis=0).mean() == pytest.approx(100, abs=6)


def test_customers_follow_others_of_their_size() -> None:
    # The large double in three months, the small stay.
    large = 1000 * 2.0 ** (np.arange(13) / 3)[None, :].repeat(40, axis=0)
    outcome = simulate(np.vstack([large, base(40, 10.0)]), horizon_months=3)
    assert np.allclose(outcome.arr[3, :-1].sum(axis=0), 12 * (40 * 32_000 + 40 * 10), rtol=1e-9)


def test_customers_follow_others_of_their_age() -> None:
    # Of equal size, those in their first month double in three months and the others stay. The last start is month 9.
    mrr = np.vstack([base(40, 50.0), np.zeros((60, 13))])
    mrr[40:70, 9:], mrr[40:70, 12] = 50.0, 100.0
    mrr[70:, 12] = 50.0
    outcome = simulate(mrr, horizon_months=6, window_months=3, young_months=1)
    arrived = outcome.customers[3, :-1].sum(axis=0) - 100
    assert np.allclose(outcome.arr[3, :-1].sum(axis=0), 12 * (40 * 50 + 30 * 100 + 30 * 100 + 50 * arrived))
    # Then they are old and stay, and those who arrived are young and double.
    later = outcome.customers[6, :-1].sum(axis=0) - 100 - arrived
    assert np.allclose(
        outcome.arr[6, :-1].sum(axis=0), 12 * (40 * 50 + 30 * 100 + 30 * 100 + 100 * arrived + 50 * later)
    )


def test_months_of_the_past_hit_all_customers_of_a_path_together() -> None:
    # Months in which everybody doubles take turns with months in which everybody halves: with a draw for each of 1,000
    # customers the paths would hardly differ.
    mrr = 1000 * np.where(np.arange(14) % 2 == 0, 1.0, 2.0)[None, :].repeat(1000, axis=0)
    outcome = simulate(mrr, horizon_months=3)
    found = np.unique(np.round(outcome.arr[3, :-1].sum(axis=0) / outcome.arr[0, :-1].sum(axis=0), 9))
    assert found.tolist() == [0.5, 2.0]


@pytest.mark.parametrize("months", [0, 1, 2, 5])
def test_too_little_history_is_not_projected(months: int) -> None:
    assert simulate(base(10, 100.0, months)) is None


def test_shortest_history_is_projected() -> None:
    assert simulate(base(10, 100.0, 6)).customers[-1, :-1].sum(axis=0).tolist() == [10] * 200


@pytest.mark.parametrize("mrr", [np.zeros((0, 12)), np.zeros((5, 12))])
def test_company_that_nobody_ever_paid_is_not_projected(mrr: np.ndarray) -> None:
    assert simulate(mrr) is None


def test_company_that_lost_everybody_goes_on_from_nobody() -> None:
    mrr = base(10, 100.0)
    mrr[:, -1] = 0
    outcome = simulate(mrr)
    assert outcome.customers[0, :-1].sum(axis=0).max() == 0
    assert outcome.arr.max() == 0


def test_simulation_stops_when_the_mix_is_met() -> None:
    bands = BANDS._replace(target_customers=np.array([0, 1, 0, 0]))
    met = base(10, 2500.0)
    assert len(simulate(met, bands=bands, horizon_months=24).customers) == 1
    assert len(simulate(met, bands=bands, horizon_months=24, months_to_target=3).customers) == 4
    assert len(simulate(met, horizon_months=24, months_to_target=3).customers) == 25
    assert len(simulate(met, horizon_months=2, months_to_target=3).customers) == 3


def test_target_that_was_met_and_lost_again_was_met() -> None:
    falling = 2500 * 2.0 ** np.arange(6, -0.5, -0.5)[None, :].repeat(30, axis=0)
    outcome = simulate(falling, bands=BANDS._replace(target_customers=np.array([0, 30, 0, 1])))
    assert outcome.customers[1, 1].max() == 0
    assert outcome.is_met[:, 1].all()
    assert not outcome.is_met[:, 4].any()


def test_one_growing_customer_is_no_certainty() -> None:
    outcome = simulate(1000 * 1.1 ** np.arange(13)[None, :])
    low, middle, high = np.quantile(outcome.arr[12, :-1].sum(axis=0), [0.1, 0.5, 0.9])
    assert low < 0.7 * middle < middle < high / 1.3


def test_naive_line_goes_on_as_the_window_did() -> None:
    # One customer more each month, all of the same size: 13 now, 25 in a year.
    mrr = np.where(np.arange(13)[None, :] >= np.arange(13)[:, None], 2500.0, 0.0)
    made = simulation.summary(simulate(mrr), BANDS, np.datetime64("2026-10")).to_pylist()
    naive = [(row["customers_naive"], row["arr_usd_naive"]) for row in made if row["band"] == "25k"]
    assert naive == [(13 + month, 30_000 * (13 + month)) for month in range(13)]


@pytest.mark.parametrize(("last_months", "is_unusual"), [(1.05, False), (1.0, True), (1.2, True)])
def test_pace_of_the_last_three_months_is_unusual_if_no_block_before_had_it(
    last_months: float, is_unusual: bool
) -> None:
    total = np.cumprod([1000.0, *[1.05, 1.04, 1.06] * 3, *[last_months] * 3])
    assert simulate(total[None, :].repeat(40, axis=0)).is_pace_unusual is is_unusual


def test_negative_revenue_is_none() -> None:
    table = simulation.monthly_mrr(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([5.0, -3.0, 7.0]))
    assert table.tolist() == [[5.0, 0.0], [0.0, 7.0]]


class Dbt:
    """What dbt hands to a Python model: tables by name, and the name of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.this = SimpleNamespace(schema="main", identifier="int_arr_mix_simulation")

    def ref(self, name: str) -> duckdb.DuckDBPyRelation:
        return self.connection.query(f"select * from {name}")


@pytest.fixture
def tables() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        seeds = PROJECT_DIR / "dbt_project" / "seeds"
        connection.execute(f"create table thresholds as from read_csv('{seeds / 'thresholds.csv'}')")
        connection.execute(f"create table arr_mix_backtests as from read_csv('{seeds / 'arr_mix_backtests.csv'}')")
        connection.execute(f"create table int_arr_mix_bands as from read_csv('{seeds / 'arr_mix_targets.csv'}')")
        connection.execute(
            "create table int_data_day as "
            "select date '2026-10-31' as as_of_date, date '2026-10-01' as last_closed_month"
        )
        connection.execute(
            "create table fct_mrr_monthly as "
            "select 'c' || customer as customer_id, "
            "cast(date '2025-01-01' + to_months(cast(month as int)) as date) as month, "
            "cast(case when hash(customer, month) % 40 > 0 then 50 + customer * 40 * (1 + month / 10) else -1 end "
            "as decimal(18, 2)) as mrr_usd_month "
            "from range(120) as customers (customer), range(22) as months (month) where month >= customer % 20"
        )
        connection.execute(
            "create table int_repriced_mrr (customer_id varchar, month date, mrr_change_usd decimal(22, 2))"
        )
        yield connection


def rows(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    made = load_model(MODEL, "afresh").model(Dbt(connection), connection)
    return [tuple(row.values())[:-1] for row in made.to_pylist()]


def test_rows_depend_on_the_last_closed_month_and_not_on_the_day_or_on_order(
    tables: duckdb.DuckDBPyConnection,
) -> None:
    first = rows(tables)
    assert {(row[0], row[2]) for row in first} >= {(date(2026, 10, 1), "mix"), (date(2025, 10, 1), "25k")}
    tables.execute("create or replace table fct_mrr_monthly as from fct_mrr_monthly order by hash(customer_id, month)")
    assert rows(tables) == first
    tables.execute("update int_data_day set as_of_date = date '2026-11-01'")
    assert rows(tables) == first
    tables.execute("update int_data_day set last_closed_month = date '2026-11-01'")
    assert [row[1:] for row in rows(tables)] != [row[1:] for row in first]


def test_what_was_simulated_from_the_same_is_not_simulated_again(tables: duckdb.DuckDBPyConnection) -> None:
    def build(*, may_simulate: bool = True) -> list[dict]:
        loaded = load_model(MODEL, "afresh")
        if not may_simulate:
            vars(loaded)["simulate"] = None
        made = loaded.model(Dbt(tables), tables)
        tables.execute("create or replace table int_arr_mix_simulation as from made")
        return made.to_pylist()

    first = build()
    tables.execute("update int_data_day set as_of_date = date '2026-11-01'")
    assert sorted(map(repr, build(may_simulate=False))) == sorted(map(repr, first))
    for change in (
        "update fct_mrr_monthly set mrr_usd_month = 7 where customer_id = 'c3' and month = date '2026-02-01'",
        "update thresholds set value = value + 1 where name = 'projection_paths'",
        "update int_arr_mix_bands set target_customers = target_customers + 1 where band = '25k'",
        "update int_data_day set last_closed_month = date '2026-09-01'",
    ):
        tables.execute(change)
        with pytest.raises(TypeError):
            build(may_simulate=False)
        build()
        build(may_simulate=False)


def test_projection_of_the_past_knows_nothing_of_what_came(tables: duckdb.DuckDBPyConnection) -> None:
    before = [row for row in rows(tables) if row[0] == date(2026, 4, 1)]
    assert len(before) == 7 * 5
    tables.execute("update fct_mrr_monthly set mrr_usd_month = 1000000 where month > date '2026-04-01'")
    after = rows(tables)
    assert [row for row in after if row[0] == date(2026, 4, 1)] == before
    assert [row for row in after if row[0] == date(2026, 10, 1)]


def test_other_prices_are_projected_with_the_draws_of_those_that_were_billed(tables: duckdb.DuckDBPyConnection) -> None:
    billed = rows(tables)
    assert {row[-1] for row in billed} == {"as_billed"}
    tables.execute("insert into int_repriced_mrr select customer_id, month, 0 from fct_mrr_monthly")
    again = rows(tables)
    assert [row for row in again if row[-1] == "as_billed"] == billed
    assert [row[:-1] for row in again if row[-1] == "candidate"] == [
        row[:-1] for row in billed if row[0] == date(2026, 10, 1)
    ]
    tables.execute("insert into int_repriced_mrr values ('a new one', date '2026-10-01', 30000)")
    [with_one_more] = [row for row in rows(tables) if (*row[:3], row[-1]) == (date(2026, 10, 1), 0, "50k", "candidate")]
    [without] = [row for row in billed if row[:3] == (date(2026, 10, 1), 0, "50k")]
    assert with_one_more[5] == without[5] + 1


def test_company_without_revenue_gives_a_table_without_rows(tables: duckdb.DuckDBPyConnection) -> None:
    tables.execute("delete from fct_mrr_monthly")
    made = load_model(MODEL, "afresh").model(Dbt(tables), tables)
    assert made.num_rows == 0
    assert made.schema == simulation.OUTPUT


def test_model_imports_nothing_but_what_the_run_has_loaded_already() -> None:
    lines = [line for line in (MODELS_DIR / MODEL).read_text().splitlines() if line.startswith(("import", "from"))]
    assert lines == [
        "from hashlib import sha256",
        "from pathlib import Path",
        "from typing import Any, NamedTuple",
        "import numpy as np",
        "import pyarrow as pa",
    ]
