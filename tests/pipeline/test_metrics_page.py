"""docs/metrics.md has every metric with a query that MetricFlow understands."""

import re
import shutil
from datetime import date, datetime
from pathlib import Path

import pytest
import yaml

from settings import PROJECT_DIR, Settings
from tests.pipeline.metrics import metric
from tests.serving.published_marts import write_published

PAGE = (PROJECT_DIR / "docs" / "metrics.md").read_text(encoding="utf-8")
DEFINED = yaml.safe_load(
    (PROJECT_DIR / "dbt_project" / "models" / "metrics" / "_metrics__semantic_models.yml").read_text(encoding="utf-8")
)["metrics"]
QUERY = re.compile(r"^\| `(\w+)` \| [^|]+ \| `--metrics (\w+) --group-by (\w+)` \|$", re.MULTILINE)
GROUPS = re.compile(r"`(customer__\w+|retention_base__\w+|product\w*)`")


def test_every_metric_is_on_the_page_with_one_query_of_its_own() -> None:
    documented = QUERY.findall(PAGE)
    assert [name for name, _, _ in documented] == [asked for _, asked, _ in documented]
    assert {name for name, _, _ in documented} == {each["name"] for each in DEFINED}
    assert len(documented) == len(DEFINED)


def test_every_query_and_group_of_the_page_can_be_asked(undisturbed: Path) -> None:
    settings = Settings(data_dir=undisturbed)
    for name, _, group in QUERY.findall(PAGE):
        assert isinstance(metric(settings, name, [group]), list)
    table = PAGE.split("## By segment, tier, channel and product")[1].split("\n\n")[1]
    groups = set(GROUPS.findall(table))
    assert len(groups) == 9
    for group in groups:
        asked = ["ndr"] if group.startswith("retention_base") else ["mrr", "arr"]
        for name in asked + (["ndr"] if group.startswith("product") else []):
            assert isinstance(metric(settings, name, [group]), list)


def test_mrr_of_the_company_that_was_worked_out_by_hand_by_each_group(undisturbed: Path) -> None:
    settings = Settings(data_dir=undisturbed)
    groups = ("product", "customer__icp_segment", "customer__size_tier", "customer__signup_channel")
    assert {group: [(of, float(mrr)) for of, mrr in metric(settings, "mrr", [group])] for group in groups} == {
        "product": [("product_analytics", pytest.approx(324.40))],
        "customer__icp_segment": [("unknown", pytest.approx(324.40))],
        "customer__size_tier": [("small", pytest.approx(324.40))],
        "customer__signup_channel": [("word_of_mouth", pytest.approx(324.40))],
    }


DATA_DAY = date(2026, 11, 3)
# Marts that have no rows of a company that weighs no price list and has closed no month.
OFTEN_EMPTY = {
    "rpt_price_change_customers": [
        {"customer_id": name, "as_of_date": DATA_DAY, "mrr_usd_month": mrr, "candidate_mrr_usd_month": candidate}
        | {"mrr_change_usd": 12 * (candidate - mrr), "candidate_size_tier": tier}
        for name, mrr, candidate, tier in (
            ("a", 100, 130.5, "small"),
            ("b", 50, 40, "micro"),
            ("c", 0, 7, "micro"),
        )
    ],
    "rpt_deals_below_cost": [
        {"opportunity_id": name, "customer_id": "a", "opportunity_type": kind, "as_of_date": DATA_DAY}
        for name, kind in (("1", "renewal"), ("2", "renewal"), ("3", "expansion"))
    ],
    "rpt_closed_months": [
        {"month": date(2026, month, 1), "closed_as_of": DATA_DAY, "difference_usd": change, "unexplained_usd": rest}
        for month, change, rest in ((8, 10, 0), (9, -4, 1))
    ],
}


def test_metrics_of_marts_that_the_sample_company_leaves_empty(parsed: Path, tmp_path: Path) -> None:
    settings = Settings(data_dir=Path(shutil.copytree(parsed, tmp_path / "data")))
    published = write_published(settings, OFTEN_EMPTY, published_at=datetime.fromisoformat("2026-11-04"))
    shutil.move(published, settings.warehouse_path)

    def found(name: str, group: str) -> dict[str, float]:
        return {str(of)[:10]: float(value) for of, value in metric(settings, name, [group])}

    assert metric(settings, "candidate_mrr_change") == [(27.5,)]
    assert found("candidate_mrr_change", "repriced_customer__candidate_size_tier") == {"small": 30.5, "micro": -3}
    assert found("deals_below_cost", "deal__opportunity_type") == {"renewal": 2, "expansion": 1}
    assert found("closed_mrr_difference", "metric_time__month") == {"2026-08-01": 10, "2026-09-01": -4}
    assert found("closed_mrr_unexplained", "metric_time__month") == {"2026-08-01": 0, "2026-09-01": 1}
