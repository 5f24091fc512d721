"""An index of the objects that were landed. The landed files are the truth; the index is made again from them.

It has ids, digests and states, and nothing of a person. So a deletion request leaves it alone, which erases caches with
copies: what the request took out of landed files still counts as landed, and does not land again.
"""

import gzip
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from connectors.landing import LandingRoot
from connectors.stripe import exact_json
from connectors.stripe.client import Object
from connectors.stripe.kinds import KIND_OF_OBJECT, KINDS, Kind, digest, embedded

TABLES = """
create table if not exists objects (
    kind text, id text, digest blob, embedded_digest blob, created integer, status text, is_deleted integer,
    primary key (kind, id)
) without rowid;
create table if not exists files (path text primary key);
pragma user_version = 1;
"""
VERSION = 1


@dataclass(frozen=True)
class Landed:
    """What is known of an object: digests of it and of its answer before lines are completed, and its state."""

    digest: bytes
    embedded_digest: bytes
    created: int
    status: str | None


@dataclass(frozen=True)
class Change:
    """What is different about an object, when it was created, and what was landed of it before."""

    what: Literal["new", "changed", "removed"]
    created: int
    before: Landed | None


class LandedIndex:
    """Objects by kind and id, newest state. What a landing adds is kept by `keep`, else forgotten."""

    def __init__(self, path: Path) -> None:
        """`path` is that of the index's file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = _open(path)
        except sqlite3.DatabaseError:
            # Not a database, or of another version: all of it is in the landed files.
            path.unlink()
            self._database = _open(path)

    def read_new_files(self, root: LandingRoot) -> bool:
        """Take in landed files that are not in the index. If one of the index is gone, all are read again.

        Returns whether all that was landed is still there. A file that a deletion request rewrote counts as it was, so
        that what it lost is not landed again.
        """
        present = [path for kind in KINDS for path in root.table_files("stripe", kind.path)]
        known = {path for (path,) in self._database.execute("select path from files")}
        is_complete = known.issubset(present)
        if not is_complete:
            self._database.executescript("begin; delete from objects; delete from files; commit;")
            known = set()
        new = [path for path in present if path not in known]
        for path in new:
            for found in _objects_of(root, path):
                self.put(KIND_OF_OBJECT[found["object"]], found)
        self.keep(new)
        return is_complete

    def find(self, kind: Kind, object_id: str) -> Landed | None:
        row = self._database.execute(
            "select digest, embedded_digest, created, status from objects where kind = ? and id = ?",
            [kind.name, object_id],
        ).fetchone()
        return None if row is None else Landed(*row)

    def ids(self, kind: Kind, *, since: int | None = None, status: str = "") -> set[str]:
        """Ids of objects that are not deleted: created from `since` on, in a `status`."""
        rows = self._database.execute(
            "select id from objects where kind = :kind and not is_deleted and created >= coalesce(:since, created) "
            "and (:status = '' or status = :status)",
            {"kind": kind.name, "since": since, "status": status},
        )
        return {object_id for (object_id,) in rows}

    def put(self, kind: Kind, found: Object) -> Change | None:
        """The whole object's state is now this one. Returns what is different from the landed one, None if nothing."""
        before = self.find(kind, found["id"])
        whole = digest(found)
        if before is not None and before.digest == whole:
            return None
        shown = embedded(found)
        is_deleted = found.get("deleted") is True
        # A stub does not say when the object was created.
        created = found.get("created") or (before.created if before else 0)
        created = created if isinstance(created, int) else 0
        self._database.execute(
            "insert or replace into objects values (?, ?, ?, ?, ?, ?, ?)",
            [
                kind.name, found["id"], whole, whole if shown is found else digest(shown),
                created, _text(found.get("status")), is_deleted,
            ],
        )  # fmt: skip
        return Change("removed" if is_deleted else "changed" if before else "new", created, before)

    def has_answer(self, kind: Kind, found: Object) -> bool:
        """Whether the same answer was had for the landed object, before its lines were completed."""
        before = self.find(kind, found["id"])
        return before is not None and before.embedded_digest == digest(found)

    def keep(self, paths: list[str]) -> None:
        """Keep what was put since the last `keep`, which is in these landed files."""
        self._database.executemany("insert into files values (?)", [(path,) for path in paths])
        self._database.commit()

    def close(self) -> None:
        self._database.close()


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    version = database.execute("pragma user_version").fetchone()[0]
    if version not in (0, VERSION):
        database.close()
        raise sqlite3.DatabaseError(f"version {version}")
    database.executescript(TABLES)
    return database


def _objects_of(root: LandingRoot, path: str) -> Iterator[Object]:
    """The objects of one of the kinds in a landed file. A line that is none is passed over: the load names it."""
    (local_file,) = root.fetch([path])
    with gzip.open(local_file) as lines:
        for written in lines:
            with suppress(ValueError):
                found = exact_json.loads(written)
                if isinstance(found, dict) and found.get("object") in KIND_OF_OBJECT and _text(found.get("id")):
                    yield found


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
