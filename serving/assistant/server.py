"""The Model Context Protocol server over the published file: five tools, each of which only reads.

Each call opens the newest publish, and each answer says how old its data is.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import wraps
from typing import TYPE_CHECKING, Any

from serving.assistant.guard import MOST_ROWS, Guarded, RefusedError, guarded
from serving.publish.comparison import changes
from serving.publish.versions import NoSuchVersionError, version_before
from settings import LATE_AFTER, STALE_AFTER, Settings, UserError

if TYPE_CHECKING:
    from mcp.server import MCPServer

INSTRUCTIONS = (
    "The figures of a product-led company: customers, revenue, usage, forecasts and work lists, one publish a day. "
    "Call `describe` before `query`. Say the data day of each answer. Money is in USD; the name of a column has its "
    "unit. A null is not known; it is not 0."
)
# Rows of each table in the answer about one customer, newest first.
ROWS_OF_A_CUSTOMER = 12
TIMES = ("date", "day", "month", "as_of_date", "valid_from", "entered_on", "period_start")
Metrics = Callable[[Sequence[str]], str]


def build_server(settings: Settings, metrics: Metrics) -> "MCPServer":
    """The server; `metrics` runs MetricFlow's command with these arguments and returns what it prints."""
    from mcp.server import MCPServer
    from mcp.types import ToolAnnotations

    server = MCPServer("growth-pipeline", instructions=INSTRUCTIONS, log_level="WARNING")
    reads_only = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
    door = Door(settings, metrics)
    for tool in (door.describe, door.query, door.metric, door.explain_customer, door.what_changed):
        server.add_tool(_with_sentences(tool), annotations=reads_only)
    return server


def _with_sentences(tool: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The tool, whose refusals reach the assistant as sentences."""
    from mcp.server.mcpserver.exceptions import ToolError

    @wraps(tool)
    def call(*arguments: Any, **named: Any) -> dict[str, Any]:
        try:
            return tool(*arguments, **named)
        except (UserError, FileNotFoundError) as error:
            raise ToolError(str(error)) from None

    return call


class Door:
    """The tools. A docstring is what the assistant reads of its tool."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics

    def describe(self, table: str | None = None) -> dict[str, Any]:
        """List the published tables with their grain, or the columns of one table with type and meaning."""
        with self._open() as published:
            if table is None:
                return self._answer(
                    published, {"tables": {each: published.meanings[each] for each in published.columns}}
                )
            if table not in published.columns:
                raise RefusedError(f"{table} is not a published table: call `describe` without a table")
            return self._answer(published, {"columns": [asdict(column) for column in published.columns[table]]})

    def query(self, sql: str) -> dict[str, Any]:
        """Answer one SELECT in DuckDB's SQL over the published tables (schema `marts`): at most 500 rows in 20 s."""
        with self._open() as published:
            columns, rows, has_more = published.rows(sql)
            shown = [[_plain(value) for value in row] for row in rows]
            return self._answer(published, {"columns": columns, "rows": shown, "has_more_rows": has_more})

    def metric(self, name: str, group_by: list[str] | None = None) -> dict[str, Any]:
        """Ask a metric of the semantic layer, such as `mrr` by `metric_time__month`. The name `list` lists all."""
        groups = group_by or []
        if not all(re.fullmatch("[a-z0-9_]+", each) for each in (name, *groups)):
            raise RefusedError("names of metrics and dimensions are lower-case letters, digits and underscores")
        arguments = ["list", "metrics"] if name == "list" else ["query", "--metrics", name, "--limit", str(MOST_ROWS)]
        if name != "list" and groups:
            arguments += ["--group-by", ",".join(groups), "--order", ",".join(groups)]
        with self._open() as published:
            return self._answer(published, {"answer": self._metrics(arguments)})

    def explain_customer(self, customer_id: str) -> dict[str, Any]:
        """What is published about one customer: revenue, usage, forecast, criteria, lists, owner, history.

        A table with days gives its newest rows; `has_more_rows` names the tables that have more.
        """
        with self._open() as published:
            tables, cut = {}, []
            for table, of_table in published.columns.items():
                columns = [column.name for column in of_table]
                if condition := _of_customer(columns):
                    newest = next((f" order by {name} desc" for name in TIMES if name in columns), "")
                    most = ROWS_OF_A_CUSTOMER if newest else MOST_ROWS
                    names, rows, has_more = published.rows(
                        f"from marts.{table} where {condition}{newest} limit {most + 1}", [customer_id]
                    )
                    if rows:
                        tables[table] = [dict(zip(names, map(_plain, row), strict=True)) for row in rows[:most]]
                    if has_more or len(rows) > most:
                        cut.append(table)
            if not tables:
                raise RefusedError(f"no customer {customer_id} is published: `query` dim_customers for the id")
            return self._answer(published, {"customer_id": customer_id, "tables": tables, "has_more_rows": cut})

    def what_changed(self) -> dict[str, Any]:
        """Compare the newest publish with the one before: rows and sums of money that differ, by table and band."""
        with self._open() as published:
            try:
                before = version_before(self._settings)
            except NoSuchVersionError:
                return self._answer(published, {"differences": [], "note": "this is the first publish"})
            found = [
                {
                    "table": each.table,
                    "band": each.band,
                    "figure": each.figure,
                    "before": _plain(each.before),
                    "after": _plain(each.after),
                }
                for each in changes(before.path, self._settings.serving_path)
            ]
            return self._answer(published, {"compared_with": str(before), "differences": found})

    def _open(self) -> AbstractContextManager[Guarded]:
        return guarded(self._settings.serving_path, with_personal_data=self._settings.assistant_personal_data)

    def _answer(self, published: Guarded, content: dict[str, Any]) -> dict[str, Any]:
        _, [(as_of, published_at)], _ = published.rows("select as_of_date, published_at from publish_info")
        age = datetime.now(UTC).replace(tzinfo=None) - published_at
        state = "fresh" if age <= LATE_AFTER else "late" if age <= STALE_AFTER else "stale"
        return {
            "data_day": as_of.isoformat(),
            "published_at": published_at.isoformat(timespec="seconds"),
            "freshness": state,
            **content,
        }


def _of_customer(columns: Sequence[str]) -> str | None:
    """The condition on a table with these columns for the rows of one customer; None if it has none."""
    if "customer_id" in columns:
        return "customer_id = ?"
    if "organization_id" in columns:
        return "organization_id in (select organization_id from dim_organizations where customer_id = ?)"
    return None


def _plain(value: Any) -> Any:
    """A value of JSON: exact decimals and dates are text."""
    return str(value) if isinstance(value, Decimal | date) else value
