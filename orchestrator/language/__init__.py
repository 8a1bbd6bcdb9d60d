"""Words, sentences, numbers, negation and language of a text: pure functions for any script, Korean included.

Retrieval, the gate and the extractive engine read texts through these, so that they agree on what a word is.
"""

from orchestrator.language.detect import detect_language
from orchestrator.language.locate import edged, find_edged, locate
from orchestrator.language.negation import Negation, negated, negations
from orchestrator.language.normalise import Folded, fold, normalise
from orchestrator.language.numbers import Quantity, quantities
from orchestrator.language.sentences import Span, sentences
from orchestrator.language.words import content_words, search_terms, words

__all__ = [
    "Folded",
    "Negation",
    "Quantity",
    "Span",
    "content_words",
    "detect_language",
    "edged",
    "find_edged",
    "fold",
    "locate",
    "negated",
    "negations",
    "normalise",
    "quantities",
    "search_terms",
    "sentences",
    "words",
]
