"""Users and memberships: owners, colleagues, members of several organizations, and the vendor's staff."""

from dataclasses import dataclass

import numpy as np

from sample_company.accounts import Account
from sample_company.companies import FAMILY_NAMES, GIVEN_NAMES, KINDS, Companies
from sample_company.parameters import (
    COMPANY_DOMAIN,
    DAY_US,
    DAYS,
    END_US,
    FIRST_DAY_US,
    FREE_MAIL_DOMAINS,
    SECOND_US,
    instant,
)
from sample_company.signups import Signups

MEMBER, ADMINISTRATOR, OWNER = 1, 8, 15
ROLES = ("engineering", "product", "leadership", "founder", "marketing", "data", "design", "sales", "student", "other")
OWNER_WEIGHTS = {
    "hobby": (0.4, 0.06, 0.03, 0.22, 0.03, 0.04, 0.05, 0.01, 0.12, 0.04),
    "school": (0.2, 0.02, 0.05, 0.02, 0.02, 0.1, 0.02, 0.0, 0.5, 0.07),
    "default": (0.42, 0.16, 0.1, 0.15, 0.06, 0.04, 0.03, 0.02, 0.0, 0.02),
}
TITLES = {
    "engineering": ("software engineer", "frontend engineer", "product engineer", "full-stack developer", "CTO", None),
    "product": ("product manager", "technical PM", "Head of Product", "growth PM", None),
    "leadership": ("CTO", "CEO", "VP Engineering", "COO", None),
    "founder": ("co-founder & CTO", "technical founder", "founder", "solo founder", None),
    "marketing": ("growth marketer", "Head of Marketing", "content lead", None),
    "data": ("data engineer", "data analyst", "analytics engineer", None),
    "design": ("product designer", "UX lead", None),
    "sales": ("account executive", "solutions engineer", None),
    "student": ("CS student", None),
    "other": ("support", "operations", None),
}
MEMBERS_OF_KIND = {
    "hobby": 0.15,
    "micro": 1.1,
    "startup": 3.2,
    "scaleup": 7,
    "enterprise": 10,
    "agency": 2,
    "school": 1.5,
}
# Of those who join a second organization: from one that was joined so, and not on the first day.
CHAINED_SHARE = 0.4
LATE_SHARE = 0.2
# Of the members of a paying account; mean of days since they were last seen.
REGULAR_SHARE = 0.8
REGULAR_MEAN_DAYS = 9
MEMBERS_OF_GROUP = {"1m": 90, "50k": 32, "25k": 18, "5k": 9, "first_bill": 6}


@dataclass
class People:
    """Users (ids from 1) and memberships, each in the order of joining."""

    email: list[str]
    role: list[str | None]
    title: list[str | None]
    joined_us: np.ndarray
    seen_us: np.ndarray
    is_active: np.ndarray
    is_staff: np.ndarray
    member_organization: np.ndarray
    member_user: np.ndarray
    member_level: np.ndarray
    member_joined_us: np.ndarray
    owner_email: list[str]

    def users_on(self, day: int, organizations: int) -> np.ndarray:
        """Members of each organization at a day's start, at least one."""
        before = self.member_joined_us < instant(day)
        return np.maximum(np.bincount(self.member_organization[before], minlength=organizations), 1)


def simulate_people(
    signups: Signups, accounts: list[Account], companies: Companies, rng: np.random.Generator
) -> People:
    """One owner per organization from the start, colleagues later, and staff in some customers' organizations."""
    count = len(signups.ids)
    extra = _colleagues(signups, accounts, companies, rng)
    organization = np.concatenate([np.arange(count), np.repeat(np.arange(count), extra)])
    is_owner = np.arange(len(organization)) < count
    wait = rng.exponential(60, len(organization)) * DAY_US
    joined = np.where(is_owner, signups.created_us[organization], 0)
    joined = np.where(is_owner, joined, signups.created_us[organization] + 3600 * SECOND_US + wait.astype(np.int64))
    kept = joined < END_US - SECOND_US
    organization, is_owner, joined = organization[kept], is_owner[kept], joined[kept]
    order = np.lexsort((organization, joined))
    organization, is_owner, joined = organization[order], is_owner[order], joined[order]
    people = _persons(organization, is_owner, joined, companies=companies, rng=rng)
    people.member_organization, people.member_user = organization, np.arange(1, len(organization) + 1)
    people.member_level = np.where(
        is_owner, OWNER, np.where(rng.random(len(organization)) < 0.3, ADMINISTRATOR, MEMBER)
    )
    people.member_joined_us = joined
    people.owner_email = [""] * count
    for row in np.flatnonzero(is_owner):
        people.owner_email[organization[row]] = people.email[row]
    _second_memberships(people, signups, rng)
    _staff(people, signups, accounts, rng)
    _see_regulars(people, accounts, rng)
    return people


def _colleagues(
    signups: Signups, accounts: list[Account], companies: Companies, rng: np.random.Generator
) -> np.ndarray:
    mean = np.array([MEMBERS_OF_KIND.get(kind, 1.0) for kind in KINDS])[companies.kind]
    mean = mean * np.where(rng.random(len(mean)) < 0.45, 0.1, 1.0)
    members = np.minimum(rng.geometric(1 / (1 + mean)) - 1, 260)
    for account in accounts:
        for organization, share in zip(account.organizations, account.shares, strict=True):
            most = MEMBERS_OF_GROUP.get(account.group, 2.5) * share * 1.6
            members[organization] = int(most * (0.35 + 0.65 * float(rng.random())))
    members[signups.is_internal] = 6
    return members


def _position_in_organization(organization: np.ndarray) -> np.ndarray:
    order = np.argsort(organization, kind="stable")
    ordered = organization[order]
    first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    starts = np.maximum.accumulate(np.where(first, np.arange(len(ordered)), 0))
    position = np.empty(len(ordered), np.int64)
    position[order] = np.arange(len(ordered)) - starts
    return position


def _persons(
    organization: np.ndarray,
    is_owner: np.ndarray,
    joined: np.ndarray,
    *,
    companies: Companies,
    rng: np.random.Generator,
) -> People:
    count = len(organization)
    position = _position_in_organization(organization)
    roles = _roles(organization, companies, rng)
    title_draw = rng.random(count)
    titles = [TITLES[role][int(draw * len(TITLES[role]))] for role, draw in zip(roles, title_draw, strict=True)]
    given_count, family_count = len(GIVEN_NAMES), len(FAMILY_NAMES)
    # Organizations of one company start at different names, so that no address repeats.
    start = (np.arange(len(companies.of)) * 2_657) % (given_count * family_count)
    person = (start[organization] + position * 5_003) % (given_count * family_count)
    free_mail = rng.integers(0, len(FREE_MAIL_DOMAINS) * 3, count).clip(0, 2 * len(FREE_MAIL_DOMAINS)) % len(
        FREE_MAIL_DOMAINS
    )
    is_free = companies.has_free_mail[organization] | (~is_owner & (rng.random(count) < 0.06))
    is_shared = companies.of[organization] != organization
    emails = []
    for row in range(count):
        family, given = divmod(int(person[row]), given_count)
        name = f"{GIVEN_NAMES[given]}.{FAMILY_NAMES[family]}".lower()
        if is_free[row]:
            emails.append(f"{name}{row}@{FREE_MAIL_DOMAINS[free_mail[row]]}")
            continue
        suffix = f".{organization[row]}" if is_shared[row] and not is_owner[row] else ""
        subdomain = "eng." if row % 97 == 5 else ""
        emails.append(f"{name}{suffix}@{subdomain}{companies.domain[organization[row]]}")
    seen = joined + (rng.random(count) * rng.random(count) * (END_US - joined)).astype(np.int64)
    unknown_role = rng.random(count) < 0.12
    nothing = np.zeros(0, np.int64)
    return People(
        emails,
        [None if unknown else role for role, unknown in zip(roles, unknown_role, strict=True)],
        [None if unknown else title for title, unknown in zip(titles, unknown_role, strict=True)],
        joined, seen, rng.random(count) > 0.03, np.zeros(count, bool), nothing, nothing, nothing, nothing, [],
    )  # fmt: skip


def _roles(organization: np.ndarray, companies: Companies, rng: np.random.Generator) -> list[str]:
    weights = np.array([OWNER_WEIGHTS.get(kind, OWNER_WEIGHTS["default"]) for kind in KINDS])
    bounds = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)[companies.kind[organization]]
    drawn = (rng.random(len(organization))[:, None] >= bounds).sum(axis=1).clip(0, len(ROLES) - 1)
    return [ROLES[number] for number in drawn]


def _second_memberships(people: People, signups: Signups, rng: np.random.Generator) -> None:
    """Agencies and founders with a second company: an owner joins a later organization, most on its first day.

    Many of them are owners of organizations that somebody else joined so: word of mouth has generations.
    """
    count = len(signups.ids)
    later = np.sort(rng.choice(np.arange(count // 20, count), count // 60, replace=False))
    later = later[~signups.is_internal[later]]
    owners = np.flatnonzero(people.member_level == OWNER)
    owner_row = np.empty(count, np.int64)
    owner_row[people.member_organization[owners]] = owners
    earlier = (rng.random(len(later)) * later).astype(np.int64)
    chains = np.random.default_rng([count, 17])
    for number in range(1, len(later)):
        if chains.random() < CHAINED_SHARE:
            earlier[number] = later[int(chains.integers(0, number))]
    end_of_day = FIRST_DAY_US + (signups.created_day[later] + 1) * DAY_US - SECOND_US
    joined = np.minimum(signups.created_us[later] + DAY_US // 3, end_of_day)
    joined = np.where(chains.random(len(later)) < LATE_SHARE, joined + 3 * DAY_US, joined)
    _join(people, later, people.member_user[owner_row[earlier]], ADMINISTRATOR, joined)


def came_from(people: People, signups: Signups) -> dict[int, int]:
    """Of each organization that somebody from another one joined on its first day: the one that person joined last
    before. The vendor's organizations and staff do not count."""
    order = np.lexsort((people.member_user, people.member_joined_us))
    organizations, users = people.member_organization[order].tolist(), people.member_user[order].tolist()
    days = ((people.member_joined_us[order] - FIRST_DAY_US) // DAY_US).tolist()
    created, created_day = signups.created_us.tolist(), signups.created_day.tolist()
    joined_us = people.member_joined_us[order].tolist()
    of_user: dict[int, list[tuple[int, int]]] = {}
    origins: dict[int, int] = {}
    for organization, user, day, at in zip(organizations, users, days, joined_us, strict=True):
        if people.is_staff[user - 1] or signups.is_internal[organization]:
            continue
        before = [known for since, known in of_user.get(user, []) if since < created[organization]]
        if day == created_day[organization] and before:
            origins.setdefault(organization, before[-1])
        of_user.setdefault(user, []).append((at, organization))
    return origins


def _staff(people: People, signups: Signups, accounts: list[Account], rng: np.random.Generator) -> None:
    """Everybody at the vendor's domain is staff; support staff remain members of customers they helped."""
    is_vendor = np.array([email.endswith("@" + COMPANY_DOMAIN) for email in people.email])
    is_vendor |= np.array([email.endswith("." + COMPANY_DOMAIN) for email in people.email])
    people.is_staff = is_vendor
    staff = np.flatnonzero(is_vendor) + 1
    helped = [a for a in accounts if a.start_day > 30][::7]
    organizations = np.array([account.organizations[0] for account in helped])
    users = staff[rng.integers(0, len(staff), len(organizations))]
    joined = np.maximum(signups.created_us[organizations] + 5 * DAY_US, people.joined_us[users - 1] + DAY_US)
    inside = joined < END_US
    _join(people, organizations[inside], users[inside], ADMINISTRATOR, joined[inside])


def _see_regulars(people: People, accounts: list[Account], rng: np.random.Generator) -> None:
    """Most members of paying accounts were seen recently."""
    paying = [number for account in accounts if account.final_period is None for number in account.organizations]
    users = np.unique(people.member_user[np.isin(people.member_organization, paying)]) - 1
    users = users[rng.random(len(users)) < REGULAR_SHARE]
    ago = SECOND_US + (rng.exponential(REGULAR_MEAN_DAYS, len(users)) * DAY_US).astype(np.int64)
    people.seen_us[users] = np.maximum(people.seen_us[users], END_US - ago)


def _join(people: People, organizations: np.ndarray, users: np.ndarray, level: int, joined_us: np.ndarray) -> None:
    inside = (joined_us < END_US) & (joined_us >= FIRST_DAY_US) & (joined_us <= FIRST_DAY_US + DAYS * DAY_US)
    known = {(int(o), int(u)) for o, u in zip(people.member_organization, people.member_user, strict=True)}
    inside &= np.array([(int(o), int(u)) not in known for o, u in zip(organizations, users, strict=True)], bool)
    people.member_organization = np.concatenate([people.member_organization, organizations[inside]])
    people.member_user = np.concatenate([people.member_user, users[inside]])
    people.member_level = np.concatenate([people.member_level, np.full(int(inside.sum()), level)])
    people.member_joined_us = np.concatenate([people.member_joined_us, joined_us[inside]])
