"""A person's private copy of the warehouse, for dbt in a shell without disturbing runs."""

import logging
import shutil
from pathlib import Path

from settings import Settings
from warehouse.connection import connect
from warehouse.folder import DataDirError
from warehouse.lock import hold
from warehouse.postgres import require_file

logger = logging.getLogger(__name__)


def make_private_copy(settings: Settings) -> Path:
    """Copy the warehouse to the path that the person's dbt reads, and return it. Raises like `copy_warehouse`."""
    copy_warehouse(settings, settings.private_warehouse_path, holder=f"growth copy for {settings.user}")
    return settings.private_warehouse_path


def copy_warehouse(settings: Settings, target: Path, *, holder: str) -> None:
    """Copy the warehouse between two runs, for which this waits.

    Raises `DataDirError` if nothing is built yet, and it or `SettingsError` if the models are built elsewhere.
    """
    source = settings.warehouse_path
    require_file(source, holder, "`createdb --template` copies a database, and PGDATABASE names the one dbt builds in")
    if settings.target == "spark":
        raise DataDirError(
            f"{holder} copies DuckDB's file, and GROWTH_TARGET is spark: try the change on a data folder with "
            "GROWTH_TARGET=duckdb"
        )
    if not source.exists():
        raise DataDirError(f"nothing to copy in {settings.data_dir} yet: run `growth run` first")
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_suffix(".building")
    with hold(source, holder):
        # Write the log into the file, so that the copy is complete.
        with connect(source) as connection:
            connection.execute("checkpoint")
        shutil.copyfile(source, building)
    target.with_name(target.name + ".wal").unlink(missing_ok=True)
    building.replace(target)
