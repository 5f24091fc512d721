"""Instants as the load reads them."""

from datetime import UTC, datetime

from ingestion.contract.model import FIRST_DATE, LAST_DATE


def text_of(instant: datetime) -> bytes:
    """`2026-11-29T20:23:00.123456Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").encode()


def instant_of(text: bytes) -> datetime | None:
    """The instant that a field stands for, if the load accepts it; otherwise None."""
    try:
        instant = datetime.fromisoformat(text.decode())
    except ValueError:
        return None
    is_within = instant.tzinfo is not None and FIRST_DATE <= instant.date() <= LAST_DATE
    return instant if is_within else None
