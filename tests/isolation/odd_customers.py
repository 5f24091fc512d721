"""Customers that keep the input contract and are odd all the same: each is counted as it was sent, and listed.

Each is a company of its own, `odd-<name>`, with an owner, a Stripe customer and a bill of 25 dollars for September, and
one thing wrong. `finding` and `subject` are how `rpt_data_quality` lists it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Rows = dict[str, list[dict[str, Any]]]
SIGNED_UP = "2026-08-20T09:00:00Z"


@dataclass
class Company:
    """The rows of one customer by table."""

    name: str
    number: int
    rows: Rows = field(default_factory=dict)

    @property
    def organization_id(self) -> str:
        """Its identifier, which is that of its customer too."""
        return f"odd-{self.name}"

    @property
    def stripe_customer_id(self) -> str:
        """Its customer in Stripe."""
        return f"cus_odd_{self.name}"

    @property
    def invoice(self) -> dict[str, Any]:
        """Its only bill."""
        return self.rows["stripe/invoices"][0]

    @property
    def line(self) -> dict[str, Any]:
        """The only line of its bill."""
        return self.invoice["lines"]["data"][0]

    @property
    def billing(self) -> dict[str, Any]:
        """What billing knows of it."""
        return self.rows["billing/billing_customers"][0]

    def add(self, table: str, **row: Any) -> None:
        """One more row."""
        self.rows.setdefault(table, []).append(row)


@dataclass(frozen=True)
class OddCustomer:
    """A kind of oddness: what it changes, and how it is listed."""

    finding: str
    subject: str
    change: Callable[[Company], None]


def _unix(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def company(name: str, number: int) -> Company:
    """A customer with nothing odd about it."""
    made = Company(name, number)
    organization, payer = made.organization_id, made.stripe_customer_id
    made.add(
        "product_db/organizations",
        id=organization,
        name=name,
        created_at=SIGNED_UP,
        updated_at=SIGNED_UP,
        customer_id=payer,
        region="US",
        for_internal_metrics=False,
    )
    made.add(
        "product_db/users",
        id=900_000 + number,
        email=f"owner@{name}-odd.example",
        role_at_organization="engineering",
        date_joined=SIGNED_UP,
        updated_at=SIGNED_UP,
        is_active=True,
        is_staff=False,
    )
    made.add(
        "product_db/organization_memberships",
        organization_id=organization,
        user_id=900_000 + number,
        level=15,
        joined_at=SIGNED_UP,
        updated_at=SIGNED_UP,
    )
    made.add(
        "billing/billing_customers",
        organization_id=organization,
        stripe_customer_id=payer,
        has_active_subscription=True,
        subscribed_products=["product_analytics"],
        current_period_start="2026-10-10T00:00:00Z",
        current_period_end="2026-11-10T00:00:00Z",
        custom_limits_usd={},
        discount_percent=0,
        credit_balance_usd=0,
        updated_at=SIGNED_UP,
    )
    common = {"livemode": True, "created": _unix("2026-08-20")}
    made.add("stripe/customers", id=payer, object="customer", metadata={"organization_id": organization}, **common)
    made.add("stripe/subscriptions", id=f"sub_{name}", object="subscription", customer=payer, status="active", **common)
    made.add("stripe/invoices", **_invoice(made))
    return made


def _invoice(made: Company) -> dict[str, Any]:
    line = {
        "id": f"il_odd_{made.name}",
        "object": "line_item",
        "amount": 2500,
        "currency": "usd",
        "type": "subscription",
        "subscription": f"sub_{made.name}",
        "proration": False,
        "price": {"id": "price_1", "product": "prod_events", "type": "recurring"},
        "period": {"start": _unix("2026-09-01"), "end": _unix("2026-10-01")},
    }
    return {
        "id": f"in_odd_{made.name}",
        "object": "invoice",
        "livemode": True,
        "customer": made.stripe_customer_id,
        "subscription": f"sub_{made.name}",
        "status": "paid",
        "currency": "usd",
        "created": _unix("2026-10-01"),
        "period_start": _unix("2026-09-01"),
        "period_end": _unix("2026-10-01"),
        "subtotal": 2500,
        "total": 2500,
        "amount_paid": 2500,
        "starting_balance": 0,
        "ending_balance": 0,
        "status_transitions": {"paid_at": _unix("2026-10-01")},
        "lines": {"object": "list", "data": [line], "has_more": False},
    }


def _enriched(made: Company, **facts: Any) -> None:
    row = {
        "domain": f"{made.name}-odd.example",
        "status": "scored",
        "employees": 40,
        "investors": [],
        "founder_previous_companies": [],
        "enriched_at": SIGNED_UP,
    }
    made.add("enrichment/companies", **(row | facts))


def _line(**changes: Any) -> Callable[[Company], None]:
    return lambda made: made.line.update(changes)


def _sent(**changes: Any) -> Callable[[Company], None]:
    return lambda made: made.invoice.update(changes)


def _billed(**changes: Any) -> Callable[[Company], None]:
    return lambda made: made.billing.update(changes)


def _merged(canonical: str) -> Callable[[Company], None]:
    def change(made: Company) -> None:
        organization = made.organization_id
        made.add(
            "crm/account_merges",
            organization_id=organization,
            canonical_organization_id=canonical.format(organization=organization),
        )

    return change


def _credited(made: Company, line_id: str, amount: int) -> None:
    made.add(
        "stripe/credit_notes",
        id=f"cn_{made.name}",
        object="credit_note",
        livemode=True,
        created=_unix("2026-10-02"),
        invoice=made.invoice["id"],
        customer=made.stripe_customer_id,
        status="issued",
        currency="usd",
        lines={"data": [{"id": "cnli_1", "invoice_line_item": line_id, "amount": amount}], "has_more": False},
    )


def _credited_above(made: Company) -> None:
    _credited(made, made.line["id"], 2501)


def _credits_a_line_of_another(made: Company) -> None:
    _credited(made, "il_in_2", 100)


def _names_another(made: Company) -> None:
    made.rows["stripe/customers"][0]["metadata"]["organization_id"] = "org-acme"


def _used(made: Company, events: int) -> None:
    made.add(
        "usage/usage_reports",
        date="2026-10-20",
        organization_id=made.organization_id,
        received_at="2026-10-21T01:00:00Z",
        event_count_in_period=events,
    )


def _limited_below_zero(made: Company) -> None:
    _used(made, 1)
    made.billing["custom_limits_usd"] = {"product_analytics": -999_999_999_999_999}


def _has_credit_for_ages(made: Company) -> None:
    _used(made, 1_000_500)
    made.billing.update(
        startup_program="yc",
        startup_plan_start_at=SIGNED_UP,
        credit_expires_at="2099-12-31T00:00:00Z",
        credit_balance_usd=999_999_999_999_999,
    )


def _has_a_year_with_one_report(made: Company) -> None:
    _used(made, 10**15)
    made.billing.update(current_period_start="2026-10-20T00:00:00Z", current_period_end="2027-11-24T00:00:00Z")


def _ends_before_it_starts(made: Company) -> None:
    made.rows["stripe/subscriptions"][0]["ended_at"] = _unix("2026-08-19")


def _in_two_currencies(made: Company) -> None:
    second = _invoice(made)
    second |= {"id": f"{second['id']}_eur", "currency": "eur"}
    second["lines"]["data"][0]["currency"] = "eur"
    made.add("stripe/invoices", **second)


def _deleted(made: Company) -> None:
    made.rows["stripe/customers"][0] = {"id": made.stripe_customer_id, "object": "customer", "deleted": True}


def _not_held(made: Company) -> None:
    made.rows["stripe/customers"].clear()
    made.rows["stripe/invoices"].clear()
    made.rows["stripe/subscriptions"].clear()


def _used_before_sign_up(made: Company) -> None:
    made.add(
        "usage/usage_reports",
        date="2026-08-10",
        organization_id=made.organization_id,
        received_at="2026-08-11T01:00:00Z",
        event_count_in_period=1,
    )


def _unknown_counter(made: Company) -> None:
    made.add(
        "usage/usage_reports",
        date="2026-10-20",
        organization_id=made.organization_id,
        received_at="2026-10-21T01:00:00Z",
        tea_count_in_period=7,
    )


def _without_owner(made: Company) -> None:
    made.rows["product_db/organization_memberships"].clear()


def _address_without_domain(made: Company) -> None:
    made.rows["product_db/users"][0]["email"] = "nobody"


def _unmapped(made: Company) -> None:
    made.add("stripe/products", id=f"prod_{made.name}", object="product", metadata={"product_key": "tea"})
    made.line["price"]["product"] = f"prod_{made.name}"


ODD = {
    "cent_off": OddCustomer("invoice_lines_differ_from_subtotal", "in_odd_{name}", _sent(subtotal=2501)),
    "backwards_line": OddCustomer(
        "line_ends_before_it_starts",
        "in_odd_{name}",
        _line(period={"start": _unix("2026-09-02"), "end": _unix("2026-09-01")}),
    ),
    "credited_above": OddCustomer("credit_notes_above_invoice", "in_odd_{name}", _credited_above),
    "backwards_subscription": OddCustomer("subscription_ends_before_it_starts", "sub_{name}", _ends_before_it_starts),
    "two_currencies": OddCustomer("customer_in_several_currencies", "odd-{name}", _in_two_currencies),
    "deleted_payer": OddCustomer("invoices_of_deleted_stripe_customer", "cus_odd_{name}", _deleted),
    "unmapped": OddCustomer("invoiced_product_unmapped", "prod_{name}", _unmapped),
    "no_rate": OddCustomer("month_without_exchange_rate", "xdr", _sent(currency="xdr")),
    "not_rated": OddCustomer("invoice_differs_from_rated_usage", "in_odd_{name}", lambda made: None),
    "payer_not_held": OddCustomer("stripe_customer_not_held", "cus_odd_{name}", _not_held),
    "merged_to_itself": OddCustomer("merge_to_itself", "odd-{name}", _merged("{organization}")),
    "merged_with_nobody": OddCustomer("merge_with_unknown_organization", "odd-{name}", _merged("odd-nobody")),
    "headcount_zero": OddCustomer("headcount_is_zero", "{name}-odd.example", lambda made: _enriched(made, employees=0)),
    "headcount_fell": OddCustomer(
        "headcount_is_doubtful", "{name}-odd.example", lambda made: _enriched(made, employees=4, employees_180d_ago=400)
    ),
    "revenue_in_thousands": OddCustomer(
        "revenue_is_doubtful", "{name}-odd.example", lambda made: _enriched(made, estimated_annual_revenue_usd=900)
    ),
    "negative_funding": OddCustomer(
        "amount_is_below_zero", "{name}-odd.example", lambda made: _enriched(made, total_funding_usd=-1)
    ),
    "public_without_date": OddCustomer(
        "public_company_without_ipo_date", "{name}-odd.example", lambda made: _enriched(made, company_type="public")
    ),
    "private_with_date": OddCustomer(
        "company_with_ipo_date_is_not_public",
        "{name}-odd.example",
        lambda made: _enriched(made, company_type="private", ipo_date="2020-01-02"),
    ),
    "country_in_words": OddCustomer(
        "country_is_no_code", "{name}-odd.example", lambda made: _enriched(made, country="Wonderland")
    ),
    "used_before": OddCustomer("usage_before_sign_up", "odd-{name}", _used_before_sign_up),
    "unknown_counter": OddCustomer("usage_counter_without_product", "tea_count_in_period", _unknown_counter),
    "ownerless": OddCustomer("organization_without_owner", "odd-{name}", _without_owner),
    "domainless": OddCustomer("organization_without_domain", "odd-{name}", _address_without_domain),
    "negative_limit": OddCustomer("negative_spend_limit", "odd-{name}", _limited_below_zero),
    "credits_another": OddCustomer("invoice_differs_from_rated_usage", "in_odd_{name}", _credits_a_line_of_another),
    "line_of_another": OddCustomer("invoice_differs_from_rated_usage", "in_odd_{name}", _line(id="il_in_2")),
    "names_another": OddCustomer("invoice_differs_from_rated_usage", "in_odd_{name}", _names_another),
    "credit_for_ages": OddCustomer("invoice_differs_from_rated_usage", "in_odd_{name}", _has_credit_for_ages),
    "year_of_one_report": OddCustomer("invoice_differs_from_rated_usage", "in_odd_{name}", _has_a_year_with_one_report),
    "endless_period": OddCustomer(
        "billing_period_too_long", "odd-{name}", _billed(current_period_end="2099-01-01T00:00:00Z")
    ),
}


def odd_companies() -> list[Company]:
    """One customer of each kind."""
    made = []
    for number, (name, odd) in enumerate(ODD.items()):
        each = company(name, number)
        odd.change(each)
        made.append(each)
    return made
