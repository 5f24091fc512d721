"""`growth init` writes a folder that checks without a fault, and never over anything."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from dotenv import dotenv_values

from cli.main import call
from ingestion.check import check_sources, unknowns
from ingestion.contract.model import load_contract
from sample_company import starter_files
from sample_company.starter_files import FolderError, own_seeds, write_starter
from settings import PROJECT_DIR, Settings, get_settings

OPTIONAL_TEMPLATES = {
    "crm/account_merges",
    "crm/accounts",
    "crm/opportunities",
    "enrichment/companies",
    "crm/contacts",
    "crm/activities",
    "crm/feature_requests",
    "support/tickets",
    "product_events/events_daily",
    "spend/sales_and_marketing",
    "costs/unit_costs",
    "costs/account_costs",
}

# Nobody writes it by hand: `growth close` does.
CLOSINGS = "closed_months/mrr_lines"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as it is written; tests only read it."""
    folder = tmp_path_factory.mktemp("init") / "our company"
    write_starter(folder)
    return folder


@pytest.fixture(autouse=True)
def _settings_of_its_own() -> Iterator[None]:
    yield
    get_settings.cache_clear()


def settings(source: Path) -> Settings:
    return Settings(source_root=str(source), data_dir=source.parent / "data")


def test_five_organizations_load_without_faults(folder: Path) -> None:
    check = check_sources(settings(folder / "source"))
    assert (check.faults, check.warnings) == ([], [])
    assert {table.table.path: table.rows_set_aside for table in check.tables if table.rows_set_aside} == {}
    rows = {table.table.path: table.rows_kept for table in check.tables}
    assert rows["product_db/organizations"] == 5
    assert {path for path, count in rows.items() if not count} == OPTIONAL_TEMPLATES | {CLOSINGS}


def test_with_the_templates_nothing_that_has_rows_is_unknown(folder: Path, tmp_path: Path) -> None:
    for part in ("source", "templates"):
        shutil.copytree(folder / part, tmp_path / "source", dirs_exist_ok=True)
    check = check_sources(settings(tmp_path / "source"))
    assert (check.faults, check.warnings) == ([], [])
    assert sum(table.rows_set_aside for table in check.tables) == 0
    # Of merges there is the header alone.
    assert [sentence.split(":")[0] for sentence, _ in unknowns(check)] == ["no crm/account_merges", f"no {CLOSINGS}"]


def test_a_template_has_every_column_of_its_table(folder: Path) -> None:
    for table in (table for table in load_contract().tables if table.path in OPTIONAL_TEMPLATES):
        header = (folder / "templates" / f"{table.path}.csv").read_text().splitlines()[0].split(",")
        assert set(table.column_names) - set(header) <= {"removed_at"}, table.path


def test_starter_settings_point_into_the_folder(folder: Path) -> None:
    file = folder / "settings.env"
    given = dotenv_values(file)
    assert {name: value for name, value in given.items() if name != "GROWTH_MAPPINGS_DIR"} == {
        "GROWTH_SOURCE_ROOT": f"{folder}/source",
        "GROWTH_DATA_DIR": f"{folder}/data",
    }
    assert file.read_text().endswith((PROJECT_DIR / ".env.example").read_text())
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_listed_seeds_exist_and_are_explained(folder: Path) -> None:
    listed = (folder / "your_seeds.md").read_text()
    own = {"price_list", "size_tiers", "owner_books", "company_lists", "competitor_prices", "segment_criteria"}
    assert own | {"figure_alert_rules", "revenue_lines"} <= set(own_seeds())
    for name, description in own_seeds().items():
        assert (PROJECT_DIR / "dbt_project" / "seeds" / f"{name}.csv").is_file()
        assert f"| {name}.csv | {description} |" in listed


def test_mappings_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mappings = tmp_path / "mappings"
    mappings.mkdir()
    (mappings / "postgres.yml").write_text("tables: {}\n")
    monkeypatch.setattr(starter_files, "MAPPINGS_DIR", mappings)
    write_starter(tmp_path / "own")
    assert (tmp_path / "own/mappings/postgres.yml").read_text() == "tables: {}\n"
    assert dotenv_values(tmp_path / "own/settings.env")["GROWTH_MAPPINGS_DIR"] == f"{tmp_path}/own/mappings"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    (own / "kept.txt").write_text("mine")
    with pytest.raises(FolderError, match=f"{own} is not empty"):
        write_starter(own)
    with pytest.raises(FolderError, match="is a file"):
        write_starter(own / "kept.txt")
    assert [path.name for path in own.iterdir()] == ["kept.txt"]


def test_a_name_that_no_data_folder_may_have_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(FolderError, match="which databases interpret"):
        write_starter(tmp_path / "it's ours")
    assert list(tmp_path.iterdir()) == []


def test_interrupted_init_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(starter_files, "_write_settings", full)
        with pytest.raises(OSError, match="No space left"):
            write_starter(tmp_path / "own")
    assert not (tmp_path / "own").exists()
    write_starter(tmp_path / "own")
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_the_command_says_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["init", f"{tmp_path}/own"]) == 0
    said = capsys.readouterr().out
    assert [command for command in ("growth check source", "growth run") if command not in said] == []
    assert call(["init", f"{tmp_path}/own"]) == 1
    assert "nothing is ever overwritten" in capsys.readouterr().err
