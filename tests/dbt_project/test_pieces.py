"""A table that is built in pieces has the rows of one that is built at once, also after a kill between them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ingestion.load import load_sources
from settings import Settings
from tests.dbt_project.building import DBT_DIR, dbt, read
from tests.support.hand_made import write_hand_made_company

ROWS = "select * from intermediate.int_usage_windows order by all"
PIECES = ("--vars", "{account_days_a_piece: 50}")
# dbt tells of each statement before it runs it.
KILLED_AT_ITS_THIRD_PIECE = """
import os, signal, sys
from dbt.cli.main import dbtRunner

def on_event(event):
    if event.info.name == "SQLQuery" and "values ('int_usage_windows', 2," in event.data.sql:
        os.kill(os.getpid(), signal.SIGKILL)

dbtRunner(callbacks=[on_event]).invoke(sys.argv[1:])
"""


@pytest.mark.slow
def test_pieces_have_the_rows_of_the_whole_and_a_killed_build_goes_on_from_the_last(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, source_root=str(write_hand_made_company(tmp_path / "source")))
    path = settings.warehouse_path
    load_sources(settings)
    built = dbt(tmp_path, "build", "--exclude-resource-types", "test", "unit_test")
    assert built.returncode == 0, built.stdout
    at_once = read(tmp_path, ROWS)
    assert len(at_once) > 10
    environment = {**os.environ, "GROWTH_DATA_DIR": str(tmp_path), "GROWTH_DBT_FILE": str(path), "GROWTH_AS_OF": ""}
    arguments = ["run", "--select", "int_usage_windows", *PIECES, "--log-level", "debug"]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_AT_ITS_THIRD_PIECE, *arguments], cwd=DBT_DIR, env=environment, check=False
    )
    assert killed.returncode == -9
    assert read(tmp_path, "select piece from quality.pieces order by piece") == [(0,), (1,)]
    assert read(tmp_path, ROWS) == at_once
    built = dbt(tmp_path, "run", "--select", "int_usage_windows", *PIECES, "--debug")
    assert built.returncode == 0, built.stdout
    assert "values ('int_usage_windows', 2," in built.stdout
    assert "values ('int_usage_windows', 1," not in built.stdout
    assert read(tmp_path, ROWS) == at_once
    assert read(tmp_path, "select count(*) from quality.pieces") == [(0,)]
