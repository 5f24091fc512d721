"""Versions are kept, compared and put back; whatever goes wrong on the way, readers have one of them, whole."""

import errno
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from cli.main import call
from serving.publish import comparison
from serving.publish.comparison import Difference, as_table, changes
from serving.publish.marts_copy import Rebuilt
from serving.publish.published_file import publish
from serving.publish.versions import (
    NoSuchVersionError,
    drop_earlier,
    roll_back,
    version_before,
    version_named,
    versions,
)
from settings import PROJECT_DIR, Settings
from tests.serving.published_marts import write_published
from tests.serving.warehouse import (
    build_marts,
    gated_warehouse,
    read,
    readers_without_pause,
)
from warehouse.connection import connect

pytestmark = pytest.mark.slow

# Does what it is told to a data folder, and dies by SIGKILL at the n-th step that touches the file system.
KILLED = """
import os, signal, sys
from pathlib import Path
step, what, data_dir = int(sys.argv[1]), sys.argv[2], sys.argv[3]
left = step
def deadly(function):
    def called(*arguments, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return called
from settings import Settings
from serving.publish import published_file as publish
from serving.publish import versions
settings = Settings(data_dir=Path(data_dir))
for name in ("link", "mkdir", "replace", "rmdir", "unlink"):
    setattr(os, name, deadly(getattr(os, name)))
if what == "publish":
    publish.publish(settings, "run-3", {})
else:
    versions.roll_back(settings, versions.version_before(settings))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A data folder whose runs 1 and 2 have published."""
    settings = gated_warehouse(Settings(data_dir=tmp_path / "data", kept_versions=2))
    publish(settings, "run-1", {})
    build_marts(settings, version=2)
    publish(settings, "run-2", {})
    return settings


def runs(settings: Settings) -> list[str]:
    """The runs of the versions, the oldest first."""
    return [version.run_id for version in versions(settings)]


def live_run(settings: Settings) -> str:
    """The run that readers see, whose file is whole."""
    ((run,),) = read(settings, "select run_id from marts.publish_info")
    assert read(settings, "select distinct 'run-' || version from (from marts.fct_a union all from marts.fct_b)") == [
        (run,)
    ]
    return run


def test_as_many_versions_are_kept_as_the_setting_says(settings: Settings) -> None:
    for version in (3, 4):
        build_marts(settings, version)
        publish(settings, f"run-{version}", {})
    assert runs(settings) == ["run-2", "run-3", "run-4"]
    publish(settings.model_copy(update={"kept_versions": 0}), "run-4", {})
    assert runs(settings) == ["run-4"]


def test_versions_stay_in_publish_order_after_a_clock_jump(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = gated_warehouse(Settings(data_dir=tmp_path / "data", kept_versions=2))
    for number, year in enumerate((2026, 2027, 2025, 2025), 1):
        build_marts(settings, number)
        monkeypatch.setattr(
            "serving.publish.published_file.datetime", clock_of(datetime(year, 11, 25, 1, 30, tzinfo=UTC))
        )
        publish(settings, f"run-{number}", {})
    assert runs(settings) == ["run-2", "run-3", "run-4"]
    assert live_run(settings) == "run-4"
    roll_back(settings, version_before(settings))
    assert live_run(settings) == "run-3"
    roll_back(settings, version_before(settings))
    assert live_run(settings) == "run-2"
    build_marts(settings, 5)
    publish(settings, "run-5", {})
    assert runs(settings) == ["run-3", "run-4", "run-5"]
    assert version_before(settings).run_id == "run-4"


def clock_of(now: datetime) -> type[datetime]:
    """A clock that stands still."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return now

    return Clock


def test_a_kept_version_is_the_file_that_readers_had(settings: Settings, tmp_path: Path) -> None:
    before = settings.serving_path.stat()
    published = publish(settings, "run-2", {})
    assert published.replaced is not None
    assert published.replaced.path.stat().st_ino == before.st_ino
    assert published.replaced.path.stat().st_mode == before.st_mode
    assert published.replaced.path.name == settings.serving_path.name


def test_a_rollback_puts_back_the_version_before_and_keeps_the_other(settings: Settings) -> None:
    replaced = roll_back(settings, version_before(settings))
    assert replaced is not None
    assert replaced.run_id == "run-2"
    assert live_run(settings) == "run-1"
    assert [(version.run_id, version.is_live) for version in versions(settings)] == [("run-1", True), ("run-2", False)]
    roll_back(settings, version_named(settings, replaced.name))
    assert live_run(settings) == "run-2"


def test_a_publish_after_a_rollback_drops_the_oldest_of_all(settings: Settings) -> None:
    roll_back(settings, version_before(settings))
    build_marts(settings, version=3)
    publish(settings, "run-3", {})
    assert runs(settings) == ["run-1", "run-2", "run-3"]
    assert live_run(settings) == "run-3"


def test_versions_before_the_live_one_can_be_dropped(settings: Settings) -> None:
    assert runs(settings) == ["run-1", "run-2"]
    assert drop_earlier(settings) == 1
    assert runs(settings) == ["run-2"]
    assert live_run(settings) == "run-2"
    assert drop_earlier(settings) == 0


def test_there_is_no_going_back_further_than_what_is_kept(settings: Settings) -> None:
    first = version_before(settings)
    roll_back(settings, first)
    with pytest.raises(NoSuchVersionError, match="no version before the published one is kept"):
        version_before(settings)
    with pytest.raises(NoSuchVersionError, match="is already published"):
        roll_back(settings, first)
    with pytest.raises(NoSuchVersionError, match="there is no version of-long-ago; there are: 000001-2"):
        version_named(settings, "of-long-ago")
    assert live_run(settings) == "run-1"


def test_rollback_reports_a_version_that_vanished_meanwhile(settings: Settings) -> None:
    chosen = version_before(settings)
    for version in (3, 4):
        build_marts(settings, version)
        publish(settings, f"run-{version}", {})
    with pytest.raises(NoSuchVersionError, match="is no longer kept"):
        roll_back(settings, chosen)
    assert live_run(settings) == "run-4"
    assert not settings.serving_path.parent.with_name("published.building").exists()


def test_readers_see_whole_versions_during_a_rollback(settings: Settings) -> None:
    with readers_without_pause(settings):
        for _ in range(8):
            (other,) = (version for version in versions(settings) if not version.is_live)
            roll_back(settings, other)
    assert live_run(settings) == "run-2"


@pytest.mark.slow
@pytest.mark.parametrize("what", ["publish", "rollback"])
def test_killed_rollback_leaves_readers_a_whole_version(settings: Settings, what: str) -> None:
    build_marts(settings, version=3)
    allowed = {"publish": {"run-2", "run-3"}, "rollback": {"run-1", "run-2"}}[what]
    seen, step, status = set(), 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        step += 1
        status = subprocess.run(
            [sys.executable, "-c", KILLED, str(step), what, str(settings.data_dir)], cwd=PROJECT_DIR, check=False
        ).returncode
        seen.add(live_run(settings))
        names = [version.name for version in versions(settings)]
        assert sorted(set(names)) == names
    assert status in (0, 1)
    assert seen == allowed
    assert step > 5
    publish(settings, "run-3", {})
    assert live_run(settings) == "run-3"
    assert not settings.serving_path.parent.with_name("published.building").exists()


def test_a_full_disk_leaves_what_readers_have_and_nothing_half_made(settings: Settings) -> None:
    with connect(settings.warehouse_path) as connection:
        connection.execute("create table marts.fct_large as select hash(i) as h from range(2000000) as r (i)")
    tried = subprocess.run(
        [
            sys.executable,
            "-c",
            # A file may not grow further: the write fails as on a full disk.
            "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))\n"
            "from pathlib import Path; from settings import Settings\n"
            "from serving.publish.published_file import publish\n"
            f"publish(Settings(data_dir=Path({str(settings.data_dir)!r})), 'run-3', {{}})",
        ],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 1
    assert "File too large" in tried.stderr
    assert live_run(settings) == "run-2"
    assert runs(settings) == ["run-1", "run-2"]
    assert not settings.serving_path.parent.with_name("published.building").exists()


def test_no_room_for_the_link_leaves_the_version_that_readers_have(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    chosen = version_before(settings)
    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="No space left"):
        roll_back(settings, chosen)
    assert live_run(settings) == "run-2"


def test_a_published_file_that_does_not_open_is_replaced_and_not_kept(settings: Settings) -> None:
    settings.serving_path.unlink()
    settings.serving_path.write_bytes(b"no database")
    assert publish(settings, "run-2", {}).replaced is None
    assert runs(settings) == ["run-1", "run-2"]


def test_damaged_published_file_is_rolled_back_to_the_newest_usable_version(settings: Settings) -> None:
    settings.serving_path.unlink()
    settings.serving_path.write_bytes(b"no database")
    assert roll_back(settings, version_before(settings)) is None
    assert live_run(settings) == "run-1"


def test_changes_are_rows_and_money_by_table_and_band(tmp_path: Path) -> None:
    def published(name: str, customers: list[tuple[str | None, str]], *others: str) -> Path:
        path = tmp_path / f"{name}.duckdb"
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema marts")
            connection.execute("set schema = 'marts'")
            connection.execute("create table dim_customers (arr_mix_band varchar, arr_usd_year decimal(18, 2))")
            connection.executemany("insert into dim_customers values (?, ?)", customers)
            for statement in others:
                connection.execute(statement)
        return path

    before = published(
        "before",
        [("25k", "25000.10"), ("50k", "60000"), (None, "0")],
        "create table rpt_old as select 1 as i",
        "create table rpt_same as select 7 as i, 3.50::decimal(18, 2) as left_usd, 9.5 as score, 0.5 as mrr_share",
    )
    after = published(
        "after",
        [("25k", "25000.10"), ("25k", "30000.05"), ("50k", "55000"), (None, "0")],
        "create table fct_new as select 2.50::decimal(18, 2) as mrr_before",
        "create table rpt_same as select 7 as i, 3.50::decimal(18, 2) as left_usd, 1.5 as score, 0.4 as mrr_share",
        "create view fct_new_v1 as select mrr_before as before_usd from fct_new",
    )
    assert changes(before, after) == [
        Difference("dim_customers", "25k", "rows", Decimal(1), Decimal(2)),
        Difference("dim_customers", "25k", "arr_usd_year", Decimal("25000.10"), Decimal("55000.15")),
        Difference("dim_customers", "50k", "arr_usd_year", Decimal(60000), Decimal(55000)),
        Difference("fct_new", "", "rows", None, Decimal(1)),
        Difference("fct_new", "", "mrr_before", None, Decimal("2.50")),
        Difference("rpt_old", "", "rows", Decimal(1), None),
    ]
    assert as_table(changes(before, after)).splitlines()[:4] == [
        "| table         | band | figure       |    before |     after |     change |",
        "| ------------- | ---- | ------------ | --------: | --------: | ---------: |",
        "| dim_customers | 25k  | rows         |         1 |         2 |         +1 |",
        "| dim_customers | 25k  | arr_usd_year | 25,000.10 | 55,000.15 | +30,000.05 |",
    ]
    assert as_table(changes(after, after)) == "Row counts and sums of money are the same."


def test_publish_reads_the_sums_of_the_one_before_only_if_they_are_not_kept(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_paths: list[Path] = []

    def read_sums(path: Path, days: dict[str, Rebuilt]) -> comparison.Sums:
        read_paths.append(path)
        return sums(path, days)

    sums = comparison._sums
    monkeypatch.setattr(comparison, "_sums", read_sums)
    first = version_before(settings)
    comparison.changes_since(first, {}, settings)
    assert read_paths == [first.path, settings.serving_path]

    with connect(settings.warehouse_path) as connection:
        connection.execute("create table marts.fct_new as select 2.50::decimal(18, 2) as left_usd")
    publish(settings, "run-3", {})
    read_paths.clear()
    expected = [
        Difference("fct_new", "", "rows", None, Decimal(1)),
        Difference("fct_new", "", "left_usd", None, Decimal("2.50")),
    ]
    assert comparison.changes_since(version_before(settings), {}, settings) == expected
    assert read_paths == [settings.serving_path]

    # Those that are kept now are of the third.
    (settings.data_dir / "state" / "published_sums.json").write_text("{")
    assert comparison.changes_since(version_before(settings), {}, settings) == expected
    assert len(read_paths) == 3


def run_command(monkeypatch: pytest.MonkeyPatch, settings: Settings, *arguments: str) -> int:
    """`growth` on a data folder."""
    monkeypatch.setattr("cli.results.get_settings", lambda: settings)
    return call(arguments)


def test_a_rollback_makes_the_page_again_and_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("serving.page.build._vega", lambda _settings: "")
    settings = gated_warehouse(Settings(data_dir=tmp_path / "data"))
    # The version before had the tables of the page but one; the marts of the one after it are others.
    write_published(
        settings, {}, published_at=datetime(2020, 11, 1, tzinfo=UTC).replace(tzinfo=None), without=["rpt_retention"]
    )
    settings.page_path.write_text("the page of the version after")
    publish(settings, "run-2", {})
    assert run_command(monkeypatch, settings, "changes") == 0
    assert "fct_a" in capsys.readouterr().out
    assert run_command(monkeypatch, settings, "rollback") == 0
    said = capsys.readouterr().out
    assert "published again: 20201101T000000.000000 (data day 2026-10-31, run 0f8e6a52" in said
    assert "run run-2), which is kept" in said
    assert "No retention: rpt_retention is not in the published file." in said
    assert "0f8e6a52" in settings.page_path.read_text()
    assert run_command(monkeypatch, settings, "versions") == 0
    assert [line.endswith("<- published") for line in capsys.readouterr().out.splitlines()] == [True, False]


def test_a_page_that_cannot_be_made_of_an_older_version_does_not_stay(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.page_path.write_text("the page of run-2")

    def fail(_settings: Settings) -> None:
        raise duckdb.BinderException('Referenced column "adjusted_ndr" not found')

    monkeypatch.setattr("serving.page.build.write_page", fail)
    assert run_command(monkeypatch, settings, "rollback") == 1
    assert "none can be made of this version: Referenced column" in capsys.readouterr().err
    assert live_run(settings) == "run-1"
    assert not settings.page_path.exists()


def test_a_rollback_without_a_version_says_so_and_changes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(monkeypatch, settings, "rollback", "20200101T000000.000000") == 1
    assert "there is no version 20200101T000000.000000; there are: 000001-2" in capsys.readouterr().err
    assert live_run(settings) == "run-2"
