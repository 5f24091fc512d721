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


def test_the_dashboard_shows_every_chart_once() -> None:
    (dashboard,) = assets("dashboards").values()
    shown = [place["meta"]["uuid"] for name, place in dashboard["position"].items() if name.startswith("CHART-")]
    assert sorted(shown) == sorted(chart["uuid"] for chart in assets("charts").values())
