"""Pages of a CRM's REST API, read with dlt's client. Every failure is one sentence without secrets."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote_plus

from dlt.sources.helpers.requests import Client as Retrying
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import HTTPError, RequestException, Response, exceptions
from requests.auth import AuthBase

from connectors.report import LandingError

ATTEMPTS = 5
# Waits of 1, 2, 4 and 8 seconds, unless `Retry-After` says otherwise, of at most two minutes.
BACKOFF_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 120
SHOWN_CHARACTERS = 200
REFUSALS = {
    401: "does not accept the credentials for {what}: renew {secret_setting}",
    403: "does not let us read {what}: give the app the right to read them",
    404: "has no {what} at this address: check {address_setting}",
}
# Numbers stay as they were sent: money never passes through a float.
AS_SENT: dict[str, Any] = {"parse_float": str, "parse_int": str}


@dataclass(frozen=True)
class Service:
    """A CRM as its users know it: its name, and where its address and its secret are set."""

    name: str
    address: str
    address_setting: str
    secret_setting: str
    # What a refused request means, where the service has words of its own for it; None if it has none.
    explain: Callable[[Response, str], str | None]
    # A refusal that a wait of seconds does not help, such as a day's limit.
    is_final: Callable[[Response], bool]
    # The key of the records in a page, and how the next page is found.
    records_key: str
    paginator: Callable[[], BasePaginator]


class Client:
    """Reads lists of a service. Tries again after 429, 5xx and a connection that breaks."""

    def __init__(self, service: Service, auth: AuthBase) -> None:
        self.service = service
        self._client = RESTClient(service.address, auth=auth, session=session_of(service))

    def records(self, what: str, path: str, parameters: Mapping[str, Any], needs: set[str]) -> Iterator[dict[str, Any]]:
        """The records of every page, each with the keys `needs`. `what` names them in errors. Raises `LandingError`."""
        pages = self._client.paginate(
            path,
            params=dict(parameters),
            data_selector=self.service.records_key,
            paginator=self.service.paginator(),
            hooks={"response": [_raise_unless_ok]},
        )
        while (page := self._next(what, pages)) is not None:
            yield from self._records(what, page.response, needs)

    def _next(self, what: str, pages: Iterator[Any]) -> Any:
        try:
            return next(pages, None)
        except RequestException as error:
            if error.response is None:
                raise LandingError(self._unreachable(what, error)) from None
            raise LandingError(self._refusal(what, error.response)) from None
        except ValueError:
            raise LandingError(self._no_json(what)) from None

    def _records(self, what: str, response: Response, needs: set[str]) -> list[dict[str, Any]]:
        answer, key = response.json(**AS_SENT), self.service.records_key
        records = answer.get(key) if isinstance(answer, dict) else None
        if not isinstance(records, list):
            raise LandingError(f"{self.service.name} answers the request for {what} without {key}: {self._advice}")
        for record in records:
            lacks = sorted(needs - record.keys()) if isinstance(record, dict) else sorted(needs)
            if lacks:
                raise LandingError(f"{self.service.name} sends one of {what} without {lacks[0]}: {self._advice}")
        return records

    @property
    def _advice(self) -> str:
        return f"check that {self.service.address_setting} is the address of {self.service.name} itself"

    def _refusal(self, what: str, response: Response) -> str:
        service, status = self.service, response.status_code
        if explained := service.explain(response, what):
            return explained
        if status == 429:
            advice = f"refuses requests for {what} as too many, after {ATTEMPTS} attempts: land again later"
        elif status >= 500:
            advice = f"cannot answer for {what}, after {ATTEMPTS} attempts: land again later"
        elif status < 400:
            advice = f"sends the request for {what} elsewhere: set {service.address_setting} to where it is answered"
        else:
            advice = REFUSALS.get(status, "refuses the request for {what}: {said}").format(
                what=what,
                said=shown(response, response.text),
                address_setting=service.address_setting,
                secret_setting=service.secret_setting,
            )
        return f"{service.name} ({status}) {advice}"

    def _unreachable(self, what: str, error: Exception) -> str:
        service = self.service
        if isinstance(error, exceptions.JSONDecodeError):
            return self._no_json(what)
        if isinstance(error, exceptions.SSLError):
            return f"{service.name} at {service.address} has no certificate that is trusted: check the address"
        if isinstance(error, exceptions.Timeout):
            return f"{service.name} does not answer for {what} in time, after {ATTEMPTS} attempts: land again later"
        return (
            f"the connection to {service.name} at {service.address} fails or breaks at {what}, after {ATTEMPTS} "
            f"attempts: check {service.address_setting} and the network"
        )

    def _no_json(self, what: str) -> str:
        return f"{self.service.name} answers the request for {what} with something that is not JSON: {self._advice}"


def session_of(service: Service) -> Any:
    """A session of requests that tries again."""

    def is_temporary(response: Response | None, _: BaseException | None) -> bool:
        return response is not None and response.status_code == 429 and not service.is_final(response)

    return Retrying(
        raise_for_status=False,
        status_codes=tuple(range(500, 600)),
        retry_condition=is_temporary,
        request_max_attempts=ATTEMPTS,
        request_backoff_factor=BACKOFF_SECONDS,
        request_max_retry_delay=LONGEST_WAIT_SECONDS,
    ).session


def json_of(response: Response) -> Any:
    """The answer as JSON; None if it is something else."""
    try:
        return response.json()
    except ValueError:
        return None


def shown(response: Response, text: str) -> str:
    """A text of an answer on one line, cut, without the secrets of the request, which it may repeat."""
    request = response.request
    body: str = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
    token = str(request.headers.get("Authorization", "")).rpartition(" ")[2]
    secrets: list[str] = [token, *dict(parse_qsl(body)).values()]
    for secret in filter(None, secrets):
        text = text.replace(secret, "…").replace(quote_plus(secret), "…")
    return re.sub(r"\s+", " ", text).strip()[:SHOWN_CHARACTERS] or "without a reason"


def _raise_unless_ok(response: Response, *_: Any, **__: Any) -> None:
    # A redirect is refused too, before it is followed: it could lead the secret to another host.
    if response.status_code >= 300:
        raise HTTPError(response=response)
