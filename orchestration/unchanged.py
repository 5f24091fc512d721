"""Skip a run whose result is published already.

Models, gates and the published file are functions of schema raw, the project's files and the data day, which a publish
records. A full run with the same inputs reports the earlier run and does nothing; selections and builds in a shell
always run.
"""

from collections.abc import Iterator
from functools import cache
from hashlib import file_digest, sha256
from pathlib import Path

import duckdb
from dagster import AssetCheckExecutionContext, AssetExecutionContext

from orchestration.failed_build import FROM_FAILURE_TAG
from settings import PROJECT_DIR, Settings
from warehouse.connection import connect
from warehouse.folder import DataDirError

ROOMS = (
    "cli", "dbt_project", "expectations", "ingestion", "operations", "orchestration", "sample_company", "serving",
    "settings.py", "transform", "warehouse",
)  # fmt: skip
NOT_SOURCES = {"target", "logs", "__pycache__"}

CREATE_NOTE = """
create or replace table quality.published (run_id varchar, made_of varchar, turn bigint, file_sha256 varchar)
"""
LOADED = "select table_name, file, fingerprint, loaded_at from raw.loaded_files order by all"
LAST_BUILD = "select max(turn) from quality.builds"
NOTE = f"select run_id, file_sha256 from quality.published where made_of = ? and turn = ({LAST_BUILD})"  # noqa: S608


def unchanged_since(context: AssetExecutionContext | AssetCheckExecutionContext, settings: Settings) -> str | None:
    """The run that published the same inputs, or None if there is something to do."""
    if not _is_of_everything(context) or not settings.serving_path.exists():
        return None
    with connect(settings.warehouse_path, read_only=True) as connection:
        try:
            noted = connection.execute(NOTE, [_made_of(connection, settings)]).fetchone()
        except (duckdb.CatalogException, duckdb.BinderException):
            # Nothing was published yet, or only by a version that ordered builds by the clock.
            return None
    is_there = noted and noted == (_published_run(settings), _sha256(settings.serving_path))
    return noted[0] if noted and is_there else None


def note_published(context: AssetExecutionContext, settings: Settings) -> None:
    """Record the inputs of this run's publish, unless the run built only a part."""
    with connect(settings.warehouse_path) as connection:
        connection.execute("begin")
        connection.execute(CREATE_NOTE)
        if _is_of_everything(context):
            connection.execute(
                f"insert into quality.published values (?, ?, ({LAST_BUILD}), ?)",  # noqa: S608
                [context.run_id, _made_of(connection, settings), _sha256(settings.serving_path)],
            )
        connection.execute("commit")


def _is_of_everything(context: AssetExecutionContext | AssetCheckExecutionContext) -> bool:
    """False for selections, and for resumed runs, whose models may come from other files."""
    is_resumed = context.run.tags.get(FROM_FAILURE_TAG) == "true"
    return not (context.run.asset_selection or context.run.asset_check_selection or is_resumed)


def _made_of(connection: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    """Changes with the loaded files, the project's files, and the requested day."""
    digest = sha256(f"{settings.as_of} {settings.env}".encode())
    for row in connection.execute(LOADED).fetchall():
        digest.update(repr(row).encode())
    digest.update(_project_digest())
    return digest.hexdigest()


@cache
def _project_digest() -> bytes:
    """Digest of the files when first read: later edits are not what this process runs."""
    digest = sha256()
    for path in _project_files():
        digest.update(str(path.relative_to(PROJECT_DIR)).encode() + path.read_bytes())
    return digest.digest()


def _project_files() -> Iterator[Path]:
    for room in ROOMS:
        place = PROJECT_DIR / room
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and not NOT_SOURCES.intersection(path.parts):
                yield path


def _published_run(settings: Settings) -> str | None:
    """The run of the published file; None if it is unreadable."""
    from serving.reader import query

    try:
        with query("select run_id from publish_info", path=settings.serving_path) as info:
            return info.fetchall()[0][0]
    except (duckdb.Error, DataDirError):
        return None


def _sha256(path: Path) -> str:
    """Hash of the published file: one damaged on disk is written again."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
