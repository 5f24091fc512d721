"""The sample company in a database, in Stripe and in a bucket: landed and run, its marts are those of its files."""

import gzip
import shutil
from pathlib import Path

import duckdb
import fsspec
import pytest
import simplejson
import yaml

from benchmarks.same_marts import differences
from ingestion.contract.model import Table, load_contract
from ingestion.load import load_sources
from sample_company import write_sample_company
from settings import PROJECT_DIR, Settings
from tests.connectors.conftest import Product
from tests.connectors.test_stripe_sample import versions
from tests.support.fake_stripe import served
from tests.support.product_database import TABLES, fill
from tests.support.running import Run
from tests.support.s3_server import running_s3
from tests.support.stripe_account import KINDS, StripeAccount

IN_THE_BUCKET = ("usage", "enrichment", "crm", "support", "product_events", "costs", "spend")
PATTERNS = {
    "usage.usage_reports": "usage/usage_reports/date={YYYY}-{MM}-{DD}/*",
    "enrichment.companies": "enrichment/companies*",
    "crm.accounts": "crm/accounts*",
    "crm.opportunities": "crm/opportunities*",
    "crm.account_merges": "crm/account_merges*",
    "crm.contacts": "crm/contacts*",
    "crm.activities": "crm/activities*",
    "crm.feature_requests": "crm/feature_requests*",
    "support.tickets": "support/tickets*",
    "product_events.events_daily": "product_events/events_daily*",
    "costs.unit_costs": "costs/unit_costs*",
    "costs.account_costs": "costs/account_costs*",
    "spend.sales_and_marketing": "spend/sales_and_marketing*",
}


def write_present_state(warehouse: Path, table: Table, root: Path) -> None:
    """The newest version of each key as one CSV file: a database has no other."""
    columns = [
        f"{column.name} || '+00' as {column.name}" if column.type == "timestamp" else column.name
        for column in table.columns
    ]
    path = root / f"{table.path}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse), read_only=True) as raw:
        raw.execute(
            f"copy (select {', '.join(columns)} from raw.{table.raw_name} qualify row_number() over "
            f"(partition by {', '.join(table.key)} order by {table.stamp} desc) = 1) to '{path}' (format csv, header)"
        )


def account_of(source: Path, copies: Path) -> StripeAccount:
    """The newest version of each object of the files."""
    account = StripeAccount()
    for kind in KINDS:
        newest = {found["id"]: found for found in versions(source, kind, copies)}
        account.objects[kind].update({key: found for key, found in newest.items() if not found.get("deleted")})
    return account


def write_objects(account: StripeAccount, root: Path) -> None:
    for kind in KINDS:
        path = root / "stripe" / f"{kind}.jsonl.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(path, "wt") as lines:
            lines.writelines(
                simplejson.dumps(found, use_decimal=True) + "\n" for found in account.objects[kind].values()
            )


@pytest.mark.soak
def test_marts_of_what_is_landed_are_those_of_files(product: Product, tmp_path: Path) -> None:
    sample = tmp_path / "sample" / "source"
    write_sample_company(tmp_path / "sample", size="small")
    history = Settings(source_root=str(sample), data_dir=tmp_path / "history")
    load_sources(history)
    fill(product.url, history.warehouse_path)
    account = account_of(sample, tmp_path / "copies")
    files = tmp_path / "files"
    for source in IN_THE_BUCKET:
        shutil.copytree(sample / source, files / source)
    for raw_name in TABLES:
        write_present_state(history.warehouse_path, load_contract().table(raw_name), files)
    write_objects(account, files)
    of_files = Run(tmp_path / "of_files", files).end()
    assert of_files.returncode == 0, of_files.stdout

    mappings = tmp_path / "mappings"
    shutil.copytree(PROJECT_DIR / "connectors" / "mappings", mappings)
    selects = yaml.safe_load((mappings / "postgres.yml").read_text())
    del selects["usage.usage_reports"]
    (mappings / "postgres.yml").write_text(yaml.safe_dump(selects))
    (mappings / "bucket.yml").write_text(yaml.safe_dump(PATTERNS))
    with running_s3() as bucket, served(account) as (fake, address):
        client = fsspec.filesystem("s3", endpoint_url=bucket.url, key="tests", secret="tests")
        for source in IN_THE_BUCKET:
            client.put(str(sample / source), f"landed/exports/{source}", recursive=True)
        live = {
            "GROWTH_LAND_POSTGRES_URL": product.url,
            "GROWTH_LAND_STRIPE_KEY": fake.key,
            "GROWTH_LAND_STRIPE_URL": address,
            "GROWTH_LAND_STRIPE_REQUESTS_PER_SECOND": "100",
            "GROWTH_LAND_BUCKET": "s3://landed/exports",
            "GROWTH_MAPPINGS_DIR": str(mappings),
            **bucket.environment,
        }
        of_landed = Run(tmp_path / "of_landed", tmp_path / "landed", PROJECT_DIR, **live).end()
    assert of_landed.returncode == 0, of_landed.stdout
    published = [Settings(data_dir=tmp_path / name).serving_path for name in ("of_files", "of_landed")]
    assert differences(*published) == {}
