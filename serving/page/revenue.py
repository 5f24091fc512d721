"""Sections on revenue: the mix, ARR, movements, retention."""

from collections.abc import Sequence

from serving.page import charts
from serving.page.blocks import (
    UNKNOWN,
    Block,
    Chart,
    Figure,
    Figures,
    Header,
    Note,
    PageTable,
    Tone,
    percent,
    short_money,
    words,
    write,
)
from serving.page.snapshot import LAST_CLOSED_MONTH, Snapshot

BAND_TITLES = {
    "25k": "From $25,000 a year",
    "50k": "From $50,000 a year",
    "1m": "From $1,000,000 a year",
    "mix": "The whole mix",
}
# The projection runs until the mix is reached, possibly for years; the chart stops earlier.
MONTHS_SHOWN = 24
PACE_NOTE = (
    ". Revenue grew in the last three months by far more or less than before: the paths mostly replay the months before"
)


def mix_today(published: Snapshot) -> Sequence[Block]:
    """Each band: customers and dollars against the target, and the current pace against the pace needed."""
    rows = published.rows(
        """
        select band, customers, target_customers, capped_arr_usd, target_arr_usd, arr_usd, progress,
            customers_added_per_month, customers_needed_per_month
        from rpt_arr_mix_progress
        where as_of = (select max(as_of) from rpt_arr_mix_progress) and target_customers > 0
        order by target_arr_usd / target_customers
        """
    )
    if not rows:
        return [Note("No month has closed yet.")]
    return [Figures(_band(row), BAND_TITLES.get(row[0], row[0]), "third") for row in rows]


def _band(row: tuple) -> list[Figure]:
    _, customers, target, capped, target_arr, arr, progress, added, needed = row
    pace = Figure("Customers added a month", UNKNOWN if added is None else f"{added:,.1f}")
    if needed is not None:
        is_slow = added is not None and added < needed
        tone: Tone = "" if added is None else "bad" if is_slow else "good"
        behind = f", behind by {needed - added:,.1f}" if added is not None and is_slow else ""
        pace = Figure(pace.name, pace.value, f"{needed:,.1f} needed{behind}", tone)
    share = None if progress is None else float(progress)
    return [
        Figure("Customers", f"{customers:,}", f"of {target:,}", share=customers / target),
        Figure("ARR that counts", short_money(capped), f"of {short_money(target_arr)}", share=share),
        Figure("ARR", short_money(arr), "uncapped"),
        pace,
    ]


def mix_ahead(published: Snapshot) -> Sequence[Block]:
    """Projection of each band: a chart, and the outlook for the target."""
    rows = published.rows(
        """
        with ends as (
            select band,
                coalesce(min(case when month = make_date(year(as_of), 12, 1) then month end), min(month)) as month
            from rpt_arr_mix_projection
            group by band
        )
        select band, probability_in_time, target_customers, customers_p50, customers_p10, customers_p90,
            arr_usd_p50, arr_usd_p10, arr_usd_p90, arr_usd_naive, met_month, outlook, is_pace_unusual, last_day(month)
        from rpt_arr_mix_projection inner join ends using (band, month)
        where target_customers > 0
        order by case band when 'mix' then 1 else 0 end, target_arr_usd / target_customers
        """
    )
    if not rows:
        return [Note("There is no projection yet.")]
    if all(row[3] is None for row in rows):
        return [Note("Where the mix is going is not known: there is too little history for a projection.")]
    columns = [
        Header("Band"), Header("Chance", "percent"), Header("Target", "number"), Header("Customers", "number"),
        Header("P10", "number"), Header("P90", "number"), Header("ARR", "money"),
        Header("P10", "money"), Header("P90", "money"), Header("Even odds by", "month"), Header("Outlook", "words"),
    ]  # fmt: skip
    titled = [(BAND_TITLES.get(row[0], row[0]), *row[1:9], *row[10:12]) for row in rows]
    title = f"Projected to {write(rows[0][-1], 'date')}: the median path; eight of ten paths end between P10 and P90"
    if rows[-1][9] is not None:
        title += f". At the pace of the last twelve months the mix would have {short_money(rows[-1][9])} of ARR"
    if rows[0][-2]:
        title += PACE_NOTE
    return [
        *(_band_chart(published, row[0], row[2]) for row in rows if row[0] != "mix"),
        PageTable("mix-ahead", title, columns, titled, "There is no projection yet.", "rpt_arr_mix_projection"),
    ]


def _band_chart(published: Snapshot, band: str, target: int) -> Block:
    history = published.records(
        "select as_of, customers from rpt_arr_mix_progress where band = ? order by as_of", [band]
    )
    ahead = published.records(
        f"""
        select month + interval 1 month - interval 1 day as month,
            customers_p10 as low, customers_p50 as middle, customers_p90 as high
        from rpt_arr_mix_projection
        where band = ? and month < as_of + interval {MONTHS_SHOWN} month and customers_p50 is not null
        order by month
        """,
        [band],
    )
    title = f"Customers {BAND_TITLES.get(band, band).lower()}"
    if not history or not ahead:
        return Note(f"{title}: there is too little history for a projection.")
    now, end = history[-1], ahead[-1]
    # The projection starts where the history ends.
    ahead.insert(0, {"month": now["as_of"], **dict.fromkeys(("low", "middle", "high"), now["customers"])})
    description = (
        f"{now['customers']} on {now['as_of']}; {end['middle']} on the median path on {end['month'][:10]}, "
        f"eight of ten paths between {end['low']} and {end['high']}; target {target}."
    )
    return Chart(f"mix-{band}", title, description, charts.projection(history, ahead, target), "third")


def arr(published: Snapshot) -> Sequence[Block]:
    """ARR by month and band of the mix, up to the last closed month."""
    by_band = published.records(
        f"""
        select as_of, band, arr_usd, customers,
            case band when '1m' then 0 when '50k' then 1 when '25k' then 2 else 3 end as place
        from rpt_arr_mix_progress
        where as_of = last_day(as_of) and date_trunc('month', as_of) <= {LAST_CLOSED_MONTH}
        order by as_of, place
        """
    )
    if not by_band:
        return [Note("No month has closed yet.")]
    for row in by_band:
        row["band"] = charts.BANDS.get(row["band"], row["band"])
    last = [row for row in by_band if row["as_of"] == by_band[-1]["as_of"]]
    summary = "; ".join(f"{row['band']} {short_money(row['arr_usd'])} of {row['customers']} customers" for row in last)
    return [Chart("arr-by-band", "ARR by band of the mix", f"{summary}.", charts.arr_by_band(by_band))]


def months(published: Snapshot) -> Sequence[Block]:
    """The last closed month, and the open one, whose partial revenue is no decline."""
    closed = published.last_closed_month()
    open_month, is_over, is_begun = published.row(
        f"""
        select {LAST_CLOSED_MONTH} + interval 1 month, as_of_date >= last_day({LAST_CLOSED_MONTH} + interval 1 month),
            as_of_date >= {LAST_CLOSED_MONTH} + interval 1 month
        from publish_info
        """
    )
    figures = [Figure("Last closed month", f"{closed:%B %Y}", "revenue is complete up to its end")]
    if is_begun:
        ends = "has ended and is not closed: bills may still come" if is_over else "is in progress"
        figures.append(Figure("Open month", f"{open_month:%B %Y}", f"{ends}; not in any revenue figure yet"))
    return [Figures(figures)]


def tiers(published: Snapshot) -> Sequence[Block]:
    rows = published.rows(
        """
        select size_tier, sum(arr_usd_year), count(*), sum(arr_usd_year) / sum(sum(arr_usd_year)) over ()
        from dim_customers
        where arr_usd_year > 0
        group by size_tier
        order by min(arr_usd_year) desc
        """
    )
    if not rows:
        return [Note(f"No customer has ARR in {published.last_closed_month():%B %Y}.")]
    figures = [
        Figure(words(tier), short_money(amount), f"{count:,} customer{'' if count == 1 else 's'}", share=share)
        for tier, amount, count, share in rows
    ]
    return [Figures(figures, "ARR by size tier")]


def _amounts_in_words(rows: list[dict]) -> str:
    return (
        "; ".join(f"{row['name']} {short_money(row['amount'])} of {row['customers']} customers" for row in rows) + "."
    )


def movements(published: Snapshot) -> Sequence[Block]:
    rows = published.records(
        """
        select month, movement, sum(delta_usd_month) as delta, count(*) as customers,
            case movement when 'new' then 0 when 'expansion' then 1 when 'reactivation' then 2 when 'contraction' then 3
                else 4 end as place
        from fct_mrr_movements
        group by month, movement
        order by month, place
        """
    )
    if not rows:
        return [Note("No month with a movement yet.")]
    newest = rows[-1]["month"]
    summary = ", ".join(f"{row['movement']} {short_money(row['delta'])}" for row in rows if row["month"] == newest)
    description = f"In {newest[:7]}: {summary}."
    return [Chart("movements", "MRR movements by month; the dash is the net", description, charts.movements(rows))]


def products(published: Snapshot) -> Sequence[Block]:
    """MRR of the last closed month by product."""
    rows = published.records(
        f"""
        select product_key as name, sum(mrr_usd_month) as amount, count(*) as customers
        from fct_mrr_products
        where month = {LAST_CLOSED_MONTH}
        group by product_key
        having sum(mrr_usd_month) <> 0
        order by amount desc, name
        """
    )
    if not rows:
        return [Note(f"No product has MRR in {published.last_closed_month():%B %Y}.")]
    for row in rows:
        row["name"] = words(row["name"])
    chart = charts.amounts(rows, "MRR")
    return [Chart("products", "MRR by product, last closed month", _amounts_in_words(rows), chart, "whole")]


def retention(published: Snapshot) -> Sequence[Block]:
    """Net and gross retention over the longest window, and over every window in the last month."""
    longest = "(select max(base_months) from rpt_retention)"
    rows = published.records(
        f"""
        select month, name, share from (
            select month, base_months, 'Net' as name, ndr as share from rpt_retention
            union all
            select month, base_months, 'Gross' as name, gdr as share from rpt_retention
        )
        where base_months = {longest}
        order by month, name
        """
    )
    last = published.rows(
        """
        select
            base_months, customers_in_base, base_mrr_usd_month, current_mrr_usd_month, ndr, gdr, logo_retention,
            adjusted_ndr
        from rpt_retention
        where month = (select max(month) from rpt_retention)
        order by base_months
        """
    )
    columns = [
        Header("Months back", "number"), Header("Customers then", "number"), Header("MRR then", "money"),
        Header("MRR now", "money"), Header("Net", "percent"), Header("Gross", "percent"),
        Header("Customers kept", "percent"), Header("Net without spikes", "percent"),
    ]  # fmt: skip
    table = PageTable(
        "retention-windows", "Last closed month", columns, last, "No base of customers yet.", "rpt_retention"
    )
    if all(row["share"] is None for row in rows):
        return [Note("No month has a customer in the base of its longest window: there is nothing to draw."), table]
    window, net, gross = last[-1][0], last[-1][4], last[-1][5]
    summary = f"Net {percent(net)} and gross {percent(gross)} in the last closed month."
    if net is None:
        summary = f"Not known in the last closed month: the base {window} months before has no customers."
    title = f"Dollar retention over {window} months"
    return [Chart("retention-chart", title, summary, charts.retention(rows), "whole"), table]
