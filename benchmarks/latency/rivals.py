"""What users would pick instead, on the same endpoint: a ThreadPoolExecutor, a naive Celery chord, LangGraph.

Each argues in the shape of ``parallel`` (thesis and antithesis at once, then the synthesis) with plain HTTP calls:
no retrieval, no evidence, no record, nothing that survives a crash. ``celery --app benchmarks.latency.rivals`` is the
chord's worker; ``RIVAL_URL`` names its Redis.
"""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from celery import chord

from benchmarks.latency.answering import role_of
from benchmarks.latency.arms import Rival
from benchmarks.latency.fleet import PATIENCE_S, Sample
from benchmarks.latency.world import Job
from benchmarks.naive import make_app
from benchmarks.processes import Worker

URL = "RIVAL_URL"
THREADS = 200
THESIS, ANTITHESIS, SYNTHESIS = "thesis", "antithesis_standalone", "synthesis"


def ask(model_url: str, text: str, form: str, said: str = "") -> str:
    """One call, not streamed, as a first version of such a program makes it."""
    prompt = f"{text}\n\n{said}\n\n{role_of(form)}\n"
    body = {"model": "simulated", "messages": [{"role": "user", "content": prompt}]}
    request = urllib.request.Request(  # noqa: S310 - our own endpoint on this machine
        f"{model_url}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310 - see above
        return str(json.load(answer)["choices"][0]["message"]["content"])


def in_threads(model_url: str, text: str) -> None:
    """Both sides in a pool, then the synthesis."""
    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda form: ask(model_url, text, form), (THESIS, ANTITHESIS)))
    ask(model_url, text, SYNTHESIS, "\n".join(said))


app = make_app(os.environ.get(URL, ""))


@app.task(name="rivals.persona")
def persona(model_url: str, text: str, form: str) -> str:
    """Thesis and antithesis."""
    return ask(model_url, text, form)


@app.task(name="rivals.synthesis")
def synthesis(said: list[str], model_url: str, text: str) -> str:
    """The callback: it gets what both said."""
    return ask(model_url, text, SYNTHESIS, "\n".join(said))


_own = threading.local()
"""A Celery application waits for results on one connection: a thread that waits has its own."""


def in_chord(url: str, model_url: str, text: str) -> None:
    """``chord(header)(callback).get()``."""
    if not hasattr(_own, "app"):
        _own.app = make_app(url)
    header = [_own.app.signature("rivals.persona", (model_url, text, form)) for form in (THESIS, ANTITHESIS)]
    last = _own.app.signature("rivals.synthesis", (model_url, text))
    chord(header, app=_own.app)(last).get(timeout=PATIENCE_S)


def chord_worker(url: str, folder: Path) -> Worker:
    """The chord's one worker, with as many threads as jobs may need."""
    options = ["worker", "--pool", "threads", "--concurrency", str(THREADS)]
    command = ["-m", "celery", "--app", "benchmarks.latency.rivals", *options]
    return Worker("rival", command, folder=folder, env={URL: url})


@cache
def _graph() -> Any:  # noqa: ANN401 - a compiled graph of a package that need not be there
    from langgraph.graph import END, START, StateGraph  # noqa: PLC0415 - not installed everywhere

    def node(form: str) -> Callable[[dict[str, str]], dict[str, str]]:
        def run(state: dict[str, str]) -> dict[str, str]:
            said = f"{state.get(THESIS, '')}\n{state.get(ANTITHESIS, '')}" if form == SYNTHESIS else ""
            return {form: ask(state["model_url"], state["text"], form, said)}

        return run

    keys = ("model_url", "text", THESIS, ANTITHESIS, SYNTHESIS)
    graph = StateGraph(TypedDict("State", dict.fromkeys(keys, str), total=False))  # type: ignore[operator]  # by value
    for form in (THESIS, ANTITHESIS, SYNTHESIS):
        graph.add_node(f"ask_{form}", node(form))
    graph.add_edge(START, f"ask_{THESIS}")
    graph.add_edge(START, f"ask_{ANTITHESIS}")
    graph.add_edge([f"ask_{THESIS}", f"ask_{ANTITHESIS}"], f"ask_{SYNTHESIS}")
    graph.add_edge(f"ask_{SYNTHESIS}", END)
    return graph.compile()


def in_graph(model_url: str, text: str) -> None:
    """Invoke the graph."""
    _graph().invoke({"model_url": model_url, "text": text})


async def run(rival: Rival, job: Job, sample: Sample, *, model_url: str, url: str, scale: float) -> Sample:
    """One job of a rival, on a thread that nobody has to wait for."""
    body: dict[Rival, Callable[[], None]] = {
        "threads": lambda: in_threads(model_url, job.to_text()),
        "chord": lambda: in_chord(url, model_url, job.to_text()),
        "langgraph": lambda: in_graph(model_url, job.to_text()),
    }
    began = time.time()
    problem = await _on_a_thread(body[rival])
    if problem is not None:
        return replace(sample, total_s=PATIENCE_S, status="lost", reasons=(problem,))
    return replace(sample, total_s=(time.time() - began) * scale)


async def _on_a_thread(body: Callable[[], None]) -> str | None:
    """Run it; returns what went wrong. A daemon thread: an interrupted benchmark does not wait for its call."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str | None] = loop.create_future()

    def ended(problem: str | None) -> None:
        if not done.done():
            done.set_result(problem)

    def work() -> None:
        problem = None
        try:
            body()
        except Exception as error:  # noqa: BLE001 - whatever it was, the job is lost and says so
            problem = f"{type(error).__name__}: {error}"
        if not loop.is_closed():
            loop.call_soon_threadsafe(ended, problem)

    threading.Thread(target=work, daemon=True).start()
    return await done
