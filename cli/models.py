"""Commands for those who edit models, seeds and expectations."""

import logging
from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from settings import UserError, get_settings

SHOWN_NAMES = 5


class Layer(StrEnum):
    """A layer that a gate stands behind."""

    RAW = "raw"
    STAGING = "staging"
    MARTS = "marts"


def copy() -> None:
    """Copy the warehouse for yourself: dbt in a shell builds there."""
    from transform.private_copy import make_private_copy

    print(f"{make_private_copy(get_settings())} is yours: dbt in dbt_project builds there")


def try_edits(
    what: Annotated[str, typer.Argument(help="a seed such as size_tiers.csv, or a folder of edited seeds and models")],
    edits: Annotated[
        list[str] | None, typer.Argument(help="for a seed: ROW=VALUE or ROW.COLUMN=VALUE, such as large=80000")
    ] = None,
    names: Annotated[int, typer.Option(help="how many names to print for each kind of move")] = SHOWN_NAMES,
) -> None:
    """Show who would be in another segment, tier, band or list with edited seeds or models. Publishes nothing.

    Of an edited price list: what it would have made of the last twelve closed months.
    """
    from serving.page.snapshot import Snapshot
    from serving.publish.decisions import compare_decisions, lines_of
    from serving.publish.price_change import lines_of_price_change
    from serving.reader import snapshot
    from transform.trial import build_trial, is_about_prices

    # Which models took long is not what this command is asked for.
    logging.getLogger("transform").setLevel(logging.WARNING)
    settings = get_settings()
    if not settings.serving_path.exists():
        raise UserError(f"nothing is published in {settings.data_dir} to compare with: run `growth run` first")
    with snapshot(settings.serving_path) as connection:
        (as_of,) = Snapshot(connection).row("select as_of_date from publish_info")
    # What differs is then the edit's doing, also after a publish of a past day.
    warehouse = build_trial(what, edits or [], settings.model_copy(update={"as_of": as_of}))
    if is_about_prices(what):
        print("with these prices, had customers used what they used:")
        print("\n".join(lines_of_price_change(warehouse, most=names)))
        return
    print(f"with this edit, beside what is published as of {as_of}:")
    print("\n".join(lines_of(*compare_decisions(settings.serving_path, warehouse), most=names)))


def build(context: typer.Context) -> None:
    """Run `dbt build` in the shared warehouse when it is free: `growth build --select my_model+`."""
    from transform.dbt_runner import invoke_dbt, parsed_project
    from warehouse.folder import DataDirError
    from warehouse.lock import hold

    settings = get_settings()
    if not settings.warehouse_path.exists():
        raise DataDirError(f"nothing is loaded in {settings.data_dir} yet: run `growth run` first")
    with hold(settings.warehouse_path, "growth build"):
        project = parsed_project(settings)
        results = invoke_dbt(["build", *context.args], settings, settings.dbt_target_dir / "build", manifest=project)
    print(f"{len(results)} nodes built and tested; the next refresh checks and publishes them")


def gate(
    layer: Layer,
    table: Annotated[list[str] | None, typer.Option(help="check only this table; may be given more than once")] = None,
) -> None:
    """Check a layer against its expectations, and keep the results in quality.expectation_results."""
    from expectations.gate import run_layer
    from warehouse.folder import DataDirError
    from warehouse.lock import hold

    settings = get_settings()
    if not settings.warehouse_path.exists():
        raise DataDirError(f"nothing is loaded in {settings.data_dir} yet: run `growth run` first")
    run_id = f"expectations-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    with hold(settings.warehouse_path, run_id):
        results = run_layer(
            settings.warehouse_path, layer, run_id=run_id, as_of=settings.as_of, tables=table, settings=settings
        )
    counts: Counter[tuple[str, str]] = Counter((each.table, each.status) for each in results)
    print(f"\n{'table':40} {'passed':>7} {'failed':>7} {'error':>7}")
    for name in dict.fromkeys(each.table for each in results):
        print(f"{name:40} " + " ".join(f"{counts[name, status]:>7}" for status in ("passed", "failed", "error")))
    blocking = sum(each.is_blocking for each in results)
    print(f"\n{len(results)} expectations of {layer}: {blocking} block what comes after it")
    if blocking:
        raise typer.Exit(1)


def expectations() -> None:
    """List every expectation, with its owner and its reason."""
    from expectations.suites import load_suites

    for suite in load_suites():
        print(f"\n{suite.layer}.{suite.table}")
        for each in suite.expectations:
            print(f"  {each.severity:8}  {each.name}  ({each.owner}): {each.description}")


def parse() -> None:
    """Parse the dbt project, which the first command on a data folder does otherwise."""
    from orchestration.instance.home import prepare_dagster_home
    from transform.dbt_runner import current_manifest

    settings = get_settings()
    prepare_dagster_home(settings)
    current_manifest(settings)


def docs() -> None:
    """Write dbt's documentation site as one file in the data folder."""
    from transform.dbt_runner import invoke_dbt
    from warehouse.lock import hold

    settings = get_settings()
    target_dir = settings.data_dir / "docs"
    with hold(settings.warehouse_path, "growth docs"):
        invoke_dbt(["docs", "generate", "--static"], settings, target_dir)
    print(f"open {target_dir / 'static_index.html'}")


def dictionary(
    check: Annotated[bool, typer.Option("--check", help="write nothing; fail if the file is stale")] = False,
) -> None:
    """Write docs/dictionary.md, the published tables and their columns, from dbt's YAML."""
    from transform.dbt_runner import current_manifest
    from transform.dictionary import is_stale, write_dictionary

    manifest_path = current_manifest(get_settings())
    if check and is_stale(manifest_path):
        print("stale: docs/dictionary.md\nrun `growth dictionary` and commit the result")
        raise typer.Exit(1)
    if not check and write_dictionary(manifest_path):
        print("written: docs/dictionary.md")
