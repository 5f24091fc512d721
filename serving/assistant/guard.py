"""A connection on which an assistant can read the published tables, and do nothing else.

Three walls stand behind each other: DuckDB's own parser has to find one SELECT over published tables; the connection
reaches neither files nor the network, and its settings are locked; memory, time, rows and characters have limits.
"""

import json
import secrets
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from settings import PERSONAL_MARK, UserError
from warehouse.sql_text import literal, quote

MEMORY_LIMIT = "512MB"
MOST_SECONDS = 20.0
MOST_ROWS = 500
MOST_CHARACTERS = 200_000
TABLE_FUNCTIONS = {"generate_series", "range", "unnest"}
TABLE_KINDS = {"BASE_TABLE", "COLUMN_DATA", "EMPTY", "EXPRESSION_LIST", "JOIN", "PIVOT", "SUBQUERY", "TABLE_FUNCTION"}


class RefusedError(UserError):
    """The query is not one that an assistant may ask; the message says why."""


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    meaning: str


class Guarded:
    """The published tables that may be read, with their meaning and columns."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, meanings: dict[str, str], columns: dict[str, list[Column]]
    ) -> None:
        self._connection = connection
        self.meanings = meanings
        self.columns = columns

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> tuple[list[str], list[tuple[Any, ...]], bool]:
        """Columns, at most `MOST_ROWS` rows, and whether there are more. Raises `RefusedError`."""
        statement = refuse_all_but_a_select(self._connection, sql, self.columns)
        timer = threading.Timer(MOST_SECONDS, self._connection.interrupt)
        timer.start()
        try:
            cursor = self._connection.execute(statement, list(parameters))
            found = cursor.fetchmany(MOST_ROWS + 1)
        except duckdb.InterruptException:
            raise RefusedError(f"the query took more than {MOST_SECONDS:.0f} s: ask for less") from None
        except duckdb.OutOfMemoryException:
            raise RefusedError(f"the query needs more than {MEMORY_LIMIT} of memory: ask for less") from None
        except duckdb.Error as error:
            raise RefusedError(f"the query does not run: {error}") from None
        finally:
            timer.cancel()
        columns = [column[0] for column in cursor.description or []]
        if sum(len(str(value)) for row in found for value in row) > MOST_CHARACTERS:
            raise RefusedError(f"the answer has more than {MOST_CHARACTERS:,} characters: ask for less")
        return columns, found[:MOST_ROWS], len(found) > MOST_ROWS


@contextmanager
def guarded(path: Path, *, with_personal_data: bool = False) -> Iterator[Guarded]:
    """Open the published file behind the three walls. Raises `FileNotFoundError`."""
    if not path.exists():
        raise FileNotFoundError(f"nothing is published at {path} yet: run `growth run` first")
    # The file itself has a name that nobody can guess: what is asked reads the views.
    hidden = f"published_{secrets.token_hex(16)}"
    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(path)} as {hidden} (read_only)")
        columns = _columns(connection, hidden, with_personal_data=with_personal_data)
        meanings = connection.execute(
            "select table_name, coalesce(comment, '') from duckdb_tables() where database_name = ?", [hidden]
        ).fetchall()
        connection.execute("create schema marts")
        for table, of_table in columns.items():
            names, source = ", ".join(quote(each.name) for each in of_table), f"{hidden}.marts.{quote(table)}"
            connection.execute(f"create view marts.{quote(table)} as select {names} from {source}")  # noqa: S608 (quoted)
        connection.execute(
            f"use marts; set memory_limit = '{MEMORY_LIMIT}'; set max_temp_directory_size = '0MB'; set threads = 2; "
            "set python_enable_replacements = false; set enable_external_access = false; set lock_configuration = true"
        )
        yield Guarded(connection, dict(meanings), columns)


def _columns(
    connection: duckdb.DuckDBPyConnection, database: str, *, with_personal_data: bool
) -> dict[str, list[Column]]:
    """The columns of each published table; without those of personal data unless they are allowed."""
    rows = connection.execute(
        "select table_name, column_name, data_type, coalesce(comment, '') from duckdb_columns() "
        "where database_name = ? and schema_name = 'marts' order by table_name, column_index",
        [database],
    ).fetchall()
    columns: dict[str, list[Column]] = {}
    for table, *column in rows:
        found = Column(*column)
        if with_personal_data or not found.meaning.endswith(PERSONAL_MARK):
            columns.setdefault(table, []).append(found)
    return columns


def refuse_all_but_a_select(
    connection: duckdb.DuckDBPyConnection, sql: str, tables: Collection[str]
) -> duckdb.Statement:
    """The statement, if DuckDB reads the text as one SELECT over these tables. Raises `RefusedError`."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise RefusedError(f"this is not SQL that DuckDB can read: {error}") from None
    if len(statements) != 1:
        raise RefusedError(f"one SELECT at a time: this text has {len(statements)} statements")
    [(text,)] = connection.execute("select json_serialize_sql(?)", [statements[0].query]).fetchall()
    tree = json.loads(text)
    if tree["error"]:
        raise RefusedError("only a SELECT may be asked")
    common = set(_names_of_common_tables(tree))
    # One that is called as a view of DuckDB's own would let the view be asked.
    views = connection.execute("select lower(view_name) from duckdb_views() where internal").fetchall()
    if taken := {name for name in common if (name.lower(),) in views}:
        raise RefusedError(f"{', '.join(sorted(taken))} is a name of DuckDB's own: call the common table otherwise")
    for table in _tables(tree):
        _refuse_table(table, {*tables}, common)
    return statements[0]


def _refuse_table(table: dict[str, Any], published: set[str], common: set[str]) -> None:
    kind = table["type"]
    if kind not in TABLE_KINDS:
        raise RefusedError("only a SELECT may be asked; the tool `describe` lists tables and columns")
    if kind == "TABLE_FUNCTION" and table["function"]["function_name"].lower() not in TABLE_FUNCTIONS:
        raise RefusedError(f"the table function {table['function']['function_name']} may not be used")
    if kind == "BASE_TABLE":
        name = table["table_name"]
        is_published = not table["catalog_name"] and table["schema_name"] in ("", "marts") and name in published
        if not (is_published or (name in common and not table["schema_name"])):
            raise RefusedError(f"{name} is not a published table: the tool `describe` lists them")


def _tables(tree: Any) -> Iterator[dict[str, Any]]:
    """Every node of the parsed query that stands for a table: those alone can be sampled."""
    if isinstance(tree, dict):
        if "sample" in tree and "alias" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for each in tree:
            yield from _tables(each)


def _names_of_common_tables(tree: Any) -> Iterator[str]:
    if isinstance(tree, dict):
        for entry in tree.get("cte_map", {}).get("map", []):
            yield entry["key"]
        tree = list(tree.values())
    if isinstance(tree, list):
        for each in tree:
            yield from _names_of_common_tables(each)
