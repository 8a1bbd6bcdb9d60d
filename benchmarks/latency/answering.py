"""What a simulated model reads in a prompt, and what it answers: contract-conforming claims with verbatim quotes. Pure.

Forms are told apart by the line of their template that gives the persona its role, so that a new form is known as soon
as it has a template.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import accumulate, cycle, islice
from typing import Any

from benchmarks.latency.world import CLAIMS_SHARE, Job, closings
from orchestrator.language.sentences import sentences

OBJECTIONS, SETTLED = 4, 4
LINE_CHARS = 720
"""Of every claim and summary: the same tokens are the same characters, whichever sentence a claim quotes."""
CHUNK_TOKENS = 4
"""Tokens in one event: what a model server sends at a time under load, and what two cores can simulate by hundreds."""

_ROLE = re.compile(r"^# Your role: .+$", re.MULTILINE)
_PASSAGE = re.compile(r'<passage-([0-9a-f]{16}) id="([^"]+)"[^>]*>\n(.*?)\n</passage-\1>', re.DOTALL)
_CLAIM = re.compile(r'"id": "([ta][0-9]+)"')
_SETTLED = re.compile(r'"id": "(s[0-9]+)"')
_MINE = re.compile(r"^- Yours is section ([0-9]) of [0-9]: ([a-z0-9, ]+)\.", re.MULTILINE)
_UNSETTLED = re.compile(r"not settled by any of the points: ([^.\n]*)\.")


@cache
def _roles() -> dict[str, str]:
    """Role line to form."""
    folder = resources.files("workers.personas").joinpath("prompts")
    found = {}
    for file in folder.iterdir():
        role = _ROLE.search(file.read_text("utf-8"))
        if role:
            found[role.group()] = file.name.partition(".")[0]
    return found


@cache
def role_of(form: str) -> str:
    """The role line of a form. Raises ``KeyError`` for no form."""
    return {form: role for role, form in _roles().items()}[form]


@dataclass(frozen=True)
class Asked:
    """A prompt, read: whose it is, which part of the job it asks for, and what it gives to argue from."""

    job: Job
    form: str
    prompt: str

    @classmethod
    def read(cls, prompt: str) -> Asked | None:
        """``None`` where the prompt is no simulated job's, or asks for nothing known."""
        job, roles = Job.from_text(prompt), _ROLE.findall(prompt)
        form = _roles().get(roles[-1]) if roles else None
        return cls(job, form, prompt) if job and form else None

    @property
    def part(self) -> str:
        """As :mod:`world` calls it: a standalone antithesis beside a pipelined thesis is the critic."""
        if self.form in ("rebuttal", "resolution"):
            return f"{self.form}:{self.fenced('claim')[0].lstrip('t')}"
        if self.form == "section":
            return f"section:{self._section()[0]}"
        if self.form == "antithesis_standalone":
            return "critic" if self.job.mode == "pipelined" else "antithesis"
        return self.form

    def fenced(self, *names: str) -> list[str]:
        """Ids of the thesis' and antithesis' claims inside fences of these names, in order."""
        found: dict[str, None] = {}
        for name in names:
            for tag in re.findall(rf"<{name}-([0-9a-f]{{16}})[ >]", self.prompt):
                inside = self.prompt.partition(f"<{name}-{tag}")[2].partition(f"</{name}-{tag}>")[0]
                found |= dict.fromkeys(_CLAIM.findall(inside))
        return list(found)

    @property
    def written(self) -> int:
        """How many claims a thesis has that goes on where it broke off."""
        return len(self.fenced("your-claims")) if self.form == "thesis" else 0

    @property
    def written_share(self) -> float:
        """Of the thesis' tokens: what they took."""
        return CLAIMS_SHARE * self.written / self.job.claims

    def lines(self) -> list[dict[str, Any]]:
        """The answer, one object a line."""
        return [*self._argued(), *self._end(), {"kind": "done"}]

    def _argued(self) -> list[dict[str, Any]]:
        """The claims. A merge has none: it settles with what is settled, and sums up."""
        claims: list[dict[str, Any]] = []
        match self.form:
            case "thesis":
                claims = self._claims("position", "t", self.job.claims)[self.written :]
            case "antithesis" | "antithesis_standalone":
                claims = self._claims("objection", "a", OBJECTIONS, self.fenced("thesis")[:1])
            case "single":
                claims = self._claims("position", "s", SETTLED)
            case "synthesis":
                seen = self.fenced("thesis", "antithesis")
                shares = [seen[n::SETTLED] for n in range(min(SETTLED, len(seen)))]
                claims = [self._claim("resolution", f"s{n}", n, a) for n, a in enumerate(shares, start=1)]
            case "section":
                claims = [
                    self._claim("resolution", f"s{n}", n, [a]) for n, a in enumerate(self._section()[1], 1)
                ]
            case "rebuttal":
                about = self.fenced("claim")
                claims = [self._claim("objection", "a1", int(about[0][1:]), about)]
            case "resolution":
                about = self.fenced("claim", "rebuttal")
                claims = [self._claim("resolution", "s1", int(about[0][1:]), about)]
        return claims

    def _section(self) -> tuple[str, list[str]]:
        """Which section asks, and the ids of the claims that it has to settle."""
        number, claims = _MINE.findall(self.prompt)[-1]
        return number, claims.split(", ")

    def pieces(self, tokens: int, *, chunk: float = CHUNK_TOKENS) -> Iterator[tuple[float, str]]:
        """The answer's text in pieces, each with the share of the tokens that have been written with it.

        A line is closed with its last piece: nobody learns of it later than a model would have written it.
        """
        lines = self.lines()
        texts = [_text(line) for line in lines]
        if self.form == "thesis":
            done, before = self.written, self.written_share
            whole = closings(done + len(lines), tail=done + len(lines) - self.job.claims)
            ends = tuple((end - before) / (1 - before) for end in whole[done:])
        else:
            size = sum(map(len, texts))
            ends = tuple(so_far / size for so_far in accumulate(map(len, texts)))
        begin = 0.0
        for text, end in zip(texts, ends, strict=True):
            yield from cut(text, begin, end, max(1, round((end - begin) * tokens / chunk)))
            begin = end

    def _sentences(self) -> list[tuple[str, str]]:
        """Passage ids and sentences that stand in them; English ones, where there are any."""
        found = [
            (name, span.text)
            for _, name, text in _PASSAGE.findall(self.prompt)
            for span in sentences(text)
            if len(span.text.encode()) >= 40 and len(span.text) <= 280
        ]
        return [(name, sentence) for name, sentence in found if sentence.isascii()] or found

    def _claim(self, kind: str, name: str, number: int, about: Sequence[str] = ()) -> dict[str, Any]:
        """A claim that says what its quote says."""
        found = self._sentences()
        line: dict[str, Any] = {"kind": kind, "id": name, "text": "There is nothing to say.", "citations": []}
        if found:
            passage, sentence = next(islice(cycle(found), number + len(kind), None))
            line |= {"text": sentence, "citations": [{"passage": passage, "quote": sentence}]}
        return line | ({"about": list(about)} if about else {})

    def _claims(self, kind: str, prefix: str, count: int, about: Sequence[str] = ()) -> list[dict[str, Any]]:
        return [self._claim(kind, f"{prefix}{n}", n, about) for n in range(1, count + 1)]

    def _end(self) -> list[dict[str, Any]]:
        if self.form in ("rebuttal", "resolution", "section"):
            return []
        said = self._claim("summary", "", 0)
        summary = {"kind": "summary", "text": said["text"], "citations": said["citations"]}
        if self.form == "merge":
            return [summary, *self._covers()]
        return [summary, {"kind": "rationale", "text": "The quotes say so."}]

    def _covers(self) -> list[dict[str, Any]]:
        """The critic's objections fall under what is settled. A claim that nobody resolved is left open, as it is."""
        named, settled = _UNSETTLED.search(self.prompt), _SETTLED.findall(self.prompt)
        left = re.findall(r"\ba[0-9]\b", named.group(1)) if named else []
        return [{"kind": "covers", "id": settled[0], "about": left}] if left and settled else []


def _text(line: Mapping[str, Any]) -> str:
    text = json.dumps(line, ensure_ascii=False)
    return (f"{text[:-1]:{LINE_CHARS}}}}" if "citations" in line else text) + "\n"


def cut(text: str, begin: float, end: float, count: int) -> Iterator[tuple[float, str]]:
    """Text in so many pieces over a stretch; fewer where it has fewer characters."""
    count = min(count, len(text))
    for n in range(count):
        piece = text[len(text) * n // count : len(text) * (n + 1) // count]
        yield begin + (end - begin) * (n + 1) / count, piece
