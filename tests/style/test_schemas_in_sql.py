"""Which room names which schema in SQL: what the contracts on imports cannot see."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from settings import PROJECT_DIR

SCHEMA = re.compile(r"(?<![\w./-])(raw|staging|intermediate|marts|seeds|quality)\.(?=[a-z_{])")
OWN = {("ingestion", "raw"), ("expectations", "quality"), ("orchestration", "quality"), ("serving", "marts")}
# A room that names a schema of another, as (room, schema): why.
REASONS = {
    ("cli", "raw"): "`growth rejects` lists the rows that are set aside.",
    ("expectations", "raw"): "A gate reads the days of usage that were loaded since its last look.",
    ("expectations", "seeds"): "Bounds of unusual figures are thresholds, which people edit as a seed.",
    ("operations", "intermediate"): "A month is closed up to the data day.",
    ("operations", "quality"): "A deletion takes a person out of the results of the gates.",
    ("orchestration", "raw"): "Nothing is new if the same files are loaded.",
    ("orchestration", "intermediate"): "Partitions, freshness and anomalies follow the data day and the days to build.",
    ("serving", "raw"): "`publish_info` counts the rows that are set aside.",
    ("serving", "intermediate"): "`publish_info` has the data day and the freshness of the sources.",
    ("serving", "quality"): "Nothing is published that the gates have not checked since it was built.",
    ("transform", "quality"): "A build on Spark notes its turn and the tables that were copied back.",
    ("warehouse", "quality"): "One count of turns orders loads, builds and checks.",
    ("warehouse", "raw"): "The data day follows usage, before dbt has built anything.",
}


def texts(path: Path) -> Iterator[str]:
    """The string constants of a module but its docstrings."""
    tree = ast.parse(path.read_text())
    documented = (ast.Module, ast.FunctionDef, ast.ClassDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def test_a_room_names_its_own_schema_or_has_a_reason() -> None:
    rooms = [init.parent for init in PROJECT_DIR.glob("*/__init__.py") if init.parent.name != "benchmarks"]
    named = {
        (room.name, schema)
        for room in rooms
        for path in room.rglob("*.py")
        for text in texts(path)
        for schema in SCHEMA.findall(text)
    }
    assert named - OWN == set(REASONS)
