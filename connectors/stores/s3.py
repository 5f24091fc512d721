"""An S3 bucket as the place where files are landed."""

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from connectors.report import LandingError

logger = logging.getLogger(__name__)

LOCK_NAME = "_landing.lock"
# A holder renews its lease this often. One that has not done so for four times as long has ended.
RENEW_SECONDS = 15.0
MISSED_RENEWALS = 4
POLL_SECONDS = 2.0
# S3 answers with the second if another conditional write is under way.
REFUSALS = {"PreconditionFailed", "ConditionalRequestConflict"}


class S3:
    """A prefix of a bucket. Every write is one request, so an object is whole or not there."""

    def __init__(self, filesystem: Any, root: str) -> None:
        """`filesystem` is an `s3fs.S3FileSystem`, whose requests are repeated on 503 SlowDown; `root` bucket/prefix."""
        self._filesystem = filesystem
        self._root = root
        self._lease: _Lease | None = None

    def paths(self, folder: str) -> list[str]:
        """Every object below `folder`, relative to the root; hidden ones and those that stand for folders left out."""
        found = self._filesystem.find(f"{self._root}/{folder}")
        paths = [path[len(self._root) + 1 :] for path in found if not path.endswith("/")]
        return [path for path in paths if not any(part.startswith((".", "_")) for part in path.split("/"))]

    def put(self, local_file: Path, path: str) -> None:
        """Land a file. Raises `FileExistsError`: the store refuses to overwrite what is landed."""
        self._require_lease()
        place = f"{self._root}/{path}"
        try:
            self._filesystem.put_file(str(local_file), place, mode="create")
        except OSError as error:
            if not _is_refused(error):
                raise
            # The answer to the first request may be lost: then the object that is there is this one.
            if self._filesystem.cat_file(place) != local_file.read_bytes():
                raise FileExistsError(f"{path} exists already") from error

    def replace(self, path: str, content: bytes) -> None:
        """Write a small object of our own, or replace it."""
        self._require_lease()
        self._filesystem.pipe_file(f"{self._root}/{path}", content)

    def read(self, path: str) -> bytes:
        """Raises `FileNotFoundError`."""
        return bytes(self._filesystem.cat_file(f"{self._root}/{path}"))

    def fetch(self, path: str, copies: Path) -> Path:
        """A local copy of an object in the folder `copies`."""
        copy = copies / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        self._filesystem.get_file(f"{self._root}/{path}", str(copy))
        return copy

    def rewrite(self, local_file: Path, path: str) -> None:
        """Replace a landed object, which only a deletion request does."""
        self._require_lease()
        self._filesystem.put_file(str(local_file), f"{self._root}/{path}")

    @contextmanager
    def hold(self, holder: str, wait_seconds: float) -> Iterator[None]:
        """Be the only lander into this root, across machines. Raises `LandingError` after `wait_seconds`."""
        self._lease = _Lease(self._filesystem, f"{self._root}/{LOCK_NAME}", holder)
        try:
            self._lease.acquire(wait_seconds)
        except LandingError:
            raise
        except Exception as error:
            raise LandingError(
                f"{holder}: the bucket {self._root} cannot be written ({error}), so nothing is landed: check "
                "GROWTH_SOURCE_ROOT, and the access that the AWS variables or profile give"
            ) from error
        try:
            yield
        finally:
            self._lease.release()
            self._lease = None

    def _require_lease(self) -> None:
        if self._lease is None or self._lease.is_lost:
            raise LandingError(
                f"the landing into {self._root} was interrupted for so long that another one took its place: nothing "
                "more is landed by this one. Run again"
            )


class _Lease:
    """A small object that exists while somebody lands. No clock is compared: a holder that no longer renews is gone."""

    def __init__(self, filesystem: Any, place: str, holder: str) -> None:
        self._filesystem, self._holder, self._place = filesystem, holder, place
        self._bucket, _, self._key = place.partition("/")
        self._signature = f"{holder} on {socket.gethostname()} (process {os.getpid()})"
        self._etag = ""
        self._ends = threading.Event()
        self._renewing = threading.Thread(target=self._renew, daemon=True)
        self.is_lost = False

    def acquire(self, wait_seconds: float) -> None:
        until = time.monotonic() + wait_seconds
        seen, seen_since = "", time.monotonic()
        while not self._write({"IfNoneMatch": "*"}):
            etag, signature = self._present()
            if etag != seen:
                seen, seen_since = etag, time.monotonic()
            if time.monotonic() - seen_since > MISSED_RENEWALS * RENEW_SECONDS and self._write({"IfMatch": etag}):
                break
            if time.monotonic() > until:
                raise LandingError(
                    f"{self._holder}: {signature} has been landing into {self._place.rpartition('/')[0]} for "
                    f"{wait_seconds:.0f} s: wait for it to end, or stop it, and run again"
                )
            logger.info(f"{self._holder} waits: {signature} is landing")
            time.sleep(min(POLL_SECONDS, RENEW_SECONDS))
        self._renewing.start()

    def release(self) -> None:
        self._ends.set()
        self._renewing.join()
        if not self.is_lost:
            self._filesystem.rm_file(self._place)

    def _renew(self) -> None:
        renewed_at = time.monotonic()
        while not self._ends.wait(RENEW_SECONDS):
            try:
                self.is_lost = not self._write({"IfMatch": self._etag})
                renewed_at = time.monotonic()
            except Exception as error:  # noqa: BLE001 (the store's client has errors of its own)
                # It is tried again, until others may soon take the lease for that of one that has ended.
                logger.info(f"the lease on {self._place} could not be renewed: {type(error).__name__}")
                self.is_lost = time.monotonic() - renewed_at > (MISSED_RENEWALS - 1) * RENEW_SECONDS
            if self.is_lost:
                return

    def _write(self, condition: dict[str, str]) -> bool:
        """Write the lease if the condition holds, which the store decides; whether it did."""
        body = json.dumps({"holder": self._signature, "renewal": uuid4().hex}).encode()
        try:
            answer = self._filesystem.call_s3("put_object", Bucket=self._bucket, Key=self._key, Body=body, **condition)
        except OSError as error:
            if _is_refused(error):
                return False
            raise
        self._etag = answer["ETag"]
        return True

    def _present(self) -> tuple[str, str]:
        """The tag and the holder of the lease that is there; empty if it has just been given back."""
        try:
            answer = self._filesystem.info(self._place, refresh=True)
            signed = json.loads(self._filesystem.cat_file(self._place))
        except (FileNotFoundError, ValueError):
            return "", "another landing"
        return str(answer["ETag"]), str(signed["holder"])


def _is_refused(error: OSError) -> bool:
    """Whether the store refused a write because the condition that came with it does not hold."""
    response = getattr(error.__cause__, "response", None) or {}
    return response.get("Error", {}).get("Code") in REFUSALS
