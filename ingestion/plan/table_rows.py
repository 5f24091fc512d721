"""Plan the rows of every table except usage.

Schema raw is a function of the files. Rows set aside count as never sent. Of the others one stays per key and stamp
(`versions`), key (`rows`) or id (`objects`): that of the last file in natural order, then the last row. Replaced rows
with other values are listed for `versions`, and for `rows` within one file: an existing row never disappears because it
was sent twice.

A file at the end of the order needs comparing only with schema raw. All files are read again if one has changed, if a
new one sorts between others and schema raw cannot tell what it replaces, or if referenced rows have changed.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

from collections.abc import Iterable, Mapping, Sequence

import duckdb

from ingestion.contract.model import Column, Table, load_contract
from ingestion.contract.raw_tables import row_hash
from ingestion.plan.planner import REPLACED_BY, Plan, Planner, scalar
from ingestion.plan.row_checks import known_keys
from ingestion.read.files import SourceFile, natural_key
from ingestion.write.delivery import Changes
from ingestion.write.ledger import TIE, TableLedger
from warehouse.sql_text import literal, quote


def plan_table(
    planner: Planner, table: Table, files: list[SourceFile], ledger: TableLedger, plans: Mapping[str, Plan]
) -> Plan:
    """Plan the changes of one table. Raises `SourceError`.

    `plans` are those of earlier tables, by raw name. References are checked if their table was ever loaded, and is not
    partial now.
    """
    references = [column for column in table.columns if column.references and _is_parent_loaded(planner, column, plans)]
    plan = Plan(table, files, ledger.vanished(files), rows_before=planner.count_raw_rows(table))
    new = [file for file in files if not ledger.is_known(file)]
    is_changed = any(ledger.is_known(file) and not ledger.is_loaded(file) for file in files)
    has_replaced_rows = TIE in ledger.reject_rules
    # A replaced row may be current again if the file of its replacement is gone.
    stands_again = bool(new and plan.vanished) and has_replaced_rows
    reads_all = bool(files) and (is_changed or stands_again or parents_differ(table, ledger, plans))
    if not reads_all and new:
        reads_all = not _plan_files(planner, plan, new, references, has_replaced_rows=has_replaced_rows)
    if reads_all:
        _plan_files(planner, plan, files, references)
    if table.raw_name in _referenced():
        _remember_keys(planner, table, plan.changes)
    return plan


def _is_parent_loaded(planner: Planner, column: Column, plans: Mapping[str, Plan]) -> bool:
    parent = load_contract().table(_raw_name(str(column.references)))
    if parent.raw_name not in plans:
        _remember_keys(planner, parent, [])
    elif plans[parent.raw_name].is_partial:
        return False
    return parent.raw_name in plans or planner.count_raw_rows(parent) > 0


def parents_differ(table: Table, ledger: TableLedger, plans: Mapping[str, Plan]) -> bool:
    """Whether kept rows may have lost references, or rows set aside gained them."""
    parents = [plans.get(_raw_name(column.references)) for column in table.columns if column.references]
    was_set_aside = "reference" in ledger.reject_rules
    return any(parent and (parent.rows_lost or (parent.rows_changed and was_set_aside)) for parent in parents)


def _plan_files(
    planner: Planner,
    plan: Plan,
    files: list[SourceFile],
    references: Sequence[Column],
    *,
    has_replaced_rows: bool = False,
) -> bool:
    """Plan the load of `files`; False if all files must be read to tell which row replaces which.

    `has_replaced_rows`: rows of earlier files are listed as replaced.
    """
    table, connection = plan.table, planner.connection
    is_whole = len(files) == len(plan.present)
    connection.execute("delete from rejects where table_name = ?", [table.raw_name])
    with planner.reading(table, files, references) as columns:
        if scalar(connection, "select count(*) from checked where _is_bad"):
            planner.reject_faults(table)
        _judge(planner, plan, columns, is_whole=is_whole)
        if (
            table.stored == "versions"
            and not is_whole
            and _needs_all_files(connection, table, has_replaced_rows=has_replaced_rows)
        ):
            return False
        _list_replaced(planner, plan)
        plan.counts = planner.count_rows(table, files)
        plan.changes = _write_changes(planner, plan, columns, is_whole=is_whole)
    return True


def _judge(planner: Planner, plan: Plan, columns: Sequence[Column], *, is_whole: bool) -> None:
    """Create table `judged`: which good rows stay, of those read and their rivals in schema raw.

    It has only identity columns, not large objects. Rivals are the raw rows with the same identity or, if all files
    were read, those of vanished files.
    """
    table, connection = plan.table, planner.connection
    # A version from a vanished file stays unless another file has it.
    is_first = plan.vanished if table.stored == "versions" else set()
    paths = {file.path for file in plan.present} | plan.vanished
    planner.rank_files(sorted(paths, key=lambda path: (path not in is_first, natural_key(path))))
    identity = _names(table.identity)
    values = "0" if table.stored == "objects" else f"hash({_names(table.column_names)})"
    connection.execute(
        f"create or replace temp table sent as select {identity}, _path, _row, "
        f"{row_hash(table, columns)} as _row_hash, {values} as _values, _place, true as is_read "
        "from checked where not _is_bad"
    )
    rival = f"({identity}) in (select ({identity}) from sent)"
    if is_whole:
        rival = f"_path not in ({', '.join(literal(file.path) for file in plan.present)})"
    connection.execute(
        f"create or replace temp table candidates as from sent union all select {identity}, _path, _row, _row_hash, "
        f"{values}, null, false from {planner.raw_rows(table)} where {rival}"
    )
    among = identity if table.stored == "versions" else f"{identity}, _path"
    connection.execute(
        f"create or replace temp table judged as select *, {REPLACED_BY} as replaced_by, "
        f"row_number() over (partition by {identity} order by _rank desc, _row desc) = 1 as stays "
        f"from candidates join ranks using (_path) window later as (partition by {among} order by _rank, _row)"
    )


def _needs_all_files(connection: duckdb.DuckDBPyConnection, table: Table, *, has_replaced_rows: bool) -> bool:
    """Whether a row read sorts before one in schema raw, with unknown rows possibly between them."""
    rows = (
        f"judged as earlier join judged as later using ({_names(table.identity)}) "
        "where earlier.is_read and later.stays and not later.is_read"
    )
    is_other = "true" if has_replaced_rows else "later._values <> earlier._values"
    return scalar(connection, f"select count(*) from {rows} and {is_other}") > 0


def _list_replaced(planner: Planner, plan: Plan) -> None:
    """List replaced rows, except those in schema raw whose file has vanished."""
    table = plan.table
    if not scalar(planner.connection, "select count(*) from judged where replaced_by is not null"):
        return
    replaced = "(select _place, replaced_by from judged where is_read)"
    planner.list_replaced(table, f"(from checked join {replaced} using (_place))")
    here = ", ".join(literal(file.path) for file in plan.present)
    replaced = f"(from judged where not is_read and replaced_by is not null and _path in ({here}))"
    names = _names(table.identity)
    planner.list_replaced(
        table,
        f"(select kept.*, replaced.replaced_by from {planner.raw_rows(table)} as kept "
        f"join {replaced} as replaced using ({names}))",
    )


def _write_changes(planner: Planner, plan: Plan, columns: Sequence[Column], *, is_whole: bool) -> list[Changes]:
    """Rows that differ from schema raw and, if all files were read, rows in none of them."""
    table = plan.table
    raw, data = planner.raw_rows(table), _names(column.name for column in columns)
    identity = _names(table.identity)
    written = (
        f"select {data}, _path, _row, _row_hash, null::boolean as _deleted from checked join "
        f"(select _place, _row_hash from judged where stays and is_read and ({identity}, _path, _row, _row_hash) "
        f"not in (select ({identity}, _path, _row, _row_hash) from {raw})) using (_place)"
    )
    deleted = f"from {raw} where ({identity}) not in (select ({identity}) from judged where stays)"
    queries = [written]
    if is_whole:
        plan.rows_lost = scalar(planner.connection, f"select count(*) from ({deleted})")
        queries.append(f"select * replace (true as _deleted) {deleted}")
    return planner.write_changes(
        table.raw_name, " union all by name ".join(queries), (*columns, *table.technical_columns)
    )


def _remember_keys(planner: Planner, table: Table, changes: Sequence[Changes]) -> None:
    key, identity = quote(table.key[0]), _names(table.identity)
    query = f"select {key} as key from {planner.raw_rows(table)}"
    for change in changes:
        changed = f"read_parquet({literal(change.path)})"
        query += f" where ({identity}) not in (select ({identity}) from {changed})"
        query += f" union select {key} from {changed} where _deleted is null"
    planner.connection.execute(
        f"create or replace temp table {known_keys(table.raw_name)} as select distinct key from ({query})"
    )


def _referenced() -> set[str]:
    columns = (column for table in load_contract().tables for column in table.columns)
    return {_raw_name(column.references) for column in columns if column.references}


def _raw_name(full_name: str) -> str:
    return full_name.replace(".", "__")


def _names(names: Iterable[str]) -> str:
    return ", ".join(quote(name) for name in names)
