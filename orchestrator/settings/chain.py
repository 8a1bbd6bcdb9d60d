"""Fallbacks as one line of settings: the models that may answer where a persona's own cannot."""

from __future__ import annotations

import re
from dataclasses import dataclass

MODEL_PATTERN = r"^(extractive|(openai|anthropic):[^\s:,][^\s,]*)$"
MOST_FALLBACKS = 8


@dataclass(frozen=True)
class Choice:
    """One model of a chain. ``equal``: its answers count as good as those of the first.

    ``elsewhere``: it is called at the fallbacks' own address, with their own key.
    """

    name: str
    equal: bool = True
    elsewhere: bool = False

    @property
    def provider(self) -> str:
        """``openai``, ``anthropic`` or ``extractive``."""
        return self.name.partition(":")[0]

    @property
    def model(self) -> str:
        """The model's name as its endpoint knows it."""
        return self.name.partition(":")[2] or self.name

    def is_same(self, other: Choice) -> bool:
        """Whether both are the same model at the same place."""
        return (self.name, self.elsewhere) == (other.name, other.elsewhere)


def parse_fallbacks(text: str, *, elsewhere: bool) -> tuple[Choice, ...]:
    """Read ``openai:b, =anthropic:c, extractive``; ``=`` marks equal quality. ``elsewhere`` concerns openai: entries.

    Raises ``ValueError`` that says what to write.
    """
    choices = []
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name = entry.removeprefix("=").strip()
        if not re.fullmatch(MODEL_PATTERN, name):
            raise ValueError(
                f"has {entry!r}, which names no model; write it like: openai:b, =anthropic:c, extractive"
            )
        choices.append(Choice(name, entry.startswith("="), elsewhere and name.startswith("openai:")))
    if len(choices) > MOST_FALLBACKS:
        raise ValueError(f"lists {len(choices)} models; {MOST_FALLBACKS} are the most")
    return tuple(choices)


def readable_fallbacks(text: str) -> str:
    """The same text. Raises ``ValueError`` as ``parse_fallbacks`` does."""
    parse_fallbacks(text, elsewhere=False)
    return text
