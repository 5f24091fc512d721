"""Row checks as SQL over whole files.

A check gives the typed values of a row or, if it breaks the contract, its column and a sentence. No value is rounded,
truncated or turned into null.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ingestion.contract.model import FIRST_DATE, LAST_DATE, MONEY_DIGITS, Column, Table
from ingestion.read.columns import Cell, Portion
from ingestion.read.json_lines import ANY_LINE, LINE
from ingestion.read.relations import json_text
from warehouse.sql_text import literal, quote

JSON_OF_DECIMALS = "json_of_decimals"
DECIMAL_PATTERN = rf"[+-]?(0*[0-9]{{1,{MONEY_DIGITS}}}(\.[0-9]*)?|\.[0-9]+)"
TOO_FINE_PATTERN = r"\.[0-9]{10}[0-9]*[1-9]"
DATE_PATTERN = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
TIME_PATTERN = DATE_PATTERN + r"[T ]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6}0*)?"
ZONE_PATTERN = r"(Z|[+-](0[0-9]|1[0-4])(:?[0-5][0-9])?)"
# Words that programs write for a missing value, in any case.
NULL_WORDS = (
    "", "null", "(null)", "<null>", "none", "nil", "nan", "nat", "<na>", "n/a", "#n/a", "undefined", "-", "--", r"\n"
)  # fmt: skip
# All blanks, including no-break and zero-width spaces and byte order marks.
BLANKS = r"[\s\pZ\x{200B}\x{FEFF}]*"
NULL_PATTERN = f"(?i){BLANKS}({'|'.join(re.escape(word) for word in NULL_WORDS)}){BLANKS}"
NULL_WORD = "stands for no value: write the key that is meant, or leave the field empty if it is optional"
NUL = r"has a NUL character (\u0000) in it, which no database stores: remove it"
# A JSON escape, unless its backslash is itself escaped.
NUL_ESCAPE = r"\u0000"
NUL_IN_JSON = r"(^|[^\\])(\\\\)*\\u0000"
OUT_OF_RANGE = f"is not between {FIRST_DATE} and {LAST_DATE}"
NO_END = "; if no end is meant, leave the field empty"

# SQL for the value of a text ({t}), null if it does not fit the type.
PARSED = {
    "string": "{t}",
    "int": "case when regexp_full_match({t}, '[+-]?[0-9]+') then try_cast({t} as bigint) end",
    "decimal": (
        f"case when regexp_full_match({{t}}, '{DECIMAL_PATTERN}') and not regexp_matches({{t}}, '{TOO_FINE_PATTERN}') "
        "then try_cast({t} as decimal(38, 10)) end"
    ),
    "bool": "case lower({t}) when 'true' then true when 't' then true when 'false' then false when 'f' then false end",
    "date": (
        f"case when regexp_full_match({{t}}, '{DATE_PATTERN}') and not starts_with({{t}}, '0000') "
        "then try_cast({t} as date) end"
    ),
    "timestamp": (
        f"case when regexp_full_match({{t}}, '{TIME_PATTERN}{ZONE_PATTERN}') "
        "then timezone('UTC', try_cast({t} as timestamptz)) end"
    ),
    "list": (
        "case when try(json_type({t})) = 'ARRAY' "
        "and len(list_filter(json_type({t}, '$[*]'), lambda kind: kind <> 'VARCHAR')) = 0 then json({t})::varchar end"
    ),
    "object": JSON_OF_DECIMALS + "({t})",
}
# SQL for what is wrong with a text ({t}) that has no value.
NOT_PARSED = {
    "string": "'is not text: put it in quotes'",
    "int": "'is not a whole number of 64 bits'",
    "decimal": f"'is not a number with at most {MONEY_DIGITS} digits before and 10 after the point, and no exponent'",
    "bool": "'is neither true nor false'",
    "date": "'is not a day: write it as 2026-01-31'",
    "timestamp": (
        f"case when regexp_full_match({{t}}, '{TIME_PATTERN}') then 'has no time zone' "
        f"when regexp_full_match({{t}}, '{DATE_PATTERN}') then 'has no time and no time zone' "
        "when regexp_full_match({t}, '[0-9]+([.][0-9]+)?') then 'is a number, as unix time is, and not a timestamp' "
        f"when regexp_matches({{t}}, '^{DATE_PATTERN}.* ?[A-Za-z]{{3}}') then 'has the name of a time zone' "
        "when regexp_matches({t}, '^[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}') then 'is not year, month, day' "
        "else 'is not a timestamp of microseconds at most' end || ': write it as 2026-01-31T10:00:00Z'"
    ),
    "list": "'is not a JSON list of texts'",
    "object": (
        f"'is not a JSON object whose values are numbers with at most {MONEY_DIGITS} digits before and 10 after "
        "the point'"
    ),
}


@dataclass(frozen=True)
class Fault:
    """A condition that makes a row bad, and SQL for the sentence about it."""

    condition: str
    column: str | None
    sentence: str
    rule: str = "contract"
    column_sql: str | None = None


def checked_rows(table: Table, portion: Portion, references: Sequence[Column]) -> str:
    """A query for the typed rows of a portion; not for objects.

    Columns: those of the contract, new counters and extras, `_path`, `_row`, `_place` and `verdict`. The values of
    `references` must be in the tables `known_keys`.
    """
    columns = [*table.columns, *portion.new_counters]
    values = ", ".join(f"{_value(column, portion)} as {_value_name(column)}" for column in columns)
    names = ", ".join(f"{_value_name(column)} as {quote(column.name)}" for column in columns)
    extras = "".join(f", {sql} as {quote(name)}" for name, sql in portion.extras.items())
    faults = [NOT_AN_OBJECT] if portion.original == ANY_LINE else []
    faults += [fault for column in columns for fault in _faults(table, column, portion, references)]
    faults += [
        Fault(f"contains({sql}, chr(0))", name, _about(sql, literal(NUL))) for name, sql in portion.extras.items()
    ]
    return (
        f"select {names}{extras}, _path, _row, _place, {verdict(faults, portion.original)} "
        f"from (select *, {values} from {portion.relation})"
    )


def verdict(faults: Sequence[Fault], original: str) -> str:
    """SQL for `_is_bad` and `_fault`: column_name, reason, rule and original_text of the first fault.

    `original`, the row as text, is inside the case, so only queries that select `_fault` pay for it.
    """
    conditions = " or ".join(f"({fault.condition})" for fault in faults)
    cases = " ".join(
        f"when {fault.condition} then {{'column_name': {_column_sql(fault)}::varchar, "
        f"'reason': {fault.sentence}, 'rule': {literal(fault.rule)}, 'original_text': {original}}}"
        for fault in faults
    )
    return f"coalesce({conditions}, false) as _is_bad, case {cases} end as _fault"


def _column_sql(fault: Fault) -> str:
    return fault.column_sql or ("null" if fault.column is None else literal(fault.column))


def known_keys(raw_name: str) -> str:
    """Name of the temporary table of keys (`key`) of a referenced table."""
    return quote(f"known_{raw_name}")


# Lines that are not one JSON object were diagnosed when they were read.
NOT_AN_OBJECT = Fault(f"{LINE} is null", None, "fault", column_sql="fault_column")


def _value_name(column: Column) -> str:
    return quote(f"value of {column.name}")


def _cell(column: Column, portion: Portion) -> Cell:
    if column.name in portion.cells:
        return portion.cells[column.name]
    return Cell("null", "null") if column.default is None else Cell(str(column.default), "native")


def _text(cell: Cell) -> str:
    return json_text(cell.sql) if cell.form == "json" else f"{cell.sql}::varchar"


def _value(column: Column, portion: Portion) -> str:
    cell = _cell(column, portion)
    if cell.form == "null":
        return f"null::{column.sql_type}"
    if cell.form == "native" and column.type == "timestamp":
        return f"timezone('UTC', {cell.sql})"
    if cell.form == "native":
        return f"{cell.sql}::{column.sql_type}"
    if cell.form == "json" and column.type == "string":
        return f"case when json_type({cell.sql}) = 'VARCHAR' then {cell.sql} ->> '$' end"
    return PARSED[column.type].replace("{t}", f"({_text(cell)})")


def _faults(table: Table, column: Column, portion: Portion, references: Sequence[Column]) -> list[Fault]:
    """Possible faults of a column, in the order in which they are reported."""
    cell, value = _cell(column, portion), _value_name(column)
    text = f"({_text(cell)})"
    faults = []
    if not column.nullable:
        faults.append(
            Fault(
                f"{cell.sql} is null",
                column.name,
                literal("there is no value, but every row needs one"),
            )
        )
    conditions = []
    if cell.form in {"text", "json"}:
        conditions.append((f"{value} is null and {cell.sql} is not null", NOT_PARSED[column.type].replace("{t}", text)))
    if cell.form != "null":
        conditions += [*_limits(table, column, value), *_folder(table, column, value)]
    faults += [Fault(condition, column.name, _about(text, sentence)) for condition, sentence in conditions]
    if column in references and column.references:
        keys = known_keys(column.references.replace(".", "__"))
        sentence = literal(f"is in no file of {column.references}: add that row, or remove this one")
        condition = f"{value} not in (select key from {keys})"
        faults.append(Fault(condition, column.name, _about(text, sentence), "reference"))
    return faults


def _about(text: str, sentence: str) -> str:
    return f"concat('''', left({text}, 200), ''' ', {sentence})"


def _limits(table: Table, column: Column, value: str) -> list[tuple[str, str]]:
    limits = []
    if column.type == "string" and (column.link or column.name in table.key):
        limits.append((is_null_word(value), literal(NULL_WORD)))
    if column.type == "string":
        limits.append((f"contains({value}, chr(0))", literal(NUL)))
    if column.type in {"list", "object"}:
        limits.append((has_nul(value), literal(NUL)))
    if column.type in {"date", "timestamp"}:
        within = f"{value} not between date '{FIRST_DATE}' and date '{LAST_DATE}'"
        limits.append((within, literal(OUT_OF_RANGE + (NO_END if column.nullable else ""))))
    if column.allowed:
        allowed = ", ".join(literal(choice) for choice in column.allowed)
        sentence = f"is not one of {', '.join(str(choice) for choice in column.allowed)}"
        limits.append((f"{value} not in ({allowed})", literal(sentence)))
    if column.pattern is not None:
        unlike = f"not regexp_full_match({value}, {literal(column.pattern)})"
        limits.append((unlike, literal(f"is not written as {column.pattern}")))
    if column.minimum is not None:
        limits.append((f"{value} < {column.minimum}", literal(f"is below {column.minimum:,}")))
    if column.maximum is not None:
        limits.append((f"{value} > {column.maximum}", literal(f"is above {column.maximum:,}")))
    return limits


def is_null_word(value: str) -> str:
    """SQL for whether a text stands for a missing value."""
    return f"regexp_full_match({value}, {literal(NULL_PATTERN)})"


def has_nul(json_text: str) -> str:
    """SQL for whether a string in a JSON text has a NUL character."""
    return (
        f"case when contains({json_text}, {literal(NUL_ESCAPE)}) "
        f"then regexp_matches({json_text}, {literal(NUL_IN_JSON)}) else false end"
    )


def _folder(table: Table, column: Column, value: str) -> list[tuple[str, str]]:
    """A report must be in its day's folder and not be received before its day."""
    if table.stored != "days" or column.type != "date":
        return []
    day = f"regexp_extract(_path, 'date=({DATE_PATTERN})/', 1)"
    of_folder = f"concat('is not the day of its folder, ', {day}, ': move the row to the folder of its day')"
    received = f"{quote(f'value of {table.stamp}')}::date"
    too_early = (
        f"concat('is later than ', {received}, ', the day the report was received: the clock of the sender or of the "
        "receiver is wrong')"
    )
    is_early = f"{value} > {received} and {received} >= date '{FIRST_DATE}'"
    return [(f"{value} <> {day}::date", of_folder), (is_early, too_early)]
