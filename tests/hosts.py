"""Several hosts on one machine: network namespaces, joined by a bridge that is in a namespace too.

Nothing of it is visible outside, nothing has a name that two test processes could share, and nothing can be left
behind: a namespace lives as long as the processes in it, and those end with the process that made them. A host's
files are this machine's: any folder is a shared one.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

TOOLS = ("ip", "unshare", "nsenter")
_CLONE_NEWNET = 0x40000000
_TRIAL = """
set -e
ip link add name port type veth peer name eth0
ip link add name lan type bridge
ip link set dev port master lan
"""


def lacking() -> str | None:
    """What is missing on this machine to make hosts; ``None`` where they can be made."""
    if sys.platform != "linux":
        return "network namespaces are Linux'"
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"not installed: {', '.join(missing)} (iproute2, util-linux)"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    trial = subprocess.run(
        ["unshare", "--net", "--uts", "sh", "-c", _TRIAL], capture_output=True, text=True, check=False
    )
    return (
        None
        if trial.returncode == 0
        else f"the kernel refuses namespaces or bridges ({trial.stderr.strip()})"
    )


class _Namespace:
    """A network and a host name of their own, held by a process that ends when its standard input does."""

    def __init__(self, name: str) -> None:
        self.name = name
        hold = f"echo {name} >/proc/sys/kernel/hostname && ip link set dev lo up && echo ready && exec cat"
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--uts", "sh", "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == b"ready\n", f"no namespace for {name}"

    @property
    def pid(self) -> int:
        return self._holder.pid

    @property
    def entering(self) -> tuple[str, ...]:
        """The beginning of a command that is to run here."""
        return ("nsenter", "--target", str(self.pid), "--net", "--uts")

    def run(self, command: str) -> None:
        done = subprocess.run([*self.entering, *command.split()], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{self.name}: {command}: {done.stderr}"

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()


class Host(_Namespace):
    """A machine on the network, with one address. Its loopback is its own."""

    def __init__(self, name: str, address: str) -> None:
        super().__init__(name)
        self.address = address

    def command(self, command: Sequence[str]) -> list[str]:
        """The same command on this host. The process is the caller's child, and ends with it."""
        tether = [sys.executable, "-m", "orchestrator.local.tether", str(os.getpid())]
        return [*tether, *self.entering, *command]

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be on this host: sockets that this thread opens, and threads that it starts, are this host's."""
        with (
            Path("/proc/thread-self/ns/net").open("rb") as home,
            Path(f"/proc/{self.pid}/ns/net").open("rb") as there,
        ):
            _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())


class Lan:
    """Hosts that reach each other, and nobody else."""

    def __init__(self) -> None:
        self._switch = _Namespace("switch")
        self._switch.run("ip link add name lan type bridge")
        self._switch.run("ip link set dev lan up")
        self.hosts: dict[str, Host] = {}

    def host(self, name: str) -> Host:
        """Add a host; others know it by its address."""
        number = len(self.hosts) + 1
        host = self.hosts[name] = Host(name, f"10.77.0.{number}")
        self._switch.run(f"ip link add name {name} type veth peer name eth0 netns {host.pid}")
        self._switch.run(f"ip link set dev {name} master lan up")
        host.run(f"ip address add {host.address}/24 dev eth0")
        host.run("ip link set dev eth0 up")
        return host

    def cut(self, host: Host) -> None:
        """Pull its cable out of the switch: what it sends is lost, and so is what is sent to it."""
        self._switch.run(f"ip link set dev {host.name} down")

    def heal(self, host: Host) -> None:
        """Put the cable back."""
        self._switch.run(f"ip link set dev {host.name} up")

    def close(self) -> None:
        for namespace in (*self.hosts.values(), self._switch):
            namespace.close()


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
