"""Run dbt in this process: it starts once per run instead of once per command, and dies with the run."""

import json
import logging
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock

from settings import PERSONAL_MARK, PROJECT_DIR, Settings, UserError
from transform import on_postgres, on_spark
from transform.days import Days, dbt_variables
from warehouse import postgres
from warehouse.connection import connect
from warehouse.folder import damage, make_data_folder, unwritable

logger = logging.getLogger(__name__)

DBT_PROJECT_DIR = PROJECT_DIR / "dbt_project"
SLOW_NODE_SECONDS = 2.0
# Of what the test of a seed has found.
SHOWN_ROWS = 3
PARSED = "partial_parse.msgpack"
# The commands of dbt that write tables.
BUILDING = ("build", "run", "seed")
# Runs test the seeds, which people edit; the gates check the same tables as the models' tests.
DEVELOPER_TESTS = (
    "resource_type:unit_test",
    "resource_type:test,path:models",
    "resource_type:test,path:tests/models",
)
# Left unchanged by a run for some days: views, and what people edit.
NOT_BUILT_BY_DAYS = ("fqn:growth.staging", "resource_type:seed", "resource_type:test")


class DbtError(UserError):
    """dbt failed; the message is dbt's own, with the failed node. `built` names what was built before."""

    def __init__(self, message: str, built: Collection[str] = ()) -> None:
        super().__init__(message)
        self.built = built


def build_models(selection: Sequence[str], settings: Settings, *, days: Days | None = None) -> list[Any]:
    """Build the selected nodes, test the seeds among them, and return the results (dbt's `RunResult`).

    Incremental models are built for the changed days, or for `days` with their inputs. Raises `DbtError`.
    """
    excluded: tuple[str, ...] = DEVELOPER_TESTS
    if days:
        selection, excluded = [f"+{name}" for name in selection], (*DEVELOPER_TESTS, *NOT_BUILT_BY_DAYS)
    target_dir = settings.dbt_target_dir / "run"
    # dbt would write the manifest twice per build, a second each, and nothing reads it.
    arguments = ["build", "--no-write-json", "--select", *selection, "--exclude", *excluded]
    project = parsed_project(settings)
    return invoke_dbt(arguments, settings, target_dir, manifest=project, days=days)


def invoke_dbt(
    arguments: Sequence[str],
    settings: Settings,
    target_dir: Path,
    *,
    manifest: Any = None,
    days: Days | None = None,
    project: Path = DBT_PROJECT_DIR,
) -> Any:
    """Run a dbt command and return its results; with a `manifest` nothing is parsed again. Raises `DbtError`."""
    from dbt.cli.main import dbtRunner

    target_dir.mkdir(parents=True, exist_ok=True)
    log = (target_dir / "dbt.log").open("w", encoding="utf-8", errors="replace")

    def on_event(event: Any) -> None:
        # dbt goes on to pass on what libraries log, such as that a server is gone, after its command has ended.
        if event.info.level != "debug" and not log.closed:
            log.write(f"{event.info.ts.ToJsonString()} {event.info.level} {event.info.msg}\n")
        if event.info.name == "LogModelResult" and event.data.execution_time >= SLOW_NODE_SECONDS:
            logger.info(f"{event.data.description}: {event.data.execution_time:.1f} s")

    # dbt would render each statement for a log that is never written.
    flags = ["--quiet", "--log-level", "none", "--log-level-file", "none"]
    with ExitStack() as held:
        held.enter_context(log)
        said = {"GROWTH_MACROS": files_digest(project / "macros"), **dbt_variables(days)}
        held.enter_context(_environment({**dbt_environment(settings, target_dir), **said}))
        if settings.target == "postgres":
            held.enter_context(on_postgres.building(settings))
        if settings.target == "spark":
            held.enter_context(on_spark.one_session_a_thread())
            if arguments[0] in BUILDING:
                held.enter_context(on_spark.building(settings))
        try:
            done = dbtRunner(manifest, callbacks=[on_event]).invoke([*flags, *arguments, "--project-dir", str(project)])
        finally:
            _close_dbt_connections()
        results: Any = getattr(done.result, "results", done.result)
        if not done.success:
            raise DbtError(_message(settings, results or [], done.exception), _built(results or []))
    return results


def _message(settings: Settings, results: Sequence[Any], exception: BaseException | None) -> str:
    """What failed, in dbt's words, or a sentence about the file or server that is at fault."""
    failed = [_said_of(settings, result) for result in results if result.status in ("error", "fail", "runtime error")]
    message = "; ".join(failed) or str(exception)
    if settings.target == "spark":
        return on_spark.sentence(settings, message)
    if settings.target == "postgres":
        return on_postgres.sentence(message)
    return str(damage(settings.warehouse_path, message) or message)


def _said_of(settings: Settings, result: Any) -> str:
    """What dbt says of a node that failed; of a seed's test the file, what was found in it, and what to do."""
    node = result.node
    # Only a test fails, and only other nodes than seeds say what they depend on.
    parents = node.depends_on.nodes if result.status == "fail" else []
    files = [f"dbt_project/seeds/{name.split('.')[-1]}.csv" for name in parents if name.startswith("seed.")]
    if not files:
        return f"{node.name}: {(result.message or str(result.status)).strip()}"
    found = ""
    if settings.target == "duckdb":
        with connect(settings.warehouse_path, read_only=True) as connection:
            rows = connection.sql(f"select * from ({node.compiled_code}) limit {SHOWN_ROWS}")  # noqa: S608
            pairs = [", ".join(map("{}={}".format, rows.columns, row)) for row in rows.fetchall()]
        found = f", found {'; '.join(pairs)}"
    return f"{' and '.join(files)} fails its test {node.name}{found}: correct the file and run again"


def _built(results: Sequence[Any]) -> list[str]:
    """Nodes that were built and failed no test; a seed with a failed test must be fixed and loaded again."""
    doubted = {
        tested
        for result in results
        if result.node.resource_type == "test" and result.status not in ("pass", "warn", "skipped")
        for tested in result.node.depends_on.nodes
    }
    return [
        result.node.name for result in results if result.status == "success" and result.node.unique_id not in doubted
    ]


def current_manifest(settings: Settings) -> Path:
    """Path of a manifest of the project's current files. Raises `DbtError` if the project does not parse."""
    with _parsed_files(settings, files_digest()) as manifest:
        return manifest


def descriptions_of_marts(settings: Settings) -> dict[tuple[str, str], str]:
    """The descriptions in the dbt project, by mart and column; "" stands for the mart itself.

    That of a column with personal data says so at its end.
    """
    nodes = json.loads(current_manifest(settings).read_text())["nodes"].values()
    marts = [node for node in nodes if node["resource_type"] == "model" and node["schema"] == "marts"]
    described = {(mart["name"], ""): mart["description"] for mart in marts}
    return described | {
        (mart["name"], name): f"{column['description']} {PERSONAL_MARK if is_personal else ''}".strip()
        for mart in marts
        for name, column in mart["columns"].items()
        for is_personal in ["personal_data" in column["config"].get("meta", {})]
    }


_parsed: dict[str, Any] = {}


def parsed_project(settings: Settings) -> Any:
    """The parsed project, cached in the process for each state of its files.

    Read from dbt's partial parse: dbt would parse everything again when an environment variable changes.
    """
    # What `dbtRunner` takes; no public module has the class.
    from dbt.contracts.graph.manifest import Manifest

    files = files_digest()
    # Types and relations are written for one engine.
    state = f"{files} {settings.target}"
    if state not in _parsed:
        with _parsed_files(settings, files):
            manifest = Manifest.from_msgpack((_parsing_dir(settings) / PARSED).read_bytes())
        manifest.build_flat_graph()
        _parsed.clear()
        _parsed[state] = manifest
    return _parsed[state]


@contextmanager
def _parsed_files(settings: Settings, files: str) -> Iterator[Path]:
    """The manifest of `files` (a digest), locked while the block runs.

    A run, the code server and a build in a shell may notice an edited project at the same time.
    """
    manifest, made_of = settings.dbt_target_dir / "manifest.json", _parsing_dir(settings) / "made_of"
    with ExitStack() as held:
        try:
            make_data_folder(settings.data_dir)
            made_of.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(FileLock(made_of.with_suffix(".lock")))
        except OSError as error:
            raise unwritable(settings.data_dir, error) from error
        # Compare content, not mtimes: a restored checkout can have older mtimes and different content.
        if not (made_of.is_file() and made_of.read_bytes() == _parse_digest(settings, files)):
            made_of.unlink(missing_ok=True)
            # dbt would continue from a partial parse, even a damaged one.
            (_parsing_dir(settings) / PARSED).unlink(missing_ok=True)
            invoke_dbt(["parse"], settings, _parsing_dir(settings))
            # One rename, so that a killed process leaves no incomplete manifest.
            (_parsing_dir(settings) / manifest.name).replace(manifest)
            made_of.write_bytes(_parse_digest(settings, files))
        yield manifest


def _parse_digest(settings: Settings, files: str) -> bytes:
    """Digests of the parsed files and of dbt's output: if either changes, parse again."""
    written = [settings.dbt_target_dir / "manifest.json", _parsing_dir(settings) / PARSED]
    digests = [sha256(path.read_bytes()).hexdigest() if path.is_file() else "none" for path in written]
    return " ".join([files, settings.target, *digests]).encode()


def _parsing_dir(settings: Settings) -> Path:
    return settings.dbt_target_dir / "parsing"


def dbt_environment(settings: Settings, target_dir: Path) -> dict[str, str]:
    """The settings as dbt reads them, with a folder for its artifacts."""
    return {
        "GROWTH_DATA_DIR": str(settings.data_dir),
        "GROWTH_DBT_FILE": str(settings.warehouse_path),
        "GROWTH_MEMORY_LIMIT": f"{settings.memory_limit_bytes}B",
        "GROWTH_AS_OF": settings.as_of.isoformat() if settings.as_of else "",
        "GROWTH_TARGET": settings.target,
        **(postgres.environment() if settings.target == "postgres" else {}),
        **(on_spark.dbt_variables(settings) if settings.target == "spark" else {}),
        "DBT_PROFILES_DIR": str(DBT_PROJECT_DIR),
        "DBT_TARGET_PATH": str(target_dir),
        "DBT_LOG_PATH": str(target_dir),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for dbt, which reads its settings from there."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _close_dbt_connections() -> None:
    """The adapter keeps its connection open, and no other part of the run could open the file."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    DuckDBConnectionManager.close_all_connections()


def files_digest(folder: Path = DBT_PROJECT_DIR) -> str:
    """Changes with any file of the dbt project, or of a folder in it."""
    ignored = {"target", "logs", "__pycache__"}
    digest = sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not ignored.intersection(name.parts):
            digest.update(f"{name} {path.stat().st_size} ".encode() + path.read_bytes())
    return digest.hexdigest()
