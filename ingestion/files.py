"""The files under the source root: which table and day each belongs to, and how it is told from an older one."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ingestion.contract import Contract, Table
from ingestion.errors import SourceError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

TABLE_SUFFIXES = (".parquet", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz")
OBJECT_SUFFIXES = (".jsonl", ".jsonl.gz")
VERSION_KEYS = ("ETag", "etag", "md5Hash", "mtime", "LastModified", "last_modified", "updated", "created")


@dataclass(frozen=True)
class SourceFile:
    """One file of a table. `path` is relative to the source root; `day` is set for usage only."""

    path: str
    suffix: str
    size: int
    fingerprint: str
    day: date | None = None


@dataclass
class Listing:
    """What is under the source root: the files of each table by its raw name, and what belongs to no table."""

    files: dict[str, list[SourceFile]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """Tells one state of all files from another: it changes when a file comes, goes or is replaced."""
        lines = [f"{file.path} {file.fingerprint}" for files in self.files.values() for file in files]
        return sha256("\n".join(sorted(lines)).encode()).hexdigest()[:32]


class SourceRoot:
    """A folder or an fsspec address. Local files are read where they are, others are copied before."""

    def __init__(self, address: str, copies: Path) -> None:
        """`copies` is the folder for copies of files that are not local. Raises `SourceError`."""
        from fsspec.core import url_to_fs
        from fsspec.implementations.local import LocalFileSystem

        self._copies = copies
        try:
            filesystem, root = url_to_fs(address)
        except (ImportError, ValueError) as error:
            raise SourceError(
                f"the source root {address} cannot be opened: {error}. Set GROWTH_SOURCE_ROOT to a folder, "
                "or to an address whose fsspec package is installed"
            ) from error
        self._filesystem: AbstractFileSystem = filesystem
        self._root: str = root.rstrip("/")
        self._is_local = isinstance(filesystem, LocalFileSystem)
        # The same folder has one address, however it is written.
        self.address = self._root if self._is_local else address.rstrip("/")

    def list_files(self, contract: Contract) -> Listing:
        """Every file of every table, in natural order of the paths. Raises `SourceError`."""
        listing = Listing({table.raw_name: [] for table in contract.tables})
        tables = {table.path: table for table in contract.tables}
        for path, details in sorted(self._find().items(), key=lambda item: natural_key(item[0])):
            if PurePosixPath(path).name.startswith((".", "_")):
                continue
            table = tables.get(_table_path(path))
            if table is None:
                listing.unknown.append(path)
            else:
                listing.files[table.raw_name].append(_source_file(table, path, details))
        return listing

    def fetch(self, files: Iterable[SourceFile]) -> Path:
        """The local folder under which the files now are, each at its relative path. Raises `SourceError`."""
        if self._is_local:
            return Path(self._root)
        for file in files:
            copy = self._copies / file.path
            copy.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._filesystem.get_file(f"{self._root}/{file.path}", str(copy))
            except Exception as error:
                raise SourceError(f"{file.path} cannot be read from {self.address}: {error}") from error
        return self._copies

    def forget(self, files: Iterable[SourceFile]) -> None:
        """Remove the copies of files that have been read."""
        if not self._is_local:
            for file in files:
                (self._copies / file.path).unlink(missing_ok=True)

    def _find(self) -> dict[str, dict[str, Any]]:
        try:
            if not self._filesystem.isdir(self._root):
                raise FileNotFoundError("it is not there, or not a folder")
            found = _find_local(self._root) if self._is_local else self._filesystem.find(self._root, detail=True)
        except Exception as error:
            raise SourceError(
                f"the source root {self.address} cannot be read: {error}. Check GROWTH_SOURCE_ROOT and the access to it"
            ) from error
        return {path[len(self._root) :].lstrip("/"): details for path, details in found.items()}


def _find_local(root: str) -> dict[str, dict[str, Any]]:
    """What fsspec would find; but it follows links, and a folder that may not be opened is an error."""

    def fail(error: OSError) -> None:
        raise error

    found = {}
    for folder, _, names in os.walk(root, onerror=fail, followlinks=True):
        for name in names:
            status = Path(folder, name).stat()
            found[f"{folder}/{name}"] = {"size": status.st_size, "mtime": status.st_mtime_ns}
    return found


def natural_key(path: str) -> str:
    """A text that sorts as a person would: `invoices/2.jsonl` before `invoices/10.jsonl`."""
    return re.sub(r"\d+", lambda digits: digits.group().zfill(20), path)


def _table_path(path: str) -> str:
    """`stripe/invoices/2026.jsonl` and `stripe/invoices.jsonl.gz` both belong to `stripe/invoices`."""
    parts = path.split("/")
    name = parts[1].split(".")[0] if len(parts) == 2 else (parts[1] if len(parts) > 2 else "")
    return f"{parts[0]}/{name}"


def _source_file(table: Table, path: str, details: dict[str, Any]) -> SourceFile:
    suffixes = OBJECT_SUFFIXES if table.stored == "objects" else TABLE_SUFFIXES
    suffix = next((s for s in sorted(suffixes, key=len, reverse=True) if path.endswith(s)), None)
    if suffix is None:
        raise SourceError(f"{path} has none of the extensions {', '.join(suffixes)}: convert it, or move it away")
    version = next((details[key] for key in VERSION_KEYS if details.get(key) is not None), "")
    size = int(details.get("size") or 0)
    return SourceFile(path, suffix, size, f"{size} {version}", _day_of(table, path))


def _day_of(table: Table, path: str) -> date | None:
    """The day in the folder's name for usage; for all other tables only the depth is checked."""
    folders = PurePosixPath(path).parts[2:-1]
    if table.stored != "days":
        if folders:
            raise SourceError(f"{path} is too deep: put it into {table.path}/")
        return None
    place = f"{table.path}/date=YYYY-MM-DD/"
    found = re.fullmatch(r"date=(\d{4}-\d{2}-\d{2})", folders[0]) if len(folders) == 1 else None
    if found is None:
        raise SourceError(f"{path} is not in a day's folder: put it into {place}")
    try:
        return date.fromisoformat(found.group(1))
    except ValueError as error:
        raise SourceError(f"{path}: {found.group(1)} is no day ({error}): put it into {place}") from error
