"""The page is drawn anew when it would be another one, is gone or damaged, or has a fault; else it stays as it is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from serving.page import build, once
from serving.page.build import Page, write_page
from serving.page.once import page_of_published_file
from settings import Settings
from tests.serving.published_marts import keep_earlier, write_published

PUBLISHED_AT = datetime.fromisoformat("2026-11-01T02:30:00")
PROJECT = b"digest of the project"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data folder with a page that a run has drawn."""
    monkeypatch.setattr(build, "_vega", lambda _settings: "")
    settings = Settings(data_dir=tmp_path / "data")
    write_published(settings, {}, published_at=PUBLISHED_AT)
    page_of_published_file(settings, PROJECT)
    return settings


@pytest.fixture
def drawn(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[Page]:
    """The pages that are drawn from now on."""
    pages: list[Page] = []

    def draw(given: Settings) -> Page:
        pages.append(write_page(given))
        return pages[-1]

    monkeypatch.setattr(once, "write_page", draw)
    return pages


def publish_again(settings: Settings) -> None:
    settings.serving_path.unlink()
    write_published(settings, {}, published_at=PUBLISHED_AT + timedelta(seconds=1))


def damage(path: Path, content: str) -> None:
    path.write_text(content)


CHANGES: dict[str, Callable[[Settings], None]] = {
    "another file is published": publish_again,
    "the day before is kept now": lambda settings: keep_earlier(settings, {}),
    "the page is gone": lambda settings: settings.page_path.unlink(),
    "the page is another one": lambda settings: damage(settings.page_path, "<h1>Growth</h1>"),
    "the note is no JSON": lambda settings: damage(once._note_path(settings), "{"),
}


def test_page_of_the_same_publish_is_not_drawn_again(settings: Settings, drawn: list[Page]) -> None:
    before = settings.page_path.stat()
    page = page_of_published_file(settings, PROJECT)
    assert drawn == []
    assert settings.page_path.stat() == before
    assert page == write_page(settings)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_page_is_drawn_once_after_a_change(
    settings: Settings, drawn: list[Page], change: Callable[[Settings], None]
) -> None:
    change(settings)
    pages = [page_of_published_file(settings, PROJECT) for _ in range(2)]
    assert drawn == pages[:1] == pages[1:]


def test_page_of_an_edited_project_is_drawn_again(settings: Settings, drawn: list[Page]) -> None:
    page_of_published_file(settings, b"digest of the project with another section")
    assert len(drawn) == 1


def test_page_with_a_fault_is_drawn_by_each_run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = {"The cohorts cannot be drawn (ZeroDivisionError).": "ZeroDivisionError"}
    monkeypatch.setattr(once, "write_page", lambda given: replace(write_page(given), faults=faults))
    publish_again(settings)
    assert [page_of_published_file(settings, PROJECT).faults for _ in range(2)] == [faults, faults]
