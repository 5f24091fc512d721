"""The questions of docs/questions.md can be asked of the tables that the contracts declare."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from settings import Settings
from tests.serving.published_marts import write_published
from tests.support.dbt_models import MODEL_FILES
from tests.support.questions import PAGE, Question, answer, questions, with_answers

QUESTIONS = questions(PAGE.read_text(encoding="utf-8"))
MOST_LINES = 8
# What the strategy asks is answered by the marts of these folders.
STRATEGY = {
    "bill_and_use",
    "closed_months",
    "growth",
    "headroom",
    "margins",
    "pricing_studies",
    "reach",
    "reference_customers",
    "responses",
    "team",
    "word_of_mouth",
}
# Marts of which a person asks another first.
NOT_ASKED = {
    "fct_customer_ladder": "rpt_reach_ladder counts its rows",
    "fct_responses": "rpt_responsiveness counts its rows",
    "fct_word_of_mouth": "rpt_word_of_mouth counts its rows",
    "rpt_arr_mix_projection": "rpt_arr_mix_progress says how far the plan is; the page draws the paths",
    "rpt_arr_mix_projection_accuracy": "it is about the projection, of which nothing is asked",
    "rpt_credit_runway": "fct_customer_events has its signals",
    "rpt_reference_customers": "rpt_reference_progress counts its rows",
    "rpt_team_projection": "rpt_team_outlook says when a limit is crossed in its months",
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published file whose tables have no rows."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("empty"))
    return write_published(settings, {}, published_at=datetime(2026, 11, 1))  # noqa: DTZ001  (as DuckDB returns it)


def test_questions_are_numbered_short_single_statements() -> None:
    assert [question.number for question in QUESTIONS] == list(range(1, len(QUESTIONS) + 1))
    assert [question.number for question in QUESTIONS if len(question.sql.splitlines()) > MOST_LINES] == []
    assert [question.number for question in QUESTIONS if ";" in question.sql or not question.answer] == []


def test_every_mart_of_the_strategy_is_asked() -> None:
    folders = {path.stem: path.parent.name for path in MODEL_FILES}
    assert set(folders.values()) >= STRATEGY
    marts = {name for name, folder in folders.items() if folder in STRATEGY and name.startswith(("fct_", "rpt_"))}
    asked = {word for question in QUESTIONS for word in re.findall(r"\w+", question.sql)}
    assert marts - asked == NOT_ASKED.keys()


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
