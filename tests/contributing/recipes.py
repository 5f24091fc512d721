"""The recipes of CONTRIBUTING.md: their blocks are read from the file and applied to a copy of the project."""

import re
from dataclasses import dataclass
from pathlib import Path

from settings import PROJECT_DIR

CONTRIBUTING = PROJECT_DIR / "CONTRIBUTING.md"
BLOCK = re.compile(
    r"^(Append to|Create|Add to) `([^`]+)`(?:, (below|above) the line of `([^`]+)`)?:\n\n```\w+\n(.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One change of a recipe: what to do with which file, where in it, and the text."""

    action: str
    path: str
    side: str
    line: str
    text: str


def blocks_of(heading: str) -> list[Block]:
    """The blocks below a heading, in their order. Raises `AssertionError` if the heading or its blocks are gone."""
    sections = CONTRIBUTING.read_text(encoding="utf-8").split(f"\n### {heading}\n")
    assert len(sections) == 2, f"CONTRIBUTING.md has no recipe {heading!r}"
    section = re.split(r"^#{2,3} ", sections[1], flags=re.MULTILINE)[0]
    blocks = [Block(*found) for found in BLOCK.findall(section)]
    assert len(blocks) == section.count("```") // 2, f"a block of {heading!r} does not say where it goes"
    return blocks


def follow(heading: str, project: Path) -> None:
    """Apply a recipe to a copy of the project, which has the files that the recipe changes."""
    for block in blocks_of(heading):
        path = project / block.path
        path.parent.mkdir(parents=True, exist_ok=True)
        if block.action == "Create":
            assert not path.exists()
            path.write_text(block.text, encoding="utf-8")
        elif block.action == "Append to":
            between = "\n\n" if path.suffix == ".py" else ""
            path.write_text(path.read_text(encoding="utf-8") + between + block.text, encoding="utf-8")
        else:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            [place] = [number for number, line in enumerate(lines) if line.strip().startswith(block.line)]
            place += block.side == "below"
            path.write_text("".join([*lines[:place], block.text, *lines[place:]]), encoding="utf-8")
