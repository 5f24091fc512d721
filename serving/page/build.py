"""Write the page: read one snapshot, render it, and replace the old page in one rename."""

import json
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from serving.page import charts
from serving.page.blocks import Block, Chart, Note, PageTable
from serving.page.customer_pages import RECENT_DAYS, CustomerPages, customer_pages
from serving.page.headline import headline
from serving.page.palette import style_sheet
from serving.page.registry import SECTIONS, Section
from serving.page.snapshot import Snapshot
from serving.publish.versions import version_of_earlier_day
from serving.reader import snapshot
from settings import LATE_AFTER, STALE_AFTER, Settings

STATIC = Path(__file__).with_name("static")
# In the order in which they run.
SCRIPTS = (
    "elements", "age", "charts", "tables", "customer_data", "customer_parts", "customer_lists", "customer_money",
    "customer_fit", "customer_page", "views",
)  # fmt: skip


@dataclass(frozen=True)
class Page:
    """The written page; `missing` lists the notes shown in place of blocks, `faults` the errors behind them."""

    path: Path
    as_of_date: date
    run_id: str
    bytes_written: int
    missing: list[str]
    faults: dict[str, str]


@dataclass(frozen=True)
class DataAge:
    """Age of the data at publishing, judged by the same bounds as the page's age."""

    text: str
    tone: str
    warning: str
    ends_at: datetime


def write_page(settings: Settings) -> Page:
    """Write the page of the published file; the old page stays until the new one is complete.

    Raises `FileNotFoundError` if nothing is published.
    """
    with snapshot(settings.serving_path) as connection:
        (as_of_date,) = connection.execute("select as_of_date from publish_info").fetchone() or ()
        earlier = version_of_earlier_day(settings, as_of_date)
        published = Snapshot(connection, earlier.path if earlier else None)
        run_id, published_at = published.row("select run_id, published_at from publish_info")
        laid_out = [(section, _blocks(section, published)) for section in SECTIONS]
        figures = headline(published)
        tables = [block for _, blocks in laid_out for block in blocks if isinstance(block, PageTable)]
        pages = customer_pages(published, [customer_id for table in tables for customer_id in table.customer_ids])
        closed_month = published.last_closed_month()
        months_not_invoiced = published.months_not_invoiced()
        has_crm = not published.lacks("crm.accounts")
    html = _render(
        {
            "sections": laid_out,
            "headline": figures,
            "pages": pages,
            "pages_note": _pages_note(pages),
            "cards": _cards(tables),
            "closed_month": closed_month,
            "months_not_invoiced": months_not_invoiced,
            "has_crm": has_crm,
            "run_id": run_id,
            "as_of_date": as_of_date,
            "published_at": published_at,
            "data_age": _data_age(as_of_date, published_at),
        },
        _vega(settings),
    )
    building = settings.page_path.with_name(f".{settings.page_path.name}.building")
    building.write_text(html, encoding="utf-8")
    building.chmod(0o644)
    building.replace(settings.page_path)
    notes = [block for _, blocks in laid_out for block in blocks if isinstance(block, Note)]
    faults = {note.text: note.fault for note in notes if note.fault}
    faults |= {f"The figure {figure.name} {figure.beside}.": figure.fault for figure in figures if figure.fault}
    if pages.fault:
        faults["The customers' pages cannot be made."] = pages.fault
    size = settings.page_path.stat().st_size
    return Page(settings.page_path, as_of_date, run_id, size, [note.text for note in notes], faults)


def _data_age(as_of_date: date, published_at: datetime) -> DataAge:
    """Age since the end of the data day: data published on the next day is up to date."""
    ends_at = datetime.combine(as_of_date + timedelta(days=1), datetime.min.time())
    age = published_at - ends_at
    days = max(age.days, 0)
    behind = f"{days} day{'' if days == 1 else 's'}"
    if age <= LATE_AFTER:
        return DataAge("data up to date", "good", "", ends_at)
    sentence = f"the data ended on {as_of_date.day} {as_of_date:%b %Y}, {behind} before this page was published."
    if age <= STALE_AFTER:
        return DataAge(f"data {behind} behind", "warning", f"Late: {sentence}", ends_at)
    return DataAge(f"data {behind} behind", "bad", f"Stale: {sentence}", ends_at)


def _pages_note(pages: CustomerPages) -> str:
    whose = f"customers that pay, are on a list or signed up in the last {RECENT_DAYS} days"
    if pages.fault or not pages.wanted:
        return "No customer has a page here."
    note = f"{len(pages.customer_ids):,} of the {pages.wanted:,} {whose} have a page here"
    return f"{note}; {pages.left_out:,} with the lowest ARR are left out." if pages.left_out else f"{note}."


def _cards(tables: list[PageTable]) -> str:
    """CSS by which a row is a card on a phone: each cell says its heading, and cells that are not for cards hide."""
    rules = []
    for table in tables:
        for place, column in enumerate(table.columns, 1):
            cell = f"#{table.key} td:nth-child({place})"
            if table.has_cards and not column.is_on_card:
                rules.append(f"{cell}{{display:none!important}}")
            elif place > 1:
                rules.append(f"{cell}::before{{content:{json.dumps(column.title)}}}")
    return f"@media screen and (max-width:40rem){{{''.join(rules)}}}"


def charts_of(settings: Settings) -> dict[str, dict[str, Any]]:
    """The specification of every chart that the published file fills, by its key."""
    with snapshot(settings.serving_path) as connection:
        published = Snapshot(connection)
        blocks = [block for section in SECTIONS for block in _blocks(section, published)]
    return {block.key: block.specification for block in blocks if isinstance(block, Chart)}


def _blocks(section: Section, published: Snapshot) -> list[Block]:
    return [block for part in section.parts for block in part.blocks(published)]


def _render(context: dict[str, Any], vega: str) -> str:
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup

    environment = Environment(loader=FileSystemLoader(STATIC), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    blocks = [block for _, of_section in context["sections"] for block in of_section]
    specifications = {block.key: block.specification for block in blocks if isinstance(block, Chart)}
    specifications["customer-mrr"] = charts.customer_mrr()
    tables, table_style = _data_tables()
    style = table_style + style_sheet() + (STATIC / "page.css").read_text(encoding="utf-8") + context["cards"]
    scripts = [(STATIC / "scripts" / f"{name}.js").read_text(encoding="utf-8") for name in SCRIPTS]
    return environment.get_template("page.html.j2").render(
        **context,
        late_after_ms=int(LATE_AFTER.total_seconds() * 1000),
        stale_after_ms=int(STALE_AFTER.total_seconds() * 1000),
        has_tables=any(isinstance(block, PageTable) for block in blocks),
        charts=Markup(_as_data(specifications)),  # noqa: S704
        style=Markup(style),  # noqa: S704
        vega=Markup(_inline(vega)),  # noqa: S704
        tables=Markup(_inline(tables)),  # noqa: S704
        script=Markup(_inline("\n".join(scripts))),  # noqa: S704
    )


def _as_data(value: object) -> str:
    """JSON that is safe inside a script tag."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def _inline(script: str) -> str:
    """Escape a script so that it neither closes its tag nor opens an HTML comment."""
    return re.sub(r"</(?=script)", r"<\\/", script, flags=re.IGNORECASE).replace("<!--", "<\\!--")


def _data_tables() -> tuple[str, str]:
    """Script and style of DataTables from `itables`; its default export becomes a global."""
    package = find_spec("itables")
    assert package is not None
    assert package.submodule_search_locations
    # Found without importing the package, which would import pandas.
    folder = Path(package.submodule_search_locations[0]) / "html"
    script = (folder / "dt_bundle.js").read_text(encoding="utf-8")
    exports = re.search(r"export\{([^}]*)\}", script)
    default = re.search(r"([\w$]+) as default", exports[1]) if exports else None
    if exports is None or default is None:
        raise RuntimeError("the module in itables has no default export: pin a version of itables that has one")
    script = script[: exports.start()] + f"window.DataTable={default[1]}" + script[exports.end() :]
    return script, (folder / "dt_bundle.css").read_text(encoding="utf-8")


def _vega(settings: Settings) -> str:
    """Vega, Vega-Lite and Vega-Embed in one module, cached: bundling takes two seconds."""
    kept = settings.data_dir / "state" / "page" / f"vega-{version('vl-convert-python')}.js"
    if not kept.exists():
        from vl_convert import javascript_bundle

        kept.parent.mkdir(parents=True, exist_ok=True)
        building = kept.with_suffix(".building")
        building.write_text(javascript_bundle("window.vegaEmbed = vegaEmbed"), encoding="utf-8")
        building.replace(kept)
    return kept.read_text(encoding="utf-8")
