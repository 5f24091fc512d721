"""What a run says at its end of the newest sign-ups."""

from pathlib import Path

import duckdb

from cli.coverage import coverage_lines

# The week from 12 October is over on the 18th; nobody of the week before it has a work address.
TABLES = """
    create schema marts;
    create table marts.publish_info as select date '2026-10-18' as as_of_date;
    create table marts.rpt_signups_weekly as select * from (values
        (date '2026-09-14', 100.00, 100.00, 90, 90, 0),
        (date '2026-09-21', 10.00, 70.00, 2, 1, 0),
        (date '2026-09-28', 12.50, 66.67, 2, 1, 0),
        (date '2026-10-05', 0.00, null, 3, 3, 0),
        (date '2026-10-12', 33.33, 40.00, 5, 1, 0),
        (date '2026-10-19', 99.00, 99.00, 80, 80, 80)
    ) as weeks (week, icp_signups_percent, coverage_percent, unknown_free_mail, unknown_stale, unknown_not_found)
"""


def lines(folder: Path, change: str = "") -> list[str]:
    with duckdb.connect(str(folder / "serving.duckdb")) as connection:
        connection.execute(TABLES)
        connection.execute("alter table marts.rpt_signups_weekly add column unknown_signups int default 1000")
        connection.execute(change or "select 1")
    return coverage_lines(folder / "serving.duckdb")


def test_four_newest_weeks_are_listed_with_their_main_reason(tmp_path: Path) -> None:
    assert lines(tmp_path) == [
        "  sign-ups of the week from      21 Sep   28 Sep   05 Oct   12 Oct",
        "  in the ICP                       10 %     12 %      0 %     33 %",
        "  work address, segment known      70 %     67 %        -     40 %",
        "  segments not known: free_mail 12, stale 6",
    ]


def test_a_week_is_told_from_its_last_day_on(tmp_path: Path) -> None:
    first, *_ = lines(tmp_path, "update marts.publish_info set as_of_date = date '2026-10-17'")
    assert first.split()[-8:] == ["14", "Sep", "21", "Sep", "28", "Sep", "05", "Oct"]


def test_a_company_without_a_week_that_is_over_has_nothing_to_tell(tmp_path: Path) -> None:
    assert lines(tmp_path, "update marts.publish_info set as_of_date = date '2026-09-19'") == []
