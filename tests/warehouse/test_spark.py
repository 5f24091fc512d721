"""What is said of a Spark that does not answer, and of statements that it refuses."""

import socket
from pathlib import Path

import pytest

from settings import Settings
from warehouse.spark import SparkError, address, explain, open_spark


def of(url: str, folder: Path) -> Settings:
    return Settings(data_dir=folder, target="spark", warehouse_url=url)  # type: ignore[arg-type]


def test_a_server_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (
        pytest.raises(SparkError, match=f"127.0.0.1:{port} does not answer: start it and run again"),
        open_spark(of(f"thrift://growth@127.0.0.1:{port}", tmp_path)),
    ):
        pass


def test_an_address_of_another_engine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SparkError, match="GROWTH_WAREHOUSE_URL to thrift://"):
        address(of("postgresql://growth@127.0.0.1/warehouse", tmp_path))


def test_a_refused_statement_is_said_on_one_line(tmp_path: Path) -> None:
    message = (
        "TExecuteStatementResp(status=TStatus(statusCode=3, infoMessages=['*org.apache...'], errorMessage='Error "
        "running query: [CAST_INVALID_INPUT] the value is malformed.\\n== SQL(line 1) =='), operationHandle=None)"
    )
    said = explain(of("thrift://127.0.0.1:10000", tmp_path), message)
    assert said == "Spark says: Error running query: [CAST_INVALID_INPUT] the value is malformed."
