"""Work lists reach people once a change, whatever dies on the way, and never name whom nobody may write to."""

import csv
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from pydantic import SecretStr

from ingestion.privacy.spellings import eraser
from serving.exports import csv_files, webhook
from serving.exports.erase import forget_exported
from serving.exports.lists import WORK_LISTS
from serving.exports.send import Export, export
from serving.exports.webhook import NotSentError, ReceiverAwayError
from serving.publish.versions import _keep, roll_back, version_before
from settings import PROJECT_DIR, Settings
from tests.serving.company_with_lists import TABLES, Company
from tests.serving.fake_crm import FakeCrm, fake_crm
from tests.serving.warehouse import gated_warehouse
from tests.support.spellings import byte_spellings
from warehouse.folder import RESTORING, DataDirError

TOKEN = "token-of-the-crm"


@pytest.fixture
def crm() -> Iterator[FakeCrm]:
    with fake_crm() as crm:
        yield crm


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "WAIT_SECONDS", 0.01)


@pytest.fixture
def to_files(tmp_path: Path) -> Company:
    """A company that exports to CSV."""
    company = Company(Settings(data_dir=tmp_path / "data"))
    company.put("fct_onboarding_queue", "acme")
    company.put("fct_onboarding_queue", "beta")
    company.put("rpt_account_risk", "acme")
    company.publish()
    return company


@pytest.fixture
def to_crm(to_files: Company, crm: FakeCrm) -> Company:
    """The same company, which exports to a CRM."""
    to_files.settings = Settings(
        data_dir=to_files.settings.data_dir, export_url=SecretStr(crm.url), export_token=SecretStr(TOKEN)
    )
    return to_files


def quietly(company: Company, *, send: bool = True) -> Export:
    return export(company.settings, send=send)


def written(company: Company, list_name: str) -> list[list[dict[str, str]]]:
    """The rows of each file of a list."""
    files = []
    for path in sorted((company.settings.exports_dir / list_name).iterdir()):
        with path.open(newline="", encoding="utf-8-sig") as file:
            files.append(list(csv.DictReader(file)))
    return files


def test_nothing_is_sent_unless_it_is_asked_for(to_crm: Company, to_files: Company, crm: FakeCrm) -> None:
    done = quietly(to_crm, send=False)
    assert done.changes == {"onboarding_queue added": 2, "account_risk added": 1}
    assert not done.was_sent
    assert crm.requests == []
    quietly(Company(Settings(data_dir=to_files.settings.data_dir)), send=False)
    assert not to_files.settings.exports_dir.exists()
    assert not Settings(data_dir=to_files.settings.data_dir).export_send


def test_nothing_is_sent_from_a_half_restored_folder(to_crm: Company, crm: FakeCrm) -> None:
    (to_crm.settings.data_dir / RESTORING).mkdir()
    with pytest.raises(DataDirError, match="was interrupted: run `growth restore` again"):
        quietly(to_crm)
    assert crm.requests == []
    assert not to_crm.settings.export_ledger_path.parent.exists()


def test_files_hold_what_changed_since_the_last_send_and_nothing_else(to_files: Company) -> None:
    quietly(to_files)
    assert quietly(to_files).changes == {}
    to_files.day += timedelta(days=1)
    to_files.put("fct_onboarding_queue", "acme", bills_paid=1)
    del to_files.rows["fct_onboarding_queue"]["beta"]
    to_files.put("fct_onboarding_queue", "gamma")
    to_files.publish()
    quietly(to_files)
    first, second = written(to_files, "onboarding_queue")
    assert [(row["change"], row["customer_id"]) for row in first] == [("added", "acme"), ("added", "beta")]
    assert [(row["change"], row["customer_id"], row["bills_paid"], row["as_of_date"]) for row in second] == [
        ("removed", "beta", "", "2026-11-01"),
        ("changed", "acme", "1", "2026-11-01"),
        ("added", "gamma", "0", "2026-11-01"),
    ]
    assert first[0]["latest_forecast_usd"] == "807.10"
    assert len(written(to_files, "account_risk")) == 1


def test_a_file_that_was_moved_away_leaves_its_number_to_no_other(to_files: Company) -> None:
    quietly(to_files)
    taken = [path for path in to_files.settings.exports_dir.rglob("*.csv") if path.rename(path.with_suffix(".taken"))]
    to_files.put("fct_onboarding_queue", "gamma")
    to_files.publish()
    quietly(to_files)
    [new] = to_files.settings.exports_dir.rglob("*.csv")
    assert new.name > max(path.name for path in taken)


def test_a_figure_that_moves_every_day_is_no_news(to_crm: Company, crm: FakeCrm) -> None:
    quietly(to_crm)
    to_crm.put("fct_onboarding_queue", "acme", latest_forecast_usd=Decimal("807.11"))
    to_crm.publish()
    assert quietly(to_crm).changes == {}
    to_crm.put("fct_onboarding_queue", "acme", latest_forecast_usd=Decimal("807.12"), owner_email="a@vendor.example")
    to_crm.publish()
    quietly(to_crm)
    assert crm.requests[-1]["values"]["latest_forecast_usd"] == "807.12"
    assert len(crm.requests) == 4


@pytest.mark.parametrize("table", ["rpt_account_risk", "rpt_product_led_leads"])
def test_since_when_a_signal_fires_is_sent_along_and_is_no_news(to_crm: Company, crm: FakeCrm, table: str) -> None:
    to_crm.put(table, "delta")
    to_crm.publish()
    quietly(to_crm)
    [sent] = [each for each in crm.requests if each["item"]["customer_id"] == "delta"]
    assert sent["values"]["since"] == "2026-10-01"
    to_crm.put(table, "delta", since=date(2026, 10, 2))
    to_crm.publish()
    assert quietly(to_crm).changes == {}


def test_a_change_that_is_taken_back_is_two_changes(to_crm: Company, crm: FakeCrm) -> None:
    for bills_paid in (0, 1, 0):
        to_crm.put("fct_onboarding_queue", "acme", bills_paid=bills_paid)
        to_crm.publish()
        quietly(to_crm)
    assert [each["values"]["bills_paid"] for each in crm.held.values() if each["item"] == {"customer_id": "acme"}] == [
        0,
        1,
        0,
    ]


def test_nobody_is_named_who_asked_not_to_be_contacted(to_crm: Company, crm: FakeCrm) -> None:
    for table in TABLES:
        to_crm.put(table, "closed")
    to_crm.closed = {"closed"}
    to_crm.publish()
    done = quietly(to_crm)
    assert done.withheld == 4
    assert "closed" not in str(crm.requests)
    assert len(crm.requests) == 3


def test_who_asks_after_having_been_sent_is_taken_off_first(to_crm: Company, crm: FakeCrm) -> None:
    quietly(to_crm)
    to_crm.closed = {"beta"}
    to_crm.put("fct_onboarding_queue", "aaron")
    to_crm.publish()
    quietly(to_crm)
    taken_off, added = crm.requests[-2:]
    assert (taken_off["change"], taken_off["item"], taken_off["values"]) == ("removed", {"customer_id": "beta"}, {})
    assert added["item"] == {"customer_id": "aaron"}


def test_a_customer_of_whom_nothing_is_known_is_not_sent(to_crm: Company, crm: FakeCrm) -> None:
    with duckdb.connect(str(to_crm.settings.serving_path)) as connection:
        connection.execute("delete from marts.dim_customers where customer_id = 'beta'")
    quietly(to_crm)
    assert "beta" not in str(crm.requests)


def test_one_run_sends_no_more_than_it_may_and_the_next_goes_on(to_crm: Company, crm: FakeCrm) -> None:
    to_crm.settings = to_crm.settings.model_copy(update={"export_max_changes": 2})
    assert quietly(to_crm).postponed == 1
    assert len(crm.requests) == 2
    assert quietly(to_crm).postponed == 0
    assert len(crm.requests) == 3
    assert len(set(crm.keys)) == 3


def test_failed_receiver_gets_the_rest_next_time(to_crm: Company, crm: FakeCrm) -> None:
    crm.answer = lambda number: 500 if number >= 2 else 200
    with pytest.raises(ReceiverAwayError, match="answered 500 3 times"):
        quietly(to_crm)
    assert len(crm.held) == 1
    crm.answer = lambda _: 200
    quietly(to_crm)
    assert sorted(crm.changes()) == [
        ("account_risk", "added", "acme"),
        ("onboarding_queue", "added", "acme"),
        ("onboarding_queue", "added", "beta"),
    ]
    assert quietly(to_crm).changes == {}


def test_what_a_receiver_will_not_have_stops_no_other_change(to_crm: Company, crm: FakeCrm) -> None:
    crm.answer = lambda number: 422 if number == 1 else 200
    assert quietly(to_crm).refused == ['onboarding_queue ["acme"] (422)']
    assert len(crm.held) == 2
    crm.answer = lambda _: 200
    assert quietly(to_crm).changes == {"onboarding_queue added": 1}
    assert len(crm.held) == 3


@pytest.mark.parametrize("status", [404, 410])
def test_item_that_the_receiver_has_deleted_itself_is_gone_where_the_address_is_right(
    to_crm: Company, crm: FakeCrm, status: int
) -> None:
    quietly(to_crm)
    to_crm.closed = {"beta"}
    to_crm.publish()
    crm.answer = lambda _: status
    assert quietly(to_crm).refused == [f'onboarding_queue ["beta"] ({status})']
    to_crm.closed = {"acme", "beta"}
    to_crm.publish()
    # Of the three removals the first and the last are of items that are not there.
    crm.answer = lambda number: status if number in (5, 7) else 200
    assert quietly(to_crm).refused == []
    assert len(crm.requests) == 7
    assert quietly(to_crm).changes == {}
    crm.answer = lambda _: status
    to_crm.put("fct_onboarding_queue", "delta")
    to_crm.publish()
    with pytest.raises(NotSentError, match=f"answered {status}: check GROWTH_EXPORT_URL"):
        quietly(to_crm)


def test_item_that_was_refused_and_changes_is_added_until_it_is_confirmed(to_crm: Company, crm: FakeCrm) -> None:
    for status, bills_paid in ((422, 0), (422, 1), (200, 2), (200, 3)):
        crm.answer = lambda _, status=status: status  # type: ignore[misc]
        to_crm.put("fct_onboarding_queue", "acme", bills_paid=bills_paid)
        to_crm.publish()
        quietly(to_crm)
    of_acme = [each for each in crm.requests if each["item"] == {"customer_id": "acme"}]
    assert [(each["change"], each["values"]["bills_paid"]) for each in of_acme] == [
        ("added", 0),
        ("added", 1),
        ("added", 2),
        ("changed", 3),
    ]
    assert len({each["idempotency_key"] for each in of_acme}) == 4


@pytest.mark.parametrize("status", [302, 401])
def test_a_receiver_that_knows_us_not_is_asked_once(to_crm: Company, crm: FakeCrm, status: int) -> None:
    crm.answer = lambda _: status
    with pytest.raises(NotSentError, match=f"answered {status}: check GROWTH_EXPORT_URL"):
        quietly(to_crm)
    assert len(crm.requests) == 1


def test_an_older_day_that_somebody_asked_for_is_not_sent(to_crm: Company, crm: FakeCrm) -> None:
    quietly(to_crm)
    to_crm.day -= timedelta(days=1)
    to_crm.is_day_asked_for = True
    to_crm.put("fct_onboarding_queue", "gamma")
    to_crm.publish()
    with pytest.raises(
        NotSentError, match="published data day 2026-10-30 is older than 2026-10-31, which was sent last"
    ):
        quietly(to_crm)
    assert len(crm.requests) == 3


def test_a_version_that_was_gone_back_to_is_not_sent(tmp_path: Path) -> None:
    company = Company(gated_warehouse(Settings(data_dir=tmp_path / "data")))
    company.put("fct_onboarding_queue", "acme")
    for number, day in enumerate((date(2026, 10, 30), date(2026, 10, 31)), 1):
        company.day = day
        company.publish()
        with duckdb.connect(str(company.settings.serving_path)) as connection:
            connection.execute(
                f"create or replace table marts.publish_info as select *, 'run-{number}' as run_id, "
                f"timestamp '2026-11-01' as published_at, {number} as publish_number from marts.publish_info"
            )
        if number == 1:
            _keep(company.settings)
    quietly(company)
    roll_back(company.settings, version_before(company.settings))
    with pytest.raises(NotSentError, match="published data day 2026-10-30"):
        quietly(company)


def test_a_day_that_was_wrong_and_is_mended_holds_no_list_back(to_crm: Company, crm: FakeCrm) -> None:
    to_crm.day = date(2062, 3, 1)
    to_crm.publish()
    quietly(to_crm)
    to_crm.day = date(2026, 10, 15)
    to_crm.put("fct_onboarding_queue", "gamma")
    to_crm.publish()
    assert quietly(to_crm).changes == {"onboarding_queue added": 1}
    # What was sent as of 2062 is still in the ledger, and no day after the right one is older than what was sent.
    to_crm.day = date(2026, 10, 16)
    to_crm.is_day_asked_for = True
    to_crm.put("fct_onboarding_queue", "delta")
    to_crm.publish()
    assert quietly(to_crm).changes == {"onboarding_queue added": 1}
    assert len(crm.requests) == 5


def test_each_receiver_has_its_own_history(to_crm: Company, crm: FakeCrm) -> None:
    quietly(to_crm)
    to_crm.settings = Settings(data_dir=to_crm.settings.data_dir)
    quietly(to_crm)
    assert len(written(to_crm, "onboarding_queue")[0]) == 2


def test_message_has_the_token_and_mentions_nobody(to_crm: Company, crm: FakeCrm) -> None:
    to_crm.names = {"acme": "<!channel> & Co"}
    to_crm.publish()
    quietly(to_crm)
    assert set(crm.authorizations) == {f"Bearer {TOKEN}"}
    assert crm.requests[0]["text"].startswith("onboarding_queue: added &lt;!channel&gt; &amp; Co (customer_id: acme")
    assert crm.requests[0]["values"]["customer_name"] == "<!channel> & Co"


def test_an_address_without_encryption_is_for_this_machine_alone(to_files: Company) -> None:
    to_files.settings = Settings(
        data_dir=to_files.settings.data_dir, export_url=SecretStr("http://crm.example/T0SECRET")
    )
    with pytest.raises(NotSentError, match="must begin with https://") as raised:
        quietly(to_files)
    assert "T0SECRET" not in str(raised.value)


def test_a_spreadsheet_is_given_no_formula(to_files: Company) -> None:
    to_files.names = {"acme": '=HYPERLINK("http://evil.example";"Acme, Inc")'}
    to_files.publish()
    quietly(to_files)
    [row] = [row for row in written(to_files, "onboarding_queue")[0] if row["customer_id"] == "acme"]
    assert row["customer_name"] == "'" + to_files.names["acme"]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])  # noqa: RUF001
def test_text_that_begins_a_formula_begins_with_an_apostrophe(first: str) -> None:
    assert csv_files.without_formulas(first + "1+1") == "'" + first + "1+1"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Acme;=HYPERLINK(1)", "Acme;'=HYPERLINK(1)"),
        ("Acme; @SUM(1)", "Acme;' @SUM(1)"),
        ('Acme;"=1+1"', 'Acme;\'"=1+1"'),
        ("Acme\t-1+1", "Acme\t'-1+1"),
        ("Acme\r\n+1+1", "Acme\r\n'+1+1"),
        ("Acme;\n=1+1", "Acme;\n'=1+1"),
        ("Acme; Beta - Gamma + 1", "Acme; Beta - Gamma + 1"),
    ],
)
def test_no_formula_hides_behind_what_some_spreadsheets_cut_cells_at(text: str, written: str) -> None:
    assert csv_files.without_formulas(text) == written


def test_a_negative_figure_stays_a_number() -> None:
    assert csv_files.without_formulas("-12.50") == "-12.50"
    assert csv_files.without_formulas("-") == "'-"
    assert csv_files.without_formulas(None) is None


def send_in_another_process(company: Company, url: str | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, "GROWTH_DATA_DIR": str(company.settings.data_dir)}
    if url:
        environment |= {"GROWTH_EXPORT_URL": url, "GROWTH_EXPORT_TOKEN": TOKEN}
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "export", "--send"],
        cwd=PROJECT_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_killed_export_sends_each_change_once(to_crm: Company, crm: FakeCrm) -> None:
    for number in range(20):
        to_crm.put("rpt_product_led_leads", f"lead-{number:02}", list_rank=number)
    to_crm.publish()
    arrived = threading.Event()

    def take_and_never_answer(number: int) -> int:
        if number == 10:
            arrived.set()
            killed.wait(60)
        return 200

    killed = threading.Event()
    crm.answer = take_and_never_answer
    process = send_in_another_process(to_crm, crm.url)
    assert arrived.wait(60), process.communicate()[0]
    process.kill()
    process.wait()
    killed.set()
    assert len(crm.requests) == 10
    crm.answer = lambda _: 200
    again = send_in_another_process(to_crm, crm.url)
    assert again.wait(60) == 0, again.communicate()[0]
    assert Counter(crm.changes()).most_common(1)[0][1] == 1
    assert len(crm.held) == 23
    # What nobody knows whether it had arrived is sent again, word for word and under the same key; nothing else is.
    assert len(crm.requests) == 24
    assert crm.requests[9] == crm.requests[10]
    assert quietly(to_crm).changes == {}


def test_customer_that_left_after_a_killed_send_is_removed(to_crm: Company, crm: FakeCrm) -> None:
    crm.answer = lambda _: 503
    with pytest.raises(ReceiverAwayError):
        quietly(to_crm)
    to_crm.closed = {"acme"}
    to_crm.day += timedelta(days=1)
    to_crm.publish()
    crm.answer = lambda _: 200
    quietly(to_crm)
    assert crm.changes() == [("onboarding_queue", "removed", "acme"), ("onboarding_queue", "added", "beta")]


@pytest.mark.parametrize("dies", ["before it is noted", "after it is noted"])
def test_kill_before_the_rename_keeps_each_change_in_one_file(
    to_files: Company, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    class KilledError(Exception):
        pass

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as context:
        if dies == "before it is noted":
            context.setattr(csv_files.SentLedger, "confirm", die)
        else:
            context.setattr(Path, "replace", die)
        with pytest.raises(KilledError):
            quietly(to_files)
    assert list(to_files.settings.exports_dir.rglob("*.csv")) == []
    quietly(to_files)
    assert [row["customer_id"] for file in written(to_files, "onboarding_queue") for row in file] == ["acme", "beta"]
    assert list(to_files.settings.exports_dir.rglob("*.part")) == []


@pytest.mark.slow
def test_no_secret_is_in_what_is_said_or_left_behind(to_crm: Company, crm: FakeCrm) -> None:
    crm.answer = lambda number: 500 if number >= 2 else 200
    process = send_in_another_process(to_crm, crm.url)
    said = process.communicate(timeout=60)[0]
    assert process.returncode == 1
    assert said.strip().splitlines() == [
        "error: the receiver of exports answered 500 3 times: confirmed changes are recorded, "
        "the rest is sent next time"
    ]
    unreachable = send_in_another_process(to_crm, "http://127.0.0.1:9/T0SECRET")
    said = unreachable.communicate(timeout=60)[0]
    assert "did not answer (ConnectionError)" in said
    left = [path for path in to_crm.settings.data_dir.rglob("*") if path.is_file()]
    assert left
    for path in left:
        assert TOKEN.encode() not in path.read_bytes(), path
        assert b"T0SECRET" not in path.read_bytes(), path
    assert TOKEN not in repr(to_crm.settings)
    assert "T0SECRET" not in said + repr(to_crm.settings)


def test_every_list_has_a_key_of_its_own_columns_and_no_column_twice() -> None:
    assert [each.name for each in WORK_LISTS] == [
        "onboarding_queue",
        "product_led_leads",
        "account_risk",
        "routing_gaps",
    ]
    for each in WORK_LISTS:
        assert each.key[0] == "customer_id"
        assert max(Counter(each.columns).values()) == 1


def test_deleted_customer_is_in_no_file_and_later_changes_are_sent(to_files: Company) -> None:
    to_files.names = {"acme": "Ada Acme"}
    to_files.publish()
    quietly(to_files)
    removed = forget_exported(to_files.settings, " ACME ", str)
    assert removed == {"exports/": 2, "state/exports/sent.duckdb": 2}
    assert forget_exported(to_files.settings, " ACME ", str) == dict.fromkeys(removed, 0)
    assert [row["customer_id"] for row in written(to_files, "onboarding_queue")[0]] == ["beta"]
    assert written(to_files, "account_risk") == [[]]
    assert list(to_files.settings.exports_dir.rglob(".*")) == []
    to_files.names = {"acme": "deleted-0123456789ab"}
    del to_files.rows["rpt_account_risk"]["acme"]
    to_files.publish()
    assert quietly(to_files).changes == {"account_risk removed": 1, "onboarding_queue changed": 1}
    assert quietly(to_files).changes == {}


def test_pending_change_of_a_deleted_customer_is_not_sent(to_crm: Company, crm: FakeCrm) -> None:
    to_crm.names = {"acme": "Ada Acme"}
    to_crm.publish()
    crm.answer = lambda _: 503
    with pytest.raises(ReceiverAwayError):
        quietly(to_crm)
    ledger = to_crm.settings.export_ledger_path
    unconfirmed = "select string_agg(unconfirmed, '') from sent"
    with duckdb.connect(str(ledger), read_only=True) as connection:
        assert "Ada Acme" in str(connection.execute(unconfirmed).fetchall())
    forget_exported(to_crm.settings, "acme", str)
    with duckdb.connect(str(ledger), read_only=True) as connection:
        assert "Ada Acme" not in str(connection.execute(unconfirmed).fetchall())
    assert b"Ada Acme" not in ledger.read_bytes()


def test_address_in_a_name_is_removed_from_files_and_pending_exports(to_files: Company) -> None:
    address = "jörg&co@bäcker.example"
    to_files.names = {"acme": f"{address} and sons", "beta": "joann@x.example"}
    to_files.publish()
    quietly(to_files)
    ledger = to_files.settings.export_ledger_path
    waiting = "update sent set unconfirmed = ? where item like '%acme%'"
    with duckdb.connect(str(ledger)) as connection:
        connection.execute(waiting, [json.dumps({"name": address})])
    removed = forget_exported(to_files.settings, None, eraser([address.upper(), "ann@x.example"], "deleted"))
    assert removed == {"exports/": 2, "state/exports/sent.duckdb": 2}
    names = {row["customer_id"]: row["customer_name"] for row in written(to_files, "onboarding_queue")[0]}
    assert names == {"acme": "deleted and sons", "beta": "joann@x.example"}
    assert [each for each in byte_spellings(address) if each in ledger.read_bytes()] == []
    with duckdb.connect(str(ledger), read_only=True) as connection:
        texts = connection.execute("select distinct unconfirmed from sent where unconfirmed is not null").fetchall()
    assert texts == [('{"name": "deleted"}',)]
