"""Land what is new in a Stripe account, or check that it could be landed.

Everything is listed at first, after a gap, and once a week as a check. Every other landing fetches what events name,
and looks a second time at young, draft and open objects, because events may be missing.
"""

import logging
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from connectors.landing import landing_root, state_folder
from connectors.report import LandingError, LandingReport
from connectors.stripe.client import API_VERSION, NOTHING_LANDED, StripeClient
from connectors.stripe.collect import Collection
from connectors.stripe.gather import Gathering
from connectors.stripe.key import key_warnings, refuse_other_mode, refuse_wrong_key
from connectors.stripe.kinds import KINDS
from connectors.stripe.landed import LandedIndex
from connectors.stripe.state import LandingState, Reason, read_state, why_list_all, write_state
from settings import Settings

logger = logging.getLogger(__name__)

OUT_OF_TURN: dict[Reason | None, str] = {
    "version": "stripe: objects are fetched in another version of the API than before, so everything was listed again",
    "gap": "stripe: the last landing is so long ago that Stripe's events are gone, so everything was listed again",
}


def index_path(settings: Settings) -> Path:
    """Not in `state/landing`, which a deletion request erases."""
    return settings.data_dir / "state" / "landed" / "stripe.sqlite"


def land_stripe(settings: Settings, client: StripeClient | None = None) -> LandingReport:
    """Land new and changed objects of the six kinds. Raises `LandingError`; then nothing of this landing is kept."""
    refuse_wrong_key(settings)
    root, folder = landing_root(settings, "stripe"), state_folder(settings, "stripe")
    with (
        root.hold("stripe"),
        _saying_what_is_wrong_with(settings.data_dir / "state"),
        closing(LandedIndex(index_path(settings))) as index,
        closing(Collection(folder / "collected", index, livemode=settings.land_stripe_livemode)) as collection,
        closing(client or StripeClient(settings)) as stripe,
    ):
        is_complete = index.read_new_files(root)
        shutil.rmtree(folder / "copies", ignore_errors=True)
        # Before anything is fetched: a file with a wrong name in the folder would stop the landing at its end.
        paths = {kind.path: f"stripe/{kind.path}/{root.next_name('stripe', kind.path, '.jsonl.gz')}" for kind in KINDS}
        # What was in a file that is gone can only be found by listing everything.
        state, now = read_state(root) if is_complete else None, stripe.now()
        reason = why_list_all(state, now)
        gathering = Gathering(stripe, index, collection, now, settings.max_lost_share)
        state = _gather(gathering, state, reason)
        tables = collection.land(root, paths)
        # The last step: what is not landed must be fetched again.
        write_state(root, state)
    out_of_turn = [OUT_OF_TURN[reason]] if reason in OUT_OF_TURN else []
    logger.info(f"stripe: {stripe.requests:,} requests")
    warnings = [*key_warnings(settings), *out_of_turn, *gathering.warnings]
    return LandingReport("stripe", tables, warnings)


@contextmanager
def _saying_what_is_wrong_with(folder: Path) -> Iterator[None]:
    """Say what cannot be done in the folder of state."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise LandingError(
            f"stripe: what was fetched cannot be kept in {folder} ({reason}): make space there, or delete landed/ and "
            f"landing/ in it, which are made again, and run again; {NOTHING_LANDED}"
        ) from error


def _gather(gathering: Gathering, state: LandingState | None, reason: Reason | None) -> LandingState:
    """Gather what there is to land. Returns the state to write when it is landed."""
    now, found = gathering.now, {}
    if state is None or reason in OUT_OF_TURN:
        gathering.everything()
    elif reason == "weekly":
        found = gathering.everything_as_check(state)
    else:
        gathering.changes(state)
        return state.model_copy(update={"landed_until": now})
    return LandingState(api_version=API_VERSION, landed_until=now, full_list_at=now, found_by_full_list=found)


def check_stripe(settings: Settings, client: StripeClient | None = None) -> list[str]:
    """A sentence for each fault: of the key, its mode, and every permission that it lacks. Lands nothing."""
    faults = []
    try:
        refuse_wrong_key(settings)
    except LandingError as error:
        return [str(error)]
    with closing(client or StripeClient(settings)) as stripe:
        for path in ("events", *(kind.path for kind in KINDS)):
            try:
                for found in stripe.get(path, limit=1)["data"]:
                    refuse_other_mode(found, livemode=settings.land_stripe_livemode)
            except LandingError as error:
                faults.append(str(error))
    return faults
