"""How every command starts: what it writes is its user's alone, and Ctrl-C and SIGTERM end it at once.

Libraries put handlers of their own in the place of ours and catch what those raise, so a run would go on and publish.
So no handler is asked: Python writes the number of each signal into a pipe as it comes, and a thread that reads the
pipe ends the process. What is half done is left as a kill leaves it, and mended by whatever comes next.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# A command that is asked to end does so within five seconds.
LAST_WORDS_SECONDS = 2.0

_last_words: list[Callable[[], None]] = []


def start_command() -> None:
    """Keep what is written from other users, and end on signals. To be called by the main thread."""
    os.umask(0o077)
    end_on_signals()


def end_on_signals() -> None:
    """From now on end this process on Ctrl-C (with 130) and SIGTERM (with 143). To be called by the main thread."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in ENDING_SIGNALS:
        # Some handler of Python's has to be there for the pipe to be written; it has nothing to do.
        signal.signal(number, lambda *_: None)
    threading.Thread(target=_wait, args=[reader], name="ending", daemon=True).start()


def end_as_usual() -> None:
    """Take the ending on signals back, for a process that only looks after others."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def before_ending(say: Callable[[], None]) -> None:
    """Call `say` before the process ends on a signal, in a thread of its own and for two seconds at most."""
    _last_words.append(say)


def _wait(reader: int) -> None:
    number = 0
    while number not in ENDING_SIGNALS:
        number = os.read(reader, 1)[0]
    name = "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name
    with suppress(OSError):
        # Not `print`: the work may hold the stream's lock.
        message = f"\nended by {name}: what was half done is not kept, and the same command does it again\n"
        os.write(sys.stderr.fileno(), message.encode())
        # The work may have been interrupted as well, which is no news.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.dup2(nowhere, sys.stderr.fileno())
    words = threading.Thread(target=_say_last_words, daemon=True)
    words.start()
    words.join(LAST_WORDS_SECONDS)
    os._exit(128 + number)


def _say_last_words() -> None:
    for say in _last_words:
        with suppress(Exception):
            say()
