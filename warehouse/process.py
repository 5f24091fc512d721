"""How every command starts: it creates private files, and Ctrl-C and SIGTERM end it at once.

Libraries replace signal handlers and catch what they raise, so a run would go on and publish. Instead Python writes
each signal number into a pipe, and a thread that reads the pipe ends the process, like a kill.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A command ends within five seconds of a signal.
CALLBACK_SECONDS = 2.0

_callbacks: list[Callable[[], None]] = []


def start_command() -> None:
    """Create files for this user only, and end on signals. Call it in the main thread."""
    os.umask(0o077)
    end_on_signals()


def end_on_signals() -> None:
    """End this process on Ctrl-C (exit code 130) and SIGTERM (143). Call it in the main thread."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in ENDING_SIGNALS:
        # Python writes to the pipe only for signals that have a Python handler.
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_wait, args=[reader], name="ending", daemon=True).start()


def end_as_usual() -> None:
    """Restore the default signal handling, for a process that only supervises others."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def before_ending(callback: Callable[[], None]) -> None:
    """Call `callback` before the process ends on a signal, in its own thread and for at most two seconds."""
    _callbacks.append(callback)


def _wait(reader: int) -> None:
    number = 0
    while number not in ENDING_SIGNALS:
        number = os.read(reader, 1)[0]
    name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
    with suppress(OSError):
        # Not `print`: the work may hold the stream's lock.
        message = f"\nended by {name}: incomplete work is not kept; run the same command again\n"
        os.write(sys.stderr.fileno(), message.encode())
        # Silence later errors of the interrupted work.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
    thread = threading.Thread(target=_run_callbacks, daemon=True)
    thread.start()
    thread.join(CALLBACK_SECONDS)
    os._exit(128 + number)


def _run_callbacks() -> None:
    for callback in _callbacks:
        with suppress(Exception):
            callback()
