"""Which model a step calls, through which gate: settings in, ``Model`` out."""

from __future__ import annotations

from orchestrator.broker import NEW_WORK, priority_for
from orchestrator.routing.flow import THESIS, persona_of
from orchestrator.settings import Settings
from orchestrator.settings.chain import Choice
from orchestrator.settings.places import JUDGE, chain_for
from orchestrator.store.record import PLAN
from workers.llm.client import Model
from workers.llm.fallback import Candidate
from workers.llm.gate import Gate
from workers.llm.paces import Paces
from workers.llm.registry import provider_for


class Models:
    """One process's models. Threads may share it."""

    def __init__(self, settings: Settings, gate: Gate, paces: Paces | None = None) -> None:
        self._settings = settings
        self._gate = gate
        self._paces = paces

    def for_judge(self) -> Model | None:
        """The judge's model, or ``None`` where that is the extractive engine, which judges nothing.

        It has no fallbacks, so that all of a run's claims are judged by one model, and no backups, for nobody's answer
        waits for it. Its calls pass the gate after those of jobs.
        """
        choice = Choice(self._settings.model_for(JUDGE))
        if choice.provider == "extractive":
            return None
        return Model(Candidate(provider_for(choice, self._settings)), gate=self._gate, order=NEW_WORK)

    def for_step(self, step: str, *, form: str | None = None) -> Model:
        """The models of a step's persona, its fallbacks behind it; the plan step translates with the thesis'.

        Steps pass the gate in the order in which they pass the queues: finish before you start. Where a step runs in
        another ``form``, its pace is learned apart: a merge is no synthesis, nor is a single call.
        """
        persona = THESIS if step == PLAN else persona_of(step)
        candidates = [
            Candidate(provider_for(choice, self._settings), equal=choice.equal)
            for choice in chain_for(self._settings, persona)
            # The extractive engine argues; it translates nothing.
            if step != PLAN or choice.provider != "extractive"
        ]
        return Model(
            *candidates,
            gate=self._gate,
            order=priority_for(step),
            paces=self._paces,
            step=form or step.partition(":")[0],
        )
