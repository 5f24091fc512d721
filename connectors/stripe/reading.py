"""Read whole objects from Stripe: lists, single objects by id, and those that events name."""

from collections.abc import Iterator
from urllib.parse import quote

from connectors.stripe.client import Object, StripeClient, StripeRefusedError
from connectors.stripe.key import refuse_other_mode
from connectors.stripe.kinds import (
    CREDIT_NOTES,
    CUSTOMERS,
    EVENT_TYPES,
    INVOICES,
    KIND_OF_OBJECT,
    SUBSCRIPTIONS,
    Kind,
    lacks_lines,
)

# A kind and the id of an object.
Place = tuple[Kind, str]


def changed_since(client: StripeClient, since: int, *, livemode: bool) -> set[Place]:
    """The objects that events since an instant (unix seconds) are about. Raises `LandingError`.

    The events' own copies of them are in the version of the account, so the objects are fetched.
    """
    places: set[Place] = set()
    for event_type in EVENT_TYPES:
        for page in client.pages("events", type=event_type, **{"created[gte]": since}):
            for event in page:
                refuse_other_mode(event, livemode=livemode)
                places.update(_touched(event["data"]["object"]))
    return places


def _touched(about: Object) -> Iterator[Place]:
    """What an event is about, and what changes with it without an event of its own."""
    kind = KIND_OF_OBJECT.get(about["object"])
    # The invoice of `invoice.upcoming` is not there yet, and has no id.
    if kind is not None and isinstance(about.get("id"), str):
        yield kind, about["id"]
    if kind is CREDIT_NOTES:
        yield INVOICES, about["invoice"]
    if kind is None:
        # A discount, a tax id or a source is part of a customer or of a subscription.
        for whole in (CUSTOMERS, SUBSCRIPTIONS):
            if isinstance(about.get(whole.name), str):
                yield whole, about[whole.name]


def whole_object(client: StripeClient, place: Place) -> Object | None:
    """The object with all its lines; None if it is not there. A deleted customer is a stub. Raises `LandingError`."""
    kind, object_id = place
    try:
        found = client.get(f"{kind.path}/{quote(object_id, safe='')}")
    except StripeRefusedError as refused:
        if refused.is_missing:
            return None
        raise
    return with_lines(client, kind, found)


def with_lines(client: StripeClient, kind: Kind, found: Object) -> Object | None:
    """The object with all its lines; None if it was deleted meanwhile. Raises `LandingError`."""
    if not lacks_lines(found):
        return found
    lines = found["lines"]
    # Those of a draft may have changed since the answer, so all are fetched; otherwise the answer has the first.
    first = [] if found.get("status") == "draft" else lines["data"]
    after = {"starting_after": first[-1]["id"]} if first else {}
    try:
        pages = list(client.pages(f"{kind.path}/{quote(found['id'], safe='')}/lines", **after))
    except StripeRefusedError as refused:
        if refused.is_missing:
            return None
        raise
    data = [*first, *(line for page in pages for line in page)]
    return found | {"lines": lines | {"data": data, "has_more": False}}
