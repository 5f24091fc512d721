"""The page is there whatever the marts hold: each section stands alone, and what is not known is not shown as fine."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

import duckdb
import pytest
from playwright.sync_api import Browser

from serving.page import build, registry, trust
from serving.page.build import write_page
from serving.page.registry import SECTIONS
from settings import Settings
from tests.serving import odd_marts
from tests.serving.company_on_the_page import ROWS
from tests.serving.odd_marts import ODD, Rows
from tests.serving.published_marts import write_published
from tests.serving.test_page import browser, open_page

pytestmark = pytest.mark.slow

__all__ = ["browser"]

PUBLISHED_AT = datetime(2026, 11, 1, 2, 30, tzinfo=UTC).replace(tzinfo=None)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An empty data folder."""
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def _without_vega(monkeypatch: pytest.MonkeyPatch) -> None:
    """For pages that no browser opens: bundling Vega takes seconds."""
    monkeypatch.setattr(build, "_vega", lambda _settings: "")


def texts(settings: Settings, section: str) -> str:
    """What a section says, without its markup."""
    html = settings.page_path.read_text(encoding="utf-8")
    part = html.partition(f'<section id="{section}"')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", part).split())


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.__name__)
@pytest.mark.usefixtures("_without_vega")
def test_every_section_is_drawn_of_odd_marts(settings: Settings, odd: Callable[[], Rows]) -> None:
    write_published(settings, odd(), published_at=PUBLISHED_AT)
    page = write_page(settings)
    assert page.faults == {}
    html = settings.page_path.read_text(encoding="utf-8")
    assert [section.key for section in SECTIONS] == re.findall(r'<section id="([^"]+)"', html)
    assert "NaN" not in build._as_data(build.charts_of(settings))


@pytest.fixture(scope="module")
def vega() -> str:
    """The library, bundled once for all pages that a browser opens."""
    with TemporaryDirectory() as folder:
        return build._vega(Settings(data_dir=Path(folder)))


@pytest.mark.parametrize(
    "odd",
    [
        odd_marts.with_odd_names,
        odd_marts.with_huge_values,
        odd_marts.with_negative_values,
        odd_marts.with_nulls,
        odd_marts.of_one_month,
        odd_marts.without_a_base,
    ],
    ids=lambda odd: odd.__name__,
)
def test_a_browser_draws_every_chart_of_odd_marts(
    browser: Browser, settings: Settings, vega: str, monkeypatch: pytest.MonkeyPatch, odd: Callable[[], Rows]
) -> None:
    monkeypatch.setattr(build, "_vega", lambda _settings: vega)
    write_published(settings, odd(), published_at=PUBLISHED_AT)
    write_page(settings)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    open_page(page, settings)
    assert said == []
    assert page.title() == "Growth, 31 Oct 2026"
    assert page.locator("main img").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    page.close()


@pytest.fixture
def _broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A section and a figure of the headline that cannot be drawn."""

    def fail(*_: object) -> NoReturn:
        raise ZeroDivisionError("of Secret & Sons")

    parts = [
        registry.Section(
            section.key,
            section.title,
            section.short_title,
            section.lead,
            tuple(registry.Part(part.what, part.tables, fail) for part in section.parts)
            if section.key == "retention"
            else section.parts,
        )
        for section in SECTIONS
    ]
    monkeypatch.setattr(build, "SECTIONS", tuple(parts))
    monkeypatch.setattr("serving.page.headline.HEADLINE", (("ARR", {"dim_customers"}, fail),))


@pytest.mark.usefixtures("_broken", "_without_vega")
def test_failed_section_says_why_and_the_others_are_drawn(settings: Settings) -> None:
    write_published(settings, ROWS, published_at=PUBLISHED_AT)
    page = write_page(settings)
    assert page.faults == {
        "The retention cannot be drawn (ZeroDivisionError).": "ZeroDivisionError: of Secret & Sons",
        "The cohorts cannot be drawn (ZeroDivisionError).": "ZeroDivisionError: of Secret & Sons",
        "The figure ARR cannot be shown (ZeroDivisionError).": "ZeroDivisionError: of Secret & Sons",
    }
    assert "The retention cannot be drawn (ZeroDivisionError)." in texts(settings, "retention")
    assert "Queued 7" in texts(settings, "queue")
    assert "Secret" not in settings.page_path.read_text(encoding="utf-8")


@pytest.mark.usefixtures("_broken", "_without_vega")
def test_the_pages_asset_warns_of_a_section_that_cannot_be_drawn(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dagster import AssetCheckSeverity, materialize

    from orchestration.assets.published import daily_page

    monkeypatch.setattr("orchestration.assets.published.get_settings", lambda: settings)
    write_published(settings, ROWS, published_at=PUBLISHED_AT)
    result = materialize([daily_page])
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert (check.check_name, check.passed, check.severity) == (
        "every_section_is_drawn",
        False,
        AssetCheckSeverity.WARN,
    )
    assert "The retention cannot be drawn (ZeroDivisionError)." in check.metadata
    assert check.description == " ".join(check.metadata)


@pytest.mark.usefixtures("_without_vega")
def test_without_a_crm_nobody_is_said_to_have_the_right_owner(settings: Settings) -> None:
    write_published(
        settings,
        {**ROWS, "fct_account_routing": [{**ROWS["fct_account_routing"][0], "is_gap": None}]},
        published_at=PUBLISHED_AT,
        empty_source_tables="crm.accounts, crm.opportunities",
    )
    write_page(settings)
    assert "crm.accounts has no rows" in texts(settings, "unowned")
    assert "Acme CSM ARR with many primary products not known" in texts(settings, "unowned")
    assert "Without an owner not known" in texts(settings, "queue")
    assert "nobody" not in texts(settings, "queue")
    assert "crm.accounts, crm.opportunities" in texts(settings, "quality")


@pytest.mark.parametrize("icp", [None, 0])
@pytest.mark.usefixtures("_without_vega")
def test_without_enrichment_the_share_of_the_icp_is_not_known(settings: Settings, icp: int | None) -> None:
    nothing = {f"{segment}_signups": 0 for segment in trust.SEGMENTS}
    weeks = [
        {**row, **nothing, "unknown_signups": row["signups"], "icp_signups": icp} for row in ROWS["rpt_signups_weekly"]
    ]
    write_published(
        settings,
        {**ROWS, "rpt_signups_weekly": weeks},
        published_at=PUBLISHED_AT,
        empty_source_tables="enrichment.companies",
    )
    write_page(settings)
    html = settings.page_path.read_text(encoding="utf-8")
    headline = " ".join(re.sub(r"<[^>]*>", " ", html.partition('class="headline"')[2].partition("</dl>")[0]).split())
    assert "ICP share of sign-ups not known last 13 weeks; segment of 100 % unknown" in headline
    assert "ICP share of sign-ups not known" in texts(settings, "sign-ups")
    assert "no segment is known" in texts(settings, "quality")


@pytest.mark.usefixtures("_without_vega")
def test_retention_without_a_base_is_unknown(settings: Settings) -> None:
    write_published(settings, odd_marts.without_a_base(), published_at=PUBLISHED_AT)
    write_page(settings)
    chart = build.charts_of(settings)["retention-chart"]
    (shares,) = [rows for rows in chart["datasets"].values() if "share" in rows[0]]
    assert {row["month"][5:7]: row["share"] for row in shares if row["name"] == "Net"} == {
        "04": None, "05": 1.1, "06": 1.1, "07": None, "08": None, "09": 1.1, "10": None,
    }  # fmt: skip
    html = settings.page_path.read_text(encoding="utf-8")
    assert "Not known in the last closed month: the base 12 months before has no customers." in html
    assert 'Net retention</dt>\n  <dd class="value ">not known</dd>' in html


@pytest.mark.usefixtures("_without_vega")
def test_month_that_is_not_closed_is_shown_as_open(settings: Settings) -> None:
    fallen = {"as_of": date(2026, 10, 31), "arr_usd": 0, "customers": 0}
    progress = [row | fallen if row["as_of"] == date(2026, 10, 31) else row for row in ROWS["rpt_arr_mix_progress"]]
    movements = [row for row in ROWS["fct_mrr_movements"] if row["month"] < date(2026, 10, 1)]
    write_published(
        settings,
        {**ROWS, "rpt_arr_mix_progress": progress, "fct_mrr_movements": movements},
        published_at=PUBLISHED_AT,
        last_closed_month=date(2026, 9, 1),
    )
    write_page(settings)
    said = texts(settings, "arr")
    assert "Last closed month September 2026" in said
    assert (
        "Open month October 2026 has ended and is not closed: bills may still come; not in any revenue figure yet"
        in said
    )
    (bands,) = build.charts_of(settings)["arr-by-band"]["datasets"].values()
    assert max(row["as_of"] for row in bands) == "2026-09-30"
    assert "Gainers, September 2026" in texts(settings, "moves")
    assert "Nobody." not in texts(settings, "moves")


@pytest.mark.parametrize(
    ("published_at", "badge", "warning"),
    [
        ("2026-11-01 02:30", "data up to date", None),
        ("2026-11-02 02:00", "data up to date", None),
        ("2026-11-02 02:01", "data 1 day behind", "Late: the data ended on 31 Oct 2026, 1 day before"),
        ("2026-11-02 12:01", "data 1 day behind", "Stale: the data ended on 31 Oct 2026, 1 day before"),
        ("2026-11-29 03:00", "data 28 days behind", "Stale: the data ended on 31 Oct 2026, 28 days before"),
    ],
)
@pytest.mark.usefixtures("_without_vega")
def test_a_page_that_was_made_just_now_of_old_data_is_not_fresh(
    settings: Settings, published_at: str, badge: str, warning: str | None
) -> None:
    write_published(settings, ROWS, published_at=datetime.fromisoformat(published_at))
    write_page(settings)
    html = settings.page_path.read_text(encoding="utf-8")
    assert f">{badge}</b>" in html
    assert ('id="old-data"' in html) == (warning is not None)
    assert (warning or "") in html


@pytest.mark.usefixtures("_without_vega")
def test_closed_month_without_its_invoices_is_said_above_all_figures(settings: Settings) -> None:
    month = {"finding": "closed_month_not_invoiced", "subject": "2026-09-01", "figure": 0.0731}
    for found, banners in (([], 0), ([month, {**month, "finding": "another"}], 1)):
        write_published(settings, {**ROWS, "rpt_data_quality": found}, published_at=PUBLISHED_AT)
        write_page(settings)
        html = settings.page_path.read_text(encoding="utf-8")
        sentence = "7.3 % of the MRR expected of September 2026 has no invoice yet: its figures are too low."
        assert html.count(f'<div id="not-invoiced" role="alert">{sentence}</div>') == banners
        assert html.count('id="not-invoiced"') == banners
        settings.serving_path.unlink()


@pytest.mark.usefixtures("_without_vega")
def test_sign_ups_of_a_spring_are_not_said_to_be_of_the_last_weeks(settings: Settings) -> None:
    spring = [{**ROWS["rpt_signups_weekly"][0], "week": date(2026, 3, 2)}]
    write_published(settings, {**ROWS, "rpt_signups_weekly": spring}, published_at=PUBLISHED_AT)
    write_page(settings)
    assert "Nobody signed up in the last 13 closed weeks." in texts(settings, "sign-ups")


@pytest.mark.usefixtures("_without_vega")
def test_findings_are_grouped_by_table_and_name_the_largest(settings: Settings) -> None:
    kinds = [("late_line", figure, f"in_{figure}") for figure in range(1, 8)] + [("odd_thing", None, "<b>x</b>")]
    rows = [
        {
            "finding": finding,
            "subject": subject,
            "figure": figure,
            "unit": "cents",
            "source_table": "stripe.invoices",
            "what_to_do": f"Mend the {finding}.",
        }
        for finding, figure, subject in kinds
    ]
    write_published(settings, {**ROWS, "rpt_data_quality": rows}, published_at=PUBLISHED_AT)
    write_page(settings)
    said = texts(settings, "quality")
    assert (
        "Late line 7 in_7: 7 cents; in_6: 6 cents; in_5: 5 cents; in_4: 4 cents; in_3: 3 cents; and 2 more "
        "stripe.invoices Mend the late_line." in said
    )
    assert "Odd thing 1 &lt;b&gt;x&lt;/b&gt;: \u2013 cents stripe.invoices Mend the odd_thing." in said


@pytest.mark.usefixtures("_without_vega")
def test_rows_set_aside_are_counted_by_table_with_what_to_do(settings: Settings) -> None:
    write_published(settings, ROWS, published_at=PUBLISHED_AT)
    write_page(settings)
    said = texts(settings, "quality")
    assert "usage.usage_reports 5 List them with" in said
    assert "crm.accounts 2 List them with" in said


@pytest.mark.usefixtures("_without_vega")
def test_a_source_that_never_came_is_not_as_new_as_the_data_day(settings: Settings) -> None:
    write_published(settings, ROWS, published_at=PUBLISHED_AT)
    with duckdb.connect(str(settings.serving_path)) as connection:
        connection.execute("update marts.publish_info set crm_newest_at = null")
    write_page(settings)
    assert "CRM \u2013 \u2013 Usage 1 Nov 2026 0" in texts(settings, "quality")
