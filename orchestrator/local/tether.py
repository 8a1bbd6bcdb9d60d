"""``python -m orchestrator.local.tether PID COMMAND...``: runs a command that dies with the process PID, its parent.

On Linux the kernel sees to it (``PR_SET_PDEATHSIG``), even when the parent is killed with -9 and runs no code of its
own any more. Elsewhere this process stays, and kills the command when its standard input ends, which the parent
holds open and the kernel closes.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import subprocess
import sys
import threading

_PR_SET_PDEATHSIG = 1


def main(argv: list[str]) -> int:
    """Run a command for its parent and return its exit code. On Linux this process becomes the command.

    ``argv`` starts with the parent's process id: who asks the kernel only now may have been orphaned before.
    """
    parent, *command = int(argv[0]), *argv[1:]
    if platform.system() == "Linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return 1  # the parent died before the kernel was asked
        os.execvp(command[0], command)  # noqa: S606 - the command is our own, never from outside
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - as above
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())

    def watch() -> None:
        while sys.stdin.buffer.read(4_096):
            pass
        child.kill()

    threading.Thread(target=watch, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
