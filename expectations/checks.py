"""The two expectation types that this project adds to those of Great Expectations.

Neither could be replaced for less: see docs/decisions/gates.md for the figures. `_validate` and
`_sqlalchemy` are the methods that Great Expectations' own types and metrics override; nothing else of it is not public.

Importing this module imports Great Expectations.
"""

from typing import Any, ClassVar

import sqlalchemy as sa
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations import UnexpectedRowsExpectation
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider


class RowsBreakingCondition(TableMetricProvider):
    """The number of rows for which a condition is false or null.

    An aggregate: Great Expectations reads those of a table in one statement, however many there are.
    """

    metric_name = "table.rows_breaking_condition"
    value_keys = ("condition",)

    @metric_partial(
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(cls, metric_domain_kwargs: dict, metric_value_kwargs: dict, **_: Any) -> tuple:  # noqa: N805
        condition = metric_value_kwargs["condition"]
        count = sa.func.count(sa.literal_column(f"case when {condition} then null else 1 end"))
        return count, metric_domain_kwargs, {}


class ExpectRowsToSatisfy(BatchExpectation):
    """Every row satisfies an SQL condition; a condition that is null is not satisfied."""

    condition: str
    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.rows_breaking_condition",)
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    success_keys: ClassVar[tuple[str, ...]] = ("condition",)

    def _validate(self, metrics: dict, *_: Any, **__: Any) -> dict:
        count = metrics["table.rows_breaking_condition"]
        return {"success": count == 0, "result": {"unexpected_count": count}}


class ExpectQueryToReturnNoRows(UnexpectedRowsExpectation):
    """An SQL query, in which `{batch}` stands for the table, returns no row. The built-in one runs it twice."""

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.row_count",)

    def _validate(self, metrics: dict, *_: Any, **__: Any) -> dict:
        count = metrics["unexpected_rows_query.row_count"]
        return {"success": count == 0, "result": {"unexpected_count": count}}
