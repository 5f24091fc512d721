"""dbt in a process of its own, on raw tables that are written by hand."""

import importlib.util
import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import ModuleType

import duckdb

from settings import PROJECT_DIR

DBT_DIR = PROJECT_DIR / "dbt_project"
MODELS_DIR = DBT_DIR / "models"
DBT = Path(sys.executable).with_name("dbt")


def insert(connection: duckdb.DuckDBPyConnection, table: str, row: dict) -> None:
    """One row into a raw table."""
    row = {**row, "_path": "by hand", "_row": 1}
    if table != "usage__usage_reports":
        row["_row_hash"] = sha256(json.dumps(row, default=str).encode()).hexdigest()
    names = ", ".join(f'"{name}"' for name in row)
    connection.execute(f'insert into raw."{table}" ({names}) values ({", ".join("?" * len(row))})', list(row.values()))


def stripe(connection: duckdb.DuckDBPyConnection, table: str, payload: dict, created: str) -> None:
    """One object of Stripe's."""
    row = {"id": payload["id"], "livemode": True, "created": created, "payload": json.dumps(payload)}
    insert(connection, f"stripe__{table}", row)


def dbt(
    data_dir: Path, *arguments: str, project: Path = DBT_DIR, as_of: str = "", file: str | None = "warehouse.duckdb"
) -> subprocess.CompletedProcess[str]:
    """Run dbt in the project's folder, with only the file to work in (None: the private copy) and the day set."""
    environment = {
        **os.environ,
        "GROWTH_DATA_DIR": str(data_dir),
        "GROWTH_DBT_FILE": str(data_dir / file) if file else "",
        "GROWTH_AS_OF": as_of,
        "DBT_TARGET_PATH": str(data_dir / "target"),
        "DBT_LOG_PATH": str(data_dir / "logs"),
        "DBT_LOG_LEVEL_FILE": "none",
    }
    return subprocess.run(
        [DBT, *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=500
    )


def read(data_dir: Path, query: str) -> list[tuple]:
    """Rows of the warehouse."""
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def load_model(path: str, name: str = "model") -> ModuleType:
    """A model in Python as a module, the way in which dbt runs it. `path` is below `models/`."""
    spec = importlib.util.spec_from_file_location(name, MODELS_DIR / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
