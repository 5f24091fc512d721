"""docs/dictionary.md: every published table with its grain and its columns, written from dbt's manifest."""

import json
import re
from pathlib import Path
from typing import Any

from settings import PROJECT_DIR

DICTIONARY_PATH = PROJECT_DIR / "docs" / "dictionary.md"
HEADER = """# Dictionary of the published tables

<!-- Written by `growth dictionary` from the YAML files of dbt_project/models. Edit those. -->

Schema `marts` of `serving.duckdb` holds these tables. The first sentence of a table says its grain. The unit follows
from the name of the column; a blank means that the description gives it, or that there is none.

"""
# The first pattern that a column's name contains gives its unit.
UNITS = (
    (r"(^|_)usd_year($|_)", "USD a year"),
    (r"(^|_)usd_month($|_)", "USD a month"),
    (r"(^|_)usd_day($|_)", "USD a day"),
    (r"(^|_)usd($|_)", "USD"),
    (r"_percent$", "percent"),
    (r"_share$|_coverage$|^(adjusted_)?(ndr|gdr)$|_retention$|^probability_", "share, 1 is all"),
    (r"_days$|_days_left$", "days"),
    (r"_at$", "UTC"),
)


def write_dictionary(manifest_path: Path, path: Path = DICTIONARY_PATH) -> bool:
    """Write the dictionary if it is stale; whether it was."""
    if not is_stale(manifest_path, path):
        return False
    path.write_text(render_dictionary(manifest_path), encoding="utf-8")
    return True


def is_stale(manifest_path: Path, path: Path = DICTIONARY_PATH) -> bool:
    """Whether the file is missing or differs from what the manifest gives."""
    return not path.is_file() or path.read_text(encoding="utf-8") != render_dictionary(manifest_path)


def render_dictionary(manifest_path: Path) -> str:
    """The text of the dictionary: a list of contents by dbt folder, then a section for each mart."""
    nodes = json.loads(manifest_path.read_text(encoding="utf-8"))["nodes"].values()
    marts = [node for node in nodes if node["resource_type"] == "model" and node["schema"] == "marts"]
    folders: dict[str, list[dict[str, Any]]] = {}
    for mart in sorted(marts, key=lambda node: (_folder(node), node["name"])):
        folders.setdefault(_folder(mart), []).append(mart)
    contents = [
        f"- {folder}: " + ", ".join(f"[{mart['name']}](#{mart['name']})" for mart in tables)
        for folder, tables in folders.items()
    ]
    sections = [_section(mart) for tables in folders.values() for mart in tables]
    return HEADER + "\n".join(contents) + "\n\n" + "\n".join(sections)


def _folder(node: dict[str, Any]) -> str:
    return Path(node["original_file_path"]).parent.name


def _section(mart: dict[str, Any]) -> str:
    rows = [
        f"| {name} | {column['data_type'] or ''} | {_unit(name)} | {_in_cell(column['description'])} |"
        for name, column in mart["columns"].items()
    ]
    head = [f"## {mart['name']}", "", " ".join(mart["description"].split()), ""]
    return "\n".join([*head, "| column | type | unit | meaning |", "| --- | --- | --- | --- |", *rows, ""])


def _unit(name: str) -> str:
    return next((unit for pattern, unit in UNITS if re.search(pattern, name)), "")


def _in_cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
