"""The files under the source root: table, day and fingerprint of each."""

import os
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ingestion.contract.model import Contract, Table
from ingestion.errors import SourceError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

TABLE_SUFFIXES = (".parquet", ".csv", ".csv.gz", ".jsonl", ".jsonl.gz")
OBJECT_SUFFIXES = (".jsonl", ".jsonl.gz")
# Special files, whose reading may never end.
SPECIAL_FILES = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
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
    """Files by raw table name, and those that belong to no table.

    `faults`: by raw table name, sentences about files in the place of a table that cannot be one of its files.
    """

    files: dict[str, list[SourceFile]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    faults: dict[str, list[str]] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Changes when any file is added, removed or replaced."""
        lines = [f"{file.path} {file.fingerprint}" for files in self.files.values() for file in files]
        lines += [fault for faults in self.faults.values() for fault in faults]
        return sha256("\n".join(sorted(lines)).encode()).hexdigest()[:32]


class SourceRoot:
    """A folder or an fsspec address. Remote files are copied before they are read."""

    def __init__(self, address: str, copies: Path) -> None:
        """`copies` is the folder for copies of remote files. Raises `SourceError`."""
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
        # One folder has one address, however it is written.
        self.address = self._root if self._is_local else address.rstrip("/")

    def list_files(self, contract: Contract) -> Listing:
        """Every file of every table, in natural order of the paths. Raises `SourceError` if nothing can be listed."""
        listing = Listing({table.raw_name: [] for table in contract.tables})
        tables = {table.path: table for table in contract.tables}
        for path, details in sorted(self._find().items(), key=lambda item: natural_key(item[0])):
            if any(_is_ignored(part) for part in path.split("/")):
                continue
            table = tables.get(_table_path(path))
            if table is None:
                listing.unknown.append(_shown(path))
                continue
            try:
                listing.files[table.raw_name].append(_source_file(table, path, details))
            except SourceError as fault:
                listing.faults.setdefault(table.raw_name, []).append(str(fault))
        return listing

    def fetch(self, files: Iterable[SourceFile]) -> Path:
        """The local folder with the files at their relative paths. Raises `SourceError`."""
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

    def refuse_changed(self, files: Iterable[SourceFile]) -> None:
        """Raise `SourceError` if a file changed since it was listed: it may be half written."""
        for file in files:
            if self._is_local:
                found = _details(Path(self._root, file.path))
                is_same = "fault" not in found and _fingerprint(found) == file.fingerprint
            else:
                is_same = (self._copies / file.path).stat().st_size == file.size
            if not is_same:
                raise SourceError(
                    f"{file.path} changed while it was read, so nothing is loaded: run again when it is complete. "
                    "Write a file under a name that begins with a dot, and rename it when it is complete"
                )

    def forget(self, files: Iterable[SourceFile]) -> None:
        """Delete the copies of files that have been read."""
        if not self._is_local:
            for file in files:
                (self._copies / file.path).unlink(missing_ok=True)

    def _find(self) -> dict[str, dict[str, Any]]:
        try:
            if not self._filesystem.isdir(self._root):
                raise FileNotFoundError("not found, or not a folder")
            found = _find_local(self._root) if self._is_local else self._filesystem.find(self._root, detail=True)
        except Exception as error:
            raise SourceError(
                f"the source root {self.address} cannot be read: {error}. Check GROWTH_SOURCE_ROOT and the access to it"
            ) from error
        # What stands for an empty folder in a store is an object whose name ends like one.
        return {path[len(self._root) :].lstrip("/"): each for path, each in found.items() if not path.endswith("/")}


def _find_local(root: str) -> dict[str, dict[str, Any]]:
    """List local files like fsspec, but follow links and fail on unreadable folders."""

    def fail(error: OSError) -> None:
        raise error

    found: dict[str, dict[str, Any]] = {}
    above = {root: {_identity(root)}}
    for folder, folders, names in os.walk(root, onerror=fail, followlinks=True):
        folders[:] = [name for name in folders if not _is_ignored(name)]
        for inner in (f"{folder}/{name}" for name in folders):
            if _identity(inner) in above[folder]:
                raise OSError(f"{inner} is a link to a folder above it: remove it")
            above[inner] = above[folder] | {_identity(inner)}
        for name in names:
            found[f"{folder}/{name}"] = _details(Path(folder, name))
    return found


def _identity(folder: str) -> tuple[int, int]:
    status = Path(folder).stat()
    return status.st_dev, status.st_ino


def _details(path: Path) -> dict[str, Any]:
    """Size and time of a file, following links, or what is wrong with it (`fault`)."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return {"fault": "is a link to a missing file" if path.is_symlink() else "no longer exists"}
    if not stat.S_ISREG(status.st_mode):
        return {"fault": f"is {SPECIAL_FILES.get(stat.S_IFMT(status.st_mode), 'something else')}, not a file"}
    return {"size": status.st_size, "mtime": status.st_mtime_ns}


def _is_ignored(name: str) -> bool:
    return name.startswith((".", "_"))


def _shown(path: str) -> str:
    """A printable path: names on disk need not be UTF-8."""
    return path.encode(errors="surrogateescape").decode(errors="backslashreplace")


def natural_key(path: str) -> tuple[str, str]:
    """A sort key that orders numbers by value: `invoices/2.jsonl` before `invoices/10.jsonl`; no two paths have one."""
    return re.sub(r"\d+", lambda digits: digits.group().zfill(20), path), path


def _table_path(path: str) -> str:
    """`stripe/invoices/2026.jsonl` and `stripe/invoices.jsonl.gz` both belong to `stripe/invoices`.

    So does `stripe/invoices.xlsx`, which is refused later; `stripe/invoices.old.jsonl` does not.
    """
    source, name, *rest = [*path.split("/"), ""][:3]
    stem, _, extension = name.partition(".")
    if rest == [""] and (f".{extension}" in TABLE_SUFFIXES or extension.isalnum()):
        return f"{source}/{stem}"
    return f"{source}/{name}" if rest != [""] else ""


def _source_file(table: Table, path: str, details: dict[str, Any]) -> SourceFile:
    suffixes = OBJECT_SUFFIXES if table.stored == "objects" else TABLE_SUFFIXES
    suffix = next((s for s in sorted(suffixes, key=len, reverse=True) if path.endswith(s)), None)
    if suffix is None:
        raise SourceError(
            f"{_shown(path)} has none of the extensions {', '.join(suffixes)}: convert it, or move it away"
        )
    if _shown(path) != path:
        raise SourceError(f"{_shown(path)} has a name that is not UTF-8: give it another name")
    if "fault" in details:
        raise SourceError(f"{path} {details['fault']}: put a file in its place, or remove it")
    return SourceFile(path, suffix, int(details.get("size") or 0), _fingerprint(details), _day_of(table, path))


def _fingerprint(details: dict[str, Any]) -> str:
    version = next((details[key] for key in VERSION_KEYS if details.get(key) is not None), "")
    return f"{int(details.get('size') or 0)} {version}"


def _day_of(table: Table, path: str) -> date | None:
    """The day in the folder's name for usage; other tables only have their depth checked."""
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
        raise SourceError(f"{path}: {found.group(1)} is not a date ({error}): put it into {place}") from error
