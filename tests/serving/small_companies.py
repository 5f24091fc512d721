"""The hand-made company of the page, smaller and with less that is known."""

from datetime import date
from typing import Any

from tests.serving.company_on_the_page import ROWS

Rows = dict[str, list[dict[str, Any]]]

FIVE = ("c1", "c2", "q0", "q1", "n1")
FIRST_MONTH = date(2026, 9, 1)
WITHOUT_CRM_AND_ENRICHMENT = (
    "crm.accounts, crm.activities, crm.contacts, crm.feature_requests, crm.opportunities, enrichment.companies, "
    "spend.sales_and_marketing, costs.unit_costs"
)
OF_PEOPLE = ("owner_email", "current_owner_email", "owner_role", "current_owner_role")


def of_five() -> Rows:
    """Five customers, of which two pay, since two months; nothing can be projected from that."""
    rows = {
        table: [row for row in rows if row.get("customer_id", "c1") in FIVE and _since(row) >= FIRST_MONTH]
        for table, rows in ROWS.items()
    }
    unknown = dict.fromkeys(("customers_p10", "customers_p50", "customers_p90", "probability_in_time"))
    rows["rpt_arr_mix_projection"] = [row | unknown for row in rows["rpt_arr_mix_projection"]]
    rows["rpt_team_outlook"] = [row | {"people_first_month": None} for row in rows["rpt_team_outlook"]]
    nobody = {"customers_in_base": 0, "ndr": None, "gdr": None, "logo_retention": None}
    rows["rpt_retention"] = [row | nobody for row in rows["rpt_retention"]]
    return rows


def without_crm_and_enrichment() -> Rows:
    """What the marts hold where nobody's owner and nobody's company is known."""
    rows = {
        table: [{name: None if name in OF_PEOPLE else value for name, value in row.items()} for row in rows]
        for table, rows in ROWS.items()
        if table not in ("rpt_large_deals", "rpt_owner_load", "rpt_reference_customers")
    }
    for table in ("dim_organizations", "fct_organization_segments"):
        rows[table] = [row | {"icp_segment": "unknown", "icp_confidence": "unknown"} for row in rows[table]]
    none_known: dict[str, Any] = dict.fromkeys(
        ("high_growth_signups", "high_potential_signups", "hobbyist_signups", "other_signups"), 0
    )
    unknown = {**none_known, "icp_signups": None, "unknown_signups": 40, "work_mail_with_segment": 0}
    rows["rpt_signups_weekly"] = [row | unknown for row in rows["rpt_signups_weekly"]]
    return rows


def _since(row: dict[str, Any]) -> date:
    """The month that a row is of; rows of no month are of now."""
    day = row.get("month") or row.get("as_of")
    return day if isinstance(day, date) else FIRST_MONTH
