"""Suites say what they mean: mistakes are named, every table has one, and each fits the table that it is about."""

import subprocess
import sys
from pathlib import Path

import pytest

from expectations.suites import QUERY, SUITES_DIR, SuiteError, load_suites

GOOD = """
key: [id]
expectations:
  - name: id_is_missing
    type: expect_column_values_to_not_be_null
    kwargs: {column: id}
    blocks: key
    description: It matters.
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
    assert (suite.layer, suite.table, suite.key) == ("raw", "things", ["id"])
    (each,) = suite.expectations
    assert (each.name, each.severity, each.owner, each.kwargs) == (
        "id_is_missing",
        "critical",
        "team",
        {"column": "id"},
    )


def test_owner_of_an_entry_goes_before_that_of_its_layer(tmp_path: Path) -> None:
    write(tmp_path, GOOD + "    owner: entry\n" + GOOD.split("expectations:\n")[1].replace("id_is", "x_is"))
    (suite,) = load_suites(tmp_path)
    assert [each.owner for each in suite.expectations] == ["entry", "team"]


@pytest.mark.parametrize(
    ("wrong", "right", "message"),
    [
        (
            "not_be_nul",
            "not_be_null",
            "type 'expect_column_values_to_not_be_nul' is unknown; did you mean expect_column",
        ),
        ("blocks: doubt", "blocks: key", "blocks 'doubt' is not one of 'key', 'type', 'contract', 'identity' or 'fre"),
        ("blocks: key\n    reason: It matters.", "blocks: key", "key 'reason' is unknown; keys are name, type, kwargs"),
        ("descripton: It matters.", "description: It matters.", "'descripton' is unknown; did you mean 'description'?"),
        ("", "    description: It matters.\n", "key 'description' is missing"),
        ("shwon: [id]\n    blocks", "blocks", "key 'shwon' is unknown; did you mean 'shown'?"),
        (
            "kwargs: {column_list: [id]}",
            "kwargs: {column: id}",
            "kwargs: key 'column_list' is unknown; did you mean 'column'?",
        ),
        (
            "kwargs: {column: id, mostly: 0.9}",
            "kwargs: {column: id}",
            "kwargs: key 'mostly' is unknown; keys are column",
        ),
        ("kwargs: {column: 1}", "kwargs: {column: id}", "kwargs: column is wrong: input should be a valid string"),
        ("kwargs: id", "kwargs: {column: id}", "kwargs is wrong: input should be a valid dictionary"),
        ("name: Id is missing", "name: id_is_missing", "the name must be in snake_case"),
        ("expectation:", "expectations:", "key 'expectation' is unknown; did you mean 'expectations'"),
        ("key: id", "key: [id]", "key is wrong: input should be a valid list"),
        ("whole: some\n    blocks", "blocks", "whole is wrong: input should be a valid boolean"),
        ("key: [id", "key: [id]", "is not YAML"),
    ],
)
def test_mistake_is_named_with_its_file(tmp_path: Path, wrong: str, right: str, message: str) -> None:
    assert right in GOOD
    path = write(tmp_path, GOOD.replace(right, wrong))
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
    with pytest.raises(SuiteError, match=r"_defaults\.yml: key 'owner' is missing"):
        load_suites(tmp_path)


def test_query_that_does_not_read_its_table_is_refused(tmp_path: Path) -> None:
    content = GOOD.replace("expect_column_values_to_not_be_null", QUERY).replace(
        "{column: id}", "{unexpected_rows_query: select 1}"
    )
    write(tmp_path, content)
    with pytest.raises(SuiteError, match="the query must read the table"):
        load_suites(tmp_path)


BY_DAYS = GOOD.replace("key: [id]", "key: [id, date]\nday: date") + "    whole: true\n"


def test_suite_of_a_table_that_is_built_by_days_names_its_day(tmp_path: Path) -> None:
    write(tmp_path, BY_DAYS)
    (suite,) = load_suites(tmp_path)
    assert (suite.day, [each.whole for each in suite.expectations]) == ("date", [True])


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("day: date", "day: dat", "things.yml: day 'dat' is not a column of the key, which is id, date"),
        ("day: date", "dya: date", "things.yml: key 'dya' is unknown; did you mean 'day'"),
        ("day: date\n", "", "things.yml: id_is_missing depends on days, so the suite needs day, the column of the day"),
    ],
)
def test_mistake_about_days_is_named(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    assert right in BY_DAYS
    write(tmp_path, BY_DAYS.replace(right, wrong))
    with pytest.raises(SuiteError, match=message):
        load_suites(tmp_path)


@pytest.mark.parametrize("end", ["first_day", "last_day"])
def test_query_about_days_of_a_table_without_a_day_is_refused(tmp_path: Path, end: str) -> None:
    query = f"{{unexpected_rows_query: 'select 1 from {{batch}} where {{{end}}} is null'}}"
    write(tmp_path, GOOD.replace("expect_column_values_to_not_be_null", QUERY).replace("{column: id}", query))
    with pytest.raises(SuiteError, match="id_is_missing depends on days"):
        load_suites(tmp_path)


def test_folder_that_is_no_layer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mart").mkdir()
    with pytest.raises(SuiteError, match="mart"):
        load_suites(tmp_path)


def test_reading_the_suites_and_listing_their_checks_does_not_load_great_expectations() -> None:
    code = (
        "import sys; from expectations.suites import load_suites; import orchestration.checks.gates; load_suites(); "
        "assert 'great_expectations' not in sys.modules and 'sqlalchemy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=SUITES_DIR.parent.parent, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
