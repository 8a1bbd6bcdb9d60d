"""A disk whose power can be cut: a file system in a file, copied as it is at that moment.

A process that is killed loses nothing that it has written: the kernel has it, and writes it down later. A host that
loses its power loses that too. In the copy is what had reached the file, and nothing that the kernel still held.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

TOOLS = ("mkfs.ext4", "mount", "umount", "losetup")
SIZE = 192 * 2**20


def lacking() -> str | None:
    """What is missing on this machine; ``None`` where nothing is."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "only root on Linux may mount"
    if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
        return f"not installed: {', '.join(missing)}"
    return None


class Disk:
    """Mounted at ``path``."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        image = folder / "disk"
        with image.open("wb") as file:
            file.truncate(SIZE)
        _do("mkfs.ext4", "-q", "-F", image)
        self.path = self._mounted(image)

    def after_a_power_cut(self) -> Path:
        """Mount what would be there. Whoever writes to the disk has to stand still."""
        image, copy = self._folder / "disk", self._folder / "copy"
        while True:
            # The kernel may be writing: a copy of two moments would be of none.
            before = image.stat().st_mtime_ns
            _do("cp", "--sparse=always", image, copy)
            if image.stat().st_mtime_ns == before:
                return self._mounted(copy)

    def _mounted(self, image: Path) -> Path:
        place = image.with_name(f"{image.name}.mounted")
        place.mkdir()
        _do("mount", "-o", "loop", image, place)
        self._stack.callback(_do, "umount", place)
        return place


def _do(*command: str | Path) -> None:
    subprocess.run(command, check=True)  # noqa: S603 - our own commands


@contextmanager
def new_disk(folder: Path) -> Iterator[Disk]:
    """A fresh one; unmounted in the end, when nobody uses it any more."""
    with ExitStack() as stack:
        yield Disk(folder, stack)
