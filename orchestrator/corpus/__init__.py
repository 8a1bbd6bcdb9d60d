"""Documents in, passages out: reading files, indexing them as named corpora, and finding what answers a question.

Files and SQLite only; no network, no Redis. The libraries that read PDF, Word and HTML are imported when a document
needs them.
"""

from orchestrator.corpus.chunks import Chunk, chunks
from orchestrator.corpus.corpus import Corpus, CorpusInfo, adhoc_name, check_name, rank_passages
from orchestrator.corpus.document import Block, Document
from orchestrator.corpus.load import load_document
from orchestrator.corpus.search import Hit
from orchestrator.corpus.sync import CorpusStats

__all__ = [
    "Block",
    "Chunk",
    "Corpus",
    "CorpusInfo",
    "CorpusStats",
    "Document",
    "Hit",
    "adhoc_name",
    "check_name",
    "chunks",
    "load_document",
    "rank_passages",
]
