"""The sample company's Stripe objects: served, landed and loaded, they are those of its files."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import simplejson

from ingestion.contract.model import load_contract
from ingestion.load import load_sources
from ingestion.read.files import SourceRoot
from sample_company import write_sample_company
from settings import Settings
from tests.connectors.stripe_landing import landing_of
from tests.support.stripe_account import KINDS, Object, StripeAccount
from warehouse.connection import connect

TABLES = {f"stripe__{kind}" for kind in KINDS}


def versions(source: Path, kind: str, copies: Path) -> Iterator[Object]:
    """Every version of every object in the files, oldest first. An account shows no objects of its other mode."""
    root = SourceRoot(str(source), copies)
    for file in root.list_files(load_contract()).files[f"stripe__{kind}"]:
        with gzip.open(source / file.path) as lines:
            for line in lines:
                found = simplejson.loads(line, use_decimal=True)
                if found.get("livemode", True):
                    yield found


def raw(settings: Settings) -> dict[str, list[Any]]:
    load_sources(settings, tables=TABLES)
    with connect(settings.warehouse_path, read_only=True) as connection:
        rows = {
            table: connection.execute(
                f"select id, livemode, created, payload from raw.{table} "
                "where coalesce(payload ->> 'livemode', 'true') = 'true' order by id"
            ).fetchall()
            for table in TABLES
        }
    # Some of the files have spaces between the parts of an object.
    return {
        table: [(*row, simplejson.loads(payload, use_decimal=True)) for *row, payload in of_table]
        for table, of_table in rows.items()
    }


@pytest.mark.slow
def test_landed_sample_company_is_that_of_the_files(tmp_path: Path) -> None:
    source = tmp_path / "sample" / "source"
    write_sample_company(tmp_path / "sample")
    account = StripeAccount()
    later: list[Object] = []
    for kind in KINDS:
        objects = account.objects[kind]
        for found in versions(source, kind, tmp_path / "copies"):
            if found["id"] in objects:
                later.append(found)
            else:
                objects[found["id"]] = found
    assert len(later) > 100
    with landing_of(account, tmp_path) as stripe:
        stripe.land()
        for found in later:
            if found.get("deleted"):
                account.delete(account.objects["customers"][found["id"]])
            else:
                before = account.objects[f"{found['object']}s"][found["id"]]
                before.clear()
                account.change(before, **found)
        stripe.land()
        of_files = Settings(data_dir=tmp_path / "of_files", source_root=str(source), max_set_aside_share=1.0)
        expected, landed = raw(of_files), raw(stripe.settings)
        assert all(len(rows) > 5 for rows in expected.values())
        assert landed == expected
