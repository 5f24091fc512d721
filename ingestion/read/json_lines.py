"""Lines of JSON lines files: which of them are one JSON object each, and what is wrong with every other one.

DuckDB finds the lines that are certainly good. It accepts some that are not JSON, and reads one of two values that a
line gives for one key; so Python judges the few lines that may be at fault, one by one.
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
from ingestion.contract.raw_tables import literal
from ingestion.errors import SourceError
from ingestion.read.files import SourceFile
from ingestion.read.streams import SHOWN_CHARACTERS, not_utf8, open_text

# A row of the table `read_lines`: the line if it is an object, else null; and the line whatever it is.
LINE = "line"
ANY_LINE = "coalesce(line, text)"
BLOCK_BYTES = 16 * 1024 * 1024
# The largest objects that Stripe sends have some megabytes; a few lines of this length fit in the memory of a load.
LONGEST_LINE_BYTES = 16 * 1024 * 1024
# Without a line end for this long a file is no JSON lines.
NO_LINE_BYTES = 1024 * 1024 * 1024
TOO_LONG = (
    f"the line is longer than {LONGEST_LINE_BYTES:,} bytes (its first {SHOWN_CHARACTERS:,} are kept): write one object "
    "a line, and end each with a line feed"
)
# Real objects are nested some ten deep; programs that read JSON give up at a thousand.
DEEPEST = 200
IS_OBJECT = f"coalesce(try(json_type({LINE})) = 'OBJECT', false)"
KEYS = f"try(json_keys({LINE}))"
MAY_BE_ODD = (
    f"not {IS_OBJECT} or len({KEYS}) <> len(list_distinct({KEYS})) "
    f"or regexp_matches({LINE}, '(?i)[:,\\[]\\s*-?(nan|inf)|,\\s*[\\]}}]|\\\\u0000') "
    f"or 2 * length({LINE}) - length(replace({LINE}, '[', '')) - length(replace({LINE}, '{{', '')) > {DEEPEST}"
)
LONE_SURROGATE = re.compile("[\ud800-\udfff]")
HALF_A_CHARACTER = "the text has half of a character (a lone surrogate, \\ud800 to \\udfff): mend it"
NOT_READABLE = "the line is not a JSON object that can be read: write it again"

Judged = tuple[str | None, str]


def read_lines(connection: duckdb.DuckDBPyConnection, table: Table, files: Sequence[SourceFile], folder: Path) -> None:
    """All lines of JSON lines files that are not blank, as the temporary table `read_lines`. Raises `SourceError`.

    A line that is not one JSON object has no `line`, but `text`, `fault` (a sentence) and `fault_column`.
    """
    connection.execute(
        "create or replace temp table read_lines "
        "(_file varchar, _row bigint, line varchar, text varchar, fault_column varchar, fault varchar)"
    )
    # Decimals are taken out of a line by Python, which has to be able to read it.
    may_be_odd = "true" if any(column.type in {"decimal", "object"} for column in _columns(table)) else MAY_BE_ODD
    for file in files:
        for block in _blocks(file, folder):
            _insert(connection, file, block, may_be_odd)


def _columns(table: Table) -> Sequence[Any]:
    return () if table.stored == "objects" else table.columns


@dataclass
class _Block:
    """Lines of a file: their numbers, their text, and what is wrong with some before they are parsed."""

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
                _pass_over(stream, file, row)
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
        said = not_utf8(line[error.start], f" at position {error.start + 1:,}")
        return line.decode(errors="backslashreplace").removesuffix("\n"), said


def _pass_over(stream: IO[bytes], file: SourceFile, row: int) -> None:
    """Go to the end of a line that is too long to be kept."""
    passed = LONGEST_LINE_BYTES
    while (more := stream.readline(BLOCK_BYTES)) and not more.endswith(b"\n"):
        passed += len(more)
        if passed > NO_LINE_BYTES:
            raise SourceError(
                f"{file.path}: line {row:,} does not end within {NO_LINE_BYTES:,} bytes, so it is no JSON lines file: "
                "write one object a line, or move the file away"
            )


# --------------------------------------------------------------------------------------------------------- judgement


def judge_line(line: str, *, is_object: bool = True) -> Judged | None:
    """What is wrong with a line: its column, if there is one, and a sentence; None if it is one JSON object.

    `is_object`: what DuckDB says of it, which reads the line after this.
    """
    if _depth(line) > DEEPEST:
        return None, f"the line is nested more than {DEEPEST} deep: write it flatter, or leave out what is so deep"
    try:
        content = json.loads(line, object_pairs_hook=_Members, parse_constant=_Constant, parse_int=str, parse_float=str)
    except json.JSONDecodeError as error:
        return None, _why_not_json(line, error)
    if not isinstance(content, _Members):
        return None, f"the line is {_kind(content)}, not an object: write one object a line"
    seen: set[str] = set()
    for key, value in content:
        if said := _odd_member(key, value, seen):
            return LONE_SURROGATE.sub("\ufffd", key).replace("\0", "\ufffd"), said
        seen.add(key)
    return None if is_object else (None, NOT_READABLE)


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object, also those whose key comes twice."""


class _Constant(str):
    """A word such as NaN in the place of a number."""


def _odd_member(key: str, value: Any, seen: set[str]) -> str | None:
    said = None
    if key in seen:
        said = "the line has two values for this key: leave one"
    elif "\0" in key:
        said = "the key has a character \\u0000: take it out"
    elif LONE_SURROGATE.search(key):
        said = HALF_A_CHARACTER
    return said or next(filter(None, map(_odd_part, _parts(value))), None)


def _odd_part(part: Any) -> str | None:
    if isinstance(part, _Constant):
        return f"{part} is no value of JSON: write null, or leave the key out"
    if isinstance(part, str) and LONE_SURROGATE.search(part):
        return HALF_A_CHARACTER
    if isinstance(part, _Members) and len({name for name, _ in part}) < len(part):
        return "an object in it has two values for one key: leave one"
    return None


def _parts(value: Any) -> Iterator[Any]:
    """A value and everything in it, keys too."""
    yield value
    if isinstance(value, _Members):
        for key, inner in value:
            yield key
            yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)


def _depth(line: str) -> int:
    """How deep a line is nested; what stands in quotes does not count."""
    if line.count("[") + line.count("{") <= DEEPEST:
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


WHOLE_ON_A_LINE = "write one object a line"
# Tried in turn on a line that is not JSON: what it looks like (the line, and where its JSON ends), and what to say.
LOOKS: tuple[tuple[Callable[[str, str], bool], str], ...] = (
    (
        lambda line, _: line.startswith("\ufeff"),
        "begins with a byte-order mark, as when files were joined: take it out",
    ),
    (lambda line, _: line.startswith(("//", "/*", "#")), "is a comment, which JSON does not have: take it out"),
    (
        lambda line, rest: "\r" in line and rest.startswith("{"),
        "has several objects with carriage returns between them: end each line with a line feed",
    ),
    (lambda _, rest: rest.startswith("{"), f"has more than one object: {WHOLE_ON_A_LINE}"),
    (
        lambda _, rest: rest.startswith(("//", "/*", "#")),
        "has a comment behind the object, which JSON does not have: take it out",
    ),
    (
        lambda _, rest: rest.strip(", \t\r") == "" and rest != "",
        f"ends with a comma, as in a list: {WHOLE_ON_A_LINE}, with no comma between them",
    ),
    (lambda _, rest: rest != "", f"has something behind the object: {WHOLE_ON_A_LINE}, and nothing else"),
    (
        lambda line, _: line[0] in "[]",
        f"is part of a list over several lines (the file is one JSON array?): {WHOLE_ON_A_LINE}, without the brackets",
    ),
    (
        lambda line, _: line.strip(", \t\r") in {"{", "}"},
        f"has only a bracket of an object over several lines: {WHOLE_ON_A_LINE}",
    ),
    (lambda line, _: line[0] not in '{"', f"does not begin with a curly bracket: {WHOLE_ON_A_LINE}"),
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
    for looks_like, said in LOOKS:
        if looks_like(text, rest):
            return f"the line {said}"
    before, after = line[: error.pos].rstrip(), line[error.pos :].lstrip()
    if not after or error.msg.startswith("Unterminated string"):
        return f"the line is not a whole JSON object: is it cut? {WHOLE_ON_A_LINE.capitalize()}"
    if before.endswith(",") and after[0] in "]}":
        return f"the line has a comma before a closing bracket at character {error.pos + 1:,}: take it out"
    if after.startswith(("//", "/*", "#")):
        return f"the line has a comment at character {error.pos + 1:,}, which JSON does not have: take it out"
    if error.msg.startswith("Invalid control character"):
        return f"the line has a control character in a text at character {error.pos + 1:,}: write it as \\t or \\u0009"
    return f"the line is not JSON at character {error.pos + 1:,} ({error.msg}): write it as a JSON library does"
