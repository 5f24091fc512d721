"""What every test shares."""

import os
from pathlib import Path

import pytest

WHOLE_RUNS = ("test_run", "test_disturbed_run", "test_ui")
SLOWEST_FIRST = ("pipeline", "serving", "dbt_project")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the slowest first, and keep a module's tests on one worker with its fixtures.

    The tests of whole runs share no fixture but one that all workers share, so each goes where there is room.
    """
    tests = Path(__file__).parent

    def rank(item: pytest.Item) -> int:
        room = item.path.relative_to(tests).parts[0]
        return SLOWEST_FIRST.index(room) if room in SLOWEST_FIRST else len(SLOWEST_FIRST)

    items.sort(key=rank)
    for item in items:
        if item.path.stem not in WHOLE_RUNS:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))


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
