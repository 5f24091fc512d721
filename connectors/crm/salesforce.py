"""Salesforce's accounts, their owners and opportunities as rows of the contract, by SOQL over its REST API.

https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest (QueryAll, errors) and the OAuth 2.0 client
credentials flow. Each list is read whole: what changed is found by comparison with what was landed.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from dlt.sources.helpers.rest_client.auth import OAuth2ClientCredentials
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator
from requests import Response

from connectors.crm.client import Client, Service, json_of, session_of, shown
from connectors.crm.fields import ACCOUNTS, OPPORTUNITIES, CrmMapping, Rows
from connectors.crm.reading import Merge, Reading
from connectors.report import LandingError
from settings import Settings

NAME = "Salesforce"
API_VERSION = "v63.0"
OBJECTS = {ACCOUNTS: "Account", OPPORTUNITIES: "Opportunity"}
ALWAYS = {
    ACCOUNTS: ("Id", "SystemModstamp", "IsDeleted"),
    OPPORTUNITIES: ("Id", "AccountId", "CreatedDate", "SystemModstamp", "IsDeleted"),
}
# The contract's columns that every record has.
BUILT_IN = {"id": "Id", "account_id": "AccountId", "created_at": "CreatedDate", "updated_at": "SystemModstamp"}
NO_FIELD = re.compile(r"(No such column '[^']*' on entity '[^']*'|Didn't understand relationship '[^']*')")


class Salesforce:
    """One reading of a Salesforce organization. Raises `LandingError`."""

    def __init__(self, settings: Settings, mapping: CrmMapping) -> None:
        address, secret = settings.land_salesforce_url, settings.land_salesforce_client_secret
        if not (address and settings.land_salesforce_client_id and secret):
            raise LandingError(
                "Salesforce needs an address and an app: set GROWTH_LAND_SALESFORCE_URL, "
                "GROWTH_LAND_SALESFORCE_CLIENT_ID and GROWTH_LAND_SALESFORCE_CLIENT_SECRET"
            )
        service = Service(
            name=NAME,
            address=address,
            address_setting="GROWTH_LAND_SALESFORCE_URL",
            secret_setting="GROWTH_LAND_SALESFORCE_CLIENT_SECRET",  # noqa: S106 (the name of the setting)
            explain=_explain,
            is_final=lambda response: False,
            records_key="records",
            paginator=lambda: JSONLinkPaginator("nextRecordsUrl"),
        )
        self._client = Client(service, _auth(service, settings.land_salesforce_client_id, secret.get_secret_value()))
        self._mapping = mapping

    def faults(self) -> list[str]:
        """A sentence for each kind of records that cannot be read: Salesforce names one wrong field at a time."""
        found = []
        for table in OBJECTS:
            try:
                next(self._query(table, "LIMIT 1"), None)
            except LandingError as error:
                found.append(str(error))
        return list(dict.fromkeys(found))

    def read(self, reading: Reading) -> None:
        """Write the rows of accounts and opportunities, and note what was merged."""
        rows = Rows(ACCOUNTS, self._mapping.accounts)
        reading.write(rows, self._accounts(rows, reading))
        rows = Rows(OPPORTUNITIES, self._mapping.opportunities)
        reading.write(rows, self._opportunities(rows, reading))

    def _accounts(self, rows: Rows, reading: Reading) -> Iterator[list[str | None]]:
        for record in self._query(ACCOUNTS):
            row = rows.row(_built_in(record), _value_of(record))
            master = self._mapping.merges and record[self._mapping.merges]
            if master and "organization_id" in rows.header:
                reading.merges.append(Merge(record["Id"], master, row[rows.header.index("organization_id")]))
            if not record["IsDeleted"]:
                yield row

    def _opportunities(self, rows: Rows, reading: Reading) -> Iterator[list[str | None]]:
        for record in self._query(OPPORTUNITIES):
            if record["IsDeleted"]:
                continue
            if record["AccountId"] is None:
                reading.without_account.append(record["Id"])
                continue
            yield rows.row(_built_in(record), _value_of(record))

    def _query(self, table: str, limit: str = "") -> Iterator[dict[str, Any]]:
        """Records with deleted ones, of which those in the recycle bin say what they were merged into."""
        kind = OBJECTS[table]
        names = list(dict.fromkeys([*ALWAYS[table], *self._mapping.fields(table)]))
        # The names match a pattern of names.
        query = f"SELECT {', '.join(names)} FROM {kind} {limit}".strip()  # noqa: S608
        path = f"/services/data/{API_VERSION}/queryAll"
        needs = {name.partition(".")[0] for name in names}
        return self._client.records(kind, path, {"q": query}, needs)


class ClientCredentials(OAuth2ClientCredentials):
    """The flow of dlt, which does not follow a redirect: that could lead the secret to another host."""

    def build_access_token_request(self) -> dict[str, Any]:
        return {**super().build_access_token_request(), "allow_redirects": False}


def _auth(service: Service, client_id: str, client_secret: str) -> Any:
    return ClientCredentials(
        access_token_url=f"{service.address}/services/oauth2/token",
        client_id=client_id,
        client_secret=client_secret,
        session=session_of(service),
    )


def _built_in(record: dict[str, Any]) -> dict[str, Any]:
    return {column: record.get(name) for column, name in BUILT_IN.items()}


def _value_of(record: dict[str, Any]) -> Callable[[str], Any]:
    def value_of(name: str) -> Any:
        value: Any = record
        for part in name.split("."):
            value = (value or {}).get(part)
        return value

    return value_of


def _explain(response: Response, what: str) -> str | None:
    """What Salesforce says in its body, which is a list of errors, or one error of OAuth."""
    answer = json_of(response)
    if isinstance(answer, dict) and "error" in answer:
        reason = shown(response, str(answer["error"]))
        return (
            f"Salesforce refuses the app ({reason}): check GROWTH_LAND_SALESFORCE_CLIENT_ID and _SECRET, and "
            "that the app allows the client credentials flow"
        )
    error = answer[0] if isinstance(answer, list) and answer and isinstance(answer[0], dict) else {}
    code, message = error.get("errorCode"), str(error.get("message", ""))
    if code == "INVALID_FIELD":
        found = NO_FIELD.search(message)
        said = found[1] if found else shown(response, message)
        return f"Salesforce on {what}: {said}; correct salesforce.yml, or let the app's user read the field"
    if code == "INVALID_TYPE":
        return f"Salesforce does not let the app's user read {what}: give the user a permission set that may"
    if code == "REQUEST_LIMIT_EXCEEDED":
        return f"Salesforce's requests of the last 24 hours are used up at {what}: land again later"
    if code == "INVALID_SESSION_ID":
        return f"Salesforce ended the session at {what}: land again, and check that the app's user is active"
    return None
