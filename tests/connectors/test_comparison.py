"""What changed at a source is landed, each version once, with stamps that only go forward; what did not is not."""

import csv
import gzip
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from connectors import csv_lines
from connectors.comparison import land_snapshot, write_snapshot
from connectors.csv_lines import field_of, read_rows, split_row, value_of
from connectors.landing import LandingRoot
from connectors.report import LandingError, TableLanding
from ingestion.contract.model import load_contract

MEMBERSHIPS = load_contract().table("product_db__organization_memberships")
COLUMNS = ("user_id", "organization_id", "level", "updated_at")
START = datetime(2026, 11, 1, tzinfo=UTC)
Row = tuple[str | None, ...]


class Source:
    """A source of memberships, and what is landed of it, an hour after hour."""

    def __init__(self, folder: Path) -> None:
        self.root = LandingRoot(str(folder / "source"), folder / "copies")
        self.state = folder / "state"
        self.now = START

    def land(self, rows: Sequence[Row], columns: Sequence[str] = COLUMNS, max_lost_share: float = 1.0) -> TableLanding:
        self.now += timedelta(hours=1)
        self.state.mkdir(exist_ok=True)
        path = self.state / "source.csv"
        lines = [b",".join(map(field_of, row)) for row in (tuple(columns), *rows)]
        path.write_bytes(b"\n".join(lines) + b"\n")
        snapshot = write_snapshot("postgres", MEMBERSHIPS, path, self.state, self.now)
        return land_snapshot(self.root, snapshot, self.state, max_lost_share)

    def files(self) -> list[list[dict[str, str]]]:
        """The rows of each landed file."""
        paths = self.root.fetch(self.root.table_files("product_db", "organization_memberships"))
        return [list(csv.DictReader(gzip.open(path, "rt", newline=""))) for path in paths]

    def last(self) -> list[dict[str, str]]:
        return self.files()[-1]

    def newest(self) -> dict[tuple[str, str], str]:
        """The state that the load's reading gives: the newest level by key, of rows that are not removed."""
        newest: dict[tuple[str, str], dict[str, str]] = {}
        for row in (row for rows in self.files() for row in rows):
            key = row["organization_id"], row["user_id"]
            if key not in newest or instant(row) > instant(newest[key]):
                newest[key] = row
        return {key: row["level"] for key, row in newest.items() if not row["removed_at"]}


def instant(row: dict[str, str]) -> datetime:
    return datetime.fromisoformat(row["updated_at"])


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path)


def member(organization: str, user: int, level: str = "1", updated_at: str | None = "2026-10-01 00:00:00+00") -> Row:
    return (str(user), organization, level, updated_at)


def test_the_first_landing_has_every_row_as_the_source_gives_it(source: Source) -> None:
    landing = source.land([member("b", 2), member("a", 10), member("a", 9)])
    assert (landing.rows_seen, landing.rows_new, landing.files) == (3, 3, 1)
    assert [(row["organization_id"], row["user_id"]) for row in source.last()] == [("a", "10"), ("a", "9"), ("b", "2")]
    assert {row["updated_at"] for row in source.last()} == {"2026-10-01 00:00:00+00"}


def test_a_landing_without_changes_writes_no_file(source: Source) -> None:
    rows = [member("a", 1), member("b", 2)]
    source.land(rows)
    landing = source.land(rows[::-1])
    assert (landing.rows_seen, landing.rows_landed, landing.files) == (2, 0, 0)
    assert len(source.files()) == 1


def test_only_new_changed_and_removed_rows_land(source: Source) -> None:
    source.land([member("a", 1), member("b", 2), member("c", 3)])
    landing = source.land([member("a", 1), member("b", 2, "8", "2026-10-02 00:00:00+00"), member("d", 4)])
    assert (landing.rows_new, landing.rows_changed, landing.rows_removed) == (1, 1, 1)
    b, c, d = source.last()
    assert (b["level"], b["updated_at"], b["removed_at"]) == ("8", "2026-10-02 00:00:00+00", "")
    assert c["organization_id"] == "c"
    assert c["removed_at"] == c["updated_at"] == "2026-11-01T02:00:00.000000Z"
    assert d["source_updated_at"] == "2026-10-01 00:00:00+00"


@pytest.mark.parametrize("stamp", ["2026-10-01 00:00:00+00", "2026-09-01 00:00:00+00", None])
def test_change_without_a_new_stamp_gets_the_snapshots_time(source: Source, stamp: str | None) -> None:
    source.land([member("a", 1)])
    source.land([member("a", 1, "8", stamp)])
    (row,) = source.last()
    assert (row["updated_at"], row["source_updated_at"]) == ("2026-11-01T02:00:00.000000Z", stamp or "")
    assert source.newest() == {("a", "1"): "8"}


def test_a_clock_that_went_back_gives_no_stamp_that_is_not_later(source: Source) -> None:
    source.land([member("a", 1, "1", "2026-12-01 00:00:00+00")])
    source.land([member("a", 1, "8", None)])
    assert source.last()[0]["updated_at"] == "2026-12-01T00:00:00.000001Z"
    source.land([])
    assert source.last()[0]["updated_at"] == "2026-12-01T00:00:00.000002Z"
    assert source.last()[0]["removed_at"] == "2026-11-01T03:00:00.000000Z"
    assert source.newest() == {}


def test_refused_stamp_does_not_block_later_versions(source: Source) -> None:
    source.land([member("a", 1, "1", "infinity")])
    assert source.last()[0]["updated_at"] == "infinity"
    source.land([member("a", 1, "8", "2026-10-02 00:00:00+00")])
    assert source.last()[0]["updated_at"] == "2026-10-02 00:00:00+00"


def test_removed_key_lands_once_and_returns(source: Source) -> None:
    source.land([member("a", 1), member("b", 2)])
    assert source.land([member("b", 2)]).rows_removed == 1
    assert source.land([member("b", 2)]).files == 0
    assert source.land([member("a", 1), member("b", 2)]).rows_changed == 1
    assert source.last()[0]["removed_at"] == ""
    assert source.newest() == {("a", "1"): "1", ("b", "2"): "1"}


def test_what_the_source_itself_marks_as_removed_lands_so(source: Source) -> None:
    columns = (*COLUMNS, "removed_at")
    source.land([(*member("a", 1), None)], columns)
    assert source.land([(*member("a", 1), "2026-10-31 00:00:00+00")], columns).rows_changed == 1
    assert source.last()[0]["removed_at"] == "2026-10-31 00:00:00+00"
    assert source.land([(*member("a", 1), "2026-10-31 00:00:00+00")], columns).files == 0
    assert source.newest() == {}


def test_without_its_index_a_landing_finds_the_same_differences(source: Source) -> None:
    rows = [member("a", 1), member('b "x", y\n', 2), member("c", 3, "8", None)]
    source.land(rows)
    source.land([*rows[:2], member("d", 4)])
    for cache in source.state.iterdir():
        cache.unlink()
    assert source.land([*rows[:2], member("d", 4)]).files == 0
    assert source.land(rows).rows_changed == 1
    assert source.newest() == {("a", "1"): "1", ('b "x", y\n', "2"): "1", ("c", "3"): "8"}


def test_landing_killed_before_its_index_lands_nothing_twice(source: Source) -> None:
    source.land([member("a", 1)])
    before = (source.state / f"{MEMBERSHIPS.raw_name}.index.csv").read_bytes()
    source.land([member("a", 1, "8", None)])
    (source.state / f"{MEMBERSHIPS.raw_name}.index.csv").write_bytes(before)
    assert source.land([member("a", 1, "8", None)]).files == 0


def test_a_column_that_comes_lands_every_row_that_has_a_value_in_it(source: Source) -> None:
    columns = (*COLUMNS, "joined_at")
    source.land([member("a", 1), member("b", 2)])
    landing = source.land([(*member("a", 1), "2026-01-01 00:00:00+00"), (*member("b", 2), None)], columns)
    assert landing.rows_changed == 1
    assert source.last()[0]["joined_at"] == "2026-01-01 00:00:00+00"
    # One that goes is null from each row's next version on.
    assert source.land([member("a", 1), member("b", 2)]).files == 0


def test_a_key_that_comes_twice_lands_nothing(source: Source) -> None:
    source.land([member("a", 1)])
    for rows in ([member("a", 1), member("a", 1, "8")], [member("b", 1), member("c", 2), member("c", 2)]):
        with pytest.raises(LandingError, match=r"postgres: product_db.organization_memberships has organization_id"):
            source.land(rows)
    assert len(source.files()) == 1
    assert source.land([member("a", 1)]).files == 0


def test_rows_without_a_key_are_counted_and_stop_nobody(source: Source) -> None:
    landing = source.land([("1", None, "1", None), (None, "a", "1", None), member("a", 1)])
    assert landing.rows_new == 1
    assert landing.warnings[0].startswith("product_db.organization_memberships: 2 rows are without organization_id and")


def test_a_table_that_lost_most_of_its_keys_is_refused(source: Source) -> None:
    rows = [member("a", number) for number in range(100)]
    source.land(rows)
    with pytest.raises(LandingError, match=r"21 of the 100 landed rows of .* are no longer there"):
        source.land(rows[21:], max_lost_share=0.2)
    assert source.land(rows[20:], max_lost_share=0.2).rows_removed == 20


@pytest.mark.parametrize("name", ["support__tickets", "billing__billing_customers"])
def test_a_table_that_cannot_remove_rows_keeps_landing_after_its_source_pruned_them(tmp_path: Path, name: str) -> None:
    table = load_contract().table(name)
    given = [column.name for column in table.columns if column.name in {*table.key, table.stamp}]
    key = given.index(table.key[0])

    def land(first: int, last: int) -> TableLanding:
        rows = [["2026-10-01 00:00:00+00"] * len(given) for _ in range(first, last)]
        for number, row in enumerate(rows, first):
            row[key] = f"{number:03}"
        state = tmp_path / "state"
        state.mkdir(exist_ok=True)
        path = state / "source.csv"
        path.write_bytes(b"\n".join(b",".join(map(field_of, row)) for row in (given, *rows)) + b"\n")
        snapshot = write_snapshot("postgres", table, path, state, START)
        return land_snapshot(LandingRoot(str(tmp_path / "source"), tmp_path / "copies"), snapshot, state, 0.2)

    land(0, 70)
    for first in (20, 40):
        landing = land(first, first + 70)
        assert (landing.rows_new, landing.rows_removed) == (20, 0)
        assert f"{first} landed rows are no longer there at the source, and kept" in landing.warnings[0]
    with pytest.raises(LandingError, match="110 of the 110 landed rows"):
        land(0, 0)


def test_empty_table_lands_its_header_and_removes_nothing(source: Source) -> None:
    assert source.land([]).files == 1
    assert source.land([]).files == 0
    source.land([member("a", 1)])
    with pytest.raises(LandingError, match="1 of the 1 landed rows"):
        source.land([], max_lost_share=0.2)


@pytest.mark.parametrize("row", [b"a,b,", b",,", b'"a,""b""",c', b'"",,"x\ny"', b'a,"b,"', b'"a"', b'"",'])
def test_the_fields_of_a_row_are_those_that_it_has(row: bytes) -> None:
    fields = split_row(row)
    assert b",".join(fields) == row
    assert len(fields) == len(next(csv.reader([row.decode()], strict=True)))


@pytest.mark.parametrize("block", [1, 2, 3, 1000])
def test_rows_end_where_they_end_in_whatever_blocks_a_file_is_read(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_lines, "BLOCK_BYTES", block)
    rows = [b"a,b", b'"x\ny\n",""', b"", b'"",z', b'"\r\n"', b"last"]
    assert list(read_rows(BytesIO(b"\n".join(rows) + b"\n"))) == rows
    assert list(read_rows(BytesIO(b"\n".join(rows)))) == rows


@pytest.mark.parametrize("value", [None, "", "a", 'a "b", c\nd\r\n', " a ", "é"])
def test_a_value_is_read_as_it_was_written(value: str | None) -> None:
    assert value_of(field_of(value)) == value
