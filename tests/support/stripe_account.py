"""What a Stripe account holds: objects of the six kinds in the newest shape, and the events of their changes.

New objects are those that Stripe publishes (`stripe_shapes.json`), with what a test gives in their place.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from threading import RLock
from typing import Any

Object = dict[str, Any]

SHAPES = json.loads(Path(__file__).with_name("stripe_shapes.json").read_text())
# By path of the API: the kind of object, the prefix of its ids, and of its events.
KINDS = {
    "customers": ("customer", "cus", "customer"),
    "products": ("product", "prod", "product"),
    "prices": ("price", "price", "price"),
    "subscriptions": ("subscription", "sub", "customer.subscription"),
    "invoices": ("invoice", "in", "invoice"),
    "credit_notes": ("credit_note", "cn", "credit_note"),
}
PATH_OF_OBJECT = {kind: path for path, (kind, _, _) in KINDS.items()}
EVENT_DAYS = 30
DAY_SECONDS = 86_400
# From this version on, lines have a parent and pricing in place of a type and a price.
FIRST_NEW_SHAPE = "2025-03-31"
NEWEST_VERSION = "2026-12-31"


class StripeAccount:
    """One account. `now` is its clock in unix seconds; an `is_missed` change makes no event."""

    def __init__(
        self, *, livemode: bool = True, now: int = 1_795_000_000, api_version: str = "2025-08-27.basil"
    ) -> None:
        self.livemode, self.now, self.api_version = livemode, now, api_version
        self.objects: dict[str, dict[str, Object]] = {path: {} for path in KINDS}
        self.deleted: dict[str, str] = {}
        self.events: list[Object] = []
        # Ids of objects that changed since the last event about them.
        self.missed: set[str] = set()
        self.lock = RLock()
        self.changes = 0
        self._numbers = 0
        self._newest_first: dict[str, list[Object]] = {}

    # ------------------------------------------------------------------------------------------ changes

    def create(self, path: str, *, is_missed: bool = False, **fields: Any) -> Object:
        kind, prefix, _ = KINDS[path]
        with self.lock:
            made = copy.deepcopy(SHAPES[kind]) | {
                "id": f"{prefix}_{self._next():06d}", "created": self.now, "livemode": self.livemode, **fields,
            }  # fmt: skip
            self.objects[path][made["id"]] = made
            self._changed(path, made, "created", is_missed)
            return made

    def change(self, found: Object, *, event: str = "updated", is_missed: bool = False, **fields: Any) -> Object:
        with self.lock:
            found.update(fields)
            self._changed(PATH_OF_OBJECT[found["object"]], found, event, is_missed)
            return found

    def delete(self, found: Object, *, is_missed: bool = False) -> None:
        with self.lock:
            path = PATH_OF_OBJECT[found["object"]]
            del self.objects[path][found["id"]]
            self.deleted[found["id"]] = found["object"]
            self._changed(path, found, "deleted", is_missed)

    def create_invoice(self, customer: Object, lines: int = 1, **fields: Any) -> Object:
        """A draft with so many lines, each of 100 minor units and more."""
        with self.lock:
            invoice_id = fields.pop("id", f"in_{self._next():06d}")
            made = [_line(invoice_id, number, self.now, self.livemode) for number in range(lines)]
            total = sum(line["amount"] for line in made)
            subscription = {"type": "subscription_details", "quote_details": None}
            return self.create(
                "invoices", id=invoice_id, customer=customer["id"], status="draft", subtotal=total, total=total,
                parent=subscription | {"subscription_details": {"subscription": "sub_1", "metadata": {}}},
                amount_due=total, amount_remaining=total,
                lines={"object": "list", "has_more": False, "url": f"/v1/invoices/{invoice_id}/lines", "data": made},
                **fields,
            )  # fmt: skip

    def finalize(self, invoice: Object, *, is_missed: bool = False) -> None:
        """Make a draft open; nothing happens to an invoice that is none."""
        if invoice["status"] != "draft":
            return
        moments = invoice["status_transitions"] | {"finalized_at": self.now}
        self.change(
            invoice, event="finalized", is_missed=is_missed, status="open", status_transitions=moments,
            ending_balance=0, number=f"N-{invoice['id']}",
        )  # fmt: skip

    def pay(self, invoice: Object, *, is_missed: bool = False) -> None:
        self.finalize(invoice, is_missed=is_missed)
        moments = invoice["status_transitions"] | {"paid_at": self.now}
        self.change(
            invoice, event="paid", is_missed=is_missed, status="paid", status_transitions=moments,
            amount_paid=invoice["amount_due"], amount_remaining=0,
        )  # fmt: skip

    def void(self, invoice: Object, *, is_missed: bool = False) -> None:
        self.finalize(invoice, is_missed=is_missed)
        moments = invoice["status_transitions"] | {"voided_at": self.now}
        self.change(invoice, event="voided", is_missed=is_missed, status="void", status_transitions=moments)

    def credit(self, invoice: Object, amount: int, *, is_missed: bool = False) -> Object:
        """A credit note on an invoice's first line, which also changes the invoice."""
        with self.lock:
            note_id = f"cn_{self._next():06d}"
            line = copy.deepcopy(SHAPES["credit_note"]["lines"]["data"][0]) | {
                "id": f"cnli_{note_id}", "amount": amount, "invoice_line_item": invoice["lines"]["data"][0]["id"],
                "livemode": self.livemode, "tax_rates": [],
            }  # fmt: skip
            note = self.create(
                "credit_notes", is_missed=is_missed, id=note_id, invoice=invoice["id"], amount=amount,
                customer=invoice["customer"], status="issued", subtotal=amount, total=amount,
                lines={
                    "object": "list", "has_more": False, "url": f"/v1/credit_notes/{note_id}/lines", "data": [line],
                },
            )  # fmt: skip
            # Stripe sends an event of the note only.
            if is_missed:
                self.missed.add(invoice["id"])
            invoice["post_payment_credit_notes_amount"] += amount
            return note

    def tell(self, event_type: str, about: Object) -> None:
        """Make an event."""
        self.events.append(
            SHAPES["event"] | {
                "id": f"evt_{self._next():06d}", "created": self.now, "livemode": self.livemode, "type": event_type,
                "api_version": self.api_version, "data": {"object": about},
            }
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------ reading

    def newest_first(self, path: str) -> list[Object]:
        """The objects of a kind in the order of Stripe's lists."""
        with self.lock:
            if path not in self._newest_first:
                order = {id_: place for place, id_ in enumerate(self.objects[path])}
                objects = self.objects[path].values()
                self._newest_first[path] = sorted(objects, key=lambda o: (o["created"], order[o["id"]]), reverse=True)
            return self._newest_first[path]

    def recent_events(self) -> list[Object]:
        """Newest first; Stripe keeps thirty days."""
        with self.lock:
            return [event for event in reversed(self.events) if event["created"] >= self.now - EVENT_DAYS * DAY_SECONDS]

    def state(self) -> dict[str, dict[str, Object]]:
        """Everything there is, with all lines, and a stub of what was deleted."""
        with self.lock:
            state = {path: dict(objects) for path, objects in self.objects.items()}
            for id_, kind in self.deleted.items():
                state[PATH_OF_OBJECT[kind]][id_] = {"id": id_, "object": kind, "deleted": True}
            return state

    def everything(self) -> Iterator[Object]:
        for objects in self.objects.values():
            yield from objects.values()

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers

    def _changed(self, path: str, found: Object, event: str, is_missed: bool) -> None:
        self._newest_first.pop(path, None)
        self.changes += 1
        if is_missed:
            self.missed.add(found["id"])
            return
        self.missed.discard(found["id"])
        self.tell(f"{KINDS[path][2]}.{event}", in_version(copy.deepcopy(found), self.api_version))


def _line(invoice_id: str, number: int, now: int, livemode: bool) -> Object:
    shape = SHAPES["invoice"]["lines"]["data"][0]
    details = {"invoice_item": None, "proration": False, "subscription": "sub_1", "subscription_item": f"si_{number}"}
    return shape | {
        "id": f"il_{invoice_id}_{number}", "invoice": invoice_id, "amount": 100 + number, "livemode": livemode,
        "period": {"start": now - 30 * DAY_SECONDS, "end": now}, "subtotal": 100 + number,
        "parent": {"type": "subscription_item_details", "subscription_item_details": details},
        "pricing": {
            "type": "price_details", "unit_amount_decimal": "0.000000000012",
            "price_details": {"price": "price_1", "product": "prod_1"},
        },
    }  # fmt: skip


def in_version(found: Object, version: str) -> Object:
    """An object as a version of the API shows it: before 2025-03-31, invoices have the old shape."""
    if version > NEWEST_VERSION:
        return found | {"field_of_a_later_version": True}
    if version >= FIRST_NEW_SHAPE or found["object"] != "invoice" or "parent" not in found:
        return found
    parent = found.pop("parent") or {}
    found["subscription"] = parent.get("subscription_details", {}).get("subscription")
    found["tax"], found["paid"] = None, found["status"] == "paid"
    found["lines"]["data"] = [_old_line(line) for line in found["lines"]["data"]]
    return found


def _old_line(line: Object) -> Object:
    old = {name: value for name, value in line.items() if name not in ("parent", "pricing", "taxes", "subtotal")}
    details = line["parent"]["subscription_item_details"]
    price = line["pricing"]["price_details"]
    return old | {
        "type": "subscription", "subscription": details["subscription"], "proration": details["proration"],
        "subscription_item": details["subscription_item"], "tax_amounts": [], "tax_rates": [],
        "price": {"id": price["price"], "object": "price", "product": price["product"], "type": "recurring"},
    }  # fmt: skip
