"""SQL functions that keep JSON numbers as text; DuckDB would read doubles.

Only small tables use them: usage reports have no decimals.
"""

import json
import re
from decimal import Decimal
from typing import Any

import duckdb
from duckdb.func import FunctionNullHandling
from duckdb.sqltypes import VARCHAR

from ingestion.plan.row_checks import DECIMAL_PATTERN, JSON_OF_DECIMALS, TOO_FINE_PATTERN
from ingestion.read.relations import NUMBERS_QUOTED

LONGEST_EXPONENT = 40


def register_functions(connection: duckdb.DuckDBPyConnection) -> None:
    for name, function in ((NUMBERS_QUOTED, _numbers_quoted), (JSON_OF_DECIMALS, _json_of_decimals)):
        # Named as a text, a type would be looked up on DuckDB's default connection, whatever state that is in.
        connection.create_function(name, function, [VARCHAR], VARCHAR, null_handling=FunctionNullHandling.SPECIAL)


def _numbers_quoted(text: str | None) -> str | None:
    """JSON text with every number as a string; null if the text is not JSON."""
    content = _parse(text)
    return None if content is None else json.dumps(content)


def _json_of_decimals(text: str | None) -> str | None:
    """Normalise a JSON object of decimals: sorted keys, string values, nulls left out.

    Null if the text is not such an object.
    """
    content = _parse(text)
    if not isinstance(content, dict):
        return None
    values = {key: value for key, value in content.items() if value is not None}
    if not all(isinstance(value, str) and _is_exact_decimal(value) for value in values.values()):
        return None
    return json.dumps(values, sort_keys=True, ensure_ascii=False)


def _is_exact_decimal(text: str) -> bool:
    return re.fullmatch(DECIMAL_PATTERN, text) is not None and re.search(TOO_FINE_PATTERN, text) is None


def _parse(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text, parse_float=_exact, parse_int=str, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        return None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object. Raises `ValueError` for a duplicate key."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("duplicate key")
    return members


def _exact(number: str) -> str:
    """A JSON number without exponent, unless that would be extremely long."""
    if not set("eE") & set(number):
        return number
    value = Decimal(number)
    return f"{value:f}" if abs(value.adjusted()) <= LONGEST_EXPONENT else number
