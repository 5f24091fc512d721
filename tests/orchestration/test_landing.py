"""A run begins with landing; a landing that fails is said, leaves its asset as old as it is, and stops no load."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from dagster import AssetCheckSeverity, AssetKey, DagsterInstance, ExecuteInProcessResult, materialize

from cli.step_lines import outcome_of_step
from connectors import systems
from connectors.report import LandingError, LandingReport, TableLanding
from connectors.systems import System
from ingestion.contract.model import load_contract
from orchestration.alerts.messages import alerts_of_run
from orchestration.assets.raw import raw_assets
from orchestration.definitions import with_freshness
from orchestration.resources import Warehouse
from settings import Settings, get_settings
from tests.support.source_root import company, write_file, write_source_root

KEY = AssetKey(["sources", "postgres"])
LOADED = AssetKey(["raw", "product_db__organizations"])


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, instance: DagsterInstance
) -> Iterator[Callable[..., ExecuteInProcessResult]]:
    """Run the loading step, with a system that lands as a test says."""
    monkeypatch.setenv("GROWTH_SOURCE_ROOT", str(write_source_root(tmp_path / "source")))
    monkeypatch.setenv("GROWTH_DATA_DIR", str(tmp_path / "data"))
    get_settings.cache_clear()

    def run(
        land: Callable[[Settings], LandingReport], selection: list[AssetKey] | None = None
    ) -> ExecuteInProcessResult:
        monkeypatch.setattr(systems, "SYSTEMS", (System("postgres", lambda _: True, land, lambda _: []),))
        return materialize(
            raw_assets(get_settings(), load_contract()),
            resources={"warehouse": Warehouse()},
            selection=selection or [KEY, LOADED],
            instance=instance,
        )

    yield run
    get_settings.cache_clear()


def lands(settings: Settings) -> LandingReport:
    landing = TableLanding("product_db.users", rows_seen=7, rows_new=3, rows_changed=2, files=1)
    return LandingReport("postgres", [landing], ["a value is not known"], seconds=1.5)


def fails(settings: Settings) -> LandingReport:
    raise LandingError("postgres: the database cannot be reached: check GROWTH_LAND_POSTGRES_URL")


def test_what_was_landed_is_on_the_asset_before_the_load(run) -> None:
    result = run(lands)
    made = result.get_asset_materialization_events()
    keys = [event.asset_key for event in made]
    assert keys.index(KEY) < keys.index(LOADED)
    assert made[keys.index(KEY)].materialization.metadata["rows_landed"].value == 5
    (check,) = result.get_asset_check_evaluations()
    assert check.passed
    outcome = outcome_of_step([event.materialization for event in made], [])
    assert outcome.startswith("5 rows landed, ")


def test_a_failed_landing_is_said_and_the_load_goes_on(run, instance: DagsterInstance) -> None:
    result = run(fails)
    assert result.success
    keys = {event.asset_key for event in result.get_asset_materialization_events()}
    assert LOADED in keys
    # Its freshness tells from when the files are.
    assert KEY not in keys
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.ERROR)
    (alert,) = alerts_of_run(instance, result.dagster_run, {})
    assert (alert.severity, alert.about) == ("error", "sources/postgres is_landed")
    assert "the database cannot be reached: check GROWTH_LAND_POSTGRES_URL" in alert.detail


def test_a_table_that_cannot_be_landed_fails_the_check_too(run) -> None:
    result = run(lambda _: LandingReport("postgres", failures=["postgres: product_db.users has id '1' twice"]))
    (check,) = result.get_asset_check_evaluations()
    assert check.description == "postgres: product_db.users has id '1' twice"


def test_a_full_disk_while_landing_stops_no_load(run) -> None:
    def full(_: Settings) -> LandingReport:
        raise OSError(28, "No space left on device", "/landing/x.csv")

    result = run(full)
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert "postgres: /landing/x.csv cannot be written or read (No space left on device)" in str(check.description)


def test_land_one_system_and_load_one_table_without_landing(run) -> None:
    alone = run(lands, [KEY])
    assert [event.asset_key for event in alone.get_asset_materialization_events()] == [KEY]
    loaded = run(fails, [LOADED])
    assert [event.asset_key for event in loaded.get_asset_materialization_events()] == [LOADED]
    assert loaded.get_asset_check_evaluations() == []


def test_live_system_is_an_upstream_asset_with_freshness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(systems, "SYSTEMS", (System("postgres", lambda _: True, lands, lambda _: []),))
    (loading,) = raw_assets(Settings(source_root="/exports"), load_contract())
    specs = loading.specs_by_key
    assert KEY in {dependency.asset_key for dependency in specs[LOADED].deps}
    assert specs[KEY].group_name == "sources"
    assert with_freshness(specs[KEY]).freshness_policy is not None


def test_billing_customers_that_come_with_their_organization_make_no_asset_that_was_not_asked_for(
    run, tmp_path
) -> None:
    billing, organizations = "billing/billing_customers", "product_db/organizations"
    rows = company()
    late = {**rows[billing][0], "organization_id": "org-7"}
    write_file(tmp_path / "source" / billing / "2.csv", billing, [late])
    assert run(lands, [LOADED, AssetKey(["raw", "billing__billing_customers"])]).success
    file = tmp_path / "source" / organizations / "7.csv"
    write_file(file, organizations, [{**rows[organizations][0], "id": "org-7"}])
    result = run(lands, [LOADED])
    assert [event.asset_key for event in result.get_asset_materialization_events()] == [LOADED]
    with duckdb.connect(str(tmp_path / "data/warehouse.duckdb"), read_only=True) as connection:
        [(customers,)] = connection.execute("select count(*) from raw.billing__billing_customers").fetchall()
    assert customers == len(rows[billing]) + 1
