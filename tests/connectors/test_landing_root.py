"""The place that files are landed in: whole files in order, nothing overwritten, one lander at a time."""

import multiprocessing
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from connectors import landing
from connectors.landing import LandingRoot
from connectors.report import LandingError
from ingestion.contract.model import load_contract
from ingestion.read.files import SourceRoot


@pytest.fixture
def root(tmp_path: Path) -> LandingRoot:
    return LandingRoot(str(tmp_path / "source"), tmp_path / "copies")


def land(root: LandingRoot, tmp_path: Path, text: str, source: str = "product_db", table: str = "users") -> str:
    written = tmp_path / "written.csv"
    written.write_text(text)
    path = f"{source}/{table}/{root.next_name(source, table, '.csv')}"
    root.put_file(written, path)
    return path


def test_landed_files_are_listed_in_landing_order(root: LandingRoot, tmp_path: Path) -> None:
    paths = [land(root, tmp_path, str(number)) for number in range(5)]
    assert root.table_files("product_db", "users") == paths
    assert [root.read(path) for path in paths] == [b"0", b"1", b"2", b"3", b"4"]
    assert [path.read_text() for path in root.fetch(paths)] == ["0", "1", "2", "3", "4"]


def test_the_load_reads_them_in_the_same_order(root: LandingRoot, tmp_path: Path) -> None:
    paths = [land(root, tmp_path, str(number)) for number in range(3)]
    root.put_note("product_db/_note.json", "{}")
    listing = SourceRoot(root.address, tmp_path).list_files(load_contract())
    assert [file.path for file in listing.files["product_db__users"]] == paths
    assert listing.unknown == []


def test_a_clock_that_went_back_changes_no_order(root: LandingRoot, tmp_path: Path) -> None:
    future = "product_db/users/29991231T235959999999Z.csv"
    (tmp_path / "source/product_db/users").mkdir(parents=True)
    (tmp_path / "source" / future).touch()
    later = land(root, tmp_path, "later")
    assert root.table_files("product_db", "users") == [future, later]


def test_a_landed_file_is_never_overwritten(root: LandingRoot, tmp_path: Path) -> None:
    path = land(root, tmp_path, "first")
    with pytest.raises(LandingError, match=f"{path} cannot be written"):
        root.put_file(tmp_path / "written.csv", path)
    assert root.read(path) == b"first"


def test_a_file_that_would_sort_after_the_landed_ones_is_named(root: LandingRoot, tmp_path: Path) -> None:
    land(root, tmp_path, "first")
    (tmp_path / "source/product_db/users/export.csv").touch()
    with pytest.raises(LandingError, match=r"product_db/users/export\.csv was not landed"):
        root.next_name("product_db", "users")
    assert root.other_files("product_db", "users") == ["product_db/users/export.csv"]


def test_what_a_killed_landing_leaves_is_neither_read_nor_kept(root: LandingRoot, tmp_path: Path) -> None:
    folder = tmp_path / "source/product_db/users"
    folder.mkdir(parents=True)
    (folder / ".landing-0123").write_text("half")
    assert root.table_files("product_db", "users") == []
    assert SourceRoot(root.address, tmp_path).list_files(load_contract()).files["product_db__users"] == []
    with root.hold("growth land"):
        assert list(folder.iterdir()) == []


def _hold(address: str, folder: Path, holds: Event, end: Event) -> None:
    with LandingRoot(address, folder).hold("another"):
        holds.set()
        end.wait()


def test_two_landers_take_turns(root: LandingRoot, tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    holds, end = fork.Event(), fork.Event()
    other = fork.Process(target=_hold, args=(root.address, tmp_path, holds, end))
    other.start()
    assert holds.wait(30)
    with (
        pytest.raises(LandingError, match="growth land: another landing has been writing into"),
        root.hold("growth land", wait_seconds=0.1),
    ):
        pass
    end.set()
    with root.hold("growth land", wait_seconds=30):
        other.join()


def test_notes_are_replaced_and_not_read_by_the_load(root: LandingRoot) -> None:
    assert root.read_note("stripe/_watermark.json") is None
    for text in ("1", "2"):
        root.put_note("stripe/_watermark.json", text)
    assert root.read_note("stripe/_watermark.json") == "2"
    with pytest.raises(ValueError, match="begins with _"):
        root.put_note("stripe/watermark.json", "1")


def test_an_address_that_cannot_be_landed_in_is_named(tmp_path: Path) -> None:
    with pytest.raises(LandingError, match="gs://bucket/exports: set GROWTH_SOURCE_ROOT"):
        LandingRoot("gs://bucket/exports", tmp_path)
    with pytest.raises(LandingError, match="postgres: GROWTH_SOURCE_ROOT is not set"):
        landing.landing_root(landing.Settings(data_dir=tmp_path, source_root=None), "postgres")
