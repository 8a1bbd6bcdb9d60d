"""How long simulated calls take, and so how long a job must: pure, from a seed.

A call takes its time to the first token, then its tokens at the rate. What a whole persona takes is given as a triple
of seconds; parts of one cost what parts cost (``SHARES``). A job is worded into the prompt of every call (``Job``), and
luck is drawn from seed, job and part: whoever asks for the thesis of job 7 meets the same thesis.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, Literal, Self, cast

Mode = Literal["sequential", "parallel", "pipelined"]

TTFT_S: Final = 0.7
RATE: Final = 60.0
"""Tokens per second."""
PARTS_WRITE: Final = 1.1
"""Parts of an answer are longer together than the whole of it."""
CRITIC: Final = 0.6
"""Of the antithesis' tokens."""
MERGE: Final = 0.15
"""Of the synthesis' tokens; 0.3 is the sensitivity."""
CLAIMS_SHARE: Final = 0.92
"""Of the thesis' tokens: its last claim is closed then, what follows is the summary."""
TAIL: Final = (2.0, 4.0)


@dataclass(frozen=True)
class Triple:
    """What thesis, antithesis and synthesis take in sequence, in s."""

    thesis: float
    antithesis: float
    synthesis: float

    @property
    def in_sequence_s(self) -> float:
        """All three."""
        return self.thesis + self.antithesis + self.synthesis

    def __str__(self) -> str:
        return f"{self.thesis:g} / {self.antithesis:g} / {self.synthesis:g} s"


NOMINAL: Final = Triple(4.5, 10.8, 14.2)


@dataclass(frozen=True)
class Weather:
    """How much luck there is: sigmas of lognormal factors whose mean is 1, and how many calls are slow.

    ``first`` is of the time to the first token, ``decode`` of a call's rate, ``shared`` of all rates of a job.
    ``parts`` replaces ``decode`` where a part of a persona writes: its whole was recorded, the part was not. A slow
    call takes 2 to 4 times as long.
    """

    first: float = 0.0
    decode: float = 0.0
    shared: float = 0.0
    parts: float | None = None
    slow: float = 0.0


WEATHERS: Final[Mapping[str, Weather]] = {
    "none": Weather(),
    "calm": Weather(first=0.45, decode=0.18, shared=0.08),
    "tail": Weather(first=0.45, decode=0.18, shared=0.08, slow=0.03),
    "replayed": Weather(parts=0.12),
}


@dataclass(frozen=True)
class Call:
    """One call: ``first_s`` to its first token, then ``tokens`` in ``decode_s``."""

    first_s: float
    decode_s: float
    tokens: int

    @property
    def total_s(self) -> float:
        """Until the last token."""
        return self.first_s + self.decode_s

    def at_s(self, share: float) -> float:
        """When this share of the tokens has been written."""
        return self.first_s + self.decode_s * share

    def rest(self, share: float) -> Call:
        """The same luck for an answer of which this share has been written before."""
        left = 1.0 - share
        return Call(self.first_s, self.decode_s * left, max(1, round(self.tokens * left)))


_MARK = re.compile(
    r"simulated run=(\S+) job=(\d+) mode=([a-z]+) weather=([a-z]+) claims=(\d+) merge=([\d.]+) sections=(\d+) "
    r"triple=([\d.]+)/([\d.]+)/([\d.]+)"
)


@dataclass(frozen=True)
class Job:
    """One simulated job, as its prompts carry it. ``run`` tells its calls from those of other arms."""

    run: str
    number: int
    mode: Mode = "sequential"
    triple: Triple = NOMINAL
    weather: str = "none"
    claims: int = 6
    merge: float = MERGE
    sections: int = 1

    def to_text(self) -> str:
        """One line that an endpoint finds in any prompt."""
        t = self.triple
        return (
            f"simulated run={self.run} job={self.number} mode={self.mode} weather={self.weather} "
            f"claims={self.claims} merge={self.merge} sections={self.sections} "
            f"triple={t.thesis:.6f}/{t.antithesis:.6f}/{t.synthesis:.6f}"
        )

    @classmethod
    def from_text(cls, text: str) -> Self | None:
        """The job that a prompt belongs to; ``None`` where it is nobody's."""
        found = _MARK.search(text)
        if found is None:
            return None
        run, number, mode, weather, claims, merge, sections, *seconds = found.groups()
        triple = Triple(*map(float, seconds))
        said = cast("Mode", mode), triple, weather, int(claims), float(merge), int(sections)
        return cls(run, int(number), *said)

    def call(self, seed: int, part: str, attempt: int = 0) -> Call:
        """How long this part's n-th call takes. ``attempt`` counts them from 0. Raises ``KeyError`` for no part."""
        weather = WEATHERS[self.weather]
        whole_s, share = self._size(part)
        is_part = share != 1.0
        decode = weather.parts if is_part and weather.parts is not None else weather.decode
        dice = random.Random(f"{seed}/{self.number}/{part}/{attempt}")  # noqa: S311 - luck, no secret
        ttft_s = min(TTFT_S, whole_s / 2)  # some recorded answers were shorter than a usual first token
        tokens = max(1, round((whole_s - ttft_s) * RATE * share))
        first_s = ttft_s * _around_one(dice, weather.first)
        decode_s = tokens / RATE * _around_one(dice, decode) * self._pace(seed, weather)
        times = dice.uniform(*TAIL) if dice.random() < weather.slow else 1.0
        return Call(first_s * times, decode_s * times, tokens)

    def ideal_s(self, seed: int) -> float:
        """What the job takes where everything but the model costs nothing, and no call is made twice."""
        if self.mode == "pipelined":
            return self._pipelined_s(seed)
        thesis, antithesis, synthesis = (
            self.call(seed, part).total_s for part in ("thesis", "antithesis", "synthesis")
        )
        both = max(thesis, antithesis) if self.mode == "parallel" else thesis + antithesis
        return both + (self._in_sections_s(seed) if self.sections > 1 else synthesis)

    def _in_sections_s(self, seed: int) -> float:
        sections = (self.call(seed, f"section:{n}").total_s for n in range(1, self.sections + 1))
        return max(sections) + self.call(seed, "merge").total_s

    def _pipelined_s(self, seed: int) -> float:
        """Rebuttals begin as claims close, resolutions as rebuttals end. Nobody waits for the critic."""
        thesis = self.call(seed, "thesis")
        settled = [
            thesis.at_s(CLAIMS_SHARE * n / self.claims)
            + self.call(seed, f"rebuttal:{n}").total_s
            + self.call(seed, f"resolution:{n}").total_s
            for n in range(1, self.claims + 1)
        ]
        return max(thesis.total_s, *settled) + self.call(seed, "merge").total_s

    def _size(self, part: str) -> tuple[float, float]:
        """Seconds of the persona that a part belongs to, and the share of its tokens that the part writes."""
        t, each = self.triple, PARTS_WRITE / self.claims
        sizes = {
            "thesis": (t.thesis, 1.0),
            "antithesis": (t.antithesis, 1.0),
            "critic": (t.antithesis, CRITIC),
            "rebuttal": (t.antithesis, each),
            "synthesis": (t.synthesis, 1.0),
            "single": (t.synthesis, 1.0),  # a guess: the same kind of answer, as long
            "resolution": (t.synthesis, (1 - self.merge) * each),
            "section": (t.synthesis, (1 - self.merge) * PARTS_WRITE / self.sections),
            "merge": (t.synthesis, self.merge),
        }
        return sizes[part.partition(":")[0]]

    def _pace(self, seed: int, weather: Weather) -> float:
        return _around_one(random.Random(f"{seed}/{self.number}"), weather.shared)  # noqa: S311 - see call


def closings(lines: int, *, tail: int) -> tuple[float, ...]:
    """When each line of a thesis is closed, as shares of its tokens; the last ``tail`` lines are no claims."""
    claims = lines - tail
    each = [CLAIMS_SHARE / claims] * claims + [(1 - CLAIMS_SHARE) / tail] * tail
    return (*list(accumulate(each))[:-1], 1.0)


def _around_one(dice: random.Random, sigma: float) -> float:
    """A lognormal factor of mean 1. Always draws, so that what comes after it does not depend on the weather."""
    return math.exp(sigma * dice.gauss(0.0, 1.0) - sigma * sigma / 2)
