"""A fake Stripe and a source root to land it in."""

import gzip
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import simplejson
from pydantic import SecretStr

from connectors.report import LandingReport
from connectors.stores.folder import Folder
from connectors.stripe.client import StripeClient
from connectors.stripe.kinds import NEVER_THE_SAME
from connectors.stripe.run import land_stripe
from ingestion.read.files import natural_key
from settings import Settings
from tests.support.fake_stripe import FakeStripe, served
from tests.support.stripe_account import KINDS, Object, StripeAccount

KEY = "rk_live_fake"
# Moments of a landing of all kinds: each file and the note are written and renamed, with a moment before and after.
WRITES = 4 * (len(KINDS) + 1)
States = dict[str, dict[str, Object]]


@dataclass
class Landing:
    """What tests hold: the account, its server, and where it is landed."""

    account: StripeAccount
    fake: FakeStripe
    settings: Settings
    _newest: States = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _read: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return Path(str(self.settings.source_root))

    def client(self, **changes: Any) -> StripeClient:
        """One that does not wait: 10,000 requests a second, three attempts, milliseconds between them."""
        quick = {"requests_per_second": 10_000, "attempts": 3, "backoff_seconds": 0.001, "timeout_seconds": 5.0}
        return StripeClient(self.settings, **{**quick, **changes})

    def land(self, **changes: Any) -> LandingReport:
        """One landing. The requests counted are those of the newest one."""
        self.fake.requests.clear()
        self.fake.paths.clear()
        return land_stripe(self.settings, self.client(**changes))

    def files(self) -> list[str]:
        """Every landed file, oldest first."""
        found = [path.relative_to(self.root).as_posix() for path in (self.root / "stripe").rglob("*.jsonl.gz")]
        return sorted(found, key=natural_key)

    def objects_in(self, path: str) -> list[Object]:
        with gzip.open(self.root / path) as lines:
            return [simplejson.loads(line, use_decimal=True) for line in lines]

    def landed(self, kind: str) -> list[Object]:
        """Every landed object of a kind, oldest first."""
        paths = [path for path in self.files() if path.startswith(f"stripe/{kind}/")]
        return [found for path in paths for found in self.objects_in(path)]

    def newest(self) -> States:
        """The newest landed state by kind and id, without what differs in each answer. Reads what is new."""
        for kind in KINDS:
            paths = [path for path in self.files() if path.startswith(f"stripe/{kind}/")]
            read = [path for path in self._read if path.startswith(f"stripe/{kind}/")]
            assert paths[: len(read)] == read, "a later file sorts before an earlier one"
            for path in paths[len(read) :]:
                self._newest[kind].update({found["id"]: lasting(found) for found in self.objects_in(path)})
                self._read.append(path)
        return self._newest

    def expected(self) -> States:
        """What is in the account, and a stub for what was landed and is deleted."""
        state, landed = self.account.state(), self.newest()
        return {
            kind: {
                id_: lasting(found)
                for id_, found in state[kind].items()
                if not found.get("deleted") or id_ in landed[kind]
            }
            for kind in KINDS
        }

    def forget(self) -> None:
        """Read the files anew from now on."""
        self._newest, self._read = {kind: {} for kind in KINDS}, []

    def differences(self) -> set[tuple[str, str]]:
        """Kind and id of the objects whose newest landed state is not that of the account."""
        landed, expected = self.newest(), self.expected()
        return {
            (kind, id_)
            for kind in KINDS
            for id_ in landed[kind] | expected[kind]
            if landed[kind].get(id_) != expected[kind].get(id_)
        }


def lasting(found: Object) -> Object:
    return {name: value for name, value in found.items() if name not in NEVER_THE_SAME}


@contextmanager
def landing_of(account: StripeAccount, folder: Path) -> Iterator[Landing]:
    with served(account) as (fake, address):
        settings = Settings(
            source_root=str(folder / "root"), data_dir=folder / "data", land_stripe_key=SecretStr(KEY),
            land_stripe_url=address, land_stripe_livemode=account.livemode,
        )  # fmt: skip
        yield Landing(account, fake, settings)


def _land_and_be_killed(stripe: Landing, at: int) -> None:
    """Land in a process that kills itself at the `at`-th moment before or after something is written."""
    moments = iter(range(1_000))

    def killing(write: Callable[..., None]) -> Callable[..., None]:
        def written(*arguments: Any) -> None:
            if next(moments) == at:
                os.kill(os.getpid(), signal.SIGKILL)
            write(*arguments)
            if next(moments) == at:
                os.kill(os.getpid(), signal.SIGKILL)

        return written

    # All that a landing writes into the root goes through these.
    for name in ("put", "replace"):
        setattr(Folder, name, killing(getattr(Folder, name)))
    Path.replace = killing(Path.replace)  # type: ignore[assignment, method-assign]  # (in this process only)
    land_stripe(stripe.settings, stripe.client())


def killed(stripe: Landing, at: int) -> bool:
    """Whether a landing that is to be killed at a moment was, before it came to its end."""
    process = multiprocessing.get_context("fork").Process(target=_land_and_be_killed, args=(stripe, at))
    process.start()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0
