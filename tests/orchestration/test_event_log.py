"""The event log is Dagster's own, kept by fewer engines and connections."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from dagster import AssetKey, DagsterInstance, asset, materialize
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import Engine
from sqlalchemy.event import listen

from orchestration.instance import event_log
from orchestration.instance.home import prepare_dagster_home
from settings import Settings


def test_events_are_where_and_what_dagsters_own_storage_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "set back after the test")
    settings = Settings(data_dir=tmp_path)
    prepare_dagster_home(settings)
    event_log._engine.cache_clear()
    opened: list[str] = []

    def create_engine(address: str, **options: Any) -> Engine:
        engine = sqlalchemy.create_engine(address, **options)
        listen(engine, "connect", lambda *_: opened.append(address))
        return engine

    monkeypatch.setattr(event_log, "create_engine", create_engine)

    @asset
    def built() -> None:
        """Something to report."""

    with DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, event_log.EventLogStorage)
        run_id = materialize([built], instance=instance).run_id
        written = [record.event_log_entry.message for record in instance.get_records_for_run(run_id).records]
    own = SqliteEventLogStorage(str(settings.dagster_home / "history" / "runs"))
    assert [record.event_log_entry.message for record in own.get_records_for_run(run_id).records] == written
    assert len(written) > 5
    assert own.get_asset_records([AssetKey("built")])[0].asset_entry.last_run_id == run_id
    assert list(settings.dagster_home.rglob("*-wal")) == []
    # Two a file, where a statement is within the transaction of another, however many events.
    assert max(Counter(opened).values()) <= 2
    # One engine for the run's file and one for the index, however many events.
    assert event_log._engine.cache_info().currsize == 2


def test_the_schema_is_asked_once_under_the_names_that_dagster_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    for name in ("has_table", "has_secondary_index", "_has_asset_key_col_on_connection"):
        monkeypatch.setattr(SqliteEventLogStorage, name, lambda *arguments: asked.append(arguments[-1]) or True)
    storage = event_log.EventLogStorage(str(tmp_path))
    asked.clear()
    for _ in range(2):
        assert storage.supports_asset_checks
        assert storage.has_secondary_index("an index")
        assert storage.has_asset_key_col("a column")
    assert asked == ["asset_check_executions", "an index", "a column"]
