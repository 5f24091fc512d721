"""A dbt build on PostgreSQL: the parts of it that dbt's adapter lacks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from settings import Settings
from warehouse import postgres
from warehouse.connection import connect


@contextmanager
def building(settings: Settings) -> Iterator[None]:
    """Run dbt's Python models in this process while the block runs, on the tables of the server.

    dbt asks its adapter to run them, and PostgreSQL's cannot.
    """
    from dbt.adapters.contracts.connection import AdapterResponse
    from dbt.adapters.postgres import PostgresAdapter

    class Job:
        """What dbt asks to run a model: it is made with the parsed model, and given the code."""

        def __init__(self, parsed_model: dict[str, Any], credentials: Any) -> None:
            """Takes what dbt gives."""

        def submit(self, compiled_code: str) -> None:
            _run(settings, compiled_code)

    adapter: Any = PostgresAdapter
    adapter.default_python_submission_method = "in_this_process"
    adapter.python_submission_helpers = {"in_this_process": Job}
    adapter.generate_python_submission_response = lambda *_: AdapterResponse(_message="OK")
    yield


def sentence(message: str) -> str:
    """dbt's message, or a sentence if the server has ended a connection."""
    return str(postgres.lost(message)) if postgres.is_lost(message) else message


def _run(settings: Settings, compiled_code: str) -> None:
    """Call a model with the relations that its code names, and write the table that it gives beside the old one."""
    names: dict[str, Any] = {"__name__": "growth_model"}
    exec(compile(compiled_code, "python model", "exec"), names)  # noqa: S102 (the project's own model)
    with connect(settings.warehouse_path) as connection:
        table = names["model"](names["dbtObj"](connection.table), connection)
        connection.register("written", table)
        # One that was left by a run which was ended here.
        connection.execute(f"drop table if exists {names['WRITTEN_TABLE']}")
        connection.execute(f"create table {names['WRITTEN_TABLE']} as from written")
