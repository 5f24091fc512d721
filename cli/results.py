"""Commands that publish, read, compare and send what passed the gates."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from settings import Settings, UserError, get_settings

if TYPE_CHECKING:
    from serving.publish.versions import Version

SHOWN_ROWS = 100
# Of a metric that an assistant asks for.
LONGEST_ANSWER_SECONDS = 120
VersionName = Annotated[str | None, typer.Argument(help="a version's name; left out: the one before")]


def query(sql: Annotated[str, typer.Argument(help='such as "from rpt_arr_mix_progress"')]) -> None:
    """Print what a query on the published file gives."""
    from serving.reader import query as ask

    with ask(sql) as result:
        result.show(max_rows=SHOWN_ROWS, max_width=180)


def metrics(context: typer.Context) -> None:
    """Ask MetricFlow: query, list, validate-configs, such as `growth metrics query --metrics mrr`."""
    program, project, environment = _metricflow(get_settings())
    os.chdir(project)
    os.execve(program, [program, *context.args], environment)


def mcp() -> None:
    """Serve the published tables to an assistant, read-only, by the Model Context Protocol on standard input."""
    from serving.assistant.server import build_server

    settings = get_settings()

    def ask(arguments: Sequence[str]) -> str:
        """The rows of a query as CSV, or the lines of a list."""
        program, project, environment = _metricflow(settings)
        with TemporaryDirectory() as folder:
            rows = Path(folder, "rows.csv")
            to_file = ["--csv", str(rows)] if arguments[0] == "query" else []
            command = [program, *arguments, *to_file]
            try:
                # Standard input is the assistant's.
                done = subprocess.run(
                    command, cwd=project, env=environment, stdin=subprocess.DEVNULL,
                    capture_output=True, text=True, check=False, timeout=LONGEST_ANSWER_SECONDS,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                raise UserError(
                    f"MetricFlow did not answer in {LONGEST_ANSWER_SECONDS} s: ask for fewer metrics or groups"
                ) from None
            if done.returncode:
                raise UserError(f"MetricFlow does not answer: {(done.stdout + done.stderr).strip()[-1000:]}")
            if to_file:
                return rows.read_text(encoding="utf-8")
        return "\n".join(line for line in done.stdout.splitlines() if line.startswith("•"))

    build_server(settings, ask).run("stdio")


def _metricflow(settings: Settings) -> tuple[str, Path, dict[str, str]]:
    """MetricFlow's program, the folder to run it in, and the environment in which it asks the published file."""
    from transform.dbt_runner import DBT_PROJECT_DIR, current_manifest, dbt_environment

    current_manifest(settings)
    parsed, project = settings.dbt_target_dir / "parsing", settings.dbt_target_dir / "metricflow"
    # Where it is run MetricFlow looks for these two. The checkout may belong to somebody else.
    (project / "target").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(DBT_PROJECT_DIR / "dbt_project.yml", project / "dbt_project.yml")
    shutil.copyfile(parsed / "semantic_manifest.json", project / "target" / "semantic_manifest.json")
    environment = dbt_environment(settings, parsed) | {"DBT_TARGET": "published"}
    return str(Path(sys.executable).with_name("mf")), project, {**os.environ, **environment}


def versions() -> None:
    """List the published versions that are kept."""
    from serving.publish.versions import versions as kept_versions

    found = kept_versions(get_settings())
    for version in found:
        print(f"{version}{' <- published' if version.is_live else ''}")
    if not found:
        print("nothing is published yet: `growth run` first")


def changes(version: VersionName = None) -> None:
    """Compare what is published with an earlier version: rows and money, by table and band."""
    from serving.publish.comparison import as_table
    from serving.publish.comparison import changes as changes_between

    settings = get_settings()
    earlier = _earlier(settings, version)
    print(f"from {earlier} to what is published:")
    print(as_table(changes_between(earlier.path, settings.serving_path)))


def diff(
    other: Annotated[
        str | None, typer.Argument(help="a version's name, or a DuckDB file; left out: the version before")
    ] = None,
    names: Annotated[int, typer.Option(help="how many names to print for each kind of move")] = 5,
) -> None:
    """Show who changed segment, tier, band or list between another file or version and what is published."""
    from serving.publish.decisions import compare_decisions, lines_of

    settings = get_settings()
    path = Path(other) if other and Path(other).is_file() else _earlier(settings, other).path
    moves, bands = compare_decisions(path, settings.serving_path)
    print(f"from {path}{_as_of(path)} to what is published{_as_of(settings.serving_path)}:")
    print("\n".join(lines_of(moves, bands, most=names)))


def rollback(version: VersionName = None) -> None:
    """Publish an earlier version again."""
    from serving.publish.versions import roll_back
    from warehouse.lock import hold

    settings = get_settings()
    # Chosen before waiting: a run that publishes meanwhile does not make another version the one before.
    earlier = _earlier(settings, version)
    with hold(settings.warehouse_path, "growth rollback"):
        replaced = roll_back(settings, earlier)
        instead = f"{replaced}, which is kept" if replaced else "a file that does not open"
        print(f"published again: {earlier}\ninstead of:      {instead}")
        is_page_written = _write_page_again(settings)
    if settings.postgres_url is not None:
        postgres()
    if not is_page_written:
        raise typer.Exit(1)


def export(
    send: Annotated[bool, typer.Option("--send", help="send them; without it they are only counted")] = False,
) -> None:
    """Count what has changed on the work lists since they were last sent; `--send` sends it."""
    from serving.exports.send import export as export_lists

    done = export_lists(get_settings(), send=send)
    print(f"work lists as of {done.as_of_date}, {'sent' if send else 'to be sent (a dry run: --send sends)'}:")
    for line in done.lines():
        print(f"  {line}")
    if done.refused:
        raise typer.Exit(1)


def digest(
    html: Annotated[bool, typer.Option("--html", help="as the HTML of the mail")] = False,
    send: Annotated[bool, typer.Option("--send", help="tell receiver `digest`, once per data day")] = False,
) -> None:
    """Print what happened in the week up to the data day, in sentences."""
    from serving.digest.week import digest as digest_of
    from serving.digest.written import as_html, as_text
    from serving.page.snapshot import Snapshot
    from serving.reader import snapshot

    settings = get_settings()
    with snapshot(settings.serving_path) as connection:
        week = digest_of(Snapshot(connection))
    print(as_html(week) if html else as_text(week))
    if send:
        from orchestration.alerts.figures import DIGEST_RECEIVER, put_digest
        from orchestration.alerts.sensor import send_waiting

        put_digest(settings)
        sent = send_waiting(settings, logging.getLogger(__name__))
        by_channel = {channel: is_sent for (channel, owner), is_sent in sent.items() if owner == DIGEST_RECEIVER}
        if unsent := [channel for channel, is_sent in by_channel.items() if not is_sent]:
            print(f"not sent by {', '.join(unsent)}: `growth digest --send` tries again, for two days", file=sys.stderr)
            raise typer.Exit(1)
        print("sent" if by_channel else "not sent again: the digest of this data day was sent before", file=sys.stderr)


def publish() -> None:
    """Publish what passed the gates."""
    from serving.publish.published_file import publish as publish_file
    from transform.dbt_runner import descriptions_of_marts
    from warehouse.lock import hold

    settings = get_settings()
    run_id = f"manual-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    with hold(settings.warehouse_path, f"growth publish {run_id}"):
        published = publish_file(settings, run_id, descriptions_of_marts(settings))
    print(f"published {published.path}: {sum(published.rows_by_table.values()):,} rows as of {published.as_of_date}")


def page() -> None:
    """Write the daily page from what is published."""
    _write_page(get_settings())


def images(folder: Annotated[Path, typer.Argument(help="such as docs/images")]) -> None:
    """Draw the main charts of the page as PNG files."""
    from serving.page.images import write_images

    for path in write_images(get_settings(), folder):
        print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB)")


def postgres() -> None:
    """Copy what is published to the PostgreSQL database of GROWTH_POSTGRES_URL."""
    from serving.postgres import publish_to_postgres

    copied = publish_to_postgres(get_settings())
    if copied.is_unchanged:
        print(f"PostgreSQL has what run {copied.run_id} published already")
    else:
        print(f"PostgreSQL has what run {copied.run_id} published: {sum(copied.rows_by_table.values()):,} rows")


def _earlier(settings: Settings, name: str | None) -> "Version":
    from serving.publish.versions import version_before, version_named

    return version_named(settings, name) if name else version_before(settings)


def _as_of(path: Path) -> str:
    """The data day of a published file, in words; nothing for a file that does not say it, such as a warehouse."""
    import duckdb

    from serving.reader import query as ask

    try:
        with ask("select as_of_date from publish_info", path=path) as info:
            return f" as of {info.fetchall()[0][0]}"
    except duckdb.CatalogException:
        return ""


def _write_page(settings: Settings) -> None:
    from serving.page.build import write_page

    written = write_page(settings)
    print(f"wrote {written.path} ({written.bytes_written / 1e6:.1f} MB) as of {written.as_of_date}")
    for sentence in written.missing:
        print(f"  {sentence}")
    for sentence, fault in written.faults.items():
        print(f"warning: {sentence} {fault}", file=sys.stderr)


def _write_page_again(settings: Settings) -> bool:
    """Whether the page of the version that is live again could be written; the old page would contradict it."""
    import duckdb

    try:
        _write_page(settings)
    except (OSError, duckdb.Error) as error:
        settings.page_path.unlink(missing_ok=True)
        print(f"{settings.page_path} is removed, since none can be made of this version: {error}", file=sys.stderr)
        return False
    return True
