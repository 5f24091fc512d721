"""What the text of the dbt project promises: layers, words, no clock, SQL that another engine can run."""

import csv
import re
from itertools import chain
from pathlib import Path

import pytest
import yaml

from ingestion.contract.model import load_contract
from settings import PROJECT_DIR
from tests.support.dbt_models import MODEL_FILES, MODELS_DIR, described, described_models

DBT_DIR = PROJECT_DIR / "dbt_project"
SQL_MODEL_FILES = [path for path in MODEL_FILES if path.suffix == ".sql"]
PYTHON_MODEL_FILES = [path for path in MODEL_FILES if path.suffix == ".py"]
SQL_FILES = [*SQL_MODEL_FILES, *sorted((DBT_DIR / "macros").glob("*.sql")), *sorted((DBT_DIR / "tests").rglob("*.sql"))]

CLOCK = re.compile(
    r"\b(current_date|current_timestamp|localtimestamp|now\(|today\(|getdate|sysdate|run_started_at|time\.time\()",
    re.IGNORECASE,
)
NOT_PORTABLE = {
    "QUALIFY": r"\bqualify\b",
    ":: casts": r"::",
    "GROUP BY ALL": r"\bgroup by all\b",
    "EXCLUDE": r"\*\s*exclude\b",
    "FILTER": r"\bfilter\s*\(",
    "DISTINCT ON": r"\bdistinct on\b",
    "ILIKE": r"\bilike\b",
    "intervals written inline": r"\binterval\s+'?\d",
    "bare numeric": r"\bas\s+(numeric|decimal)\s*\)",
    "floats": r"\b(float|double|real)\b",
}


def without_comments(path: Path) -> str:
    return re.sub(r"\{#.*?#\}|--[^\n]*", "", path.read_text(), flags=re.S)


@pytest.mark.parametrize("path", MODEL_FILES, ids=lambda path: path.stem)
def test_every_model_is_described_in_the_yaml_of_its_folder(path: Path) -> None:
    entry = described(path.parent / f"_{path.parent.name}__models.yml")[path.stem]
    assert entry.get("description")
    undescribed = [column["name"] for column in entry["columns"] if not column.get("description")]
    assert not undescribed


def test_no_yaml_describes_a_model_that_is_gone() -> None:
    names = {path.stem for path in MODEL_FILES}
    described_names = {name for path in MODELS_DIR.rglob("_*__models.yml") for name in described(path)}
    assert described_names == names


@pytest.mark.parametrize("path", MODEL_FILES, ids=lambda path: path.stem)
def test_only_staging_reads_raw_and_only_its_own_source(path: Path) -> None:
    sources = set(re.findall(r"source\('(\w+)', '(\w+)'\)", path.read_text()))
    if "staging" not in path.parts:
        assert not sources
        assert "raw." not in without_comments(path)
    else:
        assert {source for source, _ in sources} == {path.parent.name}
        assert len(sources) == 1
        assert path.stem.startswith(f"stg_{path.parent.name}__")


def test_every_table_of_the_contract_has_a_staging_model() -> None:
    staged = {
        "__".join(found)
        for path in (MODELS_DIR / "staging").rglob("*.sql")
        for found in re.findall(r"source\('(\w+)', '(\w+)'\)", path.read_text())
    }
    assert staged == {table.raw_name for table in load_contract().tables} | {"load__rejected_rows", "load__usage_days"}


# The hook that notes when tables were built: publishing compares it with the gates, and no model reads it.
MAY_READ_THE_CLOCK = {"macros/builds.sql"}


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in [*SQL_FILES, *PYTHON_MODEL_FILES]
        if str(path.relative_to(PROJECT_DIR / "dbt_project")) not in MAY_READ_THE_CLOCK
    ],
    ids=lambda path: path.stem,
)
def test_nothing_reads_the_clock(path: Path) -> None:
    assert not CLOCK.search(without_comments(path))


@pytest.mark.parametrize("path", SQL_FILES, ids=lambda path: path.stem)
def test_sql_is_what_another_engine_can_run(path: Path) -> None:
    text = without_comments(path)
    assert [name for name, pattern in NOT_PORTABLE.items() if re.search(pattern, text, re.I)] == []


def test_dbt_gets_only_the_days_the_file_and_what_macros_are_made_of_from_the_environment() -> None:
    readers = {path.stem for path in SQL_FILES if "env_var" in path.read_text()}
    assert readers == {"int_data_day", "days_to_build", "builds"}


@pytest.mark.parametrize("path", sorted((DBT_DIR / "seeds").glob("*.csv")), ids=lambda path: path.stem)
def test_every_column_of_a_seed_is_described_and_typed(path: Path) -> None:
    described = [yaml.safe_load(file.read_text())["seeds"] for file in (DBT_DIR / "seeds").glob("_*seeds.yml")]
    seeds = {seed["name"]: seed for seed in chain.from_iterable(described)}
    with path.open(newline="") as file:
        header = next(csv.reader(file))
    seed = seeds[path.stem]
    assert [column["name"] for column in seed["columns"]] == header
    assert all(column.get("description") for column in seed["columns"])
    assert list(seed["config"]["column_types"]) == header


def test_no_unit_test_depends_on_a_number_that_people_edit() -> None:
    seeds = {path.stem: path for path in (DBT_DIR / "seeds").glob("*.csv")}
    numeric = {name for name, path in seeds.items() if re.search(r"(^|,)-?\d+(\.\d+)?(,|$)", path.read_text(), re.M)}
    assert {"thresholds", "size_tiers", "price_list"} <= numeric
    live = [
        (test["name"], seed)
        for file in sorted((DBT_DIR / "models").rglob("*unit_tests.yml"))
        for test in yaml.safe_load(file.read_text())["unit_tests"]
        for given in test["given"]
        for seed in re.findall(r"^ref\('(\w+)'\)$", given["input"])
        if seed in numeric and not given.keys() & {"rows", "fixture"}
    ]
    assert live == []


# A column that is called so may be about a person; it says which one (`personal_data`), or stands below with a reason.
MAY_BE_PERSONAL = re.compile(r"mail|name|phone|address|login|domain|detail|(^|_)(user|person|ip|city)($|_)")
NOT_PERSONAL = {
    "work_mail_signups": "A count.",
    "work_mail_with_segment": "A count.",
    "unknown_free_mail": "A count.",
    "unknown_no_domain": "A count.",
    "list_name": "A list of the project.",
    "display_name": "A product's.",
    "would_be_the_only_user": "A flag.",
}
NEEDS_PERSONAL_DATA = {
    ("dim_customers", "organization"): "The name under which people know the customer.",
    (
        "dim_organizations",
        "organization",
    ): "The name under which people know it, and the domain that leads to its company.",
    ("fct_organization_segments", "organization"): "The domain whose facts explain the decision.",
    ("fct_account_routing", "organization"): "The name under which people know the customer.",
    ("fct_onboarding_queue", "organization"): "The name under which people know the customer.",
    ("rpt_limits_hit", "organization"): "The name under which people know the customer.",
    ("rpt_startup_rolloffs", "organization"): "The name under which people know the customer.",
    ("rpt_credit_runway", "organization"): "The name under which people know the customer.",
    ("rpt_line_crossers", "organization"): "The name under which people know the customer.",
    ("rpt_price_change_customers", "organization"): "The name under which people know the customer.",
    ("rpt_closed_month_differences", "organization"): "The name under which people know the customer.",
    ("rpt_bill_and_use", "organization"): "The name under which people know the customer.",
    ("rpt_billed_products", "organization"): "The name under which people know the customer.",
    ("rpt_headroom", "organization"): "The name under which people know the customer.",
    ("rpt_margin_negative_customers", "organization"): "The name under which people know the customer.",
    ("rpt_deals_below_cost", "organization"): "The name under which people know the customer.",
    ("rpt_account_risk", "organization"): "The name under which people know the customer.",
    ("rpt_cross_sell", "organization"): "The name under which people know the customer.",
    ("rpt_large_deals", "organization"): "The name under which people know the customer.",
    ("rpt_product_led_leads", "organization"): "The name under which people know the customer.",
    ("rpt_data_quality", "organization"): "A finding about a company is about its domain.",
    ("dim_customers", "staff"): "Who holds the customer.",
    ("fct_account_routing", "staff"): "Who holds the customer, beside who should.",
    ("fct_customer_events", "staff"): "Who came and who left.",
    ("fct_onboarding_queue", "staff"): "Whose list it is.",
    ("rpt_account_risk", "staff"): "Whose list it is.",
    ("rpt_cross_sell", "staff"): "Whose list it is.",
    ("rpt_figure_alerts", "staff"): "Who is told, if that is a person.",
    ("rpt_large_deals", "staff"): "Whose list it is.",
    ("rpt_owner_load", "staff"): "What the table is about.",
    ("rpt_product_led_leads", "staff"): "Whose list it is.",
}


def columns_of(layer: str) -> dict[tuple[str, str], str | None]:
    """The columns of a layer's models, each with whose personal data it holds."""
    return {
        (name, column["name"]): column.get("config", {}).get("meta", {}).get("personal_data")
        for name, model in described_models(layer).items()
        for column in model["columns"]
    }


def test_personal_data_is_tagged_and_only_in_listed_marts() -> None:
    marts = columns_of("marts")
    untagged = {
        f"{table}.{column}"
        for (table, column), of in marts.items()
        if of is None and MAY_BE_PERSONAL.search(column) and column not in NOT_PERSONAL
    }
    assert untagged == set()
    assert {(table, of) for (table, _), of in marts.items() if of} == set(NEEDS_PERSONAL_DATA)


def test_no_mart_has_a_column_of_a_user() -> None:
    of_users = {column for (_, column), of in columns_of("staging").items() if of == "user"}
    assert of_users == {"email", "role_detail"}
    assert [key for key in columns_of("marts") if key[1] in of_users] == []
