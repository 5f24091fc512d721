"""The phases of a run, one process each, compared with DuckDB alone."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from benchmarks.measure import Measured, measure
from benchmarks.pieces import RAW_USAGE
from settings import Settings

PIECES = ("-m", "benchmarks.pieces")
CUSTOMERS_OF_FULL, MONTHS_OF_FULL = "6000", "24"
MIX_MODELS = ("int_arr_mix_bands", "int_arr_mix_simulation")
# Models in Python are not plain SQL that DuckDB could run alone.
IN_SQL = ("--full-refresh", "--exclude", "file:*.py")
# What stands for the number of pieces and for that of the piece in the SQL of a table that is built in pieces.
IN_ONE_PIECE = {"__pieces__": "1", "__piece__": "0"}
# Steps of a run whose seconds are told beside its own.
PUBLISHING = ("published.serving", "published.daily_page")
TOPICS = {"segments": ("enrichment", "segments", "scores", "segment_reports"), "accounts": ("accounts", "lists")}


def run_size(size: str, folder: Path) -> Iterator[tuple[str, ...]]:
    """The table's rows for a size; each phase has its own data folder."""
    source = folder / "sample" / "source"
    settings = Settings(data_dir=folder / "data")
    environment = {"GROWTH_SOURCE_ROOT": str(source), "GROWTH_DATA_DIR": str(settings.data_dir)}
    simulated = measure("-m", "cli", "sample", "--size", size, "--to", str(folder / "sample"))
    yield row_of("simulate", simulated, rows=_usage_rows(source))
    yield from _loading(source, folder, environment)
    yield from _building(settings, folder, environment)
    yield _mix_projection(folder / "mix")
    yield from _gates(environment)
    published = measure(*PIECES, "publish", **environment)
    bare = measure(*PIECES, "bare_copy", str(folder / "copied.duckdb"), **environment)
    yield row_of("publish", published, rows=int(published.output.split()[-1]), bare=bare.cpu_seconds)
    # A build puts the rows of its days together; those of a first build lie scattered over the tables.
    measure(*PIECES, "one_day", **environment)
    measure(*PIECES, "gates", **environment)
    of_one_day = measure(*PIECES, "publish", **environment)
    yield row_of("publish, one day that was built again", of_one_day, bare=bare.cpu_seconds)
    yield row_of("daily page", measure("-m", "cli", "page", **environment))
    yield from _whole_runs(size, folder)
    for months in (2, 24):
        yield from _refresh_of_one_more_day(source, folder / f"refresh_after_{months}_months", months)


def _loading(source: Path, folder: Path, environment: dict[str, str]) -> Iterator[tuple[str, ...]]:
    bare = measure(*PIECES, "bare_load", str(source), str(folder / "bare.duckdb"))
    rows = int(bare.output.split()[-1])
    of_usage = measure(*PIECES, "load", RAW_USAGE, **{**environment, "GROWTH_DATA_DIR": str(folder / "usage_only")})
    yield row_of("load usage, all days", of_usage, rows=rows, bare=bare.cpu_seconds)
    for months in (2, 24):
        yield _one_more_day(source, folder / f"after_{months}_months", months)
    everything = measure(*PIECES, "load", **environment)
    yield row_of("load, all tables", everything, rows=int(everything.output.split()[-1]))
    yield row_of("load, nothing new", measure(*PIECES, "load", **environment))


def _one_more_day(source: Path, folder: Path, months: int) -> tuple[str, ...]:
    """Load one day after `months` months of history, and nothing else."""
    days = sorted((source / "usage" / "usage_reports").iterdir())
    first = date.fromisoformat(days[0].name.removeprefix("date="))
    history = [day for day in days if date.fromisoformat(day.name[5:]) < first + timedelta(days=round(30.4 * months))]
    one_day = _after_one_more_day(source, folder, history, *PIECES, "load", RAW_USAGE)
    return row_of(f"load usage, one more day after {len(history) - 1}", one_day, rows=int(one_day.output.split()[-1]))


def _after_one_more_day(source: Path, folder: Path, days: list[Path], *command: str) -> Measured:
    """The cost of a command after the last of these days of usage has come, and it was run with all before it."""
    root, (*history, last) = folder / "source", days
    usage = root / "usage" / "usage_reports"
    usage.mkdir(parents=True)
    for each in source.iterdir():
        if each.name != "usage":
            (root / each.name).symlink_to(each)
    for day in history:
        (usage / day.name).symlink_to(day)
    environment = {"GROWTH_SOURCE_ROOT": str(root), "GROWTH_DATA_DIR": str(folder / "data")}
    measure(*command, **environment)
    (usage / last.name).symlink_to(last)
    measured = measure(*command, **environment)
    shutil.rmtree(folder)
    return measured


def _building(settings: Settings, folder: Path, environment: dict[str, str]) -> Iterator[tuple[str, ...]]:
    target = settings.dbt_target_dir / "bench"
    yield row_of("dbt start-up (parse)", measure(*PIECES, "dbt", str(target), "parse", **environment))
    measure(*PIECES, "dbt", str(target), "seed", **environment)
    built = measure(*PIECES, "models", str(target), **environment)
    yield row_of("models, with start-up (imports, parse)", built, rows=_rows(settings, f"raw.{RAW_USAGE}"))
    # The compiled SQL names the catalog, which is the file's stem.
    bare_path = folder / "bare" / settings.warehouse_path.name
    bare_path.parent.mkdir()
    shutil.copyfile(settings.warehouse_path, bare_path)
    in_sql = measure(*PIECES, "models", str(target), *IN_SQL, **environment)
    statements = folder / "statements.json"
    statements.write_text(json.dumps(_compiled(target)))
    bare = measure(*PIECES, "bare_build", str(statements), str(bare_path))
    yield row_of("models in SQL, without start-up", _inner(in_sql), bare=float(bare.output.split()[-1]))
    organizations = _rows(settings, "marts.dim_organizations")
    for topic, domains in TOPICS.items():
        of_topic = measure(*PIECES, "models", str(target), "--select", *_models_of(*domains), **environment)
        yield row_of(f"models of {topic}, without start-up", _inner(of_topic), rows=organizations)
    of_forecasts = _models_of("expected_usage", "forecast")
    by_days = ("int_days_to_build", "fct_usage_daily", *of_forecasts, "fct_queue_exclusions")
    of_every_day = measure(*PIECES, "models", str(target), "--full-refresh", "--select", *by_days, **environment)
    forecasts = _rows(settings, "marts.fct_bill_forecasts")
    yield row_of("rating and forecasts of every day, without start-up", _inner(of_every_day), rows=forecasts)
    revenue = _models_of("revenue", "retention")
    of_revenue = measure(*PIECES, "models", str(target), *IN_SQL, "--select", *revenue, **environment)
    statements.write_text(json.dumps(_compiled(target)))
    bare = measure(*PIECES, "bare_build", str(statements), str(bare_path))
    yield row_of("models of revenue, without start-up", _inner(of_revenue), bare=float(bare.output.split()[-1]))
    yield from _one_day_again(settings, folder / "days")
    yield row_of(
        "models, data tests",
        measure(*PIECES, "dbt", str(target), "test", "--exclude-resource-type", "unit_test", **environment),
    )


def _one_day_again(settings: Settings, folder: Path) -> Iterator[tuple[str, ...]]:
    """A run of the newest day with its gates, after the whole history and after two months of it.

    The company is equally large in both. Nothing is published.
    """
    folder.mkdir()
    environment = {"GROWTH_DATA_DIR": str(folder)}
    shutil.copyfile(settings.warehouse_path, folder / settings.warehouse_path.name)
    for months, first_day in ((24, "2024-11-01"), (2, "2026-09-01")):
        measure(*PIECES, "history", first_day, **environment)
        yield row_of(f"one day's run after {months} months", measure(*PIECES, "run_of_one_day", **environment))
        tables = _inner(measure(*PIECES, "one_day", **environment))
        yield row_of(f"its tables after {months} months, without start-up", tables)
    shutil.rmtree(folder)


def _mix_projection(folder: Path) -> tuple[str, ...]:
    """The mix projection for as many customers as `full` has: its cost depends on nothing else."""
    environment = {"GROWTH_DATA_DIR": str(folder)}
    measure(*PIECES, "mrr_history", CUSTOMERS_OF_FULL, MONTHS_OF_FULL, **environment)
    measure(*PIECES, "dbt", str(folder / "target"), "seed", "--exclude", "resource_type:test", **environment)
    projected = measure(*PIECES, "models", str(folder / "target"), "--select", *MIX_MODELS, **environment)
    return row_of(f"mix projection, {CUSTOMERS_OF_FULL} customers x {MONTHS_OF_FULL} months", _inner(projected))


def _compiled(target: Path) -> list[tuple[str, str, str]]:
    """Kind, name and SQL of every model, in the order in which dbt ran them."""
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    results = json.loads((target / "run_results.json").read_text())["results"]
    results = [result for result in results if result["unique_id"].startswith("model.")]
    ordered = sorted(results, key=lambda result: result["timing"][-1]["completed_at"])
    return [_statement(nodes[result["unique_id"]], result["compiled_code"]) for result in ordered]


def _statement(node: dict, code: str) -> tuple[str, str, str]:
    kind = "view" if node["config"]["materialized"] == "view" else "table"
    for placeholder, number in IN_ONE_PIECE.items():
        code = code.replace(placeholder, number)
    return kind, f"{node['schema']}.{node['alias']}", code


def _models_of(*domains: str) -> tuple[str, ...]:
    return tuple(f"group:{domain}" for domain in domains)


def _gates(environment: dict[str, str]) -> Iterator[tuple[str, ...]]:
    gates = measure(*PIECES, "gates", **environment)
    bare = float(measure(*PIECES, "bare_gates", **environment).output.split()[-1])
    checks = gates.output.split()[-2]
    yield row_of(f"gates, {checks} expectations, with start-up (imports)", gates)
    yield row_of(f"gates, {checks} expectations, without start-up", _inner(gates), bare=bare)
    usage = measure(*PIECES, "gates", RAW_USAGE, **environment)
    bare = float(measure(*PIECES, "bare_usage_gate", **environment).output.split()[-1])
    checks = usage.output.split()[-2]
    yield row_of(f"gate of raw usage, {checks} expectations, without start-up", _inner(usage), bare=bare)


def _whole_runs(size: str, folder: Path) -> Iterator[tuple[str, ...]]:
    environment = {"GROWTH_DATA_DIR": str(folder / "whole"), "GROWTH_SAMPLE_SIZE": size}
    yield row_of("whole run, from nothing", measure("-m", "cli", "run", **environment))
    yield row_of("whole run, nothing new", measure("-m", "cli", "run", **environment))


def _refresh_of_one_more_day(source: Path, folder: Path, months: int) -> Iterator[tuple[str, ...]]:
    """Load, build, gates, publish and page of one more day after the last `months` months of usage.

    The company is equally large after both.
    """
    days = sorted((source / "usage" / "usage_reports").iterdir())
    refreshed = _after_one_more_day(source, folder, days[-round(30.4 * months) :], "-m", "cli", "run")
    yield row_of(f"whole run, one more day after {months} months", refreshed)
    for step in PUBLISHING:
        yield f"its step {step} after {months} months", seconds_of_step(refreshed.output, step), *[""] * 6


def seconds_of_step(printed: str, step: str) -> str:
    """The seconds of a step in what `growth run` printed. Raises `ValueError` if it is not there."""
    found = re.search(rf"^ +{re.escape(step)} +([0-9.]+) s", printed, re.MULTILINE)
    if found is None:
        raise ValueError(f"no step {step} in: {printed}")
    return found[1]


def _inner(measured: Measured) -> Measured:
    """The piece's own CPU seconds, which it printed last, instead of the process's."""
    return replace(measured, cpu_seconds=float(measured.output.split()[-1]))


def _usage_rows(source: Path) -> int:
    import duckdb

    files = str(source / "usage" / "usage_reports" / "*" / "*.parquet")
    row = duckdb.execute("select sum(num_rows) from parquet_file_metadata(?)", [files]).fetchone()
    assert row is not None
    return int(row[0])


def _rows(settings: Settings, table: str) -> int:
    from warehouse.connection import connect

    with connect(settings.warehouse_path, read_only=True) as connection:
        row = connection.execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return int(row[0])


def row_of(phase: str, measured: Measured, *, rows: int | None = None, bare: float | None = None) -> tuple[str, ...]:
    return (
        phase,
        f"{measured.seconds:.1f}",
        f"{measured.cpu_seconds:.1f}",
        f"{measured.peak_gigabytes:.2f}",
        f"{rows:,}" if rows is not None else "",
        f"{rows / measured.seconds:,.0f}" if rows is not None else "",
        f"{bare:.1f}" if bare is not None else "",
        f"{measured.cpu_seconds / bare:.1f}" if bare else "",
    )
