"""A month is closed beside runs that land: neither waits for the other without end."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from connectors.landing import LandingRoot
from operations.closing import ClosingError, close_month
from settings import Settings
from warehouse.connection import connect
from warehouse.folder import DataDirError
from warehouse.lock import hold


def test_who_closes_a_month_takes_the_warehouse_before_the_source_root_as_a_run_does(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    settings = Settings(data_dir=tmp_path / "data", source_root=str(tmp_path / "source"))
    settings.data_dir.mkdir()
    with connect(settings.warehouse_path):
        pass
    with ThreadPoolExecutor(1) as threads:
        with hold(settings.warehouse_path, "run 1"):
            closing = threads.submit(close_month, settings, date(2026, 6, 1))
            while "waiting for the warehouse" not in caplog.text:
                time.sleep(0.1)
            with LandingRoot(str(tmp_path / "source"), tmp_path / "copies").hold("run 1", wait_seconds=5):
                pass
        with pytest.raises(DataDirError, match="nothing is built"):
            closing.result(timeout=60)


def test_no_month_is_closed_from_models_that_another_target_has_built(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data", source_root=str(tmp_path / "source"), target="spark")
    with pytest.raises(ClosingError, match="on Spark they are not in it"):
        close_month(settings, date(2026, 6, 1))
    assert list(tmp_path.iterdir()) == []
