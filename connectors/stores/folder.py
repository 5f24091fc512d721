"""A folder as the place where files are landed."""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from connectors.report import LandingError

logger = logging.getLogger(__name__)

LOCK_NAME = "_landing.lock"
# Hidden files, which no load reads: what a killed landing leaves is deleted by the next one.
UNFINISHED = ".landing-"


class Folder:
    """A local source root. A file appears under its name when it is whole and on the disk, or not at all."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def paths(self, folder: str) -> list[str]:
        """Every file below `folder`, relative to the root, hidden ones left out."""
        found = []
        for place, folders, names in os.walk(self._root / folder, followlinks=True):
            folders[:] = [name for name in folders if not name.startswith((".", "_"))]
            below = Path(place).relative_to(self._root).as_posix()
            found += [f"{below}/{name}" for name in names if not name.startswith((".", "_"))]
        return found

    def put(self, local_file: Path, path: str) -> None:
        """Land a file. Raises `FileExistsError`: what is landed is never overwritten."""
        if (self._root / path).exists():
            raise FileExistsError(f"{path} exists already")
        with self._unfinished(path) as unfinished:
            shutil.copyfile(local_file, unfinished)

    def replace(self, path: str, content: bytes) -> None:
        """Write a small file of our own, or replace it."""
        with self._unfinished(path) as unfinished:
            unfinished.write_bytes(content)

    def read(self, path: str) -> bytes:
        """Raises `FileNotFoundError`."""
        return (self._root / path).read_bytes()

    def fetch(self, path: str, copies: Path) -> Path:
        """The file itself, since it is local."""
        return self._root / path

    def rewrite(self, local_file: Path, path: str) -> None:
        """Replace a landed file, which only a deletion request does."""
        with self._unfinished(path) as unfinished:
            shutil.copyfile(local_file, unfinished)

    @contextmanager
    def hold(self, holder: str, wait_seconds: float) -> Iterator[None]:
        """Be the only lander into this root, across processes. Raises `LandingError` after `wait_seconds`."""
        self._root.mkdir(parents=True, exist_ok=True)
        path = self._root / LOCK_NAME
        # A soft lock would outlive a killed process.
        lock = FileLock(path, fallback_to_soft=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            logger.info(f"{holder} waits: another landing writes into {self._root}")
            try:
                lock.acquire(timeout=wait_seconds, poll_interval=0.5)
            except Timeout:
                raise LandingError(
                    f"{holder}: another landing has been writing into {self._root} for {wait_seconds:.0f} s: wait for "
                    "it to end, or stop it, and run again"
                ) from None
        try:
            self._delete_unfinished()
            yield
        finally:
            lock.release()

    @contextmanager
    def _unfinished(self, path: str) -> Iterator[Path]:
        """A hidden file beside `path`, which takes its place when the block ends without an error."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_name(f"{UNFINISHED}{uuid4().hex}")
        try:
            yield unfinished
            _sync(unfinished)
            unfinished.replace(target)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        _sync(target.parent)

    def _delete_unfinished(self) -> None:
        for path in self._root.rglob(f"{UNFINISHED}*"):
            with suppress(OSError):
                path.unlink()


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
