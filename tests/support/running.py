"""Runs of the whole pipeline, in processes of their own, as a user starts them."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
from dagster import DagsterInstance

from settings import PROJECT_DIR, Settings, get_settings
from tests.support.forked import fork_run


def environment(data_dir: Path, source_root: Path | None = None, **more: str) -> dict[str, str]:
    """The environment of a run."""
    given = {"GROWTH_SOURCE_ROOT": str(source_root)} if source_root else {}
    return {**os.environ, "GROWTH_DATA_DIR": str(data_dir), **given, **more}


@dataclass(frozen=True)
class Ended:
    """How a run ended, and what it said."""

    returncode: int
    stdout: str


class Run:
    """A run of the whole pipeline in a process of its own, which has started."""

    def __init__(
        self,
        data_dir: Path,
        source_root: Path | None = None,
        project_dir: Path = PROJECT_DIR,
        /,
        command: Sequence[str] = ("run",),
        **more: str,
    ) -> None:
        with tempfile.TemporaryDirectory() as folder:
            said = Path(folder) / "said"
            os.mkfifo(said)
            self._process = fork_run(project_dir, environment(data_dir, source_root, **more), said, command)
            self.lines = said.open()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def wait_for(self, words: str) -> str:
        """Read until a line has the words; what was said up to then."""
        said = []
        for line in self.lines:
            said.append(line)
            if words in line:
                break
        return "".join(said)

    def wait_for_step(self, step: str) -> str:
        """Read until a step starts, which a run tells with GROWTH_LOG_FORMAT=json alone; what was said up to then."""
        words = json.dumps(f'Started execution of step "{step}".')[1:-1]
        said = self.wait_for(words)
        assert words in said, said
        return said

    def kill(self) -> None:
        """Kill -9, wherever it is."""
        self._process.kill()

    def signal(self, number: signal.Signals) -> None:
        """What a terminal does on Ctrl-C (SIGINT), or a process manager (SIGTERM)."""
        os.kill(self.pid, number)

    def end(self) -> Ended:
        """Read to the end and wait for it."""
        said = self.lines.read()
        self.lines.close()
        self._process.join(timeout=30)
        assert self._process.exitcode is not None, said
        return Ended(self._process.exitcode, said)


def run_pipeline(
    data_dir: Path, source_root: Path | None = None, project_dir: Path = PROJECT_DIR, /, **more: str
) -> Ended:
    """Run to the end; the caller looks at the exit code."""
    return Run(data_dir, source_root, project_dir, **more).end()


def run_command(data_dir: Path, source_root: Path | None = None, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command, by default `run`, to the end as a user starts it: a Python of its own, with nothing imported."""
    return subprocess.run(
        [sys.executable, "-m", "cli", *(command or ["run"])],
        cwd=PROJECT_DIR,
        env=environment(data_dir, source_root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=2000,
    )


def run_and_kill(
    data_dir: Path, source_root: Path | None, step: str, seconds_later: float = 0.0, command: Sequence[str] = ("run",)
) -> str:
    """Start a run, kill -9 it `seconds_later` than a step started, and return what it had said."""
    run = Run(data_dir, source_root, command=command, GROWTH_LOG_FORMAT="json")
    said = run.wait_for_step(step)
    time.sleep(seconds_later)
    run.kill()
    ended = run.end()
    assert ended.returncode == -signal.SIGKILL, said + ended.stdout
    return said


@contextmanager
def dagster_instance(data_dir: Path) -> Iterator[DagsterInstance]:
    """What Dagster knows of the runs in a data folder."""
    with DagsterInstance.from_config(str(Settings(data_dir=data_dir).dagster_home)) as instance:
        yield instance


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


@contextmanager
def in_this_process(data_dir: Path, source_root: Path, settings: Mapping[str, str]) -> Iterator[Settings]:
    """The settings of a data folder, as those of this process."""
    given = {**settings, "GROWTH_DATA_DIR": str(data_dir), "GROWTH_SOURCE_ROOT": str(source_root)}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        get_settings.cache_clear()
        try:
            yield get_settings()
        finally:
            get_settings.cache_clear()


READER = """
import os, select, sys
import duckdb
os.nice(19)
days = set()
while not select.select([sys.stdin], [], [], 0)[0]:
    connection = duckdb.connect(sys.argv[1], read_only=True)
    day = connection.execute("select as_of_date from marts.publish_info").fetchone()[0]
    newest = connection.execute("select max(as_of) from marts.rpt_arr_mix_progress").fetchone()[0]
    connection.close()
    assert day == newest, (day, newest)
    if not days:
        print("reading", flush=True)
    days.add(str(day))
print(*days, flush=True)
"""


@contextmanager
def reading(data_dir: Path) -> Iterator[set[str]]:
    """A reader that queries the published file over and over; afterwards, the data days that it saw.

    Fails if a query failed or saw tables of two days. It leaves the processors to the run that it disturbs.
    """
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(Settings(data_dir=data_dir).serving_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline() == "reading\n"
    days: set[str] = set()
    try:
        yield days
    finally:
        output, errors = reader.communicate("enough\n", timeout=60)
    assert reader.returncode == 0, errors
    days.update(output.split())
