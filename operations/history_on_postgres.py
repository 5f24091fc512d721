"""A deletion request in Dagster's history where that is in PostgreSQL, as in its SQLite files."""

from collections.abc import Callable

from warehouse.folder import DataDirError

# Its database may have tables of others.
TABLES = (
    "asset_check_executions", "asset_daemon_asset_evaluations", "asset_event_tags", "asset_keys", "backfill_tags",
    "bulk_actions", "concurrency_limits", "concurrency_slots", "daemon_heartbeats", "dynamic_partitions", "event_logs",
    "instance_info", "instigators", "job_ticks", "jobs", "kvs", "pending_steps", "run_tags", "runs",
    "secondary_indexes", "snapshots",
)  # fmt: skip
LOCK_TIMEOUT = "60s"
ROWS_AT_ONCE = 500
TEXT_COLUMNS = """
select table_name::text, array_agg(column_name::text) from information_schema.columns
where table_schema = current_schema() and table_name = any(%s) and data_type in ('text', 'character varying')
group by table_name order by table_name
"""


def clear_history(url: str, erase: Callable[[str], str]) -> int:
    """Erase words from every text of Dagster's tables; returns the changed texts. Raises `DataDirError`."""
    import psycopg
    from psycopg import sql

    cleared = 0
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("select set_config('lock_timeout', %s, false)", [LOCK_TIMEOUT])
            for name, columns in connection.execute(TEXT_COLUMNS, [list(TABLES)]).fetchall():
                table, last = sql.Identifier(name), -1
                texts = sql.SQL(", ").join(map(sql.Identifier, columns))
                # A row is locked between reading and writing it, since Dagster may be running.
                read = sql.SQL("select id, {} from {} where id > %s order by id limit %s for update")
                while True:
                    with connection.transaction():
                        rows = connection.execute(read.format(texts, table), [last, ROWS_AT_ONCE]).fetchall()
                        for last, *before in rows:
                            for column, text in zip(columns, before, strict=True):
                                if text is not None and (after := erase(text)) != text:
                                    write = sql.SQL("update {} set {} = %s where id = %s")
                                    connection.execute(write.format(table, sql.Identifier(column)), [after, last])
                                    cleared += 1
                    if len(rows) < ROWS_AT_ONCE:
                        break
                # Pages have deleted and updated rows until then, and statistics the most frequent values.
                connection.execute(sql.SQL("vacuum (full, analyze) {}").format(table))
    except psycopg.Error as error:
        # Of a statement the server quotes values; what it says of a connection has no password.
        said = error.diag.message_primary or str(error).partition("\n")[0]
        raise DataDirError(
            f"Dagster's history in PostgreSQL was not cleared ({said}): check GROWTH_DAGSTER_POSTGRES_URL, stop the "
            "daemon and the UI, and repeat the request"
        ) from error
    return cleared
