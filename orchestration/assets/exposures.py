"""The readers of the marts, from dbt's exposures, as assets downstream of their tables."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster import AssetKey, AssetSpec

from orchestration.assets.keys import PUBLISHED_KEY, reader_key, table_key


def reader_specs(manifest: Path) -> dict[AssetKey, AssetSpec]:
    """One asset per exposure, by key, with its owner and address."""
    project = json.loads(manifest.read_text())
    return {
        (key := reader_key(exposure["name"])): AssetSpec(
            key=key,
            deps=[PUBLISHED_KEY, *_tables(exposure, project)],
            description=exposure["description"],
            owners=[exposure["owner"]["email"]],
            group_name=PUBLISHED_KEY.path[0],
            kinds={exposure["type"]},
            metadata={"address": exposure["url"], "owner": exposure["owner"]["name"]},
        )
        for exposure in project["exposures"].values()
    }


def _tables(exposure: dict[str, Any], project: dict[str, Any]) -> list[AssetKey]:
    nodes = [project["nodes"][node] for node in exposure["depends_on"]["nodes"]]
    return [table_key(node["schema"], node["name"]) for node in nodes]


def as_reader(spec: AssetSpec, readers: Mapping[AssetKey, AssetSpec]) -> AssetSpec:
    """The asset with the exposure's properties, if it is also a reader."""
    reader = readers.get(spec.key)
    if reader is None:
        return spec
    return spec.replace_attributes(
        deps=reader.deps,
        owners=reader.owners,
        kinds={*spec.kinds, *reader.kinds},
        metadata={**spec.metadata, **reader.metadata},
    )
