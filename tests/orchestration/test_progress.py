"""Lines for programs say which run and which asset they are about."""

import io
import json
import logging

from dagster import (
    AssetCheckResult,
    AssetExecutionContext,
    Definitions,
    InitLoggerContext,
    LoggerDefinition,
    asset,
    asset_check,
    define_asset_job,
    in_process_executor,
)

from orchestration.instance.progress import JsonFormatter


def test_every_line_of_json_has_its_run_and_what_it_is_about() -> None:
    written = io.StringIO()

    def make(_: InitLoggerContext) -> logging.Logger:
        logger = logging.Logger("json", level=logging.DEBUG)
        handler = logging.StreamHandler(written)
        handler.setFormatter(JsonFormatter())
        logger.addHandler(handler)
        return logger

    @asset(key=["marts", "people"])
    def people(context: AssetExecutionContext) -> None:
        context.log.info("two of\nthem")

    @asset_check(asset=people)
    def are_there() -> AssetCheckResult:
        return AssetCheckResult(passed=True)

    job = define_asset_job("refresh", "*", config={"loggers": {"json": {}}})
    definitions = Definitions(
        assets=[people],
        asset_checks=[are_there],
        jobs=[job],
        loggers={"json": LoggerDefinition(make)},
        executor=in_process_executor,
    )
    run_id = definitions.resolve_job_def("refresh").execute_in_process().run_id
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert {line["run"] for line in lines} == {run_id}
    assert all(line["asset"] for line in lines if line["step"])
    by_message = {line["message"]: line["asset"] for line in lines}
    assert by_message["two of\nthem"] == "marts__people"
    assert by_message["Materialized value marts people."] == "marts/people"
    assert by_message["Asset check 'are_there' on 'marts/people' passed."] == "marts/people"
