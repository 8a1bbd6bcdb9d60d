"""Asks the fleet's judge many questions, a few at a time, and hands over each answer as it comes.

A question is a message to ``triptych.judge``, its answer the result of that task, looked for in Redis: nothing is
subscribed to. Where no answer comes in time that is an answer too, a ``Silence``, and never costs the others theirs.
"""

from __future__ import annotations

import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Self, cast

from kombu.exceptions import OperationalError
from pydantic import ValidationError

from orchestrator.broker import JUDGE_QUEUE, NEW_WORK, make_app, queue_for
from orchestrator.broker.screening import JUDGE
from orchestrator.contracts import Usage
from orchestrator.contracts.judging import (
    MAX_WITHIN_S,
    JudgeReply,
    JudgeRequest,
    Opinion,
    Question,
    Silence,
    SupportQuestion,
)
from orchestrator.errors import InvalidInput, InvalidSettings, StoreUnavailable
from orchestrator.plaintext import one_line
from orchestrator.settings import Settings
from orchestrator.store.connection import check, connect, translated

LOOK_S = 0.05
"""Between two looks for answers."""
GRACE_S = 2.0
"""How long an answer that was begun in time may take to arrive."""

_LATE = "no answer came in time"
_NOBODY = (
    "nobody answers; is a worker running that takes the judge's questions? (triptych worker --queues judge)"
)
_UNREADABLE = JudgeReply(opinion=Silence(why="unreadable", detail="what was answered cannot be read"))


class JudgeClient:
    """Whoever asks the judge, for one run. Blocking, and not to be shared by threads.

    ``at_a_time`` questions are under way at once, each for at most ``within_s``. ``look`` is called all along, and may
    raise to stop. A question that was answered is not asked again. ``usage`` sums what all answers cost, and ``models``
    are those that gave one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        tenant: str = "default",
        at_a_time: int = 4,
        within_s: float = 60.0,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        if settings.redis_url is None:
            raise InvalidSettings("REDIS_URL", "is not set; name the Redis that the workers use")
        if at_a_time < 1 or not 0 < within_s <= MAX_WITHIN_S:
            raise InvalidInput(
                "within_s", f"takes up to {MAX_WITHIN_S:g} s, for one question at a time or more"
            )
        self._redis = connect(settings.redis_url.get_secret_value())
        self._app = make_app(settings)
        self._tenant = tenant
        self._at_a_time = at_a_time
        self._within_s = within_s
        self._look = look
        self._known: dict[Question, JudgeReply] = {}
        self._problem = ""
        self.usage = Usage()
        self.models: dict[str, None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(self) -> None:
        """Raise ``StoreUnavailable`` unless Redis answers and is new enough."""
        check(self._redis)

    def close(self) -> None:
        """Close the connections. Questions that are under way are answered to nobody."""
        self._redis.close()
        self._app.close()

    def ask(self, questions: Sequence[Question]) -> Iterator[tuple[int, JudgeReply]]:
        """Give (its number, from 0; its reply) of every question, each once, as the answers come.

        A reply's opinion is of its question's kind, or a ``Silence``. Where nobody has answered anything for as long as
        one question may take, all that are left are silent. Raises what ``look`` does, and nothing of its own.
        """
        same: dict[Question, list[int]] = {}
        for number, question in enumerate(questions):
            same.setdefault(question, []).append(number)
        for question, reply in self._replies(list(same)):
            if not isinstance(reply.opinion, Silence):
                self._known[question] = reply
            yield from ((number, reply) for number in same[question])

    def opinions(self, questions: Sequence[SupportQuestion]) -> list[Opinion]:
        """The opinions on all of them, in their order: what the gate takes as its judge."""
        found = dict(self.ask(questions))
        return [found[number].opinion for number in range(len(questions))]

    def _replies(self, questions: Sequence[Question]) -> Iterator[tuple[Question, JudgeReply]]:
        """Each of these once; no two are the same."""
        yield from ((question, self._known[question]) for question in questions if question in self._known)
        waiting = deque(question for question in questions if question not in self._known)
        under_way: dict[str, tuple[Question, float]] = {}
        heard_at = time.monotonic()
        while waiting or under_way:
            while waiting and len(under_way) < self._at_a_time:
                question = waiting.popleft()
                under_way[self._sent(question)] = question, time.monotonic() + self._within_s + GRACE_S
            answered = self._answers(list(under_way))
            now = time.monotonic()
            late = [name for name, (_, until) in under_way.items() if now >= until and name not in answered]
            for name, reply in (*answered.items(), *((name, self._silent(_LATE)) for name in late)):
                question, _ = under_way.pop(name)
                yield question, self._counted(question, reply)
            heard_at = now if answered else heard_at
            if now - heard_at >= self._within_s + GRACE_S:
                left = [*(question for question, _ in under_way.values()), *waiting]
                yield from ((question, self._silent(_NOBODY)) for question in left)
                return
            self._look()
            if under_way and not answered:
                time.sleep(LOOK_S)

    def _sent(self, question: Question) -> str:
        """Send a question; returns its id. One that cannot be sent is under way all the same, until it is late."""
        task_id = f"judge.{self._tenant}.{uuid.uuid4().hex}"
        try:
            with translated():
                seconds, micros = self._redis.time()
            now_ms = int(seconds) * 1_000 + int(micros) // 1_000
            request = JudgeRequest(question=question, deadline_ms=now_ms + int(self._within_s * 1_000))
            self._app.signature(
                JUDGE,
                args=[request.model_dump(mode="json")],
                argsrepr="(redacted)",
                task_id=task_id,
                queue=queue_for(JUDGE_QUEUE),
                priority=NEW_WORK,
                ignore_result=True,
            ).apply_async()
        except (OperationalError, StoreUnavailable) as error:
            self._problem = one_line(str(error), 400)
        return task_id

    def _answers(self, names: Sequence[str]) -> dict[str, JudgeReply]:
        """What is there of these; during an outage nothing is."""
        if not names:
            return {}
        keys = [f"celery-task-meta-{name}" for name in names]
        try:
            with translated():
                found = cast("list[str | None]", self._redis.mget(keys))
                there = [key for key, raw in zip(keys, found, strict=True) if raw is not None]
                if there:
                    self._redis.delete(*there)
        except StoreUnavailable as error:
            self._problem = one_line(str(error), 400)
            return {}
        if there:
            self._problem = ""
        return {name: _read(raw) for name, raw in zip(names, found, strict=True) if raw is not None}

    def _counted(self, question: Question, reply: JudgeReply) -> JudgeReply:
        """The reply, if it answers the question; what it cost counts in any case."""
        self.usage += reply.usage
        if reply.opinion.kind not in (question.kind, "silence"):
            return _UNREADABLE.model_copy(update={"model": reply.model, "usage": reply.usage})
        if not isinstance(reply.opinion, Silence):
            self.models[reply.model] = None
        return reply

    def _silent(self, why: str) -> JudgeReply:
        detail = f"{why}; {self._problem}" if self._problem else why
        return JudgeReply(opinion=Silence(why="deadline", detail=detail))


def _read(raw: str) -> JudgeReply:
    try:
        return JudgeReply.from_wire(json.dumps(json.loads(raw)["result"]))
    except (ValidationError, ValueError, TypeError, KeyError, RecursionError):
        return _UNREADABLE
