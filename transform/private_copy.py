"""A person's own copy of the working file, in which `dbt` in a shell builds without being in anybody's way."""

import logging
import shutil
from pathlib import Path

from settings import Settings
from warehouse.connection import connect
from warehouse.folder import DataDirError
from warehouse.lock import hold

logger = logging.getLogger(__name__)


def make_private_copy(settings: Settings) -> Path:
    """Copy the working file, between two runs, to where the person's dbt looks for it; return the copy's path.

    Waits while a run holds the working file. Raises `DataDirError` if nothing has been built yet.
    """
    source, target = settings.warehouse_path, settings.private_warehouse_path
    if not source.exists():
        raise DataDirError(f"there is nothing to copy in {settings.data_dir} yet: `growth run` first")
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_suffix(".building")
    with hold(source, f"copy for {settings.user}"):
        # What is in the log only would be missing in the copy.
        with connect(source) as connection:
            connection.execute("checkpoint")
        shutil.copyfile(source, building)
    target.with_name(target.name + ".wal").unlink(missing_ok=True)
    building.replace(target)
    return target
