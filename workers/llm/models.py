"""Which model a step calls, through which gate: settings in, ``Model`` out."""

from __future__ import annotations

from orchestrator.broker import priority_for
from orchestrator.settings import Settings
from workers.llm.client import Model
from workers.llm.gate import Gate
from workers.llm.registry import provider_for


class Models:
    """One process's models. Threads may share it."""

    def __init__(self, settings: Settings, gate: Gate) -> None:
        self._settings = settings
        self._gate = gate

    def for_step(self, step: str) -> Model:
        """The model of a step's persona; the plan step translates with the thesis'.

        Steps pass the gate in the order in which they pass the queues: finish before you start.
        """
        persona = step.partition("_")[0]
        provider = provider_for(self._settings.model_for(persona), self._settings)
        return Model(provider, gate=self._gate, order=priority_for(step))
