"""A PostgreSQL server, a database for each test, and what is landed of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import psycopg
import pytest
import yaml
from psycopg.conninfo import make_conninfo

from connectors.postgres.land import land_postgres
from connectors.report import LandingReport, TableLanding
from ingestion.contract.model import load_contract
from ingestion.load import LoadReport, load_sources
from settings import Settings
from tests.support.postgres_server import postgres_programs, running_server


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server."""
    programs = postgres_programs()
    if programs is None:
        pytest.skip("landing is tested on a PostgreSQL server, which is not here: apt-get install postgresql")
    with running_server(programs) as url:
        yield url


@pytest.fixture
def product(server: str, tmp_path: Path) -> Iterator["Product"]:
    name = f"product_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"create database {name}")
        product = Product(make_conninfo(server, dbname=name), tmp_path)
        yield product
        product.connection.close()
        connection.execute(f"drop database {name} with (force)")


class Product:
    """A product's database with a mapping of its own, and the source root that it is landed in."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.connection = psycopg.connect(url, autocommit=True)
        self.mapping: dict[str, Any] = {}

    def execute(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(statement, values or None)  # type: ignore[arg-type]  # (a test's own SQL)
        return cursor.fetchall() if cursor.description else []

    def map(self, table: str, select: str, **values: dict[str, str | None]) -> None:
        """Map a table of the contract, in the mapping file."""
        self.mapping[table] = {"select": select, "values": values}
        (self.folder / "mappings").mkdir(exist_ok=True)
        (self.folder / "mappings" / "postgres.yml").write_text(yaml.safe_dump(self.mapping))

    @property
    def state(self) -> Path:
        return self.folder / "data" / "state" / "landing" / "postgres"

    @property
    def root(self) -> Path:
        return self.folder / "source"

    def settings(self, **changes: Any) -> Settings:
        values: dict[str, Any] = {
            "land_postgres_url": self.url,
            "source_root": str(self.root),
            "data_dir": self.folder / "data",
            "mappings_dir": self.folder / "mappings",
            "max_set_aside_share": 1.0,
        }
        return Settings(**{**values, **changes})

    def land(self, **changes: Any) -> LandingReport:
        return land_postgres(self.settings(**changes))

    def land_one(self, **changes: Any) -> TableLanding:
        """Land, where one table is mapped, which must succeed."""
        report = self.land(**changes)
        assert report.failures == []
        (landing,) = report.tables
        return landing

    def load(self) -> LoadReport:
        """Load the mapped tables into a warehouse."""
        return load_sources(self.settings(), tables={name.replace(".", "__") for name in self.mapping})

    def raw(self, query: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.settings().warehouse_path), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def newest(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        """The state that the load's reading gives: the newest row of each key, of those that are not removed."""
        described = load_contract().table(table.replace(".", "__"))
        return self.raw(
            f"select {columns} from (from raw.{described.raw_name} qualify row_number() over "
            f"(partition by {', '.join(described.key)} order by {described.stamp} desc) = 1) "
            "where removed_at is null order by all"
        )

    def landed_files(self) -> list[str]:
        """Every file in the source root that a load may see, or that was left there."""
        files = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return sorted(str(path) for path in files if not path.name.startswith("_"))
