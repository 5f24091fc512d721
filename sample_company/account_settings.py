"""An account's settings over time: the state of billing_customers at each instant, built from changes."""

from sample_company.accounts import Account
from sample_company.parameters import DAY_US, END_US, instant

FIRST_SETTINGS: dict = {
    "stripe_customer_id": None,
    "has_active_subscription": False,
    "subscribed_products": (),
    "platform_package": None,
    "current_period_start_us": None,
    "current_period_end_us": None,
    "custom_limits_usd": {},
    "discount_basis_points": 0,
    "credit_cents": 0,
    "startup_program": None,
    "startup_plan_start_us": None,
    "credit_expires_us": None,
    "annual_plan_start_us": None,
    "annual_plan_end_us": None,
    "free_trial_until_us": None,
}


def fold(settings: dict, change: dict) -> dict:
    """The settings after a change; `add_products` extends the subscribed products."""
    result = settings | {key: value for key, value in change.items() if key != "add_products"}
    if "add_products" in change:
        added = [product for product in change["add_products"] if product not in result["subscribed_products"]]
        result["subscribed_products"] = (*result["subscribed_products"], *added)
    return result


def settings_at(account: Account, when: int) -> dict:
    """The settings at an instant: all changes stamped at or before it."""
    settings = FIRST_SETTINGS
    for stamp, change in sorted(account.changes, key=lambda item: item[0]):
        if stamp <= when:
            settings = fold(settings, change)
    return settings


def open_subscription(account: Account, customer_id: str) -> None:
    """Add the changes known in advance: start, periods, package, trial, and the end of a discount."""
    first = {
        "stripe_customer_id": customer_id,
        "has_active_subscription": True,
        "discount_basis_points": 0 if account.kind == "prepaid" else account.discount_basis_points,
    }
    if "trial" in account.traits:
        first["free_trial_until_us"] = account.start_us + 14 * DAY_US
    if "trial_now" in account.traits:
        first["free_trial_until_us"] = END_US + 9 * DAY_US
    account.changes.append((account.start_us, first))
    for period, day in enumerate(account.period_days[:-1]):
        when = account.start_us if period == 0 else instant(day, 5)
        if when < END_US and (account.final_period is None or period < account.final_period):
            end = account.period_days[period + 1]
            account.changes.append(
                (when, {"current_period_start_us": instant(day), "current_period_end_us": instant(end)})
            )
    if account.package and account.package_from_period < (account.final_period or 999):
        day = account.period_days[min(account.package_from_period, len(account.period_days) - 1)]
        when = account.start_us if account.package_from_period == 0 else instant(day, 1_200)
        if when < END_US:
            account.changes.append((when, {"platform_package": account.package}))
    if "upgrade" in account.traits:
        day = account.period_days[upgrade_period(account)] + 11
        account.changes.append((instant(day, 40_000), {"platform_package": "scale"}))
    if "discount_ends" in account.traits:
        account.changes.append((instant(account.period_days[3] + 8, 50_000), {"discount_basis_points": 0}))


def close_subscription(account: Account, ended_us: int) -> None:
    change = {
        "has_active_subscription": False,
        "subscribed_products": (),
        "platform_package": None,
        "current_period_start_us": None,
        "current_period_end_us": None,
    }
    account.changes.append((ended_us, change))


def upgrade_period(account: Account) -> int:
    """The period during which an account upgrades its package."""
    return max(2, min(5, account.closed_periods - 2))
