"""The one list of live systems: whether each is configured, how it is landed, and how it is checked."""

from collections.abc import Callable
from dataclasses import dataclass

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


def _land_postgres(settings: Settings) -> LandingReport:
    from connectors.postgres.land import land_postgres

    return land_postgres(settings)


def _check_postgres(settings: Settings) -> list[str]:
    from connectors.postgres.land import check_postgres

    return check_postgres(settings)


def _land_bucket(settings: Settings) -> LandingReport:
    from connectors.bucket import land

    return land(settings)


def _check_bucket(settings: Settings) -> list[str]:
    from connectors.bucket import check

    return check(settings)


def _land_hubspot(settings: Settings) -> LandingReport:
    from connectors.crm.landing import HUBSPOT

    return HUBSPOT.land(settings)


def _check_hubspot(settings: Settings) -> list[str]:
    from connectors.crm.landing import HUBSPOT

    return HUBSPOT.check(settings)


def _land_salesforce(settings: Settings) -> LandingReport:
    from connectors.crm.landing import SALESFORCE

    return SALESFORCE.land(settings)


def _check_salesforce(settings: Settings) -> list[str]:
    from connectors.crm.landing import SALESFORCE

    return SALESFORCE.check(settings)


def _land_stripe(settings: Settings) -> LandingReport:
    from connectors.stripe.run import land_stripe

    return land_stripe(settings)


def _check_stripe(settings: Settings) -> list[str]:
    from connectors.stripe.run import check_stripe

    return check_stripe(settings)


# What each of them needs is imported when it is landed.
SYSTEMS = (
    System("postgres", lambda settings: settings.land_postgres_url is not None, _land_postgres, _check_postgres),
    System("bucket", lambda settings: settings.land_bucket is not None, _land_bucket, _check_bucket),
    System("hubspot", lambda settings: settings.land_hubspot_token is not None, _land_hubspot, _check_hubspot),
    System(
        "salesforce", lambda settings: settings.land_salesforce_url is not None, _land_salesforce, _check_salesforce
    ),
    System("stripe", lambda settings: settings.land_stripe_key is not None, _land_stripe, _check_stripe),
)


def land_system(system: System, settings: Settings) -> LandingReport:
    """Land one system. Raises `LandingError` whatever the machine's reason: what is landed stays, nothing is half."""
    try:
        return system.land(settings)
    except OSError as error:
        place = error.filename or state_folder(settings, system.name)
        raise LandingError(
            f"{system.name}: {place} cannot be written or read ({error.strerror or error}), so the landing ended and "
            "nothing half is landed: free space there, or correct its owner and mode, and run again"
        ) from error


def configured_systems(settings: Settings) -> list[System]:
    """The systems whose settings are there, in the order in which they are landed."""
    return [system for system in SYSTEMS if system.is_configured(settings)]
