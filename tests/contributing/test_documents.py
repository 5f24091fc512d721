"""Documents find each other: links lead somewhere, decisions are listed, commands that are named exist."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from cli.app import app
from settings import OTHER_VARIABLES, PROJECT_DIR, Settings

DECISIONS = PROJECT_DIR / "docs" / "decisions"
DOCUMENTS = [
    *sorted(PROJECT_DIR.glob("*.md")),
    *sorted((PROJECT_DIR / "docs").rglob("*.md")),
    PROJECT_DIR / "sample_company" / "starter" / "README.md",
]
# Options by command.
COMMANDS = {
    name: {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for name, command in get_command(app).commands.items()  # type: ignore[attr-defined]
}
# Their options are those of dbt and MetricFlow.
PASS_ON = {"build", "metrics"}


def anchor(heading: str) -> str:
    """The name under which GitHub links to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def anchors_of(document: Path) -> set[str]:
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", document.read_text(), flags=re.MULTILINE)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT_DIR)))
def test_every_link_leads_to_a_file_and_a_heading(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        linked = (document.parent / path).resolve() if path else document
        if not linked.exists() or (heading and heading not in anchors_of(linked)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT_DIR)))
def test_every_command_and_setting_that_is_named_exists(document: Path) -> None:
    text = document.read_text()
    code = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^```\w*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    called = re.compile(r"^(?:[A-Z_]+=\S+ )*growth ([a-z]+)([^#|\n]*)", flags=re.MULTILINE)
    named = [found for part in code for found in called.findall(part)]
    assert {name for name, _ in named} <= COMMANDS.keys()
    options = {(name, option) for name, rest in named for option in re.findall(r" (--?[a-z][a-z-]*)", rest)}
    assert [(name, option) for name, option in options if option not in COMMANDS[name] and name not in PASS_ON] == []
    settings = {f"GROWTH_{name.upper()}" for name in (*Settings.model_fields, *OTHER_VARIABLES)}
    assert {name for name in re.findall(r"GROWTH_[A-Z_]+[A-Z]", text) if name not in settings} == set()


def test_contents_of_the_decisions_list_every_question_once() -> None:
    contents = (DECISIONS / "README.md").read_text()
    for part in sorted(DECISIONS.glob("*.md")):
        if part.name != "README.md":
            questions = re.findall(r"^## (.+)$", part.read_text(), flags=re.MULTILINE)
            assert [question for question in questions if not question.endswith("?")] == []
            listed = re.findall(rf"^- \[(.+)\]\({part.name}#", contents, flags=re.MULTILINE)
            assert listed == questions, f"docs/decisions/README.md lists other questions than {part.name} has"
