"""Plan a load before anything is written: `Planner` reads and checks, `Plan` is the result."""
# ruff: noqa: S608 (every name and value that is put into SQL here goes through quote and literal)

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb

from ingestion.contract.model import Column, Table
from ingestion.contract.raw_tables import extra_columns, raw_table
from ingestion.errors import SourceError, UnreadableFilesError
from ingestion.plan.json_functions import register_functions
from ingestion.plan.row_checks import checked_rows
from ingestion.plan.stripe_checks import checked_objects
from ingestion.privacy.suppression import suppressed_rows
from ingestion.read.columns import LONGEST_NAME, Portion, shown_names
from ingestion.read.csv_rows import Ragged
from ingestion.read.files import SourceFile, SourceRoot
from ingestion.read.relations import drop_read_tables, read_portions
from ingestion.write.delivery import Changes
from ingestion.write.ledger import TIE, FileCounts
from warehouse.sql_text import literal, quote

NO_ROW = (
    "null::varchar as _path, null::bigint as _row, null::bigint as _place, null::boolean as _is_bad, "
    "null::struct(column_name varchar, reason varchar, rule varchar, original_text varchar) as _fault where false"
)
PLACE_BITS = 52
# The next row of the same key and stamp, if its values differ. Uses window `later`.
REPLACED_BY = (
    "case when lead(_values) over later <> _values then lead(_path) over later || ' row ' || lead(_row) over later end"
)
# Exports have some ten; thousands mean that values were exported as keys. Each costs every row, in every load.
MAX_EXTRA_COLUMNS = 100
LARGE_FILE_BYTES = 1024 * 1024
MOST_BROKEN_FILES = 20
# Read once: without bloom filters, and with dictionaries only of few values (paths, days), writing takes a quarter less
# time. Row groups limited in bytes keep large objects within memory.
FILE_OPTIONS = "format parquet, dictionary_size_limit 1000, write_bloom_filter false, row_group_size_bytes '32MB'"
# What DuckDB raises for broken files; a broken Thrift header raises plain `duckdb.Error`.
UNREADABLE = {
    duckdb.IOException,
    duckdb.InvalidInputException,
    duckdb.SerializationException,
    duckdb.ConversionException,
    duckdb.Error,
}


@dataclass
class Plan:
    """The plan for one table. `days` are the days of usage to replace, `empty_days` those of them left without a row.

    `is_partial`: a file is missing or cannot be read, so that this may not be loaded and says nothing of other tables.
    """

    table: Table
    present: list[SourceFile]
    vanished: set[str]
    rows_before: int
    counts: list[FileCounts] = field(default_factory=list)
    changes: list[Changes] = field(default_factory=list)
    days: list[date] = field(default_factory=list)
    empty_days: list[date] = field(default_factory=list)
    rows_lost: int = 0
    seconds: float = 0.0
    is_partial: bool = False

    @property
    def files_read(self) -> list[SourceFile]:
        return [counts.file for counts in self.counts]

    @property
    def rows_read(self) -> int:
        """Rows that were read, good or bad."""
        return sum(counts.rows_read for counts in self.counts)

    @property
    def rows_set_aside(self) -> int:
        return sum(counts.rows_set_aside for counts in self.counts)

    @property
    def rows_changed(self) -> int:
        return sum(changes.rows for changes in self.changes)


class Planner:
    """Reads files and checks their rows against the contract and schema raw."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        root: SourceRoot,
        work_dir: Path,
        *,
        starts_over: bool,
        suppresses: bool,
    ) -> None:
        """`work_dir` receives the changes. `starts_over`: ignore the rows in schema raw.

        `suppresses`: the suppression list is loaded into the connection.
        """
        self.connection = connection
        self.root = root
        self.work_dir = work_dir
        self.starts_over = starts_over
        self.suppresses = suppresses
        self._raw_extras = {} if starts_over else extra_columns(connection)
        self._brought_extras: dict[str, dict[str, None]] = {}
        self._ignored: dict[str, dict[str, None]] = {}
        self._has_functions = False

    def raw_rows(self, table: Table) -> str:
        """The existing rows of a table as an SQL relation; empty if the load starts over."""
        known = [column.name for column in (*table.columns, *table.technical_columns)]
        names = ", ".join(quote(name) for name in (*known, *self.raw_extras(table)))
        return f"(select {names} from {raw_table(table)}{' where false' if self.starts_over else ''})"

    def raw_extras(self, table: Table) -> list[str]:
        return self._raw_extras.get(table.raw_name, [])

    def count_raw_rows(self, table: Table) -> int:
        return scalar(self.connection, f"select count(*) from {self.raw_rows(table)}")

    def ignored_columns(self) -> list[str]:
        """One warning per table with columns that were not stored."""
        return [
            f"{path}: {len(names):,} columns are not stored ({shown_names(list(names))}): a table may have "
            f"{MAX_EXTRA_COLUMNS} columns beyond the contract, with names of at most {LONGEST_NAME} characters"
            for path, names in self._ignored.items()
        ]

    @contextmanager
    def reading(
        self, table: Table, files: Sequence[SourceFile], references: Sequence[Column] = ()
    ) -> Iterator[tuple[Column, ...]]:
        """Read files into the view `checked` while the block runs; yields its data columns.

        The view has every row, with `_is_bad`, `_path`, `_row` and `_place`, a unique number with the same order in
        every load. Raises `UnreadableFilesError` for broken files, whenever the first is found.
        """
        if not self._has_functions:
            register_functions(self.connection)
            self._has_functions = True
        folder = self.root.fetch(files)
        try:
            portions, ragged = read_portions(self.connection, table, files, folder)
            columns = self._create_checked(table, files, portions, references)
            self._reject_ragged(table, ragged)
            yield columns
        except duckdb.OutOfMemoryException as error:
            raise SourceError(
                f"{table.path}: many rows are very long and together exceed the memory limit of a load: split the "
                "file, or drop the columns that make the rows long"
            ) from error
        except (SourceError, duckdb.Error) as error:
            if isinstance(error, duckdb.Error) and type(error) not in UNREADABLE:
                raise
            raise UnreadableFilesError(self._locate(table, files, folder, error)) from error
        self.root.refuse_changed(files)
        drop_read_tables(self.connection)
        self.root.forget(files)

    def reject_faults(self, table: Table) -> None:
        """Collect the bad rows of `checked`; they are few, so it is read again."""
        self.connection.execute(
            f"insert into rejects select {literal(table.raw_name)}, _path, _row, _fault.column_name, _fault.reason, "
            "_fault.rule, _fault.original_text from faults where _is_bad"
        )

    def rank_files(self, paths: Sequence[str]) -> None:
        """Create table `ranks`: the position of each file; later files win."""
        self.connection.execute(
            "create or replace temp table ranks as select unnest(?) as _path, unnest(?) as _rank",
            [list(paths), list(range(len(paths)))],
        )

    def list_replaced(self, table: Table, rows: str) -> None:
        """Collect rows that a later row with other values replaces (`replaced_by`)."""
        sentence = f" comes later with the same {' and '.join(table.version)} and other values, and is used instead"
        values = ", ".join(f"{literal(name)}: {quote(name)}::varchar" for name in table.column_names)
        self.connection.execute(
            f"insert into rejects select {literal(table.raw_name)}, _path, _row, "
            f"{literal(table.stamp or table.key[0])}, replaced_by || {literal(sentence)}, {literal(TIE)}, "
            f"to_json({{{values}}})::varchar from {rows} where replaced_by is not null"
        )

    def count_rows(self, table: Table, files: Sequence[SourceFile]) -> list[FileCounts]:
        """Rows read and set aside, by file. Replaced rows do not count as set aside."""
        rows_read = dict(self.connection.execute("select _path, count(*) from checked group by _path").fetchall())
        rejected = "select file, count(*) from rejects where table_name = ? and rule <> ? group by file"
        set_aside = dict(self.connection.execute(rejected, [table.raw_name, TIE]).fetchall())
        return [FileCounts(file, rows_read.get(file.path, 0), set_aside.get(file.path, 0)) for file in files]

    def write_changes(self, name: str, query: str, columns: tuple[Column, ...]) -> list[Changes]:
        """Write a query's rows to a Parquet file; returns an empty list if there are none."""
        path = self.work_dir / f"{name}.parquet"
        self.connection.execute(f"copy ({query}) to {literal(path)} ({FILE_OPTIONS})")
        rows = scalar(self.connection, f"select count(*) from read_parquet({literal(path)})")
        return [Changes(path, rows, columns)] if rows else []

    def _create_checked(
        self,
        table: Table,
        files: Sequence[SourceFile],
        portions: Sequence[Portion],
        references: Sequence[Column],
    ) -> tuple[Column, ...]:
        # With extra columns of earlier files: dlt would rewrite a file of changes whose columns differ.
        extras = self._brought_extras.setdefault(table.raw_name, dict.fromkeys(self.raw_extras(table)))
        portions = [self._bound_extras(table, portion, extras) for portion in portions]
        columns = (*table.columns, *(table.column(n) or Column(n, "string", "", nullable=True) for n in extras))
        kinds = ", ".join(f"null::{column.sql_type} as {quote(column.name)}" for column in columns)
        queries = [f"select {kinds}, {NO_ROW}"]
        for number, portion in enumerate(portions):
            is_object = table.stored == "objects"
            query = checked_objects(table, portion) if is_object else checked_rows(table, portion, references)
            queries.append(f"select * replace (_place + {number << PLACE_BITS} as _place) from ({query})")
        rows = " union all by name ".join(f"({query})" for query in queries)
        if self.suppresses:
            rows = suppressed_rows(table, columns, rows)
        self.connection.execute(f"create or replace temp view faults as {rows}")
        rows = "select * exclude (_fault) from faults"
        if not _is_quick_to_read_again(table, portions, files):
            self.connection.execute(f"create temp table read_checked as {rows}")
            rows = "from read_checked"
        self.connection.execute(f"create or replace temp view checked as {rows}")
        return columns

    def _bound_extras(self, table: Table, portion: Portion, extras: dict[str, None]) -> Portion:
        """Limit a portion's extra columns to those the table has or can take, and add them to `extras`."""
        brought = [*(column.name for column in portion.new_counters), *portion.extras]
        new = [name for name in brought if name not in extras]
        extras.update(dict.fromkeys(new[: max(0, MAX_EXTRA_COLUMNS - len(extras))]))
        refused = {name for name in new if name not in extras}
        if ignored := [*portion.ignored, *(name for name in brought if name in refused)]:
            self._ignored.setdefault(table.path, {}).update(dict.fromkeys(ignored))
        return replace(
            portion,
            new_counters=tuple(column for column in portion.new_counters if column.name in extras),
            cells={name: cell for name, cell in portion.cells.items() if name not in refused},
            extras={name: sql for name, sql in portion.extras.items() if name in extras},
        )

    def _reject_ragged(self, table: Table, ragged: Sequence[Ragged]) -> None:
        """Count malformed CSV rows, which have no values, as read."""
        if ragged:
            files, positions, columns, reasons, texts = (
                list(values) for values in zip(*map(astuple, ragged), strict=True)
            )
            self.connection.execute(
                "insert into rejects select ?, unnest(?), unnest(?), unnest(?::varchar[]), unnest(?), 'contract', "
                "unnest(?)",
                [table.raw_name, files, positions, columns, reasons, texts],
            )
            self.connection.execute(
                "insert into read_checked by name select unnest(?) as _path, unnest(?) as _row, unnest(?) as _place, "
                "true as _is_bad",
                [files, positions, [-number for number in range(1, len(ragged) + 1)]],
            )

    def _locate(
        self, table: Table, files: Sequence[SourceFile], folder: Path, error: SourceError | duckdb.Error
    ) -> dict[str, str]:
        """What is wrong with each broken file, by path, found by reading the files one by one."""
        if len(files) == 1 and isinstance(error, SourceError):
            return {files[0].path: str(error)}
        sentences: dict[str, str] = {}
        for file in files:
            if len(sentences) == MOST_BROKEN_FILES:
                sentences[table.path] = f"{table.path}: more files may be broken: mend these first"
                break
            drop_read_tables(self.connection)
            try:
                portions, _ = read_portions(self.connection, table, [file], folder)
                self._create_checked(table, [file], portions, ())
                self.connection.execute("create or replace temp table read_probe as from checked")
            except SourceError as own:
                sentences[file.path] = str(own)
            except duckdb.Error as own:
                sentences[file.path] = f"{file.path} cannot be read: {own}. Write the file again (it may be truncated)"
        drop_read_tables(self.connection)
        return sentences or {table.path: f"the files of {table.path} cannot be read: {error}"}


def _is_quick_to_read_again(table: Table, portions: Sequence[Portion], files: Sequence[SourceFile]) -> bool:
    """Whether re-reading the file for each query beats keeping all rows in memory.

    True for large Parquet files of usage. Text is parsed once, and opening a small file costs a millisecond.
    """
    is_parquet = table.stored == "days" and all(portion.is_parquet for portion in portions)
    return is_parquet and sum(file.size for file in files) >= LARGE_FILE_BYTES * len(files)


def scalar(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row and row[0] is not None else 0
