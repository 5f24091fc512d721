"""A figure that crosses its bound is told once by the channels that its rule names, and the week once a week."""

import email
import logging
from collections.abc import Iterator
from datetime import datetime
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import typer
from dagster import AssetSpec, DagsterInstance, materialize
from pydantic import SecretStr

from cli import results
from cli.console import run_and_show
from orchestration.alerts.figures import put_digest, put_figure_alerts
from orchestration.alerts.sensor import send_waiting
from orchestration.assets.keys import PUBLISHED_KEY, reader_key
from orchestration.assets.told import figure_alerts, weekly_digest
from orchestration.definitions import DAILY_JOB_NAME
from orchestration.instance.home import prepare_dagster_home
from orchestration.instance.run import _execute
from settings import Settings, get_settings
from tests.serving.published_marts import write_published
from tests.serving.test_digest import ROWS
from tests.support.receivers import MailServer, WebServer, serving

PUBLISHED_AT = datetime.fromisoformat("2026-11-01T02:30")


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer()
    with serving(server):
        yield server


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    with serving(server):
        yield server


def settings_of(tmp_path: Path, mail: MailServer, web: WebServer) -> Settings:
    """Growth and the readers of the digest have a mailbox and a webhook each."""
    return Settings(
        data_dir=tmp_path,
        smtp_host="127.0.0.1",
        smtp_port=mail.port,
        smtp_security="none",
        alert_emails="team:growth=growth@example.com digest=leads@example.com",
        alert_webhooks=SecretStr(f"team:growth={web.address} digest={web.address}"),
    )


def publish(settings: Settings, crossed_on: str = "2026-10-31", channel: str = "every") -> None:
    settings.serving_path.unlink(missing_ok=True)
    alerts = [{**ROWS["rpt_figure_alerts"][0], "crossed_on": crossed_on, "channel": channel}]
    write_published(settings, {**ROWS, "rpt_figure_alerts": alerts}, published_at=PUBLISHED_AT)


def tell(settings: Settings, run_id: str) -> None:
    put_figure_alerts(settings, run_id)
    send_waiting(settings, logging.getLogger(__name__))


def test_each_crossing_is_sent_once_per_channel(tmp_path: Path, mail: MailServer, web: WebServer) -> None:
    settings = settings_of(tmp_path, mail, web)
    publish(settings, crossed_on="2026-10-29")
    for run_id in ("run-1", "run-2", "run-3"):
        tell(settings, run_id)
    assert (len(mail.mails), len(web.posts)) == (1, 1)
    [line, where] = web.posts[0]["lines"]
    assert line == (
        "warning figure_crossed: mrr_falls (high_growth) on 2026-10-29: MRR of segment high growth: $900 a month, 10 % "
        "less than 28 days before ($1,000 a month). Ask."
    )
    assert "rpt_figure_alerts" in where
    publish(settings, crossed_on="2026-10-31")
    tell(settings, "run-4")
    assert (len(mail.mails), len(web.posts)) == (2, 2)


@pytest.mark.parametrize(("channel", "told"), [("email", (1, 0)), ("webhook", (0, 1)), ("log", (0, 0))])
def test_a_rule_is_told_by_its_channel_alone(
    tmp_path: Path, mail: MailServer, web: WebServer, channel: str, told: tuple[int, int]
) -> None:
    settings = settings_of(tmp_path, mail, web)
    publish(settings, channel=channel)
    tell(settings, "run-1")
    assert (len(mail.mails), len(web.posts)) == told


def test_a_crossing_that_a_receiver_refused_is_told_later(tmp_path: Path, mail: MailServer, web: WebServer) -> None:
    settings = settings_of(tmp_path, mail, web)
    publish(settings)
    web.status = 500
    tell(settings, "run-1")
    web.status = 200
    tell(settings, "run-2")
    assert (len(mail.mails), len(web.posts)) == (1, 1)


def test_a_run_prints_a_crossing_once_without_mail_or_webhook(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    get_settings.cache_clear()
    settings = get_settings()
    publish(settings, channel="log")
    monkeypatch.setenv("DAGSTER_HOME", "")
    prepare_dagster_home(settings)
    monkeypatch.setattr(logging.getLogger("growth.progress"), "handlers", [])
    said = []
    for _ in range(2):
        # The step alone, of the job that `growth run` executes.
        assert run_and_show(settings, lambda each: _execute(each, DAILY_JOB_NAME, assets=[reader_key("figure_alerts")]))
        said.append([line for line in capsys.readouterr().out.splitlines() if "mrr_falls" in line])
    [line], again = said
    assert line.startswith("alert for team:growth: warning figure_crossed: mrr_falls (high_growth) on 2026-10-31: MRR")
    assert again == []
    get_settings.cache_clear()


def test_the_digest_is_text_html_and_a_webhook_once_per_data_day(
    tmp_path: Path, mail: MailServer, web: WebServer
) -> None:
    settings = settings_of(tmp_path, mail, web)
    publish(settings)
    assert [put_digest(settings) for _ in range(3)] == [True, False, False]
    send_waiting(settings, logging.getLogger(__name__))
    [sent] = mail.mails
    message: Any = email.message_from_string(sent, policy=default)
    assert message["To"] == "leads@example.com"
    assert message["Subject"] == "The week to 31 Oct 2026 in growth"
    text, html = (part.get_content() for part in message.iter_parts())
    assert "Revenue: ARR is $180k from 2 paying customers" in text
    assert "<p" in html
    assert "&lt;/p&gt;&lt;img" in html
    [post] = web.posts
    assert post["lines"][0].startswith("Revenue: ARR is $180k")
    assert set(post) == {"text", "owner", "subject", "lines"}


def test_a_digest_that_a_receiver_refused_is_not_called_sent_and_is_sent_later(
    tmp_path: Path,
    mail: MailServer,
    web: WebServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings = settings_of(tmp_path, mail, web)
    publish(settings)
    monkeypatch.setattr(results, "get_settings", lambda: settings)
    web.status = 500
    for _ in range(2):
        with pytest.raises(typer.Exit) as ended:
            results.digest(send=True)
        assert ended.value.exit_code == 1
        assert capsys.readouterr().err == "not sent by webhook: `growth digest --send` tries again, for two days\n"
    web.status = 200
    for said in ("sent\n", "not sent again: the digest of this data day was sent before\n"):
        results.digest(send=True)
        assert capsys.readouterr().err == said
    assert (len(mail.mails), len(web.posts)) == (1, 1)


def test_the_steps_of_a_run_put_both_and_say_what_fired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    get_settings.cache_clear()
    publish(get_settings())
    (tmp_path / "home").mkdir()
    with DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        done = materialize([AssetSpec(PUBLISHED_KEY), figure_alerts, weekly_digest], instance=instance)
    fired, week = (
        done.asset_materializations_for_node(node)[0].metadata
        for node in ("published__figure_alerts", "published__weekly_digest")
    )
    assert "mrr_falls (high_growth) on 2026-10-31" in str(fired["fired"].value)
    assert week["was_told_before"].value is False
    get_settings.cache_clear()
