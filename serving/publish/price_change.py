"""What a candidate price list would have made of closed months, for a person, from a file with schema `marts`."""

from pathlib import Path

import duckdb

from serving.page.blocks import money, percent, words

BY_GROUP = (
    "select attribute, attribute_value, customers_that_pay_more, customers_that_pay_less, rated_usd, candidate_usd, "
    "change_share from marts.rpt_price_change_by "
    "order by array_position(['all', 'product_key', 'size_tier', 'icp_segment'], attribute), abs(change_usd) desc"
)
CUSTOMERS = (
    "select customer_name, change_usd, arr_usd_year, candidate_arr_usd_year, direction, furthest_line "
    "from marts.rpt_price_change_customers where {condition} order by {order}, customer_id limit {most}"
)
MIX = (
    "select band, customers, candidate_customers, arr_usd, candidate_arr_usd, probability_in_time, "
    "candidate_probability_in_time from marts.rpt_price_change_mix where target_customers > 0 "
    "order by target_customers, band"
)


def lines_of_price_change(path: Path, *, most: int) -> list[str]:
    """Totals by group, the customers that change most, lines crossed, and the mix; at most `most` names of a kind."""
    with duckdb.connect(str(path), read_only=True) as connection:
        groups = connection.execute(BY_GROUP).fetchall()
        if not groups:
            return ["No bill of a closed month has a product with another price."]
        lines = [
            f"{words(attribute)} {'' if attribute == 'all' else value + ' '}{money(before)} -> {money(after)} "
            f"({percent(share)}): {more:,} pay more, {less:,} less"
            for attribute, value, more, less, before, after, share in groups
        ]
        for heading, condition, order in (
            ("pay more", "change_usd > 0", "change_usd desc"),
            ("pay less", "change_usd < 0", "change_usd"),
        ):
            rows = connection.execute(CUSTOMERS.format(condition=condition, order=order, most=most)).fetchall()
            lines += [f"{heading}: {name} {money(change)} in these months" for name, change, *_ in rows]
        crossing = CUSTOMERS.format(condition="lines_crossed > 0", order="abs(change_usd) desc", most=most)
        lines += [
            f"crosses {line} {direction}: {name}, ARR {money(before)} -> {money(after)}"
            for name, _, before, after, direction, line in connection.execute(crossing).fetchall()
        ]
        lines += [
            f"band {band}: {before:,} -> {after:,} customers, ARR {money(arr)} -> {money(candidate)}, "
            f"in time with a probability of {percent(probability)} -> {percent(under_it)}"
            for band, before, after, arr, candidate, probability, under_it in connection.execute(MIX).fetchall()
        ]
    return lines
