"""Metrics by MetricFlow: the SQL that it makes of the project's definitions, run on a warehouse."""

from collections.abc import Sequence
from functools import lru_cache

import duckdb
from dbt_metricflow.cli.dbt_connectors.adapter_backed_client import DuckDbSqlPlanRenderer, SqlEngine
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

from settings import Settings
from transform.dbt_runner import current_manifest


class _DuckDb:
    """What MetricFlow asks of an engine in order to write SQL for it."""

    sql_engine_type = SqlEngine.DUCKDB
    sql_plan_renderer = DuckDbSqlPlanRenderer()


@lru_cache(maxsize=1)
def _engine(settings: Settings) -> MetricFlowEngine:
    current_manifest(settings)
    written = settings.dbt_target_dir / "parsing" / "semantic_manifest.json"
    manifest = parse_manifest_from_dbt_generated_manifest(manifest_json_string=written.read_text())
    return MetricFlowEngine(SemanticManifestLookup(manifest), _DuckDb())  # type: ignore[arg-type]  # (it is asked for SQL alone)


def metric(settings: Settings, name: str, by: Sequence[str] = (), where: Sequence[str] = ()) -> list[tuple]:
    """Values of a metric, each after what it is grouped by, in order."""
    request = MetricFlowQueryRequest.create(
        metric_names=[name], group_by_names=list(by), where_constraints=list(where) or None
    )
    sql = _engine(settings).explain(request).sql_statement.without_descriptions.sql
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        return sorted(connection.execute(sql).fetchall())
