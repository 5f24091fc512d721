"""A PostgreSQL server of the tests' own, from the machine's package, on a socket in a folder of its own."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import psycopg


def postgres_programs() -> Path | None:
    """The folder with `initdb` and `postgres`, of the newest version that is installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return packaged[-1].parent if packaged else None


@contextmanager
def running_server(programs: Path) -> Iterator[str]:
    """Start a server and give the address of its database; it is gone at the end."""
    folder = Path(mkdtemp(prefix="growth-postgres-"))
    # PostgreSQL refuses to run as root; its package brings a user.
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    made: list[str | Path] = [
        programs / "initdb",
        "--pgdata",
        data,
        "--username=growth",
        "--auth=trust",
        "--no-sync",
        "--encoding=UTF8",
    ]
    subprocess.run(made, check=True, user=user, capture_output=True)
    with (folder.parent / f"{folder.name}.log").open("w") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", "-c", "fsync=off"],
            user=user,
            stdout=log,
            stderr=log,
        )
    url = f"postgresql://growth@/postgres?host={folder}"
    try:
        _wait_for(url, server)
        yield url
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(folder)
        Path(log.name).unlink()


def _wait_for(url: str, server: "subprocess.Popen[bytes]") -> None:
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert server.poll() is None, "the server did not start"
            time.sleep(0.05)
        else:
            return
