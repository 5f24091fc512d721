"""The exported lists: source mart, columns, and which changes are sent."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Change:
    """An item that was `added` to a list, `changed`, or `removed` from it (without values).

    `idempotency_key` is stable over retries of one change and differs between changes.
    """

    list_name: str
    item: str
    kind: str
    key: dict[str, Any]
    values: dict[str, Any]
    as_of_date: str
    fingerprint: str | None
    idempotency_key: str


@dataclass(frozen=True)
class WorkList:
    """Rows of one mart, identified by `key` and sent again when a column in `news` changes.

    Columns in `figures` change daily: they are sent along but trigger nothing.
    """

    name: str
    table: str
    where: str
    key: tuple[str, ...]
    news: tuple[str, ...]
    figures: tuple[str, ...]
    order: str

    @property
    def columns(self) -> tuple[str, ...]:
        return (*self.key, *self.news, *self.figures)

    @property
    def sql(self) -> str:
        """Today's rows with `is_do_not_contact`; customers with unknown contact permission are left out."""
        columns = ", ".join(
            "customers.name as customer_name" if name == "customer_name" else f"listed.{name}" for name in self.columns
        )
        return f"""
            select {columns}, customers.is_do_not_contact
            from {self.table} as listed
            inner join dim_customers as customers on listed.customer_id = customers.customer_id
            where {self.where}
            order by {self.order}
        """  # noqa: S608


SIGNAL = ("what_fired", "next_action", "owner_email")
# `since` of a rule that counts over a sliding window slides with it, and a rule that stops leaves the list: no news.
SIGNAL_FIGURES = ("since", "figure", "threshold", "unit", "icp_segment", "arr_usd_year")

WORK_LISTS = (
    WorkList(
        name="onboarding_queue",
        table="fct_onboarding_queue",
        where="is_open",
        key=("customer_id",),
        news=("customer_name", "queue_reason", "entered_on", "period_end", "contact_by", "bills_paid", "owner_email"),
        figures=("latest_forecast_usd",),
        order="contact_by, listed.customer_id",
    ),
    WorkList(
        name="product_led_leads",
        table="rpt_product_led_leads",
        where="true",
        key=("customer_id", "signal"),
        news=("customer_name", "suggested_owner_role", *SIGNAL),
        figures=("lead_points", *SIGNAL_FIGURES),
        order="list_rank",
    ),
    WorkList(
        name="account_risk",
        table="rpt_account_risk",
        where="true",
        key=("customer_id", "signal"),
        news=("customer_name", "kind", *SIGNAL),
        figures=SIGNAL_FIGURES,
        order="list_rank",
    ),
    WorkList(
        name="routing_gaps",
        table="fct_account_routing",
        # Without CRM accounts `is_gap` is null, and the customer still needs a person.
        where="coalesce(is_gap, true) and list_rank is not null",
        key=("customer_id",),
        news=(
            "customer_name", "suggested_owner_role", "reason", "since", "current_owner_email", "current_owner_role",
            "is_double_touch",
        ),
        figures=(),
        order="list_rank",
    ),
)  # fmt: skip
