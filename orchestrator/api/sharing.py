"""Looks at what may hang: one at a time, for all who ask while it is under way, and in a thread of its own.

Requests have forty threads between them. A Redis that hangs takes all of these, for seconds: who says so needs another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Calls ``look``, for whoever awaits it. Its errors are everybody's who waited for it."""

    def __init__(self, look: Callable[[], T]) -> None:
        self._look = look
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="triptych-look")
        self._under_way: asyncio.Future[T] | None = None

    async def __call__(self) -> T:
        """Give what the look brings that is under way, or else a new one. Who stops waiting stops nobody's look."""
        look = self._under_way
        if look is None or look.done():
            look = self._under_way = asyncio.get_running_loop().run_in_executor(self._thread, self._look)
            look.add_done_callback(_heard)
        await asyncio.wait({look})
        return look.result()


def _heard(look: asyncio.Future[Any]) -> None:
    """Have asyncio not complain of an error that nobody waits for any more."""
    if not look.cancelled():
        look.exception()
