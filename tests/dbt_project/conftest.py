"""The dbt project as it was parsed once for all tests, for those that build in their own process."""

from pathlib import Path

import pytest

from settings import Settings
from transform.dbt_runner import parsed_project


@pytest.fixture(scope="session", autouse=True)
def _project_is_parsed(parsed: Path) -> None:
    parsed_project(Settings(data_dir=parsed))
