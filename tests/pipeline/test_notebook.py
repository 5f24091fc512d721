"""The notebook runs from top to bottom on what a run published."""

import json
from pathlib import Path
from typing import Any

import pytest

from settings import PROJECT_DIR, get_settings

NOTEBOOK = PROJECT_DIR / "docs" / "published_tables.ipynb"


def test_every_cell_of_the_notebook_runs_in_order(undisturbed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROWTH_DATA_DIR", str(undisturbed))
    get_settings.cache_clear()
    cells = [cell for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    try:
        for cell in cells:
            exec("".join(cell["source"]), names)
    finally:
        get_settings.cache_clear()
    assert names["largest"] == "Acme"
    assert set(names["history"]["kind"]) >= {"signed_up", "bill_paid", "mrr_moved"}
    assert round(names["mrr"]["mrr_usd_month"].sum(), 2) == 374.40
    assert names["shares"].to_numpy().sum() == len(names["cohorts"])
