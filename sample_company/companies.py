"""The company behind each organization: kind, name, domain, country, and companies in both regions."""

import itertools
from dataclasses import dataclass

import numpy as np

from sample_company.accounts import Account, free_organization_after
from sample_company.parameters import COMPANY_DOMAIN, COMPANY_NAME
from sample_company.signups import Signups

KINDS = ("hobby", "micro", "startup", "scaleup", "enterprise", "agency", "school", "nonprofit")
FREE_KIND_WEIGHTS = np.array([0.37, 0.28, 0.18, 0.045, 0.035, 0.05, 0.025, 0.015])
KIND_OF_GROUP = {
    "1m": ("scaleup", "enterprise", "enterprise"),
    "50k": ("scaleup", "startup", "scaleup", "enterprise"),
    "25k": ("startup", "scaleup", "startup"),
    "5k": ("startup", "startup", "micro", "scaleup"),
    "first_bill": ("startup", "micro", "startup"),
    "1k": ("micro", "startup", "hobby", "agency"),
    "micro": ("micro", "hobby", "micro", "nonprofit"),
    "churned": ("micro", "startup", "micro"),
    "startup": ("micro", "micro", "startup"),
    "card_only": ("hobby", "micro", "startup"),
}
FREE_MAIL_SHARES = {"hobby": 0.78, "micro": 0.16, "agency": 0.1, "school": 0.3, "nonprofit": 0.1}
COUNTRIES_US = ("US",) * 13 + ("CA", "BR", "IN", "AU", "SG", "JP", "MX")
COUNTRIES_EU = ("DE", "GB", "FR", "NL", "SE", "ES", "PL", "IE", "CH", "DK", "DE", "GB")
FIRST_PARTS = (
    "Acorn", "Amber", "Anchor", "Apex", "Arbor", "Aster", "Atlas", "Aurora", "Basalt", "Beacon", "Birch",
    "Blue", "Bold", "Brass", "Bright", "Brook", "Canyon", "Cedar", "Cinder", "Clear", "Cloud", "Cobalt",
    "Copper", "Coral", "Crest", "Crimson", "Crow", "Dawn", "Delta", "Drift", "Dune", "Echo", "Elder", "Ember",
    "Falcon", "Fern", "Field", "Finch", "Fjord", "Flint", "Forge", "Fox", "Frost", "Garnet", "Glacier", "Gold",
    "Granite", "Grove", "Harbor", "Hawk", "Hazel", "Heron", "High", "Hollow", "Indigo", "Iron", "Ivory", "Jade",
    "Juniper", "Kestrel", "Lake", "Lark", "Linden", "Loom", "Lunar", "Maple", "Marble", "Meadow", "Mint",
    "Moss", "North", "Nova", "Oak", "Ocean", "Onyx", "Opal", "Orchard", "Otter", "Pebble", "Pine", "Plum",
    "Quarry", "Quartz", "Quill", "Raven", "Reed", "Ridge", "River", "Robin", "Rowan", "Sable", "Saffron",
    "Sage", "Sequoia", "Silver", "Slate", "Solar", "Sparrow", "Spruce", "Stone", "Storm", "Summit", "Swift",
    "Thistle", "Timber", "Topaz", "Umber", "Vale", "Velvet", "Violet", "Willow", "Wren",
)  # fmt: skip
SECOND_PARTS = (
    "base", "beam", "bell", "bird", "bloom", "board", "bound", "box", "bridge", "byte", "cast", "chart",
    "chain", "craft", "crest", "dash", "deck", "desk", "dock", "draft", "feed", "field", "fin", "flow", "fold",
    "forge", "form", "frame", "front", "gate", "gear", "glass", "grid", "guard", "hall", "hand", "harvest",
    "haven", "hive", "hub", "ink", "kit", "lab", "lane", "leaf", "ledger", "lens", "light", "line", "link",
    "list", "loft", "loop", "lot", "mark", "mate", "mesh", "mill", "mind", "mint", "pad", "pass", "path", "pay",
    "peak", "pilot", "pipe", "place", "plan", "point", "port", "post", "press", "pulse", "quest", "rail",
    "rank", "reach", "relay", "ring", "root", "route", "scale", "scope", "script", "seed", "send", "set",
    "shelf", "shift", "ship", "sight", "sign", "space", "spark", "spot", "stack", "stage", "step", "stream",
    "sync", "tap", "tide", "trace", "track", "trail", "vault", "verse", "view", "vine", "ward", "ware", "watch",
    "wave", "way", "well", "wheel", "wing", "wire", "wise", "works", "yard",
)  # fmt: skip
THIRD_PARTS = ("", "", "", " Labs", " AI", " Software", " Health", " Studio", " Systems", " Analytics", " Games")
GIVEN_NAMES = (
    "Ada", "Alba", "Amir", "Ana", "Anouk", "Aoife", "Arun", "Asha", "Ben", "Bruno", "Carla", "Chidi", "Chloe",
    "Dana", "Daria", "Diego", "Ella", "Emil", "Erik", "Esra", "Farah", "Felix", "Freya", "Gita", "Grace",
    "Hana", "Hugo", "Ida", "Imani", "Ines", "Ivan", "Jana", "Jonas", "Joon", "Kai", "Karim", "Keiko", "Lena",
    "Leo", "Lia", "Liam", "Linh", "Luca", "Maja", "Mara", "Marco", "Mei", "Mila", "Milan", "Nadia", "Neha",
    "Nico", "Nina", "Noah", "Nora", "Olga", "Omar", "Oscar", "Paula", "Petra", "Priya", "Quinn", "Rafa",
    "Rania", "Remy", "Rina", "Rosa", "Ruth", "Samir", "Sara", "Selin", "Simon", "Sofia", "Sven", "Tara", "Theo",
    "Tomas", "Uma", "Vera", "Viktor", "Wei", "Will", "Yara", "Yuki", "Zain", "Zoe",
)  # fmt: skip
FAMILY_NAMES = (
    "Abe", "Adler", "Ahmed", "Alves", "Andersen", "Arnold", "Aziz", "Baker", "Banks", "Bauer", "Becker",
    "Bennett", "Berg", "Bianchi", "Bond", "Boyd", "Brandt", "Brooks", "Castro", "Chen", "Clarke", "Cohen",
    "Costa", "Cruz", "Dahl", "Das", "Diaz", "Dubois", "Duran", "Eriksen", "Evans", "Farrell", "Fischer",
    "Flores", "Ford", "Fuchs", "Garcia", "Ghosh", "Gomez", "Grant", "Gray", "Gupta", "Haas", "Hansen", "Hayes",
    "Hirsch", "Holm", "Hughes", "Ito", "Ivanov", "Jensen", "Jones", "Kapoor", "Kato", "Keller", "Khan", "Kim",
    "Klein", "Koch", "Kumar", "Lang", "Larsen", "Lee", "Lewis", "Li", "Lind", "Lopez", "Lund", "Mann", "Marsh",
    "Mehta", "Meyer", "Mori", "Moreau", "Nagy", "Nair", "Nash", "Nielsen", "Novak", "Okafor", "Olsen", "Ortiz",
    "Park", "Patel", "Perez", "Petit", "Popov", "Rao", "Reyes", "Ricci", "Rossi", "Roy", "Ruiz", "Sato", "Shah",
    "Silva", "Singh", "Sousa", "Stone", "Suzuki", "Tan", "Torres", "Vargas", "Vogel", "Wagner", "Walsh", "Wang",
    "Weber", "West", "Wolf", "Wong", "Wright", "Yilmaz", "Young", "Zhang", "Ziegler",
)  # fmt: skip


@dataclass(frozen=True)
class Merge:
    """One row of account_merges: an organization of the same company as another."""

    organization: int
    canonical: int
    note: str


@dataclass
class Companies:
    """The company of each organization; `of` is the organization whose company it shares, usually itself."""

    of: np.ndarray
    kind: np.ndarray
    name: list[str]
    domain: list[str]
    has_free_mail: np.ndarray
    country: list[str]


def merge_regions(signups: Signups, accounts: list[Account], rng: np.random.Generator) -> list[Merge]:
    """Create companies with organizations in both regions: two that pay, one that pays and one free, and chains."""
    able = [
        a for a in accounts
        if a.kind == "payg" and len(a.organizations) == 1 and a.group in ("5k", "1k", "25k")
        and a.currency == "usd" and a.start_day < 600 and "deleted_customer" not in a.traits
    ]  # fmt: skip
    count = max(4, len(able) // 12)
    chosen = [able[index] for index in rng.choice(len(able), 2 * count, replace=False)]
    used = {organization for account in accounts for organization in account.organizations}
    merges = []
    for number in range(count):
        first, second = chosen[2 * number], chosen[2 * number + 1]
        canonical, other = first.organizations[0], second.organizations[0]
        first.traits.add("merged")
        if number % 2 == 0:
            second.traits.add("merged")
            merges.append(Merge(other, canonical, "pays in both regions"))
            signups.is_eu[other] = not signups.is_eu[canonical]
            continue
        middle = _free(signups, accounts, rng, used)
        signups.is_eu[middle] = not signups.is_eu[canonical]
        merges.append(Merge(middle, canonical, "second region, never paid"))
        if number % 4 == 1:
            end = _free(signups, accounts, rng, used)
            merges.append(Merge(end, middle, "opened for a subsidiary; see the other row"))
    return merges


def simulate_companies(
    signups: Signups, accounts: list[Account], merges: list[Merge], rng: np.random.Generator
) -> Companies:
    """Kinds, names and domains; organizations of one account or merge share a company."""
    count = len(signups.ids)
    of = _shared(count, accounts, merges, rng)
    kind = rng.choice(len(KINDS), count, p=FREE_KIND_WEIGHTS / FREE_KIND_WEIGHTS.sum())
    for account in accounts:
        kinds = KIND_OF_GROUP[account.group]
        kind[account.organizations] = KINDS.index(kinds[account.number % len(kinds)])
    kind = kind[of]
    share = np.array([FREE_MAIL_SHARES.get(name, 0.0) for name in KINDS])
    has_free_mail = (rng.random(count) < share[kind])[of]
    for account in accounts:
        if account.group in ("1m", "50k", "25k", "5k", "first_bill"):
            has_free_mail[account.organizations] = False
    has_free_mail = has_free_mail[of] & ~signups.is_internal
    names, domains = _names(count, rng)
    given, family = rng.integers(0, len(GIVEN_NAMES), count), rng.integers(0, len(FAMILY_NAMES), count)
    for organization in range(count):
        if signups.is_internal[organization]:
            names[organization], domains[organization] = f"{COMPANY_NAME} (internal {organization})", COMPANY_DOMAIN
        elif has_free_mail[organization] and of[organization] == organization and given[organization] % 3:
            person = f"{GIVEN_NAMES[given[organization]]} {FAMILY_NAMES[family[organization]]}"
            names[organization] = f"{person}'s projects" if given[organization] % 2 else person
    return Companies(
        of=of,
        kind=kind,
        name=[names[parent] for parent in of],
        domain=[domains[parent] for parent in of],
        has_free_mail=has_free_mail,
        country=_countries(signups, accounts, of, rng),
    )


def _free(signups: Signups, accounts: list[Account], rng: np.random.Generator, used: set[int]) -> int:
    while True:
        organization = free_organization_after(signups, accounts, rng, 30)
        if organization is None:
            raise ValueError("the sample company is too small for its merges")
        if organization not in used:
            used.add(organization)
            return organization


def _shared(count: int, accounts: list[Account], merges: list[Merge], rng: np.random.Generator) -> np.ndarray:
    """Share companies within accounts and merges, and between a few organizations that no merge records."""
    of = np.arange(count)
    for account in accounts:
        of[account.organizations] = account.organizations[0]
    for merge in merges:
        of[merge.organization] = of[merge.canonical]
    fixed = {merge.organization for merge in merges} | {o for a in accounts for o in a.organizations}
    for later in rng.choice(count, count // 60, replace=False):
        if later not in fixed and later > 10:
            earlier = int(rng.integers(0, later))
            if of[earlier] == earlier and earlier not in fixed:
                of[later] = earlier
    for _ in range(3):
        of = of[of]
    return of


def _names(count: int, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Names and mail domains, each domain once; when every name is taken they go on with a number."""
    numbers = rng.permutation(len(FIRST_PARTS) * len(SECOND_PARTS) * len(THIRD_PARTS)).tolist()
    names: dict[str, str] = {}
    for series in itertools.count(1):
        for number in numbers:
            rest, third = divmod(number, len(THIRD_PARTS))
            first, second = divmod(rest, len(SECOND_PARTS))
            name = FIRST_PARTS[first] + SECOND_PARTS[second] + THIRD_PARTS[third]
            name += f" {series}" if series > 1 else ""
            names.setdefault(name.lower().replace(" ", "-") + ".example", name)
            if len(names) == count:
                return list(names.values()), list(names)
    raise AssertionError("series of names have no end")


def _countries(signups: Signups, accounts: list[Account], of: np.ndarray, rng: np.random.Generator) -> list[str]:
    draw = rng.random(len(of))
    countries = [
        (COUNTRIES_EU if is_eu else COUNTRIES_US)[int(number * len(COUNTRIES_EU if is_eu else COUNTRIES_US))]
        for is_eu, number in zip(signups.is_eu, draw, strict=True)
    ]
    for account in accounts:
        countries[account.organizations[0]] = account.country
    return [countries[parent] for parent in of]
