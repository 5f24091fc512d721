"""Alerts on figures, and the weekly digest: what a publish says, put into the outbox for who is to be told."""

from datetime import timedelta

from orchestration.alerts.channels import channels_to
from orchestration.alerts.messages import Alert
from orchestration.alerts.outbox import Message, Outbox, utc_now
from serving.digest.figures import crossings
from serving.digest.week import digest
from serving.digest.written import as_html, as_lines
from serving.page.snapshot import Snapshot
from serving.reader import snapshot
from settings import Settings

# A crossing is sent once, however often its day is published again.
FOR_GOOD = timedelta(days=36500)
# Who gets the digest, in GROWTH_ALERT_EMAILS and GROWTH_ALERT_WEBHOOKS.
DIGEST_RECEIVER = "digest"
WHERE = "every rule: table rpt_figure_alerts; what to do: docs/runbook.md"


def put_figure_alerts(settings: Settings, run_id: str) -> list[Alert]:
    """Put the rules that fired into the outbox, once per crossing and channel; returns those of the last days."""
    with snapshot(settings.serving_path) as connection:
        crossed = crossings(Snapshot(connection), only_told=True)
    by_receiver: dict[tuple[str, str], list[Alert]] = {}
    alerts = []
    for each in crossed:
        about = f"{each.rule} ({each.group_value}) on {each.crossed_on}"
        alert = Alert("figure_crossed", about, f"{each.sentence} {each.next_action}", (each.receiver,))
        alerts.append(alert)
        reached = channels_to(settings, each.receiver)
        for channel in ["log", *(name for name in reached if each.channel in (name, "every"))]:
            by_receiver.setdefault((channel, each.receiver), []).append(alert)
    Outbox(settings.alerts_path, FOR_GOOD).put(f"figures of run {run_id}", WHERE, by_receiver, utc_now())
    return alerts


def put_digest(settings: Settings) -> bool:
    """Put the digest of the published file into the outbox, once per data day; whether it was put."""
    with snapshot(settings.serving_path) as connection:
        week = digest(Snapshot(connection))
    message = Message(DIGEST_RECEIVER, week.subject, as_lines(week), as_html(week))
    messages = dict.fromkeys(["log", *channels_to(settings, DIGEST_RECEIVER)], message)
    outbox = Outbox(settings.alerts_path, FOR_GOOD)
    return outbox.put_messages(f"digest of the week to {week.last_day}", messages, utc_now())
