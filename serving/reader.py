"""Read the published file from Python. Each query sees one complete publish, the newest."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from settings import get_settings
from warehouse.folder import damage
from warehouse.sql_text import literal

if TYPE_CHECKING:
    import pandas

RECOVERY = "run `growth run` to write it anew, or `growth rollback`"


@contextmanager
def snapshot(path: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to one publish, with `marts` as the default schema.

    Close it soon: it does not see later publishes. `path` defaults to the data folder's file. Raises
    `FileNotFoundError` or `DamagedFileError`.
    """
    path = path or get_settings().serving_path
    if not path.exists():
        raise FileNotFoundError(f"nothing is published at {path} yet: run `growth run` first, or set GROWTH_DATA_DIR")
    try:
        with duckdb.connect() as connection:
            # Attached: connecting to a path this process has open would show the file as it was then.
            connection.execute(f"attach {literal(path)} as serving (read_only)")
            connection.execute("use serving.marts")
            yield connection
    except duckdb.Error as error:
        if damaged := damage(path, str(error), RECOVERY):
            raise damaged from error
        raise


@contextmanager
def query(
    sql: str, parameters: Sequence[object] = (), *, path: Path | None = None
) -> Iterator[duckdb.DuckDBPyRelation]:
    """The result of one query on the newest publish; fetch it before the block ends (`fetchall`, `df`, `arrow`).

    `path` defaults to the data folder's file. Raises `FileNotFoundError` if nothing is published.
    """
    with snapshot(path) as connection:
        yield connection.sql(sql, params=list(parameters))


def dataframe(
    sql: str, parameters: Sequence[object] = (), *, exact_decimals: bool = False, path: Path | None = None
) -> "pandas.DataFrame":
    """The result of one query on the newest publish as a pandas DataFrame, one row a row.

    Decimals, such as money, are floats; with `exact_decimals` they are Python's `Decimal`, None where null. `path`
    defaults to the data folder's file. Raises `FileNotFoundError` if nothing is published.
    """
    from pyarrow.types import is_decimal

    with snapshot(path) as connection:
        table = connection.sql(sql, params=list(parameters)).to_arrow_table()
        frame = connection.from_arrow(table).df()
    if exact_decimals:
        for index, field in enumerate(table.schema):
            if is_decimal(field.type):
                frame.isetitem(index, table.column(index).to_pandas())
    return frame
