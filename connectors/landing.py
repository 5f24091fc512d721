"""The source root as the place to land files in: names that keep their order, whole files only, one lander at a time.

Nothing that was landed is overwritten or deleted, except by a deletion request.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Protocol

from connectors.report import LandingError
from ingestion.read.files import natural_key
from settings import Settings

# 20261129T202300123456Z: the instant of the landing in UTC, always as long, so that names sort by time.
STAMP_FORMAT = "%Y%m%dT%H%M%S%fZ"
LANDED_NAME = re.compile(r"(\d{8}T\d{12}Z)\.(csv|csv\.gz|jsonl|jsonl\.gz|parquet)")
WAIT_SECONDS = 600.0


class Store(Protocol):
    """What a folder and a bucket can do alike."""

    def paths(self, folder: str) -> list[str]: ...
    def put(self, local_file: Path, path: str) -> None: ...
    def replace(self, path: str, content: bytes) -> None: ...
    def read(self, path: str) -> bytes: ...
    def fetch(self, path: str, copies: Path) -> Path: ...
    def rewrite(self, local_file: Path, path: str) -> None: ...
    @contextmanager
    def hold(self, holder: str, wait_seconds: float) -> Iterator[None]: ...


class LandingRoot:
    """A folder or an `s3://` address. Paths are relative to it: `product_db/users/20261129T202300123456Z.csv.gz`."""

    def __init__(self, address: str, temporary_folder: Path) -> None:
        """`temporary_folder` receives copies of remote files. Raises `LandingError`."""
        self.address = address
        self._copies = temporary_folder
        self._store = _open(address)

    def table_files(self, source: str, table: str) -> list[str]:
        """The landed files of a table, oldest first."""
        return [path for path in self._paths(source, table) if is_landed(path)]

    def other_files(self, source: str, table: str) -> list[str]:
        """Files of the table that were not landed: somebody put them there, and the load reads them."""
        beside = [path for path in self._store.paths(source) if path.startswith(f"{source}/{table}.")]
        landed = set(self.table_files(source, table))
        return beside + [path for path in self._paths(source, table) if path not in landed]

    def next_name(self, source: str, table: str, suffix: str = ".csv.gz") -> str:
        """A name that sorts after that of every file of the table, even if the clock went back.

        Raises `LandingError` if a file that was not landed would sort after it.
        """
        paths = self._paths(source, table)
        names = [found.group(1) for path in paths if (found := LANDED_NAME.fullmatch(PurePosixPath(path).name))]
        instant = datetime.now(UTC)
        if names:
            last = datetime.strptime(max(names), STAMP_FORMAT).replace(tzinfo=UTC)
            instant = max(instant, last + timedelta(microseconds=1))
        name = instant.strftime(STAMP_FORMAT) + suffix
        for path in paths:
            if natural_key(PurePosixPath(path).name) >= natural_key(name):
                raise LandingError(
                    f"{path} was not landed, and its name sorts after that of every landed file, so its rows would "
                    "replace newer ones: move it away, or give it a name that begins with 0"
                )
        return name

    def put_file(self, local_file: Path, path: str) -> None:
        """Land a whole file, or nothing. Raises `LandingError`; what is landed is never overwritten."""
        with self._saying("written", path):
            self._store.put(local_file, path)

    def rewrite_file(self, local_file: Path, path: str) -> None:
        """Replace a landed file, which only a deletion request does."""
        with self._saying("rewritten", path):
            self._store.rewrite(local_file, path)

    def put_note(self, path: str, text: str) -> None:
        """Write or replace a small file of our own. Its name begins with `_`, so no load reads it."""
        if not PurePosixPath(path).name.startswith("_"):
            raise ValueError(f"{path} would be read by the load: the name of a note begins with _")
        with self._saying("written", path):
            self._store.replace(path, text.encode())

    def read_note(self, path: str) -> str | None:
        """The text of a note; None if there is none."""
        with self._saying("read", path):
            try:
                return self._store.read(path).decode()
            except FileNotFoundError:
                return None

    def read(self, path: str) -> bytes:
        """The bytes of a landed file. Raises `LandingError`."""
        with self._saying("read", path):
            return self._store.read(path)

    def fetch(self, paths: Sequence[str]) -> list[Path]:
        """Landed files as local files; of a bucket, copies in the temporary folder, which the caller clears."""
        local = []
        for path in paths:
            with self._saying("read", path):
                local.append(self._store.fetch(path, self._copies))
        return local

    @contextmanager
    def hold(self, holder: str, *, wait_seconds: float | None = None) -> Iterator[None]:
        """Be the only lander into this root until the block ends. Raises `LandingError` after `wait_seconds`."""
        with self._store.hold(holder, WAIT_SECONDS if wait_seconds is None else wait_seconds):
            yield

    def _paths(self, source: str, table: str) -> list[str]:
        with self._saying("listed", f"{source}/{table}"):
            return sorted(self._store.paths(f"{source}/{table}"), key=natural_key)

    @contextmanager
    def _saying(self, done: str, path: str) -> Iterator[None]:
        """Say of a file what could not be done with it, and why."""
        try:
            yield
        except LandingError:
            raise
        # Object stores have errors of their own.
        except Exception as error:
            said = getattr(error, "strerror", None) or error
            raise LandingError(
                f"{path} cannot be {done} in {self.address} ({said}): nothing of it is landed. "
                "Check the access to GROWTH_SOURCE_ROOT and the free space there, and run again"
            ) from error


def is_landed(path: str) -> bool:
    """Whether a file has the name of a landed one."""
    return LANDED_NAME.fullmatch(PurePosixPath(path).name) is not None


def state_folder(settings: Settings, system: str) -> Path:
    """The folder for caches and temporary files of a system. What is in it is made again when it is missing."""
    return settings.data_dir / "state" / "landing" / system


def can_land(address: str) -> bool:
    """Whether files can be landed at an address: in a folder, or in a bucket of S3."""
    return "://" not in address or address.startswith(("file://", "s3://"))


def landing_root(settings: Settings, system: str) -> LandingRoot:
    """The source root of the settings, to land `system` in. Raises `LandingError` if none is set."""
    if settings.source_root is None:
        raise LandingError(
            f"{system}: GROWTH_SOURCE_ROOT is not set: set it to the folder or s3:// address to land files in"
        )
    return LandingRoot(settings.source_root, state_folder(settings, system) / "copies")


def _open(address: str) -> Store:
    from connectors.stores.folder import Folder

    if not can_land(address):
        raise LandingError(
            f"landing cannot write to {address}: set GROWTH_SOURCE_ROOT to a folder or to an s3:// address"
        )
    if not address.startswith("s3://"):
        return Folder(Path(address.removeprefix("file://")))
    from fsspec.core import url_to_fs

    from connectors.stores.s3 import S3

    try:
        filesystem, root = url_to_fs(address, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        raise LandingError(
            f"the source root {address} cannot be opened: {error}. `make setup` installs what s3:// needs; or set "
            "GROWTH_SOURCE_ROOT to a folder"
        ) from error
    return S3(filesystem, root.rstrip("/"))
