"""What Dagster serves is whole: every asset has an owner, every model is in one set, every table has its gate."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml

from expectations.suites import load_suites
from ingestion.contract.model import load_contract
from orchestration.alerts.messages import KINDS
from serving.exports.lists import WORK_LISTS
from serving.page.customer_pages import tables_read
from serving.page.headline import HEADLINE
from serving.page.registry import SECTIONS
from settings import PROJECT_DIR, Settings
from transform.dbt_runner import current_manifest, parsed_project

MOST_ASSETS_OF_A_GROUP = 15
MARTS_BY_DAYS = {
    "marts/fct_usage_daily",
    "marts/fct_bill_forecasts",
    "marts/fct_bill_forecast_products",
    "marts/fct_queue_exclusions",
}
LOADED = """
import json
from dagster._core.definitions.dependency import NodeHandle
from orchestration.definitions import definitions
graph = definitions.resolve_asset_graph()
assets = {
    key.to_user_string(): {
        "group": graph.get(key).group_name,
        "owners": list(graph.get(key).owners),
        "kinds": sorted(graph.get(key).kinds),
        "parents": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
    }
    for key in graph.materializable_asset_keys
}
undescribed = [key.to_user_string() for key in graph.asset_check_keys if not graph.get_check_spec(key).description]
checks = [
    [key.asset_key.to_user_string(), key.name, graph.get_check_spec(key).blocking] for key in graph.asset_check_keys
]
readers = {
    key.to_user_string(): {
        "parents": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
        "owners": list(graph.get(key).owners),
        "address": graph.get(key).metadata["address"],
    }
    for key in graph.get_all_asset_keys() if "address" in graph.get(key).metadata
}
external = sorted(key.to_user_string() for key in graph.external_asset_keys)
print(json.dumps({
    "assets": assets, "checks": checks, "undescribed": undescribed, "external": external, "readers": readers,
    "starters": {
        each.name: each.default_status.value for each in [*(definitions.schedules or []), *definitions.sensors]
    },
    "without_freshness": [
        key.to_user_string() for key in graph.materializable_asset_keys if graph.get(key).freshness_policy is None
    ],
    "jobs": {
        job.name: sorted(node.name for node in definitions.resolve_job_def(job.name).nodes) for job in definitions.jobs
    },
    "checks_of_days": sorted(
        [key.asset_key.to_user_string(), key.name]
        for key in definitions.resolve_job_def("build_days_again").asset_layer.get_selected_entity_keys_for_node(
            NodeHandle("gate_marts", None)
        )
    ),
    "by_days": {
        key.to_user_string(): [
            graph.get(key).partitions_def.get_first_partition_key(),
            graph.get(key).partitions_def.get_last_partition_key(),
            graph.get(key).backfill_policy.policy_type.name,
        ]
        for key in graph.materializable_asset_keys
        if graph.get(key).partitions_def
    },
}))
"""


def load_definitions(data_dir: Path, **environment: str) -> dict:
    """The definitions as a fresh interpreter sees them."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        cwd=PROJECT_DIR,
        env={**os.environ, "GROWTH_DATA_DIR": str(data_dir), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def data_dir(parsed: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which the dbt project is parsed."""
    return Path(shutil.copytree(parsed, tmp_path_factory.mktemp("definitions") / "data"))


@pytest.fixture(scope="module")
def loaded(data_dir: Path) -> dict:
    """The definitions of a local environment with the sample company."""
    return load_definitions(data_dir)


@pytest.fixture(scope="module")
def in_production(data_dir: Path) -> dict:
    """The definitions of production, with a database for the copy."""
    return load_definitions(data_dir, GROWTH_ENV="production", GROWTH_POSTGRES_URL="postgresql://nobody@/nowhere")


@pytest.fixture(scope="module")
def manifest(loaded: dict, data_dir: Path) -> dict:
    """dbt's manifest that the definitions were made from."""
    assert loaded
    return json.loads(current_manifest(Settings(data_dir=data_dir)).read_text())


def test_every_asset_has_a_group_an_owner_and_kinds(loaded: dict) -> None:
    assert len(loaded["assets"]) > 40
    incomplete = {
        key: asset
        for key, asset in loaded["assets"].items()
        if not (asset["group"] and asset["owners"] and asset["kinds"])
    }
    assert incomplete == {}


def test_no_group_has_more_assets_than_a_person_can_look_over(loaded: dict) -> None:
    sizes = Counter(asset["group"] for asset in loaded["assets"].values())
    assert {group: size for group, size in sizes.items() if size > MOST_ASSETS_OF_A_GROUP} == {}


def test_every_asset_has_a_step_except_readers(loaded: dict, manifest: dict) -> None:
    readers = {f"published/{exposure['name']}" for exposure in manifest["exposures"].values()}
    assert loaded["external"] == sorted(readers - set(loaded["assets"]))
    assert "published/bi_tools" in loaded["external"]


def test_every_table_of_the_contract_is_an_asset_fed_by_the_sources(loaded: dict) -> None:
    raw = {key for key in loaded["assets"] if key.startswith("raw/")}
    assert raw == {f"raw/{table.raw_name}" for table in load_contract().tables} | {
        "raw/rejected_rows",
        "raw/usage_days",
    }
    assert all(loaded["assets"][key]["parents"] == ["sources/sample_company"] for key in raw)


def test_every_dbt_model_is_in_exactly_one_set(loaded: dict, manifest: dict) -> None:
    built = Counter(
        f"{node['schema']}/{node['name']}"
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed")
    )
    assert set(built.values()) == {1}
    assert set(built) == {
        key for key in loaded["assets"] if key.split("/")[0] in ("seeds", "staging", "intermediate", "marts")
    }


def test_every_staging_model_hangs_on_the_raw_table_that_it_reads(loaded: dict) -> None:
    assert loaded["assets"]["staging/stg_stripe__invoices"]["parents"] == ["raw/stripe__invoices"]


def test_every_table_of_raw_and_every_mart_has_a_gate_that_blocks(loaded: dict) -> None:
    gated = {asset for asset, _, blocking in loaded["checks"] if blocking}
    expected = {key for key in loaded["assets"] if key.startswith(("raw/", "marts/"))}
    # What the first two list is at fault or doubtful, and stops nobody. The load writes the notes of its days itself.
    # Of what is built by days publishing asks.
    notes = {"raw/rejected_rows", "marts/rpt_data_quality", "raw/usage_days"}
    assert expected - gated == notes | MARTS_BY_DAYS
    assert {asset for asset, name, _ in loaded["checks"] if name == "meets_expectations"} >= MARTS_BY_DAYS
    assert "marts/rpt_data_quality" in {asset for asset, _, _ in loaded["checks"]}


def test_daily_tables_are_daily_partitions(loaded: dict, manifest: dict) -> None:
    incremental = {
        f"{node['schema']}/{node['name']}"
        for node in manifest["nodes"].values()
        if node["config"].get("materialized") == "incremental"
    }
    assert loaded["by_days"].keys() == incremental
    names = ("bill_forecasts", "forecast_errors", "judged_forecasts", "quantity_methods", "method_errors")
    histories = {f"int_{name}" for name in names}
    assert incremental == {*MARTS_BY_DAYS, *(f"intermediate/{name}" for name in histories)}
    assert {tuple(each) for each in loaded["by_days"].values()} == {("2024-11-01", "2026-11-03", "SINGLE_RUN")}


def test_a_refresh_is_one_dbt_process_a_layer_and_a_backfill_one_step(loaded: dict) -> None:
    assert loaded["jobs"]["daily_refresh"] == [
        "anomalies",
        "build_marts",
        "build_staging",
        "gate_marts",
        "gate_raw",
        "gate_staging",
        "load",
        "maintenance__warehouse_file",
        "marts__fct_usage_daily_every_day_is_built",
        "published__daily_page",
        "published__figure_alerts",
        "published__serving",
        "published__work_list_exports",
        "source_freshness",
        "sources__sample_company",
    ]
    assert loaded["jobs"]["build_days_again"] == ["build_days", "gate_marts"]
    assert loaded["jobs"]["compact_warehouse"] == ["maintenance__warehouse_file"]
    assert loaded["jobs"]["tell_of_the_week"] == ["published__weekly_digest"]


def test_backfill_checks_only_the_marts_that_it_builds(loaded: dict) -> None:
    of_marts = [[asset, name] for asset, name, _ in loaded["checks"] if asset in MARTS_BY_DAYS]
    expected = sorted(each for each in of_marts if each[1].endswith("_expectations"))
    assert {asset for asset, _ in expected} == MARTS_BY_DAYS
    assert loaded["checks_of_days"] == expected


def test_suites_of_daily_tables_name_dbts_day_column(manifest: dict) -> None:
    days = {
        node["name"]: node["config"]["unique_key"]
        for node in manifest["nodes"].values()
        if node["config"].get("materialized") == "incremental" and node["schema"] == "marts"
    }
    assert {suite.table: suite.day for suite in load_suites() if suite.day and suite.layer == "marts"} == days


def test_every_check_says_what_it_asks(loaded: dict, in_production: dict) -> None:
    assert sum(name == "meets_expectations" for _, name, _ in loaded["checks"]) == len(load_suites())
    assert (loaded["undescribed"], in_production["undescribed"]) == ([], [])


def test_in_production_a_usage_feed_that_died_blocks(loaded: dict, in_production: dict) -> None:
    check = ["raw/usage__usage_reports", "usage_still_arrives", True]
    assert check not in loaded["checks"]
    assert check in in_production["checks"]


def test_publishing_waits_for_every_mart(loaded: dict) -> None:
    marts = sorted(key for key in loaded["assets"] if key.startswith("marts/"))
    assert loaded["assets"]["published/serving"]["parents"] == marts


def test_readers_are_downstream_of_their_tables_with_an_owner(loaded: dict, manifest: dict) -> None:
    for exposure in manifest["exposures"].values():
        reader = loaded["readers"][f"published/{exposure['name']}"]
        tables = [f"marts/{node.split('.')[-1]}" for node in exposure["depends_on"]["nodes"]]
        assert reader == {
            "parents": sorted(["published/serving", *tables]),
            "owners": [exposure["owner"]["email"]],
            "address": exposure["url"],
        }


def test_every_mart_has_a_reader_and_ours_say_what_they_read(loaded: dict, manifest: dict) -> None:
    read = {
        exposure["name"]: {node.split(".")[-1] for node in exposure["depends_on"]["nodes"]}
        for exposure in manifest["exposures"].values()
    }
    assert {f"marts/{table}" for table in read["bi_tools"]} == {key for key in loaded["assets"] if key[:6] == "marts/"}
    assert read["work_list_exports"] == {"dim_customers", *(each.table for each in WORK_LISTS)}
    parts = [part for section in SECTIONS for part in section.parts]
    on_the_page = {table for part in parts for table in part.tables}.union(*(tables for _, tables, _ in HEADLINE))
    # The pages of customers show what is published of what they know.
    of_customers = {table for table in tables_read() if f"marts/{table}" in loaded["assets"]}
    assert read["daily_page"] == on_the_page.union(of_customers) - {"publish_info"}


def test_publish_is_copied_to_the_configured_database(loaded: dict, in_production: dict) -> None:
    assert "published/postgres" not in loaded["assets"]
    assert in_production["assets"]["published/postgres"]["parents"] == ["published/serving"]


def test_what_starts_runs_by_itself_does_so_in_production_only(loaded: dict, in_production: dict) -> None:
    assert loaded["starters"] == {
        "every_day": "STOPPED",
        "every_monday": "STOPPED",
        "every_week": "STOPPED",
        "new_files": "STOPPED",
        "alerts": "RUNNING",
        "built_days": "RUNNING",
    }
    assert in_production["starters"] == {
        "every_day": "RUNNING",
        "every_monday": "RUNNING",
        "every_week": "RUNNING",
        "new_files": "RUNNING",
        "alerts": "RUNNING",
        "built_days": "RUNNING",
    }


def test_every_asset_has_freshness_except_the_sample_company(loaded: dict) -> None:
    assert loaded["without_freshness"] == ["sources/sample_company"]


@pytest.mark.slow
def test_with_a_source_root_nothing_is_simulated(loaded: dict, data_dir: Path) -> None:
    assert "sources/sample_company" in loaded["assets"]
    given = load_definitions(data_dir, GROWTH_SOURCE_ROOT="memory://somewhere")
    assert "sources/sample_company" not in given["assets"]
    assert given["assets"]["raw/usage__usage_reports"]["parents"] == []


def test_the_workspace_names_the_module_that_was_tested() -> None:
    workspace = yaml.safe_load((PROJECT_DIR / "workspace.yaml").read_text())
    assert workspace["load_from"][0]["python_module"]["module_name"] == "orchestration.definitions"


@pytest.mark.slow
def test_manifest_of_other_files_is_parsed_again(data_dir: Path, manifest: dict) -> None:
    assert manifest
    path = current_manifest(Settings(data_dir=data_dir))
    before = path.stat().st_mtime_ns
    assert current_manifest(Settings(data_dir=data_dir)).stat().st_mtime_ns == before
    (made_of,) = path.parent.rglob("made_of")
    made_of.write_text("other files")
    os.utime(path, (2**32, 2**32))
    assert current_manifest(Settings(data_dir=data_dir)).stat().st_mtime_ns < 2**32 * 10**9


@pytest.mark.slow
def test_process_waits_while_another_parses_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    monkeypatch.setattr("transform.dbt_runner._parsed", {})
    monkeypatch.setattr("transform.dbt_runner.invoke_dbt", lambda *_: pytest.fail("parsed while another process did"))
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "parse"],
        cwd=PROJECT_DIR,
        env={**os.environ, "GROWTH_DATA_DIR": str(settings.data_dir)},
    ) as parsing:
        while not (settings.dbt_target_dir / "parsing" / "dbt.log").exists():
            assert parsing.poll() is None
            time.sleep(0.01)
        assert "nodes" in json.loads(current_manifest(settings).read_text())
        assert "fct_mrr_monthly" in {node.name for node in parsed_project(settings).nodes.values()}
    assert parsing.returncode == 0


def test_every_alert_and_every_check_has_an_entry_in_the_runbook(loaded: dict, data_dir: Path) -> None:
    entries = set(re.findall(r"^### `(\w+)`$", (PROJECT_DIR / "docs" / "runbook.md").read_text(), flags=re.MULTILINE))
    in_production = load_definitions(data_dir, GROWTH_ENV="production")
    checks = {name for _, name, _ in [*loaded["checks"], *in_production["checks"]]}
    assert entries == {*KINDS, *checks}
