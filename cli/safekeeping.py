"""Commands that save the data folder, bring it back, and delete a person from it."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from settings import get_settings


def status() -> None:
    """Show what is published, and how large the warehouse is by schema and table."""
    from serving.publish.versions import live_version
    from warehouse.compaction import size_of
    from warehouse.connection import connect
    from warehouse.lock import hold
    from warehouse.sizes import table_sizes

    settings = get_settings()
    print(f"data folder  {settings.data_dir}")
    print(f"published    {live_version(settings) or 'nothing yet'}")
    if not settings.warehouse_path.exists():
        print("warehouse    not there yet: `growth run` makes it")
        return
    with hold(settings.warehouse_path, "growth status"):
        size = size_of(settings.warehouse_path)
        with connect(settings.warehouse_path, read_only=True) as connection:
            tables = table_sizes(connection)
    print(f"warehouse    {_megabytes(size.bytes_in_all)}, of which {_megabytes(size.bytes_unused)} unused")
    for schema in sorted({table.schema for table in tables}):
        of_schema = [table for table in tables if table.schema == schema]
        rows, in_all = sum(table.rows for table in of_schema), sum(table.bytes for table in of_schema)
        print(f"\n{schema:<48} {rows:>14,} rows {_megabytes(in_all):>14}")
        for table in of_schema:
            print(f"  {table.table:<46} {table.rows:>14,} rows {_megabytes(table.bytes):>14}")


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.1f} MB"


def backup(
    folder: Annotated[Path, typer.Argument(help="the folder of all backups; each gets a folder of its own")],
) -> None:
    """Copy the data folder's state into a new folder, between two runs."""
    from operations.backup import back_up

    path = back_up(get_settings(), folder)
    print(f"backup complete: {path}. To bring it back: `growth restore {path}`")


def close(
    month: Annotated[datetime, typer.Argument(formats=["%Y-%m"], help="such as 2026-10")],
) -> None:
    """Keep what is said of a month's MRR in a file that nothing changes; later differences are listed by cause."""
    from operations.closing import close_month

    closed = close_month(get_settings(), month.date())
    print(
        f"{closed.month:%Y-%m} is closed with ${closed.mrr_usd:,.2f} of MRR from {closed.customers:,} customers, in "
        f"{closed.path} of the source root. After the next `growth run`, table rpt_closed_months lists what has "
        "changed in it since"
    )


def restore(backup: Annotated[Path, typer.Argument(help="the folder of the backup")]) -> None:
    """Put a backup in the place of the data folder's state."""
    from operations.backup import BEFORE
    from operations.backup import restore as restore_state

    settings = get_settings()
    made_at = restore_state(settings, backup)
    print(
        f"{settings.data_dir} is as it was at {made_at}, and the next run continues from there. What was there before "
        f"is in {settings.data_dir / BEFORE}: delete it once you do not need it"
    )


def forget(
    email: Annotated[str | None, typer.Option(help="a user's or a payer's address")] = None,
    organization: Annotated[
        str | None, typer.Option(help="an organization's id: its names, its domain and its people")
    ] = None,
) -> None:
    """Delete a person or an organization everywhere, and leave them out of every later load."""
    from operations.deletion import forget as forget_everywhere

    if (email is None) == (organization is None):
        raise typer.BadParameter("give either --email or --organization")
    if email is not None and "@" not in email:
        raise typer.BadParameter(f"--email needs an address, and {email!r} is none")
    if organization is not None and not organization.strip():
        raise typer.BadParameter("--organization needs an id, and it is blank")
    if email is not None:
        is_done = forget_everywhere(get_settings(), "address", email)
    else:
        assert organization is not None
        is_done = forget_everywhere(get_settings(), "organization", organization)
    if not is_done:
        raise typer.Exit(1)
