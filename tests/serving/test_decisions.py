"""Two files are compared by decision: who moved, by name, from what to what."""

import shutil
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from cli.main import call
from serving.publish.decisions import Band, Move, compare_decisions, lines_of
from settings import Settings, UserError
from tests.serving.published_marts import write_published

pytestmark = pytest.mark.slow

ROWS: dict[str, list[dict]] = {
    "dim_customers": [
        {"customer_id": "acme", "name": "Acme", "arr_usd_year": 90000, "size_tier": "medium", "arr_mix_band": "50k"},
        {"customer_id": "beta", "name": "Beta", "arr_usd_year": 700, "size_tier": "micro", "arr_mix_band": "below"},
    ],
    "dim_organizations": [{"organization_id": "org-9", "name": "Nine", "icp_segment": "unknown"}],
    "rpt_account_risk": [{"customer_id": "acme", "signal": "usage_falls"}],
    "rpt_arr_mix_progress": [{"as_of": "2026-10-31", "band": "50k", "customers": 1, "arr_usd": 90000}],
}


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return write_published(Settings(data_dir=tmp_path / "before"), ROWS, published_at=datetime(2026, 11, 1))  # noqa: DTZ001 (UTC)


@pytest.fixture
def after(before: Path, tmp_path: Path) -> Path:
    """The same file, to be changed."""
    return Path(shutil.copyfile(before, tmp_path / "after.duckdb"))


def change(path: Path, sql: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"use marts; {sql}")


def test_a_comparison_names_the_days_of_both_files(
    before: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    live = Settings(data_dir=tmp_path / "data")
    monkeypatch.setattr("cli.results.get_settings", lambda: live)
    write_published(live, ROWS, published_at=datetime(2026, 11, 2), as_of_date=date(2026, 11, 1))  # noqa: DTZ001 (UTC)
    assert call(["diff", str(before)]) == 0
    first, *_ = capsys.readouterr().out.splitlines()
    assert first == f"from {before} as of 2026-10-31 to what is published as of 2026-11-01:"


def test_files_of_the_same_decisions_do_not_differ(before: Path, after: Path) -> None:
    change(after, "update dim_customers set arr_usd_year = arr_usd_year + 1")
    moves, bands = compare_decisions(before, after)
    assert (moves, bands) == ([], [])
    assert lines_of(moves, bands, most=5) == ["No decision differs."]


@pytest.mark.parametrize(
    ("sql", "move"),
    [
        (
            "update dim_customers set size_tier = 'large' where customer_id = 'acme'",
            ("size tier", "acme", "medium", "large"),
        ),
        (
            "update dim_organizations set icp_segment = 'high_growth'",
            ("segment", "org-9", "unknown", "high_growth"),
        ),
        (
            "insert into fct_onboarding_queue (customer_id, queue_reason, is_open) values ('beta', 'first_bill', true)",
            ("onboarding queue", "beta", "none", "first_bill"),
        ),
        ("insert into fct_onboarding_queue (customer_id, is_open) values ('beta', false)", None),
        (
            "insert into rpt_account_risk (customer_id, signal) values ('acme', 'pays_late')",
            ("account risk", "acme", "usage_falls", "pays_late, usage_falls"),
        ),
        ("delete from rpt_account_risk", ("account risk", "acme", "usage_falls", "none")),
        ("drop table rpt_account_risk", ("account risk", "acme", "usage_falls", "none")),
    ],
)
def test_a_decision_that_differs_is_a_move_of_its_customer(
    before: Path, after: Path, sql: str, move: tuple[str, ...] | None
) -> None:
    change(after, sql)
    moves, bands = compare_decisions(before, after)
    assert [(each.decision, each.key, each.before, each.after) for each in moves] == ([move] if move else [])
    assert bands == []


def test_moves_are_told_by_name_the_largest_first_and_capped() -> None:
    moves = [
        Move("size tier", name, name, Decimal(arr), "medium", "large") for name, arr in (("a", 9), ("b", 5), ("c", 1))
    ]
    bands = [Band("50k", 1, 3, Decimal(90000), Decimal(200000))]
    assert lines_of(moves, bands, most=2) == [
        "size tier: 3 differ",
        "  medium -> large: 3: a ($9), b ($5) and 1 more",
        "band 50k: 1 -> 3 customers, $90,000 -> $200,000 ARR",
    ]


def test_money_by_band_is_that_of_the_newest_day(before: Path, after: Path) -> None:
    change(
        after, "insert into rpt_arr_mix_progress (as_of, band, customers, arr_usd) values ('2026-11-01', '50k', 2, 5)"
    )
    assert compare_decisions(before, after)[1] == [Band("50k", 1, 2, Decimal(90000), Decimal(5))]


def test_a_file_that_is_no_database_is_a_sentence(before: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.duckdb"
    other.write_text("no database")
    with pytest.raises(UserError, match="cannot be read"):
        compare_decisions(other, before)
