"""Names and values as SQL text."""

from datetime import date
from pathlib import Path


def quote(*names: str) -> str:
    """A name as a quoted SQL identifier, or several as one path: schema, table."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def literal(value: str | int | Path | date) -> str:
    """`value` as an SQL literal."""
    if isinstance(value, int):
        return str(value)
    text = "'" + str(value).replace("'", "''") + "'"
    return f"date {text}" if isinstance(value, date) else text
