"""The hand-made company and the state after one run on it, once for each module of tests."""

import shutil
from pathlib import Path

import pytest

from tests.pipeline.hand_made import write_hand_made_company
from tests.pipeline.running import run_command


@pytest.fixture(scope="module")
def source_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hand-made company's files; tests that change them take a copy."""
    return write_hand_made_company(tmp_path_factory.mktemp("hand_made") / "source")


@pytest.fixture(scope="module")
def undisturbed(source_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of one run that nothing disturbed; tests that go on from there take a copy."""
    data_dir = tmp_path_factory.mktemp("undisturbed") / "data"
    done = run_command(data_dir, source_root)
    assert done.returncode == 0, done.stdout
    return data_dir


@pytest.fixture
def data_dir(undisturbed: Path, tmp_path: Path) -> Path:
    """A data folder in the state after the undisturbed run."""
    return Path(shutil.copytree(undisturbed, tmp_path / "data"))


@pytest.fixture
def own_source(source_root: Path, tmp_path: Path) -> Path:
    """Source files that the test may change; their times are those of the originals."""
    return Path(shutil.copytree(source_root, tmp_path / "source"))
