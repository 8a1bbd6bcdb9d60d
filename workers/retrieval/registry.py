"""Which retriever there is: the shared folder, or what an installed package registers and ``TRIPTYCH_RETRIEVER`` names.

Nothing is imported that was not named.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import TypeVar

import structlog

from orchestrator.corpus import CorpusInfo, Hit
from orchestrator.errors import InvalidSettings, RetrieverFailed, TriptychError
from orchestrator.settings import FOLDER, Settings
from workers.retrieval.folder import Folder
from workers.retrieval.protocol import MakeRetriever, Retriever
from workers.telemetry import whereabouts

GROUP = "triptych.retrievers"
_VARIABLE = "TRIPTYCH_RETRIEVER"
T = TypeVar("T")

log = structlog.get_logger(__name__)


def retriever_for(settings: Settings) -> Retriever:
    """The retriever of this deployment. Raises ``InvalidSettings`` where none, or more than one, has its name."""
    name = settings.retriever
    if name == FOLDER:
        return Folder(settings.home)
    found = entry_points(group=GROUP, name=name)
    if len(found) != 1:
        known = ", ".join(sorted({FOLDER, *(each.name for each in entry_points(group=GROUP))}))
        how_many = "no installed package" if not found else "more than one installed package"
        raise InvalidSettings(_VARIABLE, f"{how_many} registers {name!r} under {GROUP}; there are: {known}")
    (entry,) = found
    try:
        make: MakeRetriever = entry.load()
        return Guarded(name, make(settings))
    except TriptychError:
        raise
    except Exception as error:
        raise InvalidSettings(
            _VARIABLE, f"{name} ({entry.value}) cannot be used: {type(error).__name__}: {str(error)[:200]}"
        ) from error


class Guarded:
    """Somebody else's retriever: held to its bounds, and its failures are named as its own."""

    def __init__(self, name: str, inner: Retriever) -> None:
        self._name = name
        self._inner = inner

    def search(self, corpus: str, queries: Sequence[str], limit: int) -> Sequence[Hit]:
        """See ``Retriever``. Raises ``RetrieverFailed``."""
        return self._ask(lambda: tuple(self._inner.search(corpus, queries, limit))[:limit])

    def language(self, corpus: str) -> str:
        """See ``Retriever``. Raises ``RetrieverFailed``."""
        return self._ask(lambda: self._inner.language(corpus))

    def corpora(self) -> Sequence[CorpusInfo]:
        """See ``Retriever``. Raises ``RetrieverFailed``."""
        return self._ask(lambda: tuple(self._inner.corpora()))

    def _ask(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except TriptychError:
            raise
        except Exception as error:
            # Its text may quote a document, so it is not logged.
            log.error(  # noqa: TRY400 - see above
                "retriever_failed", retriever=self._name, error=type(error).__name__, at=whereabouts(error)
            )
            raise RetrieverFailed(
                f"the retriever {self._name} failed ({type(error).__name__}); the worker's log says where"
            ) from error
