"""The one list of live systems: whether each is configured, how it is landed, and how it is checked."""

from collections.abc import Callable
from dataclasses import dataclass

from connectors.report import LandingReport
from settings import Settings


@dataclass(frozen=True)
class System:
    """A live system. `check` gives a sentence for each fault and lands nothing."""

    name: str
    is_configured: Callable[[Settings], bool]
    land: Callable[[Settings], LandingReport]
    check: Callable[[Settings], list[str]]


SYSTEMS: tuple[System, ...] = ()


def configured_systems(settings: Settings) -> list[System]:
    """The systems whose settings are there, in the order in which they are landed."""
    return [system for system in SYSTEMS if system.is_configured(settings)]
