"""The suppression list of people who asked to be deleted, and what remains of their rows.

Each line has a kind and the HMAC-SHA-256 of a normalised value, so the list holds no address or key. Loads and requests
apply it with the same SQL: loading a file again gives the rows that a request left. Text is unescaped first
(`ingestion.privacy.spellings`).
"""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

import csv
import os
import secrets
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import duckdb

from ingestion.contract.model import Column, Table, load_contract
from ingestion.contract.object_shapes import kept_shape
from ingestion.errors import SourceError
from ingestion.privacy.spellings import MAY_BE_CODED, all_readings
from settings import Settings
from warehouse.sql_text import literal, quote

LIST = "list.csv"
KEY = "key"
HEADER = ("kind", "hash", "requested_at")
# A line of this kind proves that the list was written with the current key.
CHECK = "check"
BLOCK_BYTES = 64
NO_SEPARATOR = r"""[^\s"'<>(),;:=\[\]{}\\|]+"""
READINGS = "all_readings"
PSEUDONYM = "deleted-[0-9a-f]{12}"
NO_DOMAIN = "deleted.invalid"
ERASED_REASON = "the row breaks the contract and is about somebody who asked to be deleted: its content is not kept"
# Candidates for addresses: runs without separators, and runs of letters, digits and few signs.
ADDRESSES = (
    NO_SEPARATOR.replace("'", "", 1) + "@" + NO_SEPARATOR.replace("'", "", 1),
    r"[\p{L}\p{M}\p{N}_.+'-]+@[\p{L}\p{M}\p{N}_.-]+",
)
FOUND_ADDRESSES = ", ".join(f"regexp_extract_all(text, {literal(pattern)})" for pattern in ADDRESSES)
IS_CODED = f"regexp_matches(text, {literal(MAY_BE_CODED)})"
# DuckDB itself undoes JSON's short escapes: blanks, or what follows the backslash.
UNESCAPED = r"regexp_replace(regexp_replace(text, '\\+[bfnrt]', ' ', 'g'), '\\+', '', 'g')"
MACROS = f"""
create or replace temp macro read_text(text) as case
    when {IS_CODED} then {READINGS}(text)
    when contains(text, chr(92)) then text || ' ' || {UNESCAPED}
    else text
end;
create or replace temp macro canonical(value) as lower(nfc_normalize(trim(
    case when contains(lower(value), 'xn--') then split_part({READINGS}(value), chr(10), -1) else value end,
    ' ' || chr(9) || chr(10) || chr(13) || chr(160)
)));
create or replace temp macro address_of(value) as regexp_replace(
    canonical(case when value like '%<%@%>%' then regexp_extract(value, '<([^<>]*)>', 1) else value end),
    '(@.*[^.])\\.$', '\\1'
);
create or replace temp macro keyed_hash(value) as sha256(
    getvariable('suppression_outer') || unhex(sha256(getvariable('suppression_inner') || encode(canonical(value))))
);
create or replace temp macro pseudonym(value) as 'deleted-' || left(keyed_hash(value), 12);
create or replace temp macro domain_of(value) as regexp_replace(
    regexp_replace(canonical(value), '^([a-z]+://)?([^/]*@)?(www\\.)?', ''), '\\.?([:/?#>].*)?$', ''
);
create or replace temp macro is_suppressed(of_kind, value) as
    coalesce(keyed_hash(value) in (select hash from suppressed where kind = of_kind), false);
create or replace temp macro addresses_in(text) as list_distinct(list_transform(
    list_concat({FOUND_ADDRESSES}), lambda found: canonical(trim(found, '.+-' || chr(39)))
));
create or replace temp macro has_suppressed_address(text) as case when text like '%@%' or {IS_CODED} then list_has_any(
    list_transform(addresses_in(read_text(text)), lambda found: keyed_hash(found)),
    getvariable('suppressed_addresses')
) else false end;
"""


def apply_list(connection: duckdb.DuckDBPyConnection, settings: Settings) -> bool:
    """Load the list into a connection; False if there is none.

    Raises `SourceError` if it was written with another key, since nobody on it would match.
    """
    path = settings.suppression_dir / LIST
    if not path.exists():
        return False
    prepare_hashes(connection, settings)
    kinds, hashes, _ = zip(*_lines(path), strict=True)
    connection.execute(
        "create or replace temp table suppressed as select unnest(?::varchar[]) as kind, unnest(?::varchar[]) as hash",
        [kinds, hashes],
    )
    connection.execute(
        "set variable suppressed_addresses = "
        "(select coalesce(list(hash), []::varchar[]) from suppressed where kind = 'address')"
    )
    if connection.execute(f"select is_suppressed('{CHECK}', '{CHECK}')").fetchall() != [(True,)]:
        raise SourceError(
            f"the suppression list ({path}) was written with another key, so nobody on it would be found: restore "
            f"GROWTH_SUPPRESSION_KEY, or {path.with_name(KEY)}"
        )
    return True


def prepare_hashes(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Define `keyed_hash`. The key is in variables, not in statements that an error would show."""
    known = connection.execute("select 1 from duckdb_functions() where function_name = ?", [READINGS]).fetchall()
    if not known:
        connection.create_function(READINGS, all_readings, ["varchar"], "varchar")  # type: ignore[call-overload]
    key = _key(settings).ljust(BLOCK_BYTES, b"\0")
    for name, pad in (("inner", 0x36), ("outer", 0x5C)):
        connection.execute(f"set variable suppression_{name} = ?::blob", [bytes(byte ^ pad for byte in key)])
    connection.execute("create temp table if not exists suppressed (kind varchar, hash varchar)")
    connection.execute("set variable suppressed_addresses = []::varchar[]")
    connection.execute(MACROS)


def add_to_list(connection: duckdb.DuckDBPyConnection, settings: Settings, requested: str) -> int:
    """Add a relation's rows (kind, value) to the list on disk; returns how many are new."""
    path, now = settings.suppression_dir / LIST, datetime.now(UTC).isoformat(timespec="seconds")
    new = connection.execute(
        f"select distinct kind, keyed_hash(value) from (from {requested} union all select '{CHECK}', '{CHECK}') "
        "where (kind, keyed_hash(value)) not in (select (kind, hash) from suppressed) order by all"
    ).fetchall()
    before = path.read_text(encoding="ascii") if path.exists() else ",".join(HEADER) + "\n"
    if new:
        _write(path, before + "".join(f"{kind},{digest},{now}\n" for kind, digest in new))
    return sum(kind != CHECK for kind, _ in new)


def requests_since(settings: Settings, instant: str) -> int:
    """The number of requests after an instant in the list's format."""
    path = settings.suppression_dir / LIST
    times = {requested_at for *_, requested_at in _lines(path)} if path.exists() else set()
    return sum(requested_at > instant for requested_at in times)


def suppressed_rows(table: Table, columns: Sequence[Column], rows: str) -> str:
    """A query's rows, with those about people on the list pseudonymised."""
    replaced = _replacements(table, columns)
    if not replaced:
        return rows
    values = ", ".join(f"{sql} as {quote(name)}" for name, sql in replaced.items())
    judged = f"select *, {_is_about(table)} as _is_about from ({rows})"
    return f"select * exclude (_is_about) replace ({values}) from ({judged})"


def replaced_columns(table: Table, columns: Sequence[Column]) -> list[str]:
    """The columns that a request may change."""
    return list(_replacements(table, columns))


def clear_texts(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    texts: Sequence[str],
    cleared: str,
    keys: Sequence[tuple[str, str]] = (),
) -> int:
    """Clear rows whose `texts` contain a suppressed address or domain; returns how many.

    `cleared` is the `set` clause. `keys` lists tables and the kinds of keys that count in them too.
    """
    connection.execute(
        "create or replace temp table kinds_of_keys as select unnest(?::varchar[]), unnest(?::varchar[])",
        [[table for table, _ in keys], [kind for _, kind in keys]],
    )
    words = f"list_transform(regexp_extract_all(text, {literal(NO_SEPARATOR)}), lambda word: rtrim(word, '.'))"
    cleared_rows = connection.execute(
        f"""update {relation} set {cleared} where (table_name, read_text(concat_ws(' ', {", ".join(texts)}))) in (
            select (table_name, text) from (
                select text, table_name, unnest(list_distinct(list_concat({words}, addresses_in(text)))) as word
                from (
                    select distinct table_name, read_text(concat_ws(' ', {", ".join(texts)})) as text
                    from {relation}
                ) as texts
            ) as words
            inner join suppressed on keyed_hash(case when kind = 'domain' then domain_of(word) else word end) = hash
            where kind in ('address', 'domain') or (table_name, kind) in (from kinds_of_keys)
        )"""
    ).fetchall()
    return int(cleared_rows[0][0])


def clear_rejects(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Clear rejects about people on the list; returns how many.

    Keys match anywhere in the text; user keys are small numbers and match in rows of users only.
    """
    cleared = f"reason = {literal(ERASED_REASON)}, original_text = null"
    keys = [
        (table.raw_name, kind)
        for table in load_contract().tables
        for kind, _ in table.subjects
        if kind != "user" or any(column.personal for column in table.columns)
    ]
    return clear_texts(connection, relation, ("reason", "original_text"), cleared, keys)


def _is_about(table: Table) -> str:
    """SQL for whether a row is about somebody on the list."""
    conditions = [f"is_suppressed('{kind}', {_subject(table, place)})" for kind, place in table.subjects]
    by_kind = {
        "address": "is_suppressed('address', address_of({}))",
        "domain": "is_suppressed('domain', domain_of({}))",
    }
    conditions += [
        by_kind[column.personal].format(quote(column.name)) for column in table.columns if column.personal in by_kind
    ]
    if table.stored == "objects":
        conditions.append("has_suppressed_address(payload::varchar)")
    return " or ".join(conditions) or "false"


def _subject(table: Table, place: str) -> str:
    if place in table.column_names:
        return f"{quote(place)}::varchar"
    return f"json_extract_string(payload, {literal('$.' + place)})"


def _replacements(table: Table, columns: Iterable[Column]) -> dict[str, str]:
    """SQL for what replaces each column with personal data, including text beyond the contract."""
    if not table.subjects and not any(column.personal for column in table.columns):
        return {}
    if table.stored == "objects":
        cut = f"to_json(from_json(payload, {kept_shape(table)}))"
        return {"payload": f"case when _is_about then {cut}::json else payload::json end"}
    named = " , ".join(_subject(table, place) for _, place in table.subjects)
    replaced = {}
    for column in columns:
        name = quote(column.name)
        is_beyond = column.name not in table.column_names and column.type == "string"
        if not is_beyond and column.personal in {None, "staff"}:
            continue
        left = {
            "address": _address(name),
            "domain": _domain(name),
            "name": f"pseudonym(coalesce({named}))",
        }.get(str(column.personal), "'[]'" if column.type == "list" else "null")
        is_named = f"_is_about or has_suppressed_address({name})" if column.type == "string" else "_is_about"
        replaced[column.name] = f"case when {name} is not null and ({is_named}) then {left} else {name} end"
    return replaced


def _address(name: str) -> str:
    """A pseudonym at the same domain, unless the domain is suppressed too."""
    local = (
        f"case when regexp_matches({name}, '^{PSEUDONYM}@') then split_part({name}, '@', 1) else pseudonym({name}) end"
    )
    domain = f"regexp_extract(split_part(lower(trim({name})), '@', -1), {literal(NO_SEPARATOR)})"
    cases = f"when {name} not like '%@%' then '{NO_DOMAIN}' when is_suppressed('domain', domain_of({name})) then"
    return f"{local} || '@' || case {cases} {_domain(name)} else {domain} end"


def _domain(name: str) -> str:
    """One pseudonym per domain and its addresses, so that an organization still matches its company."""
    return f"pseudonym(domain_of({name})) || '.invalid'"


def _key(settings: Settings) -> bytes:
    """The key from the settings, or the one beside the list, created with the first request."""
    if settings.suppression_key is not None:
        return _block(settings.suppression_key.get_secret_value().encode())
    path = settings.suppression_dir / KEY
    if not path.exists():
        if (settings.suppression_dir / LIST).exists():
            raise SourceError(
                f"the key of the suppression list is missing: restore {path}, or set GROWTH_SUPPRESSION_KEY; without "
                "it nobody on the list would be found"
            )
        _write(path, secrets.token_hex(32))
    return _block(path.read_bytes())


def _block(key: bytes) -> bytes:
    """HMAC replaces a key longer than a block by its hash."""
    return sha256(key).digest() if len(key) > BLOCK_BYTES else key


def _lines(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="ascii") as file:
        return list(csv.reader(file))[1:]


def _write(path: Path, text: str) -> None:
    """Write a file atomically, readable by its owner only."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    building = path.with_suffix(".building")
    building.unlink(missing_ok=True)
    with os.fdopen(os.open(building, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    building.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
