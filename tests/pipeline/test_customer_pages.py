"""The pages of ten customers of the sample company show what the marts hold, and the page opens at once."""

import pytest
from playwright.sync_api import Browser

from serving.page.build import write_page
from serving.reader import query
from settings import Settings
from tests.serving.counted_customers import assert_pages_show_the_marts
from tests.serving.test_page import browser

pytestmark = pytest.mark.slow

__all__ = ["browser"]

MOST_BYTES = 10_000_000
# Two of each kind, and those with the most to show.
CUSTOMERS = """
(select customer_id from dim_customers order by arr_usd_year desc, customer_id limit 3)
union (select customer_id from fct_onboarding_queue where is_open order by entered_on, customer_id limit 2)
union (select customer_id from rpt_product_led_leads order by list_rank, signal, customer_id limit 2)
union (select customer_id from rpt_account_risk order by list_rank, signal, customer_id limit 2)
union (select customer_id from rpt_startup_rolloffs order by customer_id limit 1)
union (select customer_id from rpt_credit_runway order by customer_id limit 1)
union (select customer_id from dim_customers where organizations > 1 and mrr_usd_month > 0 order by customer_id limit 2)
union (select customer_id from dim_organizations order by created_at desc, customer_id limit 2)
"""


def test_pages_of_the_sample_company_are_those_of_its_marts(sample: Settings, browser: Browser) -> None:
    assert write_page(sample).bytes_written < MOST_BYTES
    with query(CUSTOMERS, path=sample.serving_path) as result:
        customers = [customer_id for (customer_id,) in result.fetchall()]
    assert len(customers) >= 10
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    requests: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(sample.page_path.as_uri())
    assert assert_pages_show_the_marts(page, sample, customers) > 1500
    assert [url for url in requests if url.startswith("http")] == []
    assert said == []
    page.close()
