"""A person's private copy of the warehouse, for dbt in a shell without disturbing runs."""

import logging
import shutil
from pathlib import Path

from settings import Settings
from warehouse.connection import connect
from warehouse.folder import DataDirError
from warehouse.lock import hold

logger = logging.getLogger(__name__)


def make_private_copy(settings: Settings) -> Path:
    """Copy the warehouse, between two runs, to the path that the person's dbt reads; returns that path.

    Waits for the lock on the warehouse. Raises `DataDirError` if nothing has been built yet.
    """
    source, target = settings.warehouse_path, settings.private_warehouse_path
    if not source.exists():
        raise DataDirError(f"nothing to copy in {settings.data_dir} yet: run `growth run` first")
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_suffix(".building")
    with hold(source, f"copy for {settings.user}"):
        # Write the log into the file, so that the copy is complete.
        with connect(source) as connection:
            connection.execute("checkpoint")
        shutil.copyfile(source, building)
    target.with_name(target.name + ".wal").unlink(missing_ok=True)
    building.replace(target)
    return target
