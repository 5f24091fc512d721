"""Land a CRM: read it whole, compare, and write what is new, changed or gone to the source root."""

import gzip
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from connectors.comparison import Snapshot, land_snapshot, write_snapshot
from connectors.crm.fields import ACCOUNTS, MERGES, OPPORTUNITIES, CrmMapping, contract_table, read_mapping
from connectors.crm.hubspot import HubSpot
from connectors.crm.merges import NOTE, canonical_organizations
from connectors.crm.reading import Reading
from connectors.crm.salesforce import Salesforce
from connectors.csv_lines import field_of, header_of, read_rows, split_row, value_of
from connectors.index import Index
from connectors.landing import LandingRoot, landing_root, state_folder
from connectors.report import LandingError, LandingReport, TableLanding
from settings import Settings

logger = logging.getLogger(__name__)


class Reader(Protocol):
    """What HubSpot and Salesforce do alike."""

    def faults(self) -> list[str]: ...
    def read(self, reading: Reading) -> None: ...


@dataclass(frozen=True)
class Crm:
    """A CRM as a live system: its name in commands, what its users call it, and its reader."""

    system: str
    name: str
    reader: Callable[[Settings, CrmMapping], Reader]

    def mapping_path(self, settings: Settings) -> Path:
        return settings.mappings_dir / f"{self.system}.yml"

    def check(self, settings: Settings) -> list[str]:
        """A sentence for each fault of the mapping and of the connection; nothing is landed."""
        try:
            _refuse_two(settings)
            return self.reader(settings, read_mapping(self.mapping_path(settings))).faults()
        except LandingError as error:
            return [str(error)]

    def land(self, settings: Settings) -> LandingReport:
        """Land what changed. Raises `LandingError` if nothing can be landed; a table that cannot is in `failures`."""
        report = LandingReport(self.system)
        _refuse_two(settings)
        mapping = read_mapping(self.mapping_path(settings))
        reader = self.reader(settings, mapping)
        root, state = landing_root(settings, self.system), state_folder(settings, self.system)
        # Held from the reading on, so that no landing overtakes another with older rows.
        with root.hold(f"growth land {self.system}"):
            try:
                _clear(state)
                self._land(reader, mapping, _Landing(root, state, settings.max_lost_share, report))
            finally:
                _clear(state)
        return report

    def _land(self, reader: Reader, mapping: CrmMapping, landing: "_Landing") -> None:
        folder = landing.state / "reading"
        folder.mkdir(parents=True)
        reading, taken_at = Reading(folder), datetime.now(UTC)
        reader.read(reading)
        landing.report.warnings += reading.warnings_of(self.name, f"{self.system}.yml")
        accounts = landing.land(self.system, ACCOUNTS, reading.files[ACCOUNTS], taken_at)
        landing.land(self.system, OPPORTUNITIES, reading.files[OPPORTUNITIES], taken_at)
        if mapping.merges is None:
            logger.info(f"{self.system}: {MERGES} is not landed, since the mapping names no field of merges")
        elif reading.merges and accounts:
            landing.land_merges(reading, _organizations(accounts, landing.state))


@dataclass
class _Landing:
    """What is landed from one reading."""

    root: LandingRoot
    state: Path
    max_lost_share: float
    report: LandingReport

    def land(self, system: str, name: str, rows: Path, taken_at: datetime) -> Snapshot | None:
        """Land a table as far as it changed. None if it could not be."""
        try:
            snapshot = write_snapshot(system, contract_table(name), rows, self.state, taken_at)
            table = land_snapshot(self.root, snapshot, self.state, self.max_lost_share)
        except LandingError as error:
            self.report.failures.append(str(error))
            return None
        self.report.tables.append(table)
        self.report.warnings += table.warnings
        return snapshot

    def land_merges(self, reading: Reading, organizations: dict[str, str]) -> None:
        """Land the merges that are new, and those whose canonical organization was merged itself."""
        landed = self._landed_merges()
        canonical, unknown = canonical_organizations(reading.merges, organizations, landed)
        changed = {merged: kept for merged, kept in sorted(canonical.items()) if landed.get(merged) != kept}
        if unknown:
            self.report.warnings.append(
                f"{MERGES}: {unknown:,} of {len(reading.merges):,} merges are of accounts whose organization is not "
                "known, and are left out: write them into a file crm/account_merges.csv of the source root, if they "
                "matter"
            )
        if changed:
            table, written = contract_table(MERGES), reading.folder / "merges.csv.gz"
            with gzip.open(written, "wb") as file:
                file.write(header_of(("organization_id", "canonical_organization_id", "note")) + b"\n")
                file.writelines(b",".join(map(field_of, (*pair, NOTE))) + b"\n" for pair in changed.items())
            self.root.put_file(written, f"{table.path}/{self.root.next_name(table.source, table.name)}")
        rows_new = len(changed.keys() - landed.keys())
        self.report.tables.append(
            TableLanding(
                MERGES,
                rows_seen=len(reading.merges),
                rows_new=rows_new,
                rows_changed=len(changed) - rows_new,
                files=int(bool(changed)),
            )
        )

    def _landed_merges(self) -> dict[str, str]:
        """The canonical organization of each merged one, as it was landed last."""
        table, landed = contract_table(MERGES), {}
        for path in self.root.fetch(self.root.table_files(table.source, table.name)):
            with gzip.open(path, "rb") as file:
                for row in list(read_rows(file))[1:]:
                    merged, kept, _ = (value_of(field) or "" for field in split_row(row))
                    landed[merged] = kept
        return landed


def _refuse_two(settings: Settings) -> None:
    if settings.land_hubspot_token and settings.land_salesforce_url:
        raise LandingError(
            "HubSpot and Salesforce are both set, but one CRM has the accounts: leave out "
            "GROWTH_LAND_HUBSPOT_TOKEN or GROWTH_LAND_SALESFORCE_URL"
        )


def _clear(state: Path) -> None:
    for folder in (state / "reading", state / "copies"):
        shutil.rmtree(folder, ignore_errors=True)


def _organizations(snapshot: Snapshot, state: Path) -> dict[str, str]:
    """The organization of each account, now or when it was last there."""
    columns = snapshot.layout.columns
    account_at, organization_at = columns.index("id"), columns.index("organization_id")
    rows = ([value_of(field) for field in split_row(row)] for row in Index(snapshot.layout, state).rows())
    pairs = ((row[account_at], row[organization_at]) for row in rows)
    return {account: organization for account, organization in pairs if account and organization}


HUBSPOT = Crm("hubspot", "HubSpot", HubSpot)
SALESFORCE = Crm("salesforce", "Salesforce", Salesforce)
