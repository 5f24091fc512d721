"""The daily page is whole in one file, shows what the marts hold, and says when it cannot or is too old."""

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from serving.page import build
from serving.page.bills import headroom
from serving.page.blocks import SHOWN_ROWS, Header, PageTable, money, percent, short_money
from serving.page.build import charts_of, write_page
from serving.page.images import write_images
from serving.page.reach import levels
from serving.page.registry import SECTIONS
from serving.page.snapshot import Snapshot
from serving.reader import query, snapshot
from settings import LATE_AFTER, STALE_AFTER, Settings
from tests.serving.company_on_the_page import HOSTILE_NAME, ROWS
from tests.serving.customers_on_the_page import rows_of_the_day_before
from tests.serving.published_marts import keep_earlier, write_published

CHROMIUM_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip
PUBLISHED_AT = datetime(2026, 11, 1, 2, 30, tzinfo=UTC).replace(tzinfo=None)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data folder with a company of a few customers, published, and its page."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("page") / "data")
    write_published(settings, ROWS, published_at=PUBLISHED_AT)
    keep_earlier(settings, rows_of_the_day_before(ROWS))
    write_page(settings)
    return settings


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium as the machine has it."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("the page is tested in Chromium, which is not on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def _without_vega(monkeypatch: pytest.MonkeyPatch) -> None:
    """For pages that no browser opens: bundling Vega takes seconds."""
    monkeypatch.setattr(build, "_vega", lambda _settings: "")


@pytest.fixture(scope="module")
def opened(browser: Browser, settings: Settings) -> Iterator[Page]:
    """The page on a wide screen, for tests that only look at it."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield open_page(page, settings)
    page.close()


@pytest.fixture
def touched(browser: Browser, settings: Settings) -> Iterator[Page]:
    """The page on a wide screen, for a test that sorts or filters."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield open_page(page, settings)
    page.close()


def open_page(page: Page, settings: Settings, view: str = "") -> Page:
    """The page from disk half an hour after it was published, its charts drawn; everything but its file is blocked.

    `view` is the part of the address from `#` on.
    """
    page.route(lambda url: url != settings.page_path.as_uri(), lambda route: route.abort())
    set_clock(page, timedelta(minutes=30))
    page.goto(settings.page_path.as_uri() + view)
    charts = page.locator("[data-chart]").count()
    page.wait_for_function(f"document.querySelectorAll('[data-chart] svg').length === {charts}")
    return page


def set_clock(page: Page, age: timedelta) -> None:
    """The clock of the reader so long after the page was published."""
    page.clock.set_fixed_time(PUBLISHED_AT.replace(tzinfo=UTC) + age)


def column(page: Page, table: str, title: str) -> list[str]:
    """What a column of a table shows, from top to bottom."""
    titles = page.locator(f"#{table} thead th .dt-column-title").all_text_contents()
    return page.locator(f"#{table} tbody tr td:nth-child({titles.index(title) + 1})").all_text_contents()


def figures(page: Page, section: str) -> dict[str, str]:
    """The figures of a section by their names, without the marks before them."""
    return dict(
        page.locator(f"#{section} .figure").evaluate_all(
            "all => all.map(each => [each.querySelector('dt').textContent, "
            "each.querySelector('.value').lastChild.textContent])"
        )
    )


# How many marks of each chart have an extent: axes, grids and legends are no marks.
DRAWN_MARKS = """all => all.map(svg => [...svg.querySelectorAll('.role-mark path')].filter(mark => {
    const box = mark.getBBox(); return box.width > 0 || box.height > 0
}).length)"""


def test_the_page_asks_for_nothing_and_says_nothing_to_the_console(browser: Browser, settings: Settings) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    requests: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    open_page(page, settings)
    page.wait_for_timeout(100)
    assert [url for url in requests if not url.startswith("data:")] == [settings.page_path.as_uri()]
    assert said == []
    page.close()


def test_every_section_is_there_and_every_chart_is_drawn(opened: Page, settings: Settings) -> None:
    assert opened.locator("#company > section").evaluate_all("all => all.map(each => each.id)") == [
        section.key for section in SECTIONS
    ]
    empty = [
        section.key
        for section in SECTIONS
        if opened.locator(f"#{section.key} .data, #{section.key} .chart, #{section.key} .heat").count() == 0
    ]
    assert empty == []
    marks = opened.locator("[data-chart] svg").evaluate_all(DRAWN_MARKS)
    assert len(marks) == len(charts_of(settings))
    assert all(marks)


def test_nothing_is_wider_than_a_phone_or_a_screen(browser: Browser, settings: Settings) -> None:
    for width in (420, 1280):
        page = browser.new_page(viewport={"width": width, "height": 900})
        open_page(page, settings)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert (
            page.evaluate(
                "Math.max(...[...document.querySelectorAll('.block')].map(b => b.getBoundingClientRect().right))"
            )
            <= width
        )
        page.close()


def test_no_table_has_to_be_scrolled_sideways_on_a_screen(opened: Page) -> None:
    hidden = "all => all.filter(each => each.scrollWidth > each.clientWidth).map(each => each.innerText)"
    assert opened.locator(".dt-layout-full").count() > 8
    assert opened.locator(".dt-layout-full").evaluate_all(hidden) == []


def test_a_legend_and_a_reason_are_not_cut_on_a_phone(browser: Browser, settings: Settings) -> None:
    page = browser.new_page(viewport={"width": 420, "height": 900})
    open_page(page, settings)
    edges = "all => Math.max(...all.map(each => each.getBoundingClientRect().right))"
    legend = page.locator("[data-chart=movements] svg .role-legend-label text")
    assert legend.all_text_contents() == ["new", "expansion", "reactivation", "contraction", "churn"]
    assert legend.evaluate_all(edges) <= page.locator("[data-chart=movements] svg").evaluate_all(edges)
    assert page.locator("#queue-list tbody td.words").evaluate_all("all => all.every(td => td.clientHeight < 60)")
    page.close()


def test_queue_is_sorted_by_value(touched: Page) -> None:
    touched.locator("#queue-list th", has_text="Forecast").click()
    expect(touched.locator("#queue-list th[aria-sort=ascending]")).to_contain_text("Forecast")
    shown = [int(text.strip("$").replace(",", "")) for text in column(touched, "queue-list", "Forecast")]
    assert shown == sorted(shown)
    assert shown[0] < 1000 < shown[-1]
    touched.locator("#queue-list th", has_text="Renews").click()
    expect(touched.locator("#queue-list th[aria-sort=ascending]")).to_contain_text("Renews")
    assert column(touched, "queue-list", "Renews")[:6] == [f"{day} Nov 2026" for day in range(5, 11)]


def test_the_queue_is_filtered_by_reason_owner_and_words(touched: Page) -> None:
    section = touched.locator("#queue")
    section.get_by_role("combobox", name="Reason").select_option("Startup rolloff")
    assert set(column(touched, "queue-list", "Reason")) == {"Startup rolloff"}
    assert len(column(touched, "queue-list", "Reason")) == 7
    section.get_by_role("combobox", name="Owner").select_option("ada.owner")
    assert column(touched, "queue-list", "Customer") == ["Queued 1", "Queued 13"]
    section.get_by_role("searchbox", name="Search").fill("Queued 13")
    assert column(touched, "queue-list", "Customer") == ["Queued 13"]
    section.get_by_role("combobox", name="Reason").select_option("All")
    section.get_by_role("combobox", name="Owner").select_option("All")
    section.get_by_role("searchbox", name="Search").fill("")
    assert "1 to 15 of 20" in section.inner_text()


def test_the_queue_is_the_one_in_the_marts(settings: Settings, touched: Page) -> None:
    with query(
        """
        select queue_reason, latest_forecast_usd, forecast_low_usd, forecast_high_usd, fct_onboarding_queue.period_end,
            contact_by
        from fct_onboarding_queue inner join fct_bill_forecasts using (organization_id)
        where is_open order by contact_by
        """,
        path=settings.serving_path,
    ) as result:
        expected = [tuple(str(value) for value in row) for row in result.fetchall()]
    touched.evaluate("dispatchEvent(new Event('beforeprint'))")
    cells = touched.locator("#queue-list tbody tr").evaluate_all(
        "all => all.map(row => [...row.cells].slice(1, 7).map(cell => cell.dataset.order))"
    )
    assert [tuple(row) for row in cells] == expected
    assert touched.locator("#queue .figure", has_text="In the queue").locator(".value").inner_text() == "20"


def test_charts_and_figures_hold_what_the_marts_hold(settings: Settings, opened: Page) -> None:
    with query(
        "select month, sum(delta_usd_month) from fct_mrr_movements group by month", path=settings.serving_path
    ) as r:
        expected = {month.isoformat(): total for month, total in r.fetchall()}
    charts = json.loads(opened.locator("#charts").text_content() or "")
    drawn: dict[str, Decimal] = {}
    (values,) = charts["movements"]["datasets"].values()
    for row in values:
        drawn[row["month"]] = drawn.get(row["month"], Decimal(0)) + Decimal(str(row["delta"]))
    assert drawn == expected
    headline = dict(
        zip(
            opened.locator(".headline dt").all_text_contents(),
            opened.locator(".headline .value").all_text_contents(),
            strict=True,
        )
    )
    assert headline["ARR"] == "$1.26M"
    assert headline["Paying customers"] == "3"
    assert headline["ARR in the mix"] == "$1.05M"
    assert headline["Net retention"] == "110 %"
    assert headline["Onboarding queue"] == "20"
    assert headline["ICP share of sign-ups"] == "17.5 %"
    assert figures(opened, "arr") == {
        "Last closed month": "October 2026",
        "Large": "$1.2M",
        "Medium": "$60k",
        "Small": "$2.4k",
    }
    assert figures(opened, "quality") == {"Checks passed": "170", "Warned": "3", "Failed": "0", "Rows set aside": "7"}
    million = opened.locator("#mix .figures", has_text="From $1,000,000 a year").inner_text()
    assert re.search(r"Customers\n1\nof 50 · 2.0 %\nARR that counts\n\$1M\nof \$50M", million), million
    assert "24.5 needed" in million


def test_people_needed_are_not_said_to_be_there_now(opened: Page) -> None:
    assert column(opened, "team-outlook", "Needed in the first month") == ["12"]
    assert column(opened, "team-outlook", "Needed at the end") == ["24"]
    assert figures(opened, "team")["Own a customer today"] == "not known"


def test_a_customer_cannot_break_out_of_the_page(opened: Page) -> None:
    assert opened.title() == "Growth, 31 Oct 2026"
    assert opened.locator("main img").count() == 0
    assert HOSTILE_NAME in column(opened, "gainers", "Customer") + column(opened, "losers", "Customer")


def test_page_turns_late_and_stale_by_the_readers_clock(touched: Page) -> None:
    second = timedelta(seconds=1)
    for age, banner in (
        (LATE_AFTER, ""),
        (LATE_AFTER + second, "Late: this page is 26 h old"),
        (STALE_AFTER, "Late: this page is 36 h old"),
        (STALE_AFTER + second, "Stale: this page is 36 h old"),
        (timedelta(days=3), "Stale: this page is 3 days old"),
    ):
        set_clock(touched, age)
        touched.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        assert touched.locator("#stale").is_visible() == bool(banner)
        assert banner in touched.locator("#stale").inner_text()
        assert touched.locator("body.is-stale").count() == banner.startswith("Stale")


def test_the_page_says_its_data_day_its_run_and_its_age(opened: Page) -> None:
    status = opened.locator("header .status").inner_text()
    assert "data 3 h old" in status
    assert "Data day 2026-10-31 (UTC), published 2026-11-01 02:30 UTC by run 0f8e6a52" in " ".join(status.split())


def test_dark_is_dark_and_paper_is_white_with_every_row(browser: Browser, settings: Settings) -> None:
    page = browser.new_page(color_scheme="dark")
    open_page(page, settings)
    background = "getComputedStyle(document.querySelector('{}')).backgroundColor"
    assert page.evaluate(background.format("body")) == "rgb(14, 18, 24)"
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate(background.format("body")) == "rgb(255, 255, 255)"
    assert (
        page.evaluate("getComputedStyle(document.querySelector('[data-chart=movements] text')).fill")
        == "rgb(89, 98, 114)"
    )
    assert page.locator("#queue-list tbody tr").count() == 20
    page.close()


def test_a_name_in_a_chart_cannot_end_the_script_that_holds_it() -> None:
    written = build._as_data({"name": HOSTILE_NAME})
    assert "<" not in written
    assert json.loads(written) == {"name": HOSTILE_NAME}
    assert build._inline("a = '</script>'; b = '<!--'") == "a = '<\\/script>'; b = '<\\!--'"


@pytest.mark.usefixtures("_without_vega")
def test_a_section_without_its_table_says_so_and_the_others_are_there(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    write_published(settings, ROWS, published_at=PUBLISHED_AT, without=["rpt_limits_hit", "fct_mrr_movements"])
    page = write_page(settings)
    assert "No spend limits: rpt_limits_hit is not in the published file." in page.missing
    assert "No movements: fct_mrr_movements is not in the published file." in page.missing
    assert "No startup plans: rpt_startup_rolloffs is not in the published file." not in page.missing
    html = settings.page_path.read_text()
    assert all(f'<section id="{section.key}"' in html for section in SECTIONS)
    assert html.count("is not in the published file.") == len(page.missing) - 1
    assert sum(note.startswith("This is the first data day") for note in page.missing) == 1


@pytest.mark.usefixtures("_without_vega")
def test_a_company_without_customers_has_a_page(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    write_published(settings, {}, published_at=PUBLISHED_AT)
    write_page(settings)
    html = settings.page_path.read_text()
    assert "The queue is empty." in html
    assert "No month with a movement yet." in html


def test_what_nobody_has_is_zero_and_not_unknown(tmp_path: Path) -> None:
    reach = {"month": "2026-10-01", "company_size": "small", "employees_from": 1, "highest_level": "c_level"}
    rows = {
        "rpt_reach": [reach | {"customers": 2, "paying_customers": 1, "people": 2}],
        "rpt_headroom_accuracy": [{"kind": "free_use", "expected": 4, "came": 1}],
    }
    settings = Settings(data_dir=tmp_path)
    write_published(settings, rows, published_at=datetime(2026, 11, 1, tzinfo=UTC).replace(tzinfo=None))
    with snapshot(settings.serving_path) as connection:
        published = Snapshot(connection)
        tables = {
            block.key: block for block in [*levels(published), *headroom(published)] if isinstance(block, PageTable)
        }
    assert [tuple(row) for row in tables["levels"].rows] == [("small", 2, 1, 2, 0, 0, 0, 0, 0)]
    assert [tuple(row[:5]) for row in tables["headroom-kinds"].rows] == [("free_use", 0, 0, 0, 0)]


def test_a_page_that_cannot_be_made_leaves_the_old_one(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = settings.page_path.read_bytes()

    def fail(_settings: Settings) -> str:
        raise OSError("no space left")

    monkeypatch.setattr(build, "_vega", fail)
    with pytest.raises(OSError, match="no space left"):
        write_page(settings)
    assert settings.page_path.read_bytes() == before
    assert sorted(path.name for path in settings.page_path.parent.iterdir()) == [
        "daily.html",
        "serving.duckdb",
        "versions",
    ]


def test_the_page_is_small_enough_to_be_sent(settings: Settings) -> None:
    assert settings.page_path.stat().st_size < 3_000_000


def test_pictures_for_the_readme_are_drawn_in_light_colours(settings: Settings, tmp_path: Path) -> None:
    pictures = write_images(settings, tmp_path / "images")
    assert {"page_arr_by_band.png", "page_movements.png", "page_accuracy_by_day.png"} <= {
        path.name for path in pictures
    }
    assert all(path.read_bytes().startswith(b"\x89PNG") and path.stat().st_size < 100_000 for path in pictures)


def test_a_long_table_is_cut_and_says_where_the_rest_is() -> None:
    table = PageTable("many", "", [Header("Number", "number")], [(i,) for i in range(SHOWN_ROWS + 1)], "", "fct_many")
    assert len(table.cells) == SHOWN_ROWS
    assert len(table.rows) == SHOWN_ROWS + 1


def test_dollars_and_shares_are_written_without_loss_of_their_size() -> None:
    assert [short_money(amount) for amount in (0, 999, 1000, 12_345, -375_000, 1_049_999, 25_000_000, 100_000_000)] == [
        "$0", "$999", "$1k", "$12.3k", "−$375k", "$1.05M", "$25M", "$100M",
    ]  # fmt: skip
    assert [money(Decimal(amount)) for amount in ("-1234.5", "14.50", "13.49")] == ["−$1,235", "$15", "$13"]
    assert [percent(share) for share in (0, Decimal("0.015"), 0.8, Decimal("1.2225"), -0.022)] == [
        "0 %", "1.5 %", "80 %", "122 %", "−2.2 %",
    ]  # fmt: skip
