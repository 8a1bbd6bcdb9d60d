"""``auto`` on real workers: what it was taught, and the slots that are free, decide whether a job is pipelined."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import redis

from orchestrator.client import Client, new_task_id
from orchestrator.contracts import Result
from orchestrator.experiment import Margins, compare
from orchestrator.lessons import lessons
from orchestrator.routing.modes import lot_for
from orchestrator.store import keys
from tests.integration.conftest import StartWorker, Triptych, question
from tests.nodes import wait_for
from tests.unit.experiment.runs import REFERENCE, arm, goals, trial

pytestmark = pytest.mark.integration

PIPELINED = arm("pipelined", "pipelined")
EXTRACTIVE = ("extractive",) * 3


def report(folder: Path, *, count: int = 150, slower: bool = False) -> str:
    """What a comparison of pipelined with sequential, on the extractive engine, has written."""
    runs = [
        trial(f"g{n}", each, configured=EXTRACTIVE, latency_s=30.0 if slower and each is PIPELINED else 20.0)
        for n in range(count)
        for each in (REFERENCE, PIPELINED)
    ]
    found = compare(goals(count), (REFERENCE, PIPELINED), runs, margins=Margins(), seed=1, resamples=50)
    path = folder / "report.json"
    path.write_text(found.model_dump_json())
    return str(path)


def answered(producer: Client) -> Result:
    return producer.wait(producer.submit(question(complexity=6.0)).ref)


def unmet(result: Result) -> list[tuple[str, str]]:
    assert result.plan is not None
    return [(each.code, each.detail) for each in result.plan.considered if not each.met]


def test_a_taught_fleet_runs_claim_by_claim_where_it_has_the_slots(
    client: redis.Redis, producer: Client, start_worker: StartWorker, triptych: Triptych, tmp_path: Path
) -> None:
    start_worker("--concurrency", "2", TRIPTYCH_PARALLEL_SHARE="100")
    untaught = answered(producer)
    assert (untaught.mode, [code for code, _ in unmet(untaught)]) == ("sequential", ["allowed"])

    taught = triptych(
        "route", "learn", report(tmp_path), "--candidate", "pipelined", "--apply", "--why", "May"
    )
    assert taught.returncode == 0, taught.stderr
    assert "pipelined below 10 on extractive, from 150 goals of a comparison" in taught.stdout
    small = answered(producer)
    assert (small.mode, unmet(small)) == ("sequential", [("slots", "2 of 2 slots are free, it takes 3")])
    assert small.mode_reason.endswith("Not claim by claim: 2 of 2 slots are free, it takes 3")

    start_worker("--concurrency", "4", TRIPTYCH_PARALLEL_SHARE="100")
    wait_for("the second worker's slots", lambda: client.hlen(keys.SLOTS) == 2)
    large = answered(producer)
    assert (large.mode, large.status) == ("pipelined", "complete")
    assert "6 of 6 slots are free" in large.mode_reason
    assert large.plan is not None
    assert large.plan.models == EXTRACTIVE

    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.md").write_text(
        "".join(f"# {n}\n\nThe event queue costs {n} EUR a month.\n\n" for n in range(9))
    )
    told = triptych(
        "route", "explain", "What does the event queue cost a month?", "--docs", str(docs), "--json",
        TRIPTYCH_MODEL="extractive", TRIPTYCH_PARALLEL_SHARE="100",
    )  # fmt: skip
    said = json.loads(told.stdout)
    assert [each["code"] for each in said["considered"]][-1] == "slots"
    assert said["learned"][0]["jobs"] == 150
    assert client.scard(keys.IN_PARTS) <= 1, "to explain takes no slots"


@pytest.mark.parametrize(
    ("count", "slower", "code", "said"),
    [(40, False, 3, "takes 49: 9 more"), (150, True, 2, "does not show pipelined better than sequential")],
)
def test_what_a_comparison_does_not_show_is_not_taught(
    client: redis.Redis,
    triptych: Triptych,
    tmp_path: Path,
    count: int,
    slower: bool,
    code: int,
    said: str,
) -> None:
    path = report(tmp_path, count=count, slower=slower)
    done = triptych("route", "learn", path, "--candidate", "pipelined", "--apply", "--why", "May")
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert client.exists(keys.LESSONS) == 0


def test_jobs_that_were_assigned_at_random_are_what_is_learned_from_live(
    producer: Client, start_worker: StartWorker, triptych: Triptych
) -> None:
    start_worker(TRIPTYCH_AUTO_EXPLORE="100")
    ids = [new_task_id() for _ in range(100)]
    faster = [name for name in ids if lot_for("default", name) < 50][:7]
    slower = [name for name in ids if lot_for("default", name) >= 50][:2]
    refs = [producer.submit(question(task_id=name, complexity=9.0)).ref for name in faster + slower]
    asked = producer.submit(question(mode="parallel")).ref
    assert [producer.wait(ref).mode for ref in refs] == ["parallel"] * 7 + ["sequential"] * 2
    assert producer.wait(asked).status == "complete"

    done = triptych("route", "learn", "--live")
    assert done.returncode == 3
    assert "7 jobs that were assigned at random ran parallel and 2 sequential" in done.stdout
    assert "takes 234 of the former, none of them lost: 227 more" in done.stdout

    taught = triptych("route", "learn", "--live", "--risk", "0.5", "--apply", "--why", "a trial", "--json")
    lesson = lessons(producer.redis, EXTRACTIVE)["parallel"]
    assert json.loads(taught.stdout) == lesson.model_dump(mode="json")
    assert (lesson.source, lesson.jobs, lesson.lost, lesson.boundary) == ("live", 9, 0, 10.0)
