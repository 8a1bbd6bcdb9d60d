"""Claim and passage ids as the contract has them, from what models write."""

from __future__ import annotations

import re

from workers.brief import Numbering

_CLAIM_ID = re.compile(r"[a-z][0-9]{1,3}")
_WRAPPING = "[](){}<>\"'`#.:; \t\r\n"
_NOT_IN_PASSAGE_ID = re.compile(r"[\s\x00-\x1f\x7f-\x9f\"<>\ud800-\udfff]+")


def as_reference(written: str) -> str | None:
    """``t2`` from ``T2``, ``[t2]`` or ``#t02``; ``None`` where it is no claim's id."""
    name = written[:64].strip(_WRAPPING).lower()
    return f"{name[0]}{int(name[1:])}" if _CLAIM_ID.fullmatch(name) else None


def bounded_passage_id(written: str) -> str:
    """Make an id that the contract can hold; one that it could not hold is no passage's, and stays so."""
    name = written.strip("[]()` \t\r\n")
    return _NOT_IN_PASSAGE_ID.sub("_", name[:200])[:64]


class ClaimIds:
    """The ids of one answer's claims: its persona's initial and a number, as in ``t2``.

    The model's own id is kept where it may choose and chose a sound one; else the claim gets the next free number.
    """

    def __init__(self, prefix: str, numbering: Numbering) -> None:
        self._prefix = prefix
        self._may_choose = numbering.own
        self._given: dict[str, str] = {}
        earlier = range(numbering.after - numbering.written + 1, numbering.after + 1)
        self._used = {f"{prefix}{number}" for number in earlier}
        self._next = numbering.after + 1

    def assign(self, written: str) -> str:
        """Give the next claim its id, which the model called ``written`` (or nothing)."""
        wanted = self._own(written) if self._may_choose else None
        if wanted is None or wanted in self._used:
            while f"{self._prefix}{self._next}" in self._used:
                self._next += 1
            wanted = f"{self._prefix}{self._next}"
        self._used.add(wanted)
        self._given[written.strip().lower()[:64]] = wanted
        return wanted

    def resolve(self, written: str) -> str | None:
        """Find the earlier claim that the model calls ``written``; ``None`` where there is none."""
        given = self._given.get(written.strip().lower()[:64])
        if given is not None:
            return given
        own = self._own(written)
        return own if own in self._used else None

    def _own(self, written: str) -> str | None:
        bare = written[:64].strip(_WRAPPING)
        claim_id = as_reference(f"{self._prefix}{bare}" if bare.isascii() and bare.isdigit() else bare)
        return claim_id if claim_id and claim_id[0] == self._prefix and claim_id[1:] != "0" else None
