"""`python -m benchmarks.projections DATA_FOLDER...`: how right projections of the mix were in built companies.

Projects anew from every month with enough history, by the project's model, and prints how far the middle path was from
what came, how often the 80 % band held it, and how right the chances were (Brier score) of targets near what bands had.
"""

import argparse
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from settings import PROJECT_DIR, Settings

MONTHS_AHEAD = 12
# Targets are these many times the customers that a band had in the month that is projected from.
TARGETS = (0.9, 1.0, 1.1, 1.25, 1.5)
AHEAD = {1: "1 to 3", 2: "4 to 6", 3: "7 to 9", 4: "10 to 12"}
FIGURES = ("customers_p10", "customers_p90", "arr_usd_p10", "arr_usd_p50", "arr_usd_p90", "arr_usd_naive", "share_met")
MEASURES = """
    count(*) as n, round(median(abs(arr_usd_p50 / arr - 1)), 3) as p50_error,
    round(median(arr_usd_p50 / arr - 1), 3) as p50_off, round(median(abs(arr_usd_naive / arr - 1)), 3) as naive_error,
    round(median(abs((arr_usd_p50 + arr_usd_naive) / 2 / arr - 1)), 3) as mean_of_both_error,
    round(avg((arr between arr_usd_p10 - 0.005 and arr_usd_p90 + 0.005)::int), 2) as arr_covered,
    round(avg((customers between customers_p10 and customers_p90)::int), 2) as customers_covered
"""
TABLES = {
    "ARR and customers by band and months ahead": f"select band, ahead, {MEASURES} from judged where target = 1.0 "
    "and arr > 0 group by all order by band, max(months_ahead)",
    "Brier score": "select ahead, count(*) as n, round(avg(power(share_met - is_met::int, 2)), 3) as brier, "
    "round(avg(is_met::int) * (1 - avg(is_met::int)), 3) as by_the_mean from judged where band <> 'below' "
    "group by grouping sets ((ahead), ()) order by max(months_ahead), ahead nulls last",
    "what was said and what came": "select least(floor(5 * share_met), 4) / 5 as said_from, count(*) as n, "
    "round(avg(share_met), 2) as said, round(avg(is_met::int), 2) as came from judged where band <> 'below' "
    "group by 1 order by 1",
}


def load_simulation() -> ModuleType:
    """The model, as dbt loads it."""
    path = PROJECT_DIR / "dbt_project/models/growth/int_arr_mix_simulation.py"
    spec = importlib.util.spec_from_file_location("int_arr_mix_simulation", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_company(model: ModuleType, warehouse: Path) -> tuple[np.ndarray, Any, Any]:
    """Closed MRR by customer and month, the rules, and the bands."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        rows = connection.execute(
            "select customer_id, month, mrr_usd_month::double as mrr from marts.fct_mrr_monthly "
            "where month <= (select last_closed_month from intermediate.int_data_day)"
        ).df()
        values = dict(connection.execute("select name, value::double from seeds.thresholds").fetchall())
        bands = connection.execute(
            "select band, arr_from_usd_year::double as arr_from, target_customers from intermediate.int_arr_mix_bands "
            "order by arr_from_usd_year"
        ).fetchnumpy()
    mrr = rows.pivot_table(index="customer_id", columns="month", values="mrr", aggfunc="sum", fill_value=0).to_numpy()
    rules = model.Rules(*(int(values[f"projection_{name}"]) for name in model.Rules._fields))
    return (
        np.maximum(mrr, 0),
        rules._replace(horizon_months=MONTHS_AHEAD),
        model.Bands(list(bands["band"]), bands["arr_from"], bands["target_customers"]),
    )


def judge(model: ModuleType, warehouse: Path) -> Iterator[pd.DataFrame]:
    """Rows of projections with what came, one frame for each month projected from and target."""
    mrr, rules, bands = read_company(model, warehouse)
    months = mrr.shape[1]
    counted = [vars(model)["_count"](of_month, np.zeros(len(mrr), int), bands, 1) for of_month in mrr.T]
    customers, arr = (np.stack([each[number][:, 0] for each in counted]) for number in (0, 1))
    for start in range(rules.min_months - 1, months - 1):
        ahead = np.arange(1, min(MONTHS_AHEAD, months - 1 - start) + 1)
        for target in TARGETS:
            aimed = np.maximum(np.rint(target * customers[start, :-1]), 1).astype(int) * (bands.target_customers > 0)
            of_target = bands._replace(target_customers=aimed)
            rng = np.random.default_rng([start, 0])
            outcome = model.simulate(mrr[:, : start + 1], of_target, rules, rng, months_to_target=MONTHS_AHEAD)
            if outcome is None:
                continue
            made = model.summary(outcome, of_target, np.datetime64("2026-01")).to_pandas()
            has = customers[start - 1 :, :-1] >= aimed
            has = np.column_stack([has, has.all(axis=1)])
            is_met = np.logical_or.accumulate(has[1:] & has[:-1])
            rows = made[made.months_ahead.isin(ahead)].set_index(["months_ahead", "band"])[list(FIGURES)].reset_index()
            yield rows.assign(
                target=target,
                ahead=rows.months_ahead.map(lambda month: AHEAD[(month + 2) // 3]),
                customers=customers[start + ahead].ravel(),
                arr=arr[start + ahead].ravel(),
                is_met=is_met[ahead].ravel(),
            )


def main() -> None:
    """Replay and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.projections", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", help="data folders in which companies were built")
    model = load_simulation()
    judged = pd.concat(
        frame
        for folder in parser.parse_args().folders
        for frame in judge(model, Settings(data_dir=folder).warehouse_path)
    )
    with duckdb.connect() as connection:
        connection.register("judged", judged)
        for title, query in TABLES.items():
            print(f"\n{title}")
            print(connection.execute(query).df().to_string(index=False))


if __name__ == "__main__":
    main()
