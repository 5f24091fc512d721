"""docs/questions.md has the answers of the sample company."""

import pytest

from settings import Settings
from tests.support.questions import PAGE, answer, questions


@pytest.mark.slow
def test_the_answers_on_the_page_are_those_of_the_sample_company(sample: Settings) -> None:
    asked = questions(PAGE.read_text(encoding="utf-8"))
    assert {question.title: question.answer for question in asked} == {
        question.title: answer(question.sql, sample.serving_path) for question in asked
    }
