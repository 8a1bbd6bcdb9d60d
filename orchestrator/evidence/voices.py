"""Who did something, and who had it done to them, where a claim says in the passive what a quote says in the active.

"Daehan was acquired by Solbit" is the other way round from "Daehan acquired Solbit", though its names stand in the same
order. Verbs are compared by their stems, so that those with a participle of their own (taken, written) are not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.evidence.parts import MAX_NAME, Part, blocks, parts_of, text_of
from orchestrator.evidence.sources import Quoted
from orchestrator.evidence.statement import Evidence, Statement, Token
from orchestrator.language.lists import listed

_BEING = frozenset((word,) for word in listed("is are was were be been being"))
_BY = ("by",)

Done = tuple[tuple[Token, ...], Token, tuple[Token, ...]]
"""Who did it, what, and to whom."""


def turned(claimed: Statement, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Give (what the claim says, what a quote says) where they name doer and done-to the other way round. Linear time.

    Not where any quote says what the claim says, in either voice.
    """
    near = [quote for quote in evidence.quotes if _may_turn(claimed, quote)]
    if not near:
        return
    own = parts_of(claimed)
    quoted = [Statement(quote.folded_text) for quote in near]
    there = [(statement, parts_of(statement)) for statement in quoted]
    voices = [(_active(parts), _passive(parts)) for _, parts in there]
    stated = {done for readings in voices for voice in readings for done in voice}
    for said, contrary in ((_active(own), 1), (_passive(own), 0)):
        for (doer, verb, other), span in said.items():
            for (statement, parts), readings in zip(there, voices, strict=True):
                found = readings[contrary].get((other, verb, doer))
                if found and (doer, verb, other) not in stated:
                    yield text_of(claimed, own[span]), text_of(statement, parts[found])


def _may_turn(claimed: Statement, quote: Quoted) -> bool:
    """Whether one of them is in the passive, and they have doer, deed and done-to in common."""
    passive = " by " in claimed.text or " by " in quote.folded_text
    return passive and len(claimed.all_words & quote.words) > 2


def _active(parts: Sequence[Part]) -> dict[Done, slice]:
    """What is done in a text, and where it says so: "X V Y", whether or not V is a verb."""
    return {
        (_keys(parts, doer), verb.key, _keys(parts, other)): slice(doer.start, other.stop)
        for at, verb in enumerate(parts)
        if verb.kind == "word"
        for doer in _ending(parts, at)
        for other in _beginning(parts, at + 1)
    }


def _passive(parts: Sequence[Part]) -> dict[Done, slice]:
    """The same, of "Y was V by X" and of "Y V by X"."""
    return {
        (_keys(parts, doer), parts[at].key, _keys(parts, other)): slice(other.start, doer.stop)
        for at in range(1, len(parts) - 2)
        if parts[at].kind == "word" and parts[at + 1].key == _BY
        for other in _ending(parts, at - (parts[at - 1].key in _BEING))
        for doer in _beginning(parts, at + 2)
    }


def _keys(parts: Sequence[Part], block: slice) -> tuple[Token, ...]:
    return tuple(part.key for part in parts[block])


def _beginning(parts: Sequence[Part], at: int) -> Iterator[slice]:
    if at < len(parts) and parts[at].kind in {"name", "word"}:
        yield from blocks(parts, at)


def _ending(parts: Sequence[Part], stop: int) -> Iterator[slice]:
    for start in range(max(0, stop - MAX_NAME), stop):
        yield from (block for block in _beginning(parts, start) if block.stop == stop)
