"""The page of a company of five and of one without CRM and enrichment: it is whole, and says what is not known."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from serving.page.build import write_page
from settings import Settings
from tests.serving.published_marts import write_published
from tests.serving.small_companies import WITHOUT_CRM_AND_ENRICHMENT, Rows, of_five, without_crm_and_enrichment
from tests.serving.test_page import PUBLISHED_AT, browser, column, open_page, settings

__all__ = ["browser", "settings"]

HARD_TO_READ = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8").partition("*/")[2]
COMPANIES = {"of_five": (of_five, ""), "without_crm": (without_crm_and_enrichment, WITHOUT_CRM_AND_ENRICHMENT)}
SCREENS = [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture(scope="module")
def companies(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Settings]:
    """A data folder of each company with its page; the library of the charts is bundled once."""
    return {
        name: _published(rows, empty, settings, tmp_path_factory.mktemp(name) / "data")
        for name, (rows, empty) in COMPANIES.items()
    }


def _published(rows: Callable[[], Rows], empty_source_tables: str, bundled: Settings, data_dir: Path) -> Settings:
    shutil.copytree(bundled.data_dir / "state", data_dir / "state")
    company = Settings(data_dir=data_dir)
    write_published(company, rows(), published_at=PUBLISHED_AT, empty_source_tables=empty_source_tables)
    assert write_page(company).faults == {}
    return company


def text(page: Page, place: str) -> str:
    return " ".join(page.locator(place).inner_text().split())


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
@pytest.mark.parametrize("company", COMPANIES)
def test_every_screen_shows_the_whole_page_and_one_customer(
    browser: Browser, companies: dict[str, Settings], company: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    open_page(page, companies[company])
    for view in ("#", "#customer=c1", "#customer=q0"):
        page.evaluate("view => location.hash = view", view)
        expect(page.locator("#customer" if "=" in view else "#company")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(HARD_TO_READ) == []
    assert said == []
    assert [url for url in requests if not url.startswith(("data:", "file:"))] == []
    page.close()


@pytest.mark.parametrize("company", COMPANIES)
def test_the_queue_says_name_amount_and_days_late(
    browser: Browser, companies: dict[str, Settings], company: str
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    open_page(page, companies[company])
    card = page.locator("#queue-list tbody tr").first
    assert card.locator("td:visible").all_inner_texts() == ["Queued 0", "First bill", "$600", "9 days late"]
    page.close()


@pytest.mark.parametrize("company", COMPANIES)
def test_a_customer_is_opened_with_the_keyboard_alone(
    browser: Browser, companies: dict[str, Settings], company: str
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    open_page(page, companies[company])
    page.get_by_label("Find a customer").focus()
    page.keyboard.type("blue")
    expect(page.locator("#found a")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2, name="Blue Fin")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#company")).to_be_visible()
    page.close()


@pytest.mark.parametrize("company", COMPANIES)
def test_paper_is_white_with_headings_at_their_tables_and_small_drawings(
    browser: Browser, companies: dict[str, Settings], company: str
) -> None:
    page = browser.new_page(color_scheme="dark")
    open_page(page, companies[company], "#customer=c1")
    expect(page.locator("#customer .spark").first).to_be_visible()
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("#customer .spark").evaluate_all("all => all.every(each => each.clientHeight < 40)")
    headings = "all => all.every(each => getComputedStyle(each).breakAfter === 'avoid')"
    assert page.locator("#customer h3").evaluate_all(headings)
    page.close()


def test_five_customers_have_figures_and_nothing_is_projected_from_two_months(
    browser: Browser, companies: dict[str, Settings]
) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    open_page(page, companies["of_five"])
    assert "Paying customers 2" in text(page, ".headline")
    assert "Net retention not known" in text(page, ".headline")
    assert column(page, "queue-list", "Customer") == ["Queued 0", "Queued 1"]
    assert "Where the mix is going is not known: there is too little history" in text(page, "#mix")
    assert page.locator("#mix-ahead").count() == 0
    assert "How many people it will take is not known" in text(page, "#team")
    assert "5 of the 5 customers" in page.locator("footer").inner_text()
    page.close()


def test_what_crm_and_enrichment_would_say_is_not_known(browser: Browser, companies: dict[str, Settings]) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    open_page(page, companies["without_crm"])
    for place, said in (
        (".headline", "ICP share of sign-ups not known"),
        ("#queue", "Without an owner not known"),
        ("#unowned", "The owners of these customers are not known"),
        ("#owners", "What owners carry is not known"),
        ("#deals", "Large deals are not known"),
        ("#sign-ups", "Which sign-ups are in the ICP is not known"),
        ("#acquisition", "What customers cost is not known"),
        ("#features", "What companies ask for is not known"),
        ("#references", "Which customers are in the ICP is not known"),
        ("#quality", "no segment is known"),
    ):
        assert said in text(page, place), place
    assert set(column(page, "queue-list", "Owner")) == {"not known"}
    assert page.locator("#references .data").count() == 0
    page.evaluate("location.hash = '#customer=c1'")
    expect(page.get_by_role("heading", level=2, name="Acme")).to_be_visible()
    assert "Owner not known" in text(page, "#customer .headline")
    assert "Who owns it is not known" in text(page, "#customer")
    page.close()
