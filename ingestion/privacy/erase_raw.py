"""A deletion request in schema raw: list everyone it concerns, then erase their rows.

The list is on disk before a row changes: repeating an interrupted request completes it, and loads in between respect
it.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import shutil
from dataclasses import dataclass
from typing import Literal

import duckdb

from ingestion.contract.model import Column, Table, load_contract
from ingestion.contract.raw_tables import SCHEMA, extra_columns, raw_table, row_hash
from ingestion.privacy.suppression import (
    PSEUDONYM,
    add_to_list,
    apply_list,
    clear_rejects,
    prepare_hashes,
    replaced_columns,
    suppressed_rows,
)
from ingestion.write import ledger
from ingestion.write.iceberg_copy import copy_changes, copy_notes, tables_behind
from settings import Settings
from warehouse.connection import connect
from warehouse.postgres import is_server
from warehouse.sql_text import quote

USERS, CUSTOMERS, ACCOUNTS = "raw.product_db__users", "raw.stripe__customers", "raw.crm__accounts"
# Subjects of a request by address: users who have or had it, and Stripe customers with it.
OF_ADDRESS = f"""
insert into requested select 'user', id::varchar from {USERS}
where address_of(email) in (select value from requested where kind = 'address')
union select 'customer', id from {CUSTOMERS}
where list_has_any(
    addresses_in(read_text(payload::varchar)), (select list(value) from requested where kind = 'address')
);
"""
# Subjects of a request by organization: its members except staff, its payers, and its CRM account.
OF_ORGANIZATION = f"""
create or replace temp table organization as select value as id from requested where kind = 'organization';
insert into requested select 'user', user_id::varchar from raw.product_db__organization_memberships
where canonical(organization_id) in (from organization) and user_id not in (select id from {USERS} where is_staff)
union select 'customer', customer_id from raw.product_db__organizations
where canonical(id) in (from organization) and customer_id is not null
union select 'customer', stripe_customer_id from raw.billing__billing_customers
where canonical(organization_id) in (from organization) and stripe_customer_id is not null
union select 'customer', id from {CUSTOMERS}
where canonical(json_extract_string(payload, '$.metadata.organization_id')) in (from organization)
union select 'account', id from {ACCOUNTS} where canonical(organization_id) in (from organization);
"""
# All addresses of a user belong to one person, and so does a domain that nobody else uses.
OF_BOTH = f"""
insert into requested select distinct 'address', address_of(email) from {USERS}
where id::varchar in (select value from requested where kind = 'user') and not regexp_matches(email, '^{PSEUDONYM}@');
insert into requested select distinct 'domain', domain_of(value) from requested
where kind = 'address' and value in (select address_of(email) from {USERS}) and domain_of(value) not in (
    select domain_of(email) from {USERS}
    where address_of(email) not in (select value from requested where kind = 'address')
        and not regexp_matches(email, '^{PSEUDONYM}@')
);
"""
# Organizations that may be meant too: those of the same payer, and those whose members are all requested.
POSSIBLY_MEANT = """
select id from raw.product_db__organizations
where customer_id in (select value from requested where kind = 'customer')
    and exists (from requested where kind = 'organization')
union
select organization_id from raw.product_db__organization_memberships
group by organization_id
having bool_and(user_id::varchar in (select value from requested where kind = 'user'))
except select id from raw.product_db__organizations where is_suppressed('organization', id)
order by 1
"""


@dataclass(frozen=True)
class Request:
    """What a request added to the list.

    `words` are its addresses and domains, to be erased elsewhere too.
    """

    newly_listed: int
    words: set[str]
    possibly_meant: list[str]


def list_request(settings: Settings, kind: Literal["address", "organization"], value: str) -> Request:
    """Put everyone a request concerns on the list. The caller holds the warehouse's lock."""
    with connect(settings.warehouse_path) as connection:
        ledger.prepare(connection)
        if not apply_list(connection, settings):
            prepare_hashes(connection, settings)
        connection.execute(
            "create temp table requested as select ?::varchar as kind, address_of(?::varchar) as value", [kind, value]
        )
        connection.execute(OF_ADDRESS if kind == "address" else OF_ORGANIZATION)
        connection.execute(OF_BOTH)
        words = connection.execute("select value from requested where kind in ('address', 'domain')").fetchall()
        newly_listed = add_to_list(connection, settings, "requested")
        apply_list(connection, settings)
        possibly_meant = connection.execute(POSSIBLY_MEANT).fetchall()
    return Request(newly_listed, {word for (word,) in words}, [each for (each,) in possibly_meant])


def rewrite_raw(settings: Settings) -> dict[str, int]:
    """Erase everyone on the list; returns rows by table. The caller holds the warehouse's lock."""
    rows = {}
    with connect(settings.warehouse_path) as connection:
        ledger.prepare(connection)
        apply_list(connection, settings)
        connection.execute("begin")
        for table in load_contract().tables:
            rows[raw_table(table).replace('"', "")] = _rewrite(connection, table)
        rows["raw.rejected_rows"] = clear_rejects(connection, "raw.rejected_rows")
        connection.execute("drop schema if exists raw_staging cascade")
        if settings.target == "spark":
            changed = [table.raw_name for table in load_contract().tables if rows[f"{SCHEMA}.{table.raw_name}"]]
            copy_changes(connection, dict.fromkeys([*changed, *tables_behind(connection, settings)]), settings)
            copy_notes(connection, settings)
        connection.execute("commit")
    # Left behind by an interrupted load.
    for folder in (settings.dlt_dir, settings.data_dir / "state" / "load"):
        shutil.rmtree(folder, ignore_errors=True)
    return {table: count for table, count in rows.items() if count}


def _rewrite(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Rewrite a table's rows as a load would, and have its files read again; returns rows changed."""
    extras = [Column(name, "string", "", nullable=True) for name in extra_columns(connection)[table.raw_name]]
    columns = (*table.columns, *(table.column(extra.name) or extra for extra in extras))
    replaced = [quote(name) for name in replaced_columns(table, columns)]
    if not replaced:
        return 0
    # A server's rows have no number that DuckDB reads: there their file and position tell them apart.
    place = "concat({0}_path, ' ', {0}_row)" if is_server(connection) else "{0}rowid"
    rows = suppressed_rows(table, columns, f"select *, {place.format('')} as place from {raw_table(table)}")
    digest = "" if table.stored == "days" else f", {row_hash(table, columns)} as _row_hash"
    is_other = " or ".join(f"after.{name} is distinct from before.{name}" for name in replaced)
    connection.execute(
        f"create or replace temp table rewritten as select after.* from (select place, {', '.join(replaced)}{digest} "
        f"from ({rows})) as after inner join {raw_table(table)} as before on after.place = {place.format('before.')} "
        f"where {is_other}"
    )
    written = [*replaced, "_row_hash"] if digest else replaced
    here = place.format("kept.")
    if is_server(connection):
        # No update: DuckDB writes text, and a server takes none for JSON.
        values = ", ".join(f"rewritten.{name} as {name}" for name in written)
        connection.execute(
            f"create or replace temp table whole_rows as select kept.* replace ({values}) "
            f"from {raw_table(table)} as kept inner join rewritten on {here} = rewritten.place"
        )
        where = f"where {place.format('')} in (select place from rewritten)"
        rows_rewritten = connection.execute(f"delete from {raw_table(table)} {where}").fetchall()[0][0]
        connection.execute(f"insert into {raw_table(table)} by name from whole_rows")
    else:
        values = ", ".join(f"{name} = rewritten.{name}" for name in written)
        update = f"update {raw_table(table)} as kept set {values} from rewritten where {here} = rewritten.place"
        rows_rewritten = connection.execute(update).fetchall()[0][0]
    if rows_rewritten:
        # Rows that contradicted each other may no longer do so.
        connection.execute("update raw.loaded_files set fingerprint = null where table_name = ?", [table.raw_name])
    return int(rows_rewritten)
