"""What decides does not act: importing the pure rooms loads no broker, no store client, no HTTP client."""

import subprocess
import sys

import pytest

OUTSIDE = {"celery", "kombu", "redis", "aiohttp", "httpx", "httpx2", "requests", "urllib3"}
ROOMS = ["contracts", "language", "routing", "evidence", "timeline", "report", "experiment", "rollout"]


@pytest.mark.parametrize("room", ROOMS)
def test_a_pure_room_loads_nothing_that_acts(room):
    # Every module of the room, so that an import hidden in a submodule counts too.
    program = (
        "import importlib, pkgutil, sys\n"
        f"room = importlib.import_module('orchestrator.{room}')\n"
        "names = [m.name for m in pkgutil.walk_packages(room.__path__, room.__name__ + '.')]\n"
        "for name in names: importlib.import_module(name)\n"
        "print(len(names), *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules, *loaded = done.stdout.split()
    assert int(modules) > 0
    assert OUTSIDE & set(loaded) == set()
