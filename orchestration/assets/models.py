"""The dbt models as assets: staging, the other models after its gate, and those built by days."""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
from dagster import (
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    AssetsDefinition,
    AssetSpec,
    BackfillPolicy,
    DailyPartitionsDefinition,
    Failure,
    MaterializeResult,
    multi_asset,
)
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, build_dbt_asset_specs, dbt_assets

from orchestration.assets.days import daily_partitions
from orchestration.assets.keys import OWNERS, table_key
from orchestration.assets.metadata import row_counts
from orchestration.build_state import (
    built_before,
    note_failed_build,
    note_said_by_files,
    said_by_files,
    state_of_files,
    unchanged_since,
)
from orchestration.resources import Warehouse
from orchestration.retries import RETRY, is_transient, permanent_unless_transient
from settings import Settings
from transform.days import Days, days_of_tags, days_to_report
from transform.dbt_runner import DbtError, build_models
from warehouse.connection import connect

BUILT_BY_DAYS = "config.materialized:incremental"
DAYS_BUILT = (
    "select first_day, last_day, (select as_of_date from intermediate.int_data_day) from intermediate.int_days_to_build"
)


class Translator(DagsterDbtTranslator):
    """Asset keys and groups of dbt nodes: a source is its raw table, a node its schema's table."""

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> AssetKey:
        """The key that loading and the gates use too."""
        is_source = dbt_resource_props["resource_type"] == "source"
        return table_key(dbt_resource_props["schema"], dbt_resource_props["identifier" if is_source else "name"])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """A model's domain, or else its folder: staging of one source. A seed's group is its YAML file's."""
        if dbt_resource_props["resource_type"] == "seed":
            domain = Path(dbt_resource_props["patch_path"]).stem.strip("_").removesuffix("seeds").strip("_")
            return f"seeds_{domain or 'shared'}"
        return dbt_resource_props["config"].get("group") or "_".join(dbt_resource_props["fqn"][1:-1])

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> Sequence[str]:
        return OWNERS


def build_dbt_assets(manifest: Path, settings: Settings) -> tuple[list[AssetsDefinition], AssetsDefinition]:
    """The assets of staging (with seeds) and of the other models, and those built by days.

    A run without partitions builds the latter together with the other models, in one dbt process.
    """
    by_days = _specs_by_days(manifest, daily_partitions(settings))
    staging = _set("staging", "fqn:growth.staging resource_type:seed", manifest, [])
    others = _set("marts", "group:*", manifest, [spec.key for spec in by_days])
    return [staging, others], _days_set(by_days)


def _translator() -> Translator:
    # Model tests run inside the build, where a failure stops it. As asset checks their hundreds of events would cost
    # some 25 ms each in Dagster's SQLite storage.
    return Translator(DagsterDbtTranslatorSettings(enable_asset_checks=False))


def _set(name: str, selection: str, manifest: Path, by_days: Sequence[AssetKey]) -> AssetsDefinition:
    @dbt_assets(
        manifest=manifest,
        select=selection,
        exclude=BUILT_BY_DAYS,
        name=f"build_{name}",
        dagster_dbt_translator=_translator(),
        pool="warehouse",
        retry_policy=RETRY,
    )
    def build(
        context: AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[MaterializeResult | AssetMaterialization]:
        # If a person selects some of the models, only those are built.
        is_whole = context.selected_asset_keys == context.assets_def.keys
        also = by_days if is_whole else []
        keys = [*context.selected_asset_keys, *also]
        metadata: Mapping[AssetKey, dict]
        with permanent_unless_transient():
            published_by = unchanged_since(context, warehouse.settings)
            if published_by:
                metadata = {key: {"unchanged_since_run": published_by} for key in keys}
            else:
                metadata = _build(keys, context, warehouse.settings, whole_set=selection if is_whole else None)
            yield from _results(context, metadata)
            if also:
                yield from _days_built(also, metadata, warehouse.settings, anew=not published_by)

    return build


def _days_set(specs: Sequence[AssetSpec]) -> AssetsDefinition:
    @multi_asset(
        specs=specs,
        name="build_days",
        can_subset=True,
        backfill_policy=BackfillPolicy.single_run(),
        pool="warehouse",
        retry_policy=RETRY,
    )
    def build(context: AssetExecutionContext, warehouse: Warehouse) -> Iterator[MaterializeResult]:
        """Rebuild the run's days of the selected tables and their inputs."""
        days = days_of_tags(context.run.tags)
        if days is None:
            raise Failure("these tables are built by days: choose partitions, or run everything", allow_retries=False)
        with permanent_unless_transient():
            _require_a_refresh(warehouse.settings)
            yield from _results(
                context, _build(list(context.selected_asset_keys), context, warehouse.settings, days=days)
            )

    return build


def _specs_by_days(manifest: Path, partitions: DailyPartitionsDefinition) -> list[AssetSpec]:
    """The models built by days, with dependencies traced through the other models to staging.

    The other models are both upstream and downstream of them, so direct dependencies would make Dagster split the dbt
    process.
    """
    specs = {
        spec.key: spec
        for spec in build_dbt_asset_specs(
            manifest=manifest,
            select="group:*",
            dagster_dbt_translator=_translator(),
        )
    }
    by_days = {
        spec.key
        for spec in build_dbt_asset_specs(manifest=manifest, select=BUILT_BY_DAYS, dagster_dbt_translator=_translator())
    }

    def made_of(key: AssetKey) -> set[AssetKey]:
        parents = {dep.asset_key for dep in specs[key].deps}
        through = [made_of(parent) for parent in parents if parent in specs.keys() - by_days]
        return set().union(*through, parents - (specs.keys() - by_days))

    return [
        specs[key].replace_attributes(deps=sorted(made_of(key)), partitions_def=partitions) for key in sorted(by_days)
    ]


def _results(context: AssetExecutionContext, metadata: Mapping[AssetKey, dict]) -> Iterator[MaterializeResult]:
    """A result per selected model, parents first, as Dagster requires."""
    for key in TopologicalSorter(context.assets_def.asset_deps).static_order():
        if key in context.selected_asset_keys:
            yield MaterializeResult(asset_key=key, metadata=metadata[key])


def _build(
    keys: Sequence[AssetKey],
    context: AssetExecutionContext,
    settings: Settings,
    *,
    days: Days | None = None,
    whole_set: str | None = None,
) -> dict[AssetKey, dict]:
    """Build the models of these keys, for `days` with their inputs; returns metadata by key.

    `whole_set` selects all of them at once: dbt searches the whole project for each name it is given.
    """
    left = {key.path[-1]: key for key in keys}
    state = state_of_files(settings)
    said = said_by_files(state, settings) if whole_set else set()
    metadata: dict[AssetKey, dict[str, Any]] = {}
    if not days:
        before = {name: {"built_by_run": context.run.parent_run_id} for name in built_before(context.run, settings)}
        unchanged = {name: {"is_unchanged": True} for name in said}
        metadata |= {left.pop(name): why for name, why in (before | unchanged).items() if name in left}
    try:
        selection = whole_set.split() if whole_set and not metadata else sorted(left)
        results = build_models(selection, settings, days=days) if selection else []
    except DbtError as error:
        note_failed_build(settings, context.run.run_id, {*(key.path[-1] for key in metadata), *error.built})
        raise
    for result in results:
        key = left.pop(result.node.name, None)
        if key:
            metadata[key] = {"seconds": result.execution_time}
        elif result.status == "warn":
            context.log.warning(f"{result.node.name}: {result.message}")
    if left:
        raise Failure(f"dbt did not build {', '.join(sorted(left))}, and did not say why", allow_retries=False)
    written = [result.node for result in results if result.node.schema in ("seeds", "staging")]
    if written:
        names = said | {node.name for node in written if _is_said_by_files(node)}
        note_said_by_files(names, state, context.run.run_id, settings)
    for key, rows in row_counts(keys, settings).items():
        metadata[key] = {**metadata[key], **rows}
    return metadata


def _is_said_by_files(node: Any) -> bool:
    """Whether a node of dbt is a seed, or a view that reads no other model."""
    if node.resource_type == "seed":
        return True
    is_view = node.resource_type == "model" and node.config.materialized == "view"
    return is_view and not any(parent.startswith("model.") for parent in node.depends_on.nodes)


def _require_a_refresh(settings: Settings) -> None:
    """Raise `Failure` unless a refresh has built the inputs of the days."""
    try:
        with connect(settings.warehouse_path, read_only=True) as connection:
            connection.execute(DAYS_BUILT)
    except (duckdb.CatalogException, duckdb.IOException) as error:
        if is_transient(error):
            raise
        raise Failure(
            "nothing is built yet: `growth run` builds every day",
            allow_retries=False,
        ) from error


def _days_built(
    keys: Sequence[AssetKey], metadata: Mapping[AssetKey, dict], settings: Settings, *, anew: bool
) -> Iterator[AssetMaterialization]:
    """Materialization events of the newest days built with the other models; of the data day if nothing was built."""
    with connect(settings.warehouse_path, read_only=True) as connection:
        first, last, data_day = connection.execute(DAYS_BUILT).fetchall()[0]
    built = Days(max(first, settings.first_day), last) if anew else Days(data_day, data_day)
    said = {"built_from": str(built.first), "built_to": str(built.last)} if anew else {}
    for day in days_to_report(built, data_day):
        for key in keys:
            yield AssetMaterialization(key, partition=day.isoformat(), metadata={**metadata[key], **said})
