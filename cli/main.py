"""Where `growth` starts, and the one place that says what went wrong."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from traceback import format_exception

from warehouse.process import start_command


def main() -> None:
    """Run the command and exit with its code.

    0 when it did what it says, 1 when it failed, 2 when it was called wrongly or the data folder cannot be used.
    """
    # Before anything else, since libraries take a second to load.
    start_command()
    sys.exit(call())


def call(arguments: Sequence[str] | None = None) -> int:
    """Run a command in this process, by default that of the command line, and return its exit code."""
    from cli.app import app

    try:
        app(arguments, prog_name="growth")
    except SystemExit as ended:
        return int(ended.code or 0)
    except Exception as error:  # noqa: BLE001 (the user gets a sentence, the log the traceback)
        return _report(error)
    return 0


def _report(error: Exception) -> int:
    """Print what went wrong as a sentence, and return the exit code."""
    from settings import UserError, get_settings
    from warehouse.folder import out_of_room

    if not isinstance(error, UserError):
        with suppress(UserError):
            error = out_of_room(get_settings().data_dir, error) or error
    if isinstance(error, UserError):
        print(error, file=sys.stderr)
        return error.code
    # The operating system's and DuckDB's own messages are sentences.
    if isinstance(error, OSError) or type(error).__module__ in ("duckdb", "_duckdb"):
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"unexpected error: {type(error).__name__}: {error}{_kept(error)}", file=sys.stderr)
    return 1


def _kept(error: Exception) -> str:
    """Where the traceback is kept; nothing if it cannot be."""
    from settings import UserError, get_settings

    with suppress(UserError, OSError):
        path = get_settings().errors_path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}\n{''.join(format_exception(error))}\n")
        return f"\nThe traceback is in {path}"
    return ""
