"""Stripe's REST API: requests within a rate, bounded retries, and every error as one sentence."""

import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from dlt.common.configuration.specs import RuntimeConfiguration
from dlt.sources.helpers.requests import Client
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.auth import BearerTokenAuth
from requests import RequestException, Response

from connectors.report import LandingError
from connectors.stripe import exact_json
from settings import Settings

Object = dict[str, Any]
Item = TypeVar("Item")
Result = TypeVar("Result")

# Objects are asked for in this version, whatever the account's own is.
API_VERSION = "2025-08-27.basil"
PAGE_OBJECTS = 100
# Requests that wait for an answer at the same time; the rate limits how many start in a second.
REQUESTS_IN_FLIGHT = 8
RESOURCE_MISSING = "resource_missing"
NOTHING_LANDED = "nothing of this landing is kept"


class StripeRefusedError(LandingError):
    """Stripe refuses a request; `code` and `parameter` are those of its answer."""

    def __init__(self, sentence: str, code: str | None, parameter: str | None) -> None:
        super().__init__(sentence)
        self.is_missing = code == RESOURCE_MISSING
        self.is_lost_cursor = self.is_missing and parameter == "starting_after"


class StripeClient:
    """Reads one account. `requests` counts the requests that were made, retries left out."""

    def __init__(
        self,
        settings: Settings,
        *,
        requests_per_second: float | None = None,
        attempts: int = 7,
        backoff_seconds: float = 1.0,
        timeout_seconds: float = 60.0,
    ) -> None:
        """With the defaults, a request is given up after a minute of refusals, or seven timeouts."""
        self.host = urlsplit(settings.land_stripe_url).netloc
        self.requests = 0
        self._settings = settings
        self._attempts, self._backoff_seconds, self._timeout_seconds = attempts, backoff_seconds, timeout_seconds
        self._limiter = _Limiter(requests_per_second or settings.land_stripe_requests_per_second)
        self._local = threading.local()
        self._threads = ThreadPoolExecutor(REQUESTS_IN_FLIGHT, "stripe")

    def now(self) -> datetime:
        """Stripe's own clock, which all stamps of its objects are of; costs a request. Raises `LandingError`."""
        said = self._answer("events", {"limit": 1}).headers.get("Date")
        return parsedate_to_datetime(said) if said else datetime.now(UTC)

    def get(self, path: str, **parameters: object) -> Object:
        """The object, or page of a list, at a path below `/v1/`. Numbers keep their digits.

        Raises `LandingError`, and of it `StripeRefusedError` if the request cannot be answered.
        """
        response = self._answer(path, parameters)
        try:
            found = exact_json.loads(response.content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise LandingError(
                f"stripe: {self.host} answered /v1/{path} with something that is not an object in JSON: check "
                f"GROWTH_LAND_STRIPE_URL and what stands between; {NOTHING_LANDED}"
            )
        return found

    def pages(self, path: str, **parameters: object) -> Iterator[list[Object]]:
        """Every page of a list, each with at most 100 objects. Raises `LandingError`.

        Paging goes on from the last object that still exists: a draft may be deleted while it is the cursor.
        """
        cursors: list[str] = [str(parameters.pop("starting_after"))] if "starting_after" in parameters else []
        while True:
            after = {"starting_after": cursors[-1]} if cursors else {}
            try:
                page = self.get(path, limit=PAGE_OBJECTS, **parameters, **after)
            except StripeRefusedError as refused:
                if not refused.is_lost_cursor or len(cursors) < 2:
                    raise
                cursors.pop()
                continue
            yield page["data"]
            if not page["has_more"]:
                return
            ids = [found["id"] for found in page["data"]]
            if not ids or cursors[-1:] == ids[-1:]:
                raise LandingError(f"stripe: the list /v1/{path} does not end: report it to Stripe; {NOTHING_LANDED}")
            # The ids of the page before stay, for the case that all of this page are deleted.
            cursors = cursors[-PAGE_OBJECTS:] + ids

    def at_once(self, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """The results of `work` for each item, in order, several at the same time."""
        return self._threads.map(work, items)

    def close(self) -> None:
        """End the threads; what waits is given up."""
        self._threads.shutdown(cancel_futures=True)

    def _answer(self, path: str, parameters: dict[str, Any]) -> Response:
        self._limiter.wait()
        self.requests += 1
        try:
            response = self._rest_client.get(path, params=parameters, allow_redirects=False)
        except RequestException as error:
            raise LandingError(
                f"stripe: no whole answer from {self.host} to /v1/{path} in {self._attempts} tries "
                f"({type(error).__name__}): check the network and GROWTH_LAND_STRIPE_URL, and run again; "
                f"{NOTHING_LANDED}"
            ) from None
        if response.status_code != 200:
            raise _refusal(response, path, self._attempts, self.host)
        return response

    @property
    def _rest_client(self) -> RESTClient:
        """One of each thread, since a session is not made for several."""
        if not hasattr(self._local, "client"):
            self._local.client = self._connect()
        return self._local.client

    def _connect(self) -> RESTClient:
        key = self._settings.land_stripe_key
        sessions = Client(
            request_timeout=self._timeout_seconds,
            raise_for_status=False,
            request_max_attempts=self._attempts,
            request_backoff_factor=self._backoff_seconds,
        )
        return RESTClient(
            f"{self._settings.land_stripe_url}/v1",
            headers={"Stripe-Version": API_VERSION},
            auth=BearerTokenAuth(key.get_secret_value() if key else ""),
            session=sessions.session,
            # As it stands: dlt would look for files and variables of its own.
            config=RuntimeConfiguration(),
        )


class _Limiter:
    """Spaces requests of all threads evenly."""

    def __init__(self, per_second: float) -> None:
        self._interval, self._next, self._lock = 1 / per_second, 0.0, threading.Lock()

    def wait(self) -> None:
        with self._lock:
            start = max(time.monotonic(), self._next)
            self._next = start + self._interval
        time.sleep(max(0.0, start - time.monotonic()))


def _refusal(response: Response, path: str, attempts: int, host: str) -> StripeRefusedError:
    """What an error says. Stripe's own message may show a part of the key, so it is not used."""
    error = _error_of(response)
    code, parameter, status = error.get("code"), error.get("param"), response.status_code
    named = f"stripe: /v1/{path}"
    if status == 401:
        sentence = f"stripe: {host} does not know the key (401): set GROWTH_LAND_STRIPE_KEY to a valid restricted key"
    elif status == 403:
        permission = re.search(r"rak_\w+_(read|write)", str(error.get("message")))
        missing = path.partition("/")[0].replace("_", " ")
        name = f", which Stripe calls {permission.group()}" if permission else ""
        sentence = (
            f"stripe: the key must not read /v1/{path} (403): give the restricted key the permission to read "
            f"{missing}{name}"
        )
    elif status == 429:
        sentence = (
            f"{named} was refused {attempts} times for too many requests (429): lower "
            "GROWTH_LAND_STRIPE_REQUESTS_PER_SECOND, or run again when other programs ask less"
        )
    elif status >= 500:
        sentence = f"{named} failed {attempts} times at Stripe ({status}): see status.stripe.com, and run again"
    else:
        said = ", ".join(str(part) for part in (status, code, parameter) if part)
        sentence = f"{named} was refused ({said}): check GROWTH_LAND_STRIPE_URL, and that it is Stripe's"
    return StripeRefusedError(f"{sentence}; {NOTHING_LANDED}", code, parameter)


def _error_of(response: Response) -> Object:
    try:
        error = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return error if isinstance(error, dict) else {}
