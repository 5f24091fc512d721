"""What the rooms log: on the console while a command works, except in a run, which passes on what matters."""

import logging
import sys

ROOMS = ("connectors", "expectations", "ingestion", "operations", "sample_company", "serving", "transform", "warehouse")
_handler = logging.StreamHandler(sys.stdout)


def show_log() -> None:
    """Print what the rooms log."""
    # A library that dbt imports gives the root a handler of its own, unless it has one: each line would come twice.
    if not logging.root.handlers and logging.lastResort:
        logging.root.addHandler(logging.lastResort)
    for room in ROOMS:
        logging.getLogger(room).setLevel(logging.INFO)
        logging.getLogger(room).addHandler(_handler)


def leave_log_to_run() -> None:
    """Stop printing what the rooms log: Dagster keeps it with the run."""
    for room in ROOMS:
        logging.getLogger(room).removeHandler(_handler)
