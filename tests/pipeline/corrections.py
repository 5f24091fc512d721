"""A company whose days come one by one, and what happens to its files, its seeds and its runs in between."""

import csv
import gzip
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from settings import PROJECT_DIR
from tests.support.running import Run

Object = dict[str, Any]

BILLING, INVOICES, CREDIT_NOTES = "billing/billing_customers", "stripe/invoices", "stripe/credit_notes"
ORGANIZATIONS, MERGES = "product_db/organizations", "crm/account_merges.csv"


@dataclass(frozen=True)
class Company:
    """A copy of a company's files and of the project that runs on them."""

    folder: Path

    @classmethod
    def copy_of(cls, source: Path, folder: Path) -> "Company":
        """Copy the files and the project, whose seeds can then be edited."""
        shutil.copytree(source, folder / "source")
        shutil.copytree(PROJECT_DIR, folder / "project", ignore=shutil.ignore_patterns(".*", "data", "target"))
        return cls(folder)

    @property
    def source(self) -> Path:
        return self.folder / "source"

    @property
    def by_days(self) -> Path:
        """Data folder of the company whose days come one by one."""
        return self.folder / "by_days"

    def start(self, *command: str, **more: str) -> Run:
        return Run(self.by_days, self.source, self.folder / "project", command=command or ("run",), **more)

    def run(self, *command: str, **more: str) -> None:
        done = self.start(*command, **more).end()
        assert done.returncode == 0, done.stdout

    def build_at_once(self) -> Path:
        """A full build of the files; returns its data folder, which leaves out whoever asked to be deleted too."""
        data_dir, deleted = self.folder / "at_once", Path("state", "suppression")
        if (self.by_days / deleted).exists():
            shutil.copytree(self.by_days / deleted, data_dir / deleted)
        done = Run(data_dir, self.source, self.folder / "project").end()
        assert done.returncode == 0, done.stdout
        return data_dir

    def come_day_by_day(self, number_of_days: int, corrections: Mapping[str, "Sequence[Correction]"]) -> None:
        """Run before the last days, and after each of them and its corrections.

        Exports of a month come on its second day.
        """
        days = sorted((self.source / "usage" / "usage_reports").iterdir())[-number_of_days:]
        exports = [path for path in self.source.glob("*/*/export-20??-[01]?.*") if month_of(path) > month_of(days[0])]
        for path in days + exports:
            self.set_aside(path)
        self.run()
        for day in days:
            self.bring_back(day)
            for path in exports:
                if day.name == f"date={month_of(path)}-02":
                    self.bring_back(path)
            for correct in corrections.get(day.name.removeprefix("date="), ()):
                correct(self)
            self.run()

    def set_aside(self, path: Path) -> None:
        place = self.folder / "aside" / path.relative_to(self.source)
        place.parent.mkdir(parents=True, exist_ok=True)
        path.rename(place)

    def bring_back(self, path: Path) -> None:
        (self.folder / "aside" / path.relative_to(self.source)).rename(path)

    def day(self, day: str) -> Path:
        """Folder of a day's reports."""
        return self.source / "usage" / "usage_reports" / f"date={day}"

    def objects(self, table: str) -> Iterator[Object]:
        """Every line of a table, in the order of its files."""
        for path in sorted((self.source / table).glob("*.jsonl.gz")):
            yield from map(json.loads, gzip.decompress(path.read_bytes()).splitlines())

    def add(self, table: str, *objects: Object) -> None:
        """A file more, read after the others."""
        folder = self.source / table
        text = "".join(json.dumps(each) + "\n" for each in objects)
        (folder / f"later-{len(list(folder.iterdir())):03}.jsonl.gz").write_bytes(gzip.compress(text.encode()))

    def paying(self) -> list[Object]:
        """The newest version of billing of each organization that has a subscription, by organization."""
        newest: dict[str, Object] = {}
        for version in self.objects(BILLING):
            if version["updated_at"] >= newest.get(version["organization_id"], version)["updated_at"]:
                newest[version["organization_id"]] = version
        return [version for _, version in sorted(newest.items()) if version["has_active_subscription"]]


Correction = Callable[[Company], None]


def month_of(path: Path) -> str:
    """The month in the name of an export or of the folder of a day, such as `2026-10`."""
    return path.name.removeprefix("export-").removeprefix("date=")[:7]


def rewrite(path: Path, *statements: str) -> None:
    """Change a Parquet file by statements about table `rows`."""
    changed = path.with_name("changed.parquet")
    with duckdb.connect() as connection:
        connection.execute(f"create table rows as from read_parquet('{path}')")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"copy rows to '{changed}' (format parquet)")
    changed.replace(path)


def restate(*days: str) -> Correction:
    """On these days one organization had twice the events, and another none."""

    def correct(company: Company) -> None:
        for day in days:
            rewrite(
                company.day(day) / "reports.parquet",
                "update rows set event_count_in_period = 2 * event_count_in_period "
                "where organization_id = (select min(organization_id) from rows)",
                "delete from rows where organization_id = (select max(organization_id) from rows)",
            )

    return correct


def withdraw(day: str) -> Correction:
    """A day's reports are not there, or no longer."""
    return lambda company: company.set_aside(company.day(day))


def bring_back(day: str) -> Correction:
    return lambda company: company.bring_back(company.day(day))


def say_late(since: str, *numbers: int, **terms: Any) -> Correction:
    """Some of those who pay had other terms since then, which nobody said at the time."""

    def correct(company: Company) -> None:
        paying, versions = company.paying(), list(company.objects(BILLING))
        for number in numbers:
            own = [each for each in versions if each["organization_id"] == paying[number]["organization_id"]]
            before = max((each for each in own if each["updated_at"] < since), key=lambda each: each["updated_at"])
            company.add(BILLING, {**before, **terms, "updated_at": since})

    return correct


def is_of(month: str, each: Object) -> bool:
    """Whether an object of Stripe was created in a month."""
    return f"{datetime.fromtimestamp(each['created'], UTC):%Y-%m}" == month


def mark_an_invoice(status: str, month: str, number: int) -> Correction:
    """A paid invoice of a month is none, or is not paid after all."""

    def correct(company: Company) -> None:
        invoices = [each for each in company.objects(INVOICES) if each["status"] == "paid" and is_of(month, each)]
        company.add(INVOICES, invoices[number] | {"status": status})

    return correct


def credit_an_invoice(month: str) -> Correction:
    """The first line of a month that cost ten dollars is credited, in the shape of a note that is there."""

    def correct(company: Company) -> None:
        note = next(each for each in company.objects(CREDIT_NOTES) if "lines" in each)
        invoice, line = next(
            (invoice, line)
            for invoice in company.objects(INVOICES)
            for line in invoice["lines"]["data"]
            if is_of(month, invoice) and invoice["currency"] == note["currency"] and line["amount"] > 1000
        )
        amount = line["amount"]
        of_line = note["lines"]["data"][0] | {"id": f"cnli_{month}", "invoice_line_item": line["id"], "amount": amount}
        company.add(
            CREDIT_NOTES,
            note
            | dict.fromkeys(("amount", "total", "subtotal", "total_excluding_tax"), amount)
            | {"id": f"cn_{month}", "invoice": invoice["id"], "customer": invoice["customer"]}
            | {"created": invoice["created"], "lines": note["lines"] | {"data": [of_line]}},
        )

    return correct


def merge(first: int, second: int) -> Correction:
    """Two of those who pay turn out to be one company."""

    def correct(company: Company) -> None:
        paying = [each["organization_id"] for each in company.paying()]
        with (company.source / MERGES).open("a", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow([paying[second], paying[first], "found out later"])

    return correct


def undo_last_merge(company: Company) -> None:
    lines = (company.source / MERGES).read_text().splitlines(keepends=True)
    (company.source / MERGES).write_text("".join(lines[:-1]))


def move_stripe_customer(since: str, number: int) -> Correction:
    """One of those who pay is paid for by the Stripe customer of the next one from then on."""

    def correct(company: Company) -> None:
        paying = company.paying()
        organization, customer = paying[number]["organization_id"], paying[number + 1]["stripe_customer_id"]
        say_late(since, number, stripe_customer_id=customer)(company)
        exports = company.source / ORGANIZATIONS
        with duckdb.connect() as connection:
            connection.execute(
                f"copy (select * replace (timestamptz '{since}' as updated_at, '{customer}' as customer_id) "
                f"from read_parquet('{exports}/export-*.parquet') where id = '{organization}' limit 1) "
                f"to '{exports / f'later-{number}.parquet'}' (format parquet)"
            )

    return correct


def change_rows(pattern: str, change: str, where: str) -> Correction:
    """Rows of Parquet files say something else."""

    def correct(company: Company) -> None:
        for path in sorted(company.source.glob(pattern)):
            rewrite(path, f"update rows set {change} where {where}")

    return correct


def edit_seed(name: str, row: str, edited: str) -> Correction:
    """Somebody edits the beginning of a row of a seed."""

    def correct(company: Company) -> None:
        path = company.folder / "project" / "dbt_project" / "seeds" / f"{name}.csv"
        text = path.read_text()
        assert f"\n{row}" in text
        path.write_text(text.replace(f"\n{row}", f"\n{edited}"))

    return correct


def run_as_of(day: str) -> Correction:
    """Somebody publishes a past day."""
    return lambda company: company.run(GROWTH_AS_OF=day)


def backfill(first: str, last: str) -> Correction:
    return lambda company: company.run("backfill", "--from", first, "--to", last)


def kill(step: str, seconds_later: float) -> Correction:
    """A run is killed so many seconds after a step of it has started."""

    def correct(company: Company) -> None:
        run = company.start(GROWTH_LOG_FORMAT="json")
        run.wait_for_step(step)
        time.sleep(seconds_later)
        run.kill()
        run.end()

    return correct


def forget_a_user(company: Company) -> None:
    """Somebody asks to be deleted."""
    [path, *_] = sorted((company.source / "product_db" / "users").glob("*.parquet"))
    with duckdb.connect() as connection:
        [(address,)] = connection.execute(f"select min(email) from read_parquet('{path}')").fetchall()
    company.run("forget", "--email", address)
