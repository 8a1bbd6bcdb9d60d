"""Words that any text may hold: they say little about what a question is on, and a short corpus cannot show that.

In a corpus of a hundred thousand passages "people" is frequent and its inverse document frequency says so; in one
of twenty it may stand once and look like a name. The lists beside this module stand in for the missing background.
"""

from __future__ import annotations

from importlib.resources import files


def _listed(name: str) -> frozenset[str]:
    return frozenset(files(__package__).joinpath(name).read_text("utf-8").split())


COMMON = _listed("common_words.txt")
"""Tell next to nothing about a subject by themselves."""

SCAFFOLDING = _listed("question_words.txt")
"""Make a sentence a question or a request; they are asked for nowhere."""
