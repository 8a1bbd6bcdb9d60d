"""Words, sentences, numbers, negation and language of a text: pure functions for any script, Korean included.

Retrieval, the gate and the extractive engine read texts through these, so that they agree on what a word is.
"""

from orchestrator.language.detect import detect_language
from orchestrator.language.locate import Haystack, edged, locate
from orchestrator.language.negation import Negation, negated, negations
from orchestrator.language.normalise import Folded, fold, normalise
from orchestrator.language.numbers import Quantity, quantities
from orchestrator.language.opposites import contraries
from orchestrator.language.sentences import Span, sentences
from orchestrator.language.words import Word, content_words, lexed, search_terms, words

__all__ = [
    "Folded",
    "Haystack",
    "Negation",
    "Quantity",
    "Span",
    "Word",
    "content_words",
    "contraries",
    "detect_language",
    "edged",
    "fold",
    "lexed",
    "locate",
    "negated",
    "negations",
    "normalise",
    "quantities",
    "search_terms",
    "sentences",
    "words",
]
