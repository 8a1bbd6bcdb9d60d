"""From a model's text to claims within the contract: pure, linear, and it never raises, whatever comes in."""

from __future__ import annotations

from collections.abc import Collection

from pydantic_core import from_json

from orchestrator.contracts import Claim
from orchestrator.plaintext import plain
from workers.brief import Form, Numbering
from workers.personas.draft import Draft, ParsedAnswer, Problem
from workers.personas.scan import Found, ObjectScanner, Reset

ANY_IDS = Numbering()

__all__ = ["AnswerReader", "ParsedAnswer", "Problem", "parse"]


def parse(
    text: str,
    form: Form,
    *,
    known: Collection[str] = (),
    numbering: Numbering = ANY_IDS,
    finish_reason: str | None = "stop",
) -> ParsedAnswer:
    """Read a whole answer. ``known`` are the other personas' claim ids, ``finish_reason`` the provider's."""
    reader = AnswerReader(form, known=known, numbering=numbering)
    reader.feed(text)
    return reader.finish(finish_reason)


class AnswerReader:
    """Reads an answer while it is being written; in pieces of any size it reads the same as in one."""

    def __init__(self, form: Form, *, known: Collection[str] = (), numbering: Numbering = ANY_IDS) -> None:
        self._form = form
        self._known = frozenset(known)
        self._numbering = numbering
        self._scanner = ObjectScanner()
        self._draft = Draft(form, self._known, numbering)

    def feed(self, text: str) -> tuple[Claim, ...]:
        """Take the next piece; returns the claims that it closed, in order."""
        return self._take(self._scanner.feed(text))

    @property
    def words(self) -> str:
        """The text of the line that is being written, as far as it is there. Costs a parse of that line."""
        try:
            value = from_json(self._scanner.pending, allow_partial="trailing-strings")
        except (ValueError, TypeError):
            return ""
        text = value.get("text") if isinstance(value, dict) else None
        return plain(text) if isinstance(text, str) else ""

    def finish(self, finish_reason: str | None = "stop") -> ParsedAnswer:
        """Close the answer. Call once.

        It is cut if the provider says so (``finish_reason`` ``length``) or it stops inside an object, unless
        its last line, ``done``, is there. An answer that merely forgot that line counts as complete.
        """
        rest = self._scanner.close()
        self._take(rest)
        draft = self._draft
        if not draft.done:
            dangling = bool(rest) and isinstance(rest[-1], Found) and not rest[-1].closed
            if finish_reason == "length" or dangling or self._scanner.overflow:
                draft.cut = True
            else:
                draft.note("no_done", 'the last line, {"kind": "done"}, is missing')
        return draft.answer()

    def _take(self, found: list[Found | Reset]) -> tuple[Claim, ...]:
        before = len(self._draft.claims)
        for item in found:
            if isinstance(item, Found):
                self._draft.add(item)
            elif not self._draft.done:
                self._draft, before = Draft(self._form, self._known, self._numbering), 0
        return tuple(self._draft.claims[before:])
