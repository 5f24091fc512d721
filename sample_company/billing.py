"""The billing of an account over time: periods, rated invoices, credit, packages and credit notes."""

from datetime import date

from sample_company.account_ledger import AccountLedger, CreditNote, Invoice, Line, RatedLine, object_id
from sample_company.account_settings import close_subscription, open_subscription, settings_at, upgrade_period
from sample_company.accounts import Account
from sample_company.parameters import (
    DAY_US,
    DAYS,
    END_US,
    SECOND_US,
    add_months,
    day_at,
    day_number,
    day_of,
    instant,
)
from sample_company.rating import (
    SCALE_TO_CENTS,
    ExchangeRates,
    PriceList,
    after_discount,
    before_discount,
    half_up,
)
from sample_company.usage import PeriodUsage

STARTUP_CREDIT_CENTS = 50_000_00
UNMAPPED_PRODUCT = "browser_agent"


class Biller:
    """Bills accounts for pooled usage; `namespace` separates the ids of different companies."""

    def __init__(self, usage: PeriodUsage, prices: PriceList, rates: ExchangeRates, namespace: str) -> None:
        self._usage = usage
        self._prices = prices
        self._rates = rates
        self._namespace = namespace

    def bill(self, account: Account) -> AccountLedger:
        """The account's ledger up to the end of the data; adds dated settings to `account.changes`."""
        ledger = AccountLedger(
            account,
            customer_id=self._id("cus", account, 0),
            subscription_id=self._id("sub", account, 1),
            package_subscription_id=self._id("sub", account, 2),
            payer_id=self._id("cus", account, 3),
        )
        open_subscription(account, ledger.customer_id)
        pending = _plan_events(account)
        if account.package and account.package_from_period == 0 and account.package_months == 1:
            self._bill_package(ledger, account.start_us + 10 * SECOND_US, 0, 1)
        for period in range(account.closed_periods):
            created = instant(account.period_days[period + 1], 3_900 + account.number * 37 % 3_600)
            while pending and pending[0][0] < created:
                self._apply(ledger, *pending.pop(0))
            self._bill_period(ledger, period, created)
        for event in pending:
            if event[0] < END_US:
                self._apply(ledger, *event)
        if account.final_period is not None:
            # After the last invoice, which is still rated by the subscribed products.
            close_subscription(account, max(invoice.created_us for invoice in ledger.invoices) + 600 * SECOND_US)
        self._odd_invoices(ledger)
        self._credit_notes(ledger)
        return ledger

    def _id(self, prefix: str, *parts: object) -> str:
        named = [part.number if isinstance(part, Account) else part for part in parts]
        return object_id(prefix, self._namespace, prefix, *named)

    def _bill_period(self, ledger: AccountLedger, period: int, created: int) -> None:
        account = ledger.account
        start, end = account.period_days[period], account.period_days[period + 1]
        settings = settings_at(account, created)
        invoice = self._invoice(ledger, created, (start, end), settings)
        self._usage_lines(ledger, invoice, period, settings)
        continues = account.final_period is None or period + 1 < account.final_period
        if continues and account.package_months == 1 and settings["platform_package"]:
            self._package_line(ledger, invoice, period + 1, 1, settings)
        self._odd_lines(ledger, invoice, period)
        self._settle(ledger, invoice)
        if continues and account.package_months > 1 and account.package:
            since = period + 1 - account.package_from_period
            if since >= 0 and since % account.package_months == 0:
                self._bill_package(ledger, created + 1_500 * SECOND_US, period + 1, account.package_months)

    def _invoice(self, ledger: AccountLedger, created: int, period: tuple[int, int], settings: dict) -> Invoice:
        return Invoice(
            self._id("in", ledger.account, created, len(ledger.invoices)),
            ledger.account,
            ledger.customer_id,
            created,
            period,
            [],
            ledger.subscription_id,
            has_startup_credit=settings["startup_program"] is not None,
            coupon_basis_points=settings["discount_basis_points"],
        )

    def _usage_lines(self, ledger: AccountLedger, invoice: Invoice, period: int, settings: dict) -> None:
        account, (start, end) = ledger.account, invoice.period
        units_of = self._usage.of(account, period)
        basis_points = settings["discount_basis_points"]
        for counter, product in enumerate(self._prices.products):
            if product not in settings["subscribed_products"]:
                continue
            tariff = self._prices.tariff(product, day_at(end - 1))
            units = int(units_of[counter])
            list_cents = tariff.list_cents(units)
            if list_cents == 0:
                continue
            after = after_discount(list_cents, basis_points)
            limit_cents = settings["custom_limits_usd"].get(product)
            bites = limit_cents is not None and after > limit_cents
            bill = limit_cents if bites and limit_cents is not None else after
            ledger.rated.append(RatedLine(invoice, product, start, end, units, list_cents, after, limit_cents, bill))
            gross = before_discount(bill, basis_points) if bites else list_cents
            charges = [(units, gross)]
            if account.number % 5 < 2 and account.currency == "usd" and not bites:
                charges = _tier_charges(tariff.split(units), list_cents)
            self._add_lines(invoice, product, charges, bill, ledger.subscription_id)

    def _add_lines(
        self, invoice: Invoice, product: str, charges: list[tuple[int, int]], bill: int, subscription_id: str
    ) -> None:
        """Add lines for the charges whose net amounts sum to the bill, in the account's currency."""
        account, (start, end) = invoice.account, invoice.period
        last_day = day_at(end - 1)
        gross = sum(cents for _, cents in charges)
        gross_minor = self._rates.to_minor(gross, account.currency, last_day)
        bill_minor = self._rates.to_minor(bill, account.currency, last_day)
        reached = discounted = 0
        for number, (units, cents) in enumerate(charges):
            amount = cents if len(charges) > 1 else gross_minor
            reached += amount
            discount = half_up((gross_minor - bill_minor) * reached, gross_minor) - discounted if gross_minor else 0
            discounted += discount
            tier = f" (tier {number + 1})" if len(charges) > 1 else ""
            invoice.lines.append(
                Line(
                    self._id("il", invoice.id, product, number), product, start, end, amount, discount, units,
                    f"{units} x {product.replace('_', ' ')}{tier}", subscription_id,
                )
            )  # fmt: skip

    def _package_line(self, ledger: AccountLedger, invoice: Invoice, period: int, months: int, settings: dict) -> None:
        account, package = ledger.account, settings["platform_package"]
        start, end = account.period_days[period], day_number(_after(account, period, months))
        list_cents = self._prices.tariff(package, day_at(end - 1)).flat_cents * months
        after = after_discount(list_cents, settings["discount_basis_points"])
        ledger.rated.append(RatedLine(invoice, package, start, end, months, list_cents, after, None, after))
        subscription = ledger.subscription_id if months == 1 else ledger.package_subscription_id
        invoice.lines.append(
            Line(
                self._id("il", invoice.id, package), package, start, end, list_cents, list_cents - after, 1,
                f"{package.title()} package", subscription,
            )
        )  # fmt: skip

    def _bill_package(self, ledger: AccountLedger, created: int, period: int, months: int) -> None:
        settings = settings_at(ledger.account, created)
        start = ledger.account.period_days[period]
        invoice = self._invoice(ledger, created, (start, start), settings)
        if months > 1:
            invoice.subscription_id = ledger.package_subscription_id
        self._package_line(ledger, invoice, period, months, settings)
        self._settle(ledger, invoice)

    def _odd_lines(self, ledger: AccountLedger, invoice: Invoice, period: int) -> None:
        account, (start, end) = ledger.account, invoice.period
        if "unmapped_product" in account.traits and period >= 2:
            units = 400 + 37 * period
            line_id = self._id("il", invoice.id, UNMAPPED_PRODUCT)
            text = f"{units} x browser agent credits"
            invoice.lines.append(
                Line(line_id, UNMAPPED_PRODUCT, start, end, units, 0, units, text, ledger.subscription_id)
            )
        if "consulting" in account.traits and period == 2:
            line_id = self._id("ii", invoice.id, "consulting")
            invoice.lines.append(
                Line(line_id, "platform", end, end, 1_200_00, 0, 1, "Onboarding workshop, one-off", None)
            )
        if "upgrade" in account.traits and period == upgrade_period(account):
            changed = start + 11
            for package, sign, text in (("boost", -1, "Unused time on Boost"), ("scale", 1, "Remaining time on Scale")):
                flat = self._prices.tariff(package, day_at(end - 1)).flat_cents
                amount = sign * half_up(flat * (end - changed), end - start)
                invoice.lines.append(
                    Line(
                        self._id("il", invoice.id, "proration", package), package, changed, end, amount, 0, 1,
                        f"{text} after {day_at(changed)}", ledger.subscription_id, is_proration=True,
                    )
                )  # fmt: skip

    def _settle(self, ledger: AccountLedger, invoice: Invoice) -> None:
        """Set tax, the use of the balance, and the time of payment."""
        account = ledger.account
        net = sum(line.net for line in invoice.lines)
        invoice.tax = half_up(net * account.tax_basis_points, 10_000)
        invoice.starting_balance = ledger.balance
        applied = min(invoice.total, max(0, -ledger.balance))
        ledger.balance += applied
        invoice.ending_balance = ledger.balance
        # Large accounts pay by bank transfer; one in eleven of the others' cards fails at first.
        is_slow = account.group in ("1m", "50k") or (account.number + len(ledger.invoices)) % 11 == 0
        slow = 24 * 86_400 if is_slow else 40_000
        wait = 3_600 + (account.number * 7_919 + len(ledger.invoices) * 104_729) % slow
        _pay(invoice, invoice.created_us + (60 if applied == invoice.total else wait) * SECOND_US)
        ledger.invoices.append(invoice)
        if applied and account.kind in ("startup", "yc", "prepaid"):
            change: dict = {"credit_cents": -ledger.balance}
            if ledger.balance == 0 and account.kind in ("startup", "yc"):
                change["startup_program"] = None
            account.changes.append((invoice.created_us + 300 * SECOND_US, change))

    def _apply(self, ledger: AccountLedger, when: int, kind: str) -> None:
        account = ledger.account
        if kind == "startup_grant":
            ledger.balance = -STARTUP_CREDIT_CENTS
            account.changes.append((when, _startup_terms(account, when)))
        elif kind == "startup_expiry" and ledger.balance < 0:
            ledger.balance = 0
            account.changes.append((when, {"credit_cents": 0, "startup_program": None}))
        elif kind == "goodwill":
            ledger.balance -= 150_00
        elif kind in ("annual", "renewal"):
            self._buy_credit(ledger, when, kind)

    def _buy_credit(self, ledger: AccountLedger, when: int, kind: str) -> None:
        """Buy a year's credit at a discount: list value, price and balance; a second customer pays instalments."""
        account = ledger.account
        grown = 0.5 if kind == "annual" else 0.95
        kept = 1 - account.discount_basis_points / 10_000
        list_cents = max(25_000, round(account.net_usd_year * grown / kept / 1_000) * 1_000) * 100
        price = after_discount(list_cents, account.discount_basis_points)
        start, day = _annual_day(account), day_of(when)
        years = 1 if kind == "annual" else 2
        ledger.balance -= price
        account.changes.append(
            (
                when + SECOND_US,
                {
                    "annual_plan_start_us": instant(start),
                    "annual_plan_end_us": instant(day_number(add_months(day_at(start), 12 * years))),
                    "discount_basis_points": account.discount_basis_points,
                    "credit_cents": -ledger.balance,
                },
            )
        )
        if "instalments" in account.traits:
            self._instalments(ledger, day, price)
            return
        invoice = Invoice(
            self._id("in", account, when, "credits"), account, ledger.customer_id, when, (day, day), [], None,
            coupon_basis_points=account.discount_basis_points,
        )  # fmt: skip
        line_id = self._id("ii", invoice.id)
        text = "Prepaid credit, one year"
        invoice.lines.append(Line(line_id, "credits", day, day, list_cents, list_cents - price, 1, text, None))
        _pay(invoice, when + (5 + account.number % 25) * DAY_US)
        ledger.invoices.append(invoice)

    def _instalments(self, ledger: AccountLedger, day: int, price: int) -> None:
        account = ledger.account
        subscription = self._id("sub", account, "instalments", day)
        for number in range(12):
            start, end = (day_number(add_months(day_at(day), number + n)) for n in (0, 1))
            created = instant(start, 36_000)
            if created >= END_US:
                return
            amount = price // 12 + (price % 12 if number == 11 else 0)
            invoice = Invoice(
                self._id("in", account, created, "instalment"), account, ledger.payer_id, created, (start, end), [],
                subscription, adds_revenue=False,
            )  # fmt: skip
            text = f"Annual contract, instalment {number + 1} of 12"
            line_id = self._id("il", invoice.id)
            invoice.lines.append(Line(line_id, "platform", start, end, amount, 0, 1, text, subscription))
            _pay(invoice, created + 3 * DAY_US)
            ledger.invoices.append(invoice)

    def _odd_invoices(self, ledger: AccountLedger) -> None:
        """Void and reissue invoices, leave some uncollected or as drafts, or make them in test mode."""
        traits, billed = ledger.account.traits, [i for i in ledger.invoices if i.lines and i.adds_revenue]
        if not billed:
            return
        middle, last = billed[min(3, len(billed) - 1)], billed[-1]
        if "void_reissued" in traits:
            again = self._copy(ledger, middle, middle.created_us + 26 * 3_600 * SECOND_US, "again")
            _pay(again, again.created_us + 7_200 * SECOND_US)
            middle.status, middle.settled_us = "void", middle.created_us + 5 * 3_600 * SECOND_US
        if "uncollectible" in traits:
            middle.status, middle.settled_us = "uncollectible", middle.created_us + 40 * DAY_US
        if "unpaid_at_the_end" in traits:
            gave_up = last.created_us + 45 * DAY_US
            last.status, last.settled_us = ("uncollectible", gave_up) if gave_up < END_US else ("open", None)
        if "draft" in traits:
            draft = self._copy(ledger, last, instant(DAYS - 1, 72_000), "draft")
            draft.status, draft.settled_us = "draft", None
        if "test_mode" in traits:
            for number, invoice in enumerate(billed[1:3]):
                test = self._copy(ledger, invoice, invoice.created_us + 3_600 * SECOND_US, f"test {number}")
                test.livemode, test.adds_revenue, test.customer_id = False, False, ledger.payer_id
        if "refund_noted" in traits:
            middle.metadata = {"refund_id": self._id("re", middle.id), "refunded_amount": str(middle.total // 2)}

    def _copy(self, ledger: AccountLedger, invoice: Invoice, created: int, purpose: str) -> Invoice:
        copy = Invoice(
            self._id("in", invoice.id, purpose), invoice.account, invoice.customer_id, created, invoice.period, [],
            invoice.subscription_id, invoice.tax, status=invoice.status, settled_us=invoice.settled_us,
            coupon_basis_points=invoice.coupon_basis_points,
        )  # fmt: skip
        for line in invoice.lines:
            copy.lines.append(Line(**{**line.__dict__, "id": self._id("il", copy.id, line.id)}))
        ledger.invoices.append(copy)
        ledger.rated += [RatedLine(**{**r.__dict__, "invoice": copy}) for r in ledger.rated if r.invoice is invoice]
        return copy

    def _credit_notes(self, ledger: AccountLedger) -> None:
        traits = ledger.account.traits
        credited = [i for i in ledger.invoices if i.adds_revenue and i.status == "paid" and _usage_lines(i)]
        if not credited or not any(trait.startswith(("credit_note", "refund_credit")) for trait in traits):
            return
        invoice = credited[min(3, len(credited) - 1)]
        created = min(invoice.created_us + 6 * DAY_US, END_US - 7_200 * SECOND_US)
        largest = max(_usage_lines(invoice), key=lambda line: (line.net, line.id))
        refund_id, status, lines, amount = None, "issued", [(largest.id, half_up(largest.net * 3, 10))], 0
        if "refund_credit_note" in traits:
            refund_id, lines = self._id("re", invoice.id), [(largest.id, half_up(largest.net, 2))]
        if "credit_note_void" in traits:
            status, lines = "void", [(largest.id, largest.net)]
        if "credit_note_whole" in traits:
            lines, amount = [], sum(line.net for line in invoice.lines)
        amount = amount or sum(cents for _, cents in lines)
        note = CreditNote(self._id("cn", invoice.id), invoice, created, amount, lines, status, refund_id)
        ledger.credit_notes.append(note)


def _plan_events(account: Account) -> list[tuple[int, str]]:
    events: list[tuple[int, str]] = []
    if account.kind in ("startup", "yc"):
        events.append((account.start_us + 60 * SECOND_US, "startup_grant"))
        later = _year_after(account.start_us + 60 * SECOND_US)
        events.append((later, "startup_grant" if account.kind == "yc" else "startup_expiry"))
    if account.kind == "prepaid":
        day = _annual_day(account)
        renewal = day_number(add_months(day_at(day), 12))
        events += [(instant(day, 36_000), "annual"), (instant(renewal, 36_000), "renewal")]
    if "goodwill" in account.traits:
        events.append((instant(account.period_days[2] + 3, 30_000), "goodwill"))
    return [event for event in events if event[0] < END_US]


def _annual_day(account: Account) -> int:
    return min(account.period_days[2 + account.number % 2] + 4 + account.number % 17, DAYS - 5)


def _year_after(when: int) -> int:
    day = day_of(when)
    return instant(day_number(add_months(day_at(day), 12))) + (when - instant(day))


def _startup_terms(account: Account, when: int) -> dict:
    return {
        "startup_program": account.kind,
        "credit_cents": STARTUP_CREDIT_CENTS,
        "startup_plan_start_us": account.start_us,
        "credit_expires_us": _year_after(when),
    }


def _after(account: Account, period: int, months: int) -> date:
    return add_months(day_at(account.start_day), period + months)


def _usage_lines(invoice: Invoice) -> list[Line]:
    """Recurring usage lines with an amount to credit."""
    return [line for line in invoice.lines if line.subscription_id and line.net > 0 and line.quantity > 1]


def _pay(invoice: Invoice, when: int) -> None:
    invoice.status, invoice.settled_us = ("paid", when) if when < END_US else ("open", None)


def _tier_charges(tiers: list[tuple[int, int]], list_cents: int) -> list[tuple[int, int]]:
    """Units and cents of each tier. Rounding the running total keeps the sum equal to the product's list value."""
    charges, reached, billed = [], 0, 0
    for units, scaled in tiers:
        reached += scaled
        cents = half_up(reached, SCALE_TO_CENTS) - billed
        billed += cents
        charges.append((units, cents))
    if billed != list_cents:
        raise ValueError(f"the tiers sum to {billed} cents, not {list_cents}")
    return charges
