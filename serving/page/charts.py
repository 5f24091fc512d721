"""The charts, in Altair: each function takes published rows and returns a Vega-Lite specification."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from serving.page.palette import FONT, variable

Rows = Sequence[Mapping[str, Any]]

MOVEMENTS = ("new", "expansion", "reactivation", "contraction", "churn")
# The bands of the mix, the largest first, and what the legend calls them.
BANDS = {"1m": "From $1M", "50k": "From $50k", "25k": "From $25k", "below": "Below"}
# Of a customer's largest products; the page adds the others up under the last colour.
PRODUCT_COLOURS = (
    "band-1m", "expansion", "reactivation", "contraction", "churn", "band-50k", "band-25k", "neutral",
)  # fmt: skip
PRODUCT_COLUMNS = "width < 380 ? 2 : width < 900 ? 4 : 0"
HEIGHT = 240
MONTH = "%b %Y"
# Wrap legends that are wider than the chart, as on a phone.
LEGEND_COLUMNS = "width < 380 ? 3 : 0"
# A bar begins at its month, so the axis ends with the month after the last bar, of which nothing is shown.
WITHOUT_THE_END = "+datum.value >= +domain('x')[1] ? '' : datum.label"
# Vega writes zero with the unit of its neighbours, as $0k.
DOLLARS = "datum.value === 0 ? '$0' : datum.label"


def _finish(chart: Any, height: int = HEIGHT) -> dict[str, Any]:
    """Apply the page's width, font and colours."""
    muted, rule = variable("muted"), variable("rule")
    text = {"labelColor": muted, "titleColor": muted, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": 400}
    finished = (
        chart.properties(width="container", height=height)
        .configure(font=FONT, background="transparent", autosize={"type": "fit", "contains": "padding"})
        .configure_view(stroke=None)
        .configure_axis(gridColor=rule, domainColor=rule, tickColor=rule, labelPadding=6, **text)
        .configure_axisX(grid=False)
        .configure_axisY(domain=False, ticks=False)
        .configure_legend(orient="top", title=None, columns=alt.ExprRef(LEGEND_COLUMNS), **text)
    )
    return finished.to_dict()


def _data(rows: Rows) -> alt.InlineData:
    return alt.InlineData(values=[dict(row) for row in rows])


def _months() -> alt.X:
    return alt.X(
        "month", type="temporal", timeUnit="utcyearmonth", title=None, axis=alt.Axis(format=MONTH, tickCount=6)
    )


def _bars_of_months(field: str = "month") -> alt.X:
    axis = alt.Axis(format=MONTH, tickCount=6, labelExpr=WITHOUT_THE_END)
    return alt.X(field, type="temporal", timeUnit="utcyearmonth", title=None, axis=axis)


def _days(field: str) -> alt.X:
    axis = alt.Axis(format="%Y", tickCount={"interval": "year", "step": 1}, labelFlush=False)
    return alt.X(field, type="temporal", scale=alt.Scale(type="utc"), title=None, axis=axis)


def _dollars(field: str, title: str | None = None) -> alt.Y:
    return alt.Y(field, type="quantitative", title=title, axis=alt.Axis(format="$~s", tickCount=5, labelExpr=DOLLARS))


def _by(field: str, names: Sequence[str], colours: Sequence[str]) -> alt.Color:
    scale = alt.Scale(domain=list(names), range=[variable(colour) for colour in colours[: len(names)]])
    legend = alt.Legend() if len(names) > 1 else None
    return alt.Color(field, type="nominal", scale=scale, legend=legend)


def _tooltips(*fields: tuple[str, str, str]) -> list[alt.Tooltip]:
    """Tooltips from field, title and format; the format of a date is `month` or `day`."""
    tooltips = []
    for field, title, form in fields:
        if form == "month":
            tooltips.append(alt.Tooltip(field, type="temporal", timeUnit="utcyearmonth", title=title))
        elif form == "day":
            tooltips.append(alt.Tooltip(field, type="temporal", timeUnit="utcyearmonthdate", title=title))
        elif form:
            tooltips.append(alt.Tooltip(field, type="quantitative", title=title, format=form))
        else:
            tooltips.append(alt.Tooltip(field, type="nominal", title=title))
    return tooltips


def arr_by_band(rows: Rows) -> dict[str, Any]:
    """ARR by month, stacked by band of the mix. Rows: as_of, band, arr_usd, place, customers."""
    chart = (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=_bars_of_months("as_of"),
            y=_dollars("arr_usd"),
            color=_by("band", list(BANDS.values()), [f"band-{band}" for band in BANDS]),
            order=alt.Order("place", type="quantitative"),
            tooltip=_tooltips(("as_of", "Month", "month"), ("band", "Band", ""), ("arr_usd", "ARR", "$,.0f"))
            + _tooltips(("customers", "Customers", ",")),
        )
    )
    return _finish(chart)


def movements(rows: Rows) -> dict[str, Any]:
    """MRR won and lost by month, with the net. Rows: month, movement, delta, customers, place."""
    bars = (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=_bars_of_months(),
            y=_dollars("delta", "MRR a month"),
            color=_by("movement", MOVEMENTS, MOVEMENTS),
            order=alt.Order("place", type="quantitative"),
            tooltip=_tooltips(("month", "Month", "month"), ("movement", "Movement", ""), ("delta", "MRR", "$,.0f"))
            + _tooltips(("customers", "Customers", ",")),
        )
    )
    net = (
        alt.Chart()
        .mark_tick(color=variable("ink"), thickness=2.5, width=14)
        .encode(
            x=_bars_of_months(),
            y=alt.Y("sum(delta):Q"),
            tooltip=[*_tooltips(("month", "Month", "month")), alt.Tooltip("sum(delta):Q", title="Net", format="$,.0f")],
        )
    )
    return _finish(alt.layer(bars, net, data=_data(rows)))


def amounts(rows: Rows, unit: str) -> dict[str, Any]:
    """Dollars by name, in the order of the rows. Rows: name, amount, customers."""
    names = [row["name"] for row in rows]
    # If no amount is positive, the scale ends at zero.
    most = max([0.0, *(row["amount"] for row in rows)])
    base = alt.Chart(_data(rows)).encode(
        y=alt.Y("name", type="nominal", sort=names, title=None, axis=alt.Axis(labelLimit=160)),
        x=alt.X("amount", type="quantitative", title=None, axis=None, scale=alt.Scale(domainMax=most * 1.35)),
        tooltip=_tooltips(("name", "Name", ""), ("amount", unit, "$,.0f"), ("customers", "Customers", ",")),
    )
    bars = base.mark_bar(color=variable("accent"), height={"band": 0.7})
    labels = base.mark_text(align="left", dx=5, color=variable("ink"), fontSize=12).encode(
        text=alt.Text("amount", type="quantitative", format="$,.3~s")
    )
    return _finish(bars + labels, max(90, 22 * len(rows)))


def projection(history: Rows, ahead: Rows, target: int) -> dict[str, Any]:
    """Customers of a band so far and projected. Rows: as_of, customers; month, low, middle, high."""
    accent, muted = variable("accent"), variable("muted")
    top = max([float(row["customers"]) for row in history] + [float(row["high"]) for row in ahead if row["high"]] + [1])
    count = alt.Y("customers", type="quantitative", title=None, axis=alt.Axis(tickMinStep=1, format=",d", tickCount=4))
    past = alt.Chart(_data(history)).mark_line(color=accent, strokeWidth=2.5)
    past = past.encode(
        x=_days("as_of"), y=count, tooltip=_tooltips(("as_of", "Day", "day"), ("customers", "Customers", ","))
    )
    future = alt.Chart(_data(ahead))
    tooltip = _tooltips(("month", "Month", "month"), ("low", "P10", ","), ("middle", "P50", ","), ("high", "P90", ","))
    band = future.mark_area(color=accent, opacity=0.2).encode(
        x=_days("month"), y=alt.Y("low", type="quantitative"), y2="high", tooltip=tooltip
    )
    middle = future.mark_line(color=accent, strokeDash=[5, 4], strokeWidth=2).encode(
        x=_days("month"), y=alt.Y("middle", type="quantitative"), tooltip=tooltip
    )
    layers = [band, middle, past]
    # A far target would flatten the lines, so it is a label at the edge instead.
    is_near = target <= 2 * top
    label = alt.Chart(_data([{"target": target, "label": f"Target {target:,}" + ("" if is_near else " ↑")}]))
    height = alt.Y("target", type="quantitative") if is_near else alt.YValue(0)
    written = label.mark_text(align="left", baseline="top", dy=3, color=muted, fontSize=12)
    layers.append(written.encode(x=alt.value(4), text="label:N", y=height))
    if is_near:
        layers.append(label.mark_rule(color=muted, strokeDash=[2, 3]).encode(y=height))
    return _finish(alt.layer(*layers), 170)


def lines(rows: Rows, names: Sequence[str], x: alt.X, pointed: list[alt.Tooltip], level: float) -> dict[str, Any]:
    """Shares over time or days, with a reference level. Rows: the x, name, share.

    A null share interrupts the line.
    """
    values = [float(row["share"]) for row in rows if row["share"] is not None] + [level]
    lowest = min(values)
    scale = alt.Scale(
        domain=[lowest - 0.05 if lowest > 0.5 else min(lowest, 0), max(values) * 1.03], zero=False, nice=True
    )
    base = alt.Chart(_data(rows)).mark_line(strokeWidth=2.5)
    dashes = alt.Scale(domain=list(names), range=[[1, 0], [6, 4]][: len(names)])
    curves = base.encode(
        x=x,
        y=alt.Y("share", type="quantitative", title=None, scale=scale, axis=alt.Axis(format=".0%", tickCount=5)),
        color=_by("name", names, ("accent", "contraction")),
        strokeDash=alt.StrokeDash(
            "name", type="nominal", scale=dashes, legend=alt.Legend() if len(names) > 1 else None
        ),
        tooltip=[*pointed, *_tooltips(("name", "Line", ""), ("share", "Share", ".1%"))],
    )
    rule = alt.Chart(_data([{"level": level}])).mark_rule(color=variable("neutral"), strokeDash=[2, 3])
    chart = rule.encode(y=alt.Y("level", type="quantitative", scale=scale)) + curves
    return _finish(chart)


def retention(rows: Rows) -> dict[str, Any]:
    """Net and gross dollar retention over twelve months. Rows: month, name, share."""
    return lines(rows, ("Net", "Gross"), _months(), _tooltips(("month", "Month", "month")), 1.0)


def accuracy(rows: Rows, names: Sequence[str], level: float) -> dict[str, Any]:
    """A share by day of the billing period. Rows: day, name, share."""
    x = alt.X("day", type="quantitative", title="Day of the billing period", scale=alt.Scale(nice=False, zero=False))
    return lines(rows, names, x, _tooltips(("day", "Day of the period", ",")), level)


def sign_ups(rows: Rows, names: Sequence[str]) -> dict[str, Any]:
    """Sign-ups by week and segment. Rows: week, segment, organizations, place."""
    weeks = alt.Axis(format="%d %b", labelAngle=0, labelOverlap=True, labelSeparation=14)
    colours = ("band-1m", "band-50k", "reactivation", "neutral", "band-below")
    chart = (
        alt.Chart(_data(rows))
        .mark_bar()
        .encode(
            x=alt.X("week", type="ordinal", timeUnit="utcyearmonthdate", title=None, axis=weeks),
            y=alt.Y("organizations", type="quantitative", title=None, axis=alt.Axis(tickCount=5, tickMinStep=1)),
            color=_by("segment", names, colours),
            order=alt.Order("place", type="quantitative"),
            tooltip=_tooltips(
                ("week", "Week of", "day"), ("segment", "Segment", ""), ("organizations", "Sign-ups", ",")
            ),
        )
    )
    return _finish(chart)


def customer_mrr() -> dict[str, Any]:
    """MRR of one customer by month and product; the page puts the customer's rows in. Rows: month, product, mrr."""
    colours = [variable(name) for name in PRODUCT_COLOURS]
    chart = (
        alt.Chart(_data([]))
        .mark_bar()
        .encode(
            x=_bars_of_months(),
            y=_dollars("mrr"),
            color=alt.Color(
                "product",
                type="nominal",
                scale=alt.Scale(range=colours),
                legend=alt.Legend(columns=alt.ExprRef(PRODUCT_COLUMNS)),
            ),
            tooltip=_tooltips(("month", "Month", "month"), ("product", "Product", ""), ("mrr", "MRR", "$,.2f")),
        )
    )
    return _finish(chart, 200)
