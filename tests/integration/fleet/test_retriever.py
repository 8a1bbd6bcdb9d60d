"""Corpora that are somewhere else than in the shared folder: a retriever that an installed package registers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.client import Client
from orchestrator.contracts import Inputs
from tests.integration.conftest import StartWorker, Triptych, question
from tests.nodes import ROOT

pytestmark = pytest.mark.integration

ACME = """
from orchestrator.contracts import Passage
from orchestrator.corpus import CorpusInfo, rank_passages
from orchestrator.errors import InvalidInput

TEXTS = {
    "acme-1": "The event queue reduced the order delay from 9 hours to 4 minutes in the pilot.",
    "acme-2": "However, the event queue needs an operator on call, which the team does not have.",
}


class Acme:
    def __init__(self, settings):
        self.passages = [Passage(id=name, source=f"acme://{name}", text=text) for name, text in TEXTS.items()]

    def search(self, corpus, queries, limit):
        if corpus == "broken":
            raise ConnectionError("acme.internal does not answer: secret-text")
        if corpus != "pilot":
            raise InvalidInput("corpus", f"Acme has no {corpus!r}")
        return rank_passages(self.passages, queries, limit)

    def language(self, corpus):
        return "en"

    def corpora(self):
        return [CorpusInfo("pilot", documents=2, passages=2)]
"""


@pytest.fixture
def acme(tmp_path: Path, start_worker: StartWorker) -> Callable[..., object]:
    """Start a worker where the package is installed."""
    site = tmp_path / "site"
    info = site / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "acme.py").write_text(ACME)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[triptych.retrievers]\nacme = acme:Acme\nbent = acme:Nothing\n")

    def start(name: str = "acme", **options: object) -> object:
        return start_worker(PYTHONPATH=f"{site}:{ROOT}", TRIPTYCH_RETRIEVER=name, **options)

    return start


def test_a_job_names_a_corpus_of_a_registered_retriever(
    acme: Callable[..., object], producer: Client, triptych: Triptych
) -> None:
    acme()
    result = producer.wait(producer.submit(question(inputs=Inputs(corpus="pilot"))).ref, within_s=60)
    assert result.status == "complete", result.reasons
    assert {passage.source for passage in result.passages} == {"acme://acme-1", "acme://acme-2"}

    missing = producer.wait(producer.submit(question(inputs=Inputs(corpus="other"))).ref, within_s=60)
    assert [(r.code, r.detail) for r in missing.reasons] == [("plan_failed", "corpus: Acme has no 'other'")]

    broken = producer.wait(producer.submit(question(inputs=Inputs(corpus="broken"))).ref, within_s=60)
    (reason,) = broken.reasons
    assert reason.code == "plan_failed"
    assert reason.detail.startswith("the retriever acme failed (ConnectionError)")
    assert "secret-text" not in reason.detail

    found = {f["check"]: f for f in json.loads(triptych("doctor", "--json").stdout)["findings"]}
    assert found["corpus pilot"]["level"] == "ok"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "nobody",
            "no installed package registers 'nobody' under triptych.retrievers; there are: acme, bent, folder",
        ),
        ("bent", "bent (acme:Nothing) cannot be used: AttributeError"),
    ],
)
def test_a_retriever_that_cannot_be_used_is_said_before_anything_is_consumed(
    acme, name: str, says: str
) -> None:
    node = acme(name, ready=False)
    assert node.wait() == 2
    assert f"triptych worker: TRIPTYCH_RETRIEVER: {says}" in node.logs()
    assert "Traceback" not in node.logs()


def test_a_producer_names_its_corpora_and_indexes_no_files_beside_them(triptych: Triptych) -> None:
    docs = str(ROOT / "examples" / "queue-migration")
    refused = triptych("submit", "Should we move?", "--docs", docs, TRIPTYCH_RETRIEVER="acme")
    assert refused.returncode == 2
    assert "name one of its corpora" in refused.stderr
    named = triptych("submit", "Should we move?", "--corpus", "pilot", "--json", TRIPTYCH_RETRIEVER="acme")
    assert json.loads(named.stdout)["created"] is True
