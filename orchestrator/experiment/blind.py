"""What a judge sees of an answer: its text alone, in one form for all arms.

Above an answer stands what is wrong with it, its headings name the sides of an argument, under a settled point stands
what each side said, and behind it all are sources: any of these tells which arm wrote it, or is the gate's to judge.
"""

from __future__ import annotations

import re
from functools import partial

from orchestrator.answer.words import ENGLISH, KOREAN

MAX_SHOWN_CHARS = 6_000

_WORDS = (ENGLISH, KOREAN)
_SOURCES = {words.sources for words in _WORDS}
_KEPT = {heading for words in _WORDS for heading in (words.open, words.actions)}
"""Headings that mean the same in every arm: a single call leaves things open too, and says what to do."""

_MARK = re.compile(r"(?<!\\) ?\[\d+\]")
_ESCAPED = re.compile(r"\\([\\`*\[\]<~_&#=>+\-.)])")
_ID = r"(?<![A-Za-z0-9_])[tas]\d{1,2}(?![A-Za-z0-9_]|[.\-][A-Za-z0-9])"
_IDS_ASIDE = re.compile(rf" ?[(\[]{_ID}(?:(?:, | and |, and |/|; ){_ID})*[)\]]")
_IDS = re.compile(_ID)
_NAMES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\banti-?thes[ei]s\b", re.IGNORECASE), "objection"),
    # A document may be about a thesis, or a synthesis of something; ours are told of by what stands around them.
    (re.compile(r"(?<=\bthe )thesis\b(?! of\b)|\bthesis(?=( and| or|,|:|/))", re.IGNORECASE), "position"),
    (re.compile(r"(?<=\bthe )synthesis\b(?! of\b)", re.IGNORECASE), "conclusion"),
    (re.compile(r"\bpersona(s?)\b", re.IGNORECASE), r"side\1"),
    (re.compile("안티테제|반정립"), "반대 견해"),
    (re.compile("진테제"), "마무리"),
    (re.compile("테제"), "견해"),
)
_ELISION = "[\N{HORIZONTAL ELLIPSIS}]"


def shown(answer: str) -> str:
    """Give what a judge sees of an answer's Markdown; empty where it holds no answer.

    Its conclusion, then its points in their order, then what stays open and what to do; at most ``MAX_SHOWN_CHARS``
    characters, cut behind a line or a sentence.
    """
    prose: list[str] = []
    points: dict[str, list[str]] = {"": []}
    heading = ""
    for line in answer.splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ").strip()
        elif heading in _SOURCES or not line.strip() or line.startswith((">", " ")):
            continue  # what is wrong with it, and under a point what each side said of it
        elif line.startswith("- "):
            points.setdefault(heading if heading in _KEPT else "", []).append(f"- {_bare(line[2:])}")
        else:
            prose.append(_bare(line))
    lists = ("\n".join([f"{name}:"] * bool(name) + items) for name, items in points.items() if items)
    return _cut("\n\n".join([*prose, *lists]))


def _bare(line: str) -> str:
    """One line as it reads: without Markdown's escapes, marks of sources, ids of claims and names of personas."""
    text = _ESCAPED.sub(r"\1", _MARK.sub("", line))
    text = _IDS.sub(_ELISION, _IDS_ASIDE.sub("", text))
    for name, neutral in _NAMES:
        text = name.sub(partial(_as_written, neutral), text)
    return text.strip()


def _as_written(neutral: str, found: re.Match[str]) -> str:
    word = found.expand(neutral)
    return word[0].upper() + word[1:] if found[0][0].isupper() else word


def _cut(text: str) -> str:
    if len(text) <= MAX_SHOWN_CHARS:
        return text
    kept = text[: MAX_SHOWN_CHARS - 2]
    end = max(kept.rfind("\n"), kept.rfind(". ") + 1, kept.rfind("다. ") + 2)
    return f"{kept[: end if end > MAX_SHOWN_CHARS // 2 else None].rstrip()} \N{HORIZONTAL ELLIPSIS}"
