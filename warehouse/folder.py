"""The data folder: its access rights, and errors for a full disk or damaged files."""

import errno
import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path

from settings import UserError

# Exists while a restore moves files: until it ends, the data folder is inconsistent.
RESTORING = "restoring"
# Folders closed to readers. `published` is open to them.
PRIVATE_FOLDERS = ("before_restore", "dagster", "docs", "exports", "private", "sample", "state")
# DuckDB's messages about truncated, overwritten or foreign files.
DAMAGE = (
    "not a valid DuckDB database file",
    "Could not read enough bytes",
    "Failure while replaying WAL",
    "Is a directory",
)
# DuckDB's message about a damaged block; it does not name the file.
DAMAGED_BLOCK = "Corrupt database file"
NO_ACCESS = ("Permission denied", "Read-only file system")
# A full disk, an exhausted quota, or the largest file allowed; libraries add messages of their own.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_WORDS = (*(os.strerror(number) for number in FULL), "database or disk is full")
# DuckDB's message when the memory limit is too small for what it cannot move to disk. Its message about a full disk
# contains these words too.
OUT_OF_MEMORY = "Out of Memory Error"
RECOVERY = "move it away and run again, which rebuilds it, or restore a backup (docs/deploy.md)"


class DataDirError(UserError):
    """The data folder cannot be used; the message says which folder, why, and what to do."""

    code = 2


def make_data_folder(folder: Path) -> None:
    """Create the data folder. Readers can traverse it to `published` and read nothing else.

    Raises `OSError`, and `DataDirError` if one of its folders is a file.
    """
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(exist_ok=True)
        missing.chmod(0o755)
    for place in (folder / name for name in ("published", *PRIVATE_FOLDERS)):
        if place.exists() and not place.is_dir():
            raise DataDirError(f"{place} is not a folder: move it away and run again")


def refuse_half_restored(folder: Path) -> None:
    """Raise `DataDirError` if a restore into the data folder is under way or was interrupted."""
    if (folder / RESTORING).exists():
        raise DataDirError(f"a restore into {folder} was interrupted: run `growth restore` again to complete it")


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear(place: Path) -> None:
    """Delete a temporary folder, or a file in its place."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)


class DamagedFileError(DataDirError):
    """A database file is damaged; the message names it and says how to recover."""


class FullDiskError(DataDirError):
    """The disk is full; the message says where, and what to do."""


class MemoryLimitError(DataDirError):
    """The memory limit is too small; the message says what to set."""


def out_of_room(folder: Path, error: BaseException | None) -> DataDirError | None:
    """The error to raise if this error or one of its causes means that the disk of the data folder is full, or that the
    memory limit is too small.

    None for errors that already name a folder, and for files outside the data folder.
    """
    # Chains of causes can be circular when an error is raised again.
    seen: set[int] = set()
    while error is not None and id(error) not in seen and not isinstance(error, DataDirError):
        seen.add(id(error))
        message, written = str(error), getattr(error, "filename2", None) or getattr(error, "filename", None)
        if written and not Path(written).is_relative_to(folder):
            return None
        if OUT_OF_MEMORY in message:
            return MemoryLimitError(
                f"the memory limit is too small ({_line_with(OUT_OF_MEMORY, message)}): set GROWTH_MEMORY_LIMIT to "
                "more, such as 4GB, and run again. Incomplete work is not kept"
            )
        if getattr(error, "errno", None) in FULL or any(words in message for words in FULL_WORDS):
            reason = next((_line_with(words, message) for words in FULL_WORDS if words in message), message)
            free = shutil.disk_usage(next(each for each in (folder, *folder.parents) if each.exists())).free
            return FullDiskError(
                f"nothing more can be written into {folder} ({reason.strip()}): free space on its disk, which has "
                f"{free:,} bytes left, and run again. Incomplete work is not kept"
            )
        error = error.__cause__ or error.__context__
    return None


def _line_with(words: str, message: str) -> str:
    return next(line.strip() for line in message.splitlines() if words in line)


def unwritable(folder: Path, error: OSError) -> DataDirError:
    return out_of_room(folder, error) or DataDirError(
        f"the data folder {folder} cannot be written ({error.strerror}): "
        "set GROWTH_DATA_DIR to a folder that you own, or change its mode"
    )


def damage(path: Path, message: str, recovery: str = RECOVERY) -> DamagedFileError | None:
    """The error to raise if DuckDB's message means that the file at `path` is damaged or not accessible."""
    first_line = message.partition("\n")[0]
    # The message may be about a source file.
    is_about_it = str(path) in message
    if DAMAGED_BLOCK in message or (is_about_it and any(words in message for words in DAMAGE)):
        return DamagedFileError(f"{path} is damaged: {recovery}. DuckDB says: {first_line}")
    if is_about_it and any(words in message for words in NO_ACCESS):
        return DamagedFileError(f"{path} cannot be opened: check its owner and mode. DuckDB says: {first_line}")
    return None


def close_to_others(path: Path) -> None:
    """Remove the access of other users to everything but `published`; group access can be granted by hand."""
    for name in (path.name, f"{path.name}.wal", path.with_suffix(".lock").name, *PRIVATE_FOLDERS):
        each = path.with_name(name)
        # Another user's file is theirs to close.
        with suppress(OSError):
            mode = stat.S_IMODE(each.stat().st_mode)
            if mode & 0o007:
                each.chmod(mode & ~0o007)
