"""A deletion request leaves nothing of its subject in the data folder, and every figure as it was."""

import json
import re
import shutil
import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from ingestion.load import load_sources
from serving.exports.send import export
from settings import Settings
from tests.support.running import Run, marts, run_and_kill
from tests.support.spellings import byte_spellings, spellings
from warehouse.connection import connect

pytestmark = pytest.mark.slow

ADDRESS = "ada@acme.example"
# Keys are left: org-acme, cus_acme.
WORDS = r"Acme|(?i:ada@acme|acme\.example)"
AS_BYTES = re.compile(b"|".join([WORDS.encode(), *map(re.escape, sorted(byte_spellings(ADDRESS)))]))
# The project's own text: its unit tests have an Acme, too.
OF_THE_PROJECT = Path("state", "dbt")
NAMED = {"name", "customer_name", "domain"}


def plant(data_dir: Path) -> None:
    """Whatever a run can leave of somebody beside its tables: exports, quotes in logs and alerts, copies, leftovers."""
    settings = Settings(data_dir=data_dir)
    assert export(settings, send=True).changes
    said = sorted(spellings(ADDRESS))
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "insert into quality.expectation_results by name select *  replace "
            "('For example: domain=acme.example, rows=2' as detail) from quality.expectation_results limit 1"
        )
    for path, statement in (
        (settings.alerts_path, "insert into told values ('log', 'team:data', 'x', 'Ada@Acme.example', 'now', 0)"),
        (
            next(settings.dagster_home.glob("history/runs/*-*.db")),
            "update event_logs set event = ?",
        ),
    ):
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(statement, [json.dumps({"error": json.dumps(said)})] if "?" in statement else [])
    trial = settings.private_warehouse_path.parent / "trial" / "warehouse.duckdb"
    trial.parent.mkdir(parents=True)
    for copy in (settings.private_warehouse_path, trial):
        shutil.copy(settings.warehouse_path, copy)
    leftovers = (
        "state/dlt/package",
        "state/load/copy",
        "before_restore/x",
        "dagster/storage/run/compute_logs/step.err",
    )
    for leftover in leftovers:
        (data_dir / leftover).parent.mkdir(parents=True, exist_ok=True)
        (data_dir / leftover).write_text(f"{said} are no numbers")


def found(data_dir: Path) -> set[str]:
    """Where one of the words is: files whose bytes have it, and columns of tables, which DuckDB compresses."""
    places = set()
    for path in [path for path in data_dir.rglob("*") if path.is_file()]:
        place = path.relative_to(data_dir)
        if not place.is_relative_to(OF_THE_PROJECT) and AS_BYTES.search(path.read_bytes()):
            places.add(str(place))
        if path.suffix in {".db", ".sqlite"} and any(map(AS_BYTES.search, packed(path))):
            places.add(f"{place}: what is packed in it")
        if path.suffix == ".duckdb":
            with connect(path, read_only=True) as connection:
                columns = connection.execute(
                    "select schema_name, table_name, column_name from duckdb_columns() "
                    "where not internal and data_type in ('VARCHAR', 'JSON')"
                ).fetchall()
                for schema, table, column in columns:
                    query = f'select 1 from "{schema}"."{table}" where regexp_matches("{column}"::varchar, ?) limit 1'
                    if connection.execute(query, [WORDS]).fetchall():
                        places.add(f"{place}: {schema}.{table}.{column}")
    return places


def packed(path: Path) -> list[bytes]:
    """What an SQLite file keeps compressed: Dagster's snapshots of jobs."""
    with closing(sqlite3.connect(path)) as database:
        tables = database.execute("select name from sqlite_master where type = 'table'").fetchall()
        columns = [(table, row[1]) for (table,) in tables for row in database.execute(f"pragma table_info('{table}')")]
        blobs = [
            blob
            for table, column in columns
            for (blob,) in database.execute(f"""select "{column}" from "{table}" where typeof("{column}") = 'blob'""")
        ]
    return [zlib.decompress(blob) for blob in blobs]


def without_names(data_dir: Path) -> dict[str, list[tuple]]:
    """The published marts without the columns that have a name or a domain."""
    rows = marts(data_dir)
    with connect(Settings(data_dir=data_dir).serving_path, read_only=True) as connection:
        for table, of_table in rows.items():
            columns = [row[0] for row in connection.execute(f"describe marts.{table}").fetchall()]
            kept = [index for index, column in enumerate(columns) if column not in NAMED]
            rows[table] = [tuple(row[index] for index in kept) for row in of_table]
    return rows


def test_killed_deletion_request_is_completed_by_the_next(undisturbed: Path, data_dir: Path, source_root: Path) -> None:
    plant(data_dir)
    before = found(data_dir)
    assert {place.split(":")[0].split("/")[0] for place in before} >= {
        "warehouse.duckdb", "published", "exports", "state", "dagster", "private",
    }  # fmt: skip
    said = run_and_kill(data_dir, source_root, "load", command=("forget", "--organization", "org-acme-eu"))
    assert "possibly meant too: organization org-acme\n" in said
    ended = Run(data_dir, source_root, command=("forget", "--organization", "org-acme")).end()
    assert ended.returncode == 0, ended.stdout
    assert not re.search(WORDS, said + ended.stdout)
    assert found(data_dir) == set()
    # The same files, written again, are read again, and bring nobody back, not even into blocks that nothing uses.
    own = Path(shutil.copytree(source_root, data_dir.parent / "source"))
    load_sources(Settings(data_dir=data_dir, source_root=str(own)))
    assert found(data_dir) == set()
    assert without_names(data_dir) == without_names(undisturbed)
    again = Run(data_dir, own, command=("forget", "--organization", "org-acme-eu")).end()
    assert again.stdout == "nothing is left about this request; it is on the list\n"
    assert again.returncode == 0
