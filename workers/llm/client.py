"""The model as personas see it: one blocking call on a task's thread, the I/O on the process's event loop."""

from __future__ import annotations

import concurrent.futures
import time

from orchestrator.errors import JobCancelled, JobError, LeaseLost, ModelError
from workers.llm import loop
from workers.llm.call import Call, Completion, OnText
from workers.llm.cancellation import Cancellation
from workers.llm.exchange import Setup
from workers.llm.fallback import Candidate
from workers.llm.gate import Gate
from workers.llm.paces import Paces
from workers.llm.protocol import ModelRequest, Provider
from workers.llm.race import MayGoOn
from workers.llm.retry import RetryPolicy

__all__ = ["Completion", "Model", "OnText"]

_LOOP_GRACE_S = 5.0


class Model:
    """A chain of models behind one blocking call. Threads may share it; never call it on the loop's thread.

    The first one answers, or where it cannot, the next. Calls pass ``gate``, those of a lower ``order`` before others.
    ``paces`` learns how fast they are, per kind of ``step``, and says which late ones get a backup.
    """

    def __init__(
        self,
        *chain: Candidate | Provider,
        gate: Gate | None = None,
        order: int = 0,
        policy: RetryPolicy | None = None,
        paces: Paces | None = None,
        step: str = "",
    ) -> None:
        candidates = tuple(one if isinstance(one, Candidate) else Candidate(one) for one in chain)
        self._setup = Setup(candidates, gate, order, policy or RetryPolicy(), paces, step)

    @property
    def provider(self) -> Provider:
        """The first one's."""
        return self._setup.candidates[0].provider

    def complete(
        self,
        request: ModelRequest,
        *,
        deadline: float,
        on_text: OnText | None = None,
        cancel: Cancellation | None = None,
        may_go_on: MayGoOn | None = None,
    ) -> Completion:
        """Answer ``request`` before ``deadline`` (``time.monotonic()`` seconds); blocks until then at most.

        ``on_text`` gets each piece of text as it comes, on the event loop's thread: it must be quick and must
        not raise. Where another call takes over in the middle of an answer, it gets a line break before the new
        one. After ``complete`` has returned or raised, it is not called again and the connection is released.

        Where others act on the answer while it is written no call can take over: one that falls behind is cut
        (``ModelError``, ``overloaded``) once ``may_go_on`` says that another could go on from what was heard.

        Raises ``ModelError``, of kind ``deadline`` when time was up; ``JobCancelled`` once ``cancel`` is
        thrown; ``LeaseLost`` when the worker is stopping. Their ``usage`` is what the call is known to have
        cost, their ``asked`` whom it went to, their ``hedges`` the backup that was made.
        """
        switch = cancel or Cancellation()
        if switch.cancelled:
            raise JobCancelled("the job was cancelled")
        if deadline <= time.monotonic():
            raise ModelError("deadline", "the time was up before the model was asked")
        call = Call(self._setup, request, deadline, on_text, may_go_on)
        future = loop.submit(call.run(switch))
        try:
            return self._waited_for(future, deadline, switch)
        except JobError as error:
            error.usage = call.spent
            error.asked = call.asked
            error.hedges = call.hedges
            raise
        finally:
            future.cancel()  # in case a signal interrupted the wait

    @staticmethod
    def _waited_for(
        future: concurrent.futures.Future[Completion], deadline: float, switch: Cancellation
    ) -> Completion:
        try:
            return future.result(timeout=max(0.0, deadline - time.monotonic()) + _LOOP_GRACE_S)
        except concurrent.futures.CancelledError:
            if switch.cancelled:
                raise JobCancelled("the job was cancelled") from None
            raise LeaseLost("the worker is stopping; another one takes the step") from None
        except TimeoutError:  # the loop itself is stuck: its own timeout would have come first
            raise ModelError("deadline", "the model's event loop did not answer in time") from None
