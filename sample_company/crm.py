"""The CRM: accounts with their owners over time, opportunities, merges, and contact permissions."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from sample_company import write
from sample_company.accounts import Account
from sample_company.companies import KINDS, Companies, Merge
from sample_company.parameters import COMPANY_DOMAIN, DAY_US, DAYS, END_US, day_of
from sample_company.signups import Signups

OWNERS = {
    "technical_ae": ("nora.lind", "tom.okafor", "sara.kim", "leo.petit", "maya.shah", "jon.berg"),
    "csm": ("ines.costa", "paul.weber", "rina.sato", "omar.khan"),
    "onboarding_specialist": ("ella.novak", "dan.reyes", "mila.roy"),
}
ROLE_OF_GROUP = {"1m": "csm", "50k": "technical_ae", "25k": "technical_ae", "5k": "onboarding_specialist"}
ACCOUNT_TYPES = {
    "id": pa.string(), "organization_id": pa.string(), "name": pa.string(), "owner_email": pa.string(),
    "owner_role": pa.string(), "owner_since": write.TIMESTAMP, "do_not_contact": pa.bool_(),
    "last_contacted_at": write.TIMESTAMP, "updated_at": write.TIMESTAMP,
}  # fmt: skip
OPPORTUNITY_COLUMNS = (
    "id", "account_id", "type", "stage", "amount_usd_year", "procurement_started_at", "requests_new_features",
    "stakeholders", "non_engineer_stakeholders", "created_at", "closed_at", "updated_at",
)  # fmt: skip
OPPORTUNITY_INSTANTS = ("procurement_started_at", "created_at", "closed_at", "updated_at")
UNOWNED_SHARE = 0.15
DO_NOT_CONTACT_SHARE = 0.03
LEAD_SHARE = 0.12


def write_crm(
    folder: Path,
    signups: Signups,
    accounts: list[Account],
    companies: Companies,
    *,
    merges: list[Merge],
    rng: np.random.Generator,
) -> list[dict]:
    """Returns the versions of the accounts."""
    crm_accounts, opportunities = simulate_crm(signups, accounts, companies, rng)
    for row in crm_accounts:
        organization = row.pop("organization")
        row["organization_id"] = None if organization is None else str(signups.ids[organization])
    write.write_rows_parquet(folder / "accounts.parquet", crm_accounts, ACCOUNT_TYPES)
    texts = (
        [
            write.iso(row[name]) if name in OPPORTUNITY_INSTANTS else write.csv_text(row[name])
            for name in OPPORTUNITY_COLUMNS
        ]
        for row in opportunities
    )
    write.write_csv(folder / "opportunities.csv", list(OPPORTUNITY_COLUMNS), texts)
    ids = signups.ids.tolist()
    rows = sorted((ids[merge.organization], ids[merge.canonical], merge.note) for merge in merges)
    write.write_csv(folder / "account_merges.csv", ["organization_id", "canonical_organization_id", "note"], rows)
    return crm_accounts


def simulate_crm(
    signups: Signups, accounts: list[Account], companies: Companies, rng: np.random.Generator
) -> tuple[list[dict], list[dict]]:
    """Rows of crm.accounts and crm.opportunities, several versions each, instants in microseconds."""
    crm_accounts: list[dict] = []
    opportunities: list[dict] = []
    paying = {account.organizations[0]: account for account in accounts}
    leads = np.flatnonzero(
        np.isin(companies.kind, [KINDS.index("startup"), KINDS.index("scaleup"), KINDS.index("enterprise")])
        & (rng.random(len(companies.kind)) < LEAD_SHARE)
        & ~signups.is_internal
    )
    organizations = sorted(set(leads.tolist()) | {o for o, a in paying.items() if a.group != "card_only"})
    organizations = [o for o in organizations if not signups.is_internal[o]]
    for number, organization in enumerate(organizations, 1):
        account = paying.get(organization)
        draws = rng.random(16)
        account_id = f"acc{number:06d}"
        crm_accounts += _account_versions(account_id, organization, account, signups, companies=companies, draws=draws)
        opportunities += _opportunities(account_id, organization, account, signups, draws)
    # An account entered by hand, without organization.
    typed = crm_accounts[0] | {"id": "acc900001", "organization": None, "name": "Prospect from a fair"}
    crm_accounts.append(typed)
    return (
        sorted((row for row in crm_accounts if row["updated_at"] < END_US), key=lambda r: (r["updated_at"], r["id"])),
        sorted((row for row in opportunities if row["updated_at"] < END_US), key=lambda r: (r["updated_at"], r["id"])),
    )


def _account_versions(
    account_id: str,
    organization: int,
    account: Account | None,
    signups: Signups,
    *,
    companies: Companies,
    draws: np.ndarray,
) -> list[dict]:
    created = int(signups.created_us[organization]) + int(draws[0] * 3 * DAY_US) + 3_600_000_000
    row = {
        "id": account_id, "organization": organization, "name": companies.name[organization], "owner_email": None,
        "owner_role": None, "owner_since": None, "do_not_contact": bool(draws[1] < DO_NOT_CONTACT_SHARE),
        "last_contacted_at": None, "updated_at": created,
    }  # fmt: skip
    versions = [row]
    role = _role(account, draws)
    if role is None:
        return versions
    since = max(created, account.start_us if account else created) + int((5 + 40 * draws[2]) * DAY_US)
    owned = row | {"owner_email": _owner(role, draws[3]), "owner_role": role, "owner_since": since, "updated_at": since}
    versions.append(owned)
    contacted = since + int((3 + 90 * draws[4]) * DAY_US)
    versions.append(owned | {"last_contacted_at": contacted, "updated_at": contacted + 60_000_000})
    handed_over = contacted + int((60 + 200 * draws[5]) * DAY_US)
    if role == "technical_ae" and draws[6] < 0.3:
        versions.append(
            versions[-1]
            | {
                "owner_email": _owner("csm", draws[7]),
                "owner_role": "csm",
                "owner_since": handed_over,
                "updated_at": handed_over,
            }
        )
    elif draws[6] > 0.93:
        nobody = {"owner_email": None, "owner_role": None, "owner_since": None, "updated_at": handed_over}
        versions.append(versions[-1] | nobody)
    return versions


def _role(account: Account | None, draws: np.ndarray) -> str | None:
    if account is None:
        return "technical_ae" if draws[8] < 0.08 else None
    if draws[8] < UNOWNED_SHARE:
        return None
    if account.group == "5k":
        return "onboarding_specialist" if draws[9] < 0.35 else None
    if account.group == "first_bill":
        return "technical_ae" if draws[9] < 0.1 else None
    if account.group in ROLE_OF_GROUP and draws[9] < 0.1:
        return "onboarding_specialist"
    return ROLE_OF_GROUP.get(account.group)


def _owner(role: str, draw: float) -> str:
    return f"{OWNERS[role][int(draw * len(OWNERS[role]))]}@{COMPANY_DOMAIN}"


def _opportunities(
    account_id: str, organization: int, account: Account | None, signups: Signups, draws: np.ndarray
) -> list[dict]:
    if account is None:
        wanted = [("new_business", 20 + 90 * draws[10])] if draws[10] < 0.1 else []
        amount, start = 8_000 + 60_000 * draws[11], int(signups.created_us[organization])
    else:
        large = account.group in ("1m", "50k", "25k")
        wanted = [("new_business", 8 + 30 * draws[10])] if large or draws[10] < 0.1 else []
        wanted += [("expansion", 150 + 200 * draws[11])] if large and draws[12] < 0.6 else []
        wanted += [("expansion", 520 + 120 * draws[14])] if account.group == "1m" else []
        wanted += [("renewal", 290 + 60 * draws[13])] if account.kind == "prepaid" else []
        amount, start = account.net_usd_year, account.start_us
    rows = []
    for number, (kind, days) in enumerate(wanted):
        created = start + int(days * DAY_US)
        if day_of(created) < DAYS - 2:
            draw = np.roll(draws, 3 * number)
            rows += _opportunity_versions(
                f"opp{account_id[3:]}{number}", account_id, kind, created=created, amount=amount, draws=draw
            )
    return rows


def _opportunity_versions(
    opportunity_id: str, account_id: str, kind: str, *, created: int, amount: float, draws: np.ndarray
) -> list[dict]:
    is_large = amount > 60_000
    months = 1 + draws[0] * (6 if is_large else 2)
    row = {
        "id": opportunity_id, "account_id": account_id, "type": kind, "stage": "discovery",
        "amount_usd_year": None if draws[1] < 0.08 else f"{round(amount * (0.6 + 0.6 * draws[2]), -2):.2f}",
        "procurement_started_at": None, "requests_new_features": bool(draws[3] < (0.6 if is_large else 0.2)),
        "stakeholders": 1 + int(draws[4] * (9 if is_large else 3)), "non_engineer_stakeholders": 0,
        "created_at": created, "closed_at": None, "updated_at": created,
    }  # fmt: skip
    row["non_engineer_stakeholders"] = int(row["stakeholders"] * draws[5])
    started = created + int(12 * DAY_US * (0.3 + draws[6]))
    versions = [row, row | {"stage": "procurement", "procurement_started_at": started, "updated_at": started}]
    closed = started + int(months * 30 * DAY_US)
    stage = "closed_won" if draws[7] < 0.66 else "closed_lost"
    versions.append(versions[-1] | {"stage": stage, "closed_at": closed, "updated_at": closed})
    return versions
