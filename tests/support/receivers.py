"""A mail server and a web server on this machine that keep what they are sent."""

import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class MailServer(socketserver.ThreadingTCPServer):
    """Enough of SMTP to take a message from `smtplib`, or to refuse it."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, encryption: ssl.SSLContext | None = None, *, from_the_start: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _MailHandler)
        self.port = self.server_address[1]
        self.mails: list[str] = []
        self.refuses = False
        self.encryption = encryption
        self.from_the_start = from_the_start

    def handle_error(self, *_: Any) -> None:
        """Nothing: a client that does not trust the server hangs up."""


class _MailHandler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        if server.from_the_start:
            self._encrypt()
        self._say("220 here")
        while line := self.rfile.readline().decode().strip():
            command = line.split()[0].upper()
            if server.encryption and command == "EHLO":
                self._say("250-here")
                self._say("250 STARTTLS")
                continue
            if command == "STARTTLS":
                self._say("220 go on")
                self._encrypt()
                continue
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

    def _encrypt(self) -> None:
        server: Any = self.server
        self.request = server.encryption.wrap_socket(self.request, server_side=True)
        self.setup()

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


def certificate_of(host: str, folder: Path) -> Path:
    """A file with a key and the certificate that it signs itself: a client trusts it only if it is told to."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    as_text = serialization.Encoding.PEM
    unencrypted = key.private_bytes(as_text, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(unencrypted + certificate.public_bytes(as_text))
    return path


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
