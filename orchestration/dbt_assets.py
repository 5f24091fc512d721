"""The dbt models as assets, in two sets: a gate stands between them, and a set is one dbt process."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from dagster import AssetExecutionContext, AssetKey, AssetsDefinition
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, dbt_assets

from orchestration.keys import OWNERS, table_key
from orchestration.manifest import DBT_PROJECT_DIR, dbt_environment
from orchestration.resources import Warehouse

SELECTION_BY_SET = {
    "staging": "path:models/staging resource_type:seed",
    "marts": "path:models/intermediate path:models/marts",
}


class Translator(DagsterDbtTranslator):
    """dbt's nodes in the house's terms: a source is the raw table, a node is its schema's table."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        """The same key that the loading step and the gates use."""
        if dbt_resource_props["resource_type"] == "source":
            return table_key(dbt_resource_props["schema"], dbt_resource_props["identifier"])
        return table_key(dbt_resource_props["schema"], dbt_resource_props["name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """Groups are the warehouse's schemas."""
        return dbt_resource_props["schema"]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        """Whom an alert about the asset reaches."""
        return OWNERS


def build_dbt_assets(manifest: Path) -> list[AssetsDefinition]:
    """The staging set (with the seeds), and the set of intermediate models and marts."""
    return [_dbt_set(name, selection, manifest) for name, selection in SELECTION_BY_SET.items()]


def _dbt_set(name: str, selection: str, manifest: Path) -> AssetsDefinition:
    @dbt_assets(
        manifest=manifest,
        select=selection,
        name=f"build_{name}",
        dagster_dbt_translator=Translator(),
        pool="warehouse",
    )
    def build(context: AssetExecutionContext, warehouse: Warehouse) -> Iterator[Any]:
        settings = warehouse.settings
        target_dir = settings.dbt_target_dir / "run"
        # dagster-dbt hands this process's environment to dbt.
        os.environ.update(dbt_environment(settings, target_dir))
        dbt = DbtCliResource(project_dir=str(DBT_PROJECT_DIR))
        arguments = ["build", "--exclude-resource-type", "unit_test"]
        yield from dbt.cli(arguments, context=context, manifest=manifest, target_path=target_dir).stream()

    return build
