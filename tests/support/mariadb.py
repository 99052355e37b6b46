"""A real MariaDB server for tests and benchmarks: a private folder, a loopback port, gone at the end."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError

from services.common.database import create_engine

ADDRESS_VARIABLE = "VITRINE_TEST_MYSQL_URL"
START_SECONDS = 60.0


class NoEngineError(RuntimeError):
    """There is neither an address nor a server to start."""

    def __init__(self) -> None:
        super().__init__(
            f"no MySQL or MariaDB: set {ADDRESS_VARIABLE} (mysql+pymysql://user:password@host/ whose user may create "
            "databases; deploy/compose/engines.yaml starts servers), or install mariadb-server"
        )


class MariaDbServer:
    """`mariadbd` on a folder of its own, with `root` and no password on 127.0.0.1. Commits wait for the disk.

    Args:
        folder: where data and log go; made where it is missing.
        options: further options of mariadbd, such as "--innodb-buffer-pool-size=1G".
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self._port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def url(self) -> URL:
        """The server's address, without a database."""
        return URL.create("mysql+pymysql", username="root", host="127.0.0.1", port=self._port)

    @property
    def data(self) -> Path:
        """The folder of its data, with a folder for each database."""
        return self._folder / "data"

    def install(self) -> None:
        """Makes the system tables. Raises NoEngineError where MariaDB is not installed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(
            [
                _program("mariadb-install-db"),
                "--no-defaults",
                f"--datadir={self.data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                *_as_root(),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self) -> None:
        """Starts the server, and returns once it answers."""
        self._log = (self._folder / "mariadbd.log").open("ab")
        self._process = subprocess.Popen(
            [
                _program("mariadbd"),
                "--no-defaults",
                f"--datadir={self.data}",
                # The path of a socket may have 107 bytes; nobody needs one.
                f"--socket={tempfile.gettempdir()}/vitrine-{uuid.uuid4().hex[:12]}.sock",
                f"--pid-file={self._folder / 'mariadbd.pid'}",
                f"--port={self._port}",
                "--bind-address=127.0.0.1",
                "--skip-name-resolve",
                "--innodb-flush-log-at-trx-commit=1",
                *_as_root(),
                *self._options,
            ],
            stdout=self._log,
            stderr=self._log,
        )
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("mariadbd did not start:\n" + (self._folder / "mariadbd.log").read_text()[-4000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """`kill -9`: what the server had not written is lost."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends the server as it likes to be ended."""
        self._end(signal.SIGTERM)

    def memory_bytes(self) -> int:
        """Returns the server's resident memory."""
        assert self._process is not None
        pages = int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(START_SECONDS)
            self._process = None
        if self._log is not None:
            self._log.close()

    def _answers(self) -> bool:
        engine = create_engine(self.url, pool_size=1)
        try:
            engine.connect().close()
        except OperationalError:
            return False
        finally:
            engine.dispose()
        return True


@contextmanager
def running_mariadb(folder: Path, *options: str) -> Iterator[MariaDbServer]:
    """A server of one's own, for whoever kills or measures it. Raises NoEngineError where none is installed."""
    server = MariaDbServer(folder, *options)
    server.install()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def mysql_server(folder: Path) -> Iterator[URL]:
    """The server of the environment or, without one, a MariaDB in `folder`. Raises NoEngineError without either."""
    if given := os.environ.get(ADDRESS_VARIABLE):
        yield make_url(given)
        return
    # Tests make many small databases; nobody measures here, and nobody kills it: it need not wait for the disk.
    with running_mariadb(
        folder,
        "--innodb-buffer-pool-size=64M",
        "--performance-schema=OFF",
        "--innodb-flush-log-at-trx-commit=0",
        "--innodb-flush-method=nosync",
    ) as server:
        yield server.url


@contextmanager
def fresh_database(server: URL) -> Iterator[URL]:
    """An empty database on the server, dropped at the end."""
    # The default that folds most: what must not be folded has to say so itself.
    name = f"vitrine_{uuid.uuid4().hex[:12]}"
    engine = create_engine(server, pool_size=1)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
        yield server.set(database=name)
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
    finally:
        engine.dispose()


def _program(name: str) -> str:
    # Debian keeps servers where users who are not root do not look.
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    if found := shutil.which(name, path=path):
        return found
    raise NoEngineError


def _as_root() -> list[str]:
    """mariadbd refuses to run as root unless told to."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
