"""Months as partitions of the tables that are built by days: those from the first day to the data day, no others."""

from dagster import DagsterInstance, DynamicPartitionsDefinition

from transform.days import Days, months_of

MONTHS_NAME = "months"
# An event costs Dagster's SQLite storage 10 ms of CPU: five tables of 730 days would be 37 s of a first run.
MONTHS = DynamicPartitionsDefinition(name=MONTHS_NAME)


def set_months(instance: DagsterInstance, days: Days) -> None:
    """Let the partitions be the months of these days, in order."""
    months, known = months_of(days), instance.get_dynamic_partitions(MONTHS_NAME)
    # Dagster keeps the order in which they were added, and a range of partitions is one of that order.
    if known != months[: len(known)]:
        for month in known:
            instance.delete_dynamic_partition(MONTHS_NAME, month)
    instance.add_dynamic_partitions(MONTHS_NAME, months)
