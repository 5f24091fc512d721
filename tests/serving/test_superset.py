"""What is put into Superset fits what is published; Superset itself is not installed here (see docs/bi.md)."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from serving.reader import snapshot
from settings import PROJECT_DIR, Settings
from tests.serving.published_marts import write_published

ASSETS = PROJECT_DIR / "serving" / "superset" / "assets"


def assets(kind: str) -> dict[Path, dict[str, Any]]:
    """The assets of a kind by their files."""
    return {path: yaml.safe_load(path.read_text()) for path in sorted((ASSETS / kind).rglob("*.yaml"))}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published file with every mart, empty."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("superset") / "data")
    return write_published(settings, {}, published_at=datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None))


def source(dataset: dict[str, Any]) -> str:
    """What Superset selects from."""
    return f"({dataset['sql']})" if "sql" in dataset else f"{dataset['schema']}.{dataset['table_name']}"


def test_the_database_is_opened_read_only() -> None:
    (database,) = assets("databases").values()
    assert database["extra"]["engine_params"]["connect_args"] == {"read_only": True}
    assert not database["allow_dml"]
    assert not database["allow_ctas"]


def test_every_metric_and_chart_can_be_asked_of_what_is_published(published: Path) -> None:
    datasets = {dataset["uuid"]: dataset for dataset in assets("datasets").values()}
    asked = [
        (dataset["uuid"], metric["expression"]) for dataset in datasets.values() for metric in dataset["metrics"]
    ] + [(dataset["uuid"], dataset["main_dttm_col"] or "null") for dataset in datasets.values()]
    for path, chart in assets("charts").items():
        params = chart["params"]
        named = {metric["metric_name"] for metric in datasets[chart["dataset_uuid"]]["metrics"]}
        assert {*params.get("metrics", []), params.get("metric")} <= {None, *named}, path
        ordered = [json.loads(column)[0] for column in params.get("order_by_cols", [])]
        columns = [*params.get("all_columns", []), *params.get("groupby", []), params.get("x_axis", "null"), *ordered]
        conditions = [each["sqlExpression"] for each in params["adhoc_filters"]]
        asked += [(chart["dataset_uuid"], expression) for expression in columns + conditions]
    assert len(asked) > 20
    with snapshot(published) as connection:
        for uuid, expression in asked:
            connection.execute(f"select {expression} from {source(datasets[uuid])}")


def test_every_column_that_is_described_is_selected_and_has_a_name_for_people(published: Path) -> None:
    with snapshot(published) as connection:
        for path, dataset in assets("datasets").items():
            described = {column["column_name"]: column["verbose_name"] for column in dataset["columns"]}
            assert list(described) == connection.sql(source(dataset)[1:-1]).columns, path
            assert all(name and "_" not in name for name in described.values()), path


@pytest.mark.parametrize(
    ("empty", "owner"), [("crm.account_merges", "nobody"), ("costs.unit_costs, crm.accounts", "not known")]
)
def test_owner_is_nobody_only_where_owners_are_known(tmp_path: Path, empty: str, owner: str) -> None:
    customer = {"customer_id": "acme"}
    rows: dict[str, list[dict[str, Any]]] = {
        "dim_customers": [customer],
        "fct_onboarding_queue": [customer | {"is_open": True}],
        "fct_mrr_movements": [customer],
    }
    published_at = datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None)
    published = write_published(Settings(data_dir=tmp_path), rows, published_at=published_at, empty_source_tables=empty)
    shown = [dataset for dataset in assets("datasets").values() if " as owner" in dataset.get("sql", "")]
    assert len(shown) == 3
    with snapshot(published) as connection:
        for dataset in shown:
            assert connection.sql(f"select owner from {source(dataset)}").fetchall() == [(owner,)]


def test_tables_show_names_and_dollars_and_no_ids() -> None:
    for path, chart in assets("charts").items():
        columns = chart["params"].get("all_columns", [])
        assert [column for column in columns if column.endswith("_id")] == [], path
        money = {column for column in columns if "_usd" in column}
        formats = {name: how["d3NumberFormat"] for name, how in chart["params"].get("column_config", {}).items()}
        assert {name for name, how in formats.items() if how.startswith("$")} == money, path


def test_the_dashboard_filters_customers_movements_and_the_queue_by_segment_tier_and_owner() -> None:
    (dashboard,) = assets("dashboards").values()
    filters = dashboard["metadata"]["native_filter_configuration"]
    columns = {target["column"]["name"] for each in filters for target in each["targets"]}
    assert columns == {"icp_segment", "size_tier", "owner"}
    datasets = {dataset["uuid"]: dataset for dataset in assets("datasets").values()}
    assert {target["datasetUuid"] for each in filters for target in each["targets"]} <= datasets.keys()
    filtered = {
        dataset["table_name"]
        for dataset in datasets.values()
        if columns <= {column["column_name"] for column in dataset["columns"]}
    }
    assert filtered == {"customers", "mrr_movements", "onboarding_queue"}


def test_the_dashboard_shows_every_chart_once() -> None:
    (dashboard,) = assets("dashboards").values()
    shown = [place["meta"]["uuid"] for name, place in dashboard["position"].items() if name.startswith("CHART-")]
    assert sorted(shown) == sorted(chart["uuid"] for chart in assets("charts").values())
