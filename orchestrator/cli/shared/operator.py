"""What the commands of operators share: who acts, and since when a flag has stood."""

from __future__ import annotations

import getpass
import socket
from datetime import UTC, datetime
from typing import Annotated

import typer

Who = Annotated[str | None, typer.Option(help="Default: this user on this machine.")]


def me() -> str:
    """``user@host`` of whoever runs this."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container's user need not have a name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def since(ms: int) -> str:
    """A moment (epoch ms) in this machine's time, to the second."""
    return f"{datetime.fromtimestamp(ms / 1_000, UTC).astimezone():%m-%d %H:%M:%S}"
