"""Merged accounts make one company of their organizations, whatever the CRM has forgotten meanwhile."""

import pytest

from connectors.crm.merges import canonical_organizations
from connectors.crm.reading import Merge

ORGANIZATIONS = {"a": "org-a", "b": "org-b", "c": "org-c"}


@pytest.mark.parametrize(
    ("merges", "landed", "expected"),
    [
        ([Merge("a", "b")], {}, {"org-a": "org-b"}),
        ([Merge("a", "b"), Merge("b", "c")], {}, {"org-a": "org-c", "org-b": "org-c"}),
        # The CRM forgot the first merge; its row follows the second one all the same.
        ([Merge("b", "c")], {"org-a": "org-b"}, {"org-a": "org-c", "org-b": "org-c"}),
        ([], {"org-a": "org-b"}, {"org-a": "org-b"}),
        # The account between has no organization.
        ([Merge("a", "nothing"), Merge("nothing", "c")], {}, {"org-a": "org-c"}),
        # The CRM still says of whom the merged account was.
        ([Merge("x", "b", "org-x")], {}, {"org-x": "org-b"}),
        # Two accounts of one organization.
        ([Merge("x", "b", "org-b")], {}, {}),
        # Merged there and back: they are one company already.
        ([Merge("b", "a")], {"org-a": "org-b"}, {"org-a": "org-b"}),
    ],
)
def test_every_chain_ends_at_its_last_organization(
    merges: list[Merge], landed: dict[str, str], expected: dict[str, str]
) -> None:
    canonical, _ = canonical_organizations(merges, ORGANIZATIONS, landed)
    assert canonical == expected


def test_merges_without_an_organization_on_a_side_are_counted() -> None:
    merges = [Merge("unknown", "a"), Merge("a", "unknown"), Merge("a", "b")]
    assert canonical_organizations(merges[:2], ORGANIZATIONS, {}) == ({}, 2)
