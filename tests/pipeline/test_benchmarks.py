"""What `make bench` compares can be built by both sides, and is the same work."""

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.phases import IN_SQL, MIX_MODELS, _compiled
from benchmarks.pieces import bare_build, mrr_history
from benchmarks.same_marts import differences
from settings import Settings, get_settings
from tests.dbt_project.building import read
from transform.dbt_runner import invoke_dbt, parsed_project


@pytest.mark.slow
def test_duckdb_alone_builds_the_same_marts_from_what_dbt_compiled(data_dir: Path, tmp_path: Path) -> None:
    settings = Settings(data_dir=data_dir)
    invoke_dbt(["run", *IN_SQL], settings, tmp_path / "target", manifest=parsed_project(settings))
    bare, statements = tmp_path / "bare" / settings.warehouse_path.name, tmp_path / "statements.json"
    bare.parent.mkdir()
    shutil.copyfile(settings.warehouse_path, bare)
    statements.write_text(json.dumps(_compiled(tmp_path / "target")))
    bare_build(str(statements), str(bare))
    assert len(json.loads(statements.read_text())) > 200
    found = differences(settings.warehouse_path, bare)
    # dbt puts the columns of a mart into the order of its contract.
    assert {table for table, difference in found.items() if difference != "other columns or types"} == set()


def test_history_of_the_benchmark_has_what_the_simulation_of_the_mix_reads(parsed: Path, tmp_path: Path) -> None:
    get_settings.cache_clear()
    settings = get_settings()
    mrr_history("60", "12")
    get_settings.cache_clear()
    project = parsed_project(Settings(data_dir=parsed))
    seeds = ["seed", "--select", "thresholds", "arr_mix_targets", "arr_mix_backtests"]
    invoke_dbt(seeds, settings, tmp_path / "target", manifest=project)
    invoke_dbt(["run", "--select", *MIX_MODELS], settings, tmp_path / "target", manifest=project)
    [(months,)] = read(settings.data_dir, "select max(months_ahead) from intermediate.int_arr_mix_simulation")
    assert months > 0
