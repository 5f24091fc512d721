"""What a failed build says to the person who edited a seed, and what is said after it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from settings import Settings
from transform.dbt_runner import _message, invoke_dbt


def test_a_seed_that_fails_its_test_is_named_with_what_was_found_in_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("create table bands as select * from (values ('1m', 9), ('50k', 1)) as rows (band, wanted)")
    node = SimpleNamespace(
        name="bands_do_not_add_up",
        depends_on=SimpleNamespace(nodes=["seed.growth.bands"]),
        compiled_code="select sum(wanted) as wanted_in_all from bands having sum(wanted) <> 100",
    )
    failed = SimpleNamespace(node=node, status="fail", message="Got 1 result, configured to fail if != 0")
    assert _message(settings, [failed], None) == (
        "dbt_project/seeds/bands.csv fails its test bands_do_not_add_up, found wanted_in_all=10: correct the file and "
        "run again"
    )


def test_a_seed_that_cannot_be_loaded_is_named_with_what_the_engine_says(tmp_path: Path) -> None:
    # Of a seed dbt notes the macros that it depends on, and no nodes.
    node = SimpleNamespace(name="bands", depends_on=SimpleNamespace(macros=[]))
    failed = SimpleNamespace(node=node, status="error", message="Could not convert string 'many' to INT32\n")
    assert _message(Settings(data_dir=tmp_path), [failed], None) == "bands: Could not convert string 'many' to INT32"


def test_what_a_library_logs_after_a_command_of_dbt_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening: list[Any] = []

    class Runner:
        def __init__(self, manifest: Any, callbacks: list[Any]) -> None:
            listening.extend(callbacks)

        def invoke(self, arguments: list[str]) -> Any:
            return SimpleNamespace(result=[], success=True, exception=None)

    monkeypatch.setattr("dbt.cli.main.dbtRunner", Runner)
    invoke_dbt(["parse"], Settings(data_dir=tmp_path), tmp_path / "target")
    [on_event] = listening
    on_event(SimpleNamespace(info=SimpleNamespace(level="error", name="Note", ts=Timestamp(), msg="it is gone")))
    assert (tmp_path / "target" / "dbt.log").read_text() == ""
