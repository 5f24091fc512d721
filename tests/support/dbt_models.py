"""The dbt models as their files say, by layer: staging, intermediate or marts."""

from pathlib import Path
from typing import Any

import yaml

from settings import PROJECT_DIR

MODELS_DIR = PROJECT_DIR / "dbt_project" / "models"
MODEL_FILES = sorted([*MODELS_DIR.rglob("*.sql"), *MODELS_DIR.rglob("*.py")])
LAYERS = {"stg": "staging", "int": "intermediate", "fct": "marts", "dim": "marts", "rpt": "marts"}


def layer_of(model: str) -> str:
    """The schema that a model is built in, by the prefix of its name."""
    return LAYERS[model.split("_", maxsplit=1)[0]]


def described(path: Path) -> dict[str, dict[str, Any]]:
    """The models of a YAML file, by name."""
    return {model["name"]: model for model in yaml.safe_load(path.read_text()).get("models") or []}


def described_models(layer: str) -> dict[str, dict[str, Any]]:
    """The models of a layer as their YAML describes them, by name."""
    return {
        name: model
        for path in sorted(MODELS_DIR.rglob("_*__models.yml"))
        for name, model in described(path).items()
        if layer_of(name) == layer
    }
