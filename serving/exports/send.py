"""Sends the changes of the work lists since the last send, in batches.

The ledger records each change when its receiver has confirmed it. A send that follows an interrupted one compares
today's lists with the ledger, so a customer who has asked for no contact in the meantime is not contacted.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from serving.exports import csv_files
from serving.exports.changes import PublishedLists, changes_since, read_lists
from serving.exports.csv_files import CsvFiles
from serving.exports.lists import WORK_LISTS, Change
from serving.exports.sent_ledger import SentLedger, open_ledger
from serving.exports.webhook import NotSentError, Webhook, receiver_name
from serving.publish.versions import is_rolled_back
from serving.reader import snapshot
from settings import Settings
from warehouse.lock import hold

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Export:
    """What a send did, or in a dry run would have done."""

    receiver: str
    as_of_date: date
    was_sent: bool
    changes: dict[str, int] = field(default_factory=dict)
    left_for_later: int = 0
    kept_back: int = 0
    refused: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """What there is to say about it, a line each."""
        lines = [f"{what}: {count:,}" for what, count in self.changes.items()] or ["nothing has changed"]
        if self.left_for_later:
            lines.append(f"left for the next time (GROWTH_EXPORT_MAX_CHANGES): {self.left_for_later:,}")
        if self.kept_back:
            lines.append(f"kept back, since nobody may write to the customer: {self.kept_back:,}")
        return [*lines, *(f"refused by the receiver, and tried again next time: {each}" for each in self.refused)]


def export(settings: Settings, *, send: bool) -> Export:
    """Send at most `export_max_changes` changes of the published lists to the configured receiver.

    Without `send` only says what would be sent. Raises `NotSentError`, or `ReceiverAwayError`, which passes;
    what was confirmed before is noted.
    """
    receiver = receiver_name(settings.export_url) if settings.export_url else csv_files.RECEIVER
    path = settings.export_ledger_path
    with hold(path, "export of work lists"), open_ledger(path, receiver) as ledger:
        with snapshot(settings.serving_path) as connection:
            published = read_lists(connection, WORK_LISTS)
        _refuse_an_older_day(settings, ledger.last_day(), published)
        changes = changes_since(ledger, published, WORK_LISTS)
        chosen = changes[: settings.export_max_changes]
        refused = _send(settings, ledger, chosen) if send else []
    return Export(
        receiver=receiver.split(maxsplit=1)[0],
        as_of_date=published.as_of_date,
        was_sent=send,
        changes=dict(Counter(f"{change.list_name} {change.kind}" for change in chosen)),
        left_for_later=len(changes) - len(chosen),
        kept_back=published.kept_back,
        refused=refused,
    )


def _refuse_an_older_day(settings: Settings, last: date | None, published: PublishedLists) -> None:
    """A day that somebody asked for, or went back to, is older than what was sent: that is no news.

    An older day that a later publish found by itself is sent: it takes the place of one that was wrong.
    """
    is_on_purpose = published.is_day_asked_for or is_rolled_back(settings)
    if last and published.as_of_date < last and is_on_purpose:
        raise NotSentError(
            f"what is published is as of {published.as_of_date}, and lists as of {last} were sent last: nothing is "
            "sent until a run without GROWTH_AS_OF, or one for a later day, has published"
        )


def _send(settings: Settings, ledger: SentLedger, changes: Sequence[Change]) -> list[str]:
    """What the receiver refused."""
    receiver: CsvFiles | Webhook
    if settings.export_url:
        receiver = Webhook(settings.export_url, settings.export_token, ledger)
    else:
        receiver = CsvFiles(settings.exports_dir, ledger, WORK_LISTS)
    for first in range(0, len(changes), receiver.batch_size):
        receiver.receive(changes[first : first + receiver.batch_size])
    return receiver.refused
