"""Measure a piece of work in its own process: seconds, CPU seconds, peak memory."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass

from settings import PROJECT_DIR

KILOBYTES_PER_GIGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Measured:
    """The cost of a process and its children."""

    seconds: float
    cpu_seconds: float
    peak_gigabytes: float
    output: str


def measure(*arguments: str, **environment: str) -> Measured:
    """Run Python with `arguments` and measure it with its children. Raises `CalledProcessError` if it fails."""
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=PROJECT_DIR,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, arguments, output)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Measured(time.monotonic() - started, cpu_seconds, usage.ru_maxrss / KILOBYTES_PER_GIGABYTE, output)
