"""Every fault of a live database is a sentence that names the system, the table and what to do; nothing half lands."""

import json
import logging
import multiprocessing
import resource
import socket
import ssl
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import SecretStr
from typer.testing import CliRunner

from cli.app import app
from connectors.landing import LandingRoot
from connectors.postgres import connection
from connectors.postgres.land import check_postgres, land_postgres
from connectors.report import LandingError
from connectors.systems import SYSTEMS, land_system
from settings import Settings, get_settings
from tests.connectors.conftest import Product

ORGANIZATIONS = "select id, name, created_at, updated_at, region, for_internal_metrics from organization"
TABLE = """
create table organization (
    id int primary key, name text, created_at timestamptz default '2026-01-01', updated_at timestamptz,
    region text default 'US', for_internal_metrics bool default false
)
"""
PASSWORD = "correct-horse-battery-staple"


@pytest.fixture
def organizations(product: Product) -> Product:
    product.execute(TABLE)
    product.execute("insert into organization (id, name) select n, 'Name ' || n from generate_series(1, 200) as n")
    product.map("product_db.organizations", ORGANIZATIONS)
    return product


def refused(product: Product, **changes: object) -> str:
    """The sentence with which a landing ends; nothing is landed then."""
    before = product.landed_files() if product.root.exists() else []
    with pytest.raises(LandingError) as error:
        product.land(**changes)
    assert (product.landed_files() if product.root.exists() else []) == before
    return str(error.value)


def other(url: str, **parts: object) -> str:
    return make_conninfo(url, **{name: str(value) for name, value in parts.items()})


# ------------------------------------------------------------------------------------------------------- connection


def test_unknown_database_role_or_host_is_named_without_the_password(organizations: Product) -> None:
    url = organizations.url
    for changed, said in (
        (other(url, dbname="nowhere", password=PASSWORD), 'database "nowhere" does not exist'),
        (other(url, user="nobody", password=PASSWORD), 'role "nobody" does not exist'),
        ("postgresql://reader:" + PASSWORD + "@nowhere.invalid/app", "nowhere.invalid/app cannot be reached"),
    ):
        sentence = refused(organizations, land_postgres_url=changed)
        assert sentence.startswith("postgres: the database ")
        assert said in sentence
        assert "check GROWTH_LAND_POSTGRES_URL" in sentence
        assert PASSWORD not in sentence


def test_a_wrong_password_is_said_and_not_shown(organizations: Product) -> None:
    ((rules,),) = organizations.execute("show hba_file")
    organizations.execute("drop role if exists locked")
    organizations.execute("create role locked login password 'right'")
    before = Path(rules).read_text()
    Path(rules).write_text(f"local all locked scram-sha-256\n{before}")
    organizations.execute("select pg_reload_conf()")
    sentence = refused(organizations, land_postgres_url=other(organizations.url, user="locked", password=PASSWORD))
    assert 'cannot be reached (password authentication failed for user "locked")' in sentence
    assert PASSWORD not in sentence


def test_a_port_on_which_nobody_listens_is_named(organizations: Product) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        sentence = refused(organizations, land_postgres_url=f"postgresql://reader@127.0.0.1:{port}/app")
    assert f"reader@127.0.0.1:{port}/app cannot be reached" in sentence


def test_a_pooler_whose_database_is_away_is_named(organizations: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise psycopg.OperationalError("server login has been failing, try again later")

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.Connection, "execute", away)
        sentence = refused(organizations)
    assert "cannot be reached (server login has been failing, try again later)" in sentence


def test_an_address_that_is_none_is_not_quoted(organizations: Product) -> None:
    sentence = refused(organizations, land_postgres_url=f"postgresql://reader:{PASSWORD}@[db/app")
    assert "GROWTH_LAND_POSTGRES_URL is no address of a database" in sentence
    assert PASSWORD not in sentence


def test_remote_host_needs_a_certificate_that_the_system_trusts_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def security(url: str) -> dict[str, str]:
        return connection._security(conninfo_to_dict(url))

    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: SimpleNamespace(cafile="/of/the/system.pem"))
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert security("postgresql://db.example/app") == {"sslmode": "verify-full", "sslrootcert": "/of/the/system.pem"}
    monkeypatch.setenv("SSL_CERT_DIR", "/of/ours")
    assert security("postgresql://db.example/app") == {"sslmode": "verify-full", "sslrootcert": "system"}
    assert security("postgresql://db.example/app?sslmode=require") == {}
    assert security("postgresql://127.0.0.1/app") == {}
    assert security("postgresql:///app") == {}
    assert security("service=production")["sslmode"] == "verify-full"
    monkeypatch.setenv("PGHOST", "db.example")
    assert security("postgresql:///app")["sslmode"] == "verify-full"


def test_missing_source_setting_is_named(organizations: Product) -> None:
    with pytest.raises(LandingError, match="GROWTH_SOURCE_ROOT is not set"):
        land_postgres(organizations.settings(source_root=None))
    assert "GROWTH_LAND_POSTGRES_URL is not set" in refused(organizations, land_postgres_url=None)


@pytest.mark.parametrize("message", connection.ENDED)
def test_a_snapshot_that_the_server_ended_is_taken_again(
    organizations: Product, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "PAUSE_SECONDS", 0)
    attempts = []

    def read(_: object) -> int:
        attempts.append(1)
        if len(attempts) < 3:
            raise psycopg.OperationalError(f"canceling statement due to {message}")
        return 7

    assert connection.with_snapshot(organizations.settings(), read) == 7
    attempts.clear()
    monkeypatch.setattr(connection, "ATTEMPTS", 2)
    with pytest.raises(LandingError, match="the snapshot of the database ended"):
        connection.with_snapshot(organizations.settings(), read)


# ---------------------------------------------------------------------------------------------------------- mapping


@pytest.mark.parametrize(
    ("select", "said"),
    [
        ("select * from organisation", 'the select of product_db.organizations fails (relation "organisation" does'),
        (ORGANIZATIONS.replace("region", "regoin"), 'fails (column "regoin" does not exist)'),
        (ORGANIZATIONS.replace(", name", ""), "the select does not give name, which every row needs"),
        (ORGANIZATIONS.replace("region", "region as regon"), "gives regon, which the contract does not have: did you"),
        (ORGANIZATIONS.replace("region", "region, region"), "the select gives region twice"),
        (
            ORGANIZATIONS.replace("created_at", "created_at::timestamp as created_at"),
            "created_at is timestamp without time zone, which is not an instant with a zone: write created_at at time",
        ),
        (ORGANIZATIONS.replace("region", "array[region] as region"), "region is an array of text, which is not a text"),
        (
            ORGANIZATIONS.replace("for_internal_metrics", "1 as for_internal_metrics"),
            "write for_internal_metrics <> 0 as for_internal_metrics",
        ),
        ("select 1; drop table organization", "the select of product_db.organizations fails"),
        ("delete from organization returning *", "the select of product_db.organizations fails"),
    ],
)
def test_a_select_that_does_not_fit_lands_nothing(organizations: Product, select: str, said: str) -> None:
    organizations.map("product_db.users", "select 1 as id")
    organizations.map("product_db.organizations", select)
    lines = refused(organizations).splitlines()
    # Every fault of every table at once.
    assert any(said in line for line in lines), lines
    assert all(line.startswith("postgres: ") and "mappings/postgres.yml" in line for line in lines)
    assert any("product_db.users" in line for line in lines)
    assert check_postgres(organizations.settings()) == lines
    assert organizations.execute("select count(*) from organization") == [(200,)]


def test_a_column_that_is_dropped_between_two_landings_is_named(organizations: Product) -> None:
    organizations.land_one()
    organizations.execute("alter table organization drop column region")
    assert 'fails (column "region" does not exist)' in refused(organizations)
    organizations.execute("alter table organization add column region jsonb")
    assert "region is jsonb, which is not a text" in refused(organizations)


@pytest.mark.parametrize(
    ("column", "computed"),
    [("id,", "100 / (id - 7) as id,"), ("region", "(1 / (id - 7))::text as region")],
)
def test_a_value_that_cannot_be_computed_names_its_table(organizations: Product, column: str, computed: str) -> None:
    organizations.map("product_db.organizations", ORGANIZATIONS.replace(column, computed))
    assert "reading product_db.organizations fails (division by zero), so nothing is landed" in refused(organizations)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("product_db.organization: {select: x}", "'product_db.organization' is not one of the tables"),
        ("stripe.invoices: {select: x}", "'stripe.invoices' is not one of the tables"),
        ("product_db.users: {selct: x}", "key 'selct' is unknown; did you mean 'select'?"),
        ("product_db.users: {select: x, values: {name: {a: b}}}", "values are given for name, which the contract does"),
        ("product_db.organizations: {select: x, values: {region: {eu: Europe}}}", "'eu' means 'Europe', which is not"),
        ("product_db.organizations: {select: x, values: {region: {eu: null}}}", "'eu' means nothing, but every row"),
        (
            "billing.billing_customers: {select: x, values: {custom_limits_usd: {a: surveys, b: surveys}}}",
            "two words mean 'surveys'",
        ),
        ("a: [", "cannot be read"),
        ("", "it must have a key a table"),
    ],
)
def test_a_mapping_file_that_is_wrong_is_named(organizations: Product, content: str, said: str) -> None:
    (organizations.folder / "mappings" / "postgres.yml").write_text(content)
    sentence = refused(organizations)
    assert "mappings/postgres.yml" in sentence
    assert said in sentence


def test_a_mapping_file_that_is_missing_is_named(organizations: Product) -> None:
    sentence = refused(organizations, mappings_dir=organizations.folder / "nowhere")
    assert "nowhere/postgres.yml does not exist: copy postgres.yml from connectors/mappings/" in sentence


# ------------------------------------------------------------------------------------------------------------- rows


def test_unmapped_value_sets_aside_only_its_rows(organizations: Product) -> None:
    organizations.execute("update organization set region = 'ap-south' where id <= 3")
    report = organizations.land()
    (warning,) = report.warnings
    assert warning.startswith("product_db.organizations.region: 'ap-south' is not a value of the contract")
    assert "its 3 rows aside" in warning
    assert check_postgres(organizations.settings()) == report.warnings
    assert organizations.load().rows_rejected == 3
    assert len(organizations.newest("product_db.organizations", "id")) == 197
    organizations.map("product_db.organizations", ORGANIZATIONS, region={"ap-south": "EU"})
    organizations.land_one()
    organizations.load()
    assert organizations.newest("product_db.organizations", "id, region")[0] == ("1", "EU")


def test_a_key_that_a_select_gives_twice_stops_its_table_alone(organizations: Product) -> None:
    organizations.execute("create table person (id int, organization_id int)")
    organizations.execute("insert into person values (1, 1), (2, 1)")
    joined = "organization left join person on person.organization_id = organization.id"
    select = ORGANIZATIONS.replace("select id", "select organization.id").replace("from organization", f"from {joined}")
    organizations.map("product_db.organizations", select)
    organizations.map(
        "product_db.organization_memberships",
        "select organization_id, id as user_id, 1 as level, timestamptz '2026-01-01' as joined_at from person",
    )
    report = organizations.land()
    assert report.failures == [
        "postgres: product_db.organizations has id '1' twice, so nothing of this table is landed: correct the select "
        "or the mapping, so that each key comes once"
    ]
    assert [landing.source_table for landing in report.tables] == ["product_db.organization_memberships"]
    assert all("memberships" in path for path in organizations.landed_files())


def test_empty_table_is_landed_and_removes_nothing(organizations: Product) -> None:
    organizations.execute("create table gone as table organization")
    organizations.execute("truncate organization")
    assert organizations.land_one().files == 1
    organizations.load()
    assert organizations.newest("product_db.organizations", "id") == []
    organizations.execute("insert into organization table gone")
    organizations.land_one()
    organizations.execute("truncate organization")
    (failure,) = organizations.land().failures
    assert "200 of the 200 landed rows of product_db.organizations are no longer there" in failure


def test_a_clock_of_the_server_that_went_back_loses_nothing(organizations: Product) -> None:
    organizations.execute("update organization set updated_at = '2099-01-01'")
    organizations.land_one()
    organizations.execute("update organization set name = 'Other', updated_at = '2020-01-01' where id = 1")
    organizations.execute("delete from organization where id = 2")
    organizations.land_one()
    organizations.load()
    newest = organizations.newest("product_db.organizations", "id, name")
    assert newest[0] == ("1", "Other")
    assert "2" not in {key for key, _ in newest}


# ---------------------------------------------------------------------------------------------------------- machine


@pytest.mark.parametrize("size", [100, 3_000])
def test_on_a_full_disk_nothing_half_is_landed(organizations: Product, size: int) -> None:
    (postgres,) = (system for system in SYSTEMS if system.name == "postgres")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        with pytest.raises(LandingError, match=r"File too large.*(nothing|so the landing ended)"):
            land_system(postgres, organizations.settings())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert organizations.landed_files() == []
    assert organizations.land_one().rows_new == 200


def test_two_landings_at_once_take_turns(organizations: Product, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.landing.WAIT_SECONDS", 0.1)
    root = LandingRoot(str(organizations.root), organizations.folder)
    fork = multiprocessing.get_context("fork")
    holds, end = fork.Event(), fork.Event()

    def hold() -> None:
        with root.hold("another landing"):
            holds.set()
            end.wait()

    other_landing = fork.Process(target=hold)
    other_landing.start()
    assert holds.wait(30)
    with pytest.raises(LandingError, match=r"another landing has been writing into .* wait for it to end"):
        organizations.land()
    end.set()
    other_landing.join()
    assert organizations.land_one().rows_new == 200


# ------------------------------------------------------------------------------------------------- command, secrets


def test_the_command_prints_what_landed_and_sentences_without_secrets(
    organizations: Product, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = other(organizations.url, password=PASSWORD)
    for name, value in {
        "LAND_POSTGRES_URL": url,
        "SOURCE_ROOT": str(organizations.root),
        "DATA_DIR": str(organizations.folder / "data"),
        "MAPPINGS_DIR": str(organizations.folder / "mappings"),
    }.items():
        monkeypatch.setenv(f"GROWTH_{name}", value)
    get_settings.cache_clear()
    run = CliRunner()
    landed = run.invoke(app, ["land"])
    assert landed.exit_code == 0
    assert "product_db.organizations" in landed.output
    assert "200" in landed.output
    organizations.execute("alter table organization rename to other")
    failed = run.invoke(app, ["land", "postgres"])
    assert failed.exit_code == 1
    assert "failed: postgres: the select of product_db.organizations fails" in failed.output
    unknown = run.invoke(app, ["land", "mysql"])
    assert "mysql is not a live source: choose one of postgres" in str(unknown.exception)
    said = [landed.output, failed.output, caplog.text, json.dumps(repr(get_settings()))]
    files = [path for path in organizations.folder.rglob("*") if path.is_file()]
    assert files
    assert all(PASSWORD not in text for text in said)
    assert all(PASSWORD.encode() not in path.read_bytes() for path in files)
    get_settings.cache_clear()


def test_a_role_that_may_only_read_is_enough(organizations: Product) -> None:
    organizations.execute("drop role if exists growth_reader")
    organizations.execute("create role growth_reader login")
    organizations.execute("grant select on organization to growth_reader")
    url = other(organizations.url, user="growth_reader")
    assert organizations.land_one(land_postgres_url=url).rows_new == 200
    organizations.execute("revoke select on organization from growth_reader")
    assert "permission denied for table organization" in refused(organizations, land_postgres_url=url)
    assert conninfo_to_dict(url)["user"] == "growth_reader"


def test_settings_show_no_address(product: Product) -> None:
    settings = Settings(land_postgres_url=SecretStr(other(product.url, password=PASSWORD)), data_dir=Path("/tmp"))
    assert PASSWORD not in repr(settings)
