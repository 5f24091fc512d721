"""What a landing must know of those before it: a note beside the landed files."""

from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.landing import LandingRoot
from connectors.stripe.client import API_VERSION

NOTE = "stripe/_watermark.json"
# Events live for thirty days: after a gap of this length, everything is listed again.
LONGEST_GAP = timedelta(days=25)
# Half a day less than a week, so that a daily landing lists everything on the same day of each week.
FULL_LIST_AFTER = timedelta(days=6, hours=12)

Reason = Literal["first", "version", "gap", "weekly"]


class LandingState(BaseModel):
    """The note. Instants are of Stripe's clock.

    `found_by_full_list` counts, by table, what only the last weekly full list brought: no event and no second look.
    """

    model_config = ConfigDict(frozen=True)

    api_version: str
    landed_until: datetime
    full_list_at: datetime
    found_by_full_list: dict[str, int] = {}


def read_state(root: LandingRoot) -> LandingState | None:
    """None before the first landing, and if the note is missing or unreadable: then everything is listed again."""
    text = root.read_note(NOTE)
    try:
        return None if text is None else LandingState.model_validate_json(text)
    except ValidationError:
        return None


def write_state(root: LandingRoot, state: LandingState) -> None:
    root.put_note(NOTE, state.model_dump_json(indent=1) + "\n")


def why_list_all(state: LandingState | None, now: datetime) -> Reason | None:
    """Why everything must be listed; None if events and the second look are enough."""
    if state is None:
        return "first"
    if state.api_version != API_VERSION:
        return "version"
    if now - state.landed_until > LONGEST_GAP:
        return "gap"
    return "weekly" if now - state.full_list_at >= FULL_LIST_AFTER else None


def unix(instant: datetime) -> int:
    """Whole seconds, as Stripe counts them."""
    return int(instant.astimezone(UTC).timestamp())
