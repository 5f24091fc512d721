"""What one landing brings: objects that are new or changed, in a local file a kind until all of them are there."""

import gzip
import shutil
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from connectors.landing import LandingRoot
from connectors.report import TableLanding
from connectors.stripe import exact_json
from connectors.stripe.client import Object
from connectors.stripe.key import refuse_other_mode
from connectors.stripe.kinds import KINDS, Kind
from connectors.stripe.landed import Change, LandedIndex

# Landed files are kept for ever; a higher level takes longer than it saves.
GZIP_LEVEL = 3


class Collection:
    """The objects of a landing. Nothing is visible to readers before `land`."""

    def __init__(self, folder: Path, index: LandedIndex, *, livemode: bool) -> None:
        """`folder` is for files that are not landed yet; what a landing that was killed left there is deleted."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._folder, self._index, self.livemode = folder, index, livemode
        self._open = ExitStack()
        self._files: dict[str, gzip.GzipFile] = {}
        self._counts = {kind.path: TableLanding(f"stripe.{kind.path}") for kind in KINDS}

    def take(self, kind: Kind, found: Object) -> Change | None:
        """Keep a whole object if it is not landed like this. Returns what is different, None if nothing.

        Raises `LandingError` if it is of the other mode, and `OSError` if there is no space.
        """
        refuse_other_mode(found, livemode=self.livemode)
        change = self._index.put(kind, found)
        count = self._counts[kind.path]
        if change is None:
            self._counts[kind.path] = replace(count, rows_seen=count.rows_seen + 1)
            return None
        self._file(kind).write(exact_json.dumps(found) + b"\n")
        counted = f"rows_{change.what}"
        more = {counted: getattr(count, counted) + 1, "rows_seen": count.rows_seen + 1}
        self._counts[kind.path] = replace(count, **more)
        return change

    def pass_over(self, kind: Kind, found: Object) -> None:
        """Count an object that is landed as it is."""
        refuse_other_mode(found, livemode=self.livemode)
        count = self._counts[kind.path]
        self._counts[kind.path] = replace(count, rows_seen=count.rows_seen + 1)

    def land(self, root: LandingRoot, paths: dict[str, str]) -> list[TableLanding]:
        """Land one file for each kind that has something new, then let the index know. `paths` are by table.

        A kind of which there is nothing gets an empty file once: it is known to be empty, and not absent. Raises
        `LandingError`, and `OSError` if there is no space for the local files.
        """
        for kind in KINDS:
            if not root.table_files("stripe", kind.path):
                self._file(kind)
        self._open.close()
        landed = []
        for kind in KINDS:
            if kind.path in self._files:
                root.put_file(self._local(kind), paths[kind.path])
                landed.append(paths[kind.path])
                self._counts[kind.path] = replace(self._counts[kind.path], files=1)
        self._index.keep(landed)
        return list(self._counts.values())

    def close(self) -> None:
        """Delete the local files."""
        with suppress(OSError):
            self._open.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, kind: Kind) -> gzip.GzipFile:
        if kind.path not in self._files:
            packed = gzip.GzipFile(self._local(kind), "wb", compresslevel=GZIP_LEVEL)
            self._files[kind.path] = self._open.enter_context(packed)
        return self._files[kind.path]

    def _local(self, kind: Kind) -> Path:
        return self._folder / f"{kind.path}.jsonl.gz"
