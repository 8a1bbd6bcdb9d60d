"""What a call's end means beyond the call: one table. Pure: decides, and does nothing.

===================================  =========  ==========  ===========  ===========  ==============
how the call ended                   retried    cools       counts       falls back   otherwise
===================================  =========  ==========  ===========  ===========  ==============
answered                             -          -           as success   -            -
overloaded, with Retry-After         after it   deployment  -            yes          persona lost
overloaded, without                  yes        -           deployment   yes          persona lost
overloaded, the quota is spent       no         -           -            yes          persona lost
truncated, before text               yes        -           deployment   yes          persona lost
truncated, after text                no         -           deployment   yes          persona lost
unreachable                          yes        -           endpoint     yes          persona lost
unreachable, for good (TLS)          no         -           -            yes          persona lost
auth                                 no         -           -            yes          persona lost
context_length                       no         -           -            yes          persona lost
provider (no such model, nonsense)   no         -           -            yes          persona lost
model_refused                        no         -           -            no           persona lost
the time was up, not a word so far   no         -           deployment   no           persona lost
the time was up, or cancelled        no         -           -            no           persona lost
===================================  =========  ==========  ===========  ===========  ==============

Whatever reached the endpoint counts as success of the endpoint, a refusal included: it is there. Retrying is decided
in ``retry``; how many failures open a breaker in ``orchestrator.store.endpoints.BreakerPolicy``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.contracts import ErrorKind
from orchestrator.errors import ModelError, RetryableModelError

if TYPE_CHECKING:
    from orchestrator.store.endpoints import Said

SILENCE_S = 30.0
"""A call that was cut by its deadline after so long without a word counts against its deployment."""

RETRIED: frozenset[ErrorKind] = frozenset({"overloaded", "truncated", "unreachable"})
"""Kinds of failure that may pass, where they come before the first text."""

ANOTHER_MODEL_MAY_HELP: frozenset[ErrorKind] = frozenset(
    # A longer context, another key, another machine. What a model declined is answered: nobody is asked again.
    {"auth", "context_length", "overloaded", "provider", "truncated", "unreachable"}
)


def said(error: BaseException | None, *, silent_s: float = 0.0) -> tuple[Said, Said]:
    """What a call's end says of its endpoint and of its deployment.

    ``silent_s`` is for how long a call that its deadline cut had waited for a first word; 0 where it had heard one.
    """
    if error is None:
        return "ok", "ok"
    if isinstance(error, RetryableModelError):
        if error.kind == "unreachable":
            return "failed", "nothing"
        return "ok", "nothing" if cooling_s(error) else "failed"
    if isinstance(error, ModelError):
        if error.kind in ("unreachable", "deadline", "internal", "token_budget"):
            return "nothing", "nothing"
        return "ok", "failed" if error.kind == "truncated" else "nothing"
    return "nothing", "failed" if silent_s >= SILENCE_S else "nothing"


def cooling_s(error: BaseException | None) -> float:
    """For how long the deployment asked to be left alone; 0 where it did not."""
    return error.retry_after_s or 0.0 if isinstance(error, RetryableModelError) else 0.0
