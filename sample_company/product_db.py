"""The product's database, exported by quarter: organizations, users, memberships, with versions."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from sample_company import write
from sample_company.account_ledger import AccountLedger
from sample_company.companies import Companies
from sample_company.parameters import CHANNELS, DAY_US, END_US, SECOND_US
from sample_company.people import ADMINISTRATOR, MEMBER, People
from sample_company.signups import Signups

NEW_NAMES = (" Group", " HQ", " Technologies", " One")
RENAMED_SHARE = 0.05
CAME_BACK_SHARE = 0.9
PROMOTED_SHARE = 0.06


def write_organizations(
    folder: Path, signups: Signups, companies: Companies, ledgers: list[AccountLedger], rng: np.random.Generator
) -> None:
    """One version at sign-up, one when the Stripe customer is known, and one for a changed name."""
    organization, stamp, customer, name = _organization_versions(signups, companies, ledgers, rng)
    channels = pa.array([*CHANNELS, None])
    write.write_parquet_exports(
        folder,
        stamp,
        {
            "id": pa.array(signups.ids.tolist()).take(pa.array(organization)),
            "name": pa.array(name),
            "created_at": pa.array(signups.created_us[organization], write.TIMESTAMP),
            "updated_at": pa.array(stamp, write.TIMESTAMP),
            "customer_id": pa.array(customer, pa.string()),
            "region": pa.array(np.where(signups.is_eu[organization], "EU", "US").tolist()),
            "for_internal_metrics": pa.array(signups.is_internal[organization]),
            "signup_channel": channels.take(pa.array(signups.channel[organization] % (len(CHANNELS) + 1))),
        },
    )


def write_users(folder: Path, people: People, rng: np.random.Generator) -> None:
    """Every user when joining, and again when last seen."""
    count = len(people.email)
    came_back = np.flatnonzero((people.seen_us > people.joined_us + DAY_US) & (rng.random(count) < CAME_BACK_SHARE))
    user = np.concatenate([np.arange(count), came_back])
    stamp = np.concatenate([people.joined_us, people.seen_us[came_back] + SECOND_US])
    login = np.concatenate([people.joined_us, people.seen_us[came_back]])
    has_login = rng.random(len(user)) > 0.02
    is_active = people.is_active[user] | (np.arange(len(user)) < count)
    take = pa.array(user)
    write.write_parquet_exports(
        folder,
        stamp,
        {
            "id": pa.array(user + 1),
            "email": pa.array(people.email).take(take),
            "role_detail": pa.array(people.title, pa.string()).take(take),
            "role_at_organization": pa.array(people.role, pa.string()).take(take),
            "date_joined": pa.array(people.joined_us[user], write.TIMESTAMP),
            "updated_at": pa.array(stamp, write.TIMESTAMP),
            "last_login": pa.array(login, write.TIMESTAMP, mask=~has_login),
            "is_active": pa.array(is_active),
            "is_staff": pa.array(people.is_staff[user]),
        },
    )


def write_memberships(path: Path, signups: Signups, people: People, rng: np.random.Generator) -> None:
    """Every membership from its start; some members become administrators, in a second version."""
    level, joined = people.member_level, people.member_joined_us
    promoted = np.flatnonzero((level == MEMBER) & (rng.random(len(level)) < PROMOTED_SHARE))
    promoted_at = joined[promoted] + rng.integers(20, 220, len(promoted)) * DAY_US
    promoted, promoted_at = promoted[promoted_at < END_US], promoted_at[promoted_at < END_US]
    row = np.concatenate([np.arange(len(level)), promoted])
    stamp = np.concatenate([joined, promoted_at])
    levels = np.concatenate([level, np.full(len(promoted), ADMINISTRATOR)])
    order = np.lexsort((row, stamp))
    row = row[order]
    columns = (
        signups.ids[people.member_organization[row]],
        people.member_user[row],
        levels[order],
        write.iso_texts(joined[row]),
        write.iso_texts(stamp[order]),
    )
    header = ["organization_id", "user_id", "level", "joined_at", "updated_at"]
    write.write_csv(path, header, zip(*(column.tolist() for column in columns), strict=True))


def _organization_versions(
    signups: Signups, companies: Companies, ledgers: list[AccountLedger], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, list[str | None], list[str]]:
    """Organization number, stamp, Stripe customer and name of every version, in the order of their stamps."""
    count = len(signups.ids)
    versions: list[tuple[int, int, str | None, str]] = [
        (stamp, number, None, companies.name[number]) for number, stamp in enumerate(signups.created_us.tolist())
    ]
    customers: dict[int, tuple[int, str]] = {}
    for ledger in ledgers:
        for organization in ledger.account.organizations:
            stamp = max(ledger.account.start_us, int(signups.created_us[organization]) + 30 * SECOND_US)
            customers[organization] = stamp, ledger.customer_id
            versions.append((stamp, organization, ledger.customer_id, companies.name[organization]))
    renamed = np.flatnonzero(rng.random(count) < RENAMED_SHARE)
    renamed_at = signups.created_us[renamed] + (rng.random(len(renamed)) * 200 * DAY_US).astype(np.int64) + DAY_US // 2
    for organization, stamp in zip(renamed.tolist(), renamed_at.tolist(), strict=True):
        since, customer = customers.get(organization, (0, None))
        # A change of name before the Stripe customer would be undone by the version with the customer.
        if since < stamp < END_US:
            name = companies.name[organization].split()[0] + NEW_NAMES[organization % len(NEW_NAMES)]
            versions.append((stamp, organization, customer, name))
    versions.sort(key=lambda version: version[:2])
    stamps, organizations, customer_ids, names = zip(*versions, strict=True)
    return np.array(organizations), np.array(stamps), list(customer_ids), list(names)
