"""The webhook receiver: each change is one POST with an idempotency key."""

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from pydantic import SecretStr

from serving.exports.lists import Change
from serving.exports.sent_ledger import SentLedger
from settings import LOOPBACK_HOSTS, UserError

if TYPE_CHECKING:
    from dlt.sources.helpers.requests import Client
    from requests import PreparedRequest

ATTEMPTS = 3
WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
TIMEOUT_SECONDS = 20.0
# Statuses that concern one change only; the next one may be accepted.
ABOUT_THE_CHANGE = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}
# Of an item that the receiver does not have. An address that is wrong is answered so for other changes, too.
NOT_THERE = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}


class NotSentError(UserError):
    """A failure that a retry does not fix. The message never contains the address, which is a secret."""


class ReceiverAwayError(ConnectionError):
    """The receiver did not answer or asked to wait; a retry may succeed."""


class Webhook:
    """Posts changes one by one and records each when the receiver has confirmed it."""

    batch_size = 1

    def __init__(self, url: SecretStr, token: SecretStr | None, ledger: SentLedger) -> None:
        self._url = url
        self._token = token
        self._ledger = ledger
        self._refused: list[str] = []
        self._not_there: list[tuple[Change, int]] = []
        self._takes_changes = False

    def receive(self, changes: Sequence[Change]) -> None:
        """Post each change. A refused change is listed and retried next time; the others are still sent.

        A receiver that lacks a removed item is as it should be, once another change has shown that the address is
        right.
        """
        for change in changes:
            self._ledger.begin(change)
            status = self._post(change)
            if change.kind == "removed" and status in NOT_THERE:
                self._not_there.append((change, status))
            elif status in ABOUT_THE_CHANGE:
                self._refused.append(_said(change, status))
            elif 200 <= status < 300:
                self._takes_changes = True
                self._ledger.confirm([change], [None])
            else:
                _raise_for(status)
            if self._takes_changes and self._not_there:
                gone = [each for each, _ in self._not_there]
                self._ledger.confirm(gone, [None] * len(gone))
                self._not_there.clear()

    @property
    def refused(self) -> list[str]:
        """The changes that the receiver does not have, each with its answer."""
        return [*self._refused, *(_said(change, status) for change, status in self._not_there)]

    @cached_property
    def _client(self) -> "Client":
        from dlt.sources.helpers.requests import Client

        return Client(
            request_timeout=TIMEOUT_SECONDS,
            raise_for_status=False,
            request_max_attempts=ATTEMPTS,
            request_backoff_factor=WAIT_SECONDS,
            request_max_retry_delay=LONGEST_WAIT_SECONDS,
        )

    def _post(self, change: Change) -> int:
        from requests import RequestException

        try:
            # Follow no redirect: the token is for this address only.
            answer = self._client.post(
                self._url.get_secret_value(),
                json=message(change),
                headers={"Idempotency-Key": change.idempotency_key},
                auth=self._sign,
                allow_redirects=False,
            )
        except RequestException as error:
            # The error's text contains the address.
            raise ReceiverAwayError(f"the receiver of exports did not answer ({type(error).__name__})") from None
        return answer.status_code

    def _sign(self, request: "PreparedRequest") -> "PreparedRequest":
        if self._token:
            request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        return request


def receiver_name(url: SecretStr) -> str:
    """The ledger's name for the address. Raises `NotSentError` if the address is not allowed."""
    address = urlsplit(url.get_secret_value())
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in LOOPBACK_HOSTS):
        raise NotSentError("GROWTH_EXPORT_URL must begin with https:// (http:// is allowed for this machine only)")
    return "webhook " + sha256(url.get_secret_value().encode()).hexdigest()[:12]


def _said(change: Change, status: int) -> str:
    return f"{change.list_name} {change.item} ({status})"


def _raise_for(status: int) -> NoReturn:
    summary = f"the receiver of exports answered {status}"
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
        raise ReceiverAwayError(
            f"{summary} {ATTEMPTS} times: confirmed changes are recorded, the rest is sent next time"
        )
    raise NotSentError(f"{summary}: check GROWTH_EXPORT_URL and GROWTH_EXPORT_TOKEN")


def message(change: Change) -> dict[str, Any]:
    """The JSON body of a change: fields for a CRM, and one line of text for a chat."""
    return {
        "idempotency_key": change.idempotency_key,
        "list": change.list_name,
        "change": change.kind,
        "as_of_date": change.as_of_date,
        "item": change.key,
        "values": change.values,
        "text": _text(change),
    }


def _text(change: Change) -> str:
    name = change.values.get("customer_name") or change.key["customer_id"]
    details = [f"{key}: {value}" for key, value in {**change.key, **change.values}.items() if value is not None]
    return for_chat(f"{change.list_name}: {change.kind} {name} ({', '.join(details)})")


def for_chat(text: str) -> str:
    """Text that mentions nobody: chats read angle brackets as links and mentions, and customers choose their names."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
