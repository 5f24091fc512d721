"""Seeds that are in the warehouse as the project's files say and have passed their tests: they are not filled again."""

from collections.abc import Collection

import duckdb

from common.settings import Settings
from common.warehouse import connect
from orchestration.dbt import files_digest


def tested_seeds(settings: Settings) -> set[str]:
    """Names of the seeds that were filled and tested with the dbt project as it is now.

    Any dbt command that fills one, a person's too, forgets all of them (macro `forget_tested_seeds`).
    """
    try:
        with connect(settings.warehouse_path, read_only=True) as connection:
            noted = connection.execute("select name from quality.seeds_tested where project = ?", [files_digest()])
            return {name for (name,) in noted.fetchall()}
    except duckdb.CatalogException:
        return set()


def note_tested_seeds(names: Collection[str], project: str, settings: Settings) -> None:
    """Remember seeds that were filled and have passed their tests with the dbt project of a digest."""
    rows = [[name, project] for name in sorted(names)]
    if rows:
        with connect(settings.warehouse_path) as connection:
            connection.executemany("insert into quality.seeds_tested values (?, ?)", rows)
