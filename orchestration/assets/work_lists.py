"""The export of the work lists, as an asset downstream of the published file."""

from dagster import AssetExecutionContext, Failure, MaterializeResult, asset

from orchestration.assets.keys import OWNERS, PUBLISHED_KEY, reader_key
from orchestration.retries import RETRY, permanent_unless_transient
from settings import get_settings


@asset(
    key=reader_key("work_list_exports"),
    deps=[PUBLISHED_KEY],
    group_name="published",
    owners=OWNERS,
    kinds={"csv"},
    retry_policy=RETRY,
)
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
