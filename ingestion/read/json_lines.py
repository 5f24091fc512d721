"""Read JSON lines files: lines of one object each, and the faults of all others.

DuckDB accepts some invalid JSON and one of two values for a duplicate key, so Python checks suspicious lines.
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import duckdb

from ingestion.contract.model import Table
from ingestion.errors import SourceError
from ingestion.read.files import SourceFile
from ingestion.read.streams import SHOWN_CHARACTERS, not_utf8, open_text
from warehouse.sql_text import literal

# Columns of table `read_lines`: the line if it is an object, else null; and the line in any case.
LINE = "line"
ANY_LINE = "coalesce(line, text)"
BLOCK_BYTES = 16 * 1024 * 1024
# Stripe's largest objects have a few megabytes; a few lines of this length fit into a load's memory.
LONGEST_LINE_BYTES = 16 * 1024 * 1024
# A file without a line end for this long is not JSON lines.
NO_LINE_BYTES = 1024 * 1024 * 1024
TOO_LONG = (
    f"the line is longer than {LONGEST_LINE_BYTES:,} bytes (its first {SHOWN_CHARACTERS:,} are kept): write one object "
    "per line, and end each with a line feed"
)
# Real objects nest about ten deep; JSON parsers give up at a thousand.
MAX_DEPTH = 200
IS_OBJECT = f"coalesce(try(json_type({LINE})) = 'OBJECT', false)"
KEYS = f"try(json_keys({LINE}))"
MAY_BE_ODD = (
    f"not {IS_OBJECT} or len({KEYS}) <> len(list_distinct({KEYS})) "
    f"or regexp_matches({LINE}, '(?i)[:,\\[]\\s*-?(nan|inf)|,\\s*[\\]}}]|\\\\u0000') "
    f"or 2 * length({LINE}) - length(replace({LINE}, '[', '')) - length(replace({LINE}, '{{', '')) > {MAX_DEPTH}"
)
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
HALF_A_CHARACTER = "the text has half of a character (a lone surrogate, \\ud800 to \\udfff): fix it"
NOT_READABLE = "the line is not a JSON object that can be read: write it again"

Judged = tuple[str | None, str]


def read_lines(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[SourceFile], folder: Path) -> None:
    """Read all non-blank lines into table `read_lines`. Raises `SourceError`.

    A bad line has a null `line`, and instead `text`, `fault` (a sentence) and `fault_column`.
    """
    connection.execute(
        "create or replace temp table read_lines "
        "(_path varchar, _row bigint, line varchar, text varchar, fault_column varchar, fault varchar)"
    )
    # Python extracts decimals, so it must be able to parse the line.
    may_be_odd = "true" if any(column.type in {"decimal", "object"} for column in _columns(table)) else MAY_BE_ODD
    for file in files:
        for block in _blocks(file, folder):
            _insert(connection, file, block, may_be_odd)


def _columns(table: Table) -> Sequence[Any]:
    return () if table.stored == "objects" else table.columns


@dataclass
class _Block:
    """Lines of a file: their numbers, their text, and faults found before parsing."""

    rows: list[int] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    faults: dict[int, Judged] = field(default_factory=dict)


def _insert(connection: duckdb.DuckDBPyConnection, file: SourceFile, block: _Block, may_be_odd: str) -> None:
    import pyarrow as pa

    faults = block.faults
    lines = {"_row": pa.array(block.rows, pa.int64()), "line": pa.array(block.lines, pa.large_string())}
    connection.register("block", pa.table(lines))
    odd = connection.execute(f"select _row, line, {IS_OBJECT} from block where {may_be_odd}").fetchall()
    for row, line, is_object in odd:
        if row not in faults and (judged := judge_line(line, is_object=is_object)):
            faults[row] = judged
    places = [(row, *judged) for row, judged in faults.items()]
    columns = list(zip(*places, strict=True)) or [(), (), ()]
    types = (pa.int64(), pa.string(), pa.string())
    found = pa.table(
        [pa.array(values, kind) for values, kind in zip(columns, types, strict=True)],
        names=["_row", "fault_column", "fault"],
    )
    connection.register("block_faults", found)
    connection.execute(
        f"insert into read_lines select {literal(file.path)}, _row, case when fault is null then line end, "
        "case when fault is not null then line end, fault_column, fault from block left join block_faults using (_row)"
    )
    connection.unregister("block")
    connection.unregister("block_faults")


def _blocks(file: SourceFile, folder: Path) -> Iterator[_Block]:
    block, size = _Block(), 0
    with open_text(file, folder) as stream:
        for row, line in enumerate(iter(lambda: stream.readline(LONGEST_LINE_BYTES + 1), b""), start=1):
            text, fault = _decode(line)
            if len(line) > LONGEST_LINE_BYTES and not line.endswith(b"\n"):
                _skip_line(stream, file, row)
                text, fault = text[:SHOWN_CHARACTERS], TOO_LONG
            if not text.strip():
                continue
            block.rows.append(row)
            block.lines.append(text)
            if fault:
                block.faults[row] = (None, fault)
            size += len(line)
            if size >= BLOCK_BYTES:
                yield block
                block, size = _Block(), 0
        if block.rows:
            yield block


def _decode(line: bytes) -> tuple[str, str | None]:
    """The text of a line, and a sentence if its bytes are not UTF-8."""
    try:
        return line.decode().removesuffix("\n"), None
    except UnicodeDecodeError as error:
        reason = not_utf8(line[error.start], f" at position {error.start + 1:,}")
        return line.decode(errors="backslashreplace").removesuffix("\n"), reason


def _skip_line(stream: IO[bytes], file: SourceFile, row: int) -> None:
    """Skip the rest of a line that is too long to keep."""
    passed = LONGEST_LINE_BYTES
    while (more := stream.readline(BLOCK_BYTES)) and not more.endswith(b"\n"):
        passed += len(more)
        if passed > NO_LINE_BYTES:
            raise SourceError(
                f"{file.path}: line {row:,} does not end within {NO_LINE_BYTES:,} bytes, so it is not a JSON lines "
                "file: write one object per line, or move the file away"
            )


# ------------------------------------------------------------------------------------------------ checks of one line


def judge_line(line: str, *, is_object: bool = True) -> Judged | None:
    """The column (if any) and sentence about a bad line; None if it is one JSON object.

    `is_object` is DuckDB's opinion of the line.
    """
    if _depth(line) > MAX_DEPTH:
        return None, f"the line is nested more than {MAX_DEPTH} deep: write it flatter, or leave out the deep part"
    try:
        content = json.loads(line, object_pairs_hook=_Members, parse_constant=_Constant, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        return None, _why_not_json(line, error)
    if not isinstance(content, _Members):
        return None, f"the line is {_kind(content)}, not an object: write one object per line"
    seen: set[str] = set()
    for key, value in content:
        if reason := _odd_member(key, value, seen):
            return LONE_SURROGATE.sub("\ufffd", key).replace("\0", "\ufffd"), reason
        seen.add(key)
    return None if is_object else (None, NOT_READABLE)


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object, duplicate keys included."""


class _Constant(str):
    """A word such as NaN in place of a number."""


def _odd_member(key: str, value: Any, seen: set[str]) -> str | None:
    reason = None
    if key in seen:
        reason = "the line has two values for this key: keep one"
    elif "\0" in key:
        reason = "the key has a character \\u0000: remove it"
    elif LONE_SURROGATE.search(key):
        reason = HALF_A_CHARACTER
    return reason or next(filter(None, map(_odd_part, _parts(value))), None)


def _odd_part(part: Any) -> str | None:
    if isinstance(part, _Constant):
        return f"{part} is not a JSON value: write null, or leave the key out"
    if isinstance(part, str) and LONE_SURROGATE.search(part):
        return HALF_A_CHARACTER
    if isinstance(part, _Members) and len({name for name, _ in part}) < len(part):
        return "an object in it has two values for one key: keep one"
    return None


def _parts(value: Any) -> Iterator[Any]:
    """A value and everything nested in it, keys included."""
    yield value
    if isinstance(value, _Members):
        for key, inner in value:
            yield key
            yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def _depth(line: str) -> int:
    """Nesting depth of a line, ignoring quoted text; 0 if it cannot be too deep."""
    if line.count("[") + line.count("{") <= MAX_DEPTH:
        return 0
    depth = deepest = 0
    for bracket in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', line):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(bracket.group(), 0)
        deepest = max(deepest, depth)
    return deepest


def _kind(content: Any) -> str:
    if content is None or isinstance(content, bool):
        return f"only {json.dumps(content)}"
    return "a list" if isinstance(content, list) else "a single value"


ONE_PER_LINE = "write one object per line"
# Tests of a bad line and what follows its JSON, tried in turn, with their sentences.
LOOKS: tuple[tuple[Callable[[str, str], bool], str], ...] = (
    (
        lambda line, _: line.startswith("\ufeff"),
        "begins with a byte order mark, as when files were joined: remove it",
    ),
    (lambda line, _: line.startswith(("//", "/*", "#")), "is a comment, which JSON does not allow: remove it"),
    (
        lambda line, rest: "\r" in line and rest.startswith("{"),
        "has several objects with carriage returns between them: end each line with a line feed",
    ),
    (lambda _, rest: rest.startswith("{"), f"has more than one object: {ONE_PER_LINE}"),
    (
        lambda _, rest: rest.startswith(("//", "/*", "#")),
        "has a comment after the object, which JSON does not allow: remove it",
    ),
    (
        lambda _, rest: rest.strip(", \t\r") == "" and rest != "",
        f"ends with a comma, as in a list: {ONE_PER_LINE}, with no comma between them",
    ),
    (lambda _, rest: rest != "", f"has text after the object: {ONE_PER_LINE}, and nothing else"),
    (
        lambda line, _: line[0] in "[]",
        f"is part of a list over several lines (is the file one JSON array?): {ONE_PER_LINE}, without the brackets",
    ),
    (
        lambda line, _: line.strip(", \t\r") in {"{", "}"},
        f"has only a bracket of an object over several lines: {ONE_PER_LINE}",
    ),
    (lambda line, _: line[0] not in '{"', f"does not begin with a curly bracket: {ONE_PER_LINE}"),
    (
        lambda line, _: line.startswith("{'"),
        "has single quotes, as Python prints them: write it as JSON, in double quotes",
    ),
)


def _why_not_json(line: str, error: json.JSONDecodeError) -> str:
    text = line.strip(" \t\r")
    try:
        _, end = json.JSONDecoder(parse_int=str).raw_decode(text)
        rest = text[end:].strip(" \t\r")
    except ValueError:
        rest = ""
    for looks_like, reason in LOOKS:
        if looks_like(text, rest):
            return f"the line {reason}"
    before, after = line[: error.pos].rstrip(), line[error.pos :].lstrip()
    if not after or error.msg.startswith("Unterminated string"):
        return f"the line is not a complete JSON object: is it truncated? {ONE_PER_LINE.capitalize()}"
    if before.endswith(",") and after[0] in "]}":
        return f"the line has a comma before a closing bracket at character {error.pos + 1:,}: remove it"
    if after.startswith(("//", "/*", "#")):
        return f"the line has a comment at character {error.pos + 1:,}, which JSON does not allow: remove it"
    if error.msg.startswith("Invalid control character"):
        return f"the line has a control character in a text at character {error.pos + 1:,}: write it as \\t or \\u0009"
    return f"the line is not JSON at character {error.pos + 1:,} ({error.msg}): write it as a JSON library does"
