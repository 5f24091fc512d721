"""Generate dbt's source definitions and date bounds, and the documentation, from the contract."""

from pathlib import Path

import yaml

from ingestion.contract.model import (
    FIRST_DATE,
    LARGEST_NUMBER,
    LAST_DATE,
    Column,
    Contract,
    Field,
    Table,
    load_contract,
)
from settings import PROJECT_DIR

TEMPLATE_PATH = Path(__file__).with_name("sources_template.md")
# YAML breaks no line before this many characters.
LONG_LINE = 1000
GENERATED_NOTE = "# Written by `growth contract` from ingestion/contract/contract.yml: change it there.\n"
BOUNDS = f"""{{#- The input contract keeps every date between these two days. Written by `growth contract` from
    ingestion/contract/model.py: change it there. -#}}
{{% macro first_date() %}}{{{{ return('{FIRST_DATE}') }}}}{{% endmacro %}}


{{% macro last_date() %}}{{{{ return('{LAST_DATE}') }}}}{{% endmacro %}}
"""
NEEDED_IN_WORDS = {
    "always": "yes",
    "optional": "no",
    "with_balance": "if the invoice has a balance",
    "with_subscription": "if the line has a subscription",
    "without_lines": "if the note has no lines",
}
PERSONAL_IN_WORDS = {
    "address": "personal: replaced by a pseudonym; the domain stays if others use it",
    "name": "personal: a pseudonym",
    "domain": "personal: a pseudonym",
    "nothing": "personal: erased",
    "staff": "personal data of staff: kept",
}


def write_documents() -> list[Path]:
    """Write the generated files that are out of date, and return them."""
    stale = stale_documents()
    documents = render_documents(load_contract())
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(documents[path.relative_to(PROJECT_DIR)], encoding="utf-8")
    return stale


def stale_documents(project_dir: Path = PROJECT_DIR) -> list[Path]:
    documents = render_documents(load_contract())
    return [
        project_dir / path
        for path, text in documents.items()
        if not (project_dir / path).is_file() or (project_dir / path).read_text(encoding="utf-8") != text
    ]


def render_documents(contract: Contract) -> dict[Path, str]:
    """The text of each generated file by path."""
    sources = {
        Path(f"dbt_project/models/staging/{source}/_{source}__sources.yml"): _dbt_source(contract, source)
        for source in contract.sources
    }
    bounds = {Path("dbt_project/macros/bounds.sql"): BOUNDS}
    return {**sources, **bounds, Path("docs/sources.md"): _documentation(contract)}


class _Line(dict):
    """A mapping that YAML shows in one line."""


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_representer(
    _Line, lambda dumper, line: dumper.represent_mapping("tag:yaml.org,2002:map", line.items(), flow_style=True)
)


def _dbt_source(contract: Contract, source: str) -> str:
    tables = [
        {
            "name": table.name,
            "identifier": table.raw_name,
            "description": table.description,
            "columns": [
                _Line(
                    name=column.name,
                    data_type=column.sql_type,
                    **({"config": {"meta": {"personal": column.personal}}} if column.personal else {}),
                    description=column.description,
                )
                for column in (*table.columns, *table.technical_columns)
            ],
        }
        for table in contract.tables
        if table.source == source
    ]
    content = {"version": 2, "sources": [{"name": source, "schema": "raw", "tables": tables}]}
    return GENERATED_NOTE + yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=LONG_LINE)


def _documentation(contract: Contract) -> str:
    template = TEMPLATE_PATH.read_text(encoding="utf-8")
    template = template.replace("FIRST_DATE", str(FIRST_DATE)).replace("LAST_DATE", str(LAST_DATE))
    return template.replace("TABLES\n", "\n".join(_section(table) for table in contract.tables))


def _section(table: Table) -> str:
    stamp = f", stamp `{table.stamp}`" if table.stamp else ""
    key = ", ".join(f"`{name}`" for name in table.key)
    lines = [
        f"### {table.source}.{table.name}",
        "",
        table.description,
        "",
        f"{'Required' if table.required else f'Optional. Without it, {table.without}'}. Key {key}{stamp}.",
        "",
    ]
    if table.subjects:
        found = ", ".join(f"{kind} in `{place}`" for kind, place in table.subjects)
        left = f" Of a deleted person's object only these fields are kept{_kept(table)}." if table.fields else ""
        lines += [f"Deletion requests match: {found}.{left}", ""]
    if table.fields:
        lines += ["| field | type | where | needed | |", "| --- | --- | --- | --- | --- |"]
        lines += [_field_row(field) for field in table.fields]
    else:
        lines += ["| column | type | |", "| --- | --- | --- |"]
        lines += [_column_row(column) for column in table.columns]
    return "\n".join([*lines, ""])


def _kept(table: Table) -> str:
    return f", and {', '.join(f'`{path}`' for path in table.kept)}" if table.kept else ""


def _column_row(column: Column) -> str:
    kind = column.type + (" or null" if column.nullable else "")
    return f"| {column.name} | {kind} | {column.description}{_limits(column)} |"


def _limits(column: Column) -> str:
    parts = []
    if column.link:
        parts.append("link")
    if column.allowed:
        parts.append("one of " + ", ".join(f"`{value}`" for value in column.allowed))
    if column.pattern is not None:
        parts.append(f"written as `{column.pattern}`")
    if column.minimum is not None:
        parts.append(f"at least {column.minimum:,}")
    # The rules for every table say the bound of whole numbers.
    if column.maximum not in (None, LARGEST_NUMBER):
        parts.append(f"at most {column.maximum:,}")
    if column.default is not None:
        parts.append(f"{column.default} if the file lacks it")
    if column.personal:
        parts.append(PERSONAL_IN_WORDS[column.personal])
    return f" ({'; '.join(parts)})" if parts else ""


def _field_row(field: Field) -> str:
    prefix = "lines.data[]." if field.of_lines else ""
    places = ", else ".join(f"`{prefix}{path}`" for path in field.any_of)
    parts = ["link"] if field.link else []
    if field.allowed:
        parts.append("one of " + ", ".join(f"`{value}`" for value in field.allowed))
    limits = f" ({'; '.join(parts)})" if parts else ""
    return f"| {field.name} | {field.type} | {places} | {NEEDED_IN_WORDS[field.needed]} | {field.description}{limits} |"
