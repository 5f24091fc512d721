"""A mail server and a web server on this machine that keep what they are sent."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class MailServer(socketserver.ThreadingTCPServer):
    """Enough of SMTP to take a message from `smtplib`, or to refuse it."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.port = self.server_address[1]
        self.mails: list[str] = []
        self.refuses = False


class _MailHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            command = line.split()[0].upper()
            if command == "QUIT":
                self._say("221 bye")
                return
            if command == "RCPT" and server.refuses:
                self._say("550 nobody by that name")
            elif command == "DATA":
                self._say("354 go on")
                lines = []
                while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                    lines.append(text)
                server.mails.append("\n".join(lines))
                self._say("250 taken")
            else:
                self._say("250 well")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class WebServer(ThreadingHTTPServer):
    """Keeps the JSON that is posted to it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _WebHandler)
        self.address = f"http://127.0.0.1:{self.server_address[1]}/hook/s3cret"
        self.posts: list[dict] = []
        self.status = 200


class _WebHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server: Any = self.server
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if server.status == 200:
            server.posts.append(content)
        self.send_response(server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests look at what was posted."""


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    """Let the server listen until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
