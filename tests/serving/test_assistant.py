"""An assistant asks by the protocol's own client; it reads published tables and gets no further."""

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from mcp import Client, StdioServerParameters
from mcp.server import MCPServer

from serving.assistant import guard
from serving.assistant.server import build_server
from settings import PERSONAL_MARK, PROJECT_DIR, Settings
from tests.serving.published_marts import write_published

TOOLS = {"describe", "query", "metric", "explain_customer", "what_changed"}
ROWS: dict[str, list[dict[str, Any]]] = {
    "dim_customers": [
        {"customer_id": "acme", "name": "Acme Secret", "arr_usd_year": "1200.10", "lifecycle": "paying"},
        {"customer_id": "beta", "name": "Beta Secret", "arr_usd_year": "5.00", "lifecycle": "paying"},
    ],
    "dim_organizations": [{"organization_id": "org-1", "customer_id": "acme", "name": "Acme Secret"}],
    "fct_segment_criteria": [{"organization_id": "org-1", "criterion": "people", "observed": 50, "threshold": 15}],
    "fct_mrr_monthly": [
        {"customer_id": "acme", "month": f"2026-{month:02}-01", "mrr_usd_month": month} for month in range(1, 11)
    ],
}
# What somebody might try, in the words of DuckDB. `{file}` is a file that exists, `{other}` one that does not.
ATTEMPTS = [
    *("from '{file}'", "select * from '{file}'", "from read_csv('{file}')", "from read_text('{file}')"),
    *("from read_blob('{file}')", "from read_json_auto('{file}')", "from read_parquet('{file}')"),
    *("from parquet_metadata('{file}')", "from glob('/*')", "from sniff_csv('{file}')", "from read_duckdb('{file}')"),
    *("attach '{file}' as other", "attach ':memory:' as other", "attach '{other}' (type sqlite)", "detach serving"),
    *("use marts; select 1", "install httpfs", "load httpfs", "force install spatial from community"),
    *("copy dim_customers to '{other}'", "copy (select 1) to '{other}'", "export database '{other}'"),
    *("copy dim_customers from '{file}'", "import database '{other}'", "create table mine as select 1"),
    *("create temp table mine (a int)", "create view mine as select 1", "create macro mine() as 1"),
    *("insert into dim_customers (customer_id) values ('x')", "delete from dim_customers", "truncate dim_customers"),
    *("update dim_customers set arr_usd_year = 0", "drop table dim_customers", "drop view dim_customers"),
    *("alter table dim_customers rename to gone", "comment on table dim_customers is 'x'", "vacuum", "checkpoint"),
    *("set memory_limit = '100GB'", "set enable_external_access = true", "reset lock_configuration"),
    *("pragma database_list", "pragma memory_limit = '100GB'", "call pragma_version()", "explain analyze select 1"),
    *("set variable a = 1", "prepare p as select 1", "execute p", "begin", "select 1; select 2", ""),
    *("from duckdb_settings()", "from duckdb_databases()", "from duckdb_views()", "from information_schema.tables"),
    *("from sqlite_master", "show databases", "describe dim_customers", "from (describe dim_customers)"),
    *("from query('select 1')", "from query_table('dim_customers')", "from serving.marts.dim_customers"),
    *(
        "from system.main.duckdb_tables",
        "with x as (from read_text('{file}')) from x",
        "from memory.marts.dim_customers",
    ),
    *(
        "select (select content from read_text('{file}'))",
        "from pg_catalog.pg_tables",
        "select name from dim_customers",
    ),
    *("select * from dim_customers where exists (from '{file}')", "from dim_customers at (version => 1)", "nonsense"),
    "select name from dim_customers",
    "with duckdb_databases as (select path from duckdb_databases) from duckdb_databases",
    'with "DuckDB_Columns" as (select 1) select * from "DuckDB_Columns"',
    "select * from dim_customers, (with sqlite_master as (select 1) from sqlite_master), sqlite_master as s",
    "with pg_tables as (select 1) from pg_tables",
]
WITHOUT_END = [
    "with recursive n as (select 1 as a union all select a + 1 from n) select count(*) from n",
    "select count(*) from range(1000000000000) as a(x) where x % 7 = 3",
    "select string_agg(repeat('x', 1000), '') from range(100000000)",
]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published file whose names of customers are tagged as personal."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("published"))
    path = write_published(settings, ROWS, published_at=datetime.now(UTC).replace(tzinfo=None))
    with duckdb.connect(str(path)) as connection:
        for table in ("dim_customers", "dim_organizations"):
            connection.execute(f"comment on column marts.{table}.name is 'Its name. {PERSONAL_MARK}'")
        connection.execute("comment on table marts.dim_customers is 'One row per customer.'")
    return path


@pytest.fixture
def settings(published: Path, tmp_path: Path) -> Settings:
    """A data folder of the test's own with the published file."""
    settings = Settings(data_dir=tmp_path / "data")
    settings.serving_path.parent.mkdir(parents=True)
    shutil.copyfile(published, settings.serving_path)
    return settings


def no_metrics(arguments: Any) -> str:
    """MetricFlow, which these tests do not start."""
    return f"asked: {' '.join(arguments)}"


def call(server: MCPServer | StdioServerParameters, tool: str, **arguments: Any) -> tuple[bool, Any]:
    """Whether a call failed, and what it answered: its content, or the sentence of the error."""

    async def ask() -> tuple[bool, Any]:
        async with Client(server) as client:
            result = await client.call_tool(tool, arguments)
            text = "".join(getattr(part, "text", "") for part in result.content)
            return bool(result.is_error), text if result.is_error else result.structured_content

    return asyncio.run(ask())


@pytest.fixture
def ask(settings: Settings) -> Callable[..., Any]:
    """Call a tool and get its answer."""

    def answer(tool: str, **arguments: Any) -> Any:
        failed, content = call(build_server(settings, no_metrics), tool, **arguments)
        assert not failed, content
        return content

    return answer


@pytest.fixture
def refusal(settings: Settings) -> Callable[..., str]:
    """Call a tool that refuses, and get its sentence."""

    def sentence(tool: str, **arguments: Any) -> str:
        failed, content = call(build_server(settings, no_metrics), tool, **arguments)
        assert failed, content
        return content

    return sentence


def test_every_answer_says_its_data_day_and_its_freshness(ask: Callable[..., Any]) -> None:
    arguments: dict[str, dict[str, Any]] = {
        "query": {"sql": "select 1"},
        "metric": {"name": "mrr"},
        "explain_customer": {"customer_id": "acme"},
    }
    for tool in TOOLS:
        answer = ask(tool, **arguments.get(tool, {}))
        assert (answer["data_day"], answer["freshness"]) == ("2026-10-31", "fresh"), tool


@pytest.mark.parametrize(("hours", "state"), [(25, "fresh"), (27, "late"), (37, "stale")])
def test_an_old_publish_is_called_so(tmp_path: Path, hours: int, state: str) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    write_published(settings, {}, published_at=datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=hours))
    _, answer = call(build_server(settings, no_metrics), "query", sql="select 1")
    assert answer["freshness"] == state


def test_a_query_gives_exact_figures(ask: Callable[..., Any]) -> None:
    answer = ask("query", sql="select customer_id, arr_usd_year from dim_customers order by 2 desc")
    assert answer["columns"] == ["customer_id", "arr_usd_year"]
    assert answer["rows"] == [["acme", "1200.10"], ["beta", "5.00"]]
    assert not answer["has_more_rows"]


def test_an_answer_is_cut_at_the_limit_of_rows_and_says_so(ask: Callable[..., Any]) -> None:
    answer = ask("query", sql="select range from range(1000)")
    assert (len(answer["rows"]), answer["has_more_rows"]) == (guard.MOST_ROWS, True)


@pytest.mark.parametrize(
    "sql",
    [
        "with paying as (from marts.dim_customers) select count(*) from paying",
        "select count(*) from dim_customers as a join dim_organizations as b using (customer_id)",
        "select x from (values (1), (2)) as v(x), unnest([1, 2]) as u(y) limit 1",
        "select count(*) filter (where mrr_usd_month > 1) from fct_mrr_monthly -- a comment; with a semicolon",
    ],
)
def test_ordinary_analysis_is_answered(ask: Callable[..., Any], sql: str) -> None:
    assert len(ask("query", sql=sql)["rows"]) == 1


def test_an_assistant_gets_no_further_than_the_published_tables(settings: Settings, tmp_path: Path) -> None:
    secret, other = tmp_path / "secret.csv", tmp_path / "other"
    secret.write_text("a\n31415926\n")
    before = settings.serving_path.read_bytes()

    async def try_all() -> dict[str, Any]:
        async with Client(build_server(settings, no_metrics)) as client:
            texts = [each.replace("{file}", str(secret)).replace("{other}", str(other)) for each in ATTEMPTS]
            return {text: await client.call_tool("query", {"sql": text}) for text in texts}

    results = asyncio.run(try_all())
    assert len(results) > 70
    assert [text for text, result in results.items() if not result.is_error] == []
    said = " ".join(str(result.content) for result in results.values())
    assert "31415926" not in said
    assert "Secret" not in said
    assert not other.exists()
    assert settings.serving_path.read_bytes() == before


def test_the_walls_hold_without_the_parser(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection alone reaches no file and keeps its settings."""
    monkeypatch.setattr(guard, "refuse_all_but_a_select", lambda connection, sql, tables: sql)
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n31415926\n")
    with guard.guarded(settings.serving_path) as published:
        for attempt in (
            f"from read_text('{secret}')",
            f"copy dim_customers to '{tmp_path / 'other'}'",
            f"attach '{tmp_path / 'other'}' as other",
            "set enable_external_access = true",
            "reset memory_limit",
            "install httpfs",
            "delete from dim_customers",
        ):
            with pytest.raises(guard.RefusedError):
                published.rows(attempt)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("sql", WITHOUT_END)
def test_a_query_without_end_is_ended(refusal: Callable[..., str], monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    monkeypatch.setattr(guard, "MOST_SECONDS", 0.3)
    assert "ask for less" in refusal("query", sql=sql)


def test_an_answer_of_too_many_characters_is_refused(refusal: Callable[..., str]) -> None:
    assert "characters" in refusal("query", sql="select repeat('x', 300000)")


def test_personal_data_is_left_out_unless_a_setting_allows_it(settings: Settings, ask: Callable[..., Any]) -> None:
    assert "name" not in [column["name"] for column in ask("describe", table="dim_customers")["columns"]]
    assert "Secret" not in str(ask("explain_customer", customer_id="acme"))
    allowed = build_server(settings.model_copy(update={"assistant_personal_data": True}), no_metrics)
    _, answer = call(allowed, "query", sql="select name from dim_customers order by 1")
    assert answer["rows"] == [["Acme Secret"], ["Beta Secret"]]


def test_describe_lists_tables_and_columns_with_their_meaning(ask: Callable[..., Any], refusal: Callable) -> None:
    assert ask("describe")["tables"]["dim_customers"] == "One row per customer."
    columns = {column["name"]: column["type"] for column in ask("describe", table="dim_customers")["columns"]}
    assert columns["arr_usd_year"].startswith("DECIMAL")
    assert "fct_gone is not a published table" in refusal("describe", table="fct_gone")


def test_a_customer_is_explained_from_every_table_newest_first(ask: Callable[..., Any], refusal: Callable) -> None:
    tables = ask("explain_customer", customer_id="acme")["tables"]
    assert tables.keys() == ROWS.keys()
    assert tables["fct_mrr_monthly"][0]["month"] == "2026-10-01"
    assert tables["fct_segment_criteria"][0]["criterion"] == "people"
    assert "no customer x' or 1=1" in refusal("explain_customer", customer_id="x' or 1=1")


def test_explanation_says_of_which_tables_it_leaves_rows_out_and_leaves_out_no_criterion(tmp_path: Path) -> None:
    criteria = [{"organization_id": "org-1", "criterion": f"criterion {number}"} for number in range(25)]
    months = [
        {"customer_id": "acme", "month": f"{year}-{month:02}-01"} for year in (2025, 2026) for month in range(1, 11)
    ]
    rows = ROWS | {"fct_segment_criteria": criteria, "fct_mrr_monthly": months}
    settings = Settings(data_dir=tmp_path)
    write_published(settings, rows, published_at=datetime.now(UTC).replace(tzinfo=None))
    _, answer = call(build_server(settings, no_metrics), "explain_customer", customer_id="acme")
    assert len(answer["tables"]["fct_segment_criteria"]) == 25
    assert [row["month"] for row in answer["tables"]["fct_mrr_monthly"]][-1] == "2025-09-01"
    assert answer["has_more_rows"] == ["fct_mrr_monthly"]


def test_a_metric_is_asked_by_names_alone(ask: Callable[..., Any], refusal: Callable[..., str]) -> None:
    asked = ask("metric", name="mrr", group_by=["metric_time__month"])["answer"]
    assert asked.startswith("asked: query --metrics mrr")
    assert "--group-by metric_time__month" in asked
    for name in ("--explain", "mrr --where x", "mrr;", "{{ x }}", ""):
        assert "names of metrics" in refusal("metric", name=name)
        assert "names of metrics" in refusal("metric", name="mrr", group_by=[name])


def test_a_first_publish_has_changed_nothing(ask: Callable[..., Any]) -> None:
    assert ask("what_changed")["note"] == "this is the first publish"


def test_the_command_speaks_the_protocol_and_nothing_else(settings: Settings) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "cli", "mcp"],
        cwd=str(PROJECT_DIR),
        env={**os.environ, "GROWTH_DATA_DIR": str(settings.data_dir)},
    )

    async def look() -> tuple[set[str], Any]:
        async with Client(server) as client:
            tools = await client.list_tools()
            answer = await client.call_tool("query", {"sql": "select count(*) from dim_customers"})
            assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools.tools)
            return {tool.name for tool in tools.tools}, answer.structured_content

    names, answer = asyncio.run(look())
    assert names == TOOLS
    assert answer["rows"] == [[2]]


def test_nothing_published_is_a_sentence(tmp_path: Path) -> None:
    failed, said = call(build_server(Settings(data_dir=tmp_path), no_metrics), "describe")
    assert failed
    assert "run `growth run` first" in said
