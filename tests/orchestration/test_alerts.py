"""The owner of what failed is told once, by every channel that is set up; what cannot be sent fails no run."""

import logging
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    ExecuteInProcessResult,
    Failure,
    MetadataValue,
    TableRecord,
    asset,
    asset_check,
    build_sensor_context,
    define_asset_job,
    in_process_executor,
)
from pydantic import SecretStr

from orchestration.alerts import sensor as alerting
from orchestration.alerts.channels import senders
from orchestration.alerts.messages import Alert, alerts_of_run, owners_of_specs
from orchestration.alerts.outbox import KEPT, Message, Outbox
from orchestration.alerts.sensor import tell_of_ended_runs
from orchestration.instance.run_processes import PROCESS_TAG
from serving.publish.published_file import NotPublishableError
from settings import Settings
from tests.support.receivers import MailServer, WebServer, certificate_of, serving

NOW = datetime.fromisoformat("2026-11-02T01:30")


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """A mail server that listens."""
    server = MailServer()
    with serving(server):
        yield server


@pytest.fixture
def web() -> Iterator[WebServer]:
    """A web server that listens."""
    server = WebServer()
    with serving(server):
        yield server


def settings_of(tmp_path: Path, mail: MailServer, web: WebServer, **more: Any) -> Settings:
    """Both channels are set up; finance has a mailbox, data a webhook, and Ada is an address herself."""
    return Settings(
        data_dir=tmp_path,
        smtp_host="127.0.0.1",
        smtp_port=mail.port,
        smtp_security="none",
        alert_emails="team:finance=finance@example.com",
        alert_webhooks=SecretStr(f"team:data={web.address}"),
        **more,
    )


@asset(owners=["team:data"])
def loads() -> None:
    """A table that is loaded."""


@asset(owners=["team:finance", "ada@example.com"], deps=[loads])
def money() -> None:
    """A table that finance owns."""
    raise Failure("the ledger is open", allow_retries=False)


@asset(owners=["team:finance"], deps=[loads])
def calm() -> None:
    """A table that nothing is wrong with."""


def check_of(severity: AssetCheckSeverity, *, blocking: bool) -> Any:
    """A check of what is loaded that does not pass."""

    @asset_check(asset=loads, blocking=blocking)
    def rows_are_there() -> AssetCheckResult:
        found: dict[str, str | int] = {"unexpected_rows": 3, "detail": "A load brings rows."}
        rows = [{"expectation": name, "status": status, **found} for name, status in (("a", "failed"), ("b", "passed"))]
        table = MetadataValue.table([TableRecord(row) for row in rows])
        return AssetCheckResult(passed=False, severity=severity, metadata={"expectations": table})

    return rows_are_there


def run_of(instance: DagsterInstance, *assets: Any, checks: Any = ()) -> tuple[ExecuteInProcessResult, Definitions]:
    """A run of these assets and checks that has ended."""
    job = define_asset_job("refresh", "*")
    definitions = Definitions(assets=assets, asset_checks=checks, jobs=[job], executor=in_process_executor)
    result = definitions.resolve_job_def("refresh").execute_in_process(instance=instance, raise_on_error=False)
    return result, definitions


def found(*assets: Any, checks: Any = ()) -> list[Alert]:
    """The alerts of a run of these assets and checks."""
    with DagsterInstance.ephemeral() as instance:
        result, definitions = run_of(instance, *assets, checks=checks)
        return alerts_of_run(instance, result.dagster_run, owners_of_specs(definitions.resolve_all_asset_specs()))


def test_a_step_that_fails_is_told_to_the_owners_of_what_it_makes() -> None:
    [alert] = found(loads, money, calm)
    assert alert == Alert("step_failed", "money", "the ledger is open", ("ada@example.com", "team:finance"))
    assert alert.severity == "error"


def test_blocking_check_sends_one_alert() -> None:
    [alert] = found(loads, calm, checks=[check_of(AssetCheckSeverity.ERROR, blocking=True)])
    assert alert == Alert(
        "check_failed", "loads rows_are_there", "loads: a, 3 rows. A load brings rows.", ("team:data",)
    )


def test_refused_publish_sends_no_second_alert() -> None:
    @asset(deps=[loads])
    def published() -> None:
        raise Failure("failed checks block publishing") from NotPublishableError("while checks block")

    alone = found(loads, published)
    assert [(alert.kind, alert.about) for alert in alone] == [("step_failed", "published")]
    with_cause = found(loads, published, checks=[check_of(AssetCheckSeverity.ERROR, blocking=False)])
    assert [(alert.kind, alert.about) for alert in with_cause] == [("check_failed", "loads rows_are_there")]


def test_a_warning_is_a_warning_and_a_run_without_failures_is_none() -> None:
    [alert] = found(loads, calm, checks=[check_of(AssetCheckSeverity.WARN, blocking=False)])
    assert (alert.kind, alert.severity) == ("check_warned", "warning")
    assert found(loads, calm) == []


def test_a_run_whose_process_was_killed_is_told() -> None:
    with DagsterInstance.ephemeral() as instance:
        definitions = Definitions(assets=[loads], jobs=[define_asset_job("refresh", "*")])
        run = instance.create_run_for_job(definitions.resolve_job_def("refresh"))
        instance.report_run_failed(run, "The run's process was killed.")
        ended = instance.get_run_by_id(run.run_id)
        assert ended is not None
        [alert] = alerts_of_run(instance, ended, owners_of_specs(definitions.resolve_all_asset_specs()))
    assert (alert.kind, alert.about, alert.owners) == ("run_failed", "refresh", ("team:data",))
    assert "The run's process was killed." in alert.detail


class Log(logging.Logger):
    """A log that keeps what it is told."""

    def __init__(self) -> None:
        super().__init__("log", logging.INFO)
        self.said: list[str] = []

    def handle(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def told(settings: Settings, *assets: Any, checks: Any = (), times: int = 1) -> list[str]:
    """What the log says after a run that somebody looks at so many times."""
    log = Log()
    with DagsterInstance.ephemeral() as instance:
        _, definitions = run_of(instance, *assets, checks=checks)
        for _ in range(times):
            tell_of_ended_runs(instance, owners_of_specs(definitions.resolve_all_asset_specs()), settings, log)
    return log.said


def test_each_owner_gets_its_own_by_each_channel_that_it_has(tmp_path: Path, mail: MailServer, web: WebServer) -> None:
    check = check_of(AssetCheckSeverity.ERROR, blocking=False)
    said = told(settings_of(tmp_path, mail, web), loads, money, checks=[check], times=3)
    assert sorted(
        line.split(": ")[1] for mail in mail.mails for line in mail.splitlines() if line.startswith("To:")
    ) == [
        "ada@example.com",
        "finance@example.com",
    ]
    assert all("error step_failed: money: the ledger is open" in each for each in mail.mails)
    [post] = web.posts
    assert post["owner"] == "team:data"
    assert post["lines"][0] == "error check_failed: loads rows_are_there: loads: a, 3 rows. A load brings rows."
    assert "http://127.0.0.1:3000/runs/" in post["text"]
    assert len([line for line in said if "check_failed" in line]) == 1
    assert len([line for line in said if "step_failed" in line]) == 2


@pytest.mark.parametrize(("alert_from", "posts"), [("error", 0), ("warning", 1)])
def test_a_warning_goes_out_where_the_threshold_lets_it(
    tmp_path: Path, mail: MailServer, web: WebServer, alert_from: str, posts: int
) -> None:
    check = check_of(AssetCheckSeverity.WARN, blocking=False)
    said = told(settings_of(tmp_path, mail, web, alert_from=alert_from), loads, checks=[check])
    assert len(web.posts) == posts
    assert any("warning check_warned: loads rows_are_there" in line for line in said)


def test_failed_alert_is_logged_without_the_secret_and_sent_later(
    tmp_path: Path, mail: MailServer, web: WebServer
) -> None:
    mail.refuses, web.status = True, 500
    settings = settings_of(tmp_path, mail, web)
    said = told(settings, loads, money, checks=[check_of(AssetCheckSeverity.ERROR, blocking=False)])
    assert any(
        "could not be sent by webhook (WebhookError: it answered 500), and is tried again" in line for line in said
    )
    assert any("could not be sent by email (SMTPRecipientsRefused" in line for line in said)
    assert "s3cret" not in "".join(said)
    mail.refuses, web.status = False, 200
    told(settings, calm, loads)
    assert (len(mail.mails), len(web.posts)) == (2, 1)


def test_a_name_in_a_digest_mentions_nobody(tmp_path: Path, mail: MailServer, web: WebServer) -> None:
    name = "<!channel> <https://evil.example|Acme> & Co"
    send = senders(settings_of(tmp_path, mail, web), Log())["webhook"]
    send(Message("team:data", "digest", [name]))
    [post] = web.posts
    assert post["text"] == "digest\n&lt;!channel&gt; &lt;https://evil.example|Acme&gt; &amp; Co"
    assert post["lines"] == [name]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_mail_server_whose_certificate_nobody_vouches_for_learns_no_password(
    tmp_path: Path, web: WebServer, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    certificate = certificate_of("127.0.0.1", tmp_path)
    encryption = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    encryption.load_cert_chain(certificate)
    message = Message("team:finance", "subject", ["line"])
    server = MailServer(encryption, from_the_start=security == "tls")
    with serving(server):
        settings = settings_of(tmp_path, server, web).model_copy(update={"smtp_security": security})
        with pytest.raises(ssl.SSLCertVerificationError):
            senders(settings, Log())["email"](message)
        assert not server.mails
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        senders(settings, Log())["email"](message)
        assert len(server.mails) == 1


def test_a_server_that_is_not_there_does_not_fail_anything(tmp_path: Path) -> None:
    gone = WebServer()
    gone.server_close()
    settings = Settings(data_dir=tmp_path, alert_webhooks=SecretStr(f"team:data={gone.address}"))
    said = told(settings, loads, checks=[check_of(AssetCheckSeverity.ERROR, blocking=False)])
    assert any("webhook (WebhookError: it cannot be reached" in line for line in said)
    assert "s3cret" not in "".join(said)


def test_when_alerts_cannot_even_be_kept_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "alerts.sqlite").write_text("this is no database")
    [said] = told(Settings(data_dir=tmp_path), loads, money)
    assert said.startswith("alerts could not be made: DatabaseError: file is not a database. If ")
    assert f"{tmp_path}/state/alerts.sqlite is damaged, move it away" in said


ALERT = Alert("step_failed", "load", "the disk is full", ("team:data",))


def sent(outbox: Outbox, now: datetime) -> list[str]:
    """First lines of the messages that go out."""
    messages: list[Message] = []
    outbox.send({"log": messages.append}, logging.getLogger(__name__), now)
    return [message.lines[0] for message in messages]


def test_repeated_alert_waits_for_the_window_and_says_its_count(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite", timedelta(hours=24))
    at = [timedelta(0), timedelta(hours=1), timedelta(hours=24, microseconds=-1), timedelta(hours=24)]
    lines = []
    for number, later in enumerate(at):
        outbox.put(f"run-{number}", "where", {("log", "team:data"): [ALERT]}, NOW + later)
        lines.append(sent(outbox, NOW + later))
    plain = "error step_failed: load: the disk is full"
    assert lines == [[plain], [], [], [f"{plain} (held back 2 times since 2026-11-02T01:30 UTC)"]]


def test_another_failure_or_another_owner_is_not_held_back(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite", timedelta(hours=24))
    other = ALERT._replace(about="build_marts")
    outbox.put("run-1", "where", {("log", "team:data"): [ALERT]}, NOW)
    outbox.put("run-2", "where", {("log", "team:data"): [ALERT, other], ("log", "team:finance"): [ALERT]}, NOW)
    assert len(sent(outbox, NOW)) == 3


def test_a_run_is_told_once_however_many_processes_look_at_it(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite", timedelta(0))
    messages: list[Message] = []

    def look(_: int) -> None:
        outbox.put("run-1", "where", {("log", "team:data"): [ALERT]}, NOW)
        outbox.send({"log": messages.append}, Log(), NOW)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(look, range(16)))
    assert len(messages) == 1


def test_a_message_that_nobody_took_for_two_days_is_given_up_and_said(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite", timedelta(hours=24))
    outbox.put("run-1", "where", {("email", "team:data"): [ALERT]}, NOW)
    log = Log()
    for age in (KEPT - timedelta(seconds=1), KEPT, KEPT):
        outbox.send({}, log, NOW + age)
    assert [line.rsplit(", ", 1)[1] for line in log.said] == [
        "and is tried again with the next run or look",
        "and is given up",
    ]


def look_with_dead_receivers(outbox: Outbox, dead: set[str], now: datetime) -> list[str]:
    """The owners that are tried, in order."""
    tried: list[str] = []

    def post(message: Message) -> None:
        tried.append(message.owner)
        if message.owner in dead:
            raise ConnectionError("it answered 404")

    outbox.send({"webhook": post}, Log(), now)
    return tried


def test_a_dead_receiver_delays_nobody_else(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite", timedelta(0))
    outbox.put_messages("digest", {"webhook": Message("digest", "digest", ["the week"])}, NOW)
    for run in ("run-1", "run-2"):
        outbox.put(run, "where", {("webhook", "team:data"): [ALERT], ("webhook", "team:finance"): [ALERT]}, NOW)
    tried = look_with_dead_receivers(outbox, {"digest"}, NOW)
    assert tried == ["digest", "team:data", "team:finance", "team:data", "team:finance"]
    assert look_with_dead_receivers(outbox, set(), NOW) == ["digest"]


def test_a_server_that_is_away_costs_two_tries_a_look_and_dead_receivers_come_last(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "alerts.sqlite", timedelta(0))
    outbox.put("run-1", "where", {("webhook", owner): [ALERT] for owner in "abcd"}, NOW)
    dead = {"a", "b"}
    assert look_with_dead_receivers(outbox, {*"abcd"}, NOW) == ["a", "b"]
    assert look_with_dead_receivers(outbox, dead, NOW + timedelta(minutes=1)) == ["c", "d", "a", "b"]
    assert look_with_dead_receivers(outbox, set(), NOW + timedelta(minutes=2)) == ["a", "b"]


@pytest.mark.parametrize(("age", "alerts"), [(timedelta(hours=35, minutes=59), 0), (timedelta(hours=36), 1)])
def test_missing_refresh_is_alerted_once_a_day(tmp_path: Path, age: timedelta, alerts: int) -> None:
    settings = Settings(data_dir=tmp_path)
    with DagsterInstance.ephemeral() as instance:
        run_of(instance, loads)
        ended = instance.get_run_records()[0].update_timestamp
        for _ in range(3):
            alerting._put_if_late(instance, settings, "refresh", ended.astimezone(UTC) + age)
    lines = sent(Outbox(settings.alerts_path, timedelta(0)), NOW)
    assert len(lines) == alerts
    assert all("refresh_is_late: refresh: the last one that succeeded ended 36 hours ago" in line for line in lines)


def test_the_sensor_tells_of_runs_that_somebody_else_started(
    tmp_path: Path, mail: MailServer, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    settings = settings_of(tmp_path, mail, web)
    sensor = alerting.build_alerts_sensor(settings, "refresh")
    with DagsterInstance.ephemeral() as instance:
        _, definitions = run_of(instance, loads, money)
        for _ in range(2):
            context = build_sensor_context(instance, repository_def=definitions.get_repository_def())
            assert sensor.evaluate_tick(context).run_requests == []
    assert len(mail.mails) == 2


def test_the_sensor_tells_of_a_run_whose_process_was_killed(
    tmp_path: Path, mail: MailServer, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    sensor = alerting.build_alerts_sensor(settings_of(tmp_path, mail, web), "refresh")
    with DagsterInstance.ephemeral() as instance:
        _, definitions = run_of(instance, loads, calm)
        killed = instance.create_run_for_job(
            definitions.resolve_job_def("refresh"),
            status=DagsterRunStatus.STARTED,
            tags={PROCESS_TAG: f"{socket.gethostname()}/999999999/0"},
        )
        context = build_sensor_context(instance, repository_def=definitions.get_repository_def())
        sensor.evaluate_tick(context)
        run = instance.get_run_by_id(killed.run_id)
    assert run is not None
    assert run.status is DagsterRunStatus.FAILURE
    [post] = web.posts
    assert "run_failed: refresh: The run's process was killed." in post["text"]
