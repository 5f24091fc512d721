"""A table that is saved from the page gives a spreadsheet no formula."""

from playwright.sync_api import Browser

from serving.exports.csv_files import without_formulas
from settings import PROJECT_DIR
from tests.serving.test_page import browser

__all__ = ["browser"]

SCRIPT = PROJECT_DIR / "serving" / "page" / "static" / "scripts" / "tables.js"
TEXTS = [
    "Acme;=HYPERLINK(A1)", "Acme; @SUM(1)", 'Acme;"=1+1"', "Acme\t-1+1", "Acme\r\n+1+1", "Acme;\n=1+1", "=1+1", "\t1",
    "\n=1", " '=1+1", "\xa0-1+1", "+1", "-", "-12.50", "12", "", "Acme; Beta - Gamma + 1", "＝1+1", "Acme;＠SUM(1)",  # noqa: RUF001
]  # fmt: skip


def escaped(browser: Browser, texts: list[str]) -> list[str]:
    """The texts as the page saves them."""
    page = browser.new_page()
    try:
        found = page.evaluate(f"texts => {{ {SCRIPT.read_text(encoding='utf-8')}\nreturn texts.map(safe); }}", texts)
    finally:
        page.close()
    return list(found)


def test_saved_table_hides_no_formula_and_is_escaped_like_an_export(browser: Browser) -> None:
    assert escaped(browser, TEXTS) == [without_formulas(text) for text in TEXTS]


def test_a_small_negative_figure_stays_a_number(browser: Browser) -> None:
    assert escaped(browser, ["-1.5e-7"]) == ["-1.5e-7"]
