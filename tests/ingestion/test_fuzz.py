"""Odd rows and files by the thousand: each is set aside by name or is in schema raw as it was sent; nothing else moves.

What was sent is read here a second time, by Python and without the code of the load. The oracle knows no rule of the
contract but its types: what is set aside may be more than it would.
"""

import csv
import gzip
import io
import json
import re
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ingestion import load
from ingestion.contract.model import Column, Table, load_contract
from ingestion.errors import SourceError
from tests.ingestion import mutations
from tests.ingestion.conftest import Source, report_of
from tests.support.source_root import FIRST_DAY, company, invoice, json_line, write_file, write_source_root
from warehouse.connection import connect
from warehouse.sql_text import quote

pytestmark = pytest.mark.slow

SEED = 19
TABLES = load_contract().tables
ROWS = [table for table in TABLES if table.stored != "objects"]
USERS, ORGANIZATIONS = "product_db/users", "product_db/organizations"


class UnlikeError(AssertionError):
    """A value that was sent is neither in schema raw nor set aside."""


# -------------------------------------------------------------------------------------------------------- what was sent


def read_json(text: str) -> Any:
    """JSON in which every key comes once, with numbers as they are written; `ValueError` if it is anything else."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("duplicate key")
        return dict(pairs)

    def refuse(constant: str) -> Any:
        raise ValueError(constant)

    content = json.loads(text, object_pairs_hook=members, parse_constant=refuse, parse_int=Decimal, parse_float=Decimal)
    json.dumps(content, ensure_ascii=False, default=str).encode()
    return content


def read_value(column: Column, sent: Any) -> Any:
    """The value that a column has to have; `ValueError` if it can have none."""
    readers = {
        "string": _text,
        "bool": lambda value: {"true": True, "t": True, "false": False, "f": False}[str(value).lower()],
        "int": lambda value: _number(value, r"[+-]?[0-9]+"),
        "decimal": lambda value: _number(value, r"[^_\s]+"),
        "date": lambda value: date.fromisoformat(_text(value)),
        "timestamp": _instant,
        "list": lambda value: _nested(column, read_json(value) if isinstance(value, str) else value),
        "object": lambda value: _nested(column, read_json(value) if isinstance(value, str) else value),
    }
    return None if sent is None else readers[column.type](sent)


def _number(sent: Any, pattern: str) -> Decimal:
    if isinstance(sent, bool | dict | list) or not re.fullmatch(pattern, str(sent)):
        raise ValueError(sent)
    return Decimal(sent)


def _instant(sent: Any) -> datetime:
    instant = datetime.fromisoformat(_text(sent))
    if instant.tzinfo is None or re.search(r"\.[0-9]{6}[0-9]*[1-9]", sent):
        raise ValueError("no time zone, or finer than a microsecond")
    return instant.astimezone(UTC).replace(tzinfo=None)


def _text(sent: Any) -> str:
    if not isinstance(sent, str):
        raise ValueError(sent)
    return sent


def _nested(column: Column, content: Any) -> Any:
    if column.type == "list" and not (isinstance(content, list) and all(isinstance(item, str) for item in content)):
        raise ValueError(content)
    if column.type == "object":
        return {key: Decimal(value) for key, value in content.items() if value is not None}
    return content


def is_value(column: Column, sent: Any, found: Any) -> bool:
    """Whether schema raw has what was sent."""
    try:
        expected = read_value(column, sent)
    except (ValueError, KeyError, InvalidOperation, AttributeError, TypeError, RecursionError, OverflowError):
        return False
    if column.type in {"list", "object"} and found is not None:
        found = _nested(column, read_json(found))
    return bool(expected == found)


def is_extra(sent: Any, found: Any) -> bool:
    """Whether an extra column is what was sent: a counter that is not in the contract is a number, any other a text."""
    if isinstance(sent, str):
        return bool(found == sent)
    try:
        return found is not None and _exact(read_json(str(found))) == _exact(sent)
    except ValueError:
        return False


def _exact(content: Any) -> Any:
    """JSON content to compare: a number that was long may have become a text of its digits."""
    if isinstance(content, dict):
        return {key: _exact(value) for key, value in content.items()}
    if isinstance(content, list):
        return [_exact(value) for value in content]
    if isinstance(content, str) and re.fullmatch(r"-?[0-9.]+([eE][+-]?[0-9]+)?", content):
        return Decimal(content)
    return content


# ------------------------------------------------------------------------------------------------------ what came of it


def check_rows(source: Source, table: Table, file: str, sent: dict[int, tuple[str, Any]]) -> Counter[str]:
    """Each row of a file is set aside, or in schema raw as it was sent, or has given way to another of its key.

    `sent`: by position the kind of a row, and its content, or None if it has none.
    """
    with connect(source.data_dir / "warehouse.duckdb", read_only=True) as connection:
        result = connection.execute(f"select * from raw.{quote(table.raw_name)} where _path = ?", [file])
        names = [entry[0] for entry in result.description or ()]
        rows = {row["_row"]: row for row in (dict(zip(names, values, strict=True)) for values in result.fetchall())}
        key = ", ".join(f"{quote(name)}::varchar" for name in table.key)
        keys = set(connection.execute(f"select {key} from raw.{quote(table.raw_name)}").fetchall())
        rejects = connection.execute(
            "select position, column_name, reason, rule from raw.rejected_rows where file = ?", [file]
        ).fetchall()
    set_aside = {position: (column, reason, rule) for position, column, reason, rule in rejects}
    assert len(set_aside) == len(rejects), "a row is set aside twice"
    assert not set(set_aside) & set(rows), "a row is set aside and loaded"
    assert set(set_aside) | set(rows) <= set(sent), "a row came of nothing"
    outcome: Counter[str] = Counter()
    for position, (kind, content) in sent.items():
        if position in set_aside:
            column, reason, rule = set_aside[position]
            assert reason, kind
            if rule == "tie":
                outcome["replaced"] += 1
                continue
            # A character NUL is a fault of the whole line, wherever in it it is.
            assert column or content is None or "NUL" in reason, f"{kind}: {reason}"
            outcome["set aside"] += 1
        elif position in rows:
            _check_row(table, kind, content, rows[position])
            outcome["loaded"] += 1
        else:
            sent_key = tuple(str(content[name]) for name in table.key)
            assert sent_key in keys, f"{kind} is nowhere"
            outcome["older"] += 1
    return outcome


def _check_row(table: Table, kind: str, content: Any, row: dict[str, Any]) -> None:
    if content is None:
        raise UnlikeError(f"{kind}: is loaded, but is not one object")
    if table.stored == "objects":
        if read_json(row["payload"]) != content or row["id"] != content["id"]:
            raise UnlikeError(f"{kind}: {row['payload'][:300]}")
        return
    by_name: dict[str, list[Any]] = {}
    for key, value in content.items():
        by_name.setdefault(re.sub(r"[^a-z0-9_]", "_", key.strip().lower()), []).append(value)
    for column in table.columns:
        # A counter that is not sent stands for its default.
        values, found = by_name.pop(column.name, [column.default]), row[column.name]
        if len(values) > 1 or not is_value(column, values[0], found):
            raise UnlikeError(f"{kind}: {column.name} was {str(values)[:200]} and is {str(found)[:200]!r}")
    known = {*table.column_names, *(column.name for column in table.technical_columns)}
    extras = [value for name, value in row.items() if name not in known]
    sent = [(n, value) for n, values in by_name.items() for value in values if value is not None and len(n) < 64]
    for name, value in sent:
        if not any(is_extra(value, extra) for extra in extras):
            raise UnlikeError(f"{kind}: {name} was {str(value)[:200]}, and is in none of the extra columns")


# ------------------------------------------------------------------------------------------------------------- odd rows


def good_row(table: Table, number: int) -> dict[str, Any]:
    """A good row with a key that no other row has, as JSON has it."""
    rows = company()[table.path]
    row = rows[number % len(rows)]
    if table.path == "stripe/invoices" and number % 2:
        row = new_shape(number)
    content = json.loads(json_line(row))
    if table.stored == "objects":
        return {**content, "id": f"fuzz_{number}"}
    for name in table.key:
        column = table.column(name)
        if column and column.type == "string" and (name != "organization_id" or table.path != "crm/account_merges"):
            content[name] = f"fuzz-{number}"
        elif column and column.type == "int":
            content[name] = 100_000 + number
        elif column and column.type == "date" and table.stored == "days":
            content[name] = str(FIRST_DAY)
            content["received_at"] = f"{FIRST_DAY}T23:00:00Z"
    if table.path == "crm/account_merges":
        content["organization_id"] = f"fuzz-{number}"
    return content


def new_shape(number: int) -> dict[str, Any]:
    """An invoice as the newer API sends it."""
    content = invoice(number, "cus_1", date(2026, 1, 1), 5000)
    parent = {"subscription_details": {"subscription": "sub_1"}, "type": "subscription_details"}
    [line] = content["lines"]["data"]
    for name in ("subscription", "price", "proration"):
        line.pop(name)
    line["pricing"] = {"price_details": {"price": "price_1", "product": "prod_1"}, "type": "price_details"}
    line["parent"] = {
        "type": "subscription_item_details",
        "subscription_item_details": {"subscription": "sub_1", "proration": False},
    }
    content.pop("subscription")
    return {**content, "parent": parent, "total_taxes": []}


def odd_line(random: Random, table: Table, number: int) -> tuple[str, bytes]:
    """A line of JSON with something odd, and its kind."""
    row = good_row(table, number)
    choice = random.random()
    kind = "good"
    if choice < 0.3:
        kind, mutate = random.choice(list(mutations.LINES.items()))
        line = mutate(random, json.dumps(row, ensure_ascii=random.random() < 0.5))
        return kind, line.encode() if isinstance(line, str) else line
    if table.stored == "objects" and choice < 0.9:
        kind = mutations.mutate_anywhere(random, row)
    elif choice < 0.8:
        kind = mutations.mutate_value(random, row, random.choice(table.columns))
    elif choice < 0.95:
        kind = random.choice([mutations.add_key, mutations.swap_case, mutations.drop_key])(random, row)
    return kind, json.dumps(row, ensure_ascii=random.random() < 0.5).encode(errors="replace")


def read_line(line: bytes) -> Any:
    """What a line says; None if it is not one object."""
    try:
        content = read_json(line.decode())
    except (ValueError, RecursionError, InvalidOperation):
        return None
    return content if isinstance(content, dict) else None


def write_lines(source: Source, table: Table, odd: list[tuple[str, bytes]]) -> tuple[str, dict[int, tuple[str, Any]]]:
    """Write a file of odd lines; its name, and what was sent by position."""
    folder = f"{table.path}/date={FIRST_DAY}" if table.stored == "days" else table.path
    path = source.root / folder / "fuzz.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    # At the beginning of a file a byte-order mark is no fault. A line feed in a mutated line makes two lines of it.
    odd = [("good", json.dumps(good_row(table, len(odd))).encode()), *odd]
    lines = [(kind, part) for kind, line in odd for part in line.split(b"\n")]
    path.write_bytes(b"\n".join(line for _, line in lines))
    sent = {n: (kind, read_line(line)) for n, (kind, line) in enumerate(lines, start=1) if line.strip()}
    return f"{folder}/fuzz.jsonl", sent


def odd_csv(random: Random, table: Table, number: int) -> tuple[str, str | bytes, Any]:
    """A row of CSV with something odd, its kind, and its content, or None if a line of it cannot be made out here."""
    row = good_row(table, number)
    kind = "good"
    if random.random() < 0.7:
        kind = mutations.mutate_value(random, row, random.choice(table.columns))
    # An empty text would be written as null is.
    content = {name: (_csv_text(row.get(name)) or None) for name in table.column_names}
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([content[name] for name in table.column_names])
    line = out.getvalue().removesuffix("\r\n")
    if kind != "good" or random.random() < 0.3:
        return kind, line, content
    kind, mutate = random.choice(list(mutations.CSV_ROWS.items()))
    return kind, mutate(random, line), None


def _csv_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value).lower() if isinstance(value, bool) else json.dumps(value)


def fuzz_rows(source: Source, seed: int, rows: int) -> Counter[str]:
    """Load a company with `rows` odd rows in all, and check each of them and that no other row has moved."""
    random = Random(seed)
    write_source_root(source.root)
    source.load()
    before = good_rows(source)
    files = []
    for table in TABLES:
        odd = [odd_line(random, table, n) for n in range(rows // len(TABLES))]
        if table.path == ORGANIZATIONS:
            # So that billing customers find theirs.
            odd += [("good", json.dumps(good_row(table, 10_000 + n)).encode()) for n in range(rows // len(TABLES))]
        files.append((table, *write_lines(source, table, odd)))
    report = source.load()
    outcome: Counter[str] = Counter()
    for table, file, sent in files:
        found = check_rows(source, table, file, sent)
        read = report_of(report, table.path)
        assert read.rows_set_aside == found["set aside"], file
        assert found.total() == len(sent), file
        outcome += found
    assert good_rows(source) == before
    return outcome


def good_rows(source: Source) -> dict[str, list[Any]]:
    """The rows of schema raw that are not of files of odd rows, in the columns of the contract."""
    return {
        table.raw_name: source.query(
            f"select {', '.join(map(quote, table.column_names))} from raw.{quote(table.raw_name)} "
            "where _path not like '%fuzz%' order by all"
        )
        for table in TABLES
    }


def fuzz_csv(source: Source, seed: int, rows: int) -> Counter[str]:
    """Load odd rows of CSV, one file a table, and check those that are written as CSV is."""
    random = Random(seed)
    files = []
    for table in ROWS:
        odd = [odd_csv(random, table, n) for n in range(rows // len(ROWS))]
        folder = f"{table.path}/date={FIRST_DAY}" if table.stored == "days" else table.path
        path = source.root / folder / "fuzz.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [text.encode() if isinstance(text, str) else text for _, text, _ in odd]
        path.write_bytes(b"\n".join([",".join(table.column_names).encode(), *texts]) + b"\n")
        files.append((table, f"{folder}/fuzz.csv", odd))
    report = source.load(*(table.path for table in ROWS))
    outcome: Counter[str] = Counter()
    for table, file, odd in files:
        outcome += check_csv(source, table, file, odd)
        assert report_of(report, table.path).rows_read == sum(
            source.query(f"select rows_read from raw.loaded_files where file = '{file}'")[0]
        )
    return outcome


def check_csv(source: Source, table: Table, file: str, odd: list[tuple[str, Any, Any]]) -> Counter[str]:
    """A row that is written as CSV is found by its key, since rows before it may have become two or none."""
    name = table.key[-1]
    names = ", ".join(map(quote, table.column_names))
    rows = {
        str(row[table.column_names.index(name)]): dict(zip(table.column_names, row, strict=True))
        for row in source.query(f"select {names} from raw.{quote(table.raw_name)} where _path = '{file}'")
    }
    rejects = source.query(f"select column_name, rule, original_text from raw.rejected_rows where file = '{file}'")
    set_aside = {json.loads(text).get(name): column for column, _, text in rejects if column and text.startswith("{")}
    replaced = {json.loads(text).get(name) for _, rule, text in rejects if rule == "tie"}
    outcome: Counter[str] = Counter()
    for kind, _, content in odd:
        if content is None:
            continue
        key = content[name]
        if key and re.fullmatch("[+-]?[0-9]{1,30}", key) and str(int(key)) in rows:
            key = str(int(key))
        if key in rows and content[name] in replaced:
            outcome["replaced"] += 1
        elif key in rows:
            outcome["loaded"] += 1
            for column in table.columns:
                if not is_value(column, content[column.name], rows[key][column.name]):
                    raise UnlikeError(f"{kind}: {column.name} was {str(content[column.name])[:200]!r}")
        else:
            assert content[name] in set_aside, f"{file}: {kind} of {content[name]!r} is nowhere"
            outcome["set aside"] += 1
    assert all(reason for _, reason, _ in rejects)
    return outcome


def test_an_odd_row_is_set_aside_or_loaded_as_it_was_sent(tmp_path: Path) -> None:
    outcome = fuzz_rows(Source(tmp_path), SEED, 400)
    assert min(outcome["loaded"], outcome["set aside"]) > 100


def test_an_odd_row_of_csv_is_set_aside_or_loaded_as_it_was_sent(tmp_path: Path) -> None:
    outcome = fuzz_csv(Source(tmp_path), SEED, 120)
    assert min(outcome["loaded"], outcome["set aside"]) > 20


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(8))
def test_many_odd_rows(tmp_path: Path, seed: int) -> None:
    lines = fuzz_rows(Source(tmp_path / "lines"), seed, 2000)
    assert min(lines["loaded"], lines["set aside"]) > 500
    csv = fuzz_csv(Source(tmp_path / "csv"), seed, 500)
    assert min(csv["loaded"], csv["set aside"]) > 80


# ------------------------------------------------------------------------------------------------------------ odd files


def fuzz_files(source: Source, seed: int, number: int) -> Counter[str]:
    """Load odd files one at a time: each is loaded, or refused in a sentence that names it."""
    random = Random(seed)
    outcome: Counter[str] = Counter()
    for _ in range(number):
        kind, mutate = random.choice(list(mutations.FILES.items()))
        table = random.choice([USERS, ORGANIZATIONS, "billing/billing_customers", "stripe/invoices"])
        extensions = ["jsonl", "jsonl.gz"] if table.startswith("stripe/") else ["csv", "jsonl", "csv.gz", "parquet"]
        extension = random.choice(extensions)
        rows = [{**row, "note": "é"} for row in company()[table]]
        file = write_file(source.root / f"{table}.{extension}", table, rows)
        content = file.read_bytes()
        if extension.endswith(".gz") and random.random() < 0.7:
            content = gzip.compress(mutate(random, gzip.decompress(content)))
        else:
            content = mutate(random, content)
        file.write_bytes(content)
        said = ""
        try:
            report = report_of(source.load(table), table)
        except SourceError as error:
            said = str(error)
        if said:
            assert f"{table}.{extension}" in said, f"{kind} of {file.name}: {said}"
            outcome["refused"] += 1
        else:
            name = table.replace("/", "__")
            [(loaded, set_aside)] = source.query(
                f"select (select count(*) from raw.{name}), (select count(*) from raw.rejected_rows)"
            )
            assert loaded <= report.rows_read - report.rows_set_aside, kind
            assert set_aside == report.rows_set_aside, kind
            outcome["loaded"] += 1
        file.unlink()
        (source.data_dir / "warehouse.duckdb").unlink()
    return outcome


def test_an_odd_file_is_loaded_or_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing is written: what is asked is whether it can be read, and dlt takes a second each time.
    monkeypatch.setattr(load, "deliver", lambda *_: None)
    outcome = fuzz_files(Source(tmp_path), SEED, 20)
    assert min(outcome["loaded"], outcome["refused"]) > 3


@pytest.mark.soak
def test_many_odd_files(tmp_path: Path) -> None:
    outcome = fuzz_files(Source(tmp_path), SEED + 1, 200)
    assert min(outcome["loaded"], outcome["refused"]) > 30
