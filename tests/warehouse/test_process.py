"""A command that was started ends on a signal, also where libraries have handlers of their own."""

import signal
import subprocess
import sys
import time

import pytest

from settings import PROJECT_DIR

WORKING = """
import signal, sys, time
from warehouse.process import before_ending, start_command
start_command()
if sys.argv[1] == "its own handler":
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: None)
if sys.argv[1] == "words that do not end":
    before_ending(lambda: time.sleep(60))
if sys.argv[1] == "words that fail":
    before_ending(lambda: 1 / 0)
print("working", flush=True)
end = time.monotonic() + 60
while time.monotonic() < end:
    try:
        sum(range(100_000))
    except BaseException:
        # As libraries do.
        pass
print("went on")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("work", ["plain", "its own handler", "words that do not end", "words that fail"])
def test_a_command_ends_within_five_seconds_whatever_it_catches(work: str, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKING, work],
        cwd=PROJECT_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    asked_at = time.monotonic()
    process.send_signal(number)
    said, errors = process.communicate(timeout=50)
    assert time.monotonic() - asked_at < 5
    assert process.returncode == 128 + number
    assert said == ""
    [line] = errors.strip().splitlines()
    assert line.startswith("ended by ")
