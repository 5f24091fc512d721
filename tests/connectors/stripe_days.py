"""Random days of a Stripe account: what is created, settled, credited, changed and deleted, with or without events."""

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random

from connectors.stripe.gather import OVERLAP, SECOND_LOOK
from connectors.stripe.state import LONGEST_GAP, LandingState, unix
from tests.connectors.stripe_landing import WRITES, Landing
from tests.support.stripe_account import DAY_SECONDS, KINDS, Object, StripeAccount

NOTE = "stripe/_watermark.json"
MISSED_SHARE = 0.15
CHANGES_WHILE_LANDING_SHARE = 0.3
# Days without a landing, now and then: some shorter and some longer than events live.
GAPS = (2, 5, 24, 26, 45)
Place = tuple[str, str]


class RandomDays:
    """Days of one account, each ending with a landing that is compared with the account."""

    def __init__(
        self, stripe: Landing, seed: int, changes_a_day: int = 6, kill_at: Callable[[int], None] | None = None
    ) -> None:
        """`kill_at` makes a landing that is killed at a moment, before that which comes to its end."""
        self.kill_at = kill_at
        self.stripe, self.account = stripe, stripe.account
        self.random = Random(seed)
        self.changes_a_day = changes_a_day
        self.found_by_full_lists = 0
        self.reasons = {"gap": 0, "weekly": 0}
        for kind in ("customers", "products", "prices", "subscriptions"):
            for _ in range(3):
                self._create(kind, is_missed=False)

    def one_day(self) -> None:
        """Changes, a landing, and the comparison."""
        days = self.random.choice(GAPS) if self.random.random() < 0.03 else 1
        for _ in range(days):
            begin, changes = self.account.now, self.random.randint(0, 2 * self.changes_a_day)
            for second in sorted(self.random.sample(range(DAY_SECONDS), changes)):
                self.account.now = begin + second
                self._change(is_missed=self.random.random() < MISSED_SHARE)
            self.account.now = begin + DAY_SECONDS
        before, state = self._hidden(self.stripe.differences()), self._state()
        known = {place: self.stripe.newest()[place[0]].get(place[1], {}) for place in before}
        started = self.account.now
        meanwhile = self._land()
        self._compare(state, before, known, meanwhile, started)

    def _land(self) -> set[str]:
        """Land; some objects change while it does. Returns their ids."""
        events = len(self.account.events)

        def change(path: str) -> None:
            if self.random.random() < 0.02:
                with self.account.lock:
                    self._change(is_missed=False)

        if self.random.random() < CHANGES_WHILE_LANDING_SHARE:
            self.stripe.fake.before = change
        if self.kill_at is not None:
            self.kill_at(self.random.randrange(WRITES))
        self.stripe.land()
        self.stripe.fake.before = lambda path: None
        return _about(self.account.events[events:])

    def _named_since(self, instant: datetime) -> set[str]:
        return _about([event for event in self.account.events if event["created"] >= unix(instant)])

    def _compare(
        self, state: LandingState | None, before: set[Place], known: dict[Place, Object], meanwhile: set[str], now: int
    ) -> None:
        """What differs after a landing is old and was changed in silence; after a full list, nothing differs."""
        different = {place for place in self.stripe.differences() if place[1] not in meanwhile}
        after = self._state()
        assert after is not None
        instant = datetime.fromtimestamp(now, UTC)
        if after.full_list_at != instant:
            assert different <= self._hidden(different), "an event or the second look must bring it"
            return
        assert different == set()
        if state is None or instant - state.landed_until > LONGEST_GAP:
            self.reasons["gap"] += 1
            return
        self.reasons["weekly"] += 1
        if self.kill_at is not None:
            # What the killed landing found is no news to the next.
            return
        young = now - int(SECOND_LOOK.total_seconds())
        # An event about an earlier change makes a landing fetch the object too.
        meanwhile = meanwhile | self._named_since(state.landed_until - OVERLAP)
        hidden = {
            (kind, id_)
            for kind, id_ in before
            if id_ not in meanwhile and known[(kind, id_)].get("status") not in ("draft", "open")
            and (known[(kind, id_)] or self.account.objects[kind][id_])["created"] < young
        }  # fmt: skip
        assert sum(after.found_by_full_list.values()) == len(hidden)
        self.found_by_full_lists += len(hidden)

    def _state(self) -> LandingState | None:
        note = self.stripe.root / NOTE
        return LandingState.model_validate_json(note.read_text()) if note.exists() else None

    def _hidden(self, places: set[Place]) -> set[Place]:
        """Those that neither an event nor the second look can tell of."""
        young = self.account.now - int(SECOND_LOOK.total_seconds())
        landed, there = self.stripe.newest(), self.account.objects
        hidden = set()
        for kind, id_ in places:
            known = landed[kind].get(id_) or there[kind].get(id_) or {}
            is_unsettled = kind == "invoices" and known.get("status") in ("draft", "open")
            if id_ in self.account.missed and known["created"] < young and not is_unsettled:
                hidden.add((kind, id_))
        return hidden

    # ------------------------------------------------------------------------------------------ changes

    def _change(self, *, is_missed: bool) -> None:
        changes: tuple[tuple[int, Callable[[bool], None]], ...] = (
            (4, self._invoice), (4, self._settle), (3, self._touch), (2, self._new), (1, self._delete),
            (1, self._credit), (1, self._cancel), (1, self._grow_draft),
        )  # fmt: skip
        weights = [weight for weight, _ in changes]
        [(_, change)] = self.random.choices(changes, weights)
        change(is_missed)

    def _pick(self, kind: str, *statuses: str) -> Object | None:
        found = [each for each in self.account.objects[kind].values() if not statuses or each["status"] in statuses]
        return self.random.choice(found) if found else None

    def _create(self, kind: str, *, is_missed: bool) -> None:
        fields: dict[str, object] = {"metadata": {"number": str(self.random.random())}}
        if kind == "subscriptions":
            fields["status"] = "active"
        self.account.create(kind, is_missed=is_missed, **fields)

    def _new(self, is_missed: bool) -> None:
        kind = self.random.choice(("customers", "customers", "products", "prices", "subscriptions"))
        self._create(kind, is_missed=is_missed)

    def _invoice(self, is_missed: bool) -> None:
        lines = self.random.choice((1, 2, 3, 10, 11, 120))
        customer = self._pick("customers")
        if customer is not None:
            self.account.create_invoice(customer, lines=lines, is_missed=is_missed)

    def _settle(self, is_missed: bool) -> None:
        invoice = self._pick("invoices", "draft", "open")
        if invoice is not None:
            settle = self.random.choice((self.account.finalize, self.account.pay, self.account.void))
            settle(invoice, is_missed=is_missed)

    def _touch(self, is_missed: bool) -> None:
        found = self._pick(self.random.choice(list(KINDS)))
        if found is not None:
            self.account.change(found, is_missed=is_missed, metadata={"touched": str(self.random.random())})

    def _delete(self, is_missed: bool) -> None:
        kind = self.random.choice(("customers", "products", "prices", "invoices", "invoices", "invoices"))
        found = self._pick(kind, *(("draft",) if kind == "invoices" else ()))
        if found is not None:
            self.account.delete(found, is_missed=is_missed)

    def _credit(self, is_missed: bool) -> None:
        invoice = self._pick("invoices", "paid")
        if invoice is not None:
            self.account.credit(invoice, self.random.randint(1, 100), is_missed=is_missed)

    def _cancel(self, is_missed: bool) -> None:
        subscription = self._pick("subscriptions", "active")
        if subscription is not None:
            moments = {"canceled_at": self.account.now, "ended_at": self.account.now}
            self.account.change(subscription, event="deleted", is_missed=is_missed, status="canceled", **moments)

    def _grow_draft(self, is_missed: bool) -> None:
        """Change the last line, which of a long draft no list shows."""
        draft = self._pick("invoices", "draft")
        if draft is not None:
            *first, last = draft["lines"]["data"]
            lines = [*first, last | {"description": str(self.random.random())}]
            self.account.change(draft, is_missed=is_missed, lines=draft["lines"] | {"data": lines})


def _about(events: list[Object]) -> set[str]:
    """Ids of the objects that events are about; those of credit notes are about the invoice too."""
    objects = [event["data"]["object"] for event in events]
    return {found["id"] for found in objects} | {found["invoice"] for found in objects if "invoice" in found}


def account_of_days() -> StripeAccount:
    """An account whose own version of the API is older than the pinned one."""
    return StripeAccount(api_version="2022-11-15")
