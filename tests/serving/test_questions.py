"""The questions of docs/questions.md can be asked of the tables that the contracts declare."""

from datetime import datetime
from pathlib import Path

import pytest

from settings import Settings
from tests.serving.published_marts import write_published
from tests.support.questions import PAGE, Question, answer, questions, with_answers

QUESTIONS = questions(PAGE.read_text(encoding="utf-8"))
MOST_LINES = 8


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published file whose tables have no rows."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("empty"))
    return write_published(settings, {}, published_at=datetime(2026, 11, 1))  # noqa: DTZ001  (as DuckDB returns it)


def test_questions_are_numbered_short_single_statements() -> None:
    assert [question.number for question in QUESTIONS] == list(range(1, len(QUESTIONS) + 1))
    assert [question.number for question in QUESTIONS if len(question.sql.splitlines()) > MOST_LINES] == []
    assert [question.number for question in QUESTIONS if ";" in question.sql or not question.answer] == []


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: str(question.number))
def test_a_question_can_be_asked_of_what_is_published_of_any_company(question: Question, empty: Path) -> None:
    names = answer(question.sql, empty).splitlines()[0].split()
    assert question.answer is not None
    assert names == question.answer.splitlines()[0].split()


def test_answers_are_rewritten_below_their_statements(empty: Path) -> None:
    page = "# T\n\n### 1. How many?\n\n```sql\nselect count(*) as n, 'a' as b from dim_dates\n```\n\nMore.\n"
    once = with_answers(page, empty)
    assert once == page.replace("\n\nMore.", "\n\n```\nn  b\n-  -\n0  a\n```\n\nMore.")
    assert with_answers(once.replace("0  a", "7  a"), empty) == once
