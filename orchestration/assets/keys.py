"""The one rule that names assets: schema, then table. Raw, dbt and the gates share it."""

from dagster import AssetKey

SOURCE_KEY = AssetKey(["sources", "sample_company"])
PUBLISHED_KEY = AssetKey(["published", "serving"])
POSTGRES_KEY = AssetKey(["published", "postgres"])
PAGE_KEY = AssetKey(["published", "daily_page"])
WORKING_FILE_KEY = AssetKey(["maintenance", "working_file"])
OWNERS = ["team:data"]


def table_key(schema: str, table: str) -> AssetKey:
    """The asset of a table of the working file."""
    return AssetKey([schema, table])


def reader_key(name: str) -> AssetKey:
    """The asset of a reader that dbt's exposures name."""
    return AssetKey([PUBLISHED_KEY.path[0], name])
