"""What people are told of the published file: rules about figures that fired, the weekly digest, and work lists."""

from dagster import AssetExecutionContext, Failure, MaterializeResult

from orchestration.alerts.figures import put_digest, put_figure_alerts
from orchestration.assets.keys import DIGEST_KEY, reader_key
from orchestration.assets.published import after_publishing
from orchestration.retries import permanent_unless_transient
from settings import get_settings


@after_publishing(reader_key("figure_alerts"), "email")
def figure_alerts(context: AssetExecutionContext) -> MaterializeResult:
    """Rules about figures that fired in the last days; receivers get each crossing once."""
    with permanent_unless_transient():
        alerts = put_figure_alerts(get_settings(), context.run_id)
    return MaterializeResult(metadata={"fired": [f"{alert.about}: {alert.detail}" for alert in alerts]})


@after_publishing(DIGEST_KEY, "email")
def weekly_digest() -> MaterializeResult:
    """The week up to the data day in sentences, told once per data day to receiver `digest`."""
    with permanent_unless_transient():
        is_new = put_digest(get_settings())
    return MaterializeResult(metadata={"was_told_before": not is_new})


@after_publishing(reader_key("work_list_exports"), "csv")
def work_list_exports(context: AssetExecutionContext) -> MaterializeResult:
    """Changes of the work lists since the last send, as files or to a webhook; by default only counted."""
    from serving.exports.send import export

    settings = get_settings()
    with permanent_unless_transient():
        done = export(settings, send=settings.export_send)
    for line in done.lines():
        context.log.info(line)
    if done.refused:
        raise Failure(f"the receiver refused {', '.join(done.refused)}; what it took is noted", allow_retries=False)
    return MaterializeResult(
        metadata={
            "receiver": done.receiver,
            "was_sent": done.was_sent,
            "as_of_date": done.as_of_date.isoformat(),
            "changes": done.changes,
            "left_for_later": done.postponed,
            "kept_back": done.withheld,
        }
    )
