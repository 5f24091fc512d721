"""A run that is executed again from its failure builds what was not built, if nothing has changed in between."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from dagster import AssetKey, Failure

from orchestration.assets import models as dbt_assets
from orchestration.build_state import FROM_FAILURE_TAG
from orchestration.retries import permanent_unless_transient
from settings import Settings, get_settings
from transform.dbt_runner import DbtError, _built
from warehouse.connection import connect

KEYS = [AssetKey(["marts", name]) for name in ("first", "second", "third")]


class Project:
    """A dbt project whose second model fails until it is mended."""

    def __init__(self) -> None:
        self.is_mended = False
        self.asked: list[list[str]] = []

    def build(self, names: Sequence[str], settings: Settings, *_: Any, **__: Any) -> list[Any]:
        """Build in the order of the names, and say so in quality.builds, as dbt's hook does."""
        self.asked.append(list(names))
        with connect(settings.warehouse_path) as connection:
            connection.execute("insert into quality.builds select coalesce(max(turn), 0) + 1 from quality.builds")
        if "second" in names and not self.is_mended:
            raise DbtError("second: a column is missing", ["first"])
        return [
            SimpleNamespace(
                node=SimpleNamespace(name=name, schema="marts", resource_type="model"),
                status="success",
                execution_time=1,
            )
            for name in names
        ]


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project, instead of dbt, on a warehouse of its own."""
    project = Project()
    monkeypatch.setattr(dbt_assets, "build_models", project.build)
    get_settings.cache_clear()
    settings = get_settings()
    settings.dbt_target_dir.mkdir(parents=True)
    with connect(settings.warehouse_path) as connection:
        connection.execute(
            "create schema quality; create table quality.builds (turn bigint); create schema raw; "
            "create table raw.loaded_files as select 1 as turn"
        )
    return project


def build(run_id: str, parent: str | None = None, *, from_failure: bool = True) -> dict[AssetKey, dict]:
    """The build of a run."""
    tags = {FROM_FAILURE_TAG: "true"} if parent and from_failure else {}
    run = SimpleNamespace(run_id=run_id, parent_run_id=parent, tags=tags)
    context: Any = SimpleNamespace(run=run, log=SimpleNamespace(info=print, warning=print))
    with permanent_unless_transient():
        return dbt_assets._build(KEYS, context, get_settings())


def test_what_was_built_is_not_built_again_until_all_is(project: Project) -> None:
    for run_id, parent in (("run 1", None), ("run 2", "run 1")):
        with pytest.raises(Failure, match="a column is missing"):
            build(run_id, parent)
    project.is_mended = True
    done = build("run 3", "run 2")
    assert project.asked == [["first", "second", "third"], ["second", "third"], ["second", "third"]]
    assert done.keys() == set(KEYS)
    assert done[KEYS[0]] == {"built_by_run": "run 2"}


@pytest.mark.parametrize("changed", ["insert into quality.builds values (2)", "update raw.loaded_files set turn = 2"])
def test_everything_is_built_if_something_was_loaded_or_built_since(project: Project, changed: str) -> None:
    with pytest.raises(Failure):
        build("run 1")
    with connect(get_settings().warehouse_path) as connection:
        connection.execute(changed)
    project.is_mended = True
    build("run 2", "run 1")
    assert project.asked[-1] == ["first", "second", "third"]


def test_a_run_that_starts_from_the_beginning_builds_everything(project: Project) -> None:
    with pytest.raises(Failure):
        build("run 1")
    project.is_mended = True
    build("run 2", "run 1", from_failure=False)
    assert project.asked[-1] == ["first", "second", "third"]


def test_a_seed_that_failed_a_test_is_not_built() -> None:
    def result(name: str, kind: str, status: str, tested: Sequence[str] = ()) -> SimpleNamespace:
        depends_on = SimpleNamespace(nodes=tested)
        node = SimpleNamespace(name=name, unique_id=f"{kind}.{name}", resource_type=kind, depends_on=depends_on)
        return SimpleNamespace(node=node, status=status)

    results = [
        result("prices", "seed", "success"),
        result("targets", "seed", "success"),
        result("prices_overlap", "test", "fail", ["seed.prices"]),
        result("targets_add_up", "test", "pass", ["seed.targets"]),
        result("bills", "model", "skipped", ["seed.prices"]),
    ]
    assert _built(results) == ["targets"]
