"""Dagster's home in the data folder: its configuration and where its history is stored."""

import json
import os
from pathlib import Path
from tempfile import NamedTemporaryFile

from settings import Settings
from warehouse.folder import make_data_folder, unwritable

POSTGRES_VARIABLE = "GROWTH_DAGSTER_POSTGRES_URL"
EVENT_LOG = """
event_log_storage:
  module: orchestration.instance.event_log
  class: EventLog
  config:
"""


def prepare_dagster_home(settings: Settings) -> None:
    """Create Dagster's home in the data folder and point this process at it.

    Raises `DataDirError` if the folder cannot be written.
    """
    home = settings.dagster_home
    try:
        make_data_folder(settings.data_dir)
        home.mkdir(exist_ok=True)
        # Without a private copy, dbt in a shell finds no file here and says how to make one.
        settings.private_warehouse_path.parent.mkdir(parents=True, exist_ok=True)
        # One rename, since another run may be reading it.
        with NamedTemporaryFile("w", dir=home, suffix=".yaml", delete=False) as file:
            file.write(_instance_configuration(settings))
        Path(file.name).replace(home / "dagster.yaml")
    except OSError as error:
        raise unwritable(settings.data_dir, error) from error
    os.environ["DAGSTER_HOME"] = str(home)
    if settings.dagster_postgres_url:
        os.environ[POSTGRES_VARIABLE] = settings.dagster_postgres_url


def _instance_configuration(settings: Settings) -> str:
    """Dagster's configuration. The database address has a password, so it stays in the environment."""
    configuration = Path(__file__).with_name("dagster.yaml").read_text()
    if settings.dagster_postgres_url:
        return f"{configuration}\nstorage:\n  postgres:\n    postgres_url:\n      env: {POSTGRES_VARIABLE}\n"
    base_dir = json.dumps(str(settings.dagster_home / "history" / "runs"))
    return f"{configuration}{EVENT_LOG}    base_dir: {base_dir}\n"
