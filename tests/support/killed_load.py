"""A load that is killed at a point of its way."""

import signal
import subprocess
import sys
from pathlib import Path

from settings import PROJECT_DIR
from tests.support.running import environment

KILLED_LOAD = """
import logging, os, signal, sys
from pathlib import Path
from settings import Settings
from ingestion.load import load_sources

point = sys.argv[3]

def die():
    os.kill(os.getpid(), signal.SIGKILL)

class DieAtThePoint(logging.Handler):
    def emit(self, record):
        if record.getMessage().startswith(point):
            die()

logging.getLogger("ingestion").setLevel(logging.INFO)
logging.getLogger("ingestion").addHandler(DieAtThePoint())

def die_after(owner, name, calls):
    left, call = [calls], getattr(owner, name)
    def counted(*args, **kwargs):
        result = call(*args, **kwargs)
        left[0] -= 1
        if left[0] == 0:
            die()
        return result
    setattr(owner, name, counted)

settings = Settings(source_root=sys.argv[1], data_dir=Path(sys.argv[2]), max_set_aside_share=1)
if point.startswith("dlt"):
    from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob
    from dlt.destinations.impl.postgres.postgres import PostgresParquetCopyJob
    from dlt.destinations.job_client_impl import SqlLoadJob
    from dlt.pipeline.pipeline import Pipeline
    if point == "dlt normalize":
        die_after(Pipeline, "normalize", 1)
    elif point == "dlt copy":
        die_after(PostgresParquetCopyJob if settings.target == "postgres" else DuckDbCopyJob, "run", 2)
    else:
        die_after(SqlLoadJob, "run", 2)

load_sources(settings, tables=set(sys.argv[4:]) or None)
"""


def kill_load(data_dir: Path, source_root: Path, point: str, *tables: str, **settings: str) -> None:
    """Start a load, of all tables or of those named (`source/table`), and kill -9 it at a point of its way."""
    names = [table.replace("/", "__") for table in tables]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_LOAD, str(source_root), str(data_dir), point, *names],
        cwd=PROJECT_DIR,
        env=environment(data_dir, source_root, PYTHONPATH=str(PROJECT_DIR), **settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
