"""The SQL that reads a table: the mapping's select, with our words for the company's own, in the order of the keys."""

from collections.abc import Sequence
from datetime import datetime

from psycopg import sql

from connectors.layout import Layout
from connectors.mapping import TableMapping, ValueMap
from ingestion.contract.model import Column, Table

# A JSON list or object with other words for its texts or keys; what no map knows stays as it is.
MAPPED_LIST = """
case when jsonb_typeof({column}::jsonb) = 'array' then (
    select coalesce(jsonb_agg(coalesce(words.ours, items.item) order by items.place), '[]')
    from jsonb_array_elements_text({column}::jsonb) with ordinality as items(item, place)
    left join (values {words}) as words(theirs, ours) on words.theirs = items.item
    where words.theirs is null or words.ours is not null
) else {column}::jsonb end
"""
MAPPED_OBJECT = """
case when jsonb_typeof({column}::jsonb) = 'object' then (
    select coalesce(jsonb_object_agg(coalesce(words.ours, items.item), items.value), '{{}}')
    from jsonb_each({column}::jsonb) as items(item, value)
    left join (values {words}) as words(theirs, ours) on words.theirs = items.item
    where words.theirs is null or words.ours is not null
) else {column}::jsonb end
"""


def given_rows(mapping: TableMapping) -> sql.Composed:
    """The rows as the mapping's select gives them."""
    # The text is the user's own SQL, from a file; a read-only transaction runs it.
    select = sql.SQL(mapping.select.strip().rstrip(";"))  # type: ignore[arg-type]  # (it is no literal of ours)
    return sql.SQL("(\n{select}\n) as given").format(select=select)


def mapped_rows(table: Table, mapping: TableMapping, names: Sequence[str]) -> sql.Composed:
    """The rows with our words for the company's own. `names` are the columns that the select gives."""
    columns = [
        sql.SQL("{value} as {name}").format(value=_value(table, mapping, name), name=sql.Identifier(name))
        for name in names
    ]
    return sql.SQL("(select {columns} from {rows}) as mapped").format(
        columns=sql.SQL(", ").join(columns), rows=given_rows(mapping)
    )


def ordered_rows(layout: Layout, mapping: TableMapping, names: Sequence[str]) -> sql.Composed:
    """A query for the columns of the layout in the order of the keys."""
    columns = [
        sql.SQL("{value} as {name}").format(value=sql.Identifier(layout.column_of(column)), name=sql.Identifier(column))
        for column in layout.given
    ]
    keys = [sql.SQL('{key}::text collate "C" nulls first').format(key=sql.Identifier(key)) for key in layout.table.key]
    return sql.SQL("select {columns} from {rows} order by {keys}").format(
        columns=sql.SQL(", ").join(columns),
        rows=mapped_rows(layout.table, mapping, names),
        keys=sql.SQL(", ").join(keys),
    )


def unknown_values(table: Table, mapping: TableMapping, names: Sequence[str]) -> sql.Composed | None:
    """A query for the values that the contract does not allow: column, value, rows. None if it allows any."""
    columns = [column for column in table.columns if column.allowed and column.name in names]
    if not columns:
        return None
    values = [
        sql.SQL("({name}, {value}::text, {allowed}::text[])").format(
            name=sql.Literal(column.name),
            value=sql.Identifier(column.name),
            allowed=sql.Literal([str(value) for value in column.allowed]),
        )
        for column in columns
    ]
    return sql.SQL(
        "select each.name, each.value, count(*) from {rows} cross join lateral (values {values}) "
        "as each(name, value, allowed) where each.value <> all(each.allowed) group by 1, 2 order by 1, 3 desc, 2"
    ).format(rows=mapped_rows(table, mapping, names), values=sql.SQL(", ").join(values))


def reports_since(layout: Layout, mapping: TableMapping, names: Sequence[str], since: datetime | None) -> sql.Composed:
    """A query for the usage reports received since an instant, or for all, in the order of their days."""
    if since is None:
        return _reports(layout, mapping, names, sql.SQL("true"))
    condition = sql.SQL("received_at::timestamptz >= {since}").format(since=sql.Literal(since))
    return _reports(layout, mapping, names, condition)


def reports_of_days(layout: Layout, mapping: TableMapping, names: Sequence[str], days: Sequence[str]) -> sql.Composed:
    """A query for the usage reports of some days, in the order of the days."""
    condition = sql.SQL('"date"::text = any({days}::text[])').format(days=sql.Literal(list(days)))
    return _reports(layout, mapping, names, condition)


def reports_by_day(table: Table, mapping: TableMapping, names: Sequence[str]) -> sql.Composed:
    """A query for the number of usage reports by day."""
    return sql.SQL(
        'select "date"::text, count(distinct (organization_id::text, received_at::text)) from {rows} '
        'where "date" is not null group by 1 order by 1'
    ).format(rows=mapped_rows(table, mapping, names))


def _reports(layout: Layout, mapping: TableMapping, names: Sequence[str], condition: sql.Composable) -> sql.Composed:
    return sql.SQL('select {columns} from {rows} where {condition} order by "date"').format(
        columns=sql.SQL(", ").join(map(sql.Identifier, layout.given)),
        rows=mapped_rows(layout.table, mapping, names),
        condition=condition,
    )


def _value(table: Table, mapping: TableMapping, name: str) -> sql.Composable:
    column, words = table.column(name), mapping.values.get(name)
    identifier = sql.Identifier(name)
    if column is None or not words:
        return identifier
    if column.type in {"list", "object"}:
        template = sql.SQL(MAPPED_LIST if column.type == "list" else MAPPED_OBJECT)
        return template.format(column=identifier, words=_pairs(words))
    return _case(column, words)


def _pairs(words: ValueMap) -> sql.Composed:
    pairs = [
        sql.SQL("({theirs}::text, {ours}::text)").format(theirs=sql.Literal(theirs), ours=sql.Literal(ours))
        for theirs, ours in words.items()
    ]
    return sql.SQL(", ").join(pairs)


def _case(column: Column, words: ValueMap) -> sql.Composed:
    identifier = sql.Identifier(column.name)
    cases = [
        sql.SQL("when {theirs} then {ours}").format(theirs=sql.Literal(theirs), ours=sql.Literal(ours))
        for theirs, ours in words.items()
    ]
    return sql.SQL("case {column}::text {cases} else {column}::text end").format(
        column=identifier, cases=sql.SQL(" ").join(cases)
    )
