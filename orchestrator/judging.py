"""Asks the fleet's judge many questions, a few at a time, and hands over each answer as it comes.

A question is a message to ``triptych.judge``, its answer the result of that task, looked for in Redis: nothing is
subscribed to. Where no answer comes in time that is an answer too, a ``Silence``, and never costs the others theirs.
Before one is sent the judge's desk is looked at: where too many lie there already, none is added.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from math import inf
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
    Why,
)
from orchestrator.errors import InvalidInput, InvalidSettings, StoreUnavailable
from orchestrator.plaintext import one_line
from orchestrator.settings import Settings
from orchestrator.store.connection import check, connect, time_ms, translated
from orchestrator.store.desk import MOST_WAITING, Desk, Seen, question_id

LOOK_S = 0.05
"""Between two looks for answers."""
GRACE_S = 2.0
"""How long an answer that was begun in time may take to arrive."""
ALONE_S = 8.0
"""How long a question may lie where no worker says that it takes any: one that is starting says so within a few s."""

_LATE = "no answer came in time"
_NOBODY = "nobody answers any more; triptych doctor says what may be wrong"
_NO_WORKER = (
    "no worker takes the judge's questions; start one (triptych worker --queues judge), or triptych resume judge "
    "where the queue is paused"
)
_FULL = (
    f"{MOST_WAITING} questions wait for the judge already; ask again when they are answered, or add workers for them "
    "(triptych worker --queues judge)"
)
_UNREADABLE = JudgeReply(opinion=Silence(why="unreadable", detail="what was answered cannot be read"))


class JudgeClient:
    """Whoever asks the judge, for one run. Blocking, and not to be shared by threads.

    ``at_a_time`` questions are under way at once, each for at most ``within_s``. ``look`` is called all along, and may
    raise to stop. Where no worker takes questions for ``alone_s`` it gives up; ``None`` is for who has a worker of its
    own, and sees by itself whether that lives. A question that was answered is not asked again. ``usage`` sums what all
    answers cost, and ``models`` are those that gave one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        tenant: str = "default",
        at_a_time: int = 4,
        within_s: float = 60.0,
        alone_s: float | None = ALONE_S,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        if settings.redis_url is None:
            raise InvalidSettings("REDIS_URL", "is not set; name the Redis that the workers use")
        if at_a_time < 1 or not 0 < within_s <= MAX_WITHIN_S:
            raise InvalidInput(
                "within_s", f"takes up to {MAX_WITHIN_S:g} s, for one question at a time or more"
            )
        self._redis = connect(settings.redis_url.get_secret_value())
        self._desk = Desk(self._redis, queue_for(JUDGE_QUEUE))
        self._app = make_app(settings)
        self._tenant = tenant
        self._at_a_time = at_a_time
        self._within_s = within_s
        self._alone_s = inf if alone_s is None else alone_s
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

        A reply's opinion is of its question's kind, or a ``Silence``. All that are left are silent where nobody has
        answered anything for as long as one question may take, where no worker takes any, and where the first finds no
        place. Raises what ``look`` does, and nothing of its own.
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
        patience_s = self._within_s + GRACE_S
        first = True
        heard_at = served_at = time.monotonic()
        while waiting or under_way:
            desk = self._seen()
            for _ in range(min(len(waiting), self._at_a_time - len(under_way), desk.room)):
                question = waiting.popleft()
                under_way[self._sent(question)] = question, time.monotonic() + patience_s
            answered = self._answers(list(under_way))
            now = time.monotonic()
            late = {
                name: self._silent("deadline", _LATE)
                for name, (_, until) in under_way.items()
                if now >= until
            }
            for name, reply in (late | answered).items():
                question, _ = under_way.pop(name)
                yield question, self._counted(question, reply)
            heard_at = now if answered else heard_at
            served_at = now if answered or desk.served or not desk.waiting else served_at
            end: tuple[Why, str] | None = None
            if first and not under_way and not desk.room:
                end = "queue_full", _FULL
            elif now - served_at >= self._alone_s:
                end = "no_worker", _NO_WORKER
            elif now - heard_at >= patience_s:
                end = "deadline", _NOBODY
            if end is not None:
                left = [*(question for question, _ in under_way.values()), *waiting]
                yield from ((question, self._silent(*end)) for question in left)
                return
            first = False
            self._look()
            if not answered:
                time.sleep(LOOK_S)

    def _seen(self) -> Seen:
        """The judge's desk. During an outage nothing is known, and the next question finds that out."""
        try:
            return self._desk.look()
        except StoreUnavailable:
            return Seen(served=True, waiting=0)

    def _sent(self, question: Question) -> str:
        """Send a question; returns its id. One that cannot be sent is under way all the same, until it is late."""
        task_id = question_id(self._tenant, 0)
        try:
            now_ms = time_ms(self._redis)
            task_id = question_id(self._tenant, now_ms)
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

    def _silent(self, why: Why, detail: str) -> JudgeReply:
        said = f"{detail}; {self._problem}" if self._problem else detail
        return JudgeReply(opinion=Silence(why=why, detail=said))


def _read(raw: str) -> JudgeReply:
    try:
        return JudgeReply.from_wire(json.dumps(json.loads(raw)["result"]))
    except (ValidationError, ValueError, TypeError, KeyError, RecursionError):
        return _UNREADABLE
