"""The page of a company of a hundred thousand organizations opens, answers, and says whom it leaves out."""

import shutil
import time
from pathlib import Path

import duckdb
import pytest
from playwright.sync_api import Browser, expect

from serving.page.build import write_page
from serving.page.customer_pages import MOST_PAGES
from settings import Settings
from tests.serving.test_page import browser

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

__all__ = ["browser"]

COPIES = 33
MOST_BYTES = 30_000_000
# Two seconds on a quiet machine.
MOST_SECONDS_TO_OPEN = 20
IDS = ("customer_id", "organization_id", "account_organization_id")


def multiply(path: Path) -> None:
    """Put every organization into the published file 33 times, with everything that is known of it."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("use marts")
        tables = connection.execute(
            "select table_name, list(column_name) from duckdb_columns() where schema_name = 'marts' and table_name in "
            "(select table_name from duckdb_tables()) group by table_name order by table_name"
        ).fetchall()
        for table, columns in tables:
            ids = [column for column in columns if column in IDS]
            if ids:
                names = [column for column in columns if column in ("name", "customer_name")]
                changed = ", ".join(f"{column} || '-' || copy as {column}" for column in ids + names)
                recent = (
                    "where date > (select as_of_date from publish_info) - 120" if table == "fct_usage_daily" else ""
                )
                connection.execute(
                    f"insert into {table} select originals.* replace ({changed}) from {table} as originals "
                    f"cross join range(1, {COPIES}) as copies(copy) {recent}"
                )


def test_the_page_of_a_hundred_thousand_organizations_is_usable(
    sample: Settings, browser: Browser, tmp_path: Path
) -> None:
    large = Settings(data_dir=tmp_path / "data")
    large.serving_path.parent.mkdir(parents=True)
    shutil.copyfile(sample.serving_path, large.serving_path)
    large.serving_path.chmod(0o600)
    multiply(large.serving_path)
    written = write_page(large)
    assert written.faults == {}
    assert written.bytes_written < MOST_BYTES
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    requests: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    started = time.monotonic()
    page.goto(large.page_path.as_uri())
    expect(page.locator("#queue-list tbody tr").first).to_be_visible()
    assert time.monotonic() - started < MOST_SECONDS_TO_OPEN
    footer = page.locator("footer").inner_text()
    assert f"{MOST_PAGES:,} of the " in footer
    assert "are left out" in footer
    name = page.locator("#queue-list td.customer a").first.inner_text()
    page.locator("#queue-list td.customer a").first.click()
    expect(page.get_by_role("heading", level=2, name=name)).to_be_visible()
    page.go_back()
    search = page.locator("#queue").get_by_role("searchbox", name="Search")
    search.fill(name)
    expect(page.locator("#queue-list tbody tr").first).to_contain_text(name)
    assert [url for url in requests if url.startswith("http")] == []
    assert said == []
    page.close()
