"""The hand-made company, the sample company, and the state after one run on each, made once for all of the tests."""

import shutil
from pathlib import Path

import pytest
from filelock import FileLock

from settings import Settings
from tests.support.hand_made import write_hand_made_company
from tests.support.running import run_command, run_pipeline
from warehouse.connection import connect


@pytest.fixture(scope="session")
def undisturbed(shared_dir: Path) -> Path:
    """The data folder of one run from nothing on `source_root` that nothing disturbed; tests that go on take a copy."""
    with FileLock(shared_dir / "undisturbed.lock"):
        if not (shared_dir / "undisturbed").exists():
            # A process that asks after the run failed in another tells of the failure itself, not of what it left.
            for left in ("source", "data"):
                shutil.rmtree(shared_dir / left, ignore_errors=True)
            write_hand_made_company(shared_dir / "source")
            done = run_command(shared_dir / "data", shared_dir / "source")
            assert done.returncode == 0, done.stdout
            (shared_dir / "undisturbed").touch()
    return shared_dir / "data"


@pytest.fixture(scope="session")
def source_root(undisturbed: Path, shared_dir: Path) -> Path:
    """The hand-made company's files; tests that change them take a copy."""
    return shared_dir / "source"


@pytest.fixture
def data_dir(undisturbed: Path, tmp_path: Path) -> Path:
    """A data folder in the state after the undisturbed run."""
    return Path(shutil.copytree(undisturbed, tmp_path / "data"))


@pytest.fixture
def new_data_dir(parsed: Path, tmp_path: Path) -> Path:
    """A data folder in which nothing was done but to parse the dbt project."""
    return Path(shutil.copytree(parsed, tmp_path / "new"))


@pytest.fixture
def own_source(source_root: Path, data_dir: Path, tmp_path: Path) -> Path:
    """Source files that the test may change; `data_dir` is as if it were loaded from them."""
    own = Path(shutil.copytree(source_root, tmp_path / "source"))
    with connect(Settings(data_dir=data_dir).warehouse_path) as connection:
        connection.execute("update raw.loaded_files set source_root = ?", [str(own)])
    return own


@pytest.fixture(scope="session")
def sample(parsed: Path, shared_dir: Path) -> Settings:
    """One run on the small sample company, from nothing but the parsed dbt project; tests only read."""
    data_dir = shared_dir / "sample"
    with FileLock(shared_dir / "sample.lock"):
        if not (shared_dir / "sample_is_published").exists():
            shutil.rmtree(data_dir, ignore_errors=True)
            shutil.copytree(parsed, data_dir)
            done = run_pipeline(data_dir)
            assert done.returncode == 0, done.stdout
            (shared_dir / "sample_is_published").touch()
    return Settings(data_dir=data_dir)
