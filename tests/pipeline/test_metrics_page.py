"""docs/metrics.md has every metric with a query that MetricFlow understands."""

import re
from pathlib import Path

import pytest
import yaml

from settings import PROJECT_DIR, Settings
from tests.pipeline.metrics import metric

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
