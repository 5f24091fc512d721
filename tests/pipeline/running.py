"""Runs of the whole pipeline, in processes of their own, as a user starts them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb

from common.settings import PROJECT_DIR, Settings

RUN = [sys.executable, "-m", "orchestration", "run"]


def environment(data_dir: Path, source_root: Path | None = None, **more: str) -> dict[str, str]:
    """The environment of a run."""
    given = {"GROWTH_SOURCE_ROOT": str(source_root)} if source_root else {}
    return {**os.environ, "GROWTH_DATA_DIR": str(data_dir), **given, **more}


def run_pipeline(
    data_dir: Path, source_root: Path | None = None, project_dir: Path = PROJECT_DIR, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run to the end; the caller looks at the exit code."""
    return subprocess.run(
        RUN,
        cwd=project_dir,
        env=environment(data_dir, source_root, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=280,
    )


def run_and_kill(data_dir: Path, source_root: Path | None, at: str, seconds_later: float = 0.0) -> str:
    """Start a run, kill -9 it `seconds_later` than its progress first says `at`, and return what it had said."""
    process = subprocess.Popen(
        RUN,
        cwd=PROJECT_DIR,
        env=environment(data_dir, source_root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if at in line:
            time.sleep(seconds_later)
            process.send_signal(signal.SIGKILL)
            break
    process.wait()
    process.stdout.close()
    assert process.returncode == -signal.SIGKILL, "".join(said)
    return "".join(said)


def marts(data_dir: Path) -> dict[str, list[tuple]]:
    """Every row of every published mart, in a fixed order; `publish_info` is of the run, not of the data."""
    with duckdb.connect(str(Settings(data_dir=data_dir).serving_path), read_only=True) as connection:
        tables = connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
        return {
            table: connection.execute(f"from marts.{table} order by all").fetchall()
            for (table,) in tables
            if table != "publish_info"
        }


def read(data_dir: Path, query: str) -> list[tuple]:
    """Rows of the published file."""
    with duckdb.connect(str(Settings(data_dir=data_dir).serving_path), read_only=True) as connection:
        return connection.execute(query).fetchall()
