"""Two published files compared row by row."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

from tests.support.running import marts

# Figures that pass through floats, whose last digits depend on the order of additions.
RELATIVE = 1e-9
CENT = Decimal("0.01")
# Quantities by trend go through powers of floats: they differed by 7 parts in 10^8 at most.
SHARE = Decimal("0.000001")
ESTIMATES = {
    "fct_bill_forecasts",
    "fct_bill_forecast_products",
    "rpt_arr_mix_projection",
    "rpt_arr_mix_projection_accuracy",
    "rpt_forecast_accuracy",
    "rpt_forecast_accuracy_by",
}


def differences(one: Path, other: Path) -> list[str]:
    """A line for each mart whose rows differ between two data folders; estimates may differ by a cent."""
    before, after = marts(one), marts(other)
    lines = [f"{table} is in one file only" for table in sorted(set(before) ^ set(after))]
    for table in sorted(set(before) & set(after)):
        left, right = Counter(before[table]), Counter(after[table])
        gone, new = sorted((left - right).elements(), key=str), sorted((right - left).elements(), key=str)
        is_close = table in ESTIMATES and len(gone) == len(new) and all(map(_alike, gone, new))
        if (gone or new) and not is_close:
            lines.append(f"{table}: {len(gone)} and {len(new)} rows differ, such as {gone[:1]} and {new[:1]}")
    return lines


def _alike(one: tuple, other: tuple) -> bool:
    return all(_close(left, right) for left, right in zip(one, other, strict=True))


def _close(left: object, right: object) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return abs(left - right) <= RELATIVE * max(abs(left), abs(right))
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        return abs(left - right) <= max(CENT, SHARE * abs(left))
    return left == right
