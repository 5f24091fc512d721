"""What Python here imports of Dagster, dbt, dlt and Great Expectations is their public interface, but for this list."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from settings import PROJECT_DIR

FRAMEWORKS = ("dagster", "dagster_dbt", "dagster_graphql", "dagster_webserver", "dbt", "dlt", "great_expectations")
# dbt documents its runner alone for use from Python.
PUBLIC_OF_DBT = "dbt.cli.main"
EXCEPTIONS = {
    "dagster._core.remote_origin": "The timeline shows runs by this, and `execute_in_process` does not set it.",
    "dagster._core.workspace.context": "The web server's own command takes no middleware that checks host names.",
    "dagster._core.workspace.load_target": "The same.",
    "dagster._core.loader": "Tests ask for the status of a check that the UI shows.",
    "dagster._core.storage.event_log": "Dagster's own documentation names SQLite's storage of events by this.",
    "dagster._core.storage.asset_check_execution_record": "The same.",
    "dagster._core.definitions.dependency": "A test asks which checks a job runs in a step.",
    "dbt.contracts.graph.manifest": "A parsed project is read as dbt left it, and is not parsed again (5 CPU s a run).",
    "dbt.adapters.duckdb.connections": "dbt keeps its connection open after a command; no other could open the file.",
    "dbt.adapters.postgres": "Python models run in our process, and the adapter alone can be told so.",
    "dbt.adapters.contracts.connection": "What that adapter answers when a Python model has run.",
    "dbt.adapters.spark.impl": "The same for Spark.",
    "dbt.adapters.spark.connections": "Spark's adapter opens a session a model; those of a build were too many.",
}


def imported(path: Path) -> Iterator[str]:
    """Modules of the frameworks that a file imports, also in a program that it has as a text."""
    tree = ast.parse(path.read_text())
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    programs = [ast.parse(text) for text in texts if text.startswith("\nimport ") and "\n" in text[1:]]
    for node in (node for each in (tree, *programs) for node in ast.walk(each)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name.startswith("_"))


def is_private(module: str) -> bool:
    """Whether the framework does not offer the module to its users."""
    library, *parts = module.split(".")
    is_of_dbt = library == "dbt" and module != PUBLIC_OF_DBT
    return library in FRAMEWORKS and (
        is_of_dbt or any(part.startswith("_") and part != "__version__" for part in parts)
    )


def test_no_private_module_is_imported_but_those_with_a_reason() -> None:
    listed = subprocess.run(["git", "ls-files", "*.py"], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    files = [PROJECT_DIR / name for name in listed.stdout.split()]
    found = {module for path in files if path.exists() for module in imported(path) if is_private(module)}
    assert found == set(EXCEPTIONS)


@pytest.mark.parametrize(
    "line",
    ["import dagster._core.events", "from dbt.context import providers", "from dagster import _utils"],
)
def test_a_private_import_is_found(tmp_path: Path, line: str) -> None:
    file = tmp_path / "module.py"
    file.write_text(line)
    assert [module for module in imported(file) if is_private(module)] != []
