"""Land a CRM: read it whole, compare, and write what is new, changed or gone to the source root."""

import gzip
import logging
import shutil
import time
from collections.abc import Callable, Iterator
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
    is_configured: Callable[[Settings], bool]

    def mapping_path(self, settings: Settings) -> Path:
        return settings.mappings_dir / f"{self.system}.yml"

    def check(self, settings: Settings) -> list[str]:
        """A sentence for each fault of the mapping and of the connection; nothing is landed."""
        try:
            return self.reader(settings, read_mapping(self.mapping_path(settings))).faults()
        except LandingError as error:
            return [str(error)]

    def land(self, settings: Settings) -> LandingReport:
        """Land what changed. Raises `LandingError`."""
        started, report = time.monotonic(), LandingReport(self.system)
        if all(crm.is_configured(settings) for crm in (HUBSPOT, SALESFORCE)):
            raise LandingError(
                "HubSpot and Salesforce are both set, but one CRM has the accounts: leave out "
                "GROWTH_LAND_HUBSPOT_TOKEN or GROWTH_LAND_SALESFORCE_URL"
            )
        root, state = landing_root(settings, self.system), state_folder(settings, self.system)
        mapping = read_mapping(self.mapping_path(settings))
        reader = self.reader(settings, mapping)
        # Held from the reading on, so that no landing overtakes another with older rows.
        with root.hold(f"growth land {self.system}"):
            folder = state / "reading"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            reading, taken_at = Reading(folder, self.mapping_path(settings)), datetime.now(UTC)
            reader.read(reading)
            snapshots = {
                name: write_snapshot(self.system, contract_table(name), reading.files[name], state, taken_at)
                for name in (ACCOUNTS, OPPORTUNITIES)
            }
            for snapshot in snapshots.values():
                report.tables.append(land_snapshot(root, snapshot, state, settings.max_lost_share))
            report.warnings += reading.all_warnings(self.name)
            if mapping.merges is None:
                logger.info(f"{self.system}: {MERGES} is not landed, since the mapping names no field of merges")
            elif reading.merges:
                accounts = Index(snapshots[ACCOUNTS].layout, state).rows()
                report.tables.append(_land_merges(root, reading, _organizations(accounts, snapshots[ACCOUNTS]), report))
            shutil.rmtree(folder)
        report.seconds = time.monotonic() - started
        return report


def _organizations(rows: Iterator[bytes], snapshot: Snapshot) -> dict[str, str]:
    """The organization of each account, now or when it was last there."""
    columns = snapshot.layout.columns
    account_at, organization_at = columns.index("id"), columns.index("organization_id")
    values = ([value_of(field) for field in split_row(row)] for row in rows)
    pairs = ((row[account_at], row[organization_at]) for row in values)
    return {account: organization for account, organization in pairs if account and organization}


def _land_merges(
    root: LandingRoot, reading: Reading, organizations: dict[str, str], report: LandingReport
) -> TableLanding:
    """Land the merges that are new, or whose canonical organization was merged itself."""
    landed = _landed_merges(root)
    canonical, unknown = canonical_organizations(reading.merges, organizations, landed)
    if unknown:
        report.warnings.append(
            f"{MERGES}: {unknown:,} of {len(reading.merges):,} merges are of accounts whose organization is not known, "
            "and are left out: write them into a file crm/account_merges.csv of the source root, if they matter"
        )
    changed = {merged: kept for merged, kept in sorted(canonical.items()) if landed.get(merged) != kept}
    if changed:
        table, written = contract_table(MERGES), reading.folder / "merges.csv.gz"
        with gzip.open(written, "wb") as file:
            file.write(header_of(("organization_id", "canonical_organization_id", "note")) + b"\n")
            file.writelines(b",".join(map(field_of, (*pair, NOTE))) + b"\n" for pair in changed.items())
        root.put_file(written, f"{table.path}/{root.next_name(table.source, table.name)}")
    rows_new = len(changed.keys() - landed.keys())
    return TableLanding(
        MERGES,
        rows_seen=len(reading.merges),
        rows_new=rows_new,
        rows_changed=len(changed) - rows_new,
        files=int(bool(changed)),
    )


def _landed_merges(root: LandingRoot) -> dict[str, str]:
    """The canonical organization of each merged one, as it was landed last."""
    table, landed = contract_table(MERGES), {}
    for path in root.fetch(root.table_files(table.source, table.name)):
        with gzip.open(path, "rb") as file:
            for row in list(read_rows(file))[1:]:
                merged, kept, _ = (value_of(field) or "" for field in split_row(row))
                landed[merged] = kept
    return landed


HUBSPOT = Crm("hubspot", "HubSpot", HubSpot, lambda settings: settings.land_hubspot_token is not None)
SALESFORCE = Crm("salesforce", "Salesforce", Salesforce, lambda settings: settings.land_salesforce_url is not None)
