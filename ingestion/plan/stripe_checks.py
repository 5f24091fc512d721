"""Checks of Stripe objects, at the paths of older and newer APIs."""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import json
from datetime import UTC, datetime

from ingestion.contract.model import FIRST_DATE, LARGEST_NUMBER, LAST_DATE, Field, Table
from ingestion.contract.object_shapes import LINES, has_lines, read_shape
from ingestion.plan.row_checks import NO_END, NOT_AN_OBJECT, NUL, NULL_WORD, Fault, has_nul, is_null_word, verdict
from ingestion.read.columns import Portion
from ingestion.read.json_lines import LINE
from warehouse.sql_text import literal, quote

FIRST_SECOND, LAST_SECOND = (
    int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) for day in (FIRST_DATE, LAST_DATE)
)
NUMBER = "json_type({v}) in ('UBIGINT', 'BIGINT') and try_cast({v}::varchar as bigint)"
# Of the intervals that a price is for; Stripe's own most is 1,095 days.
LARGEST_COUNT = 9_999
WHOLE = f"{NUMBER} between -{LARGEST_NUMBER} and {LARGEST_NUMBER}"

# By type: SQL for whether a value ({v}) fits, and the sentence if it does not.
TYPES = {
    "string": ("json_type({v}) = 'VARCHAR'", "is not text (export objects without expanding them)"),
    "int": (WHOLE, f"is not a whole number of at most {LARGEST_NUMBER:,}"),
    "count": (f"{NUMBER} between 1 and {LARGEST_COUNT}", f"is not a whole number from 1 to {LARGEST_COUNT:,}"),
    "bool": ("json_type({v}) = 'BOOLEAN'", "is neither true nor false"),
    "list": ("json_type({v}) = 'ARRAY'", "is not a list"),
    "unix_seconds": (
        f"{NUMBER} between {FIRST_SECOND} and {LAST_SECOND}",
        f"is not a time in unix seconds between {FIRST_DATE} and {LAST_DATE}",
    ),
    "amounts": (
        "json_type({v}) = 'ARRAY' and len(list_filter(json_extract({v}, '$[*].amount'), "
        f"lambda amount: {WHOLE.replace('{v}', 'amount')})) = json_array_length({{v}})",
        f"is not a list in which everything has an amount in minor units of at most {LARGEST_NUMBER:,}",
    ),
}
# The API returns deleted objects as stubs, which may lack every other field.
IS_STUB = "coalesce(o.deleted::varchar = 'true', false)"
# When a field is needed. Names in braces stand for the values of other fields.
CONDITIONS = {
    "always": "true",
    "optional": "false",
    "with_balance": "coalesce({starting_balance}, {ending_balance}) is not null and ({status} ->> '$') <> 'draft'",
    "with_subscription": "{line_subscription} is not null",
    "without_lines": "coalesce(len({lines}), 0) = 0",
}


def checked_objects(table: Table, portion: Portion) -> str:
    """A query for a portion's objects: id, livemode, created, payload, places and `verdict`."""
    shape = literal(json.dumps(read_shape(table)))
    faults = [
        NOT_AN_OBJECT,
        Fault(has_nul(LINE), None, literal(f"the line {NUL}")),
        Fault("json_type(o.id) is distinct from 'VARCHAR'", "id", literal("there is no id")),
        Fault(is_null_word("(o.id ->> '$')"), "id", f"concat('id ', o.id::varchar, ' ', {literal(NULL_WORD)})"),
    ]
    faults += [*_lines_cut(table), *_object_faults(table), *_line_faults(table)]
    created = TYPES["unix_seconds"][0].replace("{v}", "o.created")
    return (
        "select o.id ->> '$' as id, try_cast(o.livemode::varchar as boolean) as livemode, "
        f"case when {created} then make_timestamp(o.created::varchar::bigint * 1000000) end as created, "
        f"{LINE} as payload, _path, _row, _place, {verdict(faults, portion.original)} "
        f"from (select _path, _row, _place, {LINE}, text, fault, fault_column, from_json({LINE}, {shape}) as o "
        f"from {portion.relation})"
    )


def _lines_cut(table: Table) -> list[Fault]:
    if not has_lines(table):
        return []
    sentence = "the object has more lines than are here: fetch all of them and put them into lines.data"
    is_cut = f"not {IS_STUB} and coalesce(o.lines.has_more::varchar = 'true', false)"
    return [Fault(is_cut, "lines.has_more", literal(sentence))]


def _at(path: str, root: str) -> str:
    return ".".join([root, *(quote(part) for part in path.split("."))])


def _sql(field: Field, root: str) -> str:
    """SQL for the first of a field's paths that is present and not null."""
    return f"coalesce({', '.join(_at(path, root) for path in field.any_of)})"


def _checks(table: Table, field: Field, root: str) -> list[tuple[str, str]]:
    """The conditions that make a field bad, each with its sentence as SQL."""
    value = _sql(field, root)
    needed = f"not {IS_STUB} and {CONDITIONS[field.needed]}"
    for other in table.fields:
        needed = needed.replace(f"{{{other.name}}}", _sql(other, root if other.of_lines else "o"))
    missing = literal(f"there is no {', nor '.join(field.any_of)}")
    if field.any_of == (LINES,):
        # A non-list reads as null, so the text tells whether there is a value.
        there = f"coalesce(json_type({LINE}, '$.lines.data'), json_type({LINE}, '$.lines'), 'NULL')"
        is_other = f"case when {value} is null then {there} not in ('NULL', 'OBJECT') or "
        is_other += f"json_type({LINE}, '$.lines.data') = 'OBJECT' end"
        return [(is_other, literal("lines.data is not a list")), (f"{needed} and {value} is null", missing)]
    fits, sentence = TYPES[field.type]
    if field.type == "unix_seconds" and field.needed == "optional":
        sentence += NO_END
    shown = f"concat({literal(field.any_of[0])}, ' ', left({value}::varchar, 200), "
    checks = [(f"{needed} and {value} is null", missing)]
    # Models read the second path too where the first is there.
    for path in field.any_of:
        there = _at(path, root)
        checks.append(
            (
                f"{there} is not null and not coalesce({fits.replace('{v}', there)}, false)",
                f"concat({literal(path)}, ' ', left({there}::varchar, 200), {literal(' ' + sentence)})",
            )
        )
    if field.link:
        checks.append((is_null_word(f"({value} ->> '$')"), f"{shown}{literal(' ' + NULL_WORD)})"))
    if field.allowed:
        allowed = ", ".join(literal(choice) for choice in field.allowed)
        is_not = "is not one of " if len(field.allowed) > 1 else "is not "
        sentence = literal(f" {is_not}{', '.join(field.allowed)}")
        checks.append((f"({value} ->> '$') not in ({allowed})", f"{shown}{sentence})"))
    return checks


def _object_faults(table: Table) -> list[Fault]:
    return [
        Fault(condition, field.any_of[0], sentence)
        for field in table.fields
        if not field.of_lines
        for condition, sentence in _checks(table, field, "o")
    ]


def _line_faults(table: Table) -> list[Fault]:
    """One fault per field of the lines; the sentence names the first bad line."""
    faults = []
    for field in (field for field in table.fields if field.of_lines):
        cases = " ".join(f"when {condition} then {sentence}" for condition, sentence in _checks(table, field, "l"))
        # Unlike concat, || yields null for lines without a fault.
        place = "'line ' || i || coalesce(' (' || (l.id ->> '$') || ')', '') || ': '"
        by_line = f"list_transform(o.lines.data, lambda l, i: {place} || case {cases} end)"
        sentences = f"list_filter({by_line}, lambda s: s is not null)"
        faults.append(Fault(f"len({sentences}) > 0", f"{LINES}[].{field.any_of[0]}", f"{sentences}[1]"))
    return faults
