"""Personas that sleep for as long as the job says, and answer nothing: what is left is the machinery.

A job carries its times in ``scope``, so that one worker serves jobs of all lengths. A pipelined thesis closes its
claims one by one on the way, and its parts take what parts of real ones do.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self

from orchestrator.contracts import Claim, PersonaOutput
from orchestrator.routing.flow import CRITIC, REBUTTAL, RESOLUTION, SYNTHESIS, THESIS, name_of, persona_of
from workers.argument import failed
from workers.execution import Attempt, Worked

PROVIDER = "simulated"
CLAIMS = 3
"""Of a pipelined thesis."""
_PART = 1 / CLAIMS + 0.1
_SHARES = {CRITIC: 0.6, REBUTTAL: _PART, RESOLUTION: _PART, SYNTHESIS: 0.15}
"""What a pipelined job's step takes of its persona's time; the thesis takes all of it."""


@dataclass(frozen=True)
class Personas:
    """How long each persona sleeps, in s."""

    thesis: float = 0.0
    antithesis: float = 0.0
    synthesis: float = 0.0

    @property
    def critical_path_s(self) -> float:
        """What a job takes where everything else costs nothing: both sides at once, then the synthesis."""
        return max(self.thesis, self.antithesis) + self.synthesis

    @property
    def in_sequence_s(self) -> float:
        """Seconds of persona work in one job."""
        return self.thesis + self.antithesis + self.synthesis

    def shorter(self, times: float) -> Self:
        """The same, ``times`` as fast."""
        return type(self)(self.thesis / times, self.antithesis / times, self.synthesis / times)

    def __str__(self) -> str:
        return f"{self.thesis:g} / {self.antithesis:g} / {self.synthesis:g} s"

    def to_scope(self) -> str:
        """As a job carries it."""
        return f"{PROVIDER} {self.thesis} {self.antithesis} {self.synthesis}"

    @classmethod
    def from_scope(cls, scope: str) -> Self:
        """The inverse. Raises ``ValueError`` for another text."""
        name, *seconds = scope.split()
        if name != PROVIDER or len(seconds) != 3:
            raise ValueError("a simulated persona needs a job of the benchmark")
        return cls(*map(float, seconds))


NOTHING = Personas()
"""No-op personas."""
MEASURED = Personas(0.45, 1.08, 1.42)
"""A tenth of what the personas of the pipeline before took, in the mean."""


class SimulatedWork:
    """Does the persona steps of one process by sleeping."""

    def __call__(self, attempt: Attempt) -> Worked:
        """Sleep. Raises ``ValueError`` for a job that is not the benchmark's."""
        persona = persona_of(attempt.step)
        seconds = getattr(Personas.from_scope(attempt.record.spec.scope), persona)
        claims: tuple[Claim, ...] = ()
        if attempt.record.mode != "pipelined":
            _sleep(seconds)
        elif attempt.step == THESIS:
            claims = _claimed(attempt, seconds)
        else:
            seconds *= _SHARES[name_of(attempt.step)]
            _sleep(seconds)
        return Worked(
            PersonaOutput(
                task_id=attempt.ref.task_id,
                persona=persona,
                step=attempt.step,
                provider=PROVIDER,
                model=f"sleeps {seconds:g} s",
                claims=claims,
            )
        )

    def failed(self, attempt: Attempt, why: str) -> Worked:
        """As a real persona's step fails."""
        return Worked(failed(attempt, persona_of(attempt.step), "internal", why))


def _claimed(attempt: Attempt, seconds: float) -> tuple[Claim, ...]:
    """Close claims at even intervals, from where an earlier attempt got to."""
    while (number := len(attempt.claims.written) + 1) <= CLAIMS:
        _sleep(seconds / CLAIMS)
        attempt.claims.add(Claim(id=f"t{number}", text=f"claim {number}"))
    return attempt.claims.written


def _sleep(seconds: float) -> None:
    if seconds:
        time.sleep(seconds)
