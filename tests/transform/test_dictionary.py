"""docs/dictionary.md says what dbt's YAML says today."""

import json
from pathlib import Path

import pytest

from settings import Settings
from transform.dbt_runner import current_manifest
from transform.dictionary import is_stale, render_dictionary, write_dictionary


@pytest.fixture(scope="module")
def manifest_path(parsed: Path) -> Path:
    return current_manifest(Settings(data_dir=parsed))


def test_dictionary_is_up_to_date(manifest_path: Path) -> None:
    assert not is_stale(manifest_path), "run `growth dictionary`"


def test_changed_description_makes_the_dictionary_stale(manifest_path: Path, tmp_path: Path) -> None:
    manifest = json.loads(manifest_path.read_text())
    manifest["nodes"]["model.growth.fct_mrr_monthly"]["columns"]["mrr_usd_month"]["description"] = "Another meaning."
    changed = tmp_path / "manifest.json"
    changed.write_text(json.dumps(manifest))
    assert is_stale(changed)


def test_dictionary_is_written_once(manifest_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "dictionary.md"
    assert write_dictionary(manifest_path, path)
    assert not write_dictionary(manifest_path, path)


def test_every_mart_has_its_columns_with_type_and_unit(manifest_path: Path) -> None:
    text = render_dictionary(manifest_path)
    section = text.split("## fct_mrr_monthly\n")[1].split("\n## ")[0]
    assert "one row per customer and month" in section
    assert "| mrr_usd_month | decimal(22,2) | USD a month |" in section
    assert "\n## int_" not in text
    assert "\n## stg_" not in text
