"""Plan every table of a source root, and say everything that stands against loading it."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from ingestion.contract.model import Table, load_contract
from ingestion.errors import SourceError, UnreadableFilesError
from ingestion.plan.limits import outside_data, refusals
from ingestion.plan.planner import Plan, Planner
from ingestion.plan.table_rows import parents_differ, plan_table
from ingestion.plan.usage_days import plan_usage
from ingestion.privacy.suppression import clear_rejects
from ingestion.read.files import Listing, SourceFile, SourceRoot
from ingestion.write.ledger import TableLedger
from settings import Settings


@dataclass(frozen=True)
class SourcePlan:
    """The plan of each table by raw name. With a fault, a sentence each, nothing of it may be loaded."""

    listing: Listing
    plans: dict[str, Plan]
    faults: list[str]

    @property
    def error(self) -> SourceError:
        """All faults as one error: the fault itself, or a line each."""
        if len(self.faults) == 1:
            return SourceError(self.faults[0])
        lines = "".join(f"\n- {fault}" for fault in self.faults)
        return SourceError(f"{len(self.faults)} faults, so nothing is loaded:{lines}")


def plan_sources(
    planner: Planner, settings: Settings, names: set[str] | None, ledgers: Mapping[str, TableLedger]
) -> SourcePlan:
    """Plan all tables, or those in `names` (raw names) and those whose rows stand or fall with what these bring.

    Raises `SourceError` if nothing can be listed.
    """
    contract = load_contract()
    tables = [table for table in contract.tables if names is None or table.raw_name in names]
    listing = planner.root.list_files(contract)
    faults = [*_missing(tables, listing, planner.root), *outside_data(planner, settings, listing)]
    faults += [fault for of_table in listing.faults.values() for fault in of_table]
    plans: dict[str, Plan] = {}
    for table in contract.tables:
        started = time.monotonic()
        ledger = ledgers.get(table.raw_name, TableLedger())
        is_whole = bool(listing.files[table.raw_name]) and table.raw_name not in listing.faults
        if table not in tables and not (is_whole and parents_differ(table, ledger, plans)):
            continue
        plan, found = _plan_or_say(planner, table, listing, ledger, plans)
        plan.seconds = time.monotonic() - started
        plans[table.raw_name] = plan
        faults += found
    if planner.suppresses:
        clear_rejects(planner.connection, "rejects")
    for plan in plans.values():
        faults += refusals(planner, plan, settings)
    return SourcePlan(listing, plans, faults)


def _plan_or_say(
    planner: Planner, table: Table, listing: Listing, ledger: TableLedger, plans: Mapping[str, Plan]
) -> tuple[Plan, list[str]]:
    """The plan of a table; if it cannot be read, what is wrong and the plan of those of its files that can be."""
    files = listing.files[table.raw_name]
    is_missing = table.required and not files
    try:
        plan = _plan(planner, table, files, ledger, plans)
        plan.is_partial = is_missing or table.raw_name in listing.faults
        return plan, []
    except UnreadableFilesError as error:
        faults = list(error.sentences.values())
        readable = [file for file in files if file.path not in error.sentences]
    except SourceError as error:
        faults, readable = [str(error)], []
    planner.connection.execute("delete from rejects where table_name = ?", [table.raw_name])
    plan = Plan(table, files, set(), rows_before=0)
    # What still cannot be read is said after what is said now was mended.
    with suppress(SourceError):
        plan = _plan(planner, table, readable, ledger, plans)
    plan.is_partial = True
    return plan, faults


def _plan(
    planner: Planner, table: Table, files: list[SourceFile], ledger: TableLedger, plans: Mapping[str, Plan]
) -> Plan:
    if table.stored == "days":
        return plan_usage(planner, table, files, ledger)
    return plan_table(planner, table, files, ledger, plans)


def _missing(tables: Sequence[Table], listing: Listing, root: SourceRoot) -> list[str]:
    """A sentence if required tables have no file, not even one that cannot be read."""
    missing = [
        table.path
        for table in tables
        if table.required and not listing.files[table.raw_name] and table.raw_name not in listing.faults
    ]
    if not missing:
        return []
    alike = [path for path in listing.unknown if path.startswith(tuple(missing))]
    return [
        f"the source root {root.address} has no {', '.join(missing)}"
        f"{' (' + ', '.join(alike) + ' is not read)' if alike else ''}: add each as one file, such as "
        f"{missing[0]}.parquet, or as a folder of files, or correct GROWTH_SOURCE_ROOT (docs/sources.md)"
    ]
