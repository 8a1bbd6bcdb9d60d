"""Waiting out an outage of Redis: a step's work is dear, a wait is cheap."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import structlog
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    retry_if_exception_type,
    stop_after_delay,
    wait_random_exponential,
)

from orchestrator.errors import StoreRefused, StoreUnavailable

T = TypeVar("T")
OUTAGE_S = 300.0

log = structlog.get_logger(__name__)


def _report(state: RetryCallState) -> None:
    if state.attempt_number in (1, 10, 100):
        log.warning(
            "redis_away",
            attempt=state.attempt_number,
            waited_s=round(state.seconds_since_start or 0, 1),
            why=str(state.outcome.exception() if state.outcome else ""),
        )


def until_reached(call: Callable[[], None]) -> None:
    """Call until Redis can be reached: whoever starts in an outage waits for its end, like those that run.

    Raises ``StoreRefused``: what answers, and does not want us, will not change its mind.
    """
    retrying = Retrying(
        retry=retry_if_exception(
            lambda e: isinstance(e, StoreUnavailable) and not isinstance(e, StoreRefused)
        ),
        wait=wait_random_exponential(multiplier=0.1, max=2.0),
        after=_report,
        reraise=True,
    )
    retrying(call)


def patiently(call: Callable[[], T], *, up_to_s: float = OUTAGE_S) -> T:
    """Call until Redis answers; ``call`` must be safe to repeat. Blocks. Raises ``StoreUnavailable`` at the bound."""
    with suppress(StoreUnavailable):
        return call()  # as nearly always: what waits is made when there is something to wait for
    retrying = Retrying(
        retry=retry_if_exception_type(StoreUnavailable),
        stop=stop_after_delay(up_to_s),
        wait=wait_random_exponential(multiplier=0.1, max=2.0),
        after=_report,
        reraise=True,
    )
    return retrying(call)
