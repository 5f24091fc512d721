"""What tables of customers have in common: names that open a customer's page, and what is not known."""

from collections.abc import Mapping

from serving.page.blocks import UNKNOWN, Header, Note, PageTable
from serving.page.snapshot import Snapshot

NOBODY = "nobody"
CUSTOMER = Header("Customer", "customer", is_on_card=True)
OWNER = Header("Owner", "person", is_filter=True)


def customer(table: str, names: str = "dim_customers") -> str:
    """SQL of a cell of kind `customer`: the id in `table`, and the name in `names`, which is joined by the query."""
    return f"{{'id': {table}.customer_id, 'name': coalesce(nullif({names}.name, ''), {table}.customer_id)}}"


def of_customers(
    published: Snapshot,
    key: str,
    title: str,
    table: str,
    columns: Mapping[str, Header],
    *,
    order: str,
    empty: str,
    condition: str = "true",
) -> PageTable:
    """Rows of a mart about customers, the names first. `columns` are the others: the SQL of each, and its header."""
    rows = published.rows(
        f"""
        select {", ".join([customer(table), *columns])}
        from {table} left join dim_customers using (customer_id)
        where {condition}
        order by {order}, coalesce(dim_customers.name, {table}.customer_id), {table}.customer_id
        """
    )
    return PageTable(key, title, [CUSTOMER, *columns.values()], rows, empty, table)


def owner_in(table: str, published: Snapshot) -> str:
    """SQL of the owner of a table, or of the word for none."""
    return f"coalesce({table}.owner_email, '{no_owner(published)}')"


def no_owner(published: Snapshot) -> str:
    """Text for a missing owner: unknown without CRM accounts, otherwise nobody."""
    return UNKNOWN if published.lacks("crm.accounts") else NOBODY


def without(published: Snapshot, what_is_not_known: str, *source_tables: str) -> list[Note]:
    """A note for each of these source tables that has no rows: an empty list is then no good news."""
    return [
        Note(f"{what_is_not_known}: {source_table} has no rows.")
        for source_table in source_tables
        if published.lacks(source_table)
    ]
