"""A CRM that takes work lists over HTTP, and knows a change again by its idempotency key."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class FakeCrm:
    """What arrived, and how to answer: `answer` is given the number of the request, from 1."""

    url: str = ""
    answer: Callable[[int], int] = lambda _: 200
    requests: list[dict[str, Any]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    held: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """The key of each request, in the order of arrival."""
        return [request["idempotency_key"] for request in self.requests]

    def changes(self) -> list[tuple[str, str, str]]:
        """List, kind and customer of the changes that it holds."""
        return [(each["list"], each["change"], each["item"]["customer_id"]) for each in self.held.values()]


@contextmanager
def fake_crm() -> Iterator[FakeCrm]:
    """A server on a free port of this machine, until the block ends."""
    crm = FakeCrm()
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                assert self.headers["Idempotency-Key"] == body["idempotency_key"]
                crm.requests.append(body)
                crm.authorizations.append(self.headers["Authorization"])
                number = len(crm.requests)
            status = crm.answer(number)
            if status == 200:
                crm.held.setdefault(body["idempotency_key"], body)
            self.send_response(status)
            self.send_header("Location", crm.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    crm.url = f"http://127.0.0.1:{server.server_address[1]}/hooks/T0SECRET"
    try:
        yield crm
    finally:
        server.shutdown()
        server.server_close()
