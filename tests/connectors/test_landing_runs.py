"""Whole runs that begin with landing: from a database into a folder, and into a bucket."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from psycopg.conninfo import make_conninfo

from settings import PROJECT_DIR
from tests.connectors.conftest import Product
from tests.support.hand_made import write_hand_made_company
from tests.support.running import Run, marts
from tests.support.s3_server import S3Server, running_s3

pytestmark = pytest.mark.slow
PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def hand_made(product: Product) -> Product:
    """The hand-made company, whose organizations are in a database; its other sources are files in the root."""
    root = write_hand_made_company(product.root)
    product.execute(
        "create table organization (id text primary key, name text, created_at timestamptz, updated_at timestamptz, "
        "customer_id text, region text, for_internal_metrics bool, signup_channel text)"
    )
    exported = root / "product_db" / "organizations.csv"
    with (
        product.connection.cursor() as cursor,
        cursor.copy(
            "copy organization (id, name, created_at, customer_id, region, for_internal_metrics, signup_channel, "
            "updated_at) from stdin (format csv, header)"
        ) as copy,
    ):
        copy.write(exported.read_bytes())
    exported.unlink()
    product.map("product_db.organizations", "select * from organization")
    return product


def run(product: Product, data_dir: Path, source_root: str, **more: str) -> str:
    url = make_conninfo(product.url, password=PASSWORD)
    landing = {"GROWTH_LAND_POSTGRES_URL": url, "GROWTH_MAPPINGS_DIR": str(product.folder / "mappings")}
    ended = Run(data_dir, None, PROJECT_DIR, GROWTH_SOURCE_ROOT=source_root, **landing, **more).end()
    assert ended.returncode == 0, ended.stdout
    assert PASSWORD not in ended.stdout
    files = [path for path in data_dir.rglob("*") if path.is_file()]
    assert [path for path in files if PASSWORD.encode() in path.read_bytes()] == []
    return ended.stdout


def test_a_run_lands_first_and_publishes_what_files_would_give(hand_made: Product, tmp_path: Path) -> None:
    said = run(hand_made, tmp_path / "landed", str(hand_made.root))
    assert "4 rows landed, " in said
    files = write_hand_made_company(tmp_path / "files")
    assert Run(tmp_path / "of_files", files).end().returncode == 0
    assert marts(tmp_path / "landed") == marts(tmp_path / "of_files")


@pytest.fixture
def bucket() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


def test_run_lands_in_a_bucket_and_survives_a_missing_database(
    hand_made: Product, bucket: S3Server, tmp_path: Path
) -> None:
    client = fsspec.filesystem("s3", endpoint_url=bucket.url, key="tests", secret="tests")
    for path in hand_made.root.rglob("*"):
        if path.is_file():
            client.put_file(str(path), f"landed/source/{path.relative_to(hand_made.root)}")
    said = run(hand_made, tmp_path / "landed", "s3://landed/source", **bucket.environment)
    assert "4 rows landed, " in said
    assert client.find("landed/source/product_db/organizations")
    assert not client.exists("landed/source/_landing.lock")
    # The database is gone: what was landed is loaded and published all the same, and the run says why.
    hand_made.execute("alter table organization rename to moved")
    said = run(hand_made, tmp_path / "landed", "s3://landed/source", **bucket.environment)
    assert "failed: sources.postgres: is_landed. postgres: the select of product_db.organizations fails" in said
