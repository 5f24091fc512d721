"""What every test shares."""

import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

WHOLE_RUNS = ("test_run", "test_disturbed_run", "test_ui")
SLOWEST_FIRST = ("pipeline", "serving", "dbt_project")


class ModulesButWholeRuns(LoadScopeScheduling):
    """Keeps a module's tests on one worker, with the module's fixtures.

    Tests of whole runs share no fixture but one that all workers share, so each goes where there is room.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.split("::", maxsplit=1)[0]
        return nodeid if Path(module).stem in WHOLE_RUNS else module


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ModulesButWholeRuns:
    """The scheduler of every distributed run."""
    return ModulesButWholeRuns(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slowest first, and of those one that does not wait for the run that all the others go on from."""
    tests = Path(__file__).parent

    def rank(item: pytest.Item) -> tuple[int, bool]:
        room = item.path.relative_to(tests).parts[0]
        place = SLOWEST_FIRST.index(room) if room in SLOWEST_FIRST else len(SLOWEST_FIRST)
        return place, item.path.stem != "test_books"

    items.sort(key=rank)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything that a test needs is installed by us, a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("GROWTH_CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """No setting of the person who runs the tests reaches them, and none writes to the default data folder."""
    for name in [name for name in os.environ if name.startswith("GROWTH_") and name != "GROWTH_CI"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GROWTH_DATA_DIR", f"{tmp_path}/data")
