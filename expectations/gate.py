"""The gate after a layer: every expectation of every table is checked in the database, and its result is kept.

A table's suite is validated at once, for success or failure only. What failed is validated again for its counts and
a sample. A check that could not run is an error: it has not failed, it has not passed, and it blocks.

In a run of everything, of tables whose changed days are known only those are read again, and once a week every row
(`expectations/looks.py`). In a run for some days, only their rows of the tables that are built by days are checked.
Such a result names its days, and is kept beside that of the whole table.

Importing this module imports Great Expectations.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import duckdb
import great_expectations
from great_expectations import ExpectationSuite
from great_expectations import expectations as built_in
from great_expectations.core import ExpectationValidationResult
from great_expectations.datasource.fluent import SQLDatasource
from great_expectations.datasource.fluent.interfaces import Batch, TestConnectionError

from expectations import checks
from expectations.dialect import DIALECT, engine_settings
from expectations.looks import asked, days_to_look_at
from expectations.results import Result, keep_results
from expectations.suites import QUERY, Expectation, Suite, SuiteError, load_suites
from settings import Settings
from warehouse.connection import connect
from warehouse.data_day import newest_complete_day
from warehouse.postgres import is_server
from warehouse.sql_text import literal, quote

logger = logging.getLogger(__name__)
SAMPLE_ROWS = 5
DETAIL_CHARACTERS = 2000
SUCCESS_ONLY = {"result_format": "BOOLEAN_ONLY"}
EVERY_DAY = (date(1900, 1, 1), date(9999, 12, 31))
OF_DAYS = "of_days"
WHOLE_TABLE = "whole_table"


def run_layer(
    warehouse_path: Path,
    layer: str,
    *,
    run_id: str,
    as_of: date | None,
    tables: Collection[str] | None = None,
    days: tuple[date, date] | None = None,
    settings: Settings | None = None,
    only_changed: bool = False,
) -> list[Result]:
    """Check the tables of a layer (all, or `tables`) and append the results to quality.expectation_results.

    `as_of` is the data day, None the newest complete day of usage. Of tables that are built by days only the rows of
    `days` (first and last) are read, if they are given; with `only_changed`, those that changed since the last look.
    The tables are those of the engine in `settings`, or else of the warehouse file. The caller holds the warehouse.
    Running the same layer again in the same run replaces its results. Raises `SuiteError` for a table without a suite.
    """
    suites = [suite for suite in load_suites() if suite.layer == layer and (tables is None or suite.table in tables)]
    without_suite = set(tables or ()) - {suite.table for suite in suites}
    if without_suite:
        known = ", ".join(sorted(suite.table for suite in load_suites() if suite.layer == layer))
        raise SuiteError(f"no suite of layer {layer} for {', '.join(sorted(without_suite))}: it has {known}")
    with connect(warehouse_path, read_only=True) as connection:
        day = as_of or _data_day(connection)
        if settings and settings.target == "spark":
            from expectations.on_spark import check_suites_on_spark

            results = check_suites_on_spark(settings, connection, suites, day, days)
        else:
            results = check_suites(connection, suites, day, days, only_changed=only_changed)
    keep_results(warehouse_path, results, run_id, day)
    for result in results:
        if result.status != "passed":
            is_warning = result.status == "failed" and result.severity == "warning"
            said = "warning" if is_warning else f"{result.status} ({result.severity})"
            logger.info(f"{said} {layer}.{result.table}: {result.name}: {result.detail}")
    return results


def check_suites(
    connection: duckdb.DuckDBPyConnection,
    suites: Iterable[Suite],
    as_of: date | None,
    days: tuple[date, date] | None = None,
    *,
    only_changed: bool = False,
) -> list[Result]:
    """Check suites on a connection, which may be read-only, in the order of their expectations."""
    gate = Gate(connection, as_of)
    return [result for suite in suites for result in check_suite(gate, suite, days, only_changed=only_changed)]


def check_suite(gate: "Gate", suite: Suite, days: tuple[date, date] | None, *, only_changed: bool) -> list[Result]:
    """The results of a suite, in the order of its expectations."""
    if days and suite.day:
        of_days = [each for each in suite.expectations if not each.whole]
        return [replace(result, days=days) for result in gate.check(suite, of_days, days)]
    look = days_to_look_at(gate.connection, suite, gate.as_of) if only_changed else None
    if look is None:
        return gate.check(suite, suite.expectations)
    changed = (look.first, look.last)
    enough = [each for each in suite.expectations if each.name in look.expectations]
    others = [each for each in suite.expectations if each not in enough]
    # The history of a table's rows is that of the whole table.
    rows = gate.count_rows(suite)
    results = {
        result.name: replace(result, looked_at=changed, total_rows=rows)
        for result in gate.check(suite, enough, changed)
    }
    results |= {result.name: result for result in gate.check(suite, others)}
    return [results[each.name] for each in suite.expectations]


def _data_day(connection: duckdb.DuckDBPyConnection) -> date | None:
    try:
        return newest_complete_day(connection)
    except duckdb.CatalogException:
        return None


class Gate:
    """Great Expectations over one connection, for one data day."""

    # The columns by which sampled rows are ordered.
    order = "all"

    def __init__(self, connection: duckdb.DuckDBPyConnection, as_of: date | None) -> None:
        self.connection = connection
        self.as_of = as_of
        self._database = connection.execute("select current_database()").fetchall()[0][0]
        self._days: tuple[date, date] | None = None

    def check(
        self, suite: Suite, expectations: Sequence[Expectation], days: tuple[date, date] | None = None
    ) -> list[Result]:
        """The results of these expectations of a suite, in their order: of every row, or of those of some days."""
        if not expectations:
            return []
        self._days = days
        if days:
            self._show_days(suite)
        try:
            batch = self._batch(suite)
        except TestConnectionError as error:
            return [_result(suite, each, "error", None, detail=_first_part(str(error))) for each in expectations]
        return self._results(suite, expectations, batch)

    def _results(self, suite: Suite, expectations: Sequence[Expectation], batch: Batch) -> list[Result]:
        total_rows = self.count_rows(suite, self._days)
        outcomes = self._validate(batch, expectations, SUCCESS_ONLY)
        for each in [each for each in expectations if _error_of(outcomes[each.name])]:
            # Checks that share a statement share one message too, that of the last one: ask each for its own.
            outcomes |= self._validate(batch, [each], SUCCESS_ONLY)
        failed = [each for each in expectations if not (outcomes[each.name].success or _error_of(outcomes[each.name]))]
        observations = self._validate(batch, failed, _summary_of(suite)) if failed else {}
        results = []
        for each in expectations:
            reason = _error_of(outcomes[each.name])
            if reason:
                results.append(_result(suite, each, "error", total_rows, detail=reason))
            elif each in failed:
                results.append(self._failure(suite, each, observations[each.name], total_rows))
            else:
                results.append(_result(suite, each, "passed", total_rows, unexpected_rows=0))
        return results

    def count_rows(self, suite: Suite, days: tuple[date, date] | None = None) -> int:
        """Rows of the table, or of the days that are shown of it."""
        self._days = days
        return int(self._query(f"select count(*) as number_of_rows from {self._table(suite)}")[0]["number_of_rows"])  # noqa: S608

    def _table(self, suite: Suite) -> str:
        """The table in SQL: as it is, or as a view of the days that are looked at."""
        return quote(OF_DAYS if self._days else suite.layer, suite.table)

    def _query(self, query: str) -> list[dict[str, Any]]:
        cursor = self.connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def _show_days(self, suite: Suite) -> None:
        assert suite.day is not None
        # A database in memory, since a cursor does not see the temporary views of another.
        self.connection.execute(f"attach if not exists ':memory:' as {OF_DAYS} (read_write)")
        day, source = quote(suite.day), quote(self._database, suite.layer, suite.table)
        first, last = self._dates["{first_day}"], self._dates["{last_day}"]
        rows = f"select * from {source} where {day} >= {first} and {day} <= {last}"  # noqa: S608
        self.connection.execute(f"create or replace view {self._table(suite)} as {rows}")

    @property
    def _dates(self) -> dict[str, str]:
        """What stands in a query in place of the data day and of the ends of the days that are looked at."""
        first, last = self._days or EVERY_DAY
        return {
            "{as_of}": literal(self.as_of) if self.as_of else "cast(null as date)",
            "{first_day}": literal(first),
            "{last_day}": literal(last),
        }

    def _batch(self, suite: Suite) -> Batch:
        """The table as Great Expectations sees it. Raises `TestConnectionError` if it cannot be read.

        The data source has this one table and is made with it: a context writes down all that it has at each change.
        """
        address, engine_settings = self._engine(suite)
        source = SQLDatasource(
            name="warehouse",
            connection_string=address,
            kwargs=engine_settings,
            assets=[{"name": suite.table, "type": "table", "batch_definitions": [{"name": WHOLE_TABLE}]}],
        )
        added = _quiet_context().data_sources.add_or_update_sql(source)
        return added.get_asset(suite.table).get_batch_definition(WHOLE_TABLE).get_batch()

    def _engine(self, suite: Suite) -> tuple[str, dict[str, Any]]:
        """SQLAlchemy's address and settings of an engine that finds the suite's table without its schema."""
        # With a schema of its own database first, other tables are still found in it by their schema.
        first = "public" if is_server(self.connection) else "main"
        of_days = f"{self._database}.{first},{OF_DAYS}.main"
        search_path = of_days if self._days else f"{self._database}.{suite.layer}"
        return f"{DIALECT}://", engine_settings(self.connection, search_path)

    def _validate(
        self, batch: Batch, expectations: Sequence[Expectation], result_format: dict
    ) -> dict[str, ExpectationValidationResult]:
        suite = ExpectationSuite("suite", expectations=[self._expectation(each) for each in expectations])
        outcomes = batch.validate(suite, result_format=result_format).results
        configurations: list[Any] = [outcome.expectation_config for outcome in outcomes]
        return {each.meta["name"]: outcome for each, outcome in zip(configurations, outcomes, strict=True)}

    def _expectation(self, expectation: Expectation) -> Any:
        kwargs = {name: self._dated(value) for name, value in expectation.kwargs.items()}
        return _class_of(expectation.type)(**kwargs, meta={"name": expectation.name})

    def _dated(self, value: Any) -> Any:
        if isinstance(value, str):
            for placeholder, day in self._dates.items():
                value = value.replace(placeholder, day)
        return value

    def _failure(
        self, suite: Suite, expectation: Expectation, outcome: ExpectationValidationResult, total_rows: int | None
    ) -> Result:
        observation = outcome.result
        unexpected = observation.get("unexpected_count")
        observed = observation.get("observed_value")
        if observed is None and unexpected is not None:
            observed = f"unexpected rows: {unexpected}"
        return _result(
            suite,
            expectation,
            "failed",
            total_rows,
            observed=None if observed is None else str(observed),
            unexpected_rows=unexpected,
            detail=_error_of(outcome) or self._sample(suite, expectation, observation),
        )

    def _sample(self, suite: Suite, expectation: Expectation, observation: dict) -> str:
        """Some of the unexpected rows, by their keys and figures: no other text, which may be a person's name."""
        texts = {*suite.key, *expectation.shown}
        query = self._sample_query(suite, expectation)
        if query is None:
            rows = observation.get("partial_unexpected_index_list") or []
        else:
            rows = self._query(f"select * from ({query}) as found order by {self.order} limit {SAMPLE_ROWS}")  # noqa: S608
        shown = [
            ", ".join(f"{name}={value}" for name, value in row.items() if name in texts or _is_figure(value))
            for row in rows
        ]
        return f"{expectation.description}" + (f" For example: {'; '.join(shown)}" if any(shown) else "")

    def _sample_query(self, suite: Suite, expectation: Expectation) -> str | None:
        """A query for unexpected rows, or None for a type of Great Expectations, which samples for itself."""
        table = self._table(suite)
        if expectation.type == QUERY:
            query = expectation.look_for or expectation.kwargs["unexpected_rows_query"]
            return self._dated(query).format(batch=table)
        if expectation.type == "expect_rows_to_satisfy":
            condition = self._dated(expectation.kwargs["condition"])
            return f"select {', '.join(map(quote, suite.key))} from {table} where ({condition}) is not true"  # noqa: S608
        return None


def _class_of(type_name: str) -> Any:
    """The class of an expectation type: the project's own, or Great Expectations'."""
    class_name = "".join(word.capitalize() for word in type_name.split("_"))
    return getattr(checks, class_name, None) or getattr(built_in, class_name)


@lru_cache(maxsize=1)
def _quiet_context() -> Any:
    """A context of Great Expectations that lives in memory, tells nobody, and shows no progress bars."""
    context: Any = great_expectations.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = {"globally": False}
    return context


def _summary_of(suite: Suite) -> dict:
    return {
        "result_format": "SUMMARY",
        "partial_unexpected_count": SAMPLE_ROWS,
        "unexpected_index_column_names": list(suite.key),
    }


def _error_of(outcome: ExpectationValidationResult) -> str | None:
    """Why a check could not run. Great Expectations says it once a check, or once for each metric of a check."""
    information = outcome.exception_info or {}
    each = [information] if "raised_exception" in information else list(information.values())
    messages = {one["exception_message"] or "could not run" for one in each if one["raised_exception"]}
    return "; ".join(sorted(_first_part(message) for message in messages)) or None


def _first_part(message: str) -> str:
    """A message of the database on one line, without the statement that SQLAlchemy adds to it."""
    return " ".join(message.split("\n[SQL:", maxsplit=1)[0].split())


def _result(
    suite: Suite,
    expectation: Expectation,
    status: Literal["passed", "failed", "error"],
    total_rows: int | None,
    *,
    observed: str | None = None,
    unexpected_rows: int | None = None,
    detail: str | None = None,
) -> Result:
    return Result(
        suite.layer,
        suite.table,
        expectation.name,
        expectation.type,
        expectation.severity,
        status,
        observed,
        unexpected_rows,
        total_rows,
        detail[:DETAIL_CHARACTERS] if detail else None,
        asked=asked(expectation),
    )


def _is_figure(value: object) -> bool:
    return value is None or not isinstance(value, str | bytes | list | dict)
