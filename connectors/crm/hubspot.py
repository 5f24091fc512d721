"""HubSpot's companies, deals and owners as rows of the contract, by its CRM API v3.

https://developers.hubspot.com/docs/api-reference/legacy/crm (objects, owners, properties). Each list is read whole:
what changed is found by comparison with what was landed.
"""

from collections.abc import Callable, Iterator
from typing import Any

from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
from requests import Response

from connectors.crm.client import Client, Service, json_of
from connectors.crm.fields import ACCOUNTS, OPPORTUNITIES, CrmMapping, Rows
from connectors.crm.reading import Merge, Reading
from connectors.report import LandingError
from settings import Settings

NAME = "HubSpot"
# The most that a list gives at once.
PAGE_ROWS = 100
OBJECTS = {ACCOUNTS: "companies", OPPORTUNITIES: "deals"}
# The type of a deal's primary company. Of a deal that has none, the first company counts.
PRIMARY = "deal_to_company"
# What a mapping may name of an owner, behind the property that holds the owner: `hubspot_owner_id.email`.
OF_OWNERS = ("email", "team")


class HubSpot:
    """One reading of a HubSpot account. Raises `LandingError`."""

    def __init__(self, settings: Settings, mapping: CrmMapping) -> None:
        if settings.land_hubspot_token is None:
            raise LandingError("HubSpot needs a token: set GROWTH_LAND_HUBSPOT_TOKEN")
        service = Service(
            name=NAME,
            address=settings.land_hubspot_url,
            address_setting="GROWTH_LAND_HUBSPOT_URL",
            secret_setting="GROWTH_LAND_HUBSPOT_TOKEN",  # noqa: S106 (the name of the setting)
            explain=_explain,
            is_final=_is_daily_limit,
            records_key="results",
            paginator=lambda: JSONResponseCursorPaginator(cursor_path="paging.next.after", cursor_param="after"),
        )
        self._client = Client(service, BearerTokenAuth(token=settings.land_hubspot_token.get_secret_value()))
        self._mapping = mapping
        self._owners: dict[str, dict[str, Any]] = {}

    def faults(self) -> list[str]:
        """A sentence for each property that the mapping names wrongly, and each list that cannot be read."""
        found = [fault for table in OBJECTS for fault in self._wrong_names(table)]
        for first in (self._owners_list("false"), *(self._objects(table, {}) for table in OBJECTS)):
            try:
                next(first, None)
            except LandingError as error:
                found.append(str(error))
        return found

    def _wrong_names(self, table: str) -> Iterator[str]:
        """Compare the mapping with HubSpot's properties: a list leaves out in silence those that do not exist."""
        kind = OBJECTS[table]
        known = {
            each["name"] for each in self._list(f"properties of {kind}", f"/crm/v3/properties/{kind}", {}, {"name"})
        }
        for name in self._mapping.fields(table):
            holder, _, rest = name.partition(".")
            if holder not in known:
                yield (
                    f"HubSpot has no property {holder!r} of {kind}, which hubspot.yml names for {table}: write the "
                    "internal name of one that it has"
                )
            elif rest and rest not in OF_OWNERS:
                yield (
                    f"hubspot.yml names {name!r} for {table}, but of an owner only {' and '.join(OF_OWNERS)} can be "
                    f"read: write {holder}.{OF_OWNERS[0]}"
                )

    def read(self, reading: Reading) -> None:
        """Write the rows of accounts and opportunities, and note what was merged."""
        for fault in (fault for table in OBJECTS for fault in self._wrong_names(table)):
            raise LandingError(fault)
        # Owners who left still own what they did not hand over.
        for archived in ("false", "true"):
            self._owners |= {str(owner["id"]): owner for owner in self._owners_list(archived)}
        rows = Rows(ACCOUNTS, self._mapping.accounts)
        reading.write(rows, self._accounts(rows, reading))
        rows = Rows(OPPORTUNITIES, self._mapping.opportunities)
        reading.write(rows, self._opportunities(rows, reading))

    def _accounts(self, rows: Rows, reading: Reading) -> Iterator[list[str | None]]:
        for record in self._objects(ACCOUNTS, {}):
            merged = record["properties"].get(self._mapping.merges) or ""
            reading.merges += [Merge(each.strip(), record["id"]) for each in merged.split(";") if each.strip()]
            yield rows.row({"id": record["id"], "updated_at": record["updatedAt"]}, self._value_of(record))

    def _opportunities(self, rows: Rows, reading: Reading) -> Iterator[list[str | None]]:
        for record in self._objects(OPPORTUNITIES, {"associations": "companies"}):
            account_id = _company_of(record)
            if account_id is None:
                reading.without_account.append(record["id"])
                continue
            built_in = {
                "id": record["id"],
                "account_id": account_id,
                "created_at": record["createdAt"],
                "updated_at": record["updatedAt"],
            }
            yield rows.row(built_in, self._value_of(record))

    def _owners_list(self, archived: str) -> Iterator[dict[str, Any]]:
        return self._list("owners", "/crm/v3/owners", {"archived": archived}, {"id"})

    def _objects(self, table: str, parameters: dict[str, str]) -> Iterator[dict[str, Any]]:
        kind = OBJECTS[table]
        names = dict.fromkeys(name.partition(".")[0] for name in self._mapping.fields(table))
        return self._list(
            kind,
            f"/crm/v3/objects/{kind}",
            {"properties": ",".join(names), "archived": "false", **parameters},
            {"id", "properties", "createdAt", "updatedAt"},
        )

    def _list(self, what: str, path: str, parameters: dict[str, str], needs: set[str]) -> Iterator[dict[str, Any]]:
        return self._client.records(what, path, {"limit": PAGE_ROWS, **parameters}, needs)

    def _value_of(self, record: dict[str, Any]) -> Callable[[str], Any]:
        def value_of(name: str) -> Any:
            holder, _, rest = name.partition(".")
            value = record["properties"].get(holder)
            if not rest:
                return value
            owner = self._owners.get(str(value), {})
            return _team_of(owner) if rest == "team" else owner.get(rest)

        return value_of


def _team_of(owner: dict[str, Any]) -> str | None:
    """The name of the owner's main team."""
    teams = sorted(owner.get("teams") or [], key=lambda team: not team.get("primary"))
    return teams[0].get("name") if teams else None


def _company_of(deal: dict[str, Any]) -> str | None:
    companies = ((deal.get("associations") or {}).get("companies") or {}).get("results") or []
    primary = next((each for each in companies if each.get("type") == PRIMARY), companies[0] if companies else None)
    return str(primary["id"]) if primary else None


def _explain(response: Response, what: str) -> str | None:
    """What HubSpot says in its body: the scopes that are missing, or that the day's requests are used up."""
    if response.status_code == 403:
        errors = (json_of(response) or {}).get("errors") or []
        scopes = [scope for error in errors for scope in (error.get("context") or {}).get("requiredGranularScopes", [])]
        if scopes:
            return f"HubSpot does not let the token read {what}: give the private app the scope {' or '.join(scopes)}"
    if response.status_code == 401:
        return "HubSpot does not know the token: set GROWTH_LAND_HUBSPOT_TOKEN to the access token of a private app"
    if response.status_code == 429 and _is_daily_limit(response):
        return f"HubSpot's requests of this day are used up at {what}: land again after midnight of HubSpot's time zone"
    return None


def _is_daily_limit(response: Response) -> bool:
    return (json_of(response) or {}).get("policyName") == "DAILY"
