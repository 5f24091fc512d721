"""Asset keys: schema, then table. Raw tables, dbt and the gates share this rule."""

from dagster import AssetKey

SOURCE_KEY = AssetKey(["sources", "sample_company"])
PUBLISHED_KEY = AssetKey(["published", "serving"])
POSTGRES_KEY = AssetKey(["published", "postgres"])
PAGE_KEY = AssetKey(["published", "daily_page"])
DIGEST_KEY = AssetKey(["published", "weekly_digest"])
WAREHOUSE_KEY = AssetKey(["maintenance", "warehouse_file"])
OWNERS = ["team:data"]


def table_key(schema: str, table: str) -> AssetKey:
    return AssetKey([schema, table])


def reader_key(name: str) -> AssetKey:
    return AssetKey([PUBLISHED_KEY.path[0], name])
