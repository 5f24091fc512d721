"""A backup is whole or none, and a restore brings all of it back or changes nothing, whoever is killed on the way."""

import hashlib
import json
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from dagster import DagsterInstance, DagsterRunStatus, job, op

from cli.main import call
from operations.backup import BEFORE, KEPT, BackupError, back_up, restore
from orchestration.instance.home import prepare_dagster_home
from orchestration.instance.run_processes import PROCESS_TAG
from settings import Settings
from warehouse.folder import RESTORING, DataDirError
from warehouse.lock import hold


@op
def say_something() -> None:
    """Nothing much."""


@job
def small_job() -> None:
    say_something()


def plain_files(settings: Settings) -> list[Path]:
    return [settings.serving_path, settings.page_path, settings.exports_dir / "list.csv", settings.dlt_dir / "not_kept"]


def write(settings: Settings, word: str) -> None:
    """Make every file say this word; the databases in their logs only, until somebody makes a checkpoint."""
    for path in (settings.warehouse_path, settings.export_ledger_path):
        with duckdb.connect(str(path)) as connection:
            connection.execute("set checkpoint_threshold = '1GB'")
            connection.execute(f"create or replace table said as select '{word}' as word")
    for path in plain_files(settings):
        path.write_text(word)
    for path in (settings.alerts_path, settings.dagster_home / "history.db"):
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma journal_mode = wal")
            connection.executescript(f"drop table if exists said; create table said as select '{word}' as word")


def read(folder: Path) -> set[str]:
    """The words in all that is kept."""
    plain = ("published/serving.duckdb", "published/daily.html", "exports/list.csv")
    words = [(folder / name).read_text() for name in plain]
    for name in ("warehouse.duckdb", "state/exports/sent.duckdb"):
        with duckdb.connect(str(folder / name), read_only=True) as connection:
            words += [word for (word,) in connection.execute("select word from said").fetchall()]
    for name in ("state/alerts.sqlite", "dagster/history.db"):
        with closing(sqlite3.connect(folder / name)) as connection:
            words += [word for (word,) in connection.execute("select word from said")]
    assert len(words) == 7
    return set(words)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data folder with all that is kept, and something that is not; every file says `first`."""
    monkeypatch.setenv("DAGSTER_HOME", "set back after the test")
    settings = Settings(data_dir=tmp_path / "data")
    prepare_dagster_home(settings)
    for path in (*plain_files(settings), settings.export_ledger_path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write(settings, "first")
    return settings


def test_restore_brings_back_the_backup_and_keeps_the_replaced_folder(settings: Settings, tmp_path: Path) -> None:
    backup = back_up(settings, tmp_path / "backups")
    write(settings, "second")
    (settings.exports_dir / "newer.csv").touch()
    restore(settings, backup)
    assert read(settings.data_dir) == {"first"}
    assert read(settings.data_dir / BEFORE) == {"second"}
    assert not (settings.exports_dir / "newer.csv").exists()
    assert (settings.dlt_dir / "not_kept").read_text() == "second"
    assert backup.stat().st_mode & 0o077 == 0


def test_a_backup_is_restored_where_nothing_was(settings: Settings, tmp_path: Path) -> None:
    backup = back_up(settings, tmp_path / "backups")
    restore(Settings(data_dir=tmp_path / "new"), backup)
    assert read(tmp_path / "new") == {"first"}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def closed() -> Iterator[None]:
    """The umask of the services."""
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("closed")
def test_readers_can_open_what_is_restored(settings: Settings, tmp_path: Path) -> None:
    versions = settings.serving_path.parent / "versions"
    versions.mkdir()
    (versions / "of-before.duckdb").touch()
    for folder, opened in ((settings.serving_path.parent, 0o755), (settings.exports_dir, 0o2750), (versions, 0o700)):
        folder.chmod(opened)
    backup = back_up(settings, tmp_path / "backups")
    restore(settings, backup)
    assert mode(settings.serving_path.parent) == 0o755
    assert mode(settings.exports_dir) == 0o2750
    assert mode(versions) == 0o700
    restore(Settings(data_dir=tmp_path / "new"), backup)
    assert mode(tmp_path / "new" / "published") == 0o755
    assert mode(tmp_path / "new" / "published" / "versions") == 0o700


@pytest.mark.usefixtures("closed")
def test_readers_can_open_what_an_interrupted_restore_had_moved_aside(settings: Settings, tmp_path: Path) -> None:
    settings.serving_path.parent.chmod(0o755)
    backup = back_up(settings, tmp_path / "backups")
    moving, aside = settings.data_dir / RESTORING, settings.data_dir / BEFORE
    shutil.copytree(backup, moving)
    aside.mkdir()
    settings.serving_path.parent.rename(aside / "published")
    (aside / "published").chmod(0o751)
    restore(settings, backup)
    assert mode(settings.serving_path.parent) == 0o751


def test_restore_keeps_later_deletion_requests(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    listed = settings.suppression_dir / "list.csv"
    listed.parent.mkdir(parents=True)
    old = "kind,hash,requested_at\naddress,0a,2026-01-01T00:00:00+00:00\n"
    listed.write_text(old)
    backup = back_up(settings, tmp_path / "backups")
    listed.write_text(f"{old}address,0b,2999-01-01T00:00:00+00:00\nuser,0c,2999-01-01T00:00:00+00:00\n")
    newer = listed.read_text()
    restore(settings, backup)
    assert listed.read_text() == newer
    assert [line for line in caplog.messages if line.startswith("1 deletion requests are newer")]
    restore(Settings(data_dir=tmp_path / "new"), backup)
    assert (tmp_path / "new" / "state" / "suppression" / "list.csv").read_text() == old


def test_files_that_do_not_open_and_their_logs_are_replaced(settings: Settings, tmp_path: Path) -> None:
    backup = back_up(settings, tmp_path / "backups")
    settings.warehouse_path.write_bytes(b"broken")
    settings.warehouse_path.with_name("warehouse.duckdb.wal").write_bytes(b"of the broken file")
    settings.alerts_path.with_name("alerts.sqlite-journal").write_bytes(b"of another file")
    restore(settings, backup)
    assert read(settings.data_dir) == {"first"}
    assert not settings.alerts_path.with_name("alerts.sqlite-journal").exists()


def test_backup_of_a_database_in_use_is_consistent(settings: Settings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(settings.dagster_home / "history.db", isolation_level=None)) as connection:
        connection.execute("insert into said values ('in the log only')")
        connection.execute("begin immediate")
        connection.execute("insert into said values ('not committed')")
        backup = back_up(settings, tmp_path / "backups")
    with closing(sqlite3.connect(backup / "dagster" / "history.db")) as connection:
        assert connection.execute("select word from said").fetchall() == [("first",), ("in the log only",)]


def hold_for_a_moment(path: Path, is_held: Event) -> None:
    with hold(path, "run 1"):
        is_held.set()
        time.sleep(1.2)
        with duckdb.connect(str(path)) as connection:
            connection.execute("update said set word = 'when the run had ended'")


def test_a_backup_waits_for_the_run_that_is_at_work_and_says_which(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    is_held = multiprocessing.Event()
    run = multiprocessing.Process(target=hold_for_a_moment, args=(settings.warehouse_path, is_held))
    run.start()
    assert is_held.wait(30)
    backup = back_up(settings, tmp_path / "backups")
    run.join()
    assert "waiting for the warehouse: run 1 (process" in caplog.text
    assert read(backup) == {"first", "when the run had ended"}


def test_restore_waits_for_a_send_that_is_under_way(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    backup = back_up(settings, tmp_path / "backups")
    is_held = multiprocessing.Event()
    send = multiprocessing.Process(target=hold_for_a_moment, args=(settings.export_ledger_path, is_held))
    send.start()
    assert is_held.wait(30)
    restore(settings, backup)
    send.join()
    assert "waiting for the warehouse: run 1 (process" in caplog.text
    assert send.exitcode == 0
    assert read(settings.data_dir) == {"first"}
    assert read(settings.data_dir / BEFORE) == {"first", "when the run had ended"}


def in_a_process_that_is_killed(action: Callable[[], object]) -> None:
    process = multiprocessing.get_context("fork").Process(target=action)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def kill_this_process(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("place", ["_checkpoint", "_fingerprint", "json"])
def test_a_backup_that_is_killed_is_none_and_goes_with_the_next(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    folder = tmp_path / "backups"
    with monkeypatch.context() as patched:
        # The lock writes JSON too, so only what writes the manifest is killed.
        killing = SimpleNamespace(dumps=kill_this_process) if place == "json" else kill_this_process
        patched.setattr(f"operations.backup.{place}", killing)
        in_a_process_that_is_killed(lambda: back_up(settings, folder))
    (left,) = folder.iterdir()
    somebodys = folder / "notes.unfinished"
    somebodys.mkdir()
    with pytest.raises(BackupError, match=r"is not a complete backup: it has no manifest\.json"):
        restore(settings, left)
    backup = back_up(settings, folder)
    assert {*folder.iterdir()} == {backup, somebodys}
    assert read(backup) == {"first"}


def count_moves(settings: Settings, backup: Path, monkeypatch: pytest.MonkeyPatch, kill_before: int | None) -> int:
    """Restore, and be killed before a move, if one is given; how many moves there were."""
    moves = 0
    rename = Path.rename

    def counted(path: Path, target: Path) -> Path:
        nonlocal moves
        if moves == kill_before:
            kill_this_process()
        moves += 1
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", counted)
        restore(settings, backup)
    return moves


@pytest.mark.slow
def test_killed_restore_locks_the_folder_and_is_finished_by_the_next(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = back_up(settings, tmp_path / "backups")
    write(settings, "second")
    # One that is there and was not saved, and one that was saved and is not there.
    manifest = json.loads((backup / "manifest.json").read_text())
    del manifest["files"]["exports/list.csv"]
    (backup / "manifest.json").write_text(json.dumps(manifest))
    shutil.rmtree(settings.serving_path.parent)
    before = Path(shutil.copytree(settings.data_dir, tmp_path / "before"))
    moves = count_moves(settings, backup, monkeypatch, None)
    assert moves > len(KEPT)
    for move in range(moves):
        shutil.rmtree(settings.data_dir)
        shutil.copytree(before, settings.data_dir)
        in_a_process_that_is_killed(partial(count_moves, settings, backup, monkeypatch, move))
        assert (settings.data_dir / RESTORING).exists() == (move > 0)
        if move > 0:
            with pytest.raises(DataDirError, match="was interrupted"), hold(settings.warehouse_path, "run 1"):
                pass
        restore(settings, backup)
        expected = {BEFORE, "dagster", "private", "published", "state", "warehouse.duckdb", "warehouse.lock"}
        assert {path.name for path in settings.data_dir.iterdir()} == expected
        assert settings.serving_path.read_text() == "first"
        assert (settings.data_dir / BEFORE / "exports" / "list.csv").read_text() == "second"
        assert not (settings.data_dir / BEFORE / "published").exists()


def change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("warehouse.duckdb", change_a_byte, r"warehouse\.duckdb differs from the manifest"),
        ("published/serving.duckdb", Path.unlink, r"published/serving\.duckdb is missing"),
        ("manifest.json", Path.unlink, r"has no manifest\.json"),
        ("manifest.json", lambda path: path.write_text(path.read_text()[:-30]), r"manifest\.json is damaged"),
        ("manifest.json", lambda path: path.write_text("[]"), r"manifest\.json is damaged"),
    ],
)
def test_a_damaged_backup_is_refused_by_the_file_and_changes_nothing(
    settings: Settings, tmp_path: Path, name: str, damage: Callable[[Path], object], said: str
) -> None:
    backup = back_up(settings, tmp_path / "backups")
    write(settings, "second")
    there = sorted(settings.data_dir.iterdir())
    damage(backup / name)
    with pytest.raises(BackupError, match=said):
        restore(settings, backup)
    assert read(settings.data_dir) == {"second"}
    assert sorted(settings.data_dir.iterdir()) == there


def test_restored_warehouse_is_not_locked_by_the_old_machine(settings: Settings, tmp_path: Path) -> None:
    with DagsterInstance.get() as instance:
        tags = {PROCESS_TAG: f"{socket.gethostname()}-before/1/0"}
        waiting = instance.create_run_for_job(small_job, tags=tags, status=DagsterRunStatus.STARTED)
    restore(settings, back_up(settings, tmp_path / "backups"))
    with DagsterInstance.get() as instance:
        run = instance.get_run_by_id(waiting.run_id)
    assert run is not None
    assert run.status is DagsterRunStatus.FAILURE


def test_the_commands_say_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    monkeypatch.setattr("cli.safekeeping.get_settings", lambda: settings)
    for arguments, code, said in (
        (["backup", str(tmp_path)], 2, "nothing to back up in"),
        (["restore", str(tmp_path / "none")], 1, "is not a complete backup"),
    ):
        assert call(arguments) == code
        assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "published/../../outside",
        "/tmp/outside",
        "state/dlt/not_kept",
        "dagster/..\\..\\outside",
        "",
    ],
)
def test_a_manifest_that_names_a_file_outside_of_a_backup_is_refused(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    backup = back_up(settings, tmp_path / "backups")
    (tmp_path / "backups" / "outside").write_text("secret")
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["files"][name] = {"bytes": 6, "sha256": hashlib.sha256(b"secret").hexdigest()}
    (backup / "manifest.json").write_text(json.dumps(manifest))
    before = read(settings.data_dir)
    with pytest.raises(BackupError, match="which is not a file of a backup: restore another backup"):
        restore(settings, backup)
    assert read(settings.data_dir) == before


@pytest.mark.parametrize("link", ["exports/list.csv", "exports"])
def test_a_link_in_a_backup_is_refused(settings: Settings, tmp_path: Path, link: str) -> None:
    backup = back_up(settings, tmp_path / "backups")
    (backup / link).rename(tmp_path / "elsewhere")
    (backup / link).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BackupError, match="is a link, which no backup contains"):
        restore(settings, backup)
