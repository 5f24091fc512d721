"""`python -m tests.pipeline.other_clock 365 0 5 ingestion load`: a command whose clock is wrong.

It is as many days ahead as the first figure says and, once it has stamped as many rows as the third says, as many as
the second says. It is wrong for what stamps the rows that are kept, and for whoever asks for the seconds since 1970: no
program may set the machine's clock for itself alone.
"""

import datetime
import importlib
import runpy
import sys
import time
from typing import ClassVar

STAMPING = {
    "load": ("warehouse.lock", "ingestion.write.ledger"),
    "run": (
        "warehouse.lock",
        "ingestion.write.ledger",
        "expectations.gate",
        "serving.publish.published_file",
        "orchestration.alerts.outbox",
    ),
}
seconds_since_1970 = time.time


class _LikeTheClass(type):
    """An instance of the one class is one of the other."""

    def __instancecheck__(cls, each: object) -> bool:
        return isinstance(each, datetime.datetime)


class WrongClock(datetime.datetime, metaclass=_LikeTheClass):
    """Takes the place of `datetime`."""

    first: ClassVar[datetime.timedelta]
    then: ClassVar[datetime.timedelta]
    reads_left: ClassVar[int]

    @classmethod
    def ahead(cls) -> datetime.timedelta:
        """How wrong it is."""
        return cls.first if cls.reads_left > 0 else cls.then

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
        """What the code that stamps rows asks for."""
        cls.reads_left -= 1
        return datetime.datetime.now(tz) + cls.ahead()


if __name__ == "__main__":
    _, first_days, then_days, reads, command, *arguments = sys.argv
    for stamping in STAMPING[command]:
        importlib.import_module(stamping).datetime = WrongClock  # type: ignore[attr-defined]
    WrongClock.first, WrongClock.then = (datetime.timedelta(days=int(days)) for days in (first_days, then_days))
    WrongClock.reads_left = int(reads)
    time.time = lambda: seconds_since_1970() + WrongClock.ahead().total_seconds()
    sys.argv[1:] = [command, *arguments]
    runpy.run_module("cli", run_name="__main__", alter_sys=True)
