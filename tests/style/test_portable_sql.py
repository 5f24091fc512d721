"""The SQL of the project runs on each engine: what only one of them has stands in its own file of macros."""

import pytest
import yaml

from expectations.suites import load_suites
from settings import PROJECT_DIR
from tests.style.portable_sql import in_query, in_templates

FOLDER = PROJECT_DIR / "dbt_project"
FILES = [
    path
    for name in ("models", "macros", "tests")
    for path in sorted((FOLDER / name).rglob("*.sql"))
    if path.parent.name != "engines"
]


# Reads the columns that raw happens to have, which no SQL does that every engine has: DuckDB checks it on each.
OF_DUCKDB = {"fct_usage_daily.usage_differs_from_the_counters"}


def test_models_and_macros_use_what_every_engine_has() -> None:
    assert len(FILES) > 150
    found = {path.name: list(in_templates(path.read_text())) for path in FILES}
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_threshold_in_the_key_of_an_inner_join_is_found() -> None:
    """Such a key ended in SPARK-58485, by chance: the row of the threshold was not there yet."""
    join = "select a.b from c as a {0} join d on a.b = d.b and a.e - {{{{ threshold('x') }}}} {1} d.e where a.b > 1"
    assert list(in_templates(join.format("inner", "=")))
    assert not list(in_templates(join.format("inner", ">=")))
    assert not list(in_templates(join.format("left", "=")))


def test_unit_tests_use_what_every_engine_has() -> None:
    found = {}
    for path in sorted((FOLDER / "models").rglob("_*__unit_tests.yml")):
        for each in yaml.safe_load(path.read_text())["unit_tests"]:
            sides = [side for side in (*each["given"], each["expect"]) if side.get("format") == "sql"]
            found[each["name"]] = [fault for side in sides for fault in in_templates(side["rows"])]
    assert len(found) > 200
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_suites_use_what_every_engine_has() -> None:
    found = {}
    for suite in load_suites():
        for each in suite.expectations:
            texts = [each.kwargs.get("unexpected_rows_query"), each.kwargs.get("condition"), each.look_for]
            faults = [fault for text in texts if text for fault in in_query(text)]
            if faults:
                found[f"{suite.table}.{each.name}"] = faults
    assert set(found) == OF_DUCKDB, found


@pytest.mark.parametrize(
    "construct",
    [
        "select a::int from b",
        "select a from b qualify row_number() over (partition by a order by c) = 1",
        "select count(*) filter (where a > 1) from b",
        "select a // 2 from b",
        "select a from b asof join c on b.d >= c.d",
        "select a, count(*) from b group by all",
        "select * exclude (a) from b",
        "select date_diff('day', a, c) from b",
        "select list_sum(a) from b",
        "select [1, 2] as a from b",
        "select a + interval 1 day from b",
        "select a from b where c ilike 'x'",
        "select arg_max(a, c) from b",
        "select strftime(a, '%Y') from b",
        "select count() from b",
        "select a, from b",
        "select a: c from b",
        "select {'key': a} from b",
        "select a ^ 2 from b",
        "select a ->> 'x' from b",
        "select a from b where a ~ 'x'",
        "select a from b where a == 1",
        "select a from b where a similar to 'x'",
        "select cast(a as text) from b",
        "select cast(a as double) from b",
        "select cast(greatest(a, c) as decimal) from b",
        "select a from b union all by name select a from c",
        "select a from b positional join c",
        "select a from b using sample 10",
        "select a from b limit 10 %",
        "select 1_000 as a",
        "select a from 'x.parquet'",
        "select extract(epoch from a) from b",
        "with recursive c as (select 1 as a union all select a + 1 from c) select a from c",
    ],
)
def test_what_only_duckdb_has_is_found_in_models_and_in_suites(construct: str) -> None:
    assert list(in_templates("{{ config(materialized='table') }}\n" + construct))
    assert list(in_query(construct))
