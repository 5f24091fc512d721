"""Each engine has every macro that models are dispatched to: one that lacks any would stop where it is first called."""

import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from settings import PROJECT_DIR, Settings
from transform.dbt_runner import current_manifest

MACROS_DIR = PROJECT_DIR / "dbt_project" / "macros"
ENGINES = ("duckdb", "postgres", "spark")
DISPATCHED = re.compile(r"adapter\.dispatch\('(\w+)', 'growth'\)\(([^)]*)\)")


def implemented(engine: str) -> dict[str, str]:
    """The arguments of each macro that the file of an engine has, by its name without the engine."""
    text = (MACROS_DIR / "engines" / f"{engine}.sql").read_text()
    return dict(re.findall(rf"{{% macro {engine}__(\w+)\(([^)]*)\)", text))


def dispatched() -> dict[str, str]:
    texts = [path.read_text() for path in MACROS_DIR.glob("*.sql")]
    return {name: arguments for text in texts for name, arguments in DISPATCHED.findall(text)}


@pytest.mark.parametrize("engine", ENGINES)
def test_every_dispatched_macro_is_there_for_each_engine(engine: str) -> None:
    asked = dispatched()
    assert len(asked) > 10
    found = implemented(engine)
    assert {name: found.get(name) for name in asked} == asked


def test_duckdb_has_no_macro_that_nothing_asks_for() -> None:
    assert set(implemented("duckdb")) == set(dispatched())


def test_only_the_files_of_the_engines_tell_them_apart() -> None:
    folder = PROJECT_DIR / "dbt_project"
    files = [path for name in ("models", "macros", "tests") for path in (folder / name).rglob("*.sql")]
    assert [path.name for path in files if "target.type" in path.read_text()] == []
    own = re.compile(r"macro (default|duckdb|postgres|spark)__")
    assert {path.parent for path in files if own.search(path.read_text())} == {MACROS_DIR / Path("engines")}


@pytest.mark.slow
def test_project_is_parsed_for_spark_without_a_server(tmp_path: Path) -> None:
    nobody = SecretStr("thrift://127.0.0.1:1")
    manifest = current_manifest(Settings(data_dir=tmp_path / "data", target="spark", warehouse_url=nobody))
    assert '"adapter_type": "spark"' in manifest.read_text()
