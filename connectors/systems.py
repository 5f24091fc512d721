"""The one list of live systems: whether each is configured, how it is landed, and how it is checked."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from connectors import bucket
from connectors.crm.landing import HUBSPOT, SALESFORCE
from connectors.landing import state_folder
from connectors.report import LandingError, LandingReport
from connectors.stripe.run import check_stripe, land_stripe
from settings import Settings


@dataclass(frozen=True)
class System:
    """A live system. `check` gives a sentence for each fault and lands nothing."""

    name: str
    is_configured: Callable[[Settings], bool]
    land: Callable[[Settings], LandingReport]
    check: Callable[[Settings], list[str]]


def _land_postgres(settings: Settings) -> LandingReport:
    """Needs psycopg, which the extra `postgres` brings."""
    from connectors.postgres.land import land_postgres

    return land_postgres(settings)


def _check_postgres(settings: Settings) -> list[str]:
    from connectors.postgres.land import check_postgres

    return check_postgres(settings)


SYSTEMS = (
    System("postgres", lambda settings: settings.land_postgres_url is not None, _land_postgres, _check_postgres),
    System("bucket", lambda settings: settings.land_bucket is not None, bucket.land, bucket.check),
    System("hubspot", lambda settings: settings.land_hubspot_token is not None, HUBSPOT.land, HUBSPOT.check),
    System("salesforce", lambda settings: settings.land_salesforce_url is not None, SALESFORCE.land, SALESFORCE.check),
    System("stripe", lambda settings: settings.land_stripe_key is not None, land_stripe, check_stripe),
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
