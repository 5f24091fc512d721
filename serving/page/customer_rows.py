"""What tables of customers have in common: names that open a customer's page, and owners that are not known."""

from serving.page.blocks import UNKNOWN
from serving.page.snapshot import Snapshot

NOBODY = "nobody"


def customer(table: str, names: str = "dim_customers") -> str:
    """SQL of a cell of kind `customer`: the id in `table`, and the name in `names`, which is joined by the query."""
    return f"{{'id': {table}.customer_id, 'name': coalesce(nullif({names}.name, ''), {table}.customer_id)}}"


def named(table: str, columns: str, condition: str, order: str) -> str:
    """A query on a table of customers, with their names first."""
    return f"""
        select {customer(table)}, {columns}
        from {table} left join dim_customers using (customer_id)
        where {condition}
        order by {order}, coalesce(dim_customers.name, {table}.customer_id), {table}.customer_id
    """


def no_owner(published: Snapshot) -> str:
    """Text for a missing owner: unknown without CRM accounts, otherwise nobody."""
    return UNKNOWN if published.lacks("crm.accounts") else NOBODY
