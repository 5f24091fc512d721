"""Sales and marketing spend by month and category; a category has one channel or none."""

from datetime import date
from pathlib import Path

import numpy as np

from sample_company import write
from sample_company.parameters import FIRST_DAY, MONTHS, Size, add_months

# Category, channel, dollars per month and 1,000 organizations at the end of the data.
CATEGORIES = (
    ("content_team", "content", 5_200),
    ("docs_and_seo", "search", 2_900),
    ("sponsored_posts", "social", 1_400),
    ("search_ads", "ads", 2_300),
    ("conference_booths", "event", 1_600),
    ("referral_merchandise", "word_of_mouth", 900),
    ("assistant_integrations", "ai_assistant", 1_100),
    ("newsletter_swaps", "other", 300),
    ("sales_salaries", None, 9_500),
    ("marketing_tools", None, 1_250),
)


def write_spend(path: Path, size: Size, rng: np.random.Generator) -> None:
    header = ["month", "category", "channel", "amount_usd"]
    write.write_csv(path, header, ([write.csv_text(row[name]) for name in header] for row in simulate_spend(size, rng)))


def simulate_spend(size: Size, rng: np.random.Generator) -> list[dict]:
    """Rows of spend.sales_and_marketing: month, category, channel, amount_usd (text)."""
    rows = []
    for number in range(MONTHS):
        month: date = add_months(FIRST_DAY, number)
        for category, channel, dollars in CATEGORIES:
            season = 1.9 if category == "conference_booths" and month.month in (5, 6, 10) else 1.0
            grown = 0.45 + 0.55 * number / (MONTHS - 1)
            amount = dollars * size.organizations / 1_000 * grown * season * (0.9 + 0.2 * float(rng.random()))
            if category == "assistant_integrations" and number < 7:
                continue
            rows.append({"month": month, "category": category, "channel": channel, "amount_usd": f"{amount:.2f}"})
    return rows
