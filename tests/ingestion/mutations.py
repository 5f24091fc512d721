"""How rows and files turn odd: named kinds of mutation, drawn with a seed.

A row is mutated as a value of one column (`VALUES`), as a member of an object or list anywhere in it (Stripe), or as
text (`LINES`, `CSV_ROWS`); a file is mutated as bytes (`FILES`).
"""

import gzip
import json
from collections.abc import Callable
from random import Random
from typing import Any

from ingestion.contract.model import Column

ANY_VALUES: dict[str, Any] = {
    "null": None,
    "empty text": "",
    "blank": " ",
    "the word NULL": "NULL",
    "the word nan": "nan",
    "the word None": "None",
    "backslash N": "\\N",
    "dash": "-",
    "true": True,
    "zero": 0,
    "minus one": -1,
    "a fraction": 1.5,
    "minus zero": -0.0,
    "a float beyond all": 1e308,
    "an empty object": {},
    "an empty list": [],
    "an object": {"value": 1, "b": [None, {"c": 2.50}]},
    "a list": ["a", 1, None],
    "a very long text": "long " * 20_000,
    "a zero byte": "a\0b",
    "an emoji": "\U0001f469\u200d\U0001f4bb",
    "quotes": 'it\'s "quoted", \\ and ; --',
    "line breaks": "one\ntwo\r\nthree\rfour",
    "tab": "a\tb",
    "no-break space": "\u00a0a\u00a0",
    "right to left": "\u202eabc",
    "line separator": "a\u2028b",
    "not a character": "\ufffe\uffff",
    "a byte-order mark": "\ufeffa",
    "400 digits": int("9" * 400),
    "5,000 digits": "9" * 5000,
    "2 ** 63": 2**63,
    "below 64 bits": -(2**63) - 1,
    "2 ** 64": 2**64,
    "a template": "{{ var('x') }} %s {0}",
}
NUMBERS = [
    "12.0",
    "1e3",
    "+500005",
    "-0",
    "0x10",
    "1_000",
    " 7 ",
    "\u0663",
    "1,5",
    "$5",
    "1 000",
    "Infinity",
    ".5",
    "5.",
]
DECIMALS = ["0.12345678901", "0.10000000000000", "1" * 28 + ".5", "1" * 29, "1e-5", "-1E+3", "00012.50", "--1"]
DAYS = ["2026-02-30", "0000-01-01", "9999-12-31", "2026-1-5", "20260105", "1970-01-01", "2036-01-01", "05.01.2026"]
DAYS += ["2026-03-01T00:00:00Z", "infinity", "epoch", "today", "2026-W01-1", "10000-01-01", "2026-03-01 (BC)"]
TIMES = ["2026-01-05", "2026-01-05T10:00:00", "2026-01-05T24:00:00Z", "2026-01-05T10:00:60Z", "2026-01-05T10:00:00z"]
TIMES += [
    "2026-01-05T10:00:00+99:99",
    "2026-01-05T10:00:00+14:00",
    "2026-01-05 10:00:00 UTC",
    "2026-01-05T10:00:00+0530",
]
TIMES += ["2026-01-05 10:00:00.123456+01", "2026-01-05T10:00:00.1234567Z", "2026-01-05T10:00:00.1000000Z", "infinity"]
TIMES += ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1767571200000", "05.01.2026 10:00", "2026-01-05T10:00Z"]
TIMES += ["-0001-01-01T00:00:00Z", "2026-01-05T10:00:00-00:00", "2026-03-29T02:30:00 Europe/Berlin", "now"]
TEXTS_OF_TYPE: dict[str, list[Any]] = {
    "string": ["UNKNOWN", "us", "US ", "\u0130stanbul", 5, 1.0, False],
    "int": [*NUMBERS, *DECIMALS, 15, "15"],
    "decimal": [*NUMBERS, *DECIMALS, 12.5, "12.5", 10**16, -5],
    "bool": ["yes", "no", "1", "TRUE", "False", "t", "F", "on", 1, 2],
    "date": [*DAYS, 20260105, 1767571200],
    "timestamp": [*TIMES, *DAYS, 1767571200, 1767571200000],
    "list": [
        "[1]",
        "[null]",
        '["a"',
        '["a"]',
        '["a", "a"]',
        [1],
        [None],
        [["a"]],
        {"a": "b"},
        "a, b",
        '["\\ud800"]',
        ["\0"],
    ],
    "object": [
        '{"a": "x"}',
        {"a": None},
        {"a": "1.50"},
        '{"a": 1, "a": 2}',
        {"a": True},
        {"": 1},
        {"a": {"b": 1}},
        "a=1",
    ],
    "unix_seconds": [0, -1, 1767571200000, "1767571200", 1767571200.0, 253402300800, True, 1767571200],
    "amounts": [[{"amount": 1.5}], [{"amount": "5"}], [{}], [None], {"amount": 5}, [{"amount": 5}]],
}
EXTRA_KEYS = [
    "",
    " ",
    "Note",
    "note",
    "_row",
    "_path",
    "_dlt_id",
    "2fa",
    "名前",
    "地域",
    "a/b",
    "a~b",
    'a"b',
    "a\nb",
    "x" * 80,
]
EXTRA_KEYS += ["line", "fault", "text", "select", "__", "file_row_number", "rank", "ID ", "*", "$.id", "_deleted"]


def mutate_value(random: Random, row: dict[str, Any], column: Column) -> str:
    """Put an odd value into one column, and return the kind."""
    choices = [*ANY_VALUES.items(), *((repr(value), value) for value in TEXTS_OF_TYPE[column.type] * 2)]
    kind, row[column.name] = random.choice(choices)
    return f"{column.name}: {kind}"


def mutate_anywhere(random: Random, content: Any) -> str:
    """Put an odd value somewhere into an object of objects and lists, take something out, or add it; the kind."""
    place = content
    path = ""
    while True:
        keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return f"{path}: left as it is"
        key = random.choice(keys)
        path += f".{key}"
        if not isinstance(place[key], dict | list) or not place[key] or random.random() < 0.3:
            break
        place = place[key]
    if isinstance(place, dict) and random.random() < 0.2:
        del place[key]
        return f"{path}: taken out"
    values = {**ANY_VALUES, **{repr(v): v for kind in ("unix_seconds", "amounts", "bool") for v in TEXTS_OF_TYPE[kind]}}
    kind, place[key] = random.choice(list(values.items()))
    return f"{path}: {kind}"


def add_key(random: Random, row: dict[str, Any]) -> str:
    """Add a key that the contract does not have, and return the kind."""
    key = random.choice(EXTRA_KEYS)
    row[key] = random.choice([*ANY_VALUES.values(), 0.1234567890123456789, {"n": 12345678901234567890123}])
    return f"extra key {key[:10]!r}"


def swap_case(random: Random, row: dict[str, Any]) -> str:
    """Write one key in capitals, beside the key itself or in its place."""
    key = random.choice(list(row))
    row[key.upper()] = row[key] if random.random() < 0.5 else row.pop(key)
    return f"{key} in capitals"


def drop_key(random: Random, row: dict[str, Any]) -> str:
    """Take one key out."""
    key = random.choice(list(row))
    del row[key]
    return f"without {key}"


def _inside(random: Random, line: str, what: str) -> str:
    place = random.randrange(len(line) + 1)
    return line[:place] + what + line[place:]


LINES: dict[str, Callable[[Random, str], str | bytes]] = {
    "a comma at the end": lambda _, line: line + ",",
    "twice on a line": lambda _, line: line + line,
    "a second object": lambda _, line: line + ' {"id": "other"}',
    "a comment behind": lambda _, line: line + " // checked",
    "a comment in it": lambda random, line: _inside(random, line, "/* x */"),
    "cut": lambda random, line: line[: random.randrange(1, len(line))],
    "the beginning is gone": lambda random, line: line[random.randrange(1, len(line)) :],
    "a character is gone": lambda random, line: (
        ((n := random.randrange(len(line))) and line[:n] + line[n + 1 :]) or line
    ),
    "a stray character": lambda random, line: _inside(
        random, line, random.choice('"{}[],:\\ \t\r\0\x01\ufeff\u00a0é0e-.')
    ),
    "a byte of Latin-1": lambda random, line: _inside(random, line, "\udce9").encode(errors="surrogateescape"),
    "half of a character": lambda _, line: line.replace('"', '"\\ud83d', 4),
    "in a list": lambda _, line: f"[{line}]",
    "a trailing comma inside": lambda _, line: line[:-1] + ",}",
    "NaN": lambda random, line: line[:-1] + f', "rate": {random.choice(["NaN", "Infinity", "-Infinity", "nan"])}}}',
    "a key twice": lambda _, line: line[:-1] + "," + line[1:],
    "an escaped key": lambda _, line: line.replace('"', '"\\u0069', 1) if line.startswith('{"id"') else line,
    "single quotes": lambda _, line: line.replace('"', "'"),
    "as Python prints it": lambda _, line: repr(json.loads(line)),
    "nested 1,000 deep": lambda _, line: line[:-1] + ', "deep": ' + "[" * 1000 + "]" * 1000 + "}",
    "a long number": lambda _, line: line[:-1] + ', "long": ' + "1" * 6000 + "}",
    "a number beyond a double": lambda _, line: line[:-1] + ', "far": 1e400, "near": 1e-400}',
    "a byte-order mark": lambda _, line: "\ufeff" + line,
    "blanks around": lambda _, line: " \t" + line + " \r",
    "blanks inside": lambda _, line: line.replace(":", " :\t").replace(",", " , ") if '"a' not in line else line,
    "escaped slashes": lambda _, line: line.replace("/", "\\/"),
    "a scalar": lambda random, _: random.choice(["1", '"x"', "null", "true", "[]", "-", "{", "}", "# x"]),
    "an empty object": lambda _, line: "{}",
}
CSV_ROWS: dict[str, Callable[[Random, str], str | bytes]] = {
    "cut": LINES["cut"],
    "one value more": lambda _, line: line + ",x",
    "a stray character": lambda random, line: _inside(random, line, random.choice('",;\t\0\x01é\ufeff')),
    "a quote at the beginning": lambda _, line: '"' + line,
    "a quote behind a comma": lambda _, line: line.replace(",", ',"', 1),
    "quotes around a part": lambda random, line: _inside(random, _inside(random, line, '"'), '"'),
    "a byte of Latin-1": LINES["a byte of Latin-1"],
    "semicolons": lambda _, line: line.replace(",", ";"),
    "JSON": lambda _, line: '{"id": 1}',
}


def _flip(random: Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice([1, 5, 50])):
        if changed:
            changed[random.randrange(len(changed))] = random.randrange(256)
    return bytes(changed)


def _part(random: Random, content: bytes) -> bytes:
    start, end = sorted(random.randrange(len(content) + 1) for _ in range(2))
    return content[:start] + content[end:]


def _recode(content: bytes, encoding: str) -> bytes:
    return content.decode(errors="replace").encode(encoding, errors="replace")


FILES: dict[str, Callable[[Random, bytes], bytes]] = {
    "bytes are others": _flip,
    "a part is gone": _part,
    "the end is gone": lambda random, content: content[: random.randrange(len(content) + 1)],
    "the beginning is gone": lambda random, content: content[random.randrange(len(content) + 1) :],
    "a part comes twice": lambda random, content: content + content[random.randrange(len(content) + 1) :],
    "nothing is there": lambda _, content: b"",
    "zero bytes": lambda random, content: content + b"\0" * random.choice([1, 1000]),
    "only zero bytes": lambda _, content: b"\0" * 5000,
    "any bytes": lambda random, _: random.randbytes(3000),
    "any bytes within": lambda random, content: content[:50] + random.randbytes(20) + content[50:],
    "byte-order marks": lambda _, content: b"\xef\xbb\xbf\xef\xbb\xbf" + content,
    "UTF-16": lambda _, content: _recode(content, "utf-16"),
    "UTF-16 without a mark": lambda _, content: _recode(content, "utf-16-le"),
    "UTF-32": lambda _, content: _recode(content, "utf-32"),
    "Latin-1": lambda _, content: _recode(content, "latin-1"),
    "carriage returns": lambda _, content: content.replace(b"\n", b"\r"),
    "no line ends": lambda _, content: content.replace(b"\n", b""),
    "many line ends": lambda _, content: content.replace(b"\n", b"\r\n\r\n\n"),
    "semicolons": lambda _, content: content.replace(b",", b";"),
    "no quotes": lambda _, content: content.replace(b'"', b""),
    "an open quote": lambda _, content: content.replace(b",", b',"', 3),
    "one JSON array": lambda _, content: b"[" + content.replace(b"\n", b",\n") + b"]",
    "packed": lambda _, content: gzip.compress(content),
    "packed twice": lambda _, content: gzip.compress(gzip.compress(content)),
    "something behind": lambda _, content: content + b"\n-- 3 rows\n",
    "something before": lambda _, content: b"Export of today\n\n" + content,
}
