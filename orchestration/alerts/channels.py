"""The channels of alerts: the log, e-mail and webhooks."""

import json
import logging
import smtplib
import ssl
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from urllib.error import HTTPError

from orchestration.alerts.messages import Alert
from orchestration.alerts.outbox import Message
from serving.exports.webhook import for_chat
from settings import Settings

TIMEOUT_SECONDS = 5.0


class WebhookError(RuntimeError):
    """The receiver did not accept the alert. The message never contains the address, which is secret."""


def channels_of(settings: Settings, alert: Alert, owner: str) -> list[str]:
    """The channels for an alert to an owner: always the log, others from the configured severity on."""
    is_held_back = alert.severity == "warning" and settings.alert_from == "error"
    return ["log"] if is_held_back else ["log", *channels_to(settings, owner)]


def channels_to(settings: Settings, receiver: str) -> list[str]:
    """The channels besides the log by which somebody is reached."""
    others = {
        "email": settings.smtp_host and _address(settings, receiver),
        "webhook": receiver in settings.webhooks_by_owner,
    }
    return [channel for channel, is_there in others.items() if is_there]


def senders(settings: Settings, log: logging.Logger) -> dict[str, Callable[[Message], None]]:
    """The function that sends a message, by channel. Each raises if the receiver does not accept it."""
    return {
        "log": partial(_log, log),
        "email": partial(_send_mail, settings),
        "webhook": partial(_call_webhook, settings),
    }


def _address(settings: Settings, owner: str) -> str | None:
    """The owner's address: Dagster's owners are teams, or people by their e-mail addresses."""
    return settings.emails_by_owner.get(owner) or (owner if "@" in owner else None)


def _log(log: logging.Logger, message: Message) -> None:
    for line in message.lines:
        log.info(f"alert for {message.owner}: {line}")


def _send_mail(settings: Settings, message: Message) -> None:
    address = _address(settings, message.owner)
    if not settings.smtp_host or not address:
        raise LookupError(f"GROWTH_SMTP_HOST, or an address of {message.owner} in GROWTH_ALERT_EMAILS, is gone")
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = message.subject, settings.smtp_sender, address
    mail.set_content("\n\n".join(message.lines))
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    # Without it smtplib accepts any certificate, and then sends the password.
    checked = ssl.create_default_context()
    kind = partial(smtplib.SMTP_SSL, context=checked) if settings.smtp_security == "tls" else smtplib.SMTP
    with kind(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_SECONDS) as server:
        if settings.smtp_security == "starttls":
            server.starttls(context=checked)
        if settings.smtp_user and settings.smtp_password:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        server.send_message(mail)


def _call_webhook(settings: Settings, message: Message) -> None:
    address = settings.webhooks_by_owner.get(message.owner)
    if not address:
        raise LookupError(f"the webhook of {message.owner} in GROWTH_ALERT_WEBHOOKS is gone")
    # Chat programs show `text`; the rest is for programs.
    content = {
        "text": for_chat("\n".join([message.subject, *message.lines])),
        "owner": message.owner, "subject": message.subject, "lines": message.lines,
    }  # fmt: skip
    request = urllib.request.Request(  # noqa: S310 (the settings accept http and https only)
        address, json.dumps(content).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
            pass
    except HTTPError as error:
        raise WebhookError(f"it answered {error.code}") from None
    except OSError as error:
        raise WebhookError(f"it cannot be reached: {getattr(error, 'reason', error)}") from None
    except Exception as error:  # noqa: BLE001 (whatever it says may have the address in it)
        raise WebhookError(type(error).__name__) from None
