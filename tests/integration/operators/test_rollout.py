"""A staged rollout on real workers: a failing canary goes back by itself, a good one goes on, a kill loses no count."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import pytest
import redis
from typer.testing import CliRunner

from orchestrator import rolling
from orchestrator.cli.main import app
from orchestrator.client import Client, new_task_id
from orchestrator.contracts import Result
from orchestrator.contracts.events import Event, JobEnd, RolloutMoved, parse_event
from orchestrator.contracts.rollout import Stage
from orchestrator.errors import InvalidInput
from orchestrator.rollout.guard import THRESHOLD
from orchestrator.rollout.replay import replay
from orchestrator.rollout.tally import Fold, counted
from orchestrator.routing.modes import draw_for
from orchestrator.store import JobRef, Ledger
from orchestrator.store.rollouts import Rollout, RolloutStore
from orchestrator.switch import set_mode
from tests.integration.conftest import StartWorker, question
from tests.integration.llm.wire import Request, Step
from tests.model_server import Asked, ModelServer, decline
from tests.nodes import wait_for

pytestmark = pytest.mark.integration
Rolled = Callable[..., tuple[int, str]]


class FailsAlone(ModelServer):
    """Fails whoever argues without the thesis: every parallel job, and no other."""

    def steps_for(self, request: Request) -> Sequence[Step]:
        asked = Asked(request)
        return decline(asked) if asked.form == "antithesis_standalone" else super().steps_for(request)


@pytest.fixture(scope="module")
def failing() -> Iterator[FailsAlone]:
    server = FailsAlone()
    yield server
    server.close()


@pytest.fixture
def rollout(redis_url: str, client: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> Rolled:
    """Run ``triptych rollout ...``; gives exit code and output."""
    monkeypatch.setenv("REDIS_URL", redis_url)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["rollout", *words], catch_exceptions=False)
        return done.exit_code, done.output

    return run


def begin(client: redis.Redis, *shares: float, count: int = 4, hold_s: float = 0.0) -> Rollout:
    spec = rolling.new_spec(
        from_mode="sequential",
        to_mode="parallel",
        stages=tuple(Stage(share=share, hold_s=hold_s, count=count) for share in shares),
        margin=0.7,
        slower=10.0,
    )
    return rolling.start(client, spec, who="kim@ops", why="trial")


def loaded(client: redis.Redis) -> Rollout:
    stands = RolloutStore(client).load()
    assert stands is not None
    return stands


def drawn(*, canary: bool, share: float = 50.0) -> str:
    while True:
        task_id = new_task_id()
        if (draw_for("default", task_id) < share) is canary:
            return task_id


def answer(producer: Client, *, canary: bool) -> Result:
    spec = question(task_id=drawn(canary=canary), complexity=1.0)
    return producer.wait(producer.submit(spec).ref)


def ledger(client: redis.Redis) -> list[Event]:
    return [parse_event(raw, at_ms=int(entry.partition("-")[0])) for entry, raw in Ledger(client).all()]


def borne_out(client: redis.Redis, rollout_id: str) -> bool:
    """Whether tallies and moves follow from the ledger alone."""
    events = ledger(client)
    fold = Fold(rollout_id)
    fold.add(events)
    ends = [e for e in events if isinstance(e, JobEnd) and counted(e)]
    assert len({end.event_id for end in ends}) == len(ends) == loaded(client).counted
    assert fold.tallies == loaded(client).tallies
    return all(each.same for each in replay(events, rollout_id))


def test_a_failing_canary_is_rolled_back_within_few_jobs_though_the_rollout_is_paused(
    client: redis.Redis, producer: Client, start_worker: StartWorker, failing: FailsAlone, rollout: Rolled
) -> None:
    start_worker(**failing.environment())
    stands = begin(client, 50.0, 100.0, hold_s=3_600)
    rolling.ask(client, "pause", who="lee@ops", why="lunch")
    under_way = producer.submit(question(task_id=drawn(canary=True), complexity=1.0)).ref
    results = [answer(producer, canary=True) for _ in range(4)]
    assert {(result.mode, result.status) for result in results} == {("parallel", "degraded")}
    assert results[0].plan is not None
    assert results[0].plan.assignment is not None
    assert results[0].plan.assignment.rollout == stands.spec.id
    producer.wait(under_way)
    wait_for("the rollback", lambda: loaded(client).status.phase == "rolled_back", timeout_s=10)
    again = loaded(client)
    assert again.tallies[50.0].canary.failures == 5, "five at 50 % are what it takes"
    assert answer(producer, canary=True).mode == "sequential", "the next plan sees it"
    assert loaded(client).counted == 5, "what is assigned after the end is counted for nothing"
    moves = [e for e in ledger(client) if isinstance(e, RolloutMoved)]
    assert [(e.move, e.who) for e in moves] == [("pause", "lee@ops"), ("roll_back", "triptych")]
    assert moves[-1].evidence >= THRESHOLD
    assert borne_out(client, stands.spec.id)
    code, shown = rollout("status")
    assert code == 1
    assert "rolled back, 0 % of the eligible jobs run parallel" in shown
    assert "5 parallel and 0 sequential jobs failed" in shown
    code, shown = rollout("start", "--why", "mended")
    assert (code, "running, 5 %" in shown) == (0, True), "a person starts another"


def test_a_good_one_goes_through_the_stages_and_a_killed_worker_loses_no_count(
    client: redis.Redis, producer: Client, start_worker: StartWorker
) -> None:
    first, _ = start_worker(), start_worker()
    stands = begin(client, 50.0, 100.0)
    refs: list[JobRef] = []

    def submit(jobs: int) -> None:
        for number in range(jobs):
            task_id = drawn(canary=number % 2 == 0)
            refs.append(producer.submit(question(task_id=task_id, complexity=1.0)).ref)

    submit(12)
    producer.wait(refs[0])
    first.kill()
    for ref in refs:
        producer.wait(ref)
    wait_for("the second stage", lambda: loaded(client).status.stage == 1)
    submit(5)
    assert {producer.wait(ref).mode for ref in refs[12:]} == {"parallel"}, "the next plan sees the new share"
    wait_for("the end", lambda: loaded(client).status.phase == "complete")
    done = loaded(client)
    assert {share: both.canary.jobs + both.control.jobs for share, both in done.tallies.items()} == {
        50: 12,
        100: 5,
    }
    assert borne_out(client, stands.spec.id)
    moves = [e.move for e in ledger(client) if isinstance(e, RolloutMoved)]
    assert moves == ["advance", "complete"]
    assert answer(producer, canary=False).mode == "parallel", "what it came to stays in force"


def test_the_switch_stands_above_it(client: redis.Redis, producer: Client, start_worker: StartWorker) -> None:
    start_worker()
    begin(client, 100.0)
    set_mode(client, "sequential", who="kim", why="incident 12")
    result = answer(producer, canary=True)
    assert (result.mode, loaded(client).counted) == ("sequential", 0)


def test_the_commands(client: redis.Redis, rollout: Rolled) -> None:
    code, shown = rollout("status")
    assert (code, "no rollout" in shown) == (0, True)
    code, shown = rollout("start", "--why", "trial", "--who", "kim@ops", "--hold", "90s", "--margin", "5%")
    assert code == 0
    assert "sequential -> parallel: running, 5 % of the eligible jobs run parallel" in shown
    assert "E = 1; rolls back at 20" in shown
    assert "60 of 60 parallel jobs at 5 %" in shown
    assert "by kim@ops: trial" in shown
    assert "paused, 5 %" in rollout("pause", "--why", "lunch")[1]
    assert "running, 25 %" in rollout("promote", "--why", "in a hurry")[1]
    set_mode(client, "sequential", who="kim", why="incident 12")
    assert "No job is assigned: all new jobs run sequential" in rollout("status")[1]
    code, shown = rollout("status", "--json")
    said = json.loads(shown)
    assert (said["share"], said["status"]["stage"], said["evidence"], said["threshold"]) == (
        25.0,
        1,
        1.0,
        20.0,
    )
    assert (said["spec"]["margin"], said["spec"]["stages"][0]["hold_s"]) == (0.05, 90.0)
    assert [event["event"] for event in said["history"]] == ["rollout_started", *["rollout_moved"] * 2]
    assert said["waits"]
    assert rollout("abort", "--why", "enough")[0] == 0
    assert rollout("status", "--watch")[0] == 1
    code, shown = rollout("clear")
    assert (code, "no rollout" in shown) == (0, True)
    assert json.loads(rollout("status", "--json")[1])["rollout"] is None


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["start"], "--why: is empty"),
        (["start", "--why", "x", "--stages", "25,5"], "do not rise"),
        (["start", "--why", "x", "--stages", "a,b"], "--stages"),
        (["start", "--why", "x", "--stages", "0"], "share"),
        (["start", "--why", "x", "--hold", "soon"], "--hold"),
        (["start", "--why", "x", "--margin", "lots"], "--margin"),
        (["start", "--why", "x", "--to", "sideways"], "--to: 'sideways' is no mode"),
        (["start", "--why", "x", "--to", "single"], "--to: 'single' is no mode to move traffic to"),
        (["start", "--why", "x", "--to", "sequential"], "goes from a mode to itself"),
        (["pause"], "there is none"),
    ],
)
def test_what_is_refused_says_what_to_do(
    client: redis.Redis, redis_url: str, monkeypatch: pytest.MonkeyPatch, words: list[str], problem: str
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    done = CliRunner().invoke(app, ["rollout", *words])
    assert isinstance(done.exception, InvalidInput)
    assert problem in str(done.exception)
    assert RolloutStore(client).load() is None
