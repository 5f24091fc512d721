"""What `growth run` prints, on a terminal and in a pipe."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import yaml
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    Definitions,
    ExecuteInProcessResult,
    Failure,
    MaterializeResult,
    MetadataValue,
    TableRecord,
    asset,
    asset_check,
    define_asset_job,
    in_process_executor,
    multi_asset_check,
)
from rich.console import Console

from cli import console as run_console
from cli.log import ROOMS
from cli.step_lines import name_of_step
from orchestration.instance.progress import progress_logger
from settings import PROJECT_DIR, Settings


def test_what_every_room_says_is_heard_by_commands_and_by_runs() -> None:
    """Of a room that is not listed only warnings are heard."""
    speaking = {
        path.relative_to(PROJECT_DIR).parts[0]
        for room in PROJECT_DIR.glob("*/__init__.py")
        for path in room.parent.rglob("*.py")
        if room.parent.name != "tests" and "logger.info(" in path.read_text(encoding="utf-8")
    }
    instance = yaml.safe_load((PROJECT_DIR / "orchestration" / "instance" / "dagster.yaml").read_text())
    # No step of a run deletes or restores.
    assert speaking - {"operations"} <= set(instance["python_logs"]["managed_python_loggers"])
    assert speaking <= set(ROOMS)


@asset(key=["raw", "people"])
def people(context: AssetExecutionContext) -> MaterializeResult:
    """A table of the load."""
    context.log.info("read people: 1 of 1 files")
    context.log.warning("b.csv belongs to no table of the contract and is ignored")
    return MaterializeResult(metadata={"rows_changed": 1200, "rows_set_aside": 3})


@multi_asset_check(specs=[AssetCheckSpec("meets_expectations", asset=people)])
def gate_raw() -> AssetCheckResult:
    """A check of two expectations, of which one does not hold."""
    rows: list[dict[str, str | int]] = [
        {"expectation": "spend_is_unknown", "status": "failed", "unexpected_rows": 3, "detail": "A month is missing."},
        {"expectation": "id_is_unique", "status": "passed", "unexpected_rows": 0, "detail": ""},
    ]
    return AssetCheckResult(
        passed=False,
        severity=AssetCheckSeverity.WARN,
        metadata={"expectations": MetadataValue.table([TableRecord(row) for row in rows])},
    )


@asset_check(asset=people, blocking=True)
def fails() -> AssetCheckResult:
    """A step that ends itself."""
    raise Failure("the file is cut short", allow_retries=False)


@multi_asset_check(specs=[AssetCheckSpec(name, asset=people) for name in ("id_is_unique", "spend_is_known")])
def gate_cut_short() -> Iterator[AssetCheckResult]:
    """A step that ends itself after the first of its checks; the next step is `gate_raw`."""
    yield AssetCheckResult(passed=True, check_name="id_is_unique")
    raise Failure("the disk is full", allow_retries=False)


def printed(monkeypatch: pytest.MonkeyPatch, *checks: object, is_terminal: bool = False) -> str:
    """All that a run of these checks prints."""
    out = io.StringIO()
    monkeypatch.setattr(
        run_console, "RunConsole", lambda **options: Console(**options, file=out, force_terminal=is_terminal, width=100)
    )
    definitions = Definitions(
        assets=[people],
        asset_checks=checks,  # type: ignore[arg-type]
        jobs=[define_asset_job("refresh", "*", config={"loggers": {"progress": {}}})],
        loggers={"progress": progress_logger},
        executor=in_process_executor,
    )

    def run(_: Settings) -> ExecuteInProcessResult:
        return definitions.resolve_job_def("refresh").execute_in_process(raise_on_error=False)

    is_success = run_console.run_and_show(Settings(), run)
    assert is_success == (fails not in checks and gate_cut_short not in checks)
    return out.getvalue()


@pytest.fixture(autouse=True)
def _console_of_its_own() -> None:
    """The next run finds no console of this one."""
    logging.getLogger("growth.progress").handlers = []


def test_a_step_is_one_line_with_its_seconds_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    [line] = [line for line in printed(monkeypatch).splitlines() if line.startswith("  raw.people")]
    assert line.endswith(" s   1,200 rows written, 3 set aside (`growth rejects` lists them)")


def test_steps_and_what_is_between_them_add_up_to_the_total(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, gate_raw).splitlines()
    seconds = {line[2:48].strip(): float(line[48:55]) for line in lines if line[55:57] == " s"}
    assert set(seconds) == {"raw.people", "gate raw", "start and between steps", "total"}
    total = seconds.pop("total")
    assert sum(seconds.values()) == pytest.approx(total, abs=0.05 * len(seconds))


def test_a_warning_is_said_once_as_a_sentence_with_its_count(monkeypatch: pytest.MonkeyPatch) -> None:
    said = printed(monkeypatch, gate_raw)
    assert said.count("warning: raw.people: spend_is_unknown, 3 rows. A month is missing.") == 1
    assert said.count("spend_is_unknown") == 1
    assert said.count("warning: b.csv belongs to no table of the contract and is ignored") == 1
    assert "id_is_unique" not in said
    assert "read people" not in said


def test_failed_step_says_what_failed_and_that_nothing_was_published(monkeypatch: pytest.MonkeyPatch) -> None:
    said = printed(monkeypatch, fails)
    assert said.count("the file is cut short") == 1
    assert "Nothing was published; readers still see the last publish." in said
    assert "Traceback" not in said


def test_checks_of_a_failed_step_are_not_counted_with_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, gate_cut_short, gate_raw).splitlines()
    [failed, passed] = [line for line in lines if line.startswith("  gate")]
    assert failed.split() == ["gate", "cut", "short", "failed"]
    assert passed.startswith("  gate raw")
    assert passed.endswith(" s")


def test_a_pipe_gets_no_colours_and_no_live_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in printed(monkeypatch, gate_raw)


def test_a_terminal_gets_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[33mwarning: raw.people" in printed(monkeypatch, gate_raw, is_terminal=True)


def test_console_names_checks_by_table_and_steps_by_words() -> None:
    assert name_of_step("marts__fct_usage_daily_every_day_is_built") == "marts.fct_usage_daily_every_day_is_built"
    assert name_of_step("build_marts") == "build marts"


def test_a_line_of_the_log_comes_once_beside_a_library_with_a_handler_of_its_own() -> None:
    logs = "from cli.log import show_log; import logging; show_log(); logging.basicConfig(); "
    logs += "logging.getLogger('transform').info('built')"
    ended = subprocess.run([sys.executable, "-c", logs], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert ended.stdout + ended.stderr == "built\n"
