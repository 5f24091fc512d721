"""The last few versions of the published file: kept when a newer one takes their place, and put back by a rollback.

A version is a hard link to the very file that readers had, so keeping it copies nothing and cannot alter it.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from serving.reader import snapshot
from settings import Settings, UserError
from warehouse.folder import DamagedFileError


class NoSuchVersionError(UserError):
    """There is no version to go to; the published file stays as it was."""


@dataclass(frozen=True)
class Version:
    """A file that readers had, and what it says of itself."""

    path: Path
    run_id: str
    as_of_date: date
    published_at: datetime
    # 0 in a file that was published before publishes were numbered.
    publish_number: int
    is_live: bool

    @property
    def name(self) -> str:
        """Its name among the versions: its number, and when the clock said it was published."""
        published_at = f"{self.published_at:%Y%m%dT%H%M%S.%f}"
        return f"{self.publish_number:06}-{published_at}" if self.publish_number else published_at

    @property
    def order(self) -> tuple[int, datetime]:
        """Sorts versions as they were published, also where the clock was wrong."""
        return self.publish_number, self.published_at

    def __str__(self) -> str:
        return f"{self.name} (data day {self.as_of_date}, run {self.run_id})"


def versions(settings: Settings) -> list[Version]:
    """The versions that open, the oldest first; one of them is live, unless what is published does not open."""
    live = settings.serving_path
    found = [_read(path, live) for path in sorted(_folder(settings).glob(f"*/{live.name}"))]
    if live.exists() and not any(version and version.is_live for version in found):
        found.append(_read(live, live))
    return sorted((version for version in found if version), key=lambda version: version.order)


def next_publish_number(settings: Settings) -> int:
    """One more than the largest number of a publish that is kept."""
    return 1 + max((version.publish_number for version in versions(settings)), default=0)


def is_rolled_back(settings: Settings) -> bool:
    """Whether a version is kept that was published after the live one."""
    found = versions(settings)
    return bool(found) and not found[-1].is_live


def version_before(settings: Settings) -> Version:
    """The version that was published last before the live one, or the newest if the published file does not open.

    Raises `NoSuchVersionError` if none is kept.
    """
    earlier: Version | None = None
    for version in versions(settings):
        if version.is_live:
            break
        earlier = version
    if earlier is None:
        raise NoSuchVersionError(
            f"no version before the published one is kept below {_folder(settings)} "
            f"(GROWTH_KEPT_VERSIONS is {settings.kept_versions})"
        )
    return earlier


def version_named(settings: Settings, name: str) -> Version:
    """The version of that name.

    Raises `NoSuchVersionError`, which names those that are there.
    """
    found = versions(settings)
    for version in found:
        if version.name == name:
            return version
    there = ", ".join(version.name for version in found) or "none"
    raise NoSuchVersionError(f"there is no version {name}; there are: {there}")


@contextmanager
def building(settings: Settings) -> Iterator[Path]:
    """The place of a file that is to be published; whatever is there at the end, or after an error, goes."""
    target = settings.serving_path
    folder = target.parent.with_name(target.parent.name + ".building")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder / target.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_live(settings: Settings, built: Path) -> Version | None:
    """Put a finished file in the place of the published one, which is kept and returned.

    After a crash either the one or the other is there, whole; what is kept was live once.
    """
    target = settings.serving_path
    built.chmod(0o444)
    _sync(built)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    replaced = _keep(settings) if settings.kept_versions else None
    # A log that a dead client left beside the old file would be replayed into the new one.
    target.with_name(target.name + ".wal").unlink(missing_ok=True)
    built.replace(target)
    _sync(target.parent)
    _drop_oldest(settings)
    return replaced


def roll_back(settings: Settings, version: Version) -> Version | None:
    """Put a kept version before the readers again, in one rename; returns what it took the place of, if it opens.

    The caller holds the warehouse, so that no publish comes in between. Raises `NoSuchVersionError` if it is live
    already, or is not kept any more.
    """
    live = next((each for each in versions(settings) if each.is_live), None)
    if live is not None and live.name == version.name:
        raise NoSuchVersionError(f"version {version} is what readers have")
    with building(settings) as place:
        try:
            os.link(version.path, place)
        except FileNotFoundError:
            raise NoSuchVersionError(f"version {version} is not kept any more") from None
        put_live(settings, place)
    return live


def drop_earlier(settings: Settings) -> int:
    """Delete every version but the live one; how many."""
    live = settings.serving_path
    earlier = [path for path in _folder(settings).glob("*") if not _is_live(path / live.name, live)]
    for path in earlier:
        shutil.rmtree(path)
    return len(earlier)


def _folder(settings: Settings) -> Path:
    return settings.serving_path.parent / "versions"


def _read(path: Path, live: Path) -> Version | None:
    """What a file says of itself; None if it does not open, which is when somebody needs the others."""
    try:
        with snapshot(path) as connection:
            info = connection.execute("from publish_info")
            names = [column[0] for column in info.description or ()]
            row = info.fetchone()
    except (duckdb.Error, DamagedFileError, OSError):
        return None
    said = dict(zip(names, row or (), strict=False))
    if not {"run_id", "as_of_date", "published_at"} <= said.keys():
        return None
    return Version(
        path,
        said["run_id"],
        said["as_of_date"],
        said["published_at"],
        said.get("publish_number", 0),
        live.exists() and path.samefile(live),
    )


def _keep(settings: Settings) -> Version | None:
    """Keep the published file beside those before it. One that does not open is of no use to anybody."""
    live = settings.serving_path
    if not live.exists():
        return None
    version = _read(live, live)
    if version is None:
        return None
    place = _folder(settings) / version.name / live.name
    place.parent.mkdir(parents=True, exist_ok=True)
    # What was published before is not for readers.
    _folder(settings).chmod(0o700)
    if not place.exists():
        os.link(live, place)
        _sync(place.parent)
    return replace(version, path=place, is_live=False)


def _drop_oldest(settings: Settings) -> None:
    """Leave as many versions as the setting says, not counting the live one."""
    live = settings.serving_path
    order = [version.path.parent for version in versions(settings)]
    kept = [path for path in _folder(settings).glob("*") if not _is_live(path / live.name, live)]
    # What does not open goes first.
    kept.sort(key=lambda path: order.index(path) if path in order else -1)
    for path in kept[: max(0, len(kept) - settings.kept_versions)]:
        shutil.rmtree(path)


def _is_live(path: Path, live: Path) -> bool:
    return path.exists() and path.samefile(live)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
