"""The week up to the data day in sentences, from movements and events of the published file.

The same file gives the same sentences: nothing reads the clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from serving.digest.figures import crossings
from serving.page.blocks import money, percent, short_money, words
from serving.page.snapshot import LAST_CLOSED_MONTH, Snapshot

SHOWN_NAMES = 3
NAME = "coalesce(nullif(customers.name, ''), events.customer_id)"
# The week, and the one before it, of a table with a column `day`.
IN_WEEK = "day > (select as_of_date from publish_info) - 7 and day <= (select as_of_date from publish_info)"
IN_WEEK_BEFORE = "day > (select as_of_date from publish_info) - 14 and day <= (select as_of_date from publish_info) - 7"
# Of each customer that the condition finds a row, the largest first: what is said of it, and an amount in USD.
OF_WEEK = f"""
    select events.what, {NAME}, events.figure, customers.arr_usd_year
    from fct_customer_events as events left join dim_customers as customers using (customer_id)
    where {IN_WEEK} and {{condition}}
    order by {{order}}, {NAME}, events.customer_id, events.subject, events.what
"""
BY_ARR = "customers.arr_usd_year desc nulls last"
BY_FIGURE = "abs(events.figure) desc nulls last"
# A month is closed so many days after its last one.
CLOSED_IN_THE_WEEK = """
    select coalesce((
        select last_closed_month + interval 1 month + to_days(cast(value as int) - 1) > as_of_date - 7
        from publish_info, dim_thresholds
        where threshold = 'month_closes_after_days'
    ), false)
"""
CHANGES = {"tier_changed": "size tier", "band_changed": "band of the mix", "segment_changed": "segment"}


@dataclass(frozen=True)
class Topic:
    """A heading and its sentences."""

    title: str
    sentences: Sequence[str]


@dataclass(frozen=True)
class Digest:
    """The week that ends on `last_day`."""

    first_day: date
    last_day: date
    topics: Sequence[Topic]

    @property
    def subject(self) -> str:
        return f"The week to {_day(self.last_day)} in growth"


def digest(published: Snapshot) -> Digest:
    """The week up to the data day."""
    first_day, last_day = published.row("select as_of_date - 6, as_of_date from publish_info")
    topics = [
        Topic("Revenue", _revenue(published)),
        Topic("Onboarding queue", _queue(published)),
        Topic("Sign-ups", _sign_ups(published)),
        Topic("Moves", _moves(published)),
        Topic("Signals", _signals(published)),
        Topic("Bills and credit", _bills(published)),
        Topic("Owners", _owners(published)),
        Topic("Figures past their bounds", _figures(published)),
        Topic("Data", _data(published)),
    ]
    return Digest(first_day, last_day, topics)


def _revenue(published: Snapshot) -> list[str]:
    month = published.last_closed_month()
    arr, before, customers = published.row(
        f"""
        select coalesce(sum(arr_usd_year) filter (where month = {LAST_CLOSED_MONTH}), 0),
            coalesce(sum(arr_usd_year) filter (where month = {LAST_CLOSED_MONTH} - interval 1 month), 0),
            count(*) filter (where month = {LAST_CLOSED_MONTH} and mrr_usd_month > 0)
        from fct_mrr_monthly
        """
    )
    more = "more" if arr >= before else "less"
    share = f" ({percent(abs(arr / before - 1))})" if before > 0 else ""
    said = [
        f"ARR is {short_money(arr)} from {_count(customers, 'paying customer')} at the end of {month:%B %Y}, the last "
        f"closed month: {short_money(abs(arr - before))} {more} than a month before{share}.",
        *published.months_not_invoiced(),
    ]
    moved = published.rows(OF_WEEK.format(condition="kind = 'mrr_moved'", order=BY_FIGURE))
    if not moved:
        (is_closed,) = published.row(CLOSED_IN_THE_WEEK)
        if is_closed:
            return [*said, f"{month:%B %Y} was closed in this week, and no MRR moved."]
        return [*said, "No month was closed in this week, so no MRR moved."]
    sums: dict[str, Decimal] = {}
    for movement, _, delta, _ in moved:
        sums[movement] = sums.get(movement, Decimal(0)) + delta
    kinds = ", ".join(
        f"{_signed(total)} {movement}" for movement, total in sorted(sums.items(), key=lambda each: -each[1])
    )
    said.append(f"{month:%B %Y} was closed in this week. MRR a month by movement: {kinds}.")
    for what, sign in (("won", 1), ("lost", -1)):
        names = [f"{name} ({_signed(delta)} a month)" for _, name, delta, _ in moved if delta * sign > 0]
        if names:
            said.append(f"Most was {what} at {_names(names)}.")
    return said


def _queue(published: Snapshot) -> list[str]:
    entered = published.rows(OF_WEEK.format(condition="kind = 'queue_entered'", order=BY_FIGURE))
    left = published.rows(OF_WEEK.format(condition="kind = 'queue_left'", order=BY_FIGURE))
    size, late = published.row(
        """
        select count(*), count(*) filter (
            where contact_by < (select as_of_date from publish_info) and not coalesce(is_do_not_contact, false)
        )
        from fct_onboarding_queue left join dim_customers using (customer_id)
        where is_open
        """
    )
    said = [
        f"{_count(len(entered), 'customer', none='Nobody')} entered the queue{_kinds(entered)}, and "
        f"{_count(len(left), 'customer', none='nobody')} left it{_kinds(left)}.",
        f"{_count(size, 'customer', none='Nobody')} {_are(size or 1)} in it; the contact of {late:,} is late.",
    ]
    if entered:
        largest = [f"{name} ({money(forecast)} a month)" for _, name, forecast, _ in entered]
        said.append(f"The largest bills expected of those that entered are {_names(largest)}.")
    return said


def _sign_ups(published: Snapshot) -> list[str]:
    week, before, icp = published.row(
        f"""
        select count(*) filter (where {IN_WEEK}), count(*) filter (where {IN_WEEK_BEFORE}),
            count(*) filter (where {IN_WEEK} and icp_segment in ('high_growth', 'high_potential'))
        from (select cast(created_at as date) as day, icp_segment from dim_organizations)
        """
    )
    more = percent(abs(Decimal(week) / before - 1)) if before else ""
    change = f", {more} {'more' if week > before else 'less'} than in the week before" if before else ""
    if week == before:
        change = ", as many as in the week before"
    said = [f"{_count(week, 'organization', none='Nobody')} signed up{change}."]
    if published.lacks("enrichment.companies"):
        return [*said, "Which of them are in the ICP is not known without enrichment."]
    names = published.rows(
        f"""
        select coalesce(nullif(name, ''), organization_id)
        from (select *, cast(created_at as date) as day from dim_organizations)
        where {IN_WEEK} and icp_segment in ('high_growth', 'high_potential')
        order by arr_usd_year desc nulls last, organization_id
        """
    )
    whom = f": {_names([name for (name,) in names])}" if names else ""
    return [*said, f"{icp:,} of them {_are(icp)} known to be in the ICP{whom}."]


def _moves(published: Snapshot) -> list[str]:
    said = []
    for kind, attribute in CHANGES.items():
        rows = published.rows(OF_WEEK.format(condition=f"kind = '{kind}'", order=BY_ARR))
        if rows:
            names = [f"{name} ({what.replace('_', ' ')})" for what, name, _, _ in rows]
            customers = len(_customers(published, kind))
            said.append(f"{_count(customers, 'customer')} changed {attribute}: {_names(names)}.")
    return said or ["Nobody changed size tier, band or segment."]


def _signals(published: Snapshot) -> list[str]:
    said = []
    for what, tables, condition in (
        ("of risk", ("rpt_account_risk",), "kind = 'risk'"),
        ("of growth", ("rpt_account_risk",), "kind <> 'risk'"),
        (
            "of leads, cross-sell and large deals",
            ("rpt_product_led_leads", "rpt_cross_sell", "rpt_large_deals"),
            "true",
        ),
        ("of credit and limits", ("rpt_credit_runway", "rpt_startup_rolloffs", "rpt_limits_hit"), "true"),
    ):
        union = " union all ".join(
            f"select customer_id, customer_name, what_fired, since as day from {table} where {condition}"
            for table in tables
        )
        rows = published.rows(
            f"""
            select {NAME}, events.what_fired
            from ({union}) as events left join dim_customers as customers using (customer_id)
            where {IN_WEEK} order by {BY_ARR}, {NAME}, events.what_fired
            """
        )
        if rows:
            names = list(dict.fromkeys(f"{name} ({_lower(fired)})" for name, fired in rows))
            said.append(f"{_count(len(rows), 'new signal')} {what}: {_names(names)}.")
    return said or ["No signal fired."]


def _bills(published: Snapshot) -> list[str]:
    unpaid = published.rows(OF_WEEK.format(condition="kind = 'bill_unpaid'", order=BY_FIGURE))
    ended = _customers(published, "credit_ended")
    said = []
    if unpaid:
        names = [name if usd is None else f"{name} ({money(usd)})" for _, name, usd, _ in unpaid]
        known = [usd for _, _, usd, _ in unpaid if usd is not None]
        in_all = f", {money(sum(known, Decimal(0)))} in all" if known else ""
        without_rate = f"{len(unpaid) - len(known)} of them without" if known else "without"
        rest = f", {without_rate} an exchange rate" if len(known) < len(unpaid) else ""
        said.append(
            f"{_count(len(unpaid), 'bill')} of this week {_are(len(unpaid))} not paid{in_all}{rest}: {_names(names)}."
        )
    if ended:
        said.append(f"Credit ended for {_count(len(ended), 'customer')}: {_names(ended)}.")
    return said or ["Every bill of this week is paid, and no credit ended."]


def _owners(published: Snapshot) -> list[str]:
    if published.lacks("crm.accounts"):
        return ["Who owns customers is not known without a CRM."]
    came, left = _customers(published, "owner_came"), _customers(published, "owner_left")
    (unowned,) = published.row(
        "select count(*) from fct_account_routing where coalesce(is_gap, true) and list_rank is not null"
    )
    whom = f": {_names(came)}" if came else ""
    need, have = ("needs", "has") if unowned == 1 else ("need", "have")
    return [
        f"{_count(len(came), 'customer', none='Nobody')} got an owner{whom}; an owner left "
        f"{_count(len(left), 'customer', none='nobody')}.",
        f"{_count(unowned, 'customer')} {need} an owner and {have} none, or one in the wrong role.",
    ]


def _figures(published: Snapshot) -> list[str]:
    crossed = crossings(published, only_told=False)
    return [f"{each.sentence} Since {_day(each.crossed_on)}." for each in crossed] or ["No figure crossed its bound."]


def _data(published: Snapshot) -> list[str]:
    as_of, published_at, passed, warned, failed, aside = published.row(
        "select as_of_date, published_at, checks_passed, checks_warned, checks_failed, rows_set_aside from publish_info"
    )
    return [
        f"The data day is {_day(as_of)}, published on {published_at:%Y-%m-%d at %H:%M} UTC: "
        f"{_count(passed, 'check')} passed, {warned:,} warned, {failed:,} failed; "
        f"{_count(aside, 'row')} {_are(aside)} set aside."
    ]


def _customers(published: Snapshot, kind: str) -> list[str]:
    """The name of each customer with such an event in the week, once, the largest first: it may have many of a kind."""
    rows = published.rows(
        f"""
        select {NAME}
        from (select distinct customer_id from fct_customer_events where {IN_WEEK} and kind = ?) as events
        left join dim_customers as customers using (customer_id)
        order by {BY_ARR}, {NAME}, events.customer_id
        """,
        [kind],
    )
    return [name for (name,) in rows]


def _kinds(rows: Sequence[tuple[Any, ...]]) -> str:
    """How many of each kind, such as ` (3 first bill, 1 startup rolloff)`."""
    counts: dict[str, int] = {}
    for kind, *_ in rows:
        counts[kind] = counts.get(kind, 0) + 1
    listed = ", ".join(
        f"{count:,} {_lower(words(kind))}" for kind, count in sorted(counts.items(), key=lambda e: (-e[1], e[0]))
    )
    return f" ({listed})" if listed else ""


def _names(names: Sequence[str]) -> str:
    """At most three names, and how many more there are."""
    shown, more = list(names[:SHOWN_NAMES]), len(names) - SHOWN_NAMES
    if more > 0:
        return f"{', '.join(shown)} and {more:,} more"
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else shown[0]


def _count(number: int, what: str, none: str = "") -> str:
    """Such as `1 customer` or `2 customers`; for 0 `none`, if it is given."""
    return none if none and not number else f"{number:,} {what}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _signed(dollars: Decimal) -> str:
    return f"+{money(dollars)}" if dollars > 0 else money(dollars)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
