"""Earlier versions of the published file: kept when replaced, restored by a rollback.

A version is a hard link to the file readers had: keeping it copies nothing and cannot alter it.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

import duckdb

from serving.reader import snapshot
from settings import Settings, UserError
from warehouse.folder import DamagedFileError, sync


class NoSuchVersionError(UserError):
    """There is no such version; the published file is unchanged."""


@dataclass(frozen=True)
class Version:
    """A published file and its `publish_info`."""

    path: Path
    run_id: str
    as_of_date: date
    published_at: datetime
    # 0 in files published before publishes were numbered.
    publish_number: int
    is_live: bool

    @property
    def name(self) -> str:
        """Folder name: publish number and time of publishing."""
        published_at = f"{self.published_at:%Y%m%dT%H%M%S.%f}"
        return f"{self.publish_number:06}-{published_at}" if self.publish_number else published_at

    @property
    def order(self) -> tuple[int, datetime]:
        """Sort key by publish order, even if the clock was wrong."""
        return self.publish_number, self.published_at

    def __str__(self) -> str:
        return f"{self.name} (data day {self.as_of_date}, run {self.run_id})"


def versions(settings: Settings) -> list[Version]:
    """The readable versions, oldest first. One of them is live, unless the published file is unreadable."""
    live = settings.serving_path
    found = [_read(path, live) for path in sorted(_folder(settings).glob(f"*/{live.name}"))]
    if live.exists() and not any(version and version.is_live for version in found):
        found.append(_read(live, live))
    return sorted((version for version in found if version), key=lambda version: version.order)


def live_version(settings: Settings) -> Version | None:
    """The version that readers have; None if there is none, or it is unreadable."""
    return next((version for version in versions(settings) if version.is_live), None)


def next_publish_number(settings: Settings) -> int:
    """One more than the largest number of a kept version."""
    return 1 + max((version.publish_number for version in versions(settings)), default=0)


def is_rolled_back(settings: Settings) -> bool:
    """Whether a kept version is newer than the live one."""
    found = versions(settings)
    return bool(found) and not found[-1].is_live


def version_before(settings: Settings) -> Version:
    """The version before the live one, or the newest if the published file is unreadable.

    Raises `NoSuchVersionError` if none is kept.
    """
    earlier: Version | None = None
    for version in versions(settings):
        if version.is_live:
            break
        earlier = version
    if earlier is None:
        raise NoSuchVersionError(
            f"no version before the published one is kept in {_folder(settings)} "
            f"(GROWTH_KEPT_VERSIONS is {settings.kept_versions})"
        )
    return earlier


def version_of_earlier_day(settings: Settings, as_of_date: date) -> Version | None:
    """The newest version before the live one whose data day is earlier; None if none is kept."""
    return _of_earlier_day(versions(settings), as_of_date)


def version_named(settings: Settings, name: str) -> Version:
    """The version with that name. Raises `NoSuchVersionError`, which lists the names that exist."""
    found = versions(settings)
    for version in found:
        if version.name == name:
            return version
    there = ", ".join(version.name for version in found) or "none"
    raise NoSuchVersionError(f"there is no version {name}; there are: {there}")


@contextmanager
def building(settings: Settings) -> Iterator[Path]:
    """Path for a new file to publish; its folder is deleted at the end."""
    target = settings.serving_path
    folder = target.parent.with_name(target.parent.name + ".building")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder / target.name
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def put_live(settings: Settings, built: Path) -> Version | None:
    """Replace the published file with a finished one; returns the version it replaced, if kept.

    A crash leaves one of the two files live, complete. Every kept version was once live.
    """
    target = settings.serving_path
    built.chmod(0o444)
    sync(built)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    replaced = _keep(settings) if settings.kept_versions else None
    # The write-ahead log of a dead client would be replayed into the new file.
    target.with_name(target.name + ".wal").unlink(missing_ok=True)
    built.replace(target)
    sync(target.parent)
    _drop_oldest(settings)
    return replaced


def roll_back(settings: Settings, version: Version) -> Version | None:
    """Make a kept version live again in one rename; returns the version it replaced, if readable.

    The caller holds the warehouse's lock. Raises `NoSuchVersionError` if the version is live or no longer kept.
    """
    live = live_version(settings)
    if live is not None and live.name == version.name:
        raise NoSuchVersionError(f"version {version} is already published")
    with building(settings) as place:
        try:
            os.link(version.path, place)
        except FileNotFoundError:
            raise NoSuchVersionError(f"version {version} is no longer kept") from None
        put_live(settings, place)
    return live


def drop_earlier(settings: Settings) -> int:
    """Delete every version but the live one; returns how many."""
    live = settings.serving_path
    earlier = [path for path in _folder(settings).glob("*") if not _is_live(path / live.name, live)]
    for path in earlier:
        shutil.rmtree(path)
    return len(earlier)


def _folder(settings: Settings) -> Path:
    return settings.serving_path.parent / "versions"


def _read(path: Path, live: Path) -> Version | None:
    """A file's version from its `publish_info`; None if it is unreadable, so that the others stay usable."""
    try:
        with snapshot(path) as connection:
            info = connection.execute("from publish_info")
            names = [column[0] for column in info.description or ()]
            row = info.fetchone()
    except (duckdb.Error, DamagedFileError, OSError):
        return None
    fields = dict(zip(names, row or (), strict=False))
    if not {"run_id", "as_of_date", "published_at"} <= fields.keys():
        return None
    return Version(
        path,
        fields["run_id"],
        fields["as_of_date"],
        fields["published_at"],
        fields.get("publish_number", 0),
        live.exists() and path.samefile(live),
    )


def _keep(settings: Settings) -> Version | None:
    """Keep the published file as a version, unless it is unreadable."""
    live = settings.serving_path
    if not live.exists():
        return None
    version = _read(live, live)
    if version is None:
        return None
    place = _folder(settings) / version.name / live.name
    place.parent.mkdir(parents=True, exist_ok=True)
    # Earlier versions are not for readers.
    _folder(settings).chmod(0o700)
    if not place.exists():
        os.link(live, place)
        sync(place.parent)
    return replace(version, path=place, is_live=False)


def _drop_oldest(settings: Settings) -> None:
    """Delete the oldest versions beyond `kept_versions`, not counting the live one.

    If any are kept, so is the newest of an earlier data day than the live one's: the page compares with it.
    """
    live = settings.serving_path
    found = versions(settings)
    order = [version.path.parent for version in found]
    kept = [path for path in _folder(settings).glob("*") if not _is_live(path / live.name, live)]
    # Unreadable ones first.
    kept.sort(key=lambda path: order.index(path) if path in order else -1)
    day = next((version.as_of_date for version in found if version.is_live), None)
    compared = _of_earlier_day(found, day) if day and settings.kept_versions else None
    for path in kept[: max(0, len(kept) - settings.kept_versions)]:
        if compared is None or path != compared.path.parent:
            shutil.rmtree(path)


def _of_earlier_day(found: Sequence[Version], as_of_date: date) -> Version | None:
    live = next((number for number, version in enumerate(found) if version.is_live), len(found))
    return next((version for version in reversed(found[:live]) if version.as_of_date < as_of_date), None)


def _is_live(path: Path, live: Path) -> bool:
    return path.exists() and path.samefile(live)
