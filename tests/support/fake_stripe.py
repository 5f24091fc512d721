"""Stripe's REST API over real HTTP, for one account: lists, objects, lines, events, and the faults of a network.

It follows https://docs.stripe.com/api: lists are newest first and have at most 100 objects, ten lines are embedded, a
deleted customer is a stub and any other deleted object is missing, archived prices are listed when asked for and inline
ones never, and a key lacks what `forbidden` says.
"""

import re
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import simplejson

from tests.support.stripe_account import KINDS, Object, StripeAccount, in_version

EMBEDDED_LINES = 10
PERMISSIONS = {
    "customers": "rak_customer_read", "products": "rak_product_read", "prices": "rak_plan_read",
    "subscriptions": "rak_subscription_read", "invoices": "rak_invoice_read",
    "credit_notes": "rak_credit_note_read", "events": "rak_event_read",
}  # fmt: skip
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gte": lambda a, b: a >= b, "gt": lambda a, b: a > b, "lte": lambda a, b: a <= b, "lt": lambda a, b: a < b,
}  # fmt: skip


@dataclass
class Fault:
    """What happens to the next `times` requests whose path has `part` in it.

    A status answers with it; `cut` sends half a body and closes, `reset` closes at once, `hang` never answers.
    """

    part: str
    status: int = 0
    kind: str = "status"
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)


class _RefusedError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, **error: Any) -> None:
        self.status, self.error = status, {"type": "invalid_request_error", **error}


class FakeStripe:
    """The server. `requests` counts them by path without ids; `before` is called with each path."""

    def __init__(self, account: StripeAccount, key: str = "rk_live_fake") -> None:
        self.account, self.key = account, key
        self.forbidden: set[str] = set()
        self.faults: deque[Fault] = deque()
        self.requests: Counter[str] = Counter()
        self.paths: list[str] = []
        self.versions: set[str | None] = set()
        self.before: Callable[[str], None] = lambda path: None
        self.is_pretty = False
        # A text in place of every answer.
        self.plain: str | None = None
        self.closing = Event()
        self._links = 0
        # By kind and filters: the account's state, the list, and the place of each id in it.
        self._lists: dict[tuple[str, ...], tuple[int, list[Object], dict[str, int]]] = {}

    def answer(self, path: str, query: dict[str, str], headers: Any) -> Object:
        """The body of an answer. Raises `_RefusedError`."""
        if headers.get("Authorization") != f"Bearer {self.key}":
            raise _RefusedError(401, message="Invalid API Key provided: rk_live_********fake")
        _, kind, *rest = path.strip("/").split("/")
        if kind in self.forbidden:
            said = f"Having the '{PERMISSIONS[kind]}' permission would allow this request to continue."
            raise _RefusedError(403, message=f"The provided key 'rk_live_**fake' does not have the permissions. {said}")
        with self.account.lock:
            if kind == "events" and not rest:
                events = [event for event in self.account.recent_events() if _is_of_type(event, query)]
                return _page(path, events, query)
            if kind not in KINDS:
                raise _RefusedError(404, message=f"Unrecognized request URL (GET: {path})")
            if not rest:
                version = headers.get("Stripe-Version")
                page = _page(path, *self._listed(kind, query), query)
                return page | {"data": [self._shown(found, version) for found in page["data"]]}
            found = self._find(kind, rest[0])
            if rest[1:] == ["lines"]:
                return _page(path, found["lines"]["data"], query)
            return self._shown(found, headers.get("Stripe-Version"))

    def _find(self, kind: str, id_: str) -> Object:
        if id_ in self.account.objects[kind]:
            return self.account.objects[kind][id_]
        if kind == "customers" and id_ in self.account.deleted:
            return {"id": id_, "object": "customer", "deleted": True}
        raise _RefusedError(404, code="resource_missing", message=f"No such {KINDS[kind][0]}: '{id_}'", param="id")

    def _listed(self, kind: str, query: dict[str, str]) -> tuple[list[Object], dict[str, int]]:
        filters = {name: value for name, value in query.items() if name not in ("limit", "starting_after")}
        key = (kind, *(f"{name}={value}" for name, value in sorted(filters.items())))
        state, listed, places = self._lists.get(key, (-1, [], {}))
        if state != self.account.changes:
            listed = [found for found in self.account.newest_first(kind) if _is_listed(found, kind, query)]
            places = {found["id"]: place for place, found in enumerate(listed)}
            self._lists[key] = (self.account.changes, listed, places)
        return listed, places

    def _shown(self, found: Object, version: str | None) -> Object:
        """An object as an answer has it: ten lines, and links that are made for each answer."""
        lines = found.get("lines")
        shown = dict(found)
        if lines:
            cut = lines["data"][:EMBEDDED_LINES]
            shown["lines"] = {**lines, "data": cut, "has_more": len(cut) < len(lines["data"])}
        self._links += 1
        if found["object"] == "invoice" and found.get("status") != "draft" and "hosted_invoice_url" in found:
            shown["hosted_invoice_url"] = f"https://invoice.stripe.example/i/{self._links}"
            shown["invoice_pdf"] = f"https://pay.stripe.example/invoice/{self._links}/pdf"
        if "pdf" in found:
            shown["pdf"] = f"https://pay.stripe.example/credit_notes/{self._links}/pdf"
        return in_version(shown, version or self.account.api_version)

    def fault_for(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.part in path and fault.times:
                fault.times -= 1
                return fault
        return None


def _page(path: str, listed: list[Object], *more: dict[str, Any]) -> Object:
    """A page of a list; `more` is the query, and before it the place of each id if that is known."""
    *known, query = more
    limit, start = int(query.get("limit", 10)), 0
    if not 1 <= limit <= 100:
        raise _RefusedError(400, code="parameter_invalid_integer", param="limit")
    if "starting_after" in query:
        places = known[0] if known else {found["id"]: place for place, found in enumerate(listed)}
        if query["starting_after"] not in places:
            raise _RefusedError(400, code="resource_missing", param="starting_after", message="No such object")
        start = places[query["starting_after"]] + 1
    page = listed[start : start + limit]
    return {"object": "list", "url": path, "has_more": start + limit < len(listed), "data": page}


def _is_of_type(event: Object, query: dict[str, str]) -> bool:
    wanted = re.escape(query.get("type", "*")).replace(r"\*", ".*")
    return re.fullmatch(wanted, event["type"]) is not None and _is_created_within(event, query)


def _is_listed(found: Object, kind: str, query: dict[str, str]) -> bool:
    status = query.get("status", "not canceled" if kind == "subscriptions" else "all")
    fits = status == "all" or found.get("status") == status or (status[:3] == "not" and found["status"] != "canceled")
    if kind == "prices":
        fits = str(found["active"]).lower() == query.get("active", "true") and not found.get("is_inline")
    return fits and _is_created_within(found, query)


def _is_created_within(found: Object, query: dict[str, str]) -> bool:
    bounds = ((name[8:-1], bound) for name, bound in query.items() if name.startswith("created["))
    return all(COMPARISONS[comparison](found.get("created") or 0, int(bound)) for comparison, bound in bounds)


@contextmanager
def served(account: StripeAccount) -> Iterator[tuple[FakeStripe, str]]:
    """The fake and its address, until the block ends."""
    fake = FakeStripe(account)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield fake, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        fake.closing.set()
        server.shutdown()
        server.server_close()


def _handler(fake: FakeStripe) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(address.query).items()}
            fake.requests[re.sub(r"(?<=/)(\w+_[^/]+)", "ID", address.path.replace("credit_notes", "credit-notes"))] += 1
            fake.paths.append(self.path)
            fake.versions.add(self.headers.get("Stripe-Version"))
            fault = fake.fault_for(address.path)
            if fault and fault.kind in ("reset", "hang"):
                if fault.kind == "hang":
                    fake.closing.wait()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            if fault and fault.kind == "status":
                self._send(fault.status, {"error": fault.error}, fault.headers)
                return
            fake.before(address.path)
            try:
                status, body = 200, fake.answer(address.path, query, self.headers)
            except _RefusedError as refused:
                status, body = refused.status, {"error": refused.error}
            self._send(status, body, {}, cut=fault is not None)

        def _send(self, status: int, body: Object, headers: dict[str, str], *, cut: bool = False) -> None:
            text = (fake.plain or simplejson.dumps(body, indent=2 if fake.is_pretty else None)).encode()
            self.send_response_only(status)
            self.send_header("Date", formatdate(fake.account.now, usegmt=True))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text[: len(text) // 2] if cut else text)
            if cut:
                self.wfile.flush()
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

    return Handler
