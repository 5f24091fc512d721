"""The headline of a publish: the figures at the top of the daily page, and what they were in the publish before."""

from pathlib import Path

from serving.page.headline import headline
from serving.page.snapshot import Snapshot
from serving.publish.versions import NoSuchVersionError, version_before
from serving.reader import snapshot
from settings import Settings


def headline_lines(settings: Settings) -> list[str]:
    """A line for the data day, and one for each figure."""
    as_of, figures = _figures(settings.serving_path)
    try:
        before, earlier = _figures(version_before(settings).path)
    except NoSuchVersionError:
        before, earlier = "", {}
    since = f", beside the publish as of {before}" if before not in ("", as_of) else ""
    lines = [f"As of {as_of}{since}:"]
    for name, (value, note) in figures.items():
        earlier_value = earlier.get(name, (value, ""))[0]
        was = f" (was {earlier_value})" if earlier_value != value else ""
        lines.append(f"  {name:<24}{value:>9}{was}  {note}")
    return lines


def _figures(path: Path) -> tuple[str, dict[str, tuple[str, str]]]:
    """The data day, and each figure of the headline by name: its value and what stands beside it."""
    with snapshot(path) as connection:
        published = Snapshot(connection)
        (as_of,) = published.row("select as_of_date from publish_info")
        return str(as_of), {figure.name: (figure.value, figure.beside) for figure in headline(published)}
