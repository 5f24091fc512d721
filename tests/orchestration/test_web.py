"""The UI answers those who ask for it by a name of the settings, and nobody who was led to it by another."""

import asyncio
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from orchestration.instance.home import prepare_dagster_home
from orchestration.instance.web import AddressError, require_free_address, serve
from settings import PROJECT_DIR, Settings


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


def seconds_of_work() -> float:
    """The processor's time of the programs that this process has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.parametrize("command", [("ui",), ("webserver", "--workspace", "workspace.yaml")])
def test_taken_port_ends_the_command_and_names_the_setting(tmp_path: Path, command: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        work_before = seconds_of_work()
        done = subprocess.run(
            [sys.executable, "-m", "cli", *command],
            cwd=PROJECT_DIR,
            env={**os.environ, "GROWTH_DATA_DIR": str(tmp_path / "data"), "GROWTH_UI_PORT": port},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
    # Seconds on a quiet machine; on a busy one it waits for others.
    assert seconds_of_work() - work_before < 3
    assert done.returncode == 2
    assert done.stdout == ""
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith(f"another program listens on 127.0.0.1:{port} already")
    assert "set GROWTH_UI_PORT to another port" in sentence
    assert not (tmp_path / "data").exists()


def test_a_host_that_is_not_this_machine_is_named_with_its_setting() -> None:
    with pytest.raises(AddressError, match=r"cannot listen on 192\.0\.2\.1:3000 .* correct GROWTH_UI_HOST"):
        require_free_address(Settings(ui_host="192.0.2.1"))


def test_a_port_is_free_again_as_soon_as_its_server_has_gone() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)), server.accept()[0]:
            pass
    require_free_address(Settings(ui_port=port))
