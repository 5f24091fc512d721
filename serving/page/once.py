"""Draw the page once: it is left as it is while it is of the published file and drawn by the same project."""

import json
from dataclasses import asdict, replace
from datetime import date
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

from serving.page.build import Page, write_page
from serving.publish.versions import live_version, version_of_earlier_day
from settings import Settings


def page_of_published_file(settings: Settings, project: bytes) -> Page:
    """The page, written unless it is there already; `project` is a digest of the files that draw it.

    A page with faults is always written again. Raises `FileNotFoundError` if nothing is published.
    """
    made_of = _made_of(settings, project)
    page = _page_as_noted(settings, made_of)
    if page is None:
        page = write_page(settings)
        if not page.faults:
            _note(settings, page, made_of)
    return page


def _made_of(settings: Settings, project: bytes) -> str:
    """Changes with the published version, with the one that it is compared to, and with the project."""
    live = live_version(settings)
    earlier = live and version_of_earlier_day(settings, live.as_of_date)
    return sha256(f"{live} {earlier} {project.hex()}".encode()).hexdigest()


def _page_as_noted(settings: Settings, made_of: str) -> Page | None:
    """What was noted of the page, if it was made of this and its file is as it was."""
    try:
        noted: dict[str, Any] = json.loads(_note_path(settings).read_text(encoding="utf-8"))
        if noted["made_of"] != made_of or noted["sha256"] != _sha256(settings.page_path):
            return None
        page = Page(**noted["page"])
        return replace(page, path=settings.page_path, as_of_date=date.fromisoformat(noted["page"]["as_of_date"]))
    except (OSError, ValueError, KeyError, TypeError):
        # There is no page, or no note that can be read.
        return None


def _note(settings: Settings, page: Page, made_of: str) -> None:
    noted = {"made_of": made_of, "sha256": _sha256(page.path), "page": asdict(page)}
    path = _note_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    building = path.with_suffix(".building")
    building.write_text(json.dumps(noted, default=str), encoding="utf-8")
    building.replace(path)


def _note_path(settings: Settings) -> Path:
    return settings.data_dir / "state" / "page" / "drawn.json"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
