"""Seeds that are in the warehouse as the project's files say and have passed their tests: they are not filled again."""

from collections.abc import Collection

import duckdb

from settings import Settings
from transform.dbt_runner import files_digest
from warehouse.connection import connect


def tested_seeds(settings: Settings) -> set[str]:
    """Names of the seeds that are there, filled and tested with the dbt project as it is now.

    Any dbt command that fills one, a person's too, forgets all of them (macro `forget_tested_seeds`).
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
    """Remember that these seeds, and no others, are filled and have passed their tests with the project of a digest.

    Nothing is noted if the project's files have changed meanwhile: then nobody knows what dbt has read.
    """
    if files_digest() == project:
        with connect(settings.warehouse_path) as connection:
            connection.execute("begin")
            connection.execute("delete from quality.seeds_tested")
            rows = [[name, project] for name in sorted(names)]
            connection.executemany("insert into quality.seeds_tested values (?, ?)", rows)
            connection.execute("commit")
