"""How large the tables of the warehouse are."""

from typing import NamedTuple

import duckdb

from warehouse import postgres
from warehouse.sql_text import literal, quote

TABLES = """
select schema_name, table_name, estimated_size
from duckdb_tables()
where database_name = current_database()
order by schema_name, table_name
"""
BLOCKS = "select count(distinct block_id) from pragma_storage_info({0}) where persistent"


class TableSize(NamedTuple):
    """Rows and bytes of a table.

    In a file small tables share blocks, so their bytes are an upper bound; a server says the rows as last counted.
    """

    schema: str
    table: str
    rows: int
    bytes: int


def table_sizes(connection: duckdb.DuckDBPyConnection) -> list[TableSize]:
    """Every table, the largest first. Raises `ServerError`."""
    if postgres.is_server(connection):
        return [TableSize(*row) for row in postgres.table_sizes()]
    block_bytes = connection.execute("select block_size from pragma_database_size()").fetchall()[0][0]
    sizes = []
    for schema, table, rows in connection.execute(TABLES).fetchall():
        blocks = connection.execute(BLOCKS.format(literal(quote(schema, table)))).fetchall()[0][0]
        sizes.append(TableSize(schema, table, rows, blocks * block_bytes))
    return sorted(sizes, key=lambda size: (-size.bytes, size.schema, size.table))
