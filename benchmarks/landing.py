"""Landing a million organizations from a PostgreSQL server of its own, beside psql's `\\copy` of the same rows."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import measure
from benchmarks.phases import PIECES, row_of

ORGANIZATIONS = 1_000_000
TABLE = f"""
create table organization as select
    md5(number::text)::uuid as id,
    'Organization ' || number as name,
    timestamptz '2024-01-01' + number * interval '1 minute' as created_at,
    timestamptz '2025-01-01' + number * interval '1.5 seconds' as updated_at,
    case when number % 5 = 0 then 'cus_' || md5(number::text) end as customer_id,
    case when number % 2 = 0 then 'US' else 'EU' end as region,
    number % 1000 = 0 as for_internal_metrics,
    case number % 4 when 0 then 'search' when 1 then 'content' end as signup_channel,
    null::timestamptz as removed_at
from generate_series(1, {ORGANIZATIONS}) as number
"""
# One percent of all ids.
CHANGE = "update organization set name = name || '!' where id < '028f5c28-0000-0000-0000-000000000000'"
MAPPING = "product_db.organizations: {select: select * from organization}\n"


def landing(folder: Path) -> Iterator[tuple[str, ...]]:
    """The table's rows; none where no PostgreSQL is installed."""
    import psycopg

    from tests.support.postgres_server import postgres_programs, running_server

    programs = postgres_programs()
    if programs is None:
        return
    (folder / "postgres.yml").write_text(MAPPING)
    with running_server(programs) as url:
        with psycopg.connect(url) as connection:
            connection.execute(TABLE)
        bare = measure(*PIECES, "bare_copy_out", url, str(folder / "bare.csv"))
        environment = {
            "GROWTH_LAND_POSTGRES_URL": url,
            "GROWTH_MAPPINGS_DIR": str(folder),
            "GROWTH_SOURCE_ROOT": str(folder / "source"),
            "GROWTH_DATA_DIR": str(folder / "data"),
        }
        for phase, change in (
            ("land 1 M organizations", None),
            ("land 1 M organizations, nothing new", None),
            ("land 1 M organizations, 1 % changed", CHANGE),
        ):
            if change:
                with psycopg.connect(url) as connection:
                    connection.execute(change)
            landed = measure("-m", "cli", "land", **environment)
            yield row_of(phase, landed, rows=ORGANIZATIONS, bare=bare.cpu_seconds)
