"""What the page of a customer has to say beside its tables: figures, sentences and the chart, counted a second time."""

import re
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import duckdb
from playwright.sync_api import Locator, Page

Row = tuple[str | None, ...]
Records = list[dict[str, Any]]

DAY = "(select as_of_date from publish_info)"
MEMBERS = "organization_id in (select organization_id from dim_organizations where customer_id = $1)"
FACT = "replace(regexp_replace(regexp_replace(field, '^(has|is)_', ''), '_month$', '_a_month'), '_usd', '_in_usd')"
MISSING = ("\N{EN DASH}", "")


def written(value: Any) -> str | None:
    """A value of the marts, or a text of the page, in one spelling; None for what is not there.

    The spelling has no capitals, thousands, dollars or zeros at the end, and its words are apart.
    """
    if value is None or value in MISSING:
        return None
    text = f"{value.day} {value:%b %Y}" if isinstance(value, date) else str(value)
    text = text.replace("\N{MINUS SIGN}", "-").replace("$", "").replace(",", "").replace("_", " ").casefold()
    return re.sub(r"-?\d+\.\d+", lambda found: f"{Decimal(found[0]).normalize():f}", text)


def read(connection: duckdb.DuckDBPyConnection, sql: str, customer_id: str) -> list[Row]:
    return [tuple(map(written, row)) for row in connection.execute(sql, [customer_id]).fetchall()]


def records(connection: duckdb.DuckDBPyConnection, sql: str, customer_id: str) -> Records:
    return connection.execute(sql, [customer_id]).to_arrow_table().to_pylist()


def figures_in(place: Locator) -> list[Row]:
    """Name, value and what stands beside it, of each figure."""
    found = place.locator(".figure").evaluate_all(
        "all => all.map(each => ['dt', '.value', '.beside'].map(part => each.querySelector(part)?.textContent ?? ''))"
    )
    return [tuple(map(written, figure)) for figure in found]


def block(page: Page, heading: str) -> Locator:
    return page.locator("#customer .block", has=page.get_by_role("heading", name=heading, exact=True)).first


def said(place: Locator) -> str:
    return written(" ".join(place.locator(":scope > .note").all_text_contents())) or ""


def dollars(amount: Any, digits: int = 2) -> str:
    return f"${Decimal(amount).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,}"


def day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def assert_headline(page: Page, about: dict[str, Any], bills: Records) -> None:
    values = [value for _, value, _ in figures_in(page.locator("#customer .headline"))]
    owner = (about["owner_email"] or "nobody").partition("@")[0]
    if page.locator("body").get_attribute("data-has-crm") == "false":
        owner = "not known"
    bill = dollars(sum(row["forecast_bill_usd"] for row in bills), 0) if bills else "none"
    health = "not known" if about["health"] == "unknown" else about["health"]
    amounts = [dollars(about[column], 0) for column in ("mrr_usd_month", "arr_usd_year")]
    assert values == [*map(written, [*amounts, bill, owner, health])]
    facts = (
        f"{about['lifecycle']} · segment {about['icp_segment']} · tier {about['size_tier']} · "
        f"band {about['arr_mix_band']} · coverage {about['coverage']} · {about['customer_id']}"
    )
    assert written(page.locator("#customer .lead").text_content()) == written(facts)


def assert_bills(page: Page, bills: Records) -> None:
    expected = [
        (name, written(value), written(beside))
        for row in bills
        for name, value, beside in (
            (
                "forecast bill",
                dollars(row["forecast_bill_usd"]),
                f"80 % between {dollars(row['forecast_low_usd'])} and {dollars(row['forecast_high_usd'])}",
            ),
            ("so far", dollars(row["amount_to_date_usd"]), f"{day(row['period_start'])} to {day(row['period_end'])}"),
            ("left to pay", dollars(row["forecast_payable_usd"]), "after the credit that is left"),
            (
                "by the vendor's own rule",
                dollars(row["published_rule_usd"]),
                f"{row['missing_days']} days of usage are missing" if row["missing_days"] else None,
            ),
        )
    ]
    assert sorted(figures_in(block(page, "Open bill")), key=str) == sorted(expected, key=str)


def why_in_the_queue(connection: duckdb.DuckDBPyConnection, customer_id: str, bills: Records) -> str:
    """What has to be said of the queue: the days of who is in it, the amount of who is not."""
    open_stays = "select entered_on, contact_by from fct_onboarding_queue where customer_id = $1 and is_open"
    for stay in records(connection, open_stays, customer_id):
        [(today,)] = connection.execute(f"select {DAY}").fetchall()
        late = (today - stay["contact_by"]).days
        words = f", {late} {'day' if late == 1 else 'days'} late." if late > 0 else "."
        return f"It is in the queue since {day(stay['entered_on'])}; write by {day(stay['contact_by'])}{words}"
    excluded = f"""
        select customer_forecast_bill_usd from fct_queue_exclusions where customer_id = $1 and as_of_date = {DAY}
        order by forecast_bill_usd desc, reason
    """
    for row in records(connection, excluded, customer_id):
        return f". Its bills are forecast at {dollars(row['customer_forecast_bill_usd'])}."
    if not bills:
        return "It is not in the queue, because it has no open bill"
    total = dollars(sum(row["forecast_bill_usd"] for row in bills))
    return f"It is not in the queue, because its open bill is forecast at {total}, below the onboarding line"


def assert_reasons(page: Page, connection: duckdb.DuckDBPyConnection, customer_id: str) -> int:
    """Who should hold it, and what would change its segment."""
    routed = said(block(page, "Lists that it is on"))
    roles = records(
        connection,
        "select suggested_owner_role, since, is_gap from fct_account_routing where customer_id = $1",
        customer_id,
    )
    for row in roles:
        assert (written(row["suggested_owner_role"]) or "needs a role") in routed
        assert f"since {written(row['since'])}." in routed
    assert routed.count("nobody in that role holds it") == sum(row["is_gap"] is True for row in roles)
    assert routed.count("who holds it is not known") == sum(row["is_gap"] is None for row in roles)
    changes = [
        written(text)
        for text in block(page, "Segment").locator("li").evaluate_all("all => all.map(each => each.textContent)")
    ]
    expected = read(
        connection,
        f"""
        select would_decide || ' needs: ' || {FACT} || ' ' || threshold || '. It is '
                || case result when 'unknown' then 'not known' else observed end || ' today.'
        from fct_segment_criteria
        where organization_id = $1 and would_decide is not null
            and segment in ('high_growth', 'high_potential', 'hobbyist')
        """,
        customer_id,
    )
    assert sorted(changes, key=str) == sorted((text for (text,) in expected), key=str)
    return len(roles) + len(changes)


def assert_chart(page: Page, connection: duckdb.DuckDBPyConnection, customer_id: str) -> int:
    """The bars of the chart add up to the MRR of each month."""
    expected = """
        select strftime(month, '%b %Y'), sum(mrr_usd_month) from fct_mrr_products
        where customer_id = $1 and mrr_usd_month <> 0
            and month > (select last_closed_month from publish_info) - interval 24 month
        group by month
    """
    months = dict(connection.execute(expected, [customer_id]).fetchall())
    place = page.locator("#customer [data-customer-chart]")
    assert place.count() == bool(months)
    if not months:
        return 0
    place.locator("svg").wait_for()
    drawn: dict[str, Decimal] = {}
    for label in place.locator("svg [aria-roledescription=bar]").evaluate_all(
        "all => all.map(each => each.getAttribute('aria-label'))"
    ):
        parts = dict(part.split(": ") for part in label.split("; "))
        amount = Decimal(parts["MRR"].replace("$", "").replace(",", "").replace("\N{MINUS SIGN}", "-"))
        drawn[parts["Month"]] = drawn.get(parts["Month"], Decimal(0)) + amount
    assert drawn == months
    return len(months)


def assert_sentences_are_those_of(page: Page, connection: duckdb.DuckDBPyConnection, customer_id: str) -> int:
    """How many figures, sentences and months were compared."""
    [about] = records(
        connection,
        """
        select customers.*, canonical.icp_segment
        from dim_customers as customers
        left join dim_organizations as canonical on customers.customer_id = canonical.organization_id
        where customers.customer_id = $1
        """,
        customer_id,
    )
    bills = records(connection, f"select * from fct_bill_forecasts where {MEMBERS} and as_of_date = {DAY}", customer_id)
    assert_headline(page, about, bills)
    assert_bills(page, bills)
    why = why_in_the_queue(connection, customer_id, bills)
    assert (written(why) or "") in said(block(page, "Onboarding queue"))
    segment = said(block(page, "Segment"))
    assert segment.startswith(written(about["icp_segment"]) or "")
    owner = said(block(page, "Owner"))
    if about["owner_email"] and "not known" not in owner:
        assert f"{written(about['owner_email'])} owns it." in owner
    compared = assert_reasons(page, connection, customer_id) + assert_chart(page, connection, customer_id)
    return compared + 8 + 4 * len(bills)
