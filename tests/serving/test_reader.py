"""A Python reader gets the newest publish with every query, one publish with every snapshot, and cannot write."""

import threading
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from serving.reader import dataframe, query, snapshot


def publish_version(path: Path, version: int) -> None:
    """Swap in a file whose one row is the version."""
    built = path.with_suffix(".built")
    with duckdb.connect(str(built)) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create table marts.fct_a as select {version} as version")
    built.chmod(0o444)
    built.replace(path)


def newest(path: Path) -> list[tuple]:
    """The version that a query of its own sees."""
    with query("select version from fct_a", path=path) as result:
        return result.fetchall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A published file of version 1, in a folder whose name needs quotes."""
    folder = tmp_path / 'the company\'s "own" folder'
    folder.mkdir()
    publish_version(folder / "serving.duckdb", 1)
    return folder / "serving.duckdb"


def test_query_sees_the_newest_publish_beside_an_open_snapshot(path: Path) -> None:
    with snapshot(path) as earlier:
        publish_version(path, 2)
        assert newest(path) == [(2,)]
        assert earlier.execute("select version from fct_a").fetchall() == [(1,)]


def test_threads_read_beside_each_other(path: Path) -> None:
    seen: list[list[tuple]] = []
    threads = [threading.Thread(target=lambda: seen.append(newest(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [[(1,)]] * 8


def test_parameters_are_values_and_never_sql(path: Path) -> None:
    with query(
        "select version, ? as said from fct_a where version = ?", ["'; drop table fct_a", 1], path=path
    ) as result:
        assert result.fetchall() == [(1, "'; drop table fct_a")]


@pytest.mark.parametrize("statement", ["delete from fct_a", "create table marts.mine as select 1", "drop table fct_a"])
def test_a_reader_cannot_write(path: Path, statement: str) -> None:
    with pytest.raises(duckdb.InvalidInputException, match="read-only"), snapshot(path) as connection:
        connection.execute(statement)
    assert newest(path) == [(1,)]


def test_what_is_not_published_is_said_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing is published at .* yet: run `growth run` first"):
        newest(tmp_path / "serving.duckdb")


MONEY = (
    "select 0.10::decimal(22, 2) as usd, null::decimal(22, 2) as none_usd, 0.2 as usd, date '2026-10-31' as day, ? as n"
)


def test_dataframe_has_floats_or_exact_decimals_on_request(path: Path) -> None:
    floats = dataframe(MONEY, [3], path=path)
    exact = dataframe(MONEY, [3], path=path, exact_decimals=True)
    assert [f"{kind}" for kind in floats.dtypes[:3]] == ["float64"] * 3
    assert list(exact.iloc[0, :3]) == [Decimal("0.10"), None, Decimal("0.2")]
    assert exact.iloc[:, 3:].equals(floats.iloc[:, 3:])
    assert (exact.iloc[0, 3].isoformat(), exact.iloc[0, 4]) == ("2026-10-31T00:00:00", 3)


def test_a_dataframe_is_of_the_newest_publish(path: Path) -> None:
    assert dataframe("from fct_a", path=path).to_dict("list") == {"version": [1]}
    publish_version(path, 2)
    assert dataframe("from fct_a", path=path).to_dict("list") == {"version": [2]}


def test_a_dataframe_of_nothing_published_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="run `growth run` first"):
        dataframe("from fct_a", path=tmp_path / "serving.duckdb")
