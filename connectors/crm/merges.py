"""Rows of `crm.account_merges`: which organizations are one company, because their accounts were merged.

The CRM forgets a merged account, so its organization is the one that was landed last. Merges only ever add rows.
"""

from collections.abc import Iterable, Mapping

from connectors.crm.reading import Merge

NOTE = "Accounts merged in the CRM"


def canonical_organizations(
    merges: Iterable[Merge], organizations: Mapping[str, str], landed: Mapping[str, str]
) -> tuple[dict[str, str], int]:
    """The canonical organization of each merged one, and how many merges have no organization on either side.

    `organizations` has the organization of each account, now or when it was last landed; `landed` the canonical
    organizations of earlier landings. Every chain of merges ends at its last organization.
    """
    into = {merge.account_id: merge.into_account_id for merge in merges}
    canonical, unknown = dict(landed), 0
    for merge in merges:
        merged = merge.organization_id or organizations.get(merge.account_id)
        kept = organizations.get(_end(merge.account_id, into))
        if merged is None or kept is None:
            unknown += 1
        elif _end(kept, canonical) != merged:
            # Otherwise they are one company already, and this merge would close a ring.
            canonical[merged] = kept
    return {merged: _end(merged, canonical) for merged in canonical}, unknown


def _end(start: str, following: Mapping[str, str]) -> str:
    """The end of the chain, or where it would begin again."""
    passed = {start}
    while (after := following.get(start, start)) not in passed:
        passed.add(after)
        start = after
    return start
