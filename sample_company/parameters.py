"""Parameters of the sample company: calendar, sizes, counters and the final mix of customers."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

FIRST_DAY = date(2024, 11, 1)
# October is closed on the last day: the bills of November 1 are in.
LAST_DAY = date(2026, 11, 3)
DAYS = (LAST_DAY - FIRST_DAY).days + 1
MONTHS = 24
LAST_CLOSED_MONTH = date(2026, 10, 1)
DAY_US = 86_400_000_000
SECOND_US = 1_000_000
FIRST_DAY_US = (FIRST_DAY - date(1970, 1, 1)).days * DAY_US
END_US = FIRST_DAY_US + DAYS * DAY_US

COMPANY_NAME = "Hedgepath"
COMPANY_DOMAIN = "hedgepath.example"

# The account's Stripe API version changed on this day: later objects have the new shape.
NEW_API_SHAPE_DAY = date(2025, 10, 1)

EVENTS, IDENTIFIED, GROUPS = 0, 1, 2
UNPRICED_COUNTER = "code_review_credits_used_in_period"
# A counter's column appears in the reports on the launch day of its product.
LAUNCH_DAYS = {
    "exceptions_captured_in_period": date(2025, 1, 15),
    "ai_event_count_in_period": date(2025, 6, 2),
    "workflow_emails_sent_in_period": date(2025, 10, 1),
    "logs_mb_in_period": date(2025, 12, 1),
    UNPRICED_COUNTER: date(2026, 8, 3),
}
# The exporter omitted these columns on these days, and their usage was never counted.
MISSING_COLUMNS = {
    date(2025, 3, 9): "rows_exported_in_period",
    date(2025, 8, 17): "mobile_recording_count_in_period",
    date(2026, 2, 22): "survey_responses_count_in_period",
    date(2026, 5, 3): "rows_exported_in_period",
    date(2026, 9, 13): "workflow_emails_sent_in_period",
}
# Share of free organizations that ever adopt a product.
FREE_ADOPTION = {
    "product_analytics": 0.94,
    "session_replay": 0.42,
    "feature_flags": 0.24,
    "surveys": 0.08,
    "error_tracking": 0.14,
    "data_warehouse": 0.05,
    "llm_analytics": 0.09,
    "realtime_destinations": 0.05,
    "batch_exports": 0.02,
    "mobile_replay": 0.04,
    "logs": 0.03,
    "workflows_emails": 0.03,
}
CHANNELS = ("word_of_mouth", "search", "content", "social", "ai_assistant", "ads", "event", "other")
FREE_MAIL_DOMAINS = (
    "gmail.com",
    "outlook.com",
    "hotmail.com",
    "yahoo.com",
    "icloud.com",
    "proton.me",
    "gmx.de",
    "qq.com",
)
HOLIDAYS = frozenset(
    day
    for year in (2024, 2025, 2026)
    for day in (
        *(date(year, 12, 21) + timedelta(days=n) for n in range(11)),
        date(year, 1, 1),
        date(year, 1, 2),
        date(year, 5, 1),
        date(year, 7, 4),
    )
) | {date(2024, 11, 28), date(2024, 11, 29), date(2025, 11, 27), date(2025, 11, 28)}
# Launch weeks bring sign-ups: (day, multiple of a usual day).
LAUNCHES = ((date(2025, 2, 11), 2.6), (date(2025, 6, 3), 3.2), (date(2025, 10, 14), 2.4), (date(2026, 4, 21), 2.8))

# Bands of the customers at the end of the data: yearly list value from, to.
BANDS_USD_YEAR = {
    "1m": (1_180_000, 2_100_000),
    "50k": (60_000, 420_000),
    "25k": (29_500, 44_000),
    "5k": (6_400, 22_000),
    "1k": (1_150, 4_600),
    "micro": (60, 900),
}


@dataclass(frozen=True)
class Size:
    """The number of organizations, and of billing accounts of each kind at the end."""

    number: int
    organizations: int
    bands: dict[str, int]
    churned: int
    on_startup_credit: int
    card_only: int
    internal: int


SIZES = {
    "small": Size(1, 3_000, {"1m": 3, "50k": 9, "25k": 15, "5k": 32, "1k": 32, "micro": 26}, 18, 7, 10, 3),
    "medium": Size(2, 20_000, {"1m": 7, "50k": 46, "25k": 85, "5k": 200, "1k": 225, "micro": 190}, 110, 40, 60, 5),
    "full": Size(
        3, 100_000, {"1m": 24, "50k": 210, "25k": 410, "5k": 970, "1k": 1_120, "micro": 950}, 560, 190, 300, 9
    ),
    "huge": Size(
        4, 250_000, {"1m": 60, "50k": 525, "25k": 1_025, "5k": 2_425, "1k": 2_800, "micro": 2_375}, 1_400, 475, 750, 12
    ),
}


def day_number(day: date) -> int:
    """Days since the first day of the data."""
    return (day - FIRST_DAY).days


def day_at(number: int) -> date:
    return FIRST_DAY + timedelta(days=number)


def instant(day: int, seconds: float = 0) -> int:
    """Microseconds since 1970 of a day number and seconds into that day, UTC."""
    return FIRST_DAY_US + day * DAY_US + int(seconds) * SECOND_US


def day_of(instant_us: int) -> int:
    return (instant_us - FIRST_DAY_US) // DAY_US


def to_datetime(instant_us: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(instant_us))


def add_months(anchor: date, months: int) -> date:
    """The anchor's day `months` later, limited to that month's last day."""
    index = anchor.year * 12 + anchor.month - 1 + months
    year, month = divmod(index, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(anchor.day, (following - timedelta(days=1)).day))
