"""The six kinds of Stripe objects that are landed, and what of an object tells that it changed."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from connectors.stripe import exact_json
from connectors.stripe.client import Object

# Every answer has as many lines in an invoice or credit note; the others are fetched.
EMBEDDED_LINES = 10
# Fields that differ with each answer (links that expire), or that Stripe counts on without an event.
NEVER_THE_SAME = ("hosted_invoice_url", "invoice_pdf", "pdf", "next_invoice_sequence")
UNSETTLED = ("draft", "open")


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind: its path below `/v1/`, which is also its table, and the name that its objects bear.

    `lists` has the parameters of each of the lists that its objects are in.
    """

    path: str
    name: str
    lists: tuple[dict[str, Any], ...] = ({},)
    is_listed_whole: bool = True


CUSTOMERS = Kind("customers", "customer")
PRODUCTS = Kind("products", "product")
# Stripe lists archived prices only when asked for them, and those made within an invoice or a checkout in no list.
PRICES = Kind("prices", "price", ({"active": "true"}, {"active": "false"}), is_listed_whole=False)
# Stripe lists cancelled subscriptions only when asked for all.
SUBSCRIPTIONS = Kind("subscriptions", "subscription", ({"status": "all"},))
CREDIT_NOTES = Kind("credit_notes", "credit_note")
INVOICES = Kind("invoices", "invoice")
# Invoices, which take longest, come last: a permission that is missing is met before.
KINDS = (CUSTOMERS, PRODUCTS, PRICES, SUBSCRIPTIONS, CREDIT_NOTES, INVOICES)
KIND_OF_OBJECT = {kind.name: kind for kind in KINDS}
# Wildcards of `/v1/events`. `customer.*` has those of subscriptions.
EVENT_TYPES = ("customer.*", "product.*", "price.*", "credit_note.*", "invoice.*")


def stub(kind: Kind, object_id: str) -> Object:
    """A deleted object, as Stripe's answer to a deletion shows it."""
    return {"id": object_id, "object": kind.name, "deleted": True}


def digest(found: Object) -> bytes:
    """Equal for two answers about an object that did not change."""
    lasting = {name: value for name, value in found.items() if name not in NEVER_THE_SAME}
    return blake2b(exact_json.dumps(lasting, sort_keys=True), digest_size=16).digest()


def embedded(found: Object) -> Object:
    """The object as an answer has it before its lines are completed."""
    lines = found.get("lines")
    if not isinstance(lines, dict) or len(lines.get("data") or ()) <= EMBEDDED_LINES:
        return found
    return found | {"lines": lines | {"data": lines["data"][:EMBEDDED_LINES], "has_more": True}}


def lacks_lines(found: Object) -> bool:
    return bool((found.get("lines") or {}).get("has_more"))
