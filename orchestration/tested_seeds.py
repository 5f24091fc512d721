"""Seeds that are loaded and tested in their current state need not be loaded again."""

from collections.abc import Collection

import duckdb

from settings import Settings
from transform.dbt_runner import files_digest
from warehouse.connection import connect


def tested_seeds(settings: Settings) -> set[str]:
    """Names of the seeds that were loaded and tested with the current dbt project.

    Any dbt command that loads a seed, also a person's, clears the record (macro `forget_tested_seeds`).
    """
    try:
        with connect(settings.warehouse_path, read_only=True) as connection:
            noted = connection.execute(
                "select name from quality.seeds_tested where project = ? "
                "and name in (select table_name from duckdb_tables() where schema_name = 'seeds')",
                [files_digest()],
            )
            return {name for (name,) in noted.fetchall()}
    except duckdb.CatalogException:
        return set()


def note_tested_seeds(names: Collection[str], project: str, settings: Settings) -> None:
    """Record that exactly these seeds are loaded and tested with the project of this digest.

    Nothing is recorded if the project's files have changed since: it is unknown what dbt has read.
    """
    if files_digest() == project:
        with connect(settings.warehouse_path) as connection:
            connection.execute("begin")
            connection.execute("delete from quality.seeds_tested")
            rows = [[name, project] for name in sorted(names)]
            connection.executemany("insert into quality.seeds_tested values (?, ?)", rows)
            connection.execute("commit")
