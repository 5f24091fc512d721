"""Check results and errors as sentences, for alerts and the console of a run."""

import re
from collections.abc import Mapping
from typing import Any

from dagster import AssetCheckEvaluation, TableMetadataValue

NOTHING_TO_SAY = {"passed", "not judged"}
# What Python writes before the message of an error that is a sentence already: Dagster's own, and the project's.
CLASS_OF_ERROR = re.compile(
    r"^(?:dagster\._core\.definitions\.events\.Failure"
    r"|(?:connectors|expectations|ingestion|operations|serving|settings|transform|warehouse)\.[\w.]+Error): "
)


def sentence_of_error(error: Any) -> str:
    """The message of a step's or run's error, as Dagster keeps it. A step that ends itself says more than its cause."""
    if error is None:
        return "no message"
    is_ended_by_itself = CLASS_OF_ERROR.match(error.message) is not None
    said = error if is_ended_by_itself else error.cause or error
    return CLASS_OF_ERROR.sub("", said.message.strip())


def sentences_of_check(check: AssetCheckEvaluation) -> list[str]:
    """A sentence for each bad row of the check's table, or else one for the check."""
    table_name = ".".join(check.asset_key.path)
    tables = [each for each in check.metadata.values() if isinstance(each, TableMetadataValue)]
    rows = [row.data for table in tables for row in table.records if row.data.get("status") not in NOTHING_TO_SAY]
    figures = ", ".join(f"{name} {each.value}" for name, each in check.metadata.items())
    return [_sentence(table_name, row) for row in rows] or [
        f"{table_name}: {check.check_name}. {check.description or figures}"
    ]


def _sentence(table_name: str, row: Mapping[str, Any]) -> str:
    if "expectation" in row:
        rows = row["unexpected_rows"]
        count = f", {rows:,} {'row' if rows == 1 else 'rows'}" if rows else ""
        return f"{table_name}: {row['expectation']}{count}. {row['detail']}"
    if "figure" in row:
        return f"{row['figure']}: {row['note']}; usual is {row['usual']}, the weeks before had {row['weeks before']}"
    return f"{table_name}: " + ", ".join(f"{name} {value}" for name, value in row.items() if value != "")
