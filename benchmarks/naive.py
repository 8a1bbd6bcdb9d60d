"""The naive chord, as Celery's manual shows it: default settings, results in the backend, ``.get()``.

``celery --app benchmarks.naive worker`` runs it; ``NAIVE_URL`` names the Redis.
"""

from __future__ import annotations

import os
import time

from celery import Celery, chord
from celery.result import AsyncResult

URL = "NAIVE_URL"


def make_app(url: str) -> Celery:
    """An application with nothing configured but where Redis is."""
    return Celery("naive", broker=url, backend=url, set_as_current=False)


def send(app: Celery, seconds: tuple[float, float, float]) -> AsyncResult[float]:
    """Send one job: both personas, then the synthesis, whose result is when it ended (epoch s)."""
    thesis, antithesis, synthesis = seconds
    header = [app.signature("naive.persona", (s,)) for s in (thesis, antithesis)]
    return chord(header, app=app)(app.signature("naive.synthesis", kwargs={"seconds": synthesis}))


app = make_app(os.environ.get(URL, ""))


@app.task(name="naive.persona")
def persona(seconds: float) -> str:
    """Thesis and antithesis."""
    time.sleep(seconds)
    return ""


@app.task(name="naive.synthesis")
def synthesis(_said: list[str], seconds: float) -> float:
    """The callback: it gets what both said."""
    time.sleep(seconds)
    return time.time()
