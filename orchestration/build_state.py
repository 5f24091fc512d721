"""What need not be done again: a publish of the same, what the project's files alone say, and what a failed run built.

Table `quality.done` has a row for each, with a digest of its inputs, and a row counts while these are the same. This
module owns the table. Files alone say what is in a seed, which has passed its tests then, and what a view on raw tables
is; dbt's macro `forget_what_files_say` clears these before any dbt command writes one.

Models, gates and the published file are functions of schema raw, the project's files and the data day. A full run with
the inputs of the last publish reports that run and does nothing; selections and builds in a shell always run.
"""

from collections.abc import Collection, Iterator
from functools import cache
from hashlib import file_digest, sha256
from pathlib import Path

import duckdb
from dagster import AssetCheckExecutionContext, AssetExecutionContext, DagsterRun

from connectors.systems import configured_systems
from settings import PROJECT_DIR, Settings
from transform.dbt_runner import files_digest
from warehouse.connection import connect
from warehouse.folder import DataDirError
from warehouse.lock import WarehouseBusyError, hold

FROM_FAILURE_TAG = "dagster/is_resume_retry"
NOT_SOURCES = {"target", "logs", "__pycache__"}
PUBLISHED, SAID_BY_FILES, BUILT_BEFORE_FAILURE = "published", "said_by_files", "built_before_failure"
CREATE = "create table if not exists quality.done (what varchar, name varchar, run_id varchar, made_of varchar)"
LOADED = "select table_name, file, fingerprint, loaded_at from raw.loaded_files order by all"
# Rows of a file that is gone are no longer set aside, and nothing is loaded.
SET_ASIDE = "select table_name, file, rule, count(*) from raw.rejected_rows group by all order by all"
LAST_BUILD = "select max(turn) from quality.builds"
LAST_BUILD_AND_LOAD = "select (select max(turn) from quality.builds), (select max(turn) from raw.loaded_files)"
SEEDS_AND_STAGING = """
select table_name from duckdb_tables() where schema_name in ('seeds', 'staging')
union all
select view_name from duckdb_views() where schema_name = 'staging'
"""
RAW_COLUMNS = """
select table_name, column_name, data_type from duckdb_columns() where schema_name = 'raw' order by all
"""


def unchanged_since(context: AssetExecutionContext | AssetCheckExecutionContext, settings: Settings) -> str | None:
    """The run that published the same inputs, or None if there is something to do."""
    if not _is_of_everything(context) or not settings.serving_path.exists():
        return None
    with connect(settings.warehouse_path, read_only=True) as connection:
        return _published_of_the_same(connection, settings)


def nothing_is_new(settings: Settings) -> bool:
    """Whether a run would publish what is published, as seen before it begins.

    In production a run also asks whether usage still arrives, and a live system has to be asked: there a run always
    begins. So it does if another process has the warehouse.
    """
    from ingestion.errors import SourceError
    from ingestion.load import is_all_loaded

    has_to_ask = settings.env == "production" or bool(configured_systems(settings))
    if has_to_ask or not (settings.serving_path.exists() and settings.warehouse_path.exists()):
        return False
    try:
        with (
            hold(settings.warehouse_path, "growth run", wait_seconds=0),
            connect(settings.warehouse_path, read_only=True) as connection,
        ):
            return is_all_loaded(connection, settings) and bool(_published_of_the_same(connection, settings))
    except (SourceError, WarehouseBusyError, duckdb.Error, DataDirError):
        # The run that begins now says what is wrong.
        return False


def _published_of_the_same(connection: duckdb.DuckDBPyConnection, settings: Settings) -> str | None:
    """The run that published what is loaded, from the same project and for the same data day."""
    try:
        noted = _read(connection, PUBLISHED, _made_of(connection, settings))
    except (duckdb.CatalogException, duckdb.BinderException):
        # Nothing was built yet, or only by a version that ordered builds by the clock.
        return None
    # The file is hashed only if a publish of the same is noted: that of a large company takes a second.
    return noted[0][1] if noted and noted == [(_sha256(settings.serving_path), _published_run(settings))] else None


def note_published(context: AssetExecutionContext, settings: Settings) -> None:
    """Record the inputs of this run's publish, unless the run built only a part."""
    names = [_sha256(settings.serving_path)] if _is_of_everything(context) else []
    with connect(settings.warehouse_path) as connection:
        _write(connection, PUBLISHED, names, context.run_id, _made_of(connection, settings))


def state_of_files(settings: Settings) -> str:
    """Changes with any file of the dbt project and with the columns of the raw tables."""
    with connect(settings.warehouse_path, read_only=True) as connection:
        columns = connection.execute(RAW_COLUMNS).fetchall()
    return sha256(f"{files_digest()} {columns}".encode()).hexdigest()


def said_by_files(state: str, settings: Settings) -> set[str]:
    """Names of the seeds and views that were made in this state of the files and are still there."""
    with connect(settings.warehouse_path, read_only=True) as connection:
        there = {name for (name,) in connection.execute(SEEDS_AND_STAGING).fetchall()}
        return {name for name, _ in _read(connection, SAID_BY_FILES, state)} & there


def note_said_by_files(names: Collection[str], state: str, run_id: str, settings: Settings) -> None:
    """Record that exactly these seeds and views were made in this state of the files, and the seeds tested.

    Nothing is recorded if the files have changed since: it is unknown what dbt has read.
    """
    if state_of_files(settings) == state:
        with connect(settings.warehouse_path) as connection:
            _write(connection, SAID_BY_FILES, names, run_id, state)


def built_before(run: DagsterRun, settings: Settings) -> set[str]:
    """What the failed parent run had built; empty if anything was loaded or built since."""
    if run.tags.get(FROM_FAILURE_TAG) != "true":
        return set()
    with connect(settings.warehouse_path, read_only=True) as connection:
        noted = _read(connection, BUILT_BEFORE_FAILURE, _last_build_and_load(connection))
    return {name for name, run_id in noted if run_id == run.parent_run_id}


def note_failed_build(settings: Settings, run_id: str, built: Collection[str]) -> None:
    """Record what the build of a run had built when it failed."""
    with connect(settings.warehouse_path) as connection:
        _write(connection, BUILT_BEFORE_FAILURE, built, run_id, _last_build_and_load(connection))


def _read(connection: duckdb.DuckDBPyConnection, what: str, made_of: str) -> list[tuple[str, str]]:
    """Name and run of each row of a kind that counts."""
    try:
        return connection.execute(
            "select name, run_id from quality.done where what = ? and made_of = ?", [what, made_of]
        ).fetchall()
    except duckdb.CatalogException:
        return []


def _write(connection: duckdb.DuckDBPyConnection, what: str, names: Collection[str], run_id: str, made_of: str) -> None:
    """Put these rows in the place of all others of their kind."""
    connection.execute("begin")
    connection.execute(CREATE)
    connection.execute("delete from quality.done where what = ?", [what])
    for name in sorted(names):
        connection.execute("insert into quality.done values (?, ?, ?, ?)", [what, name, run_id, made_of])
    connection.execute("commit")


def _last_build_and_load(connection: duckdb.DuckDBPyConnection) -> str:
    return str(connection.execute(LAST_BUILD_AND_LOAD).fetchone())


def _is_of_everything(context: AssetExecutionContext | AssetCheckExecutionContext) -> bool:
    """False for selections, and for resumed runs, whose models may come from other files."""
    is_resumed = context.run.tags.get(FROM_FAILURE_TAG) == "true"
    return not (context.run.asset_selection or context.run.asset_check_selection or is_resumed)


def _made_of(connection: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    """Changes with the loaded files, what was set aside, the last build, the project's files, and the requested day."""
    digest = sha256(f"{settings.as_of} {settings.env} {connection.execute(LAST_BUILD).fetchone()}".encode())
    for row in connection.execute(LOADED).fetchall() + connection.execute(SET_ASIDE).fetchall():
        digest.update(repr(row).encode())
    digest.update(project_digest())
    return digest.hexdigest()


@cache
def project_digest() -> bytes:
    """Digest of the files when first read: later edits are not what this process runs."""
    digest = sha256()
    for path in _project_files():
        digest.update(str(path.relative_to(PROJECT_DIR)).encode() + path.read_bytes())
    return digest.digest()


def _project_files() -> Iterator[Path]:
    rooms = [path.parent for path in PROJECT_DIR.glob("*/__init__.py") if path.parent.name != "benchmarks"]
    others = [*PROJECT_DIR.glob("*.py"), PROJECT_DIR / "dbt_project", PROJECT_DIR / "requirements.lock"]
    for place in sorted([*rooms, *others]):
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and not NOT_SOURCES.intersection(path.relative_to(PROJECT_DIR).parts):
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
    """Hash of the published file: if it is damaged on disk, a run publishes again."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
