"""Which corpora there are to ask about."""

from __future__ import annotations

from fastapi import APIRouter

from orchestrator.api.deployment import Deployed, Operating
from orchestrator.contracts.base import Frozen
from orchestrator.corpus import Corpus
from orchestrator.settings import FOLDER


class CorpusView(Frozen):
    """A corpus. ``problem`` says why it cannot be read, where it cannot."""

    name: str
    documents: int
    passages: int
    problem: str = ""


class Corpora(Frozen):
    """The corpora under TRIPTYCH_HOME of this machine; none where a retriever searches them elsewhere."""

    corpora: tuple[CorpusView, ...]


def router() -> APIRouter:
    """Make the route."""
    routes = APIRouter(tags=["corpora"])

    @routes.get("/corpora")
    def list_corpora(deployment: Deployed, _: Operating) -> Corpora:
        """List the corpora that this machine can see."""
        settings = deployment.settings
        found = Corpus.list(settings.home) if settings.retriever == FOLDER else []
        return Corpora(
            corpora=tuple(
                CorpusView(name=c.name, documents=c.documents, passages=c.passages, problem=c.problem)
                for c in found
            )
        )

    return routes
