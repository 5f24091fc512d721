"""An S3 of the tests' own, which speaks HTTP on this machine and can answer that it is overloaded."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import fsspec
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug import Request, Response
from werkzeug.serving import make_server

SLOW_DOWN = "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@dataclass
class S3Server:
    """`url` is the address of the server. The next `overloaded` writes get 503 SlowDown."""

    url: str = ""
    overloaded: int = 0
    requests: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables that lead a client here."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def wrap(self, application: Callable) -> Callable:
        """The application behind a proxy that counts, and refuses while it is overloaded."""

        @Request.application
        def answer(request: Request) -> Callable:
            self.requests.append(f"{request.method} {request.path}")
            if request.method == "PUT" and self.overloaded:
                self.overloaded -= 1
                return Response(SLOW_DOWN, status=503, content_type="application/xml")
            return application

        return answer


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """A server with the bucket `landed`, in a thread."""
    server = S3Server()
    served = make_server("127.0.0.1", 0, server.wrap(DomainDispatcherApplication(create_backend_app)), threaded=True)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{served.server_port}"
    client = fsspec.filesystem("s3", endpoint_url=server.url, key="tests", secret="tests")
    client.call_s3("create_bucket", Bucket="landed")
    # fsspec keeps file systems by their arguments: one of an earlier server would be asked for this one's objects.
    type(client).clear_instance_cache()
    try:
        yield server
    finally:
        served.shutdown()
        thread.join()
