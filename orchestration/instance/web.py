"""The UI: Dagster's web server and the services behind it.

The server answers only to the host names of the settings. Otherwise a web page could point its own name at 127.0.0.1
and reach the UI through a visitor's browser (DNS rebinding).
"""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from settings import PROJECT_DIR, Settings, UserError
from warehouse.process import end_as_usual

POLL_SECONDS = 0.3
SECONDS_TO_END = 30.0
WORKSPACE = """
load_from:
  - grpc_server:
      socket: {socket}
      location_name: growth_pipeline
"""


class AddressError(UserError):
    """The UI cannot be served at this address; the message names the setting to change."""

    code = 2


def require_free_address(settings: Settings) -> None:
    """Raise `AddressError` if the UI cannot listen on its host and port, before anything is started."""
    host, port = settings.ui_host, settings.ui_port
    try:
        [(family, kind, _, _, address), *_] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        with socket.socket(family, kind) as listener:
            # Like the web server: sockets of an ended one, still in TIME_WAIT, do not count.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressError(
                f"another program listens on {host}:{port} already: end it, or set GROWTH_UI_PORT to another port"
            ) from error
        raise AddressError(
            f"the UI cannot listen on {host}:{port} ({error.strerror}): correct GROWTH_UI_HOST or GROWTH_UI_PORT"
        ) from error


def serve(settings: Settings, workspace: str) -> int:
    """Serve the UI on the address and port of the settings until the process is ended."""
    import uvicorn
    from dagster import DagsterInstance

    # Dagster has no public way to wrap its web application.
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget
    from dagster_webserver.app import create_app_from_workspace_process_context
    from dagster_webserver.version import __version__
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    target = WorkspaceFileTarget(paths=[workspace])
    with DagsterInstance.get() as instance, WorkspaceProcessContext(instance, target, __version__) as context:
        app = create_app_from_workspace_process_context(context, live_data_poll_rate=2000)
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=settings.ui_host_names, www_redirect=False)
        uvicorn.run(app, host=settings.ui_host, port=settings.ui_port, log_level="warning")
    return 0


def serve_with_daemon() -> int:
    """Start the code server, the daemon and the web server; when one ends, end the others."""
    end_as_usual()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    os.chdir(PROJECT_DIR)
    # A socket path is limited to 107 bytes, so it is not in the data folder.
    with TemporaryDirectory(prefix="growth-") as folder:
        code_socket, workspace = Path(folder) / "code.sock", Path(folder) / "workspace.yaml"
        workspace.write_text(WORKSPACE.format(socket=code_socket))
        code = ["dagster", "code-server", "start", "-m", "orchestration.definitions", "--socket", str(code_socket)]
        services = [_start([*code, "--location-name", "growth_pipeline", "--log-level", "warning"])]
        try:
            while not code_socket.exists() and _all_work(services):
                time.sleep(POLL_SECONDS)
            services.append(_start(["dagster-daemon", "run", "--workspace", str(workspace)]))
            services.append(_start([sys.executable, "-m", "cli", "webserver", "--workspace", str(workspace)]))
            while _all_work(services):
                time.sleep(POLL_SECONDS)
        except KeyboardInterrupt:
            return 0
        finally:
            _end(services)
    return 1


def _start(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen([str(Path(sys.executable).parent / command[0]), *command[1:]])


def _all_work(services: Sequence[subprocess.Popen[bytes]]) -> bool:
    return all(service.poll() is None for service in services)


def _end(services: Sequence[subprocess.Popen[bytes]]) -> None:
    """Terminate all; wait for the code server last, since it waits for the active run."""
    for service in services:
        service.terminate()
    for service in reversed(services):
        with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            service.wait(SECONDS_TO_END)
        service.kill()
