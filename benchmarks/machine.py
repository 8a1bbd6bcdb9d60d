"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

from pydantic import BaseModel

from orchestrator.store import connect

BUSY = 0.5
"""Load per core before the start from which on somebody else's work shows in the figures."""


class Machine(BaseModel):
    """The machine, and how much others made it do when the benchmark began (load average of a minute)."""

    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    server: str
    packages: dict[str, str]
    load: float

    @property
    def busy(self) -> bool:
        """Whether something else was running."""
        return self.load > BUSY * self.cores

    def __str__(self) -> str:
        packages = ", ".join(f"{name} {number}" for name, number in self.packages.items())
        return (
            f"{self.cores} x {self.cpu}, {self.memory_gb:.0f} GB, {self.system}; Python {self.python}, {self.server}, "
            f"{packages}; load average before the start {self.load:.2f}"
        )


def this_machine(url: str) -> Machine:
    """Look at this machine and at the server at ``url``."""
    client = connect(url)
    server = client.info("server")
    client.close()
    name = f"{server.get('server_name', 'redis')} {server.get('valkey_version', server['redis_version'])}"
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        memory_gb=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        server=name,
        packages={package: version(package) for package in ("celery", "kombu", "redis")},
        load=os.getloadavg()[0],
    )


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if "model name" in line] if info.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
