"""The mode of a Stripe key and of objects: a source root has objects of the live mode or of the test mode."""

from connectors.report import LandingError
from connectors.stripe.client import NOTHING_LANDED, Object
from settings import Settings

MODES = {"live": True, "test": False}


def refuse_wrong_key(settings: Settings) -> None:
    """Raise `LandingError` if the key is none that reads, or is of the other mode."""
    prefix, mode = _parts(settings)
    if prefix not in ("rk", "sk"):
        raise LandingError(
            "stripe: GROWTH_LAND_STRIPE_KEY is not a key that can read an account: set it to a restricted key, which "
            "begins with rk_live_ or rk_test_"
        )
    if MODES.get(mode, settings.land_stripe_livemode) is not settings.land_stripe_livemode:
        wanted = "live" if settings.land_stripe_livemode else "test"
        raise LandingError(
            f"stripe: GROWTH_LAND_STRIPE_KEY is a key of the {mode} mode, and GROWTH_LAND_STRIPE_LIVEMODE asks for the "
            f"{wanted} mode: set a key of the {wanted} mode, or land into another GROWTH_SOURCE_ROOT; {NOTHING_LANDED}"
        )


def refuse_other_mode(found: Object, *, livemode: bool) -> None:
    """Raise `LandingError` if an object or event is of the other mode. A stub has no mode."""
    if found.get("livemode", livemode) is not livemode:
        has, wanted = ("test", "live") if livemode else ("live", "test")
        raise LandingError(
            f"stripe: {found['id']} is of the {has} mode, and GROWTH_LAND_STRIPE_LIVEMODE asks for the {wanted} mode: "
            f"set GROWTH_LAND_STRIPE_KEY to a key of the {wanted} mode; {NOTHING_LANDED}"
        )


def key_warnings(settings: Settings) -> list[str]:
    """A warning about a key that may do more than landing needs."""
    if _parts(settings)[0] == "rk":
        return []
    return [
        "stripe: GROWTH_LAND_STRIPE_KEY is a secret key, which may change everything in the account: make a restricted "
        "key that reads only (docs/stripe.md)"
    ]


def _parts(settings: Settings) -> tuple[str, str]:
    """Kind and mode: `rk_live_…` is a restricted key of the live mode."""
    key = settings.land_stripe_key.get_secret_value() if settings.land_stripe_key else ""
    prefix, mode, *_ = [*key.split("_"), "", ""]
    return prefix, mode
