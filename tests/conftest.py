"""What every test shares."""

import gc
import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from orchestration.instance.run import GARBAGE_THRESHOLDS
from settings import Settings
from transform.dbt_runner import current_manifest

WHOLE_RUNS = ("test_disturbed_run", "test_ui")
SLOWEST_FIRST = ("pipeline", "serving", "dbt_project")


class ModulesButWholeRuns(LoadScopeScheduling):
    """Keeps a module's tests on one worker, with the module's fixtures.

    Tests of whole runs share no fixture but one that all workers share, so each goes where there is room.
    """

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.split("::", maxsplit=1)[0]
        return nodeid if Path(module).stem in WHOLE_RUNS else module


def pytest_configure() -> None:
    """No setting of the person who runs the tests reaches them; and garbage is looked for as seldom as in a run."""
    for name in [name for name in os.environ if name.startswith("GROWTH_") and name != "GROWTH_CI"]:
        del os.environ[name]
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ModulesButWholeRuns:
    """The scheduler of every distributed run."""
    return ModulesButWholeRuns(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slowest first, and of those one that does not wait for the run that all the others go on from."""
    tests = Path(__file__).parent

    def rank(item: pytest.Item) -> tuple[int, bool]:
        room = item.path.relative_to(tests).parts[0]
        place = SLOWEST_FIRST.index(room) if room in SLOWEST_FIRST else len(SLOWEST_FIRST)
        if room == "pipeline" and item.path.stem != "test_run" and not item.get_closest_marker("slow"):
            # It is short, and would wait for the run that `test_run` makes.
            place = len(SLOWEST_FIRST)
        return place, item.path.stem != "test_books"

    items.sort(key=rank)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where everything that a test needs is installed by us, a skipped test is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("GROWTH_CI") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _own_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test writes to the default data folder."""
    monkeypatch.setenv("GROWTH_DATA_DIR", f"{tmp_path}/data")


@pytest.fixture(scope="session")
def shared_dir(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder that all processes which run tests share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def parsed(shared_dir: Path) -> Path:
    """A data folder in which nothing was done but to parse the dbt project; tests begin with a copy."""
    current_manifest(Settings(data_dir=shared_dir / "parsed"))
    return shared_dir / "parsed"
