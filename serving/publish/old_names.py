"""Views under which readers find renamed columns by their old names, for one version."""

import duckdb

# By table: the column and what it was called. A view `<table>_v1` has all columns of the table, these by the old name.
RENAMED_COLUMNS = {
    "fct_mrr_movements": {"mrr_before_usd_month": "mrr_before", "mrr_after_usd_month": "mrr_after"},
    "fct_mrr_movements_by": {"mrr_before_usd_month": "mrr_before", "mrr_after_usd_month": "mrr_after"},
    "rpt_retention": {
        f"{prefix}{name}_usd_month": f"{prefix}{name}"
        for prefix in ("", "adjusted_")
        for name in ("base_mrr", "current_mrr", "kept_mrr")
    },
    "rpt_segment_moves": {"state_before": "from", "state_after": "to"},
}


def create_views(connection: duckdb.DuckDBPyConnection) -> None:
    """Create a view for each renamed table that is in schema `marts` of the attached file `serving`."""
    catalog = connection.execute("select current_database()").fetchall()[0][0]
    for table, renamed in RENAMED_COLUMNS.items():
        found = connection.execute(
            "select column_name from duckdb_columns() where database_name = 'serving' and table_name = ? "
            "order by column_index",
            [table],
        ).fetchall()
        if found:
            columns = ", ".join(f'{name} as "{renamed.get(name, name)}"' for (name,) in found)
            # The view names its table without a catalog: the file is opened under many names.
            connection.execute("use serving.marts")
            connection.execute(f"create view {table}_v1 as select {columns} from {table}")  # noqa: S608
            connection.execute(f'use "{catalog}"')
