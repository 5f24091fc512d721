"""Short-lived connections to the warehouse and the DuckDB files of the data folder, and the order of writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from settings import get_settings
from warehouse import postgres
from warehouse.folder import damage
from warehouse.sql_text import literal

# Of money and quantities, DuckDB unpacks each number of more than 18 digits in 200 ns, and reads a plain one in 10: a
# quarter of what a day's queries take. The file is twice as large. dbt's profile says the same.
PLAIN_NUMBERS = "set disabled_compression_methods = 'bitpacking'"


@contextmanager
def connect(path: Path, *, read_only: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A short-lived connection to a DuckDB file or the warehouse's server, in UTC, within the memory limit.

    Tables have the same names in both. The caller holds the lock (see `hold`). Raises `DamagedFileError` if the file is
    damaged, and `ServerError`.
    """
    if postgres.is_on_server(path):
        with postgres.connect(path, read_only=read_only) as connection:
            connection.execute("set TimeZone = 'UTC'")
            limit_memory(connection, path)
            yield connection
        return
    try:
        if not (read_only or path.exists()):
            _make(path)
        with duckdb.connect(str(path), read_only=read_only) as connection:
            connection.execute("set TimeZone = 'UTC'")
            limit_memory(connection, path)
            connection.execute(PLAIN_NUMBERS)
            yield connection
    except duckdb.Error as error:
        if damaged := damage(path, str(error)):
            raise damaged from error
        raise


def limit_memory(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Keep within `GROWTH_MEMORY_LIMIT`; what does not fit goes to a folder beside the file at `path`."""
    connection.execute(f"set memory_limit = '{get_settings().memory_limit_bytes}B'")
    # No parameter: to bind one, DuckDB imports pandas.
    connection.execute(f"set temp_directory = {literal(spill_folder(path))}")


def spill_folder(path: Path) -> Path:
    """Where DuckDB keeps what does not fit into memory, unless told otherwise; a killed process leaves it behind."""
    return path.with_name(f"{path.name}.tmp")


def _make(path: Path) -> None:
    """Create a new file in one rename: a partly written one would look damaged."""
    building = path.with_suffix(".building")
    building.unlink(missing_ok=True)
    duckdb.connect(str(building)).close()
    # The log of a file that was moved away.
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    building.replace(path)


def next_turn(connection: duckdb.DuckDBPyConnection) -> int:
    """The next write number: later loads, builds and checks have larger ones, whatever the clock says.

    The caller holds the lock. dbt's macro `take_turn` uses the same table.
    """
    connection.execute("create schema if not exists quality")
    connection.execute("create table if not exists quality.turns (turn bigint not null)")
    # No `returning`, which a server's table has not.
    connection.execute("insert into quality.turns select coalesce(max(turn), 0) + 1 from quality.turns")
    return connection.execute("select max(turn) from quality.turns").fetchall()[0][0]
