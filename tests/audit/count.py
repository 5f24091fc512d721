"""The company's core figures counted a second time: from its files, by the contract, without any of the project's SQL.

Python's own integers and fractions, the seeds, and DuckDB to open files. Nothing of the project is imported, so that a
rule that is wrong there cannot be wrong here for the same reason. It is slow and plain on purpose.
"""

import bisect
import csv
import gzip
import io
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import duckdb

SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
ONE_DAY = timedelta(days=1)
# 400 years have 146,097 days and 4,800 months.
MONTHS_A_DAY = Fraction(4800, 146097)
ZERO = Decimal("0.00")
# List value, discount, startup credit and credit notes.
NOTHING = (ZERO, ZERO, ZERO, ZERO)

Row = dict[str, Any]
Amounts = tuple[Decimal, ...]


def seed(name: str) -> list[Row]:
    """The rows of a seed, an empty field as None."""
    with (SEEDS / f"{name}.csv").open(newline="") as file:
        return [{column: value or None for column, value in row.items()} for row in csv.DictReader(file)]


def threshold(name: str) -> Fraction:
    """A number of seed `thresholds`."""
    return next(Fraction(row["value"]) for row in seed("thresholds") if row["name"] == name)


def half_up(value: Fraction | Decimal | int, digits: int = 2) -> Decimal:
    """Rounded half away from zero, to so many digits behind the point."""
    scaled = Fraction(value) * 10**digits
    whole = int(abs(scaled) + Fraction(1, 2))
    return Decimal(whole if scaled >= 0 else -whole).scaleb(-digits)


def month_of(day: date) -> date:
    """The first day of a day's month."""
    return date(day.year, day.month, 1)


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last one of that month if it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    first, following = (date(each // 12, each % 12 + 1, 1) for each in (index, index + 1))
    return min(first + (day.day - 1) * ONE_DAY, following - ONE_DAY)


def after(day: date) -> datetime:
    """The first instant that is no longer in a day."""
    return datetime.combine(day + ONE_DAY, time())


def instant(value: Any) -> datetime | None:
    """A timestamp of a file, or of Stripe in unix seconds, in UTC without a zone."""
    if not value:
        return None
    if isinstance(value, int):
        return datetime.fromtimestamp(value, UTC).replace(tzinfo=None)
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment.astimezone(UTC).replace(tzinfo=None)


def query(text: str, *parameters: Any) -> tuple[list[str], list[tuple[Any, ...]]]:
    """The columns and rows of a query on files."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        found = connection.execute(text, list(parameters))
        return [column[0] for column in found.description or []], found.fetchall()


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of one file, from the first to the last."""
    if path.suffix == ".parquet":
        columns, rows = query("from read_parquet(?, hive_partitioning = false)", str(path))
        yield from (dict(zip(columns, row, strict=True)) for row in rows)
        return
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    if ".csv" in path.name:
        yield from (
            {column: value or None for column, value in row.items()} for row in csv.DictReader(io.StringIO(text))
        )
    else:
        yield from (json.loads(line, parse_float=Decimal) for line in text.splitlines())


def newest(versions: list[Row], before: datetime) -> Row:
    """The version that held just before an instant; the first one holds from the beginning."""
    return versions[max(0, bisect.bisect_left(versions, before, key=lambda row: row["updated_at"]) - 1)]


class Company:
    """What the files below a source root say at the end of the newest complete day of usage."""

    def __init__(self, source: Path) -> None:
        self.source = source
        self.products: dict[str, Row] = {row["product_key"]: row for row in seed("products")}
        self.units = {row["product_key"]: int(row["units_per_billed_unit"]) for row in seed("usage_counters")}
        self.data_day = self._newest_complete_day()
        self.end = after(self.data_day)
        days_to_close = int(threshold("month_closes_after_days"))
        self.last_closed_month = months_later(month_of(self.data_day - (days_to_close - 1) * ONE_DAY), -1)

    # Files

    def rows(self, table: str) -> list[Row]:
        """All rows of a table, in the natural order of paths and then of rows."""
        paths = [*self.source.glob(f"{table}.*"), *(self.source / table).glob("*")]
        paths.sort(key=lambda path: [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(path))])
        return [row for path in paths for row in rows_of(path)]

    def versions(self, table: str, key: str) -> dict[str, list[Row]]:
        """Of each key the versions by stamp, the oldest first; of one stamp the row that came last."""
        found: dict[str, dict[datetime | None, Row]] = defaultdict(dict)
        for row in self.rows(table):
            dated = {
                column: instant(value) if column.endswith(("_at", "_start", "_end")) else value
                for column, value in row.items()
            }
            found[row[key]][dated["updated_at"]] = dated
        return {each: [stamps[at] for at in sorted(filter(None, stamps))] for each, stamps in found.items()}

    def objects(self, kind: str) -> dict[str, Row]:
        """Stripe's live objects that had been created by the end of the data day, each as it was sent last."""
        found = {row["id"]: {"metadata": {}, **row} for row in self.rows(f"stripe/{kind}")}
        return {
            key: row
            for key, row in found.items()
            if row.get("livemode", True) and (instant(row.get("created")) or self.end - ONE_DAY) < self.end
        }

    # Usage

    @property
    def _reports(self) -> str:
        folders = f"'{self.source}/usage/usage_reports/*/*'"
        return f"read_parquet({folders}, union_by_name = true, filename = true, file_row_number = true)"

    def _newest_complete_day(self) -> date:
        """The last day with a report from after its midnight, and with reports of as many organizations as usual."""
        _, days = query(
            "select date, count(distinct organization_id), max(received_at) >= date + interval 1 day "
            f"from {self._reports} group by date order by date"
        )
        share, week = threshold("data_day_quorum_share"), int(threshold("data_day_week_days"))
        return max(
            day
            for place, (day, reported, is_past) in enumerate(days)
            if is_past
            and reported >= share * median([row[1] for row in days[max(0, place - week) : place] or days[:1]])
        )

    @cached_property
    def usage(self) -> dict[str, dict[date, dict[str, int]]]:
        """Counted units above zero by organization, day and product, from the report that was received last."""
        counters = ", ".join(f"{row['counter']} as {row['product_key']}" for row in seed("usage_counters"))
        _, rows = query(
            f"""
            with ranked as (
                select organization_id, date, {counters}, row_number() over (
                    partition by organization_id, date order by received_at desc, filename desc, file_row_number desc
                ) as age
                from {self._reports}
            )
            select organization_id, date, product_key, units
            from (unpivot ranked on columns(* exclude (organization_id, date, age)) into name product_key value units)
            where age = 1 and units > 0 and date <= ?
            """,
            self.data_day,
        )
        found: dict[str, dict[date, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
        for organization, day, product, units in rows:
            if organization in self.organizations:
                found[organization][day][product] = units
        return found

    # Organizations, billing accounts and customers

    @cached_property
    def organizations(self) -> dict[str, Row]:
        """The organizations that are counted, as of the data day."""
        found = {
            each: newest(versions, self.end)
            for each, versions in self.versions("product_db/organizations", "id").items()
        }
        return {
            each: row for each, row in found.items() if row["created_at"] < self.end and not row["for_internal_metrics"]
        }

    @cached_property
    def billing(self) -> dict[str, list[Row]]:
        """Of each organization that billing knows, the versions that were known on the data day."""
        found = self.versions("billing/billing_customers", "organization_id")
        return {
            each: [row for row in versions if row["updated_at"] < self.end] or versions[:1]
            for each, versions in found.items()
            if each in self.organizations
        }

    @cached_property
    def payers(self) -> dict[str, Row]:
        """Stripe's customers, without those that only pay the instalments of a contract that lives on another."""
        return {
            key: row for key, row in self.objects("customers").items() if row["metadata"].get("payment_only") != "true"
        }

    @cached_property
    def named(self) -> dict[str, str]:
        """The Stripe customer whose metadata name an organization."""
        return {
            self.payers[payer]["metadata"].get("organization_id"): payer for payer in sorted(self.payers, reverse=True)
        }

    def payer(self, organization: str, before: datetime) -> str | None:
        """The Stripe customer of an organization: billing's, else its own, else the one whose metadata name it."""
        billed = (
            newest(self.billing[organization], before)["stripe_customer_id"] if organization in self.billing else None
        )
        links = (billed, self.organizations[organization]["customer_id"], self.named.get(organization))
        link = next(filter(None, links), None)
        return link if link in self.payers else None

    def earliest(self, organizations: Iterable[str]) -> str:
        """The organization that was created first, of several at one instant the one with the smallest id."""
        return min(organizations, key=lambda each: (self.organizations[each]["created_at"], each))

    @cached_property
    def pooled(self) -> dict[str, list[str]]:
        """The organizations of each Stripe customer on the data day, from the first one, which names the account."""
        found = defaultdict(list)
        for organization in sorted(self.organizations, key=lambda each: (self.organizations[each]["created_at"], each)):
            payer = self.payer(organization, self.end)
            if payer:
                found[payer].append(organization)
        return found

    @cached_property
    def customers(self) -> dict[str, str]:
        """The customer of each organization: its company's canonical organization."""
        merges = {row["organization_id"]: row["canonical_organization_id"] for row in self.rows("crm/account_merges")}
        company = {each: {each} for each in self.organizations}
        pairs = [pair for pair in merges.items() if set(pair) <= set(company)]
        pairs += [(members[0], each) for members in self.pooled.values() for each in members]
        for one, other in pairs:
            joined = company[one] | company[other]
            company.update(dict.fromkeys(joined, joined))
        targets = set(merges.values())
        return {
            each: self.earliest(members & targets - set(merges) or members & targets or members)
            for each, members in company.items()
        }

    # Revenue

    @cached_property
    def _prices(self) -> dict[str, Row]:
        return self.objects("prices")

    def price(self, line: Row) -> Row:
        """What Stripe says of a line's price, in the old shape of its API or in the new one."""
        details = (line.get("pricing") or {}).get("price_details") or {}
        price = line.get("price") or {"id": details.get("price"), "product": details.get("product")}
        return {**self._prices.get(price["id"], {}), **price}

    def recurs(self, line: Row) -> bool:
        """Whether Stripe says that a line is its subscription's own and not a one-off beside it."""
        kind = (line.get("parent") or {}).get("type") or line.get("type")
        if kind is None:
            return bool(line.get("subscription")) and self.price(line).get("type") != "one_time"
        is_own = kind in {"subscription", "subscription_item_details"} or kind.endswith("subscription_details")
        return is_own or self.price(line).get("type") == "recurring"

    def counts(self, line: Row, product: str) -> bool:
        """Whether a line is revenue that recurs; what corrects the past of a monthly price is not."""
        parent = line.get("parent") or {}
        details = parent.get("subscription_item_details") or parent.get("invoice_item_details") or line
        interval = self.price(line).get("recurring") or {}
        is_monthly = interval.get("interval") != "year" and interval.get("interval_count", 1) == 1
        is_credit = product in self.products and self.products[product]["is_credit"] == "true"
        return self.recurs(line) and not is_credit and not (details.get("proration") and is_monthly)

    def on_startup_plan(self, payer: str, at: datetime) -> bool:
        """Whether Stripe, or billing of any of the payer's organizations at that time, says so."""
        versions = [self.billing[each] for each in self.pooled[payer] if each in self.billing]
        programs = [newest(each, at)["startup_program"] for each in versions]
        return self.payers[payer]["metadata"].get("is_startup_plan") == "true" or any(programs)

    def bills(self) -> Iterator[Row]:
        """The invoices that count, of Stripe customers that an organization has."""
        statuses = {row["status"] for row in seed("invoice_statuses") if row["is_counted"] == "true"}
        for invoice in self.objects("invoices").values():
            if invoice["status"] in statuses and invoice["customer"] in self.pooled:
                yield invoice

    def credit_applied(self, invoice: Row) -> int:
        """What startup credit paid of an invoice, tax included, in minor units: the balance that it used up."""
        applied = max(0, (invoice.get("ending_balance") or 0) - (invoice.get("starting_balance") or 0))
        return applied if self.on_startup_plan(invoice["customer"], instant(invoice["created"]) or self.end) else 0

    @staticmethod
    def refunded(notes: list[Row], lines: list[Row], net: list[int]) -> list[int]:
        """What credit notes took off each line, in minor units: the line that they name, else all by their shares."""
        ids = [line["id"] for line in lines]
        found = [0] * len(lines)
        for note in notes:
            named = (note.get("lines") or {}).get("data") or [
                {"amount": note.get("total_excluding_tax", note["subtotal"])}
            ]
            for each in named:
                amount = each["amount"] - sum(part["amount"] for part in each.get("discount_amounts") or [])
                if each.get("invoice_line_item") in ids:
                    shares = [amount if key == each["invoice_line_item"] else 0 for key in ids]
                else:
                    shares = [int(half_up(Fraction(amount * part, sum(net)), 0)) for part in net]
                    shares[-1] += amount - sum(shares)
                found = [before + share for before, share in zip(found, shares, strict=True)]
        return found

    def slices(self, line: Row, amounts: tuple[int, ...]) -> Iterator[tuple[date, list[int]]]:
        """A line's amounts by month: each slice in the month of its last instant, what is left over in the last one."""
        start, end = (instant(line["period"][side]) or self.end for side in ("start", "end"))
        count = max(1, int(half_up(Fraction(int((end - start).total_seconds()), 86400) * MONTHS_A_DAY, 0)))
        for place in range(1, count + 1):
            ends = end if place == count else datetime.combine(months_later(start.date(), place), start.time())
            parts = [amount // count if place < count else amount - amount // count * (count - 1) for amount in amounts]
            yield month_of(max(start, ends - timedelta(microseconds=1)).date()), parts

    def lines(self) -> Iterator[tuple[Row, Row, str, tuple[int, ...]]]:
        """The lines that count: invoice, line, product, and list value, discount, credit and refund in minor units."""
        keys = {key: row["metadata"].get("product_key") for key, row in self.objects("products").items()}
        notes = defaultdict(list)
        for note in self.objects("credit_notes").values():
            if note["status"] == "issued":
                notes[note["invoice"]].append(note)
        for invoice in self.bills():
            lines = invoice["lines"]["data"]
            discounts = [sum(part["amount"] for part in line.get("discount_amounts") or []) for line in lines]
            listed = [line.get("amount_excluding_tax", line["amount"]) for line in lines]
            net = [amount - discount for amount, discount in zip(listed, discounts, strict=True)]
            paid = Fraction(self.credit_applied(invoice), invoice["total"] or 1)
            credits_ = [int(half_up(each * paid, 0)) for each in net]
            refunds = self.refunded(notes[invoice["id"]], lines, net)
            for line, *amounts in zip(lines, listed, discounts, credits_, refunds, strict=True):
                key = keys.get(self.price(line)["product"])
                product = key if key in self.products else "unmapped"
                if self.counts(line, product):
                    yield invoice, line, product, tuple(amounts)

    @cached_property
    def rates(self) -> dict[tuple[date, str], Fraction]:
        """What a currency's minor unit is worth in a month, in USD."""
        return {
            (date.fromisoformat(row["month"]), row["currency"]): Fraction(row["usd_per_unit"])
            / 10 ** int(row["minor_unit_decimals"])
            for row in seed("exchange_rates")
        }

    @cached_property
    def mrr_by_product(self) -> dict[tuple[str, date, str], Amounts]:
        """List value, discount, credit and refund in USD by customer, closed month and product."""
        found: dict[tuple[str, date, str], Amounts] = {}
        for invoice, line, product, amounts in self.lines():
            customer = self.customers[self.pooled[invoice["customer"]][0]]
            for month, parts in self.slices(line, amounts):
                rate = self.rates.get((month, invoice["currency"]))
                if rate and month <= self.last_closed_month:
                    before = found.get((customer, month, product), NOTHING)
                    found[customer, month, product] = tuple(
                        one + half_up(part * rate) for one, part in zip(before, parts, strict=True)
                    )
        return found

    @cached_property
    def mrr(self) -> dict[str, dict[date, Amounts]]:
        """The same by customer and month, from the first month with a line to the last closed one."""
        found: dict[str, dict[date, Amounts]] = defaultdict(dict)
        for (customer, month, _), amounts in self.mrr_by_product.items():
            before = found[customer].get(month, NOTHING)
            found[customer][month] = tuple(one + other for one, other in zip(before, amounts, strict=True))
        for months in found.values():
            month = min(months)
            while month <= self.last_closed_month:
                months.setdefault(month, NOTHING)
                month = months_later(month, 1)
        return found

    def mrr_of(self, customer: str, month: date) -> Decimal:
        """The MRR of a customer in a month, zero before its first one."""
        listed, *less = self.mrr[customer].get(month, NOTHING)
        return listed - sum(less, ZERO)

    # Bills

    @cached_property
    def _tiers(self) -> dict[str, list[tuple[date, list[Row]]]]:
        """The versions of each product's price list by their first day, the newest first."""
        found: dict[str, dict[date, list[Row]]] = defaultdict(lambda: defaultdict(list))
        for row in seed("price_list"):
            found[row["product_key"]][date.fromisoformat(row["valid_from"])].append(row)
        return {product: sorted(versions.items(), reverse=True) for product, versions in found.items()}

    def list_value(self, product: str, quantity: Fraction, day: date) -> Decimal:
        """A quantity through the graduated tiers in force on a day; the first version holds from the beginning."""
        versions = self._tiers.get(product, [])
        tiers = next((tiers for first, tiers in versions if first <= day), versions[-1][1] if versions else [])
        value, lower = Fraction(0), Fraction(0)
        for tier in sorted(tiers, key=lambda row: int(row["tier"])):
            upper = min(quantity, Fraction(tier["up_to"] or quantity))
            if upper > lower:
                value += (upper - lower) * Fraction(tier["unit_price_usd"]) + Fraction(tier["flat_amount_usd"])
            lower = max(lower, upper)
        return half_up(value)

    def bill(self, terms: Row, quantities: dict[str, Fraction]) -> Decimal:
        """What a period's quantities cost: of each product the list value, less the discount, up to the limit."""
        day = (terms["current_period_end"] - ONE_DAY).date()
        left = 1 - Fraction(str(terms["discount_percent"])) / 100
        package = terms["platform_package"]
        total = half_up(Fraction(self.list_value(package, Fraction(1), day)) * left) if package else ZERO
        for product, quantity in quantities.items():
            if product in terms["subscribed_products"]:
                bill = half_up(Fraction(self.list_value(product, quantity, day)) * left)
                total += min(bill, half_up(Fraction(str(terms["custom_limits_usd"].get(product, bill)))))
        return total

    def open_period(self, payer: str, day: date) -> Row | None:
        """The terms of the account's open period on a day: those of the earliest of its organizations that has one."""
        for organization in self.pooled[payer]:
            if organization in self.billing and self.payer(organization, after(day)) == payer:
                terms = newest(self.billing[organization], after(day))
                start, end = terms["current_period_start"], terms["current_period_end"]
                if terms["has_active_subscription"] and start and end and start.date() <= day < end.date():
                    return terms
        return None

    def used_by_day(self, payer: str) -> dict[date, Counter[str]]:
        """Counted units of an account by day and product, of each organization on the days on which it was pooled."""
        found: dict[date, Counter[str]] = defaultdict(Counter)
        for organization in self.pooled[payer]:
            for day, used in self.usage.get(organization, {}).items():
                if self.payer(organization, after(day)) == payer:
                    found[day].update(used)
        return found

    def bills_to_date(self) -> Iterator[tuple[str, date, date, date, Decimal]]:
        """What each account's open period cost up to a day: account, day, first day, day after the last, USD."""
        first = min(min(days) for days in self.usage.values())
        days = [first + place * ONE_DAY for place in range((self.data_day - first).days + 1)]
        for payer, members in self.pooled.items():
            used_by_day, used = self.used_by_day(payer), Counter[str]()
            start: date | None = None
            for day in days if any(each in self.billing for each in members) else []:
                terms = self.open_period(payer, day)
                before, start = start, terms["current_period_start"].date() if terms else None
                if terms is None or start is None:
                    continue
                if start != before:
                    used = Counter()
                    for place in range((day - start).days):
                        used.update(used_by_day[start + place * ONE_DAY])
                used.update(used_by_day[day])
                quantities = {product: Fraction(units, self.units[product]) for product, units in used.items()}
                yield members[0], day, start, terms["current_period_end"].date(), self.bill(terms, quantities)
