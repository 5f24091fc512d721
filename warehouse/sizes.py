"""How large the tables of the warehouse are."""

from typing import NamedTuple

import duckdb

from warehouse.sql_text import literal, quote

TABLES = """
select schema_name, table_name, estimated_size
from duckdb_tables()
where database_name = current_database()
order by schema_name, table_name
"""
BLOCKS = "select count(distinct block_id) from pragma_storage_info({0}) where persistent"


class TableSize(NamedTuple):
    """Rows and bytes of a table. Small tables share blocks, so their bytes are an upper bound."""

    schema: str
    table: str
    rows: int
    bytes: int


def table_sizes(connection: duckdb.DuckDBPyConnection) -> list[TableSize]:
    """Every table, the largest first."""
    block_bytes = connection.execute("select block_size from pragma_database_size()").fetchall()[0][0]
    sizes = []
    for schema, table, rows in connection.execute(TABLES).fetchall():
        blocks = connection.execute(BLOCKS.format(literal(quote(schema, table)))).fetchall()[0][0]
        sizes.append(TableSize(schema, table, rows, blocks * block_bytes))
    return sorted(sizes, key=lambda size: (-size.bytes, size.schema, size.table))
