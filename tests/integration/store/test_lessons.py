"""What ``auto`` was taught, kept in a real Redis: untrusted, bounded, and nothing a plan depends on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import redis
from pydantic import SecretStr

from orchestrator.contracts import Complexity, Lesson, Usage
from orchestrator.contracts.events import RouteTaught, parse_event
from orchestrator.errors import InvalidInput
from orchestrator.foresight import Foresight
from orchestrator.lessons import MOST_CHARS, forget, lessons, models_of, teach
from orchestrator.routing.modes import Choice, Policy
from orchestrator.routing.outlook import Terms
from orchestrator.settings import Settings
from orchestrator.settings.limits import Limit
from orchestrator.store import JobRef, Ledger, connect, keys
from orchestrator.store.endpoints import Scope
from orchestrator.store.paces import PaceStore, Seen
from orchestrator.store.room import RoomStore

pytestmark = pytest.mark.integration

MODELS = ("openai:a", "openai:a", "openai:b")
ALL = ("plan", "thesis", "antithesis", "synthesis")


def lesson(**fields: Any) -> Lesson:
    known = {
        "mode": "pipelined", "models": MODELS, "boundary": 7.0, "risk": 0.02, "source": "comparison", "jobs": 120,
        "lost": 1, "who": "ada@ops1", "why": "comparison of May", "since_ms": 0,
    }  # fmt: skip
    return Lesson(**{**known, **fields})


@pytest.fixture
def on_a_fleet(redis_url: str, home: Path) -> Settings:
    return Settings(
        redis_url=SecretStr(redis_url),
        home=home,
        model="openai:a",
        model_synthesis="openai:b",
        parallel_share=100,
    )


def foreseen(client: redis.Redis, settings: Settings, ref: JobRef | None = None, **policy: Any) -> Choice:
    complexity = Complexity(score=6.0, source="caller")
    return Foresight(client, settings).choose(
        "auto", complexity, Policy(share=100, **policy), 0.0, goal="Should we?", passages=6, ref=ref
    )


def test_a_lesson_is_of_its_models_in_their_roles(client: redis.Redis, on_a_fleet: Settings) -> None:
    assert models_of(on_a_fleet) == MODELS
    kept = teach(client, lesson())
    assert kept.since_ms > 0
    assert lessons(client, MODELS) == {"pipelined": kept}
    assert lessons(client, ("openai:b", "openai:a", "openai:a")) == {}


def test_a_taught_mode_is_taken_and_a_forgotten_one_is_not(client: redis.Redis, on_a_fleet: Settings) -> None:
    RoomStore(client).say("one", 20, ALL)
    assert foreseen(client, on_a_fleet).mode == "sequential"
    teach(client, lesson())
    assert foreseen(client, on_a_fleet).mode == "pipelined"
    teach(client, lesson(boundary=6.0))
    assert foreseen(client, on_a_fleet).mode == "sequential"
    assert forget(client, "pipelined", MODELS, who="ada", why="")
    assert not forget(client, "pipelined", MODELS, who="ada", why="")


def test_the_ledger_knows_who_why_and_on_what(client: redis.Redis) -> None:
    kept = teach(client, lesson())
    forget(client, "pipelined", MODELS, who="lee", why="another snapshot")
    events = [parse_event(raw, at_ms=1) for _, raw in Ledger(client).all()]
    told = [(e.who, e.why, e.models, e.lesson) for e in events if isinstance(e, RouteTaught)]
    assert told == [
        ("ada@ops1", "comparison of May", MODELS, kept),
        ("lee", "another snapshot", MODELS, None),
    ]
    with pytest.raises(InvalidInput, match="--why"):
        teach(client, lesson(why=" "))


@pytest.mark.parametrize(
    "raw",
    [
        "{",
        "[" * 2_000,
        json.dumps({"mode": "pipelined"}),
        lesson(mode="parallel").model_dump_json(),
        lesson(models=("openai:z",) * 3).model_dump_json(),
        lesson().model_dump_json().replace("7.0", "99"),
        lesson().model_dump_json()[:-1] + " " * MOST_CHARS + "}",
    ],
)
def test_what_nobody_taught_is_not_believed(client: redis.Redis, on_a_fleet: Settings, raw: str) -> None:
    client.hset(keys.LESSONS, keys.lesson("pipelined", MODELS), raw)
    RoomStore(client).say("one", 20, ALL)
    assert foreseen(client, on_a_fleet).mode == "sequential"


def test_keys_that_hold_something_else_cost_no_plan(client: redis.Redis, on_a_fleet: Settings) -> None:
    for key in (keys.LESSONS, keys.SLOTS, keys.LEARNED, keys.IN_PARTS):
        client.set(key, "something else")
    choice = foreseen(client, on_a_fleet, JobRef("default", "a"), terms=Terms(allowed="on"))
    assert (choice.mode, choice.considered[-1].code, choice.considered[-1].met) == (
        "sequential",
        "slots",
        None,
    )


def test_without_redis_the_plan_is_made_without_foresight(on_a_fleet: Settings, tmp_path: Path) -> None:
    nobody = connect(f"unix://{tmp_path}/nobody", timeout_s=0.1, retries=0)
    assert (
        foreseen(nobody, on_a_fleet, JobRef("default", "a"), terms=Terms(allowed="on")).mode == "sequential"
    )


def test_what_the_fleet_has_learned_of_its_models_decides(client: redis.Redis, on_a_fleet: Settings) -> None:
    RoomStore(client).say("one", 20, ALL)
    slow_to_begin = Seen(8.0, 9.0, Usage(input_tokens=1_500, output_tokens=60, calls=1))
    for step, model in (("thesis", "openai:a"), ("antithesis", "openai:a"), ("synthesis", "openai:b")):
        scope = Scope.of("https://models.test:443/v1", model, Limit())
        for _ in range(20):
            PaceStore(client).learn(scope, step, slow_to_begin)
    choice = foreseen(client, on_a_fleet, terms=Terms(allowed="on"))
    gain = next(each for each in choice.considered if each.code == "gain")
    assert (choice.mode, gain.met) == ("sequential", False)
    assert "(learned)" in gain.detail


@pytest.mark.parametrize("field", ["calls", "input", "w5", "f5"])
@pytest.mark.parametrize("value", ["9" * 400, "-5", "many"])
def test_figures_that_no_call_has_are_not_reckoned_with(
    client: redis.Redis, on_a_fleet: Settings, field: str, value: str
) -> None:
    RoomStore(client).say("one", 20, ALL)
    for step, model in (("thesis", "openai:a"), ("antithesis", "openai:a"), ("synthesis", "openai:b")):
        scope = Scope.of("https://models.test:443/v1", model, Limit())
        now, _ = keys.learned(scope.id, step)
        client.zadd(keys.LEARNED, {f"{scope.id} {step} {model}": 1})
        client.hset(now, mapping={"calls": 50, "f9": 50, "w9": 50, "input": 50, field: value})
    assert foreseen(client, on_a_fleet, terms=Terms(allowed="on")).mode in ("sequential", "pipelined")


def test_an_endpoint_that_takes_two_calls_at_a_time_has_two_slots(
    client: redis.Redis, on_a_fleet: Settings
) -> None:
    RoomStore(client).say("one", 20, ALL)
    limited = on_a_fleet.model_copy(update={"model_limits": "openai concurrency=64; openai:b concurrency=2"})
    choice = foreseen(client, limited, terms=Terms(allowed="on"))
    assert choice.considered[-1].detail == "2 of 2 slots are free, it takes 3"
