"""HubSpot and Salesforce as far as their published APIs say what a reader sees, over HTTP on this machine.

Both speak pages of a few records, refuse a wrong secret, and have a list of faults that the next requests meet.
"""

import json
import re
import socket
import struct
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Fault = Callable[[Request], Response]
TOKEN = "pat-eu1-5ecret-token-of-a-private-app"
CLIENT_ID, CLIENT_SECRET = "3MVG9.client", "5ecret-of-the-client-app"
SESSION = "00D!5ecret-session"


def answer(status: int, body: Any = None, **headers: str) -> Fault:
    """A fault that answers with a status and JSON, or with a text."""
    text = body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: Response(text, status, named, content_type="application/json")


def reset_within_the_page(request: Request) -> Response:
    """Half a page, and a connection that is reset."""
    connection = request.environ["werkzeug.socket"]
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"results": [')
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    return Response("")


class FakeService:
    """Answers by the path of the request; `faults` come first, one a request, for paths that match."""

    def __init__(self, server: HTTPServer) -> None:
        self.address = server.url_for("").rstrip("/")
        self.requests: list[str] = []
        self.faults: deque[tuple[str, Fault]] = deque()
        self.page_rows = 3
        server.expect_request(re.compile("/.*")).respond_with_handler(self._answer)

    def fails(self, path: str, *faults: Fault) -> None:
        """The next requests for this path (a part of it) meet these faults, one each."""
        self.faults.extend((path, fault) for fault in faults)

    def _answer(self, request: Request) -> Response:
        self.requests.append(f"{request.method} {request.full_path}")
        if self.faults and self.faults[0][0] in request.path:
            return self.faults.popleft()[1](request)
        return self.answer(request)

    def answer(self, request: Request) -> Response:
        raise NotImplementedError


def _json(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status, content_type="application/json")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FakeHubSpot(FakeService):
    """Companies, deals and owners. Deals name their companies by id, the primary one first."""

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.properties: dict[str, list[str]] = {"companies": [], "deals": []}
        self.objects: dict[str, dict[str, dict[str, Any]]] = {"companies": {}, "deals": {}}
        self.companies_of: dict[str, list[str]] = {}
        self.owners: list[dict[str, Any]] = []

    def put(self, kind: str, record_id: str, properties: dict[str, Any], updated_at: str | None = None) -> None:
        """Create or change a record. `updated_at` is the instant of the change, as HubSpot sees it."""
        before = self.objects[kind].get(record_id, {"properties": {}, "createdAt": "2026-01-05T08:00:00.000Z"})
        self.objects[kind][record_id] = {
            "id": record_id,
            "properties": {**before["properties"], **properties},
            "createdAt": before["createdAt"],
            "updatedAt": updated_at or _now(),
            "archived": False,
        }

    def archive(self, kind: str, record_id: str) -> None:
        self.objects[kind][record_id]["archived"] = True

    def merge(self, merged: str, into: str) -> None:
        """HubSpot forgets the merged company and lists its id in the one that stays, with those it had itself."""
        gone, kept = self.objects["companies"].pop(merged)["properties"], self.objects["companies"][into]["properties"]
        ids = [merged, *filter(None, [gone.get("hs_merged_object_ids"), kept.get("hs_merged_object_ids")])]
        kept["hs_merged_object_ids"] = ";".join(ids)

    def answer(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            message = f"The token {request.headers.get('Authorization')} is unknown."
            return _json({"status": "error", "message": message, "category": "INVALID_AUTHENTICATION"}, 401)
        kind = request.path.rpartition("/")[2]
        if request.path == "/crm/v3/owners":
            owners = [o for o in self.owners if str(o.get("archived", False)).lower() == request.args["archived"]]
            return self._page(owners, request)
        if request.path.startswith("/crm/v3/properties/"):
            return _json({"results": [{"name": name} for name in self.properties[kind]]})
        if request.path.startswith("/crm/v3/objects/"):
            asked = request.args["properties"].split(",")
            is_archived = request.args["archived"] == "true"
            found = [self._shown(kind, o, asked) for o in self.objects[kind].values() if o["archived"] == is_archived]
            return self._page(sorted(found, key=lambda o: int(o["id"])), request)
        return _json({"status": "error", "message": "no such path"}, 404)

    def _shown(self, kind: str, record: dict[str, Any], asked: list[str]) -> dict[str, Any]:
        """Properties that were not asked for, or do not exist, are left out."""
        known = [name for name in asked if name in self.properties[kind]]
        shown = {**record, "properties": {name: record["properties"].get(name) for name in known}}
        if kind == "deals" and self.companies_of.get(record["id"]):
            primary, *_ = companies = self.companies_of[record["id"]]
            results = [{"id": each, "type": "deal_to_company_unlabeled"} for each in sorted(companies)]
            shown["associations"] = {"companies": {"results": [*results, {"id": primary, "type": "deal_to_company"}]}}
        return shown

    def _page(self, records: list[dict[str, Any]], request: Request) -> Response:
        after = request.args.get("after")
        rest = [record for record in records if after is None or int(record["id"]) > int(after)]
        page = rest[: self.page_rows]
        more = len(rest) > len(page)
        paging = {"paging": {"next": {"after": page[-1]["id"], "link": "…"}}} if more else {}
        return _json({"results": page, **paging})


class FakeSalesforce(FakeService):
    """Accounts with owners, and opportunities. Deleted records stay, marked, as in the recycle bin."""

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.fields: dict[str, set[str]] = {"Account": set(), "Opportunity": set()}
        self.objects: dict[str, dict[str, dict[str, Any]]] = {"Account": {}, "Opportunity": {}}
        self._cursors: dict[str, tuple[list[dict[str, Any]], int]] = {}

    def put(self, kind: str, record_id: str, fields: dict[str, Any], updated_at: str | None = None) -> None:
        before = self.objects[kind].get(record_id, {"Id": record_id, "CreatedDate": "2026-01-05T08:00:00.000+0000"})
        stamp = (updated_at or _now()).replace("Z", "+0000")
        self.objects[kind][record_id] = {**before, "IsDeleted": False, **fields, "SystemModstamp": stamp}

    def delete(self, kind: str, record_id: str, into: str | None = None) -> None:
        self.objects[kind][record_id] |= {"IsDeleted": True, **({"MasterRecordId": into} if into else {})}

    def answer(self, request: Request) -> Response:
        if request.path == "/services/oauth2/token":
            return self._token(request)
        if request.headers.get("Authorization") != f"Bearer {SESSION}":
            return _json([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], 401)
        version, _, place = request.path.removeprefix("/services/data/").partition("/")
        if not re.fullmatch(r"v\d\d\.0", version):
            return _json([{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}], 404)
        if place == "queryAll":
            return self._query(request.args["q"])
        return self._page(version, place.removeprefix("query/"))

    def _token(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.get_data(as_text=True)).items()}
        wanted = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        if form != wanted:
            return _json({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
        return _json({"access_token": SESSION, "instance_url": self.address, "token_type": "Bearer"})

    def _query(self, query: str) -> Response:
        found = re.fullmatch(r"SELECT (.+) FROM (\w+)(?: LIMIT (\d+))?", query)
        if found is None or found[2] not in self.objects:
            return _json([{"errorCode": "MALFORMED_QUERY", "message": f"unexpected token in {query}"}], 400)
        names, kind = found[1].split(", "), found[2]
        standard = {"Id", "CreatedDate", "SystemModstamp", "IsDeleted", "AccountId", "MasterRecordId"}
        missing = next((name for name in names if name not in self.fields[kind] | standard), None)
        if missing:
            message = (
                f"\nSELECT {missing}\n       ^\nERROR at Row:1:Column:8\nNo such column '{missing}' on entity '{kind}'."
            )
            return _json([{"errorCode": "INVALID_FIELD", "message": message}], 400)
        records = [_selected(record, names, kind) for record in self.objects[kind].values()][: int(found[3] or 10**9)]
        self._cursors["01g"] = (records, 0)
        return self._page("v63.0", "01g-0")

    def _page(self, version: str, cursor: str) -> Response:
        name, _, start = cursor.partition("-")
        records = self._cursors[name][0]
        end = int(start) + self.page_rows
        more = {"nextRecordsUrl": f"/services/data/{version}/query/{name}-{end}"} if end < len(records) else {}
        page = records[int(start) : end]
        return _json({"totalSize": len(records), "done": not more, **more, "records": page})


def _selected(record: dict[str, Any], names: list[str], kind: str) -> dict[str, Any]:
    """The record as a query shows it: `Owner.Email` is `{"Owner": {"Email": …}}`, null where nothing leads."""
    shown: dict[str, Any] = {"attributes": {"type": kind, "url": f"/sobjects/{kind}/{record['Id']}"}}
    for name in names:
        *holders, last = name.split(".")
        inner, value = shown, record.get(name)
        if holders and value is None:
            shown.setdefault(holders[0], None)
            continue
        for holder in holders:
            if inner.get(holder) is None:
                inner[holder] = {}
            inner = inner[holder]
        inner[last] = value
    return shown
