"""The UI answers those who ask for it by a name of the settings, and nobody who was led to it by another."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from common.settings import Settings
from orchestration.run import prepare_dagster_home
from orchestration.web import serve


def status_of(app: Any, host: str, kind: str = "http") -> int:
    """The status of the answer to a request for a host."""
    said: list[dict] = []

    async def receive() -> dict:
        return {"type": f"{kind}.request"}

    async def send(message: dict) -> None:
        said.append(message)

    scope = {
        "type": kind, "method": "GET", "path": "/server_info", "raw_path": b"/server_info", "query_string": b"",
        "root_path": "", "headers": [(b"host", host.encode())], "http_version": "1.1", "scheme": "http",
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 3000), "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }  # fmt: skip
    asyncio.run(app(scope, receive, send))
    return said[0]["status"]


def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **changes: Any) -> Any:
    """The web server's application, as it would be served."""
    settings = Settings(data_dir=tmp_path / "data", **changes)
    prepare_dagster_home(settings)
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text("load_from: []\n")
    apps: list[Any] = []
    monkeypatch.setattr(uvicorn, "run", lambda app, **_: apps.append(app))
    serve(settings, str(workspace))
    return apps[0]


def test_a_name_that_somebody_pointed_at_this_machine_gets_no_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = served(monkeypatch, tmp_path)
    for host in ("localhost", "localhost:3000", "127.0.0.1:3000", "[::1]:3000"):
        assert status_of(app, host) == 200
    for host in ("evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", ""):
        assert status_of(app, host) == 400
    assert status_of(app, "evil.example", "websocket") == 400


def test_the_name_of_a_proxy_is_answered_once_the_settings_have_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    app = served(monkeypatch, tmp_path, ui_hosts="growth.example.com, localhost")
    assert status_of(app, "growth.example.com") == 200
    assert status_of(app, "127.0.0.1") == 400
