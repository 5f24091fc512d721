"""The dbt models as assets, in two sets, since a gate stands between them."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition, Failure, MaterializeResult
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets

from orchestration.dbt import build_models
from orchestration.failures import RETRY, permanent_unless_transient
from orchestration.keys import OWNERS, table_key
from orchestration.resources import Warehouse
from orchestration.unchanged import unchanged_since

SELECTION_BY_SET = {
    "staging": "fqn:growth.staging resource_type:seed",
    "marts": "fqn:growth.intermediate fqn:growth.marts",
}


class Translator(DagsterDbtTranslator):
    """dbt's nodes in the house's terms: a source is the raw table, a node is its schema's table."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        """The same key that the loading step and the gates use."""
        is_source = dbt_resource_props["resource_type"] == "source"
        return table_key(dbt_resource_props["schema"], dbt_resource_props["identifier" if is_source else "name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Groups are the warehouse's schemas."""
        return dbt_resource_props["schema"]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        """Whom an alert about the asset reaches."""
        return OWNERS


def build_dbt_assets(manifest: Path) -> list[AssetsDefinition]:
    """The staging set (with the seeds), and the set of intermediate models and marts."""
    return [_dbt_set(name, selection, manifest) for name, selection in SELECTION_BY_SET.items()]


def _dbt_set(set_name: str, selection: str, manifest: Path) -> AssetsDefinition:
    # The tests of the models run inside the build, where a failing one stops it; they are no checks of their own,
    # since an event costs Dagster's SQLite storage some 25 ms and there are hundreds of them.
    translator = Translator(DagsterDbtTranslatorSettings(enable_asset_checks=False))

    @dbt_assets(
        manifest=manifest,
        select=selection,
        name=f"build_{set_name}",
        dagster_dbt_translator=translator,
        pool="warehouse",
        retry_policy=RETRY,
    )
    def build(context: AssetExecutionContext, warehouse: Warehouse) -> Iterator[MaterializeResult]:
        published_by = unchanged_since(context, warehouse.settings)
        if published_by:
            # Dagster wants to hear of a model after those that it reads.
            for key in TopologicalSorter(context.assets_def.asset_deps).static_order():
                if key in context.selected_asset_keys:
                    yield MaterializeResult(asset_key=key, metadata={"unchanged_since_run": published_by})
            return
        selected = {key.path[-1]: key for key in context.selected_asset_keys}
        with permanent_unless_transient():
            results = build_models(sorted(selected), warehouse.settings, context.log.info)
        for result in results:
            key = selected.pop(result.node.name, None)
            if key:
                yield MaterializeResult(asset_key=key, metadata={"seconds": result.execution_time})
            elif result.status == "warn":
                context.log.warning(f"{result.node.name}: {result.message}")
        if selected:
            raise Failure(f"dbt did not build {', '.join(sorted(selected))}, and did not say why", allow_retries=False)

    return build
