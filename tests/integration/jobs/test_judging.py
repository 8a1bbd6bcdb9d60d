"""The judge of a real fleet: a question goes to a worker and its model, and an answer or a silence comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from orchestrator import judging
from orchestrator.broker import JUDGE_QUEUE, queue_for
from orchestrator.contracts.judging import (
    JudgeReply,
    PairQuestion,
    Preference,
    Question,
    ShownQuote,
    Silence,
    Support,
    SupportQuestion,
)
from orchestrator.judging import JudgeClient
from orchestrator.settings import Settings
from orchestrator.store import JobStore
from tests.integration.jobs.conftest import CANARY, House
from tests.model_server import ModelServer, cut, decline, refuses, says, stall
from tests.nodes import wait_for

pytestmark = pytest.mark.integration
SECRET = "Nightingale"


def support(claim: str = "It fell.") -> SupportQuestion:
    return SupportQuestion(claim=claim, quotes=(ShownQuote(quote=f"{SECRET}: it fell."),))


PAIR = PairQuestion(goal="Move?", first="Yes.", second="No.")


@pytest.fixture
def judge(house: House) -> Iterator[JudgeClient]:
    with JudgeClient(house.client.settings, at_a_time=3) as client:
        yield client


def asked(judge: JudgeClient, *questions: Question) -> list[JudgeReply]:
    found = dict(judge.ask(questions))
    assert sorted(found) == list(range(len(questions)))
    return [found[number] for number in range(len(questions))]


def test_each_question_is_answered_in_its_kind_once_and_at_its_price(
    judge: JudgeClient, model: ModelServer
) -> None:
    model.script("support", says('{"verdict": "refuted", "reason": "It rose."}'))
    first = asked(judge, support())
    again = asked(judge, PAIR, support(), support("It rose."), PAIR)
    assert [reply.opinion for reply in (*first, *again)] == [
        Support(verdict="refuted", reason="It rose."),
        Preference(better="tie", reason="Both say the same."),
        Support(verdict="refuted", reason="It rose."),
        Support(verdict="supported", reason="The quote says so."),
        Preference(better="tie", reason="Both say the same."),
    ]  # fmt: skip
    assert len(model.asked) == 3
    assert judge.usage == model.told()
    assert list(judge.models) == ["openai:test"]


def test_what_goes_wrong_is_a_silence_and_leaves_the_others_their_answers(
    judge: JudgeClient, model: ModelServer, house: House
) -> None:
    with JudgeClient(house.client.settings, at_a_time=1, within_s=2.0) as judge:
        model.script("support", says("supported"), cut, decline, refuses(401), stall)
        replies = asked(judge, *(support(f"Claim {number}.") for number in range(6)))
    assert [reply.opinion.why for reply in replies if isinstance(reply.opinion, Silence)] == [
        "unparseable", "truncated", "model_refused", "auth", "deadline",
    ]  # fmt: skip
    assert replies[-1].opinion == Support(verdict="supported", reason="The quote says so.")
    assert judge.usage.tokens >= model.told().tokens > 0
    assert CANARY not in "".join(reply.to_wire() for reply in replies)


def test_those_who_watch_see_neither_question_nor_answer(judge: JudgeClient, house: House) -> None:
    asked(judge, support())
    redis = house.client.redis
    wait_for("the log", lambda: "triptych.judge" in house.worker.logs())
    assert SECRET not in house.worker.logs()
    assert "The quote says so." not in house.worker.logs()
    assert list(redis.scan_iter("celery-task-meta-judge.*")) == [], "an answer that was fetched is gone"
    assert JobStore(redis).queue_length(queue_for(JUDGE_QUEUE)) == 0


def test_nobody_waits_for_ever_where_no_worker_is(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "GRACE_S", 0.2)
    with JudgeClient(settings, at_a_time=2, within_s=0.2) as judge:
        replies = asked(judge, *(support(f"Claim {number}.") for number in range(500)))
    assert {type(reply.opinion) for reply in replies} == {Silence}
    last = replies[-1].opinion
    assert isinstance(last, Silence)
    assert "triptych worker --queues judge" in last.detail


def test_a_question_that_nobody_waits_for_any_more_is_not_paid_for(
    house: House, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "GRACE_S", 0.2)
    with JudgeClient(house.client.settings, within_s=0.0001) as hasty:
        (reply,) = asked(hasty, support())
    assert isinstance(reply.opinion, Silence)
    left = JobStore(house.client.redis)
    wait_for("it to be dropped", lambda: left.queue_length(queue_for(JUDGE_QUEUE)) == 0)
    assert model.asked == []


def test_stopping_ends_the_wait(house: House, model: ModelServer) -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with JudgeClient(house.client.settings, look=stop) as judge, pytest.raises(KeyboardInterrupt):
        list(judge.ask([support("Before the end.")]))


def test_a_reply_that_is_none_is_a_silence(judge: JudgeClient, house: House) -> None:
    name = f"judge.default.{'0' * 32}"
    results: tuple[object, ...] = (None, [], {"opinion": {"kind": "support", "verdict": "mostly"}})
    for result in results:
        house.client.redis.set(
            f"celery-task-meta-{name}", json.dumps({"status": "SUCCESS", "result": result})
        )
        (reply,) = judge._answers([name]).values()
        assert isinstance(reply.opinion, Silence)
