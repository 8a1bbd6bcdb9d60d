"""How well quotes support a claim's wording, as a number from 0 to 1: at level 2, for what counting words can tell.

A logistic regression on five counts. Its weights were fitted on the development sets of WiCE (oracle chunks) and BEGIN
(wow, cmu), each set and each of the two answers weighing the same; docs/gate.md has how it does, and
``benchmarks.gate.fit`` fits them again. From 0.5 on a claim's wording is covered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from orchestrator.evidence.statement import Evidence, Statement

COVERED = 0.5
_BIAS = -4.95
_CONTENT = 2.96
_CONTAINED = 5.15
_NAME = -0.49
_NUMBER = -0.72
_PERSONAL = -2.04
_MAX_COUNTED = 3
"""Missing names and numbers beyond these say no more."""
# Who speaks of himself, or to somebody, says what no source can say for him.
_PERSONS = frozenset({"i", "me", "my", "we", "us", "our", "you", "your"})


@dataclass(frozen=True)
class Support:
    """What of a claim stands in its quotes. ``content`` and ``contained`` are shares, of content words and of all."""

    content: float
    contained: float
    missing: frozenset[str]
    missing_names: int
    missing_numbers: int
    personal: bool
    judged: int
    """Content words and numbers that were looked for."""

    @property
    def score(self) -> float:
        """The support, 0 to 1."""
        logit = (
            _BIAS
            + _CONTENT * self.content
            + _CONTAINED * self.contained
            + _NAME * min(self.missing_names, _MAX_COUNTED)
            + _NUMBER * min(self.missing_numbers, _MAX_COUNTED)
            + _PERSONAL * self.personal
        )
        return 1 / (1 + math.exp(-logit))


def support(
    statement: Statement, evidence: Evidence, *, missing_names: int, framing: frozenset[str]
) -> Support:
    """Count what of a statement its quotes hold; ``framing`` are content words that need not stand there."""
    words = statement.words
    stated = {form for forms in words.values() for form in forms}
    missing = frozenset(
        form for form in stated - evidence.words if not (len(form) > 1 and form in evidence.run_on)
    )
    framed = missing & framing
    missing -= framed
    numbers = {q.key for q in statement.quantities}
    unknown = len(numbers - evidence.numbers)
    judged = len(stated) - len(framed) + len(numbers)
    there = sum(
        word in evidence.all_words or bool(forms and missing.isdisjoint(forms))
        for word, forms in words.items()
    )
    all_judged = len(words) + len(numbers)
    return Support(
        content=1 - (len(missing) + unknown) / judged if judged else 0.0,
        contained=(there + len(numbers) - unknown) / all_judged if all_judged else 0.0,
        missing=missing,
        missing_names=missing_names,
        missing_numbers=unknown,
        personal=bool(_PERSONS & (words.keys() - evidence.all_words)),
        judged=judged,
    )
