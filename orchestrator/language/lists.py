"""Tables of words, written as text so that they stay readable."""

from __future__ import annotations


def listed(text: str) -> list[str]:
    """Return the words of a table in order."""
    return text.split()
