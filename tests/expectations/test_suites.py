"""Suites say what they mean: mistakes are named, every table has one, and each fits the table that it is about."""

import subprocess
import sys
from pathlib import Path

import pytest

from expectations.suites import SUITES_DIR, SuiteError, load_suites

GOOD = """
key: [id]
expectations:
  - name: id_is_missing
    type: expect_column_values_to_not_be_null
    arguments: {column: id}
    blocks: key
    why: It matters.
"""


def write(directory: Path, content: str, defaults: str = "owner: team") -> Path:
    path = directory / "raw" / "things.yml"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    (path.parent / "_defaults.yml").write_text(defaults)
    return path


def test_suite_is_read_with_the_owner_of_its_layer(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    (suite,) = load_suites(tmp_path)
    assert (suite.layer, suite.table, suite.key) == ("raw", "things", ("id",))
    (each,) = suite.expectations
    assert (each.name, each.severity, each.owner, each.arguments) == (
        "id_is_missing",
        "critical",
        "team",
        {"column": "id"},
    )


def test_owner_of_an_entry_goes_before_that_of_its_file_and_its_layer(tmp_path: Path) -> None:
    write(
        tmp_path,
        "owner: file\n" + GOOD + "    owner: entry\n" + GOOD.split("expectations:\n")[1].replace("id_is", "x_is"),
    )
    (suite,) = load_suites(tmp_path)
    assert [each.owner for each in suite.expectations] == ["entry", "file"]


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        (
            "type: expect_colum_values",
            "type: expect_column_values_to_not_be_null",
            "type 'expect_colum_values' is unknown",
        ),
        ("blocks: doubt", "blocks: key", "blocks 'doubt' is not one of key, type, contract, identity, freshness"),
        ("reason: It matters.", "why: It matters.", "key 'why' is missing"),
        ("colour: red\n    why: It matters.", "why: It matters.", "key 'colour' is unknown"),
        ("arguments: {columns: [id]}", "arguments: {column: id}", "'column' is missing"),
        ("arguments: {column: id, mostly: 0.9}", "arguments: {column: id}", "'mostly' is unknown"),
        ("arguments: id", "arguments: {column: id}", "arguments must be a mapping"),
        ("name: Id is missing", "name: id_is_missing", "the name must be in snake_case"),
        ("expectation: []", "expectations:", "key 'expectations' is missing"),
        ("key: id", "key: [id]", "key must be a list of column names"),
        ("key: [id", "key: [id]", "is not YAML"),
    ],
)
def test_mistake_is_named_with_its_file(tmp_path: Path, wrong: str, right: str, message: str) -> None:
    if wrong == "expectation: []":
        content = "key: [id]\nexpectation: []\n"
    else:
        assert right in GOOD
        content = GOOD.replace(right, wrong)
    path = write(tmp_path, content)
    with pytest.raises(SuiteError) as error:
        load_suites(tmp_path)
    assert message in str(error.value)
    assert str(path) in str(error.value)


def test_mistake_in_an_entry_names_the_entry(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("blocks: key", "blocks: doubt"))
    with pytest.raises(SuiteError, match=r"expectation 1 \(id_is_missing\)"):
        load_suites(tmp_path)


def test_two_expectations_of_one_name_are_refused(tmp_path: Path) -> None:
    write(tmp_path, GOOD + GOOD.split("expectations:\n")[1])
    with pytest.raises(SuiteError, match="id_is_missing is the name of more than one expectation"):
        load_suites(tmp_path)


def test_expectation_without_an_owner_is_refused(tmp_path: Path) -> None:
    write(tmp_path, GOOD, defaults="{}")
    with pytest.raises(SuiteError, match="has no owner"):
        load_suites(tmp_path)


def test_query_that_does_not_read_its_table_is_refused(tmp_path: Path) -> None:
    content = GOOD.replace("expect_column_values_to_not_be_null", "custom_sql").replace(
        "{column: id}", "{query: select 1}"
    )
    write(tmp_path, content)
    with pytest.raises(SuiteError, match="the query must read the table"):
        load_suites(tmp_path)


BY_DAYS = GOOD.replace("key: [id]", "key: [id, date]\nday: date") + "    whole: true\n"


def test_suite_of_a_table_that_is_built_by_days_names_its_day(tmp_path: Path) -> None:
    write(tmp_path, BY_DAYS)
    (suite,) = load_suites(tmp_path)
    assert (suite.day, [each.is_whole for each in suite.expectations]) == ("date", [True])


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("day: date", "day: dat", "things.yml: day 'dat' is not a column of the key, which is id, date"),
        ("day: date", "day:", "things.yml: day None is not a column of the key"),
        ("day: date", "dya: date", "'dya' is unknown"),
        ("day: date\n", "", "id_is_missing tells days from the whole, and day, the column of the day, is missing"),
        ("whole: true", "whole: false", r"\(id_is_missing\): whole is true, or is left out"),
    ],
)
def test_mistake_about_days_is_named(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    assert right in BY_DAYS
    write(tmp_path, BY_DAYS.replace(right, wrong))
    with pytest.raises(SuiteError, match=message):
        load_suites(tmp_path)


@pytest.mark.parametrize("end", ["first_day", "last_day"])
def test_query_about_days_of_a_table_without_a_day_is_refused(tmp_path: Path, end: str) -> None:
    query = f"{{query: 'select 1 from {{batch}} where {{{end}}} is null'}}"
    write(tmp_path, GOOD.replace("expect_column_values_to_not_be_null", "custom_sql").replace("{column: id}", query))
    with pytest.raises(SuiteError, match="id_is_missing tells days from the whole"):
        load_suites(tmp_path)


def test_folder_that_is_no_layer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mart").mkdir()
    with pytest.raises(SuiteError, match="mart"):
        load_suites(tmp_path)


def test_reading_the_suites_does_not_load_great_expectations() -> None:
    code = (
        "import sys; from expectations.suites import load_suites; import expectations.gate; load_suites(); "
        "assert 'great_expectations' not in sys.modules and 'sqlalchemy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=SUITES_DIR.parent.parent, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
