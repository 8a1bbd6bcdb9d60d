"""Where a sentence stands on a proposal: what it says outright, and what its comparison of two figures says."""

from __future__ import annotations

import re

from workers.llm.extractive import cues
from workers.llm.extractive.statements import Statement, terms_of

_AGAINST = re.compile(
    r"\b(?:(?:do|does|did|would|can) ?(?:not|n['\u2019]t)|cannot|never) "
    r"(?:think|believe|recommend|support|approve|agree|favou?r|endorse|accept|advise|want)\b"
    r"|\b(?:oppos(?:e|es|ed)|objects? to|rejects?|(?:recommends?|advises?|decid\w+|votes?) against|disapproves?)\b"
    r"|\bis (?:not a good|a bad) idea\b"
    r"|반대(?!편|로|쪽)|말아야|(?:하지|지는?) 않(?:아야|는 것[이을]|기로)|(?:해서는|하면|어서는|아서는) 안|거부"
    r"|그대로 (?:두|둬|유지)",
    re.IGNORECASE,
)
_FOR = re.compile(
    r"\b(?:recommends?|proposes?|supports?|approves?|favou?rs|endorses?|advocates?|accepts?)\b|\bis a good idea\b"
    r"|찬성|권장|권고|제안(?:한다|합니다|했다)|지지한|승인|(?:[가-힣]야|여야) (?:한다|합니다|할 것)|먼저 옮기",
    re.IGNORECASE,
)
_OUGHT = re.compile(
    r"\b(?:should|shall|must|ought to)\b(?P<no> (?:not|never)\b|n['\u2019]t\b)?", re.IGNORECASE
)
_OUGHT_WHAT = re.compile(r"(?:\W+\w+){1,5}")
_FORBIDS = re.compile(r"\b(?:must|may|shall) not\b|\bno \w+ (?:\w+ ){0,8}?may\b", re.IGNORECASE)
_NEAR = 20
"""Characters after a no in which a word of approval belongs to it ("do not think we should")."""

_ONLY = re.compile(
    r"\b(?:only if|unless|provided that|as long as|on condition|until|before)\b|경우에만|않는 한|조건",
    re.IGNORECASE,
)

_BURDENS = ("s", "min", "h", "day", "week", "month", "year", "eur", "usd", "gbp", "krw", "jpy", "ms")


def outright(text: str, act: frozenset[str]) -> tuple[bool, bool]:
    """(says yes, says no) in so many words; both where a sentence approves of one part and opposes another.

    "Should" and "must" count where what ought to be done is among the terms ``act``.
    """
    against = [m.span() for m in _AGAINST.finditer(text)]
    approving = [m.start() for m in _FOR.finditer(text)]
    for ought in _OUGHT.finditer(text):
        what = _OUGHT_WHAT.match(text, ought.end())
        if what and terms_of(what.group()) & act:
            if ought["no"]:
                against.append(ought.span())
            else:
                approving.append(ought.start())
    yes = any(not any(start <= at < end + _NEAR for start, end in against) for at in approving)
    return yes, bool(against)


def sign(text: str, act: frozenset[str]) -> int:
    """1 for a yes, -1 for a no, 0 for neither and for both."""
    yes, no = outright(text, act)
    return yes - no


def conditional(text: str) -> bool:
    """Whether its yes or no holds under a condition alone."""
    return bool(_ONLY.search(text))


def forbids(text: str) -> bool:
    """Whether it rules something out on the way there, not the way itself."""
    return bool(_FORBIDS.search(text))


def compared(statement: Statement, old: frozenset[str], new: frozenset[str]) -> int:
    """What "38 minutes, against 52 minutes for the old" says of the new: 1 less of a burden, -1 more, 0 nothing.

    Time and money are burdens; of other units more may be good or bad.
    """
    turn = cues.COMPARING.search(statement.text)
    if turn is None:
        return 0
    first, second = terms_of(statement.text[: turn.start()]), terms_of(statement.text[turn.end() :])
    values = [value for unit, value in statement.figures if unit.split("/")[0].lower() in _BURDENS]
    if len(values) != 2 or values[0] == values[1]:
        return 0
    speaks_first_of_new = bool(old & second) and not old <= first
    speaks_first_of_old = bool(new & second) and bool(old & first)
    if speaks_first_of_new == speaks_first_of_old:
        return 0
    less = values[0] < values[1]
    return 1 if less == speaks_first_of_new else -1
