"""Personas that sleep for as long as the job says, and answer nothing: what is left is the machinery.

A job carries its times in ``scope``, so that one worker serves jobs of all lengths.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Self, cast

from orchestrator.contracts import Persona, PersonaOutput
from workers.argument import failed
from workers.execution import Attempt, Worked

PROVIDER = "simulated"


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
        persona = _persona(attempt.step)
        seconds = getattr(Personas.from_scope(attempt.record.spec.scope), persona)
        if seconds:
            time.sleep(seconds)
        return Worked(
            PersonaOutput(
                task_id=attempt.ref.task_id,
                persona=persona,
                step=attempt.step,
                provider=PROVIDER,
                model=f"sleeps {seconds:g} s",
            )
        )

    def failed(self, attempt: Attempt, why: str) -> Worked:
        """As a real persona's step fails."""
        return Worked(failed(attempt, _persona(attempt.step), "internal", why))


def _persona(step: str) -> Persona:
    return cast("Persona", step.partition("_")[0])
