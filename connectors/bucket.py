"""Objects of a bucket, landed whole and byte by byte under the tables that the mapping names.

What was landed is noted beside the files of a table: each object with its version. An object that changed under its
name lands again, as a later file. Nothing follows a deletion.
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs

from connectors.bucket_mapping import Pattern, read_mapping
from connectors.landing import STAMP_FORMAT, LandingRoot, landing_root, state_folder
from connectors.report import LandingError, LandingReport, TableLanding
from ingestion.contract.model import Table
from ingestion.read.files import OBJECT_SUFFIXES, TABLE_SUFFIXES, VERSION_KEYS, natural_key
from settings import Settings

SYSTEM = "bucket"
MAPPING_NAME = "bucket.yml"
NOTE_NAME = "_objects.json"
# Objects are copied in portions: one note for each, and no more on the disk at once.
PORTION_OBJECTS = 100
PORTION_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class BucketObject:
    """An object as it was listed. `path` is the filesystem's own, `name` relative to the bucket's address."""

    path: str
    name: str
    size: int
    version: str
    suffix: str
    # `date=2026-01-31/` for usage, else empty
    folder: str


@dataclass(frozen=True)
class Landed:
    """What is known of an object that was landed: its version, the digest of its bytes, and the landed file."""

    version: str
    sha256: str
    file: str


def land(settings: Settings) -> LandingReport:
    """Land every object that is new or changed. Raises `LandingError`; a table that cannot be is in `failures`."""
    report = LandingReport(SYSTEM)
    mapping = read_mapping(settings.mappings_dir / MAPPING_NAME)
    root = landing_root(settings, SYSTEM)
    bucket = Bucket(settings)
    objects = {table: bucket.objects(table, patterns, report.warnings) for table, patterns in mapping.items()}
    work_folder = state_folder(settings, SYSTEM)
    with root.hold(f"growth land {SYSTEM}"):
        for table, found in objects.items():
            shutil.rmtree(work_folder, ignore_errors=True)
            work_folder.mkdir(parents=True)
            try:
                report.tables.append(_TableOfBucket(bucket, root, table, work_folder, report.warnings).land(found))
            except LandingError as error:
                report.failures.append(str(error))
            finally:
                shutil.rmtree(work_folder, ignore_errors=True)
    return report


def check(settings: Settings) -> list[str]:
    """A sentence for each fault of the mapping, the address, and the objects; nothing is landed."""
    try:
        mapping = read_mapping(settings.mappings_dir / MAPPING_NAME)
        bucket = Bucket(settings)
        warnings: list[str] = []
        for table, patterns in mapping.items():
            bucket.objects(table, patterns, warnings)
    except LandingError as error:
        return [str(error)]
    return warnings


class Bucket:
    """The store that objects are read from, by any address of fsspec. Raises `LandingError`."""

    def __init__(self, settings: Settings) -> None:
        if settings.land_bucket is None:
            raise LandingError("bucket: set GROWTH_LAND_BUCKET to the address that holds the objects")
        self.address = settings.land_bucket
        self._filesystem, self._root = self._open(self.address)
        _, source_root = self._open(settings.resolved_source_root)
        self._source_root = source_root + "/"
        if (self._root + "/").startswith(self._source_root):
            raise LandingError(
                f"GROWTH_LAND_BUCKET {self.address} is in the source root, which is read without a landing: leave the "
                "setting out, or name another address"
            )

    def _open(self, address: str) -> tuple[AbstractFileSystem, str]:
        try:
            filesystem, root = url_to_fs(address, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise LandingError(
                f"the bucket {address} cannot be opened: {_line(error)}. Set GROWTH_LAND_BUCKET to an address whose "
                "fsspec package is installed"
            ) from None
        return filesystem, root.rstrip("/")

    def objects(self, table: Table, patterns: Iterable[Pattern], warnings: list[str]) -> list[BucketObject]:
        """The objects of a table in natural order of their names, each once."""
        found: dict[str, BucketObject] = {}
        for pattern in patterns:
            matched = list(self._matching(table, pattern, warnings))
            if not matched:
                warnings.append(
                    f"bucket: no object of {self.address} is like {pattern.text!r}, which {MAPPING_NAME} names for "
                    f"{table.source}.{table.name}"
                )
            found |= {each.name: each for each in matched}
        return sorted(found.values(), key=lambda each: natural_key(each.name))

    def _matching(self, table: Table, pattern: Pattern, warnings: list[str]) -> Iterator[BucketObject]:
        suffixes = OBJECT_SUFFIXES if table.stored == "objects" else TABLE_SUFFIXES
        for path, details in self._find(pattern.folder).items():
            name = path[len(self._root) :].lstrip("/")
            found = pattern.match(name)
            if found is None or path.startswith(self._source_root):
                continue
            suffix = next((each for each in sorted(suffixes, key=len, reverse=True) if name.endswith(each)), None)
            if suffix is None:
                warnings.append(f"bucket: {name} has none of the extensions {', '.join(suffixes)}: it is not landed")
            elif not details.get("size"):
                warnings.append(f"bucket: {name} is empty: it is not landed")
            elif found.fault:
                warnings.append(f"bucket: {name} {found.fault}: it is not landed")
            else:
                folder = f"date={found.day}/" if table.stored == "days" else ""
                yield BucketObject(path, name, int(details["size"]), _version(details), suffix, folder)

    def _find(self, folder: str) -> dict[str, dict[str, Any]]:
        try:
            return dict(self._filesystem.find(f"{self._root}/{folder}".rstrip("/"), detail=True))
        except Exception as error:
            raise LandingError(
                f"bucket: {self.address} cannot be listed ({_line(error)}): check GROWTH_LAND_BUCKET and the access to "
                "it"
            ) from error

    def copy(self, each: BucketObject, to: Path) -> bool:
        """Copy an object. False if it changed since it was listed: then the copy may be half of each version."""
        try:
            self._filesystem.get_file(each.path, str(to))
            now = _version(self._filesystem.info(each.path))
        except FileNotFoundError:
            return False
        except Exception as error:
            raise LandingError(
                f"bucket: {each.name} cannot be read from {self.address} ({_line(error)}): check the access to it and "
                "the free space in GROWTH_DATA_DIR"
            ) from error
        return now == each.version and to.stat().st_size == each.size


class _TableOfBucket:
    """The landing of one table."""

    def __init__(self, bucket: Bucket, root: LandingRoot, table: Table, work_folder: Path, warnings: list[str]) -> None:
        self._bucket, self._root, self._table, self._warnings = bucket, root, table, warnings
        self._work_folder = work_folder
        self._files = set(root.table_files(table.source, table.name))
        self._note_path = f"{table.path}/{NOTE_NAME}"
        note = root.read_note(self._note_path)
        self._landed = {} if note is None else {name: Landed(**entry) for name, entry in json.loads(note).items()}
        # Without its note, what was landed is known by its bytes.
        self._files_by_digest = self._digests() if note is None else {}

    def land(self, objects: Iterable[BucketObject]) -> TableLanding:
        files = sum(self._land_portion(portion) for portion in _portions(filter(self._is_new, objects)))
        return TableLanding(f"{self._table.source}.{self._table.name}", files=files)

    def _is_new(self, each: BucketObject) -> bool:
        landed = self._landed.get(each.name)
        return landed is None or landed.version != each.version or landed.file not in self._files

    def _land_portion(self, portion: list[BucketObject]) -> int:
        """Copy the objects, note them, then land them: what a kill leaves out is noted without its file, so is new."""
        copies: dict[str, Path] = {}
        stamps = _stamps(self._root, self._table)
        for number, each in enumerate(portion):
            copy = self._work_folder / f"{number}{each.suffix}"
            if not self._bucket.copy(each, copy):
                self._warnings.append(
                    f"bucket: {each.name} changed or vanished while it was copied: the next landing tries again"
                )
                continue
            digest = _sha256(copy)
            file = self._file_with(each, digest)
            if file is None:
                file = f"{self._table.path}/{each.folder}{next(stamps)}{each.suffix}"
                copies[file] = copy
            self._landed[each.name] = Landed(each.version, digest, file)
        entries = {name: asdict(landed) for name, landed in sorted(self._landed.items())}
        self._root.put_note(self._note_path, json.dumps(entries, indent=0))
        for file, copy in copies.items():
            self._root.put_file(copy, file)
            self._files.add(file)
        for copy in self._work_folder.iterdir():
            if copy.is_file():
                copy.unlink()
        return len(copies)

    def _file_with(self, each: BucketObject, digest: str) -> str | None:
        """The landed file with these very bytes: the object was written again without a change."""
        before = self._landed.get(each.name)
        if before and before.sha256 == digest and before.file in self._files:
            return before.file
        return self._files_by_digest.get(digest)

    def _digests(self) -> dict[str, str]:
        digests = {}
        for path in sorted(self._files):
            [local] = self._root.fetch([path])
            digests[_sha256(local)] = path
        return digests


def _portions(objects: Iterable[BucketObject]) -> Iterator[list[BucketObject]]:
    portion: list[BucketObject] = []
    for each in objects:
        portion.append(each)
        if len(portion) == PORTION_OBJECTS or sum(other.size for other in portion) >= PORTION_BYTES:
            yield portion
            portion = []
    if portion:
        yield portion


def _stamps(root: LandingRoot, table: Table) -> Iterator[str]:
    """Stamps for names that sort after every landed one: the root is asked once, then a microsecond is added."""
    instant = datetime.strptime(root.next_name(table.source, table.name, ""), STAMP_FORMAT)  # noqa: DTZ007 (UTC)
    while True:
        yield instant.strftime(STAMP_FORMAT)
        instant += timedelta(microseconds=1)


def _version(details: dict[str, Any]) -> str:
    """Changes when the object is written again: its tag where the store has one, else its time."""
    return str(next((details[key] for key in VERSION_KEYS if details.get(key) is not None), ""))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
