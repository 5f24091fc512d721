"""Products, movements taken apart, adjusted months, retention: each identity holds, and is found when broken."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.expectations.breaking import company_of
from tests.expectations.test_identities_of_marts import TABLES, broken

pytestmark = pytest.mark.slow

# The company of the other marts: customer a stays medium, c arrives as small. In October, 300 dollars of a's
# revenue are of a product that nobody mapped.
MORE_TABLES = """
create table seeds.size_tiers as select * from (values
    ('large', 100000), ('medium', 5000), ('small', 1000), ('micro', 0.01), ('none', 0)
) as tiers (tier, arr_from_usd_year);
create table seeds.thresholds as select 'retention_floor_usd_year' as name, 5000 as value;

create table marts.fct_organization_segments as
select
    'a' as organization_id, 'high_growth' as icp_segment, date '2026-08-01' as valid_from,
    cast(null as date) as valid_to;

create table marts.fct_mrr_products as select
    *, list_usd - discount_usd as mrr_usd_month, 12 * (list_usd - discount_usd) as arr_usd_year
from (values
    ('a', date '2026-09-01', 'product_analytics', 7000.00, 1000.00, 0.00, 0.00),
    ('a', date '2026-10-01', 'product_analytics', 6900.00, 1000.00, 0.00, 0.00),
    ('a', date '2026-10-01', 'unmapped', 300.00, 0.00, 0.00, 0.00),
    ('c', date '2026-10-01', 'surveys', 400.00, 0.00, 0.00, 0.00)
) as products (customer_id, month, product_key, list_usd, discount_usd, credit_applied_usd, refund_usd);
create table marts.fct_mrr_movements_by as select
    *, mrr_after_usd_month - mrr_before_usd_month as delta_usd_month
from (values
    ('a', date '2026-09-01', 'product_analytics', 'high_growth', 'medium', 'new', 0.00, 6000.00),
    ('a', date '2026-10-01', 'product_analytics', 'high_growth', 'medium', 'expansion', 6000.00, 5900.00),
    ('a', date '2026-10-01', 'unmapped', 'high_growth', 'medium', 'expansion', 0.00, 300.00),
    ('c', date '2026-10-01', 'surveys', 'unknown', 'small', 'new', 0.00, 400.00)
) as movements (
    customer_id, month, product_key, icp_segment, size_tier, movement, mrr_before_usd_month, mrr_after_usd_month
);
create table marts.rpt_mrr_adjusted as select
    customer_id, month, mrr_usd_month, mrr_usd_month as adjusted_mrr_usd_month, 0.00 as adjustment_usd_month,
    'none' as rule
from marts.fct_mrr_monthly;
create table marts.rpt_retention as select
    *, customers_in_base as adjusted_customers_in_base, base_mrr_usd_month as adjusted_base_mrr_usd_month,
    current_mrr_usd_month as adjusted_current_mrr_usd_month, ndr as adjusted_ndr, gdr as adjusted_gdr,
    logo_retention as adjusted_logo_retention
from (values (date '2026-10-01', 1, 1, 6000.00, 6200.00, 1.0333, 1.0000, 1.0000)) as windows (
    month, base_months, customers_in_base, base_mrr_usd_month, current_mrr_usd_month, ndr, gdr, logo_retention
);
create table marts.fct_retention as select * from (values
    ('a', date '2026-10-01', 1, 'product_analytics', 6000.00, 5900.00),
    ('a', date '2026-10-01', 1, 'unmapped', 0.00, 300.00)
) as bases (customer_id, month, base_months, product_key, base_mrr_usd_month, current_mrr_usd_month);
create table marts.rpt_retention_by as select * from (values
    (date '2026-10-01', 1, 'size_tier', 'medium', 6000.00, 6200.00, 1.0333, 1.0000, 1.0000),
    (date '2026-10-01', 1, 'product_key', 'product_analytics', 6000.00, 5900.00, 0.9833, 0.9833, 1.0000),
    (date '2026-10-01', 1, 'product_key', 'unmapped', 0.00, 300.00, null, null, null)
) as groups (
    month, base_months, attribute, attribute_value, base_mrr_usd_month, current_mrr_usd_month, ndr, gdr, logo_retention
);
"""
BASES, GROUPS = "fct_retention", "rpt_retention_by"
BY, PRODUCTS, ADJUSTED, RETENTION = "fct_mrr_movements_by", "fct_mrr_products", "rpt_mrr_adjusted", "rpt_retention"


@pytest.fixture
def company() -> Iterator[duckdb.DuckDBPyConnection]:
    with company_of(TABLES + MORE_TABLES) as connection:
        yield connection


def broken_of_retention(company: duckdb.DuckDBPyConnection) -> set[str]:
    return {each for each in broken(company) if each.startswith((BY, PRODUCTS, ADJUSTED, RETENTION, BASES, GROUPS))}


def test_company_whose_figures_add_up_passes(company: duckdb.DuckDBPyConnection) -> None:
    assert broken_of_retention(company) == set()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            "delete from marts.fct_mrr_products where product_key = 'unmapped'",
            {
                f"{PRODUCTS}: products_do_not_add_up_to_their_customer",
                f"{BY}: start_plus_movements_of_a_product_is_not_end",
            },
        ),
        (
            "update marts.fct_mrr_products set refund_usd = 0.01, list_usd = list_usd + 0.01, "
            "mrr_usd_month = mrr_usd_month + 0.01, arr_usd_year = arr_usd_year + 0.12 where customer_id = 'c'",
            {f"{PRODUCTS}: products_do_not_add_up_to_their_customer"},
        ),
        (
            "update marts.fct_mrr_products set credit_applied_usd = 0.01 where customer_id = 'c'",
            {f"{PRODUCTS}: product_waterfall_does_not_add_up"},
        ),
        (
            "update marts.fct_mrr_movements_by set product_key = 'logs' where product_key = 'surveys'",
            {f"{BY}: start_plus_movements_of_a_product_is_not_end"},
        ),
        (
            "update marts.fct_mrr_movements_by set size_tier = 'large' where product_key = 'surveys'",
            {f"{BY}: start_plus_movements_of_a_tier_is_not_end"},
        ),
        (
            "update marts.fct_mrr_movements_by set icp_segment = 'hobbyist' where product_key = 'surveys'",
            {f"{BY}: start_plus_movements_of_a_segment_is_not_end"},
        ),
        (
            "update marts.fct_mrr_movements_by set movement = 'reactivation' where product_key = 'surveys'",
            {f"{BY}: movements_differ_from_those_of_the_customer"},
        ),
        (
            "update marts.rpt_mrr_adjusted set adjusted_mrr_usd_month = 1 where customer_id = 'c'",
            {f"{ADJUSTED}: month_is_adjusted_without_a_rule_or_in_the_wrong_direction"},
        ),
        (
            "update marts.rpt_mrr_adjusted set rule = 'one_off_credit' where month = date '2026-10-01'",
            {f"{ADJUSTED}: month_is_judged_before_the_next_is_closed"},
        ),
        (
            "delete from marts.rpt_mrr_adjusted where customer_id = 'c'",
            {f"{ADJUSTED}: adjusted_months_are_not_those_of_mrr"},
        ),
        (
            "update marts.rpt_retention set gdr = 1.0334",
            {f"{RETENTION}: gross_retention_is_above_net_or_above_all"},
        ),
        (
            "update marts.rpt_retention set adjusted_ndr = 0.99, adjusted_gdr = 1",
            {f"{RETENTION}: gross_retention_is_above_net_or_above_all"},
        ),
        (
            "update marts.rpt_retention set customers_in_base = 2",
            {f"{RETENTION}: base_differs_from_the_months"},
        ),
        (
            "insert into marts.fct_retention select * from marts.fct_retention where product_key = 'unmapped'",
            {f"{BASES}: product_of_the_base_appears_twice", f"{BASES}: base_and_current_are_not_those_of_retention"},
        ),
        (
            "insert into marts.rpt_retention_by select * from marts.rpt_retention_by where attribute = 'size_tier'",
            {f"{GROUPS}: group_appears_twice", f"{GROUPS}: groups_do_not_add_up_to_retention"},
        ),
        (
            "update marts.rpt_retention_by set gdr = 1.0001 where attribute = 'size_tier'",
            {f"{GROUPS}: gross_retention_of_a_group_is_above_net_or_above_all"},
        ),
        (
            "update marts.rpt_retention set adjusted_customers_in_base = 0",
            {f"{RETENTION}: retention_without_a_base"},
        ),
    ],
)
def test_broken_identity_is_found(company: duckdb.DuckDBPyConnection, change: str, expected: set[str]) -> None:
    company.execute(change)
    assert broken_of_retention(company) == expected
