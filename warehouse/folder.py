"""The data folder: who may read what in it, and what to say when its disk is full or one of its files is damaged."""

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from settings import UserError

# The folder of a restore that has begun to move files: until it has ended, the data folder is of two moments.
RESTORING = "restoring"
# Folders beside the working file that readers have no business in. `published` is theirs.
PRIVATE_FOLDERS = ("before_restore", "dagster", "docs", "exports", "private", "sample", "state")
# What DuckDB says of a file that was cut short, overwritten, or never was one of its own.
DAMAGE = (
    "not a valid DuckDB database file",
    "Could not read enough bytes",
    "Failure while replaying WAL",
    "Is a directory",
)
# Of a block, without the file's name; only a database has any.
DAMAGED_BLOCK = "Corrupt database file"
CLOSED = ("Permission denied", "Read-only file system")
# A full disk, a quota that is used up, or the largest file that the user may write; libraries have words of their own.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_WORDS = (*(os.strerror(number) for number in FULL), "database or disk is full")
MAKE_ANEW = "move it away and run again, which makes it anew, or restore a backup (docs/deploy.md)"


class DataDirError(UserError):
    """The data folder cannot be used; the message says which folder, why, and what to do."""

    code = 2


def make_data_folder(folder: Path) -> None:
    """Make the data folder, through which readers pass to what is published and to nothing else.

    Raises `OSError`, and `DataDirError` if a file has the place of one of its folders.
    """
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(exist_ok=True)
        missing.chmod(0o755)
    for place in (folder / name for name in ("published", *PRIVATE_FOLDERS)):
        if place.exists() and not place.is_dir():
            raise DataDirError(f"{place} is no folder: move it away and run again")


def clear(place: Path) -> None:
    """Take away a folder of passing things, or what has its place."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


class DamagedFileError(DataDirError):
    """A database file is not what was written there; the message names it and says the way back."""


class FullDiskError(DataDirError):
    """Nothing more can be written; the message says where, and what to do."""


def full_disk(folder: Path, error: BaseException | None) -> FullDiskError | None:
    """What to raise if the error, or one that it came from, means that the disk of the data folder is full.

    Not of an error that says already which folder it is about, nor of a file that is elsewhere.
    """
    # An error that is raised again may have come from one that came from it.
    seen: set[int] = set()
    while error is not None and id(error) not in seen and not isinstance(error, DataDirError):
        seen.add(id(error))
        said, written = str(error), getattr(error, "filename2", None) or getattr(error, "filename", None)
        if written and not Path(written).is_relative_to(folder):
            return None
        if getattr(error, "errno", None) in FULL or any(words in said for words in FULL_WORDS):
            reason = next((line for line in said.splitlines() if any(words in line for words in FULL_WORDS)), said)
            free = shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free
            return FullDiskError(
                f"nothing more can be written into {folder} ({reason.strip()}): make room on its disk, where "
                f"{free:,} bytes are free, and run again. What was half done is not kept"
            )
        error = error.__cause__ or error.__context__
    return None


def unwritable(folder: Path, error: OSError) -> DataDirError:
    """What to raise when the system refuses to write in the data folder."""
    return full_disk(folder, error) or DataDirError(
        f"the data folder {folder} cannot be written ({error.strerror}): "
        "set GROWTH_DATA_DIR to a folder that you own, or change its mode"
    )


def damage(path: Path, message: str, way_back: str = MAKE_ANEW) -> DamagedFileError | None:
    """What to raise if what DuckDB says of the file at `path` means that it is damaged, or closed to this user."""
    first_line = message.partition("\n")[0]
    # The same may be said of a file of the sources.
    is_about_it = str(path) in message
    if DAMAGED_BLOCK in message or (is_about_it and any(words in message for words in DAMAGE)):
        return DamagedFileError(f"{path} is damaged: {way_back}. DuckDB says: {first_line}")
    if is_about_it and any(words in message for words in CLOSED):
        return DamagedFileError(f"{path} cannot be opened: see its owner and mode. DuckDB says: {first_line}")
    return None


def close_to_others(path: Path) -> None:
    """Take from users who are neither owner nor group what the pipeline alone reads; a group may be let in by hand."""
    for name in (path.name, f"{path.name}.wal", path.with_suffix(".lock").name, *PRIVATE_FOLDERS):
        each = path.with_name(name)
        # Another user's file is that user's to close.
        with suppress(OSError):
            mode = stat.S_IMODE(each.stat().st_mode)
            if mode & 0o007:
                each.chmod(mode & ~0o007)
