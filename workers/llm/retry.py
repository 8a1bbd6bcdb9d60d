"""When a failed call is tried again: one pure decision, and its execution by tenacity.

This is the only place that retries model calls. Celery's retries and the SDKs' stay off, or one overload
would be answered by the product of all three.
"""

from __future__ import annotations

import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from orchestrator.contracts import ErrorKind
from orchestrator.errors import ModelError, RetryableModelError

T = TypeVar("T")


@dataclass(frozen=True)
class RetryPolicy:
    """At most ``max_attempts`` calls; waits grow from ``base_s`` by doubling up to ``cap_s``.

    No call is started with less than ``least_s`` left to the deadline.
    """

    max_attempts: int = 4
    base_s: float = 0.5
    cap_s: float = 8.0
    least_s: float = 0.5


def should_retry(
    error: BaseException | None, attempt: int, remaining_s: float, *, jitter: float, policy: RetryPolicy
) -> float | None:
    """Seconds to wait before the next call after failed call ``attempt`` (from 1), or ``None`` to give up.

    ``jitter`` is uniform in [0, 1): "full jitter" (Brooker, AWS Architecture Blog, 2015). A wait that the
    endpoint asked for is a lower bound, and is never shortened to fit the deadline: then there is no next
    call.
    """
    if not isinstance(error, RetryableModelError) or attempt >= policy.max_attempts:
        return None
    wait_s = jitter * min(policy.cap_s, policy.base_s * 2 ** (attempt - 1))
    if error.retry_after_s is not None:
        # Spread out, so that all who were told the same second do not come back in it.
        wait_s = error.retry_after_s + jitter * policy.base_s
    return wait_s if wait_s + policy.least_s <= remaining_s else None


async def retried(
    call: Callable[[], Awaitable[T]],
    *,
    remaining_s: Callable[[], float],
    policy: RetryPolicy,
    on_retry: Callable[[ErrorKind], None] = lambda _: None,
) -> T:
    """``call()``, tried again as ``should_retry`` decides; the last ``RetryableModelError`` becomes final.

    ``on_retry`` is told before each wait what kind of failure is being retried.
    """

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        jitter = random.random()  # noqa: S311 - spreads load, guards nothing
        wait_s = should_retry(error, state.attempt_number, remaining_s(), jitter=jitter, policy=policy)
        return math.inf if wait_s is None else wait_s

    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RetryableModelError):
            on_retry(error.kind)

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(RetryableModelError),
        wait=wait,
        stop=lambda state: state.upcoming_sleep == math.inf,
        before_sleep=tell,
        reraise=True,
    )
    try:
        return await retrying(call)
    except RetryableModelError as error:
        raise ModelError(error.kind, error.message) from error
