"""The answer as people read it: Markdown made of claims, with its disclosures, in English and Korean. Pure."""

from orchestrator.answer.compose import compose

__all__ = ["compose"]
