"""Reading the published file from Python, so that each query sees one whole publish, the newest."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from settings import get_settings
from warehouse.folder import damage

WRITE_AGAIN = "run again, which writes it anew, or `growth rollback`"


@contextmanager
def snapshot(path: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to the published file for a few questions to one publish; schema `marts` is the default.

    To be closed soon: it keeps showing what was published when it was made. `path` is by default the data folder's
    file. Raises `FileNotFoundError` if nothing is published, `DamagedFileError` if the file is damaged.
    """
    path = path or get_settings().serving_path
    if not path.exists():
        raise FileNotFoundError(f"nothing is published at {path} yet: `growth run` first, or set GROWTH_DATA_DIR")
    try:
        with duckdb.connect() as connection:
            # Attached, since connecting to a path that this process has open shows the file that was there then.
            place = str(path).replace("'", "''")
            connection.execute(f"attach '{place}' as serving (read_only)")
            connection.execute("use serving.marts")
            yield connection
    except duckdb.Error as error:
        if damaged := damage(path, str(error), WRITE_AGAIN):
            raise damaged from error
        raise


@contextmanager
def query(
    sql: str, parameters: Sequence[object] = (), *, path: Path | None = None
) -> Iterator[duckdb.DuckDBPyRelation]:
    """The result of one query on the published file, to be taken (`fetchall`, `df`, `arrow`) before the block ends.

    Opens the file read-only for this query alone: a connection that is held open keeps showing what was published
    when it was made. `path` is by default the data folder's file. Raises `FileNotFoundError` if nothing is published.
    """
    with snapshot(path) as connection:
        yield connection.sql(sql, params=list(parameters))
