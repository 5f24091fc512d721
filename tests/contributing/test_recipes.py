"""Each recipe of CONTRIBUTING.md does what it promises, followed on a copy of the project as it is written."""

import importlib
import re
import shutil
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType

import duckdb
import pytest
import yaml

from expectations.gate import check_suites
from expectations.suites import Suite, load_suites
from ingestion.contract import raw_tables
from ingestion.contract.documents import render_documents
from ingestion.contract.model import CONTRACT_PATH, Contract, parse_contract
from serving.page.snapshot import Snapshot
from serving.reader import snapshot
from settings import PROJECT_DIR, Settings
from tests.contributing.recipes import CONTRIBUTING, follow
from tests.dbt_project.building import dbt, insert, read
from tests.serving.published_marts import write_published
from transform.dictionary import render_dictionary

RECIPES = [
    "A new product",
    "A new column of a source",
    "A new mart",
    "A new expectation",
    "A new section of the page",
]
DATA_DAY = date(2026, 3, 10)


def test_every_recipe_has_a_test() -> None:
    recipes = CONTRIBUTING.read_text(encoding="utf-8").split("\n## Recipes\n")[1]
    assert re.findall(r"^### (.+)$", recipes, flags=re.MULTILINE) == RECIPES


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's declarations in which the recipes about data were followed."""
    project = tmp_path_factory.mktemp("project")
    for folder in ("dbt_project", "expectations/suites", "ingestion/contract"):
        ignored = shutil.ignore_patterns("target", "logs", "__pycache__")
        shutil.copytree(PROJECT_DIR / folder, project / folder, ignore=ignored)
    for recipe in RECIPES[:4]:
        follow(recipe, project)
    return project


@pytest.fixture(scope="module")
def contract(project: Path) -> Contract:
    path = project / CONTRACT_PATH.relative_to(PROJECT_DIR)
    return parse_contract(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def data_dir(project: Path, contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with one organization that used the new product on one day, and what dbt built of it."""
    data_dir = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch, duckdb.connect(str(data_dir / "warehouse.duckdb")) as connection:
        patch.setattr(raw_tables, "load_contract", lambda: contract)
        raw_tables.create_missing_tables(connection)
        signed_up = {"created_at": "2026-03-01 09:00", "updated_at": "2026-03-01 09:00"}
        company = {"id": "org-1", "name": "One", "region": "US", "for_internal_metrics": False, **signed_up}
        insert(connection, "product_db__organizations", company)
        connection.execute("alter table raw.usage__usage_reports add column notebook_runs_in_period bigint")
        columns = connection.execute("describe raw.usage__usage_reports").fetchall()
        counters = {name: 0 for name, *_ in columns if name.endswith("_in_period")}
        report = {"date": DATA_DAY, "organization_id": "org-1", "received_at": "2026-03-11 02:00"}
        users = {"organization_user_count": 1}
        insert(connection, "usage__usage_reports", {**report, **users, **counters, "notebook_runs_in_period": 5000})
    models = ["+rpt_usage_monthly", "int_unmapped_usage_counters", "stg_crm__accounts", "products", "+int_price_tiers"]
    # With the tests of which every table is selected.
    selection = ["--indirect-selection", "cautious", "--select", *models]
    done = dbt(data_dir, "build", *selection, project=project / "dbt_project")
    assert done.returncode == 0, done.stdout
    return data_dir


def suite_of(table: str, project: Path) -> Suite:
    [suite] = [suite for suite in load_suites(project / "expectations" / "suites") if suite.table == table]
    return suite


@pytest.mark.slow
def test_a_new_product_is_used_and_priced_and_no_longer_a_finding(data_dir: Path) -> None:
    assert read(data_dir, "select product_key, quantity from marts.fct_usage_daily") == [("notebooks", 5000)]
    assert read(data_dir, "select counter from intermediate.int_unmapped_usage_counters") == []
    assert len(read(data_dir, "from intermediate.int_price_tiers where product_key = 'notebooks'")) == 2


@pytest.mark.slow
def test_a_new_column_is_in_the_warehouse_the_documents_and_staging(data_dir: Path, contract: Contract) -> None:
    assert read(data_dir, "select industry from staging.stg_crm__accounts") == []
    documents = render_documents(contract)
    assert "| industry | string or null |" in documents[Path("docs/sources.md")]
    [source] = [text for path, text in documents.items() if path.name == "_crm__sources.yml"]
    accounts = yaml.safe_load(source)["sources"][0]["tables"][0]
    assert "industry" in [column["name"] for column in accounts["columns"]]


@pytest.mark.slow
def test_a_new_mart_has_rows_a_place_in_the_dictionary_and_a_suite(data_dir: Path, project: Path) -> None:
    assert read(data_dir, "from marts.rpt_usage_monthly") == [(date(2026, 3, 1), "notebooks", 1, 5000)]
    dictionary = render_dictionary(data_dir / "target" / "manifest.json")
    assert "| organizations | int |" in dictionary.split("## rpt_usage_monthly\n")[1].split("\n## ")[0]
    [suite] = [
        suite for suite in load_suites(project / "expectations" / "suites") if suite.table == "rpt_usage_monthly"
    ]
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.rpt_usage_monthly as "
            "select date '2026-03-01' as month, 'notebooks' as product_key from range(2)"
        )
        assert [each.status for each in check_suites(connection, [suite], DATA_DAY)] == ["failed"]


def test_a_new_expectation_finds_the_rows_that_it_is_about(project: Path) -> None:
    suite = suite_of("fct_usage_daily", project)
    assert suite.expectations[-1].name == "quantity_is_below_zero"
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.fct_usage_daily as "
            "select 'org-1' as organization_id, 'notebooks' as product_key, date '2026-03-10' as date, "
            "cast(quantity as decimal(22, 6)) as quantity from (values (-1), (2)) as used (quantity)"
        )
        results = check_suites(connection, [suite], DATA_DAY)
        assert (results[-1].name, results[-1].status) == ("quantity_is_below_zero", "failed")
        connection.execute("delete from marts.fct_usage_daily where quantity < 0")
        assert check_suites(connection, [suite], DATA_DAY)[-1].status == "passed"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The registry of sections of a copy of room `serving` in which the recipe was followed."""
    shutil.copytree(PROJECT_DIR / "serving", tmp_path / "serving", ignore=shutil.ignore_patterns("__pycache__"))
    follow("A new section of the page", tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "serving"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    return importlib.import_module("serving.page.registry")


def test_a_new_section_is_the_first_of_the_page_and_shows_its_mart(registry: ModuleType, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    used = {"organization_id": "org-1", "product_key": "notebooks", "quantity": 5000, "date": date(2026, 10, 31)}
    published_at = datetime(2026, 11, 1, 2, tzinfo=UTC).replace(tzinfo=None)
    write_published(settings, {"fct_usage_daily": [used]}, published_at=published_at)
    section = registry.SECTIONS[0]
    assert section.title == "Usage"
    with snapshot(settings.serving_path) as connection:
        [table] = section.parts[0].blocks(Snapshot(connection))
    assert table.rows == [("notebooks", 1)]
