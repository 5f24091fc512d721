"""What goes wrong while Stripe is landed: one sentence, nothing half landed, and the next landing brings all."""

import random
import resource
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from connectors import landing
from connectors.report import LandingError
from connectors.stripe import client
from connectors.stripe.client import StripeClient
from connectors.stripe.run import check_stripe, land_stripe
from settings import Settings
from tests.connectors.stripe_landing import KEY, WRITES, Landing, killed, landing_of
from tests.support.fake_stripe import PERMISSIONS, Fault, served
from tests.support.stripe_account import DAY_SECONDS, KINDS, StripeAccount

pytestmark = pytest.mark.slow


@pytest.fixture
def stripe(tmp_path: Path) -> Iterator[Landing]:
    """An object of each kind; invoices have two pages and 30 lines."""
    account = StripeAccount()
    customer = account.create("customers")
    account.create("prices", product=account.create("products")["id"])
    account.create("subscriptions", customer=customer["id"], status="active")
    for _ in range(110):
        account.create_invoice(customer)
    paid = account.create_invoice(customer, lines=30)
    account.pay(paid)
    account.credit(paid, 10)
    with landing_of(account, tmp_path) as made:
        yield made


def refused(stripe: Landing, **changes: Any) -> str:
    """The sentence of a landing that fails, after which the root is as it was and the next landing brings all."""
    files, note = stripe.files(), stripe.root / "stripe" / "_watermark.json"
    noted = note.read_text() if note.exists() else None
    with pytest.raises(LandingError) as raised:
        stripe.land(**changes)
    assert stripe.files() == files
    assert (note.read_text() if note.exists() else None) == noted
    sentence = str(raised.value)
    assert "\n" not in sentence
    assert sentence.startswith("stripe")
    assert KEY not in sentence
    stripe.fake.faults.clear()
    stripe.fake.forbidden.clear()
    return sentence


def lands_all(stripe: Landing) -> None:
    stripe.land()
    assert stripe.differences() == set()
    ids = [found["id"] for kind in KINDS for found in stripe.landed(kind)]
    assert len(ids) == len(set(ids)), "an object landed twice"


# ---------------------------------------------------------------------------------------------- answers that are errors


def test_key_that_stripe_does_not_know(stripe: Landing) -> None:
    stripe.fake.key = "rk_live_another"
    assert "set GROWTH_LAND_STRIPE_KEY to a valid restricted key" in refused(stripe)
    stripe.fake.key = KEY
    lands_all(stripe)


@pytest.mark.parametrize("kind", list(PERMISSIONS))
def test_missing_permission_is_named(stripe: Landing, kind: str) -> None:
    stripe.fake.forbidden.add(kind)
    sentence = refused(stripe)
    assert f"must not read /v1/{kind} (403)" in sentence
    assert f"permission to read {kind.replace('_', ' ')}, which Stripe calls {PERMISSIONS[kind]};" in sentence
    lands_all(stripe)


def test_check_names_every_missing_permission_at_once(stripe: Landing) -> None:
    stripe.fake.forbidden |= {"prices", "events"}
    faults = check_stripe(stripe.settings, stripe.client())
    assert [fault.split(" (403)")[0] for fault in faults] == [
        "stripe: the key must not read /v1/events",
        "stripe: the key must not read /v1/prices",
    ]


ANSWERS = {
    "another address": (Fault("/customers", 404, error={"message": "Unrecognized request URL"}), "refused (404)"),
    "refused parameter": (
        Fault("/events", 400, error={"code": "parameter_unknown", "param": "type"}),
        "refused (400, parameter_unknown, type): check GROWTH_LAND_STRIPE_URL",
    ),
    "redirect": (Fault("/customers", 301, headers={"Location": "http://127.0.0.1:1/"}), "refused (301)"),
    "too many requests": (Fault("/invoices", 429, times=3), "lower GROWTH_LAND_STRIPE_REQUESTS_PER_SECOND"),
    "failure at Stripe": (Fault("/lines", 500, times=3), "failed 3 times at Stripe (500): see status.stripe.com"),
    "reset": (Fault("/invoices", kind="reset", times=3), "no whole answer from 127.0.0.1"),
    "reset within a page": (Fault("/invoices", kind="cut", times=3), "no whole answer from 127.0.0.1"),
    "silence": (Fault("/prices", kind="hang", times=3), "no whole answer from 127.0.0.1"),
}


@pytest.mark.parametrize("answer", list(ANSWERS))
def test_answer_that_stays_bad_ends_the_landing_with_a_sentence(stripe: Landing, answer: str) -> None:
    fault, said = ANSWERS[answer]
    stripe.fake.faults.append(fault)
    sentence = refused(stripe, timeout_seconds=0.3)
    assert said in sentence
    assert sentence.endswith("; nothing of this landing is kept")
    lands_all(stripe)


@pytest.mark.parametrize(
    "faults",
    [
        [Fault("/v1/", 429, times=2)],
        [Fault("/invoices", 429, times=2, headers={"Retry-After": "0"}), Fault("/lines", 503, times=2)],
        [Fault("/customers", kind="reset", times=2), Fault("/lines", kind="reset")],
        [Fault("/invoices", kind="cut", times=2), Fault("/lines", kind="cut", times=2)],
        [Fault("/prices", kind="hang")],
    ],
)
def test_answer_that_is_bad_for_a_while_is_waited_for(stripe: Landing, faults: list[Fault]) -> None:
    stripe.fake.faults.extend(Fault(**vars(fault)) for fault in faults)
    stripe.land(timeout_seconds=0.3)
    assert stripe.newest() == stripe.expected()


def test_retry_after_is_obeyed(stripe: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    stripe.fake.faults.append(Fault("/customers", 429, headers={"Retry-After": "7"}))
    monkeypatch.setattr("time.sleep", waits.append)
    stripe.land()
    assert max(waits) == 7


def test_page_of_a_proxy_in_place_of_an_answer(stripe: Landing) -> None:
    stripe.fake.plain = "<html>Please sign in</html>"
    assert "something that is not an object in JSON" in refused(stripe)
    stripe.fake.plain = None
    lands_all(stripe)


def test_address_at_which_nobody_listens(tmp_path: Path) -> None:
    with served(StripeAccount()) as (_, address):
        pass
    settings = Settings(
        source_root=str(tmp_path / "root"), data_dir=tmp_path, land_stripe_key=SecretStr(KEY), land_stripe_url=address
    )
    with pytest.raises(LandingError, match=r"no whole answer from 127.0.0.1:\d+ .* check the network"):
        land_stripe(settings, Landing(StripeAccount(), None, settings).client())  # type: ignore[arg-type]  # (no server)


# ---------------------------------------------------------------------------------------------- another account or mode


@pytest.mark.parametrize("key", ["sk_test_fake", "rk_test_fake"])
def test_test_key_against_a_live_root_is_refused_before_a_request(stripe: Landing, key: str) -> None:
    stripe.settings = stripe.settings.model_copy(update={"land_stripe_key": SecretStr(key)})
    assert "is a key of the test mode, and GROWTH_LAND_STRIPE_LIVEMODE asks for the live mode" in refused(stripe)
    assert check_stripe(stripe.settings)[0].startswith("stripe: GROWTH_LAND_STRIPE_KEY is a key of the test mode")
    assert not stripe.fake.paths


@pytest.mark.parametrize("key", ["", "pk_live_fake", "whsec_fake"])
def test_what_is_no_key_is_refused(stripe: Landing, key: str) -> None:
    stripe.settings = stripe.settings.model_copy(update={"land_stripe_key": SecretStr(key)})
    assert "is not a key that can read an account" in refused(stripe)


def test_objects_of_the_test_mode_are_refused_by_a_live_root(stripe: Landing) -> None:
    for found in stripe.account.everything():
        found["livemode"] = False
    assert "is of the test mode, and GROWTH_LAND_STRIPE_LIVEMODE asks for the live mode" in refused(stripe)
    assert len(check_stripe(stripe.settings, stripe.client())) == len(KINDS)


def test_secret_key_lands_with_a_warning(stripe: Landing) -> None:
    stripe.fake.key = "sk_live_fake"
    stripe.settings = stripe.settings.model_copy(update={"land_stripe_key": SecretStr("sk_live_fake")})
    [warning] = stripe.land().warnings
    assert "make a restricted key that reads only" in warning


def test_key_of_another_account_does_not_make_everything_deleted(stripe: Landing, tmp_path: Path) -> None:
    stripe.land()
    other = StripeAccount()
    other._numbers = 1_000
    other.create_invoice(other.create("customers"))
    with landing_of(other, tmp_path) as of_other:
        assert "objects that were landed are gone: if GROWTH_LAND_STRIPE_KEY is of another account" in refused(of_other)
    stripe.land()
    assert stripe.differences() == set()


# ---------------------------------------------------------------------------------------------- this machine


def test_secrets_are_in_no_file_log_or_error(
    stripe: Landing, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level("DEBUG"):
        report = stripe.land()
        stripe.fake.key = "rk_live_another"
        sentence = refused(stripe)
    out, error = capfd.readouterr()
    assert not any(KEY in text for text in (caplog.text, sentence, out, error, str(report)))
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name == "stripe.sqlite" for path in files)
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize("size", [100, 3_000, 60_000])
def test_full_disk(stripe: Landing, size: int) -> None:
    for _ in range(200):
        stripe.account.create("customers", description=random.randbytes(300).hex())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        with pytest.raises(LandingError, match=r"^stripe.* (free space|make space) there") as raised:
            stripe.land()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "\n" not in str(raised.value)
    lands_all(stripe)


def test_local_clock_that_went_back_an_hour(stripe: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    stripe.land()

    class EarlierClock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(UTC) - timedelta(hours=1)

    monkeypatch.setattr(landing, "datetime", EarlierClock)
    stripe.account.change(next(stripe.account.everything()), metadata={"changed": "yes"})
    stripe.land()
    assert stripe.differences() == set()


def test_clock_of_stripe_that_went_back_an_hour(stripe: Landing) -> None:
    stripe.land()
    stripe.account.now += 40 * DAY_SECONDS
    stripe.land()
    stripe.account.now -= 3_600
    stripe.account.change(next(stripe.account.everything()), metadata={"changed": "yes"})
    stripe.land()
    assert stripe.differences() == set()


def test_two_landers_at_once_land_everything_once(stripe: Landing) -> None:
    begin = threading.Barrier(2)

    def land() -> None:
        begin.wait()
        land_stripe(stripe.settings, stripe.client())

    landers = [threading.Thread(target=land) for _ in range(2)]
    for lander in landers:
        lander.start()
    for lander in landers:
        lander.join()
    lands_all(stripe)
    assert len(stripe.files()) == len(KINDS)


def test_kill_at_every_write_loses_nothing_and_lands_nothing_twice(stripe: Landing) -> None:
    stripe.account.now += DAY_SECONDS
    at = 0
    while killed(stripe, at):
        for path in stripe.files():
            assert stripe.objects_in(path), "half a file is visible"
        lands_all(stripe)
        assert not list(stripe.root.rglob(".landing-*"))
        shutil.rmtree(stripe.root)
        shutil.rmtree(stripe.settings.data_dir)
        stripe.forget()
        at += 1
    assert at == WRITES


def test_requests_are_spaced_as_the_setting_says(stripe: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that only moves when somebody waits."""
    clock = SimpleNamespace(now=0.0)
    clock.monotonic = lambda: clock.now
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + seconds)
    monkeypatch.setattr(client, "time", clock)
    asking = StripeClient(stripe.settings.model_copy(update={"land_stripe_requests_per_second": 4}))
    for _ in range(9):
        asking.get("customers", limit=1)
    asking.close()
    assert clock.now == 2
