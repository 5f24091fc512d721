"""The customer base forward: paths of months to come that are made of whole blocks of the recent past.

For each block of months a path draws one start in the past and replays what came after it: every customer follows one
that was about as large and as young then, arrivals and returns come as they came. All customers of a path share the
start, so that good and bad times hit them together; with a draw each, intervals would be far too narrow.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

CENT = 0.01
HALF = 0.5
# Growth of a block that differs by less than this (in logarithms) is no other pace.
LEAST_PACE = 0.03
# Nobody is projected above the largest amount of the input contract: a leap that is replayed would outgrow every type.
MOST_MRR_USD = 1e13
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}


# Prices as they were billed, and those of the candidate price list, if there is one.
AS_BILLED, CANDIDATE = "as_billed", "candidate"

OUTPUT = pa.schema(
    [
        ("as_of_month", pa.date32()),
        ("months_ahead", pa.int32()),
        ("band", pa.string()),
        ("share_met", pa.float64()),
        *((f"customers_{name}", pa.int32()) for name in QUANTILES),
        ("customers_mean", pa.float64()),
        *((f"arr_usd_{name}", pa.float64()) for name in QUANTILES),
        ("arr_usd_mean", pa.float64()),
        ("customers_naive", pa.int32()),
        ("arr_usd_naive", pa.float64()),
        ("is_pace_unusual", pa.bool_()),
        ("prices", pa.string()),
        ("made_of", pa.string()),
    ]
)


class Rules(NamedTuple):
    """The thresholds of the simulation."""

    paths: int
    horizon_months: int
    window_months: int
    block_months: int
    neighbours: int
    young_months: int
    min_months: int
    enough_customers: int
    doubt_percent: int


class Bands(NamedTuple):
    """The bands of the mix by lower bound, the lowest first."""

    names: list[str]
    arr_from_usd_year: np.ndarray
    target_customers: np.ndarray


class Block(NamedTuple):
    """What came after one month of the past: a row a customer, a column a month."""

    sizes: tuple[np.ndarray, np.ndarray]  # MRR then, ascending, of older and of young customers
    ratios: tuple[np.ndarray, np.ndarray]  # MRR later over MRR then, of the same
    arrivals: np.ndarray
    arrival_ages: np.ndarray
    returns: np.ndarray
    return_share: float


class Customers(NamedTuple):
    """The paying customers of all paths, and how many stopped paying in each."""

    mrr: np.ndarray
    age: np.ndarray
    path: np.ndarray
    dormant: np.ndarray


class Outcome(NamedTuple):
    """By month ahead (from 0), band and path; the last band is the whole mix, those with a target. `is_met`: by
    then the target has been held for two months in a row, so that a spike of one month meets nothing."""

    customers: np.ndarray
    arr: np.ndarray
    is_met: np.ndarray
    naive: np.ndarray
    is_pace_unusual: bool


def past_blocks(mrr: np.ndarray, rules: Rules) -> list[Block]:
    """The blocks that a path can be made of; none if there is too little history."""
    months = mrr.shape[1]
    if months < max(rules.min_months, rules.block_months + 1):
        return []
    first_paid = np.where((mrr > 0).any(axis=1), (mrr > 0).argmax(axis=1), months)
    starts = range(max(months - 1 - rules.window_months, 0), months - rules.block_months)
    return [_block(mrr, first_paid, start, rules) for start in starts if (mrr[:, start] > 0).any()]


def _block(mrr: np.ndarray, first_paid: np.ndarray, start: int, rules: Rules) -> Block:
    then, later = mrr[:, start], mrr[:, start + 1 : start + 1 + rules.block_months]
    paying = np.flatnonzero(then > 0)
    paying = paying[np.argsort(then[paying], kind="stable")]
    is_young = start - first_paid[paying] < rules.young_months
    # Too few of an age are no sample of it: they follow customers of any age.
    groups = [group if len(group) >= rules.neighbours else paying for group in (paying[~is_young], paying[is_young])]
    end = start + rules.block_months
    arriving = (first_paid > start) & (first_paid <= end)
    dormant = (first_paid < start) & (then <= 0)
    returning = dormant & (later > 0).any(axis=1)
    return Block(
        sizes=(then[groups[0]], then[groups[1]]),
        ratios=tuple(later[group] / then[group, None] for group in groups),
        arrivals=later[arriving],
        arrival_ages=end - first_paid[arriving],
        returns=later[returning],
        return_share=returning.sum() / max(dormant.sum(), 1),
    )


def _replay(block: Block, now: Customers, paths: np.ndarray, rules: Rules, rng: np.random.Generator) -> list[tuple]:
    """MRR by month, age at the end, and path, of each customer of `now` and of those who come to `paths`."""
    replayed = []
    is_young = now.age < rules.young_months
    for group, sizes, ratios in zip((~is_young, is_young), block.sizes, block.ratios, strict=True):
        mrr, neighbours = now.mrr[group], min(rules.neighbours, len(sizes))
        first, after = np.searchsorted(sizes, mrr), np.searchsorted(sizes, mrr, side="right")
        # All of the same size are neighbours, however many: the first of them are no better a sample than the rest.
        low = np.clip(np.minimum(first, (first + after - neighbours) // 2), 0, len(sizes) - neighbours)
        donors = rng.integers(low, np.maximum(after, low + neighbours))
        later = np.minimum(mrr[:, None] * ratios[donors], MOST_MRR_USD)
        replayed.append((later, now.age[group] + rules.block_months, now.path[group]))
    arrived = rng.poisson(len(block.arrivals), size=len(paths))
    chosen = rng.integers(max(len(block.arrivals), 1), size=arrived.sum())
    replayed.append((block.arrivals[chosen], block.arrival_ages[chosen], np.repeat(paths, arrived)))
    returned = rng.binomial(now.dormant[paths], block.return_share)
    chosen = rng.integers(max(len(block.returns), 1), size=returned.sum())
    replayed.append((block.returns[chosen], np.full(len(chosen), rules.young_months), np.repeat(paths, returned)))
    now.dormant[paths] -= returned
    return replayed


def _count(mrr: np.ndarray, path: np.ndarray, bands: Bands, paths: int) -> tuple[np.ndarray, np.ndarray]:
    """Customers and ARR of one month by band and path, the whole mix last."""
    arr, paying = 12 * mrr, mrr > 0
    # Half a cent below the bound, so that a product of floats that is the bound in cents reaches it.
    cell = (np.searchsorted(bands.arr_from_usd_year[1:] - CENT / 2, arr, side="right") * paths + path)[paying]
    shape, cells = (len(bands.names), paths), len(bands.names) * paths
    customers = np.bincount(cell, minlength=cells).reshape(shape)
    by_band = np.bincount(cell, weights=arr[paying], minlength=cells).reshape(shape)
    is_of_mix = bands.target_customers > 0
    return (
        np.vstack([customers, customers[is_of_mix].sum(axis=0)]),
        np.vstack([by_band, by_band[is_of_mix].sum(axis=0)]),
    )


def _is_met(customers: np.ndarray, targets: np.ndarray) -> np.ndarray:
    by_band = customers[:-1] >= targets[:, None]
    return np.vstack([by_band, by_band.all(axis=0)])


def _is_held(mrr: np.ndarray, bands: Bands) -> np.ndarray:
    """Whether one month of the past meets the target of each band, and of the whole mix."""
    customers, _ = _count(mrr, np.zeros(len(mrr), int), bands, 1)
    return _is_met(customers, bands.target_customers)[:, 0]


def _naive_pace(mrr: np.ndarray, bands: Bands, rules: Rules) -> np.ndarray:
    """Change of customers and of ARR a month over the window, shape (2, band)."""
    back = min(rules.window_months, mrr.shape[1] - 1)
    then, now = (
        np.stack(_count(column, np.zeros(len(mrr), int), bands, 1))[:, :, 0] for column in mrr[:, [-1 - back, -1]].T
    )
    return (now - then) / back


def _is_pace_unusual(mrr: np.ndarray, rules: Rules) -> bool:
    """Whether all revenue grew in the last block by far more or less than in those before, which paths replay too."""
    total = np.log(np.maximum(mrr[:, -1 - rules.window_months :].sum(axis=0), CENT))
    growth = total[rules.block_months :] - total[: -rules.block_months]
    before = growth[: -rules.block_months]
    if len(before) < rules.block_months:
        return False
    return bool(abs(growth[-1] - before.mean()) > 2 * before.std() + LEAST_PACE)


def simulate(
    mrr: np.ndarray, bands: Bands, rules: Rules, rng: np.random.Generator, *, months_to_target: int = 0
) -> Outcome | None:
    """Paths from the last column of `mrr` (customers by months) on, until at least `months_to_target` and the month in
    which half of the paths have met the mix, or the horizon; None if there is too little history."""
    blocks = past_blocks(mrr, rules)
    if not blocks:
        return None
    paying, known = mrr[:, -1] > 0, (mrr > 0).any(axis=1)
    now = Customers(
        mrr=np.tile(mrr[paying, -1], rules.paths),
        age=np.tile(mrr.shape[1] - 1 - (mrr[paying] > 0).argmax(axis=1), rules.paths),
        path=np.repeat(np.arange(rules.paths), paying.sum()),
        dormant=np.full(rules.paths, (known & ~paying).sum()),
    )
    # What a handful of customers did says little of what they will do: each path has a pace of its own besides.
    doubt = np.zeros(rules.paths)
    if (few := 1 - paying.sum() / rules.enough_customers) > 0:
        doubt = rng.normal(0, np.sqrt(few) * rules.doubt_percent / 100, size=rules.paths)
    months = [_count(now.mrr, now.path, bands, rules.paths)]
    before = np.tile(_is_held(mrr[:, -1], bands)[:, None], rules.paths)
    met = [before & _is_held(mrr[:, -2], bands)[:, None]]
    while len(months) <= rules.horizon_months and (len(months) <= months_to_target or met[-1][-1].mean() < HALF):
        drawn = rng.integers(len(blocks), size=rules.paths)
        parts: list[tuple] = []
        for number, block in enumerate(blocks):
            mine = drawn[now.path] == number
            these = now._replace(mrr=now.mrr[mine], age=now.age[mine], path=now.path[mine])
            parts += _replay(block, these, np.flatnonzero(drawn == number), rules, rng)
        later, age, path = (np.concatenate(column) for column in zip(*parts, strict=True))
        later = np.minimum(later * np.exp(doubt[path, None] * np.arange(1, rules.block_months + 1)), MOST_MRR_USD)
        for month in later.T:
            months.append(_count(month, path, bands, rules.paths))
            held = _is_met(months[-1][0], bands.target_customers)
            met.append(met[-1] | (before & held))
            before = held
        stays = later[:, -1] > 0
        dormant = now.dormant + np.bincount(path[~stays], minlength=rules.paths)
        now = Customers(later[stays, -1], age[stays], path[stays], dormant)
    customers, arr = (np.stack(figures)[: rules.horizon_months + 1] for figures in zip(*months, strict=True))
    return Outcome(
        customers,
        arr,
        np.stack(met)[: rules.horizon_months + 1],
        _naive_pace(mrr, bands, rules),
        _is_pace_unusual(mrr, rules),
    )


def monthly_mrr(customers: np.ndarray, months: np.ndarray, mrr: np.ndarray) -> np.ndarray:
    """MRR of customers by month, from rows whose customers and months are numbered from 0; none is below 0."""
    table = np.zeros((customers.max(initial=-1) + 1, months.max(initial=-1) + 1))
    table[customers, months] = np.maximum(mrr, 0)
    return table


def summary(
    outcome: Outcome, bands: Bands, as_of_month: np.datetime64, made_of: str = "", prices: str = AS_BILLED
) -> pa.Table:
    """One row a month ahead and band; month 0 is where the simulation starts."""
    months, rows = outcome.customers.shape[0], len(bands.names) + 1
    columns = {
        "as_of_month": np.full(months * rows, as_of_month.astype("datetime64[D]")),
        "months_ahead": np.repeat(np.arange(months), rows),
        "band": np.tile([*bands.names, "mix"], months),
        "share_met": outcome.is_met.mean(axis=2).ravel(),
    }
    for name, figures in (("customers", outcome.customers), ("arr_usd", outcome.arr)):
        # Values of paths, not points between two: customers are whole.
        quantiles = np.quantile(figures, list(QUANTILES.values()), axis=2, method="inverted_cdf")
        columns |= {f"{name}_{quantile}": of.ravel() for quantile, of in zip(QUANTILES, quantiles, strict=True)}
        columns[f"{name}_mean"] = figures.mean(axis=2).ravel()
    ahead = np.arange(months)[:, None]
    for name, figures, pace in zip(
        ("customers", "arr_usd"), (outcome.customers, outcome.arr), outcome.naive, strict=True
    ):
        columns[f"{name}_naive"] = np.maximum(np.rint(100 * (figures[0, :, 0] + ahead * pace)) / 100, 0).ravel()
    columns["customers_naive"] = np.rint(columns["customers_naive"])
    columns["is_pace_unusual"] = np.full(months * rows, outcome.is_pace_unusual)
    columns["prices"] = np.full(months * rows, prices)
    columns["made_of"] = np.full(months * rows, made_of)
    return pa.table({field.name: pa.array(columns[field.name]).cast(field.type) for field in OUTPUT})


def fingerprint(*inputs: Any) -> str:
    """Differs when a simulation would: with the inputs, and with this file."""
    digest = sha256(Path(__file__).read_bytes() if "__file__" in globals() else b"")
    for each in inputs:
        digest.update(each.tobytes() if isinstance(each, np.ndarray) else repr(each).encode())
    return digest.hexdigest()


def simulated_before(dbt: Any, session: Any, made_of: str) -> pa.Table | None:
    """The rows of the last build, if they were made of the same."""
    there = session.execute(
        "select count(*) from duckdb_columns() "
        "where schema_name = ? and table_name = ? and column_name = 'made_of' and database_name = current_database()",
        [dbt.this.schema, dbt.this.identifier],
    ).fetchall()
    if there == [(0,)]:
        return None
    rows = session.table(f"{dbt.this.schema}.{dbt.this.identifier}")
    # Other code may have made other columns.
    if rows.project("made_of").distinct().fetchall() != [(made_of,)]:
        return None
    return rows.project(", ".join(field.name for field in OUTPUT)).to_arrow_table().cast(OUTPUT)


def repriced(mrr: np.ndarray, customers: np.ndarray, months: np.ndarray, changes: np.ndarray) -> np.ndarray:
    """`mrr` with changes of customers and months, numbered as its rows and columns; none is below 0.

    Customers after its last row paid nothing.
    """
    table = np.zeros((max(len(mrr), customers.max(initial=-1) + 1), mrr.shape[1]))
    table[: len(mrr)] = mrr
    np.add.at(table, (customers, months), changes)
    return np.maximum(table, 0)


def model(dbt: Any, session: Any) -> pa.Table:
    """One simulation from the last closed month, and one from each month in the past that they are judged by; and from
    the last closed month one of what the candidate price list would have made of all months, with the same draws.

    What the last build simulated from the same revenue and rules stays: months close once, and days come every day.
    """
    thresholds = dict(dbt.ref("thresholds").project("name, value").fetchall())
    rules = Rules(*(int(thresholds[f"projection_{name}"]) for name in Rules._fields))
    targets = dbt.ref("int_arr_mix_bands").order("arr_from_usd_year").fetchnumpy()
    bands = Bands(list(targets["band"]), targets["arr_from_usd_year"], targets["target_customers"])
    # dbt does not look for tables in the arguments of a call.
    backtests = [back for (back,) in dbt.ref("arr_mix_backtests").order("months_back").fetchall()]
    data_day = dbt.ref("int_data_day").fetchnumpy()
    rows = dbt.ref("fct_mrr_monthly").project("customer_id, month, mrr_usd_month").fetchnumpy()
    months, last_month = (days.astype("datetime64[M]") for days in (rows["month"], data_day["last_closed_month"][0]))
    first_month = months.min(initial=last_month)
    changes = dbt.ref("int_repriced_mrr").aggregate("customer_id, month, cast(sum(mrr_change_usd) as double) as usd")
    changes = changes.order("customer_id, month").fetchnumpy()
    names = np.concatenate([rows["customer_id"], changes["customer_id"]])
    customers, repriced_customers = np.split(np.unique(names, return_inverse=True)[1], [len(months)])
    mrr = monthly_mrr(customers, (months - first_month).astype(int), rows["mrr_usd_month"])
    to_target = int((targets["target_date"].max().astype("datetime64[M]") - last_month).astype(int))
    starts = [(AS_BILLED, mrr, back) for back in [0, *backtests]]
    if len(repriced_customers):
        of_months = (changes["month"].astype("datetime64[M]") - first_month).astype(int)
        starts.append((CANDIDATE, repriced(mrr, repriced_customers, of_months, changes["usd"]), 0))
    made_of = fingerprint(
        *(of_prices for _, of_prices, _ in starts),
        rules,
        bands.names,
        *bands[1:],
        backtests,
        str(last_month),
        to_target,
    )
    # Beside an engine that runs no Python the code is no file that could tell that it changed: it simulates anew.
    before = simulated_before(dbt, session, made_of) if "__file__" in globals() else None
    if before is not None:
        return before
    tables = [OUTPUT.empty_table()]
    for prices, of_prices, months_back in starts:
        # Each simulation has numbers of its own, and the same ones while the last closed month is the same.
        rng = np.random.default_rng([int(last_month.astype(int)), months_back])
        known = of_prices[:, : max(mrr.shape[1] - months_back, 0)]
        horizon = months_back or rules.horizon_months
        outcome = simulate(
            known, bands, rules._replace(horizon_months=horizon), rng, months_to_target=months_back or to_target
        )
        if outcome:
            tables.append(summary(outcome, bands, last_month - months_back, made_of, prices))
    return pa.concat_tables(tables)
