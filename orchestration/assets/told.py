"""Messages about the published file: rules about figures that fired, and the weekly digest."""

from dagster import AssetExecutionContext, AssetKey, MaterializeResult, asset

from orchestration.alerts.figures import put_digest, put_figure_alerts
from orchestration.assets.keys import DIGEST_KEY, OWNERS, PUBLISHED_KEY
from orchestration.retries import RETRY, permanent_unless_transient
from settings import get_settings


@asset(
    key=AssetKey([PUBLISHED_KEY.path[0], "figure_alerts"]),
    deps=[PUBLISHED_KEY],
    group_name="published",
    owners=OWNERS,
    kinds={"email"},
    retry_policy=RETRY,
)
def figure_alerts(context: AssetExecutionContext) -> MaterializeResult:
    """Rules about figures that fired in the last days; receivers get each crossing once."""
    with permanent_unless_transient():
        alerts = put_figure_alerts(get_settings(), context.run_id)
    return MaterializeResult(metadata={"fired": [f"{alert.about}: {alert.detail}" for alert in alerts]})


@asset(
    key=DIGEST_KEY,
    deps=[PUBLISHED_KEY],
    group_name="published",
    owners=OWNERS,
    kinds={"email"},
    retry_policy=RETRY,
)
def weekly_digest() -> MaterializeResult:
    """The week up to the data day in sentences, told once per data day to receiver `digest`."""
    with permanent_unless_transient():
        is_new = put_digest(get_settings())
    return MaterializeResult(metadata={"was_told_before": not is_new})
