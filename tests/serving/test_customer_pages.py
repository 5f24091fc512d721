"""A name opens the page of its customer, which shows what the marts hold; lists are filtered, copied and saved."""

import csv
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import duckdb
import pytest
from playwright.sync_api import Browser, Page, expect

from serving.page import build, customer_pages
from serving.page.build import write_page
from settings import Settings
from tests.serving.company_on_the_page import HOSTILE_NAME, ROWS
from tests.serving.counted_customers import assert_pages_show_the_marts
from tests.serving.published_marts import keep_earlier, write_published
from tests.serving.test_page import PUBLISHED_AT, browser, column, open_page, settings

pytestmark = pytest.mark.slow

__all__ = ["browser", "settings"]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A wide screen, and what the page said to the console."""
    page = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert said == []
    page.context.close()


@pytest.fixture
def other(settings: Settings, tmp_path: Path) -> Settings:
    """A data folder of its own, with the library of the charts, which takes seconds to bundle."""
    shutil.copytree(settings.data_dir / "state", tmp_path / "data" / "state")
    return Settings(data_dir=tmp_path / "data")


def block(page: Page, heading: str) -> str:
    """What a block of a customer's page says, in one line."""
    place = page.locator("#customer .block", has=page.get_by_role("heading", name=heading, exact=True))
    return " ".join(place.first.inner_text().split())


def test_name_opens_the_customer_and_back_returns_to_the_list(page: Page, settings: Settings) -> None:
    open_page(page, settings)
    link = page.locator("#queue-list").get_by_role("link", name="Queued 3", exact=True)
    link.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2, name="Queued 3")).to_be_focused()
    assert page.url.endswith("#customer=q3")
    assert page.title() == "Queued 3 · Growth, 31 Oct 2026"
    assert page.locator("#company").is_hidden()
    assert page.evaluate("scrollY") == 0
    page.go_back()
    expect(page.locator("#company")).to_be_visible()
    assert page.locator("#customer").is_hidden()
    assert page.locator("#owner-banner").is_hidden()
    assert page.title() == "Growth, 31 Oct 2026"
    page.wait_for_function(f"Math.abs(scrollY - {before}) < 2")


def test_an_address_opens_a_customer_with_all_that_is_known(page: Page, settings: Settings) -> None:
    open_page(page, settings, "#customer=c1")
    expect(page.get_by_role("heading", level=2, name="Acme")).to_be_visible()
    assert "Paying · segment other · tier large · band below" in page.locator("#customer .lead").inner_text()
    products = block(page, "MRR and usage by product")
    assert "Session replay $100,000.00 30,000 24,000 25 %" in products
    assert "Nov" not in products
    expect(page.locator("#customer [data-customer-chart] svg")).to_be_visible()
    segment = block(page, "Segment")
    assert "High growth needs: employees >= 15. It is 12 today." in segment
    assert "High growth needs: revenue in USD a month >= 100,000. It is not known today." in segment
    assert "High growth needs: public = false. It is true today." in segment
    assert "High growth Employees at least 12 >= 15 not met" in segment
    assert "High growth Revenue not known >= 100,000 not known" in segment
    scores = block(page, "Scores")
    assert "Lead score of 70 Acme 21 20 yes 0" in scores
    assert "Fit to the ICP of 24 Acme 7 to 12 12 not known 1" in scores
    assert "Fit to the ICP of 24 Acme 6 to 12 12 not known 1" in scores
    assert "Fit to the ICP of 24 Acme \N{MINUS SIGN}10 to 11 12 no 1" in scores
    assert "because it has paid a bill before. Its bills are forecast at $99,000.00." in block(page, "Onboarding queue")
    lists = block(page, "Lists that it is on")
    assert "It should be held by a CSM, because of its ARR, with many primary products" in lists
    assert "Prepaid credit" in lists
    assert "Spend limit" in lists
    assert "Nobody owns it." in block(page, "Owner")
    assert "4 Sep 2026 eve.owner CSM took over" in block(page, "Owner")
    timeline = block(page, "Timeline")
    assert "4 Sep 2026 Owner came eve.owner CSM \N{EN DASH} 3 Sep 2026 MRR moved" in timeline
    assert "MRR moved Aug 2026 Expansion $120.50 a month" in timeline
    assert "Session replay 40 0 %" in block(page, "Health")
    assert "1 Jan 2026 now CSM" in block(page, "Owner")


def test_queued_customer_shows_reason_and_days_late(page: Page, settings: Settings) -> None:
    open_page(page, settings, "#customer=q0")
    expect(page.get_by_role("heading", level=2, name="Queued 0")).to_be_visible()
    queue = block(page, "Onboarding queue")
    assert "It is in the queue since 1 Oct 2026; write by 22 Oct 2026, 9 days late." in queue
    bill = block(page, "Open bill")
    assert "$900.25 80 % between $500.00 and $1,500.00" in bill
    assert "Surveys 1,000 2,000.5 $600.00 $600.00 $700.00 $600.00" in bill
    assert "It is on no list." in block(page, "Lists that it is on")


def test_a_name_cannot_break_out_of_its_page_and_a_stranger_has_none(page: Page, settings: Settings) -> None:
    open_page(page, settings, "#customer=c3")
    expect(page.get_by_role("heading", level=2)).to_have_text(HOSTILE_NAME)
    assert page.locator("#customer img").count() == 0
    page.evaluate("location.hash = '#customer=%3Cimg%20src=x%3E'")
    expect(page.get_by_role("heading", level=2, name="No page for this customer")).to_be_visible()
    assert page.locator("#customer img").count() == 0
    assert "23 of the 24 customers" not in page.locator("#customer").inner_text()
    page.evaluate("location.hash = '#%E0%A4%A'")
    expect(page.locator("#company")).to_be_visible()


def test_a_customer_is_found_by_its_name(page: Page, settings: Settings) -> None:
    open_page(page, settings)
    page.get_by_label("Find a customer").fill("queued 1")
    expect(page.locator("#found a")).to_have_count(8)
    page.get_by_label("Find a customer").fill("blue")
    page.locator("#found").get_by_role("link", name="Blue Fin").click()
    expect(page.get_by_role("heading", level=2, name="Blue Fin")).to_be_visible()
    expect(page.locator("#found a")).to_have_count(0)


def test_news_since_yesterday_is_on_top_and_opens_its_customer(page: Page, settings: Settings) -> None:
    open_page(page, settings)
    since = page.locator("#since")
    said = " ".join(since.inner_text().split())
    assert "Compared with 30 Oct 2026 the day before" in said
    assert "New in the queue 1 1 left it" in said
    assert "Sign-ups 1 1 known to be in the ICP" in said, said[:400]
    assert column(page, "since-queue", "Customer") == ["Queued 0", "Blue Fin"]
    assert column(page, "since-late", "Contact") == ["9 days late", "1 day late"]
    moves = set(zip(*(column(page, "since-moved", title) for title in ("Customer", "What", "From", "To")), strict=True))
    assert moves == {
        ("Blue Fin", "Tier", "small", "medium"),
        ("Blue Fin", "Owner", "none", "ada.owner"),
    }
    assert column(page, "since-mrr", "Change a month") == ["$1,000"]
    assert column(page, "since-signals", "What fired") == ["Events fell."]
    since.get_by_role("link", name="Blue Fin").first.click()
    expect(page.get_by_role("heading", level=2, name="Blue Fin")).to_be_visible()


def test_a_filtered_list_is_a_link_and_an_owner_has_a_view(page: Page, settings: Settings) -> None:
    open_page(page, settings)
    page.locator("#queue").get_by_role("combobox", name="Reason").select_option("Startup rolloff")
    page.locator("#queue").get_by_role("searchbox", name="Search").fill("Queued 1")
    shown = column(page, "queue-list", "Customer")
    view = page.evaluate("location.hash")
    assert view == "#list=queue-list&Reason=Startup+rolloff&search=Queued+1"
    page.goto("about:blank")
    open_page(page, settings, view)
    assert column(page, "queue-list", "Customer") == shown
    assert page.locator("#queue").get_by_role("combobox", name="Reason").input_value() == "Startup rolloff"
    page.locator("#owner").select_option("ada.owner")
    expect(page.locator("#owner-banner")).to_contain_text("The lists of ada.owner")
    assert page.url.endswith("#owner=ada.owner")
    assert set(column(page, "queue-list", "Owner")) == {"ada.owner"}
    assert page.locator("#cross-sell-list").is_visible()
    assert page.locator("#mix").is_hidden()
    page.locator("#cross-sell-list").get_by_role("link", name="Blue Fin").click()
    expect(page.get_by_role("heading", level=2, name="Blue Fin")).to_be_visible()
    page.go_back()
    expect(page.locator("#owner-banner")).to_contain_text("The lists of ada.owner")
    assert page.locator("#mix").is_hidden()
    page.get_by_role("link", name="Show everything").click()
    expect(page.locator("#mix")).to_be_visible()
    assert "1 to 15 of 20" in page.locator("#queue").inner_text()


def test_a_list_is_saved_as_it_is_filtered_and_no_cell_is_a_formula(page: Page, other: Settings) -> None:
    names = [{**row, "name": "=cmd()|' /C calc'!A0"} for row in ROWS["dim_customers"]]
    write_published(other, {**ROWS, "dim_customers": names}, published_at=PUBLISHED_AT)
    write_page(other)
    open_page(page, other)
    queue = page.locator("#queue")
    queue.get_by_role("combobox", name="Reason").select_option("First bill")
    with page.expect_download() as download:
        queue.get_by_role("button", name="Save as CSV").click()
    assert download.value.suggested_filename == "queue-list-2026-10-31.csv"
    text = Path(download.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 7
    assert {row["Reason"] for row in rows} == {"First bill"}
    assert {row["Customer"] for row in rows} == {"'=cmd()|' /C calc'!A0"}
    assert rows[0]["Forecast"] == "600.00"
    assert rows[0]["Contact by"] == "2026-10-22"


def test_row_is_a_card_on_a_phone(browser: Browser, settings: Settings) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    open_page(page, settings)
    card = page.locator("#queue-list tbody tr").first
    assert card.locator("td:visible").all_inner_texts() == ["Queued 0", "First bill", "$600", "9 days late"]
    assert page.locator("#queue-list thead").is_hidden()
    page.evaluate("location.hash = '#customer=c1'")
    expect(page.get_by_role("heading", level=2, name="Acme")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()


def test_omitted_pages_are_counted_and_not_linked(page: Page, other: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_pages, "MOST_PAGES", 5)
    write_published(other, ROWS, published_at=PUBLISHED_AT)
    write_page(other)
    open_page(page, other)
    assert "5 of the 24 customers that pay" in page.locator("footer").inner_text()
    assert "19 with the lowest ARR are left out" in page.locator("footer").inner_text()
    linked = page.locator("td.customer a").evaluate_all("all => [...new Set(all.map(each => each.hash))]")
    assert len(linked) == 5


@pytest.mark.usefixtures("_without_vega")
def test_the_page_is_there_when_the_pages_of_customers_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_pages, "RANKED", "select nothing from nowhere {lists} {days}")
    settings = Settings(data_dir=tmp_path / "data")
    write_published(settings, ROWS, published_at=PUBLISHED_AT)
    page = write_page(settings)
    assert list(page.faults) == ["The customers' pages cannot be made."]
    assert "Queued 3" in settings.page_path.read_text(encoding="utf-8")


@pytest.fixture
def _without_vega(monkeypatch: pytest.MonkeyPatch) -> None:
    """For pages that no browser opens: bundling Vega takes seconds."""
    monkeypatch.setattr(build, "_vega", lambda _settings: "")


def test_the_pages_of_ten_customers_show_what_the_marts_hold(page: Page, settings: Settings) -> None:
    open_page(page, settings)
    customers = ["c1", "c2", "c3", *(f"q{number}" for number in range(7))]
    assert assert_pages_show_the_marts(page, settings, customers) > 150


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_against_what_is_behind_it(
    browser: Browser, settings: Settings, scheme: Literal["light", "dark"]
) -> None:
    hard_to_read = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8").partition("*/")[2]
    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    open_page(page, settings)
    assert page.evaluate(hard_to_read) == []
    page.evaluate("location.hash = '#customer=c1'")
    expect(page.get_by_role("heading", level=2, name="Acme")).to_be_visible()
    assert page.evaluate(hard_to_read) == []
    page.close()


def test_owners_are_unknown_without_crm_and_enrichment(page: Page, other: Settings) -> None:
    nothing = "crm.accounts, crm.opportunities, enrichment.companies, spend.sales_and_marketing"
    write_published(other, ROWS, published_at=PUBLISHED_AT, empty_source_tables=nothing)
    write_page(other)
    open_page(page, other)
    said = " ".join(page.locator("#company").inner_text().split())
    for what in (
        "What owners carry is not known",
        "Large deals are not known",
        "Which sign-ups are in the ICP is not known",
        "What customers cost is not known",
    ):
        assert what in said
    page.evaluate("location.hash = '#customer=c1'")
    expect(page.get_by_role("heading", level=2, name="Acme")).to_be_visible()
    assert "Who owns it is not known" in block(page, "Owner")
    assert "Owner not known" in " ".join(page.locator("#customer .headline").inner_text().split())


@pytest.mark.usefixtures("_without_vega")
def test_publish_with_other_columns_is_not_compared(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    write_published(settings, ROWS, published_at=PUBLISHED_AT)
    keep_earlier(settings, ROWS)
    [kept] = settings.serving_path.parent.glob("versions/*/serving.duckdb")
    with duckdb.connect(str(kept)) as connection:
        connection.execute("alter table marts.dim_organizations drop column icp_segment")
    page = write_page(settings)
    assert page.faults == {}
    assert "The publish before has other columns and cannot be compared: the next one can." in page.missing
    html = settings.page_path.read_text(encoding="utf-8")
    assert "Nobody entered or left the onboarding queue." in html
