"""The export of work lists as a step of a run: it counts unless it is told to send, and its failure holds no secret."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetSpec, DagsterInstance, ExecuteInProcessResult, materialize

from orchestration.assets.keys import PUBLISHED_KEY
from orchestration.assets.told import work_list_exports
from settings import get_settings
from tests.serving.company_with_lists import Company
from tests.serving.fake_crm import FakeCrm, fake_crm

TOKEN = "token-of-the-crm"


@pytest.fixture
def crm(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCrm]:
    """A receiver that the environment names, and a published file with one customer in the queue."""
    with fake_crm() as crm:
        monkeypatch.setenv("GROWTH_EXPORT_URL", crm.url)
        monkeypatch.setenv("GROWTH_EXPORT_TOKEN", TOKEN)
        get_settings.cache_clear()
        company = Company(get_settings())
        company.put("fct_onboarding_queue", "acme")
        company.publish()
        yield crm
    get_settings.cache_clear()


def run(home: Path, monkeypatch: pytest.MonkeyPatch, *, send: bool) -> ExecuteInProcessResult:
    if send:
        monkeypatch.setenv("GROWTH_EXPORT_SEND", "true")
        get_settings.cache_clear()
    home.mkdir(exist_ok=True)
    with DagsterInstance.local_temp(str(home)) as instance:
        return materialize([AssetSpec(PUBLISHED_KEY), work_list_exports], instance=instance, raise_on_error=False)


def metadata(result: ExecuteInProcessResult) -> dict:
    (event,) = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_a_run_counts_and_one_that_is_told_to_sends(
    crm: FakeCrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = metadata(run(tmp_path / "home", monkeypatch, send=False))
    assert (counted["changes"], counted["was_sent"]) == ({"onboarding_queue added": 1}, False)
    assert crm.requests == []
    assert metadata(run(tmp_path / "home", monkeypatch, send=True))["was_sent"]
    assert crm.changes() == [("onboarding_queue", "added", "acme")]


@pytest.mark.parametrize(("status", "said"), [(401, "answered 401: check"), (422, "refused onboarding_queue")])
def test_a_run_that_cannot_send_fails_at_once_and_tells_no_secret(
    crm: FakeCrm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, said: str
) -> None:
    crm.answer = lambda _: status
    failed = run(tmp_path / "home", monkeypatch, send=True)
    (step,) = [event.step_failure_data for event in failed.all_events if event.is_step_failure]
    assert said in str(step)
    assert len(crm.requests) == 1
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert left
    for path in left:
        assert TOKEN.encode() not in path.read_bytes(), path
        assert b"T0SECRET" not in path.read_bytes(), path
