"""One landing's objects: everything, or what events name and what is looked at a second time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.report import LandingError
from connectors.stripe.client import NOTHING_LANDED, Object, StripeClient
from connectors.stripe.collect import Collection
from connectors.stripe.kinds import INVOICES, KINDS, UNSETTLED, Kind, lacks_lines, stub
from connectors.stripe.landed import Change, LandedIndex
from connectors.stripe.reading import Place, changed_since, whole_object, with_lines
from connectors.stripe.state import LandingState, unix

# Events may become visible late.
OVERLAP = timedelta(hours=1)
SECOND_LOOK = timedelta(days=35)
# So many objects may be gone, whatever their share.
FEW = 10
SHOWN = 5


@dataclass
class Gathering:
    """Gathers into `collection`. `now` is Stripe's time at the start; `warnings` are sentences."""

    client: StripeClient
    index: LandedIndex
    collection: Collection
    now: datetime
    max_lost_share: float
    warnings: list[str] = field(default_factory=list)
    # What a list or a fetch gave after the events were read, and what of it was new or changed.
    _seen: set[Place] = field(default_factory=set)
    _changes: dict[Place, Change] = field(default_factory=dict)

    def everything(self) -> None:
        """The full lists. Raises `LandingError`."""
        self._list_all(named=set(), since=None)

    def changes(self, state: LandingState) -> None:
        """What events name, what was created in the last 35 days, and every draft or open invoice.

        Raises `LandingError`.
        """
        named, since = self._named_since(state.landed_until - OVERLAP), unix(self.now - SECOND_LOOK)
        unsettled = {(INVOICES, each) for status in UNSETTLED for each in self.index.ids(INVOICES, status=status)}
        self._list_all(named, since)
        for status in UNSETTLED:
            self._list(INVOICES, {"status": status, "created[lt]": since})
        # Lists are read after events, so what a list gave is as new as its event.
        self._fetch((named | unsettled) - self._seen)

    def everything_as_check(self, state: LandingState) -> dict[str, int]:
        """The full lists. Returns, by table, how many changes neither an event nor the second look would have found.

        Raises `LandingError`.
        """
        named = self._named_since(state.landed_until - OVERLAP)
        self._list_all(named, since=None)
        self._fetch(named - self._seen)
        hidden = [place for place in self._changes if place not in named and not self._is_looked_at(place)]
        if hidden:
            # Objects may also have changed while they were listed.
            later = self._named_since(self.now)
            hidden = [place for place in hidden if place not in later]
        found = {kind.path: [each for of, each in hidden if of is kind] for kind in KINDS}
        self.warnings += [_say_found(path, ids) for path, ids in found.items() if ids]
        return {path: len(ids) for path, ids in found.items() if ids}

    def _named_since(self, instant: datetime) -> set[Place]:
        return changed_since(self.client, unix(instant), livemode=self.collection.livemode)

    def _is_looked_at(self, place: Place) -> bool:
        """Whether the second look of the landing before would have found the change."""
        change = self._changes[place]
        was_unsettled = change.before is not None and change.before.status in UNSETTLED
        return change.created >= unix(self.now - SECOND_LOOK) or (place[0] is INVOICES and was_unsettled)

    def _list_all(self, named: set[Place], since: int | None) -> None:
        """List the objects of each kind, or those created from `since` on, and fetch those that are gone from it."""
        for kind in KINDS:
            expected = {(kind, each) for each in self.index.ids(kind, since=since)}
            self._list(kind, {} if since is None else {"created[gte]": since})
            gone = expected - self._seen
            if kind.is_listed_whole:
                self._refuse_another_account(kind, len(gone - named), len(expected))
            self._fetch(gone)

    def _refuse_another_account(self, kind: Kind, gone: int, expected: int) -> None:
        if gone > FEW and gone > self.max_lost_share * expected:
            raise LandingError(
                f"stripe.{kind.path}: {gone:,} of {expected:,} objects that were landed are gone: if "
                "GROWTH_LAND_STRIPE_KEY is of another account, set that of this one; if they were deleted, set "
                f"GROWTH_MAX_LOST_SHARE to 1 for one landing; {NOTHING_LANDED}"
            )

    def _list(self, kind: Kind, parameters: dict[str, object]) -> None:
        for of_list in kind.lists:
            for page in self.client.pages(kind.path, **of_list, **parameters):
                self._take_page(kind, page)

    def _take_page(self, kind: Kind, page: list[Object]) -> None:
        cut = []
        for found in page:
            self._seen.add((kind, found["id"]))
            if not lacks_lines(found):
                self._take(kind, found)
            elif found.get("status") == "draft" or not self.index.has_answer(kind, found):
                cut.append(found)
            else:
                # The lines of what is no draft stay as they are.
                self.collection.pass_over(kind, found)
        completed = self.client.at_once(lambda each: with_lines(self.client, kind, each), cut)
        for found, whole in zip(cut, completed, strict=True):
            if not self._take_or_stub((kind, found["id"]), whole):
                self.warnings.append(
                    f"stripe.{kind.path}: {found['id']} was deleted while its lines were fetched, so it is left "
                    "out: nothing to do"
                )

    def _fetch(self, places: set[Place]) -> None:
        """Fetch objects by id."""
        in_order = sorted(places, key=lambda place: (KINDS.index(place[0]), place[1]))
        fetched = self.client.at_once(lambda place: whole_object(self.client, place), in_order)
        for place, whole in zip(in_order, fetched, strict=True):
            self._seen.add(place)
            self._take_or_stub(place, whole)

    def _take_or_stub(self, place: Place, whole: Object | None) -> bool:
        """Take an object, or the stub of a landed one that is gone. Returns False if there is neither."""
        if whole is None and self.index.find(*place) is None:
            return False
        self._take(place[0], whole or stub(*place))
        return True

    def _take(self, kind: Kind, found: Object) -> None:
        change = self.collection.take(kind, found)
        if change is not None:
            self._changes[(kind, found["id"])] = change


def _say_found(path: str, ids: list[str]) -> str:
    shown = ", ".join(sorted(ids)[:SHOWN]) + (", …" if len(ids) > SHOWN else "")
    return (
        f"stripe.{path}: the weekly full list found {len(ids):,} changes of which no event told ({shown}): they are "
        "landed now; if this goes on, land more often, and ask Stripe's support why events are missing"
    )
