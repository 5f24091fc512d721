"""An edit of a trial changes the one value that it names, or says what it does not find."""

import csv
import shutil
from pathlib import Path

import pytest

from transform.dbt_runner import DBT_PROJECT_DIR
from transform.trial import TrialError, edit_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project's seeds, of the fixtures that are called as they are, and of one model."""
    project = tmp_path / "project"
    for folder in ("seeds", "tests/fixtures"):
        shutil.copytree(DBT_PROJECT_DIR / folder, project / folder)
    model = next(DBT_PROJECT_DIR.rglob("dim_customers.sql"))
    (project / "models").mkdir()
    shutil.copyfile(model, project / "models" / model.name)
    return project


def rows(project: Path, seed: str) -> list[dict[str, str]]:
    with (project / "seeds" / f"{seed}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    ("seed", "edit", "row", "column", "value"),
    [
        ("size_tiers.csv", "large=80000", ("large",), "arr_from_usd_year", "80000"),
        ("dbt_project/seeds/size_tiers.csv", "large=80000", ("large",), "arr_from_usd_year", "80000"),
        ("size_tiers", "large.arr_from_usd_year=80000", ("large",), "arr_from_usd_year", "80000"),
        ("thresholds.csv", "data_day_quorum_share=0.3", ("data_day_quorum_share",), "value", "0.3"),
        ("exchange_rates.csv", "2026-01-01/eur.usd_per_unit=2", ("2026-01-01", "eur"), "usd_per_unit", "2"),
        ("owner_books.csv", "technical_ae.book_accounts=7", ("technical_ae",), "book_accounts", "7"),
    ],
)
def test_an_edit_changes_one_value(  # noqa: PLR0917 (the columns of the table above)
    project: Path, seed: str, edit: str, row: tuple[str, ...], column: str, value: str
) -> None:
    name = Path(seed).stem
    before = rows(project, name)
    edit_project(seed, [edit], project)
    changed = [
        (tuple(old.values())[: len(row)], each, new[each])
        for old, new in zip(before, rows(project, name), strict=True)
        for each in old
        if old[each] != new[each]
    ]
    assert changed == [(row, column, value)]


def test_an_edited_price_is_weighed_and_the_list_in_force_stays(project: Path) -> None:
    in_force = rows(project, "price_list")
    edit_project("price_list.csv", ["surveys/2/2000/0.10/0/2025-08-01.unit_price_usd=0.2"], project)
    assert rows(project, "price_list") == in_force
    version = [row for row in in_force if (row["product_key"], row["valid_from"]) == ("surveys", "2025-08-01")]
    assert len(version) == 5
    assert rows(project, "candidate_price_list") == [
        row | {"unit_price_usd": "0.2"} if row["tier"] == "2" else row for row in version
    ]


@pytest.mark.parametrize(
    ("what", "edits", "said"),
    [
        ("size_tier.csv", ["large=1"], "did you mean size_tiers.csv"),
        ("size_tiers.csv", [], "say what to change"),
        ("size_tiers.csv", ["large"], "not ROW=VALUE"),
        ("size_tiers.csv", ["larg=1"], "has no row larg: did you mean large"),
        ("size_tiers.csv", ["huge=1"], "has no row huge: it has .*large"),
        ("size_tiers.csv", ["large=many"], "many is none"),
        ("price_list.csv", ["surveys/2=3"], "name the column too: ROW.COLUMN=VALUE"),
        ("price_list.csv", ["surveys.unit_price_usd=3"], "begin with surveys: write product_key/tier"),
    ],
)
def test_an_edit_that_names_nothing_is_a_sentence(project: Path, what: str, edits: list[str], said: str) -> None:
    with pytest.raises(TrialError, match=said):
        edit_project(what, edits, project)


def test_folder_replaces_seeds_and_models_of_the_project(project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    with pytest.raises(TrialError, match="has no seed"):
        edit_project(str(folder), [], project)
    (folder / "size_tiers.csv").write_text("tier,arr_from_usd_year\nall,0\n")
    (folder / "dim_customers.sql").write_text("select 1 as customer_id\n")
    edit_project(str(folder), [], project)
    assert rows(project, "size_tiers") == [{"tier": "all", "arr_from_usd_year": "0"}]
    assert (project / "models" / "dim_customers.sql").read_text() == "select 1 as customer_id\n"
    (folder / "dim_customer.sql").write_text("select 1\n")
    with pytest.raises(TrialError, match=r"did you mean dim_customers\.sql"):
        edit_project(str(folder), [], project)
