"""Send the changes of the work lists since the last send, in batches.

The ledger records each change when its receiver has confirmed it. A send after an interrupted one compares today's
lists with the ledger, so a customer who opted out meanwhile is not contacted.
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
from warehouse.folder import refuse_half_restored
from warehouse.lock import hold

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Export:
    """What was sent, or in a dry run would have been."""

    receiver: str
    as_of_date: date
    was_sent: bool
    changes: dict[str, int] = field(default_factory=dict)
    postponed: int = 0
    withheld: int = 0
    refused: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        lines = [f"{what}: {count:,}" for what, count in self.changes.items()] or ["nothing has changed"]
        if self.postponed:
            lines.append(f"over the limit of a run (GROWTH_EXPORT_MAX_CHANGES), sent next time: {self.postponed:,}")
        if self.withheld:
            lines.append(f"not sent, since the customer must not be contacted: {self.withheld:,}")
        return [*lines, *(f"refused by the receiver, retried next time: {each}" for each in self.refused)]


def export(settings: Settings, *, send: bool) -> Export:
    """Send at most `export_max_changes` changes to the configured receiver; without `send` only count them.

    Raises `NotSentError`, or `ReceiverAwayError` if a retry may help; confirmed changes are recorded. Raises
    `DataDirError` if the data folder is half restored.
    """
    # Before the lock too: the lock would be made in a folder that a restore may have moved away.
    refuse_half_restored(settings.data_dir)
    receiver = receiver_name(settings.export_url) if settings.export_url else csv_files.RECEIVER
    path = settings.export_ledger_path
    with hold(path, "export of work lists"):
        refuse_half_restored(settings.data_dir)
        with open_ledger(path, receiver) as ledger:
            with snapshot(settings.serving_path) as connection:
                published = read_lists(connection, WORK_LISTS)
            _refuse_older_day(settings, ledger.last_day(), published)
            changes = changes_since(ledger, published, WORK_LISTS)
            chosen = changes[: settings.export_max_changes]
            refused = _send(settings, ledger, chosen) if send else []
    return Export(
        receiver=receiver.split(maxsplit=1)[0],
        as_of_date=published.as_of_date,
        was_sent=send,
        changes=dict(Counter(f"{change.list_name} {change.kind}" for change in chosen)),
        postponed=len(changes) - len(chosen),
        withheld=published.withheld,
        refused=refused,
    )


def _refuse_older_day(settings: Settings, last: date | None, published: PublishedLists) -> None:
    """Refuse a data day older than the last one sent if it was requested or is a rollback.

    Any other older day corrects a wrong one and is sent.
    """
    is_on_purpose = published.is_day_asked_for or is_rolled_back(settings)
    if last and published.as_of_date < last and is_on_purpose:
        raise NotSentError(
            f"the published data day {published.as_of_date} is older than {last}, which was sent last: nothing is sent "
            "until a run without GROWTH_AS_OF, or with a later day, has published"
        )


def _send(settings: Settings, ledger: SentLedger, changes: Sequence[Change]) -> list[str]:
    """Send the changes; returns those that the receiver refused."""
    receiver: CsvFiles | Webhook
    if settings.export_url:
        receiver = Webhook(settings.export_url, settings.export_token, ledger)
    else:
        receiver = CsvFiles(settings.exports_dir, ledger, WORK_LISTS)
    for first in range(0, len(changes), receiver.batch_size):
        receiver.receive(changes[first : first + receiver.batch_size])
    return receiver.refused
