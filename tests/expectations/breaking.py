"""Suites of the project's tables, tried on companies of a few rows that are written by hand."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import date

import duckdb

from expectations.gate import check_suites
from expectations.suites import load_suites

AS_OF = date(2026, 10, 31)


@contextmanager
def company_of(tables: str) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(tables)
        yield connection


def broken_of(
    connection: duckdb.DuckDBPyConnection,
    tables: Collection[str],
    change: str = "",
    days: tuple[date, date] | None = None,
) -> set[str]:
    """The expectations of these tables that do not pass: of those that a change names, or of all if it names none."""
    looked_at = [table for table in tables if table in change] or tables
    suites = [suite for suite in load_suites() if suite.table in looked_at]
    assert len(suites) == len(looked_at)
    return {each.name for each in check_suites(connection, suites, AS_OF, days) if each.status != "passed"}


def never_broken(test: Callable, tables: Collection[str]) -> set[str]:
    """The expectations of these tables that no case (change, expected) of a test breaks."""
    marks = [mark for mark in vars(test)["pytestmark"] if mark.name == "parametrize"]
    found = set().union(*(expected for _, expected in marks[0].args[1]))
    suites = [suite for suite in load_suites() if suite.table in tables]
    return {expectation.name for suite in suites for expectation in suite.expectations} - found
