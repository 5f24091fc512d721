"""What every test shares."""

import os

import pytest


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
