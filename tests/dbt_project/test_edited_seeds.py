"""Every number that people edit can be edited: the whole project still builds, unit tests and all."""

import csv
import re
import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from itertools import chain
from pathlib import Path

import pytest
import yaml

from settings import PROJECT_DIR
from tests.dbt_project.building import DBT_DIR, dbt
from tests.dbt_project.test_build import write_company
from tests.support.running import in_this_process
from transform.dbt_runner import DEVELOPER_TESTS, DbtError, invoke_dbt

SEEDS_DIR = DBT_DIR / "seeds"
NUMBERS = ("int", "bigint", "decimal", "double")
Column = tuple[str, str]
Edit = Callable[[Decimal], Decimal]


def twice(number: Decimal) -> Decimal:
    """Keeps an order, and a bound of zero."""
    return number * 2


def half(number: Decimal) -> Decimal:
    return number / 2


def one_more(number: Decimal) -> Decimal:
    return number + 1


def one_less(number: Decimal) -> Decimal:
    return number - 1


def a_little(number: Decimal) -> Decimal:
    """One more of what is counted, a little less of a share or factor."""
    return number + 1 if number == number.to_integral_value() else number * Decimal("0.95")


def ten_times(number: Decimal) -> Decimal:
    """A power of ten stays one, and none is above a million."""
    return number * 10 if number < 1_000_000 else number


def unless_one(number: Decimal) -> Decimal:
    """A dollar is worth a dollar."""
    return number if number == 1 else number * 2


# Every value of these columns is edited so, within the rules of its seed.
EDITS: dict[Column, Edit] = {
    ("account_signals", "threshold"): one_more,
    ("arr_mix_backtests", "months_back"): one_more,
    ("arr_mix_targets", "arr_from_usd_year"): half,
    ("arr_mix_targets", "price_usd_year"): half,
    # The targets are 100 million dollars together.
    ("arr_mix_targets", "target_customers"): twice,
    ("candidate_price_list", "up_to"): twice,
    ("candidate_price_list", "unit_price_usd"): half,
    ("candidate_price_list", "flat_amount_usd"): one_more,
    ("company_sizes", "employees_from"): twice,
    ("competitor_prices", "up_to"): twice,
    ("competitor_prices", "unit_price_usd"): half,
    ("competitor_prices", "flat_amount_usd"): one_more,
    ("exchange_rates", "usd_per_unit"): unless_one,
    # From 0 to 4.
    ("exchange_rates", "minor_unit_decimals"): twice,
    ("figure_alert_rules", "bound"): half,
    ("figure_alert_rules", "days"): twice,
    ("health_weights", "weight"): twice,
    ("ladder_stages", "stage_order"): twice,
    ("levels", "level_order"): twice,
    ("owner_books", "book_accounts"): half,
    ("owner_books", "book_arr_usd_year"): half,
    ("prepaid_discounts", "credit_from_usd"): twice,
    ("prepaid_discounts", "discount_percent"): half,
    ("price_list", "up_to"): half,
    ("price_list", "unit_price_usd"): twice,
    ("price_list", "flat_amount_usd"): one_more,
    ("product_pairs", "offer_order"): twice,
    ("product_uses", "hardly_used_at_most"): one_more,
    ("retention_windows", "base_months"): twice,
    ("score_cuts", "cut"): one_less,
    ("score_cuts", "version"): twice,
    ("score_points", "at_least"): twice,
    ("score_points", "points"): one_more,
    ("score_points", "up_to"): twice,
    ("score_points", "version"): twice,
    ("segment_criteria", "bound"): one_more,
    ("segments", "precedence"): twice,
    ("size_tiers", "arr_from_usd_year"): twice,
    ("spend_limit_levels", "share_of_limit"): half,
    ("startup_programs", "credit_usd"): half,
    ("startup_rolloff_stages", "rolloff_within_days"): one_more,
    ("strategy_figures", "target"): twice,
    ("team_levers", "book_percent"): one_less,
    ("team_levers", "covered_percent"): one_less,
    ("team_levers", "lever_order"): twice,
    ("team_levers", "queue_percent"): one_less,
    ("team_roles", "accounts_a_person"): one_more,
    ("team_roles", "fixed_people"): one_more,
    ("thresholds", "value"): a_little,
    ("title_levels", "rank"): twice,
    ("usage_counters", "units_per_billed_unit"): ten_times,
    ("user_roles", "rank"): twice,
}  # fmt: skip
# A tier is the place of a price among the others: no other number is within the rules.
FOLLOWS_FROM_THE_OTHERS = {(seed, "tier") for seed in ("price_list", "candidate_price_list", "competitor_prices")}
# Its bounds are of several kinds, so the column is text.
NUMBERS_IN_TEXT = {("segment_criteria", "bound")}
# Models divide by these, take their logarithm or draw that many: with 0 an engine would stop them, or loop for ever.
NEVER_ZERO = {
    "anomaly_least_weeks", "anomaly_weeks", "drift_calm_share", "gross_margin", "interval_default_factor",
    "method_error_floor", "method_prior_periods", "month_growth_max_factor", "pace_months", "projection_block_months",
    "projection_enough_customers", "projection_horizon_months", "projection_neighbours", "projection_paths",
    "projection_window_months", "rhythm_prior_weeks", "trend_max_factor", "usual_error_prior_periods",
}  # fmt: skip


def columns_of_numbers() -> Iterator[Column]:
    described = [yaml.safe_load(path.read_text())["seeds"] for path in sorted(SEEDS_DIR.glob("_*seeds.yml"))]
    for seed in chain.from_iterable(described):
        for column, kind in seed["config"]["column_types"].items():
            if kind.partition("(")[0] in NUMBERS:
                yield seed["name"], column


def edit_column(path: Path, column: str, edit: Edit) -> int:
    """Edit every number of a column of a seed; how many there are."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    place, edited = header.index(column), 0
    for row in rows:
        try:
            row[place] = f"{edit(Decimal(row[place])).normalize():f}"
            edited += 1
        except InvalidOperation:
            # Nothing, or a bound that is true or false.
            continue
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return edited


def copy_of_project(folder: Path) -> Path:
    """The dbt project in a folder, to be edited."""
    ignored = shutil.ignore_patterns("target", "logs", "__pycache__")
    return Path(shutil.copytree(PROJECT_DIR / "dbt_project", folder / "dbt_project", ignore=ignored))


@pytest.fixture(scope="module")
def edited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dbt project with another number in every place, and with a candidate of every price."""
    project = copy_of_project(tmp_path_factory.mktemp("edited"))
    shutil.copyfile(project / "seeds" / "price_list.csv", project / "seeds" / "candidate_price_list.csv")
    for (seed, column), edit in EDITS.items():
        assert edit_column(project / "seeds" / f"{seed}.csv", column, edit), (seed, column)
    return project


def test_every_number_that_people_edit_is_edited_here() -> None:
    assert set(columns_of_numbers()) | NUMBERS_IN_TEXT == EDITS.keys() | FOLLOWS_FROM_THE_OTHERS


@pytest.mark.slow
def test_the_project_builds_with_another_number_in_every_place(edited: Path, tmp_path: Path) -> None:
    write_company(tmp_path / "warehouse.duckdb")
    done = dbt(tmp_path, "build", project=edited)
    assert done.returncode == 0, done.stdout[-5000:]


# Of a seed, what is edited, which of its tests finds that, and what it says is wrong.
CONTRADICTIONS = [
    ("price_list", "logs,3,,", "logs,3,5000,", "last_price_tier_of_a_product_has_an_upper_bound", "product_key=logs"),
    (
        "price_list",
        "feature_flags,3,10000000,",
        "feature_flags,3,1500000,",
        "price_tiers_of_a_product_overlap_or_leave_a_gap",
        "product_key=feature_flags, valid_from=2023-06-23, tier=3",
    ),
    (
        "price_list",
        "mobile_replay,3,50000,0.007,0,2024-01-01,\n",
        "",
        "price_tiers_of_a_product_overlap_or_leave_a_gap",
        "product_key=mobile_replay, valid_from=2024-01-01, tier=4",
    ),
    (
        "price_list",
        "error_tracking,2,325000,",
        "error_tracking,2,,",
        "price_tiers_of_a_product_overlap_or_leave_a_gap",
        "product_key=error_tracking, valid_from=2025-04-22, tier=3",
    ),
    (
        "price_list",
        "boost,1,,0,250,2024-01-01,\n",
        "boost,1,,0,250,2024-01-01,2026-02-01\nboost,1,,0,300,2026-01-01,\n",
        "price_versions_of_a_product_overlap_or_leave_a_gap",
        "product_key=boost, valid_from=2024-01-01, valid_to=2026-02-01, next_valid_from=2026-01-01",
    ),
    (
        "price_list",
        "scale,1,,0,750,2024-01-01,\n",
        "scale,1,,0,750,2024-01-01,2026-01-01\nscale,1,,0,800,2026-02-01,\n",
        "price_versions_of_a_product_overlap_or_leave_a_gap",
        "product_key=scale, valid_from=2024-01-01, valid_to=2026-01-01, next_valid_from=2026-02-01",
    ),
    (
        "price_list",
        "enterprise,1,,0,2000,2024-01-01,",
        "enterprise,1,,0,2000,2024-01-01,2026-01-01",
        "price_versions_of_a_product_overlap_or_leave_a_gap",
        "product_key=enterprise, valid_from=2024-01-01, valid_to=2026-01-01, next_valid_from=None",
    ),
    (
        "candidate_price_list",
        ",valid_to\n",
        ",valid_to\nsurveys,1,250,0,0,2026-01-01,\n",
        "last_price_tier_of_a_product_has_an_upper_bound",
        "listed_in=candidate_price_list, product_key=surveys",
    ),
    (
        "arr_mix_targets",
        ",1000,2026-12-31",
        ",1001,2026-12-31",
        "arr_mix_targets_do_not_multiply_to_100_million",
        "target_usd_year=100025000",
    ),
    ("size_tiers", "none,0\n", "none,2\n", "size_tiers_or_mix_bands_do_not_start_at_zero", "seed=size_tiers"),
    (
        "arr_mix_targets",
        "below,0,0,",
        "below,1,0,",
        "size_tiers_or_mix_bands_do_not_start_at_zero",
        "seed=arr_mix_targets",
    ),
    (
        "segment_criteria",
        "\nhobbyist,",
        "\nhobbyist,fame,fame,fame,>=,1,false,,,Added by hand.\nhobbyist,",
        "segment_criteria_ask_for_what_is_not_there",
        "segment=hobbyist, criterion=fame",
    ),
    (
        "segment_criteria",
        "\nhobbyist,",
        "\nhobbyist,people,people,employees,>=,1,false,2026-01-01,,Added by hand.\nhobbyist,",
        "segment_criteria_of_one_name_overlap_or_leave_a_gap",
        "segment=hobbyist, criterion=people",
    ),
    (
        "segment_criteria",
        "high_growth,not_public,not_public,is_public,=,false,false,,,",
        "high_growth,not_public,not_public,is_public,=,true,false,,2026-01-01,Added by hand.\n"
        "high_growth,not_public,not_public,is_public,=,false,false,2026-02-01,,",
        "segment_criteria_of_one_name_overlap_or_leave_a_gap",
        "segment=high_growth, criterion=not_public, valid_from=None, valid_to=2026-01-01, next_valid_from=2026-02-01",
    ),
    (
        "user_roles",
        "engineering,true,% web %,",
        "engineering,false,% web %,",
        "field_of_work_is_a_department_on_some_rows_only",
        "role_at_organization=engineering",
    ),
]
# With those that their tests look into.
BUILT = ("thresholds", "products", "segments", *dict.fromkeys(seed for seed, *_ in CONTRADICTIONS))


def said_of(message: str, test: str) -> list[str]:
    """The sentence of a build about a test that found something, if there is one."""
    sentences = re.split(r"(?<=run again); ", message)
    return [sentence for sentence in sentences if f" its test {test}," in sentence]


@pytest.fixture(scope="module")
def said_of_contradictions(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a build says of seeds that contradict themselves, and of thresholds that are all 0."""
    folder = tmp_path_factory.mktemp("contradictory")
    project = copy_of_project(folder)
    edit_column(project / "seeds" / "thresholds.csv", "value", lambda number: number * 0)
    for seed, right, wrong, *_ in CONTRADICTIONS:
        path = project / "seeds" / f"{seed}.csv"
        text = path.read_text()
        assert right in text, right
        path.write_text(text.replace(right, wrong, 1))
    arguments = ["build", "--select", *BUILT, "--exclude", *DEVELOPER_TESTS]
    with in_this_process(folder, folder, {}) as settings, pytest.MonkeyPatch.context() as patch:
        patch.setattr("transform.dbt_runner.SHOWN_ROWS", 1000)
        with pytest.raises(DbtError) as refused:
            invoke_dbt(arguments, settings, folder / "target", project=project)
    return str(refused.value)


@pytest.mark.slow
def test_thresholds_that_cannot_be_zero_are_named_before_a_model_divides_by_them(said_of_contradictions: str) -> None:
    assert "dbt_project/seeds/thresholds.csv fails its test thresholds_that" in said_of_contradictions
    assert sorted(re.findall("name=([a-z_]+), value=0", said_of_contradictions)) == sorted(NEVER_ZERO)


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "test", "found"), [(seed, *end) for seed, _, _, *end in CONTRADICTIONS])
def test_contradictions_of_seeds_are_named(said_of_contradictions: str, seed: str, test: str, found: str) -> None:
    [said] = said_of(said_of_contradictions, test)
    assert f"dbt_project/seeds/{seed}.csv" in said.partition(" its test ")[0]
    assert found in said
    assert said.endswith("correct the file and run again")


def test_every_contradiction_that_a_build_looks_for_is_tried_here() -> None:
    assert {test for *_, test, _ in CONTRADICTIONS} == {path.stem for path in DBT_DIR.glob("tests/seeds/*.sql")}
