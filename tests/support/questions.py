"""docs/questions.md: its questions, and their answers on a published file.

`python -m tests.support.questions data/published/serving.duckdb` writes the answers below their statements.
"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from serving.reader import snapshot
from settings import PROJECT_DIR

PAGE = PROJECT_DIR / "docs" / "questions.md"
QUESTION = re.compile(
    r"^### (\d+)\. ([^\n]+)\n\n```sql\n(.+?)\n```\n(?:\n```\n(.*?)\n```\n)?", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True)
class Question:
    number: int
    title: str
    sql: str
    # Lines of text: names of columns, a rule, rows; None before it was written.
    answer: str | None


def questions(text: str) -> list[Question]:
    """The questions of the page in their order."""
    return [Question(int(number), title, sql, answer or None) for number, title, sql, answer in QUESTION.findall(text)]


def answer(sql: str, path: Path) -> str:
    """What a statement gives on a published file, as the page shows it."""
    with snapshot(path) as connection:
        result = connection.execute(sql)
        names = [name for name, *_ in result.description or ()]
        rows = [["" if value is None else f"{value}" for value in row] for row in result.fetchall()]
    widths = [max(len(line[column]) for line in [names, *rows]) for column in range(len(names))]
    lines = [names, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def with_answers(text: str, path: Path) -> str:
    """The page with the answers of a published file."""

    def written(match: re.Match[str]) -> str:
        number, title, sql, _ = match.groups()
        return f"### {number}. {title}\n\n```sql\n{sql}\n```\n\n```\n{answer(sql, path)}\n```\n"

    return QUESTION.sub(written, text)


if __name__ == "__main__":
    PAGE.write_text(with_answers(PAGE.read_text(encoding="utf-8"), Path(sys.argv[1])), encoding="utf-8")
