"""The domains of the dbt project stand in one order, and what one reads of another is a list that grows on purpose."""

import json
import re
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import Settings
from tests.support.dbt_models import LAYERS, MODELS_DIR, layer_of
from transform.dbt_runner import current_manifest

# A model reads its own domain and those before it.
GROUPS = yaml.safe_load((MODELS_DIR / "_groups.yml").read_text())["groups"]
DOMAINS = [group["name"] for group in GROUPS]

# Models that read a later domain, as (reader, read): why it has to.
READS_A_LATER_DOMAIN: dict[tuple[str, str], str] = {}

# The intermediate models that other domains may read: their interfaces.
PROTECTED = {
    "int_account_days",
    "int_account_owners",
    "int_active_users",
    "int_arr_mix_bands",
    "int_bill_forecasts",
    "int_billing_accounts",
    "int_billing_spells",
    "int_billing_versions",
    "int_closed_bills",
    "int_company_answers",
    "int_company_spans",
    "int_credit_states",
    "int_credited_lines",
    "int_customer_coverage",
    "int_customer_groups",
    "int_customer_health",
    "int_customer_owners",
    "int_customer_standing",
    "int_customer_volumes",
    "int_customers",
    "int_data_day",
    "int_days_to_build",
    "int_domain_spellings",
    "int_enrichment_findings",
    "int_exchange_rates",
    "int_history_days",
    "int_invoice_line_periods",
    "int_invoice_lines",
    "int_invoices",
    "int_invoices_that_differ",
    "int_large_deal_spans",
    "int_lead_figures",
    "int_limits_hit",
    "int_member_roles",
    "int_members",
    "int_method_weights",
    "int_mrr_lines",
    "int_onboarding_customer_days",
    "int_onboarding_forecasts",
    "int_onboarding_stays",
    "int_organization_companies",
    "int_organization_members",
    "int_organization_mrr",
    "int_organization_mrr_monthly",
    "int_organization_segments",
    "int_organizations",
    "int_organizations_on_data_day",
    "int_paid_bills",
    "int_price_tiers",
    "int_quantity_methods",
    "int_rated_invoices",
    "int_repriced_mrr",
    "int_revenue_lines",
    "int_signups",
    "int_size_tiers",
    "int_stripe_customer_links",
    "int_unmapped_usage_counters",
    "int_usage_by_organization",
    "int_usage_days",
    "int_usage_months",
    "int_usage_windows",
    "int_volume_windows",
}

# As many as a person sees at once in Dagster's UI.
MOST_MODELS_OF_A_DOMAIN = 15

# Links from a source to a mart: the longest chain is usage, what was expected and how right that was, the forecast, the
# onboarding queue, and lists of customers.
MOST_LINKS = 24

# Of sources and models; seeds are not counted. More have a reason.
MOST_PARENTS = 10
MORE_PARENTS = {
    "rpt_account_risk": "It is one list of what every kind of rule found.",
    "rpt_cross_sell": "It is one list of what every kind of suggestion found.",
    "fct_customer_events": "It is one list of what every list and every history found.",
    "fct_responses": "It is one list of what waits on every list, beside all that was said.",
    "int_source_freshness": "It has a row of every source's newest table.",
    "rpt_data_quality": "It is one list of what was found in all domains.",
}


@pytest.fixture(scope="module")
def models(parsed: Path) -> dict[str, dict[str, Any]]:
    """The models of dbt's manifest by id."""
    nodes = json.loads(current_manifest(Settings(data_dir=parsed)).read_text())["nodes"]
    return {key: node for key, node in nodes.items() if node["resource_type"] == "model"}


def reads(models: dict[str, dict[str, Any]]) -> set[tuple[str, str]]:
    """What reads what, as names of models after staging."""
    return {
        (node["name"], models[parent]["name"])
        for node in models.values()
        for parent in node["depends_on"]["nodes"]
        if parent in models and node["group"] and models[parent]["group"]
    }


def test_a_model_reads_its_own_domain_and_earlier_ones(models: dict[str, dict[str, Any]]) -> None:
    place = {node["name"]: DOMAINS.index(node["group"]) for node in models.values() if node["group"]}
    assert {(reader, read) for reader, read in reads(models) if place[reader] < place[read]} == set(
        READS_A_LATER_DOMAIN
    )


def test_a_domain_is_a_folder_and_a_group(models: dict[str, dict[str, Any]]) -> None:
    folders = {node["name"]: node["fqn"][1:-1] for node in models.values()}
    assert {name: folder for name, folder in folders.items() if layer_of(name) == "staging"} == {
        node["name"]: ["staging", node["name"].removeprefix("stg_").split("__")[0]]
        for node in models.values()
        if not node["group"]
    }
    assert {node["name"]: [node["group"]] for node in models.values() if node["group"]} == {
        name: folder for name, folder in folders.items() if layer_of(name) != "staging"
    }


def test_a_domain_is_seen_at_once(models: dict[str, dict[str, Any]]) -> None:
    sizes = Counter(node["group"] for node in models.values() if node["group"])
    assert sizes.keys() == set(DOMAINS)
    assert {domain: size for domain, size in sizes.items() if size > MOST_MODELS_OF_A_DOMAIN} == {}


def test_the_schema_of_a_model_follows_from_its_prefix(models: dict[str, dict[str, Any]]) -> None:
    assert {node["name"].split("_")[0] for node in models.values()} == LAYERS.keys()
    assert {node["name"]: node["schema"] for node in models.values()} == {
        node["name"]: layer_of(node["name"]) for node in models.values()
    }


def test_other_domains_read_the_protected_models_alone(models: dict[str, dict[str, Any]]) -> None:
    domain = {node["name"]: node["group"] for node in models.values()}
    access = {node["name"]: node["access"] for node in models.values()}
    read_elsewhere = {read for reader, read in reads(models) if domain[reader] != domain[read]}
    assert {name for name in read_elsewhere if layer_of(name) == "intermediate"} == PROTECTED
    assert access == {
        name: {"staging": "protected", "marts": "public"}.get(
            layer_of(name), "protected" if name in PROTECTED else "private"
        )
        for name in access
    }


def test_a_protected_model_says_that_others_read_it(models: dict[str, dict[str, Any]]) -> None:
    saying = {
        node["name"] for node in models.values() if node["description"].strip().endswith("Other domains read it.")
    }
    assert saying == PROTECTED


def test_every_mart_has_a_contract(models: dict[str, dict[str, Any]]) -> None:
    with_contract = {node["name"] for node in models.values() if node["contract"]["enforced"]}
    assert with_contract == {node["name"] for node in models.values() if layer_of(node["name"]) == "marts"}


def test_no_mart_is_far_from_the_sources(models: dict[str, dict[str, Any]]) -> None:
    links: dict[str, int] = {}
    order = TopologicalSorter({key: node["depends_on"]["nodes"] for key, node in models.items()}).static_order()
    for key in order:
        if key in models:
            links[key] = 1 + max((links.get(parent, 0) for parent in models[key]["depends_on"]["nodes"]), default=-1)
    assert max(links.values()) == MOST_LINKS


def test_no_model_reads_many_others_without_a_reason(models: dict[str, dict[str, Any]]) -> None:
    parents = {
        node["name"]: len([key for key in node["depends_on"]["nodes"] if not key.startswith("seed.")])
        for node in models.values()
    }
    assert {name for name, count in parents.items() if count > MOST_PARENTS} == MORE_PARENTS.keys()


def test_docs_overview_lists_the_domains_in_order() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (.+) \|$", (MODELS_DIR / "overview.md").read_text(), flags=re.MULTILINE)
    assert listed == [(group["name"], group["description"]) for group in GROUPS]
