"""Nothing is done again that is published already; whatever could have changed it makes the run do its work."""

import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from dagster import AssetKey
from pydantic import SecretStr

from orchestration import build_state
from orchestration.build_state import note_published, nothing_is_new, unchanged_since
from settings import Settings
from warehouse.connection import connect
from warehouse.lock import hold


def context(**run: Any) -> Any:
    """What a step knows of its run; by default a run of everything."""
    run = {"asset_selection": None, "asset_check_selection": None, "tags": {}, **run}
    return SimpleNamespace(run=SimpleNamespace(**run), run_id="run-1")


# A checkout may be below a folder of any name.
CHECKOUT = Path("logs")
SEED = CHECKOUT / "dbt_project" / "seeds" / "size_tiers.csv"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data folder that run-1 has published from a project of one seed."""
    monkeypatch.setattr(build_state, "PROJECT_DIR", tmp_path / CHECKOUT)
    (tmp_path / SEED).parent.mkdir(parents=True)
    (tmp_path / SEED).write_text("tier,arr_from_usd_year\nlarge,100000\n")
    settings = Settings(data_dir=tmp_path)
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create schema raw; create schema quality; "
            "create table raw.loaded_files as "
            "select 't' as table_name, 'f' as file, '1' as fingerprint, now() as loaded_at; "
            "create table raw.rejected_rows as select 't' as table_name, 'odd' as file, 1 as position, 'rule' as rule; "
            "create table quality.builds as select timestamp '2026-11-01' as built_at, 1 as turn"
        )
    put_before_readers(settings, "run-1")
    in_a_new_process()
    note_published(context(), settings)
    return settings


def in_a_new_process() -> None:
    """A process reads the project's files once."""
    build_state.project_digest.cache_clear()


def put_before_readers(settings: Settings, run_id: str) -> None:
    """A published file of a run."""
    settings.serving_path.parent.mkdir(exist_ok=True)
    settings.serving_path.unlink(missing_ok=True)
    with duckdb.connect(str(settings.serving_path)) as connection:
        connection.execute(f"create schema marts; create table marts.publish_info as select '{run_id}' as run_id")


def in_warehouse(sql: str) -> Callable[[Settings], None]:
    """A change to the warehouse."""

    def change(settings: Settings) -> None:
        with connect(settings.warehouse_path) as connection:
            connection.execute(sql)

    return change


def _overwrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def flip_a_byte(path: Path) -> None:
    """Damage that no look at the file's size or head would find."""
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def edit_the_seed(settings: Settings) -> None:
    """A threshold is another one, in as many characters."""
    (settings.data_dir / SEED).write_text("tier,arr_from_usd_year\nlarge,200000\n")
    in_a_new_process()


CHANGES = {
    "a file was loaded": in_warehouse("insert into raw.loaded_files values ('t', 'g', '1', now())"),
    "a file was loaded anew": in_warehouse("update raw.loaded_files set loaded_at = now() + interval 1 second"),
    "a file of which every row was set aside is gone": in_warehouse("delete from raw.rejected_rows"),
    "somebody has built in a shell": in_warehouse("insert into quality.builds values (timestamp '2020-11-02', 2)"),
    "the note is of another time": in_warehouse("delete from quality.done"),
    "another version was put before the readers": lambda settings: put_before_readers(settings, "run-0"),
    "the published file was cut short": lambda settings: os.truncate(settings.serving_path, 5000),
    "a byte of the published file is another": lambda settings: flip_a_byte(settings.serving_path),
    "the published file is no database": lambda settings: _overwrite(settings.serving_path, b"no database"),
    "nothing is before the readers": lambda settings: settings.serving_path.unlink(),
    "a seed was edited": edit_the_seed,
}


def test_a_run_that_finds_what_was_published_has_nothing_to_do(settings: Settings) -> None:
    assert unchanged_since(context(), settings) == "run-1"


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_makes_a_run_do_its_work(settings: Settings, change: Callable[[Settings], None]) -> None:
    change(settings)
    assert unchanged_since(context(), settings) is None


def test_another_data_day_makes_a_run_do_its_work(settings: Settings) -> None:
    assert unchanged_since(context(), settings.model_copy(update={"as_of": date(2026, 9, 30)})) is None


@pytest.fixture
def all_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of the source root is new."""
    monkeypatch.setattr("ingestion.load.is_all_loaded", lambda connection, settings: True)


@pytest.mark.usefixtures("all_loaded")
def test_a_run_of_what_is_published_is_seen_before_it_begins(settings: Settings) -> None:
    assert nothing_is_new(settings)


@pytest.mark.usefixtures("all_loaded")
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_is_seen_before_a_run_begins(settings: Settings, change: Callable[[Settings], None]) -> None:
    change(settings)
    assert not nothing_is_new(settings)


@pytest.mark.usefixtures("all_loaded")
def test_in_production_and_beside_another_process_a_run_does_its_work(settings: Settings) -> None:
    assert not nothing_is_new(settings.model_copy(update={"env": "production"}))
    # What is new in a live system is known only after landing.
    live = SecretStr("postgresql://reader@db.example/app")
    assert not nothing_is_new(settings.model_copy(update={"land_postgres_url": live}))
    with hold(settings.warehouse_path, "another"):
        assert not nothing_is_new(settings)


def test_an_unreadable_source_root_leaves_the_run_to_say_so(settings: Settings) -> None:
    assert not nothing_is_new(settings.model_copy(update={"source_root": str(settings.data_dir / "nowhere")}))


def test_what_a_person_selects_is_done(settings: Settings) -> None:
    assert unchanged_since(context(asset_selection={AssetKey("a")}), settings) is None
    assert unchanged_since(context(asset_check_selection=set("a")), settings) is None


def test_file_edited_during_a_run_counts_as_new(settings: Settings) -> None:
    (settings.data_dir / SEED).write_text("tier,arr_from_usd_year\nlarge,200000\n")
    note_published(context(), settings)
    in_a_new_process()
    assert unchanged_since(context(), settings) is None


@pytest.mark.parametrize(
    "part", [{"asset_selection": {AssetKey("published")}}, {"tags": {"dagster/is_resume_retry": "true"}}]
)
def test_a_run_of_a_part_leaves_the_next_run_of_everything_its_work(settings: Settings, part: dict) -> None:
    note_published(context(**part), settings)
    assert unchanged_since(context(), settings) is None
