"""Spark with Iceberg on one host: a PostgreSQL catalog, a master, two workers and the Thrift server.

`python -m deploy.spark.cluster FOLDER` starts them in this order, prints the settings for `growth`, and stops them in
the reverse order on Ctrl-C. Everything listens on 127.0.0.1. Tables, logs and the catalog are in FOLDER and stay there:
the next start finds them again. It needs Java 17, PostgreSQL's programs and its JDBC driver from the machine's
packages, and the Python packages of requirements.txt.
"""

import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

POSTGRES_DRIVER = Path("/usr/share/java/postgresql.jar")
CONFIGURATION = Path(__file__).with_name("spark-defaults.conf")
# A loaded machine needs a minute for the Thrift server.
START_SECONDS = 240
STOP_SECONDS = 20
WORKERS = 2
SIZES = {
    "shuffle_partitions": "4",
    "driver_memory": "2g",
    "executor_memory": "1500m",
    "worker_memory": "2g",
    "cores": "2",
}


class ClusterError(RuntimeError):
    """A part of the cluster is missing or did not start; the message says which, and where its log is."""


class Cluster:
    """The processes by name, which can be ended and started one by one.

    `sizes` replaces values of `SIZES`, `more` adds lines to spark-defaults.conf. Raises `ClusterError` if a package is
    missing.
    """

    def __init__(
        self,
        folder: Path,
        *,
        sizes: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.sizes = {**SIZES, **(sizes or {})}
        self.more = dict(more or {})
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.catalog_port, self.master_port, self.thrift_port = _free_port(), _free_port(), _free_port()
        self.spark_home = _folder_of("pyspark")
        self.jars = f"{_iceberg_jar()}:{_postgres_driver()}"
        self.postgres_programs = _postgres_programs()
        _require_java()
        self.java_options = "-XX:+UseSerialGC"

    def start(self) -> None:
        """Start every part and wait until it answers. Raises `ClusterError`; what had started is stopped again."""
        for name in ("local", "logs", "conf"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        # PostgreSQL's own user has to get through to its files.
        self.folder.chmod(0o711)
        try:
            self.start_catalog()
            self._write_configuration()
            self._start_spark("master", "org.apache.spark.deploy.master.Master", "--port", str(self.master_port))
            self._wait_for_port("master", self.master_port)
            for number in range(1, WORKERS + 1):
                self.start_worker(number)
            self.start_thrift_server()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ask every part to end, the newest first; kill what has not ended after twenty seconds."""
        for name in reversed(list(self.processes)):
            self.end(name)

    def end(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """Signal one part with the processes that it started, and wait for its end."""
        process = self.processes.pop(name)
        # PostgreSQL waits for its clients on SIGTERM and closes them on SIGINT.
        number = signal.SIGINT if (name, number) == ("catalog", signal.SIGTERM) else number
        try:
            if name == "catalog":
                process.send_signal(number)
            else:
                os.killpg(process.pid, number)
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        except ProcessLookupError:
            process.wait()

    def start_catalog(self) -> None:
        """A PostgreSQL server with database `iceberg`, which asks for a password."""
        programs, data = self.postgres_programs, self.folder / "catalog"
        # PostgreSQL refuses to run as root; its package brings a user.
        user = "postgres" if os.geteuid() == 0 else None
        if not data.exists():
            self._create_catalog(programs, data, user)
        self._start(
            "catalog",
            [
                programs / "postgres", "-D", data, "-p", str(self.catalog_port),
                "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                "-c", "max_connections=200",
            ],
            user=user,
        )  # fmt: skip
        self._wait_for_port("catalog", self.catalog_port)

    def start_worker(self, number: int) -> None:
        """A worker of one core, registered with the master."""
        name = f"worker-{number}"
        self._start_spark(
            name, "org.apache.spark.deploy.worker.Worker", "--cores", "1", "--memory", self.sizes["worker_memory"],
            "--work-dir", str(self.folder / name), f"spark://127.0.0.1:{self.master_port}",
        )  # fmt: skip
        self._wait(name, lambda: "Successfully registered with master" in self._log(name).read_text(errors="replace"))

    def start_thrift_server(self) -> None:
        """The driver: it answers SQL over Thrift and hands the work to the workers."""
        self._start(
            "thrift",
            [
                self.spark_home / "bin" / "spark-submit",
                "--class", "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2",
                "--master", f"spark://127.0.0.1:{self.master_port}",
                "--name", "growth", "spark-internal",
                "--hiveconf", f"hive.server2.thrift.port={self.thrift_port}",
                "--hiveconf", "hive.server2.thrift.bind.host=127.0.0.1",
            ],
            # Spark takes its Thrift server for a daemon, and spark.driver.memory is not asked.
            SPARK_DAEMON_MEMORY=self.sizes["driver_memory"],
        )  # fmt: skip
        self._wait_for_port("thrift", self.thrift_port)

    def settings(self) -> dict[str, str]:
        """The settings with which `growth` uses this cluster."""
        return {
            "GROWTH_TARGET": "spark",
            "GROWTH_WAREHOUSE_URL": f"thrift://growth@127.0.0.1:{self.thrift_port}",
            "GROWTH_ICEBERG_CATALOG_URL": f"postgresql://growth:{self._password()}@127.0.0.1:{self.catalog_port}/iceberg",
            "GROWTH_ICEBERG_WAREHOUSE": f"file://{self.folder / 'warehouse'}",
        }

    def _create_catalog(self, programs: Path, data: Path, user: str | None) -> None:
        making, secret = self.folder / "catalog.making", self.folder / "catalog.password"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(24))
        if user:
            shutil.chown(making, user)
            shutil.chown(secret, user)
        made: list[str | Path] = [
            programs / "initdb", "--pgdata", making, "--username=growth", "--pwfile", secret,
            "--auth=scram-sha-256", "--encoding=UTF8",
        ]  # fmt: skip
        _run(made, user)
        create: list[str | Path] = [programs / "postgres", "--single", "-D", making, "postgres"]
        _run(create, user, b"create database iceberg\n")
        making.rename(data)

    def _password(self) -> str:
        return (self.folder / "catalog.password").read_text()

    def _write_configuration(self) -> None:
        values = {
            **self.sizes,
            "jars": self.jars,
            "catalog_address": f"127.0.0.1:{self.catalog_port}/iceberg",
            "catalog_user": "growth",
            "catalog_password": self._password(),
            "warehouse": f"file://{self.folder / 'warehouse'}",
            "folder": str(self.folder),
        }
        text = CONFIGURATION.read_text()
        for name, value in values.items():
            text = text.replace(f"{{{name}}}", value)
        text += "".join(f"{name} {value}\n" for name, value in self.more.items())
        path = self.folder / "conf" / CONFIGURATION.name
        path.touch(mode=0o600)
        path.write_text(text)

    def _start_spark(self, name: str, main_class: str, *arguments: str) -> None:
        program = self.spark_home / "bin" / "spark-class"
        self._start(name, [program, main_class, "--host", "127.0.0.1", "--webui-port", "0", *arguments])

    def _start(self, name: str, command: list[str | Path], user: str | None = None, **more: str) -> None:
        environment = {
            **os.environ,
            "SPARK_HOME": str(self.spark_home),
            "SPARK_CONF_DIR": str(self.folder / "conf"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "512m",
            "SPARK_DAEMON_JAVA_OPTS": self.java_options,
            "PYSPARK_PYTHON": sys.executable,
            **more,
        }
        with self._log(name).open("wb") as log:
            self.processes[name] = subprocess.Popen(
                command,
                env=environment,
                user=user,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"

    def _wait_for_port(self, name: str, port: int) -> None:
        def answers() -> bool:
            with socket.socket() as attempt:
                attempt.settimeout(1)
                return attempt.connect_ex(("127.0.0.1", port)) == 0

        self._wait(name, answers)

    def _wait(self, name: str, is_ready: Callable[[], bool]) -> None:
        until = time.monotonic() + START_SECONDS
        while not is_ready():
            if self.processes[name].poll() is not None:
                raise ClusterError(f"{name} ended with code {self.processes[name].returncode}: see {self._log(name)}")
            if time.monotonic() > until:
                raise ClusterError(f"{name} did not answer within {START_SECONDS} s: see {self._log(name)}")
            time.sleep(0.2)


@contextmanager
def running_cluster(cluster: Cluster) -> Iterator[Cluster]:
    """Start a cluster, and stop it at the end of the block."""
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _folder_of(package: str) -> Path:
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ClusterError(f"package {package} is not installed: see deploy/spark/requirements.txt")
    return Path(found.submodule_search_locations[0])


def _iceberg_jar() -> Path:
    jars = sorted((_folder_of("snowpark_connect_deps_iceberg") / "jars").glob("iceberg-spark-runtime-3.5_2.12-*.jar"))
    if not jars:
        raise ClusterError("the package snowpark-connect-deps-iceberg has no jar for Spark 3.5: see requirements.txt")
    return jars[-1]


def _postgres_driver() -> Path:
    if not POSTGRES_DRIVER.exists():
        raise ClusterError(f"{POSTGRES_DRIVER} is missing: apt-get install libpostgresql-jdbc-java")
    return POSTGRES_DRIVER


def _require_java() -> None:
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise ClusterError("Java is missing: apt-get install openjdk-17-jre-headless")


def _postgres_programs() -> Path:
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not packaged:
        raise ClusterError("PostgreSQL's programs are missing: apt-get install postgresql")
    return packaged[-1].parent


def _run(command: list[str | Path], user: str | None, given: bytes = b"") -> None:
    done = subprocess.run(command, user=user, input=given, capture_output=True, cwd="/", check=False)
    if done.returncode:
        raise ClusterError(f"{command[0]} failed: {done.stderr.decode(errors='replace').strip()}")


def main() -> None:
    """Start the cluster in the folder of the first argument, and stop it on Ctrl-C or SIGTERM."""
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    with running_cluster(Cluster(Path(sys.argv[1]))) as cluster:
        for name, value in cluster.settings().items():
            print(f"export {name}={shlex.quote(value)}", flush=True)
        signal.pause()


if __name__ == "__main__":
    try:
        main()
    except ClusterError as error:
        sys.exit(str(error))
