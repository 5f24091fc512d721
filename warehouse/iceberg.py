"""Iceberg tables, written and read without Spark: the catalog and the folder or bucket of its files are settings.

A write is one commit: readers of the catalog see all of it or nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from settings import Settings, UserError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table

# Spark's configuration has the same name (deploy/spark/spark-defaults.conf).
CATALOG = "growth"
# PyHive opens every session with `use default`.
SCHEMAS = ("default", "raw", "seeds", "staging", "intermediate", "marts", "quality")


class IcebergError(UserError):
    """The catalog cannot be used; the message says which and what to do, without its password."""

    code = 2


@contextmanager
def open_catalog(settings: Settings) -> Iterator["SqlCatalog"]:
    """The catalog, with the project's schemas in it. Raises `IcebergError` if its database does not answer."""
    from sqlalchemy.exc import SQLAlchemyError

    require_extra("pyiceberg")
    if settings.iceberg_catalog_url is None or settings.iceberg_warehouse is None:
        raise IcebergError("set GROWTH_ICEBERG_CATALOG_URL and GROWTH_ICEBERG_WAREHOUSE: GROWTH_TARGET is spark")
    url = settings.iceberg_catalog_url.get_secret_value()
    try:
        yield _catalog(url, settings.iceberg_warehouse)
    except SQLAlchemyError as error:
        at = urlsplit(url)
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise IcebergError(
            f"the Iceberg catalog at {at.hostname}:{at.port or 5432}{at.path} does not answer ({reason}): start it, "
            "or mend GROWTH_ICEBERG_CATALOG_URL, and run again"
        ) from error


def require_extra(package: str) -> None:
    """Raise `IcebergError` if a package of the extra `spark` is not installed."""
    if find_spec(package) is None:
        raise IcebergError(
            f"GROWTH_TARGET is spark, and {package} is not installed: `make setup` installs what Spark's clients need"
        )


@lru_cache(maxsize=1)
def _catalog(url: str, warehouse: str) -> "SqlCatalog":
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog(CATALOG, uri=catalog_address(url), warehouse=warehouse)
    for schema in SCHEMAS:
        catalog.create_namespace_if_not_exists(schema)
    return catalog


def catalog_address(url: str) -> str:
    """The catalog's address for SQLAlchemy, with its password: what it already asks for, and a bound to each wait."""
    from sqlalchemy import make_url

    # The driver is named, since SQLAlchemy's default for the scheme changes.
    address = make_url(url).set(drivername="postgresql+psycopg")
    options = f"{address.query.get('options', '')} -c lock_timeout=60s".strip()
    return address.update_query_dict({"options": options}).render_as_string(hide_password=False)


def write_table(
    catalog: "SqlCatalog",
    schema: str,
    name: str,
    batches: Iterable["pa.Table"],
    arrow_schema: "pa.Schema",
    *,
    day: str | None = None,
    days: Sequence[date] | None = None,
) -> None:
    """Replace the table's rows, or those of `days`, with `batches`, in one commit.

    A table by days is partitioned by its column `day`. Columns that are new are added; if a type has changed, the
    table is made again and `days` must be None. Instants are stored in UTC.
    """
    table = _prepared(catalog, schema, name, _stored(arrow_schema), day)
    with table.transaction() as transaction:
        if table.current_snapshot() is not None:
            transaction.delete(_in_days(day, days))
        for batch in batches:
            if batch.num_rows:
                transaction.append(batch.cast(_stored(batch.schema)))


def _in_days(day: str | None, days: Sequence[date] | None) -> Any:
    from pyiceberg import expressions

    # Its types want terms that are bound already; the method that takes it binds it.
    in_values: Any = expressions.In
    return expressions.AlwaysTrue() if day is None or days is None else in_values(day, set(days))


def _prepared(catalog: "SqlCatalog", schema: str, name: str, wanted: "pa.Schema", day: str | None) -> "Table":
    """The table with these columns: made, widened, or made again where a type has changed."""
    if catalog.table_exists((schema, name)):
        table = catalog.load_table((schema, name))
        there, asked = _kinds(table.schema().as_arrow()), _kinds(wanted)
        if all(asked.get(column, kind) == kind for column, kind in there.items()):
            if asked.keys() - there.keys():
                with table.update_schema() as update:
                    update.union_by_name(wanted)
            return table
        catalog.purge_table((schema, name))
    table = catalog.create_table((schema, name), wanted, properties={"format-version": "2"})
    if day:
        with table.update_spec() as update_spec:
            update_spec.add_identity(day)
    return table


def _kinds(schema: "pa.Schema") -> dict[str, str]:
    """The type of each column; Iceberg's texts come back as large ones."""
    return {field.name: str(field.type).removeprefix("large_") for field in schema}


def _stored(schema: "pa.Schema") -> "pa.Schema":
    """The types as Spark reads them back: an instant with a zone is its `timestamp`, JSON is text."""
    import pyarrow as pa

    fields = []
    for field in schema:
        kind = field.type
        if pa.types.is_timestamp(kind):
            kind = pa.timestamp("us", tz="UTC")
        elif isinstance(kind, pa.BaseExtensionType):
            kind = kind.storage_type
        fields.append(pa.field(field.name, kind))
    return pa.schema(fields)


def tables(catalog: "SqlCatalog", schema: str) -> list[str]:
    """Names of the tables of a schema, in order."""
    return sorted(identifier[-1] for identifier in catalog.list_tables(schema))


def with_earlier_snapshots(catalog: "SqlCatalog", schema: str, before: datetime) -> list[str]:
    """Tables of a schema, as `schema.table`, with a snapshot from before a time that is not their newest."""
    found = []
    for name in tables(catalog, schema):
        table = catalog.load_table((schema, name))
        newest = table.current_snapshot()
        earlier = [
            snapshot for snapshot in table.snapshots() if newest is None or snapshot.snapshot_id != newest.snapshot_id
        ]
        if any(snapshot.timestamp_ms < before.timestamp() * 1000 for snapshot in earlier):
            found.append(f"{schema}.{name}")
    return found


def read_table(catalog: "SqlCatalog", schema: str, name: str) -> "pa.RecordBatchReader":
    """The rows of a table's newest snapshot, in batches."""
    return catalog.load_table((schema, name)).scan().to_arrow_batch_reader()
