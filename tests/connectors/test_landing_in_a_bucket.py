"""Landing in a bucket: one request a file, a lease that outlives nobody, and a store that is overloaded."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from botocore.exceptions import EndpointConnectionError
from s3fs import S3FileSystem

from connectors.landing import LandingRoot
from connectors.report import LandingError
from connectors.stores import s3
from ingestion.contract.model import load_contract
from ingestion.read.files import SourceRoot
from tests.support.s3_server import S3Server, running_s3


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


@pytest.fixture
def address(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(s3, "RENEW_SECONDS", 0.1)
    return f"s3://landed/{uuid4().hex}"


@pytest.fixture
def root(address: str, tmp_path: Path) -> LandingRoot:
    return LandingRoot(address, tmp_path / "copies")


def land(root: LandingRoot, tmp_path: Path, text: str) -> str:
    written = tmp_path / "written.csv"
    written.write_text(text)
    path = f"product_db/users/{root.next_name('product_db', 'users', '.csv')}"
    root.put_file(written, path)
    return path


def test_files_are_landed_in_order_and_the_load_finds_them(root: LandingRoot, tmp_path: Path) -> None:
    with root.hold("growth land"):
        paths = [land(root, tmp_path, str(number)) for number in range(3)]
        root.put_note("product_db/_note.json", "{}")
    assert root.table_files("product_db", "users") == paths
    assert [path.read_text() for path in root.fetch(paths)] == ["0", "1", "2"]
    listing = SourceRoot(root.address, tmp_path / "copies").list_files(load_contract())
    assert [file.path for file in listing.files["product_db__users"]] == paths
    assert listing.unknown == []


def test_an_object_that_stands_for_a_folder_is_no_landed_file(root: LandingRoot, address: str, tmp_path: Path) -> None:
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    S3FileSystem().call_s3("put_object", Bucket=bucket, Key=f"{prefix}/product_db/users/", Body=b"")
    with root.hold("growth land"):
        path = land(root, tmp_path, "1")
    assert root.table_files("product_db", "users") == [path]


def test_a_landed_object_is_never_overwritten(root: LandingRoot, tmp_path: Path) -> None:
    with root.hold("growth land"):
        path = land(root, tmp_path, "first")
        (tmp_path / "written.csv").write_text("second")
        with pytest.raises(LandingError, match=f"{path} cannot be written"):
            root.put_file(tmp_path / "written.csv", path)
    assert root.read(path) == b"first"


def test_an_overloaded_store_is_asked_again(root: LandingRoot, tmp_path: Path, server: S3Server) -> None:
    with root.hold("growth land"):
        server.overloaded = 2
        path = land(root, tmp_path, "1")
    assert server.overloaded == 0
    assert root.table_files("product_db", "users") == [path]


def test_two_landers_take_turns(root: LandingRoot, address: str, tmp_path: Path) -> None:
    other = LandingRoot(address, tmp_path)
    refused = "growth land on .* has been landing into"
    with root.hold("growth land"), pytest.raises(LandingError, match=refused), other.hold("run 1", wait_seconds=1):
        pass
    with other.hold("run 1", wait_seconds=5):
        land(other, tmp_path, "1")


def test_the_lease_of_a_lander_that_died_ends(
    root: LandingRoot,
    address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(s3._Lease, "_renew", lambda self: None)
    dead = root.hold("growth land")
    dead.__enter__()
    root = LandingRoot(address, tmp_path)
    with root.hold("run 1", wait_seconds=30):
        path = land(root, tmp_path, "1")
    assert root.table_files("product_db", "users") == [path]


def test_a_lander_whose_lease_was_taken_lands_nothing_more(root: LandingRoot, address: str, tmp_path: Path) -> None:
    with root.hold("growth land"):
        root._store._filesystem.pipe_file(f"{address}/_landing.lock", b"{}")  # type: ignore[attr-defined]  # (S3's)
        renewing = root._store._lease._renewing  # type: ignore[attr-defined]  # (S3's)
        renewing.join(30)
        with pytest.raises(LandingError, match="another one took its place"):
            land(root, tmp_path, "1")
    assert root.table_files("product_db", "users") == []


def test_a_lander_that_cannot_renew_its_lease_gives_it_up_and_leaves_that_of_the_next(
    root: LandingRoot, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = s3._Lease._write

    def cut_off(self: s3._Lease, condition: dict[str, str]) -> bool:
        if "IfMatch" in condition and self is root._store._lease:  # type: ignore[attr-defined]  # (S3's)
            raise EndpointConnectionError(endpoint_url="http://s3")
        return write(self, condition)

    monkeypatch.setattr(s3._Lease, "_write", cut_off)
    other = LandingRoot(address, tmp_path)
    with root.hold("growth land"), other.hold("run 1", wait_seconds=30):
        with pytest.raises(LandingError, match="another one took its place"):
            land(root, tmp_path, "1")
        path = land(other, tmp_path, "2")
    assert other.table_files("product_db", "users") == [path]


def test_a_bucket_that_is_missing_or_closed_is_named(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = LandingRoot("s3://nowhere/source", tmp_path)
    with pytest.raises(LandingError, match="the bucket nowhere/source cannot be written"), missing.hold("growth land"):
        pass
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # Clients are kept, with the credentials that they found.
    S3FileSystem.clear_instance_cache()
    closed = LandingRoot(f"{address}/closed", tmp_path)
    with (
        pytest.raises(LandingError, match=r"Unable to locate credentials.* check GROWTH_SOURCE_ROOT"),
        closed.hold("x"),
    ):
        pass
