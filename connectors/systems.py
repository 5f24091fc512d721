"""The one list of live systems: whether each is configured, how it is landed, and how it is checked."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pkgutil import resolve_name
from typing import Any

from connectors.landing import state_folder
from connectors.report import LandingError, LandingReport
from settings import Settings


@dataclass(frozen=True)
class System:
    """A live system. `check` gives a sentence for each fault and lands nothing."""

    name: str
    is_configured: Callable[[Settings], bool]
    land: Callable[[Settings], LandingReport]
    check: Callable[[Settings], list[str]]


def _system(name: str, setting: str, module: str, land: str, check: str) -> System:
    """A system that is configured by a setting; its module, with the libraries of it, is imported when it is needed."""

    def call(function: str, settings: Settings) -> Any:
        return resolve_name(f"{module}:{function}")(settings)

    return System(
        name, lambda settings: getattr(settings, setting) is not None, partial(call, land), partial(call, check)
    )


SYSTEMS = (
    _system("postgres", "land_postgres_url", "connectors.postgres.land", "land_postgres", "check_postgres"),
    _system("bucket", "land_bucket", "connectors.bucket", "land", "check"),
    _system("hubspot", "land_hubspot_token", "connectors.crm.landing", "HUBSPOT.land", "HUBSPOT.check"),
    _system("salesforce", "land_salesforce_url", "connectors.crm.landing", "SALESFORCE.land", "SALESFORCE.check"),
    _system("stripe", "land_stripe_key", "connectors.stripe.run", "land_stripe", "check_stripe"),
)


def land_system(system: System, settings: Settings) -> LandingReport:
    """Land one system. Raises `LandingError` whatever the machine's reason: what is landed stays, nothing is half."""
    started = time.monotonic()
    try:
        report = system.land(settings)
    except OSError as error:
        place = error.filename or state_folder(settings, system.name)
        raise LandingError(
            f"{system.name}: {place} cannot be written or read ({error.strerror or error}), so the landing ended and "
            "nothing half is landed: free space there, or correct its owner and mode, and run again"
        ) from error
    report.seconds = time.monotonic() - started
    return report


def configured_systems(settings: Settings) -> list[System]:
    """The systems whose settings are there, in the order in which they are landed."""
    return [system for system in SYSTEMS if system.is_configured(settings)]
