"""Commands that save the data folder, bring it back, and delete a person from it."""

from pathlib import Path
from typing import Annotated

import typer


def backup(
    folder: Annotated[Path, typer.Argument(help="the folder of all backups; each gets a folder of its own")],
) -> None:
    """Copy the data folder's state into a new folder, between two runs."""
    from operations.backup import back_up
    from settings import get_settings

    print(f"{back_up(get_settings(), folder)} is complete: `growth restore` with it brings all of it back")


def restore(backup: Annotated[Path, typer.Argument(help="the folder of the backup")]) -> None:
    """Put a backup in the place of the data folder's state."""
    from operations.backup import BEFORE
    from operations.backup import restore as restore_state
    from settings import get_settings

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
    from settings import get_settings

    if (email is None) == (organization is None):
        raise typer.BadParameter("give either --email or --organization")
    if email is not None:
        is_done = forget_everywhere(get_settings(), "address", email)
    else:
        assert organization is not None
        is_done = forget_everywhere(get_settings(), "organization", organization)
    if not is_done:
        raise typer.Exit(1)
