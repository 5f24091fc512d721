"""The rows of billing.billing_customers: one for every change of an organization's settings."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sample_company import write
from sample_company.account_ledger import AccountLedger
from sample_company.account_settings import FIRST_SETTINGS, fold
from sample_company.accounts import Account
from sample_company.parameters import DAY_US, END_US, SECOND_US
from sample_company.signups import Signups

# Billing knows most organizations from sign-up, but not all.
KNOWN_SHARE = 0.9
# Some free organizations try the paid plan for two weeks, without a subscription.
TRIAL_SHARE = 0.02


def write_billing_customers(
    folder: Path, signups: Signups, ledgers: list[AccountLedger], rng: np.random.Generator
) -> None:
    """One JSONL file per month with the versions stamped in it."""
    is_known = rng.random(len(signups.ids)) < KNOWN_SHARE
    has_trial = rng.random(len(signups.ids)) < TRIAL_SHARE
    accounts = {o: ledger.account for ledger in ledgers for o in ledger.account.organizations}
    rows: list[tuple[int, str, dict]] = []
    for organization, organization_id in enumerate(signups.ids.tolist()):
        account = accounts.get(organization)
        if account is not None or is_known[organization]:
            first = int(signups.created_us[organization]) + 90 * SECOND_US
            rows += [(stamp, organization_id, settings) for stamp, settings in versions(first, account)]
            if account is None and has_trial[organization] and first + DAY_US < END_US:
                trial = FIRST_SETTINGS | {"free_trial_until_us": first + 15 * DAY_US}
                rows.append((first + DAY_US, organization_id, trial))
    rows.sort(key=lambda row: row[:2])
    write.write_jsonl_exports(folder, ((stamp, _row(key, stamp, settings)) for stamp, key, settings in rows))


def versions(first_us: int, account: Account | None) -> Iterator[tuple[int, dict]]:
    """Stamps (microseconds) and settings of an organization that billing knows since `first_us`."""
    changes = sorted(account.changes, key=lambda item: item[0]) if account else []
    earlier = [change for stamp, change in changes if stamp <= first_us]
    settings = FIRST_SETTINGS
    for change in earlier:
        settings = fold(settings, change)
    stamp = first_us
    for next_stamp, change in changes[len(earlier) :]:
        if next_stamp >= END_US:
            break
        if next_stamp != stamp:
            yield stamp, settings
        settings, stamp = fold(settings, change), next_stamp
    yield stamp, settings


def _row(organization_id: str, stamp: int, settings: dict) -> dict:
    return {
        "organization_id": organization_id,
        "stripe_customer_id": settings["stripe_customer_id"],
        "has_active_subscription": settings["has_active_subscription"],
        "subscribed_products": list(settings["subscribed_products"]),
        "platform_package": settings["platform_package"],
        "current_period_start": write.iso(settings["current_period_start_us"]),
        "current_period_end": write.iso(settings["current_period_end_us"]),
        "custom_limits_usd": {
            key: cents // 100 if cents % 100 == 0 else cents / 100
            for key, cents in settings["custom_limits_usd"].items()
        },
        "discount_percent": str(write.decimal_usd(settings["discount_basis_points"])),
        "credit_balance_usd": str(write.decimal_usd(settings["credit_cents"])),
        "startup_program": settings["startup_program"],
        "startup_plan_start_at": write.iso(settings["startup_plan_start_us"]),
        "credit_expires_at": write.iso(settings["credit_expires_us"]),
        "annual_plan_start_at": write.iso(settings["annual_plan_start_us"]),
        "annual_plan_end_at": write.iso(settings["annual_plan_end_us"]),
        "free_trial_until": write.iso(settings["free_trial_until_us"]),
        "updated_at": write.iso(stamp),
    }
