"""A model behind real HTTP that knows which persona asks, argues from the passages it was given, or fails on demand.

It speaks OpenAI's chat completions and Anthropic's messages, both streamed. Without a script every persona gets a
good answer: claims that are verbatim sentences of ``PASSAGES``, under the ids that the prompt gives them.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.contracts import Usage
from tests.integration.llm.wire import END, STREAM, Gate, Request, Step, WireServer, document, event
from workers.personas.prompting import template

FORMS: Final = (
    "thesis", "antithesis", "antithesis_standalone", "synthesis", "rebuttal", "resolution", "section", "merge", "single"
)  # fmt: skip
PARTS: Final = ("rebuttal", "resolution", "section", "merge")
Line = dict[str, Any]

TRANSLATION: Final = "translation"
TRANSLATED: Final = "event queue order processing"
JUDGED: Final = ("support", "pair")
"""What a judge is asked."""

POSITIONS: Final = (
    "The event queue reduced the order delay from 9 hours to 4 minutes in the pilot.",
    "The pilot processed 12,000 orders a day without a lost order.",
)
OBJECTIONS: Final = (
    "The event queue needs an operator on call, which the team does not have.",
    "Running the event queue costs 840 EUR a month.",
)
CONCLUSION: Final = "Move to the event queue once an operator is on call."

_ROLES: Final = {
    form: next(line for line in template(form).splitlines() if line.startswith("# Your role"))
    for form in FORMS
}
_OWN: Final = {
    "antithesis": "# The thesis\n",
    "synthesis": "# The argument\n",
    "rebuttal": "# One claim of the thesis\n",
    "resolution": "# One claim and its rebuttal\n",
    "section": "# The argument\n",
    "merge": "# The settled argument\n",
}
"""The line that what a form alone is told begins with."""
_SO_FAR: Final = "# Your claims so far\n"
_JUDGES: Final = template("judge").partition("\n")[0]
_OPINIONS: Final[dict[str, Line]] = {
    "support": {"verdict": "supported", "reason": "The quote says so."},
    "pair": {"better": "tie", "reason": "Both say the same."},
}
_TRANSLATES: Final = template("translate_queries").partition(".")[0]
_REPAIR: Final = template("repair").partition("\n")[0]
_PASSAGE = re.compile(r'<passage-([0-9a-f]{16}) id="([^"]+)"[^>]*>\n(.*?)\n</passage-\1>', re.DOTALL)
_MINE = re.compile(r"^- Yours is section [0-9] of [0-9]: ([a-z0-9, ]+)\.", re.MULTILINE)
_CLAIM = re.compile(r'"id": "([ta][0-9]+)"')
_PIECE_CHARS = 24
_CACHED = 64


@dataclass
class Asked:
    """One request, read as what it asks for. ``told`` is the usage that the answer reported, if it came to that."""

    request: Request
    told: Usage = field(default_factory=Usage)

    @property
    def speaks_anthropic(self) -> bool:
        return self.request.path.startswith("/v1/messages")

    @property
    def model(self) -> str:
        return str(self.request.body["model"])

    @property
    def system(self) -> str:
        body = self.request.body
        return str(
            body.get("system") or next((m["content"] for m in body["messages"] if m["role"] == "system"), "")
        )

    @property
    def turns(self) -> list[str]:
        """The conversation's turns, without the system text."""
        said = [m["content"] for m in self.request.body["messages"] if m["role"] != "system"]
        return [turn if isinstance(turn, str) else "".join(part["text"] for part in turn) for turn in said]

    @property
    def prompt(self) -> str:
        """The first turn: case, evidence, role."""
        return self.turns[0]

    @property
    def form(self) -> str:
        """Who asks. The role stands last: a document that names one is not asking."""
        if self.prompt.startswith(_TRANSLATES):
            return TRANSLATION
        if self.system.startswith(_JUDGES):
            return next(
                f for f in JUDGED if self.prompt.startswith(template(f"judge_{f}").partition("\n")[0])
            )
        at = {form: self.prompt.rfind(f"{role}\n") for form, role in _ROLES.items()}
        return max(at, key=lambda form: at[form])

    @property
    def is_repair(self) -> bool:
        return self.turns[-1].startswith(_REPAIR)

    @property
    def case(self) -> str:
        """What stands before anything that differs between the personas."""
        own = _OWN.get(self.form, _ROLES[self.form])
        return self.prompt[: self.prompt.rfind(own)]

    @property
    def passages(self) -> dict[str, str]:
        """Passage id to text, as fenced in any turn."""
        return {name: text for turn in self.turns for _, name, text in _PASSAGE.findall(turn)}

    @property
    def argued(self) -> list[str]:
        """Ids of the claims that the prompt shows, in their order."""
        return list(dict.fromkeys(_CLAIM.findall(self.prompt)))

    @property
    def mine(self) -> list[str]:
        """Ids of the claims that a section has to settle."""
        found = _MINE.findall(self.prompt)
        return found[-1].split(", ") if found else []

    def cite(self, quote: str) -> Line:
        """A citation of the passage that holds the quote."""
        name = next(name for name, text in self.passages.items() if quote in text)
        return {"passage": name, "quote": quote}

    def claim(self, kind: str, name: str, sentence: str, about: Sequence[str] = ()) -> Line:
        """A claim that says what its quote says."""
        return {
            "kind": kind, "id": name, "text": sentence, "citations": [self.cite(sentence)], "about": list(about)
        }  # fmt: skip

    def argument(self) -> list[Line]:
        """A good answer."""
        if self.form == TRANSLATION:
            return [{"query": TRANSLATED}]
        if self.form in JUDGED:
            return [_OPINIONS[self.form]]
        seen = self.argued if self.form in _OWN else []
        if self.form in PARTS:
            return self.part(seen)
        if self.form == "synthesis":
            claims = self.settled(seen)
        elif self.form == "single":
            claims = [self.claim("position", f"s{n}", s) for n, s in enumerate((*POSITIONS, *OBJECTIONS), 1)]
        elif self.form == "thesis":
            begun = len(set(_CLAIM.findall(self.prompt.partition(_SO_FAR)[2])))
            claims = [self.claim("position", f"t{n}", s) for n, s in enumerate(POSITIONS, 1) if n > begun]
        else:
            claims = [self.claim("objection", f"a{n}", s, seen[:1]) for n, s in enumerate(OBJECTIONS, 1)]
        return [*claims, {"kind": "summary", "text": CONCLUSION}, {"kind": "done"}]

    def settled(self, names: Sequence[str]) -> list[Line]:
        """What a synthesis makes of these claims of the others."""
        theirs, ours = ([name for name in names if name[0] == side] for side in "at")
        settled = [("resolution", POSITIONS[0], ours), ("open", OBJECTIONS[0], theirs)]
        return [
            self.claim(kind, f"s{number}", sentence, about)
            for number, (kind, sentence, about) in enumerate(filter(lambda each: each[2], settled), 1)
        ]

    def part(self, seen: Sequence[str]) -> list[Line]:
        """A good answer to a part of a job."""
        done: Line = {"kind": "done"}
        if self.form == "rebuttal":
            return [self.claim("objection", "a1", OBJECTIONS[0], seen[-1:]), done]
        if self.form == "resolution":
            # Parents are shown, and settled by others.
            mine = [name for name in seen if name[0] == "t"][-1:]
            return [
                self.claim("resolution", "s1", POSITIONS[0], [*mine, *(n for n in seen if n[0] == "a")]),
                done,
            ]
        if self.form == "section":
            return [*self.settled(self.mine), done]
        return [{"kind": "summary", "text": CONCLUSION}, done]

    def stream(self, text: str, *, finish: str | None = "stop", pause: Step | None = None) -> list[Step]:
        """``text`` in pieces; ``finish`` is OpenAI's word, ``None`` ends the stream without one.

        ``pause`` comes in the middle of the text, and nothing after ``hold``.
        """
        pieces = [text[i : i + _PIECE_CHARS] for i in range(0, len(text), _PIECE_CHARS)]
        middle = max(1, len(pieces) // 2)
        spent = self._usage(text)
        opened, said, ended = (self._anthropic if self.speaks_anthropic else self._openai)(finish, spent)
        before: list[Step] = [STREAM, *map(event, opened), *(event(said(piece)) for piece in pieces[:middle])]
        if finish is None:
            return [*before, END]
        if pause == "hold":
            return [*before, "hold"]
        self.told = spent
        rest = [*(event(said(piece)) for piece in pieces[middle:]), *map(event, ended), END]
        return [*before, *([pause] if pause is not None else []), *rest]

    def _usage(self, text: str) -> Usage:
        size = len(self.system) + sum(map(len, self.turns))
        return Usage(
            input_tokens=_CACHED + size // 4, output_tokens=len(text) // 4, cached_tokens=_CACHED, calls=1
        )

    def _openai(self, finish: str | None, spent: Usage) -> _Dialect:
        def choice(delta: Line, reason: str | None = None) -> Line:
            return {"model": self.model, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

        usage = {
            "prompt_tokens": spent.input_tokens,
            "completion_tokens": spent.output_tokens,
            "prompt_tokens_details": {"cached_tokens": spent.cached_tokens},
        }
        ended: list[Line | str] = [
            choice({}, finish),
            {"model": self.model, "choices": [], "usage": usage},
            "[DONE]",
        ]
        return [choice({"role": "assistant"})], lambda piece: choice({"content": piece}), ended

    def _anthropic(self, finish: str | None, spent: Usage) -> _Dialect:
        usage = {
            "input_tokens": spent.input_tokens - spent.cached_tokens,
            "cache_read_input_tokens": spent.cached_tokens,
            "output_tokens": 1,
        }
        reason = {"stop": "end_turn", "content_filter": "refusal", "length": "max_tokens"}.get(finish or "")
        opened = {"type": "message_start", "message": {"model": self.model, "usage": usage}}
        ended = {
            "type": "message_delta",
            "delta": {"stop_reason": reason},
            "usage": {"output_tokens": spent.output_tokens},
        }
        return [opened], _block, [ended, {"type": "message_stop"}]


_Dialect = tuple[list[Line], Callable[[str], Line], "list[Line | str]"]
Reply = Callable[[Asked], Sequence[Step]]


def _block(piece: str) -> Line:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}}


def written(lines: Iterable[Line]) -> str:
    """The wire format: one object a line."""
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def good(asked: Asked) -> Sequence[Step]:
    """Answer well."""
    return asked.stream(written(asked.argument()))


def says(text: str) -> Reply:
    """Answer with this text."""
    return lambda asked: asked.stream(text)


def adds(kind: str, name: str, sentence: str) -> Reply:
    """Answer well, with one claim more."""
    return lambda asked: asked.stream(written([asked.claim(kind, name, sentence), *asked.argument()]))


def asks_for(query: str) -> Reply:
    """Ask for the retrieve tool."""
    return says(written([{"kind": "tool", "name": "retrieve", "input": {"query": query}}]))


def refuses(status: int, message: str = "no", code: str = "", **headers: str) -> Reply:
    """Answer with an HTTP error; an underscore in a header's name stands for a hyphen."""
    error = {"error": {"type": code, "message": message}}
    return lambda asked: [document(error, status=status, **headers)]


def cut(asked: Asked) -> Sequence[Step]:
    """End in the middle of the text."""
    return asked.stream(written(asked.argument()), finish=None)


def stall(asked: Asked) -> Sequence[Step]:
    """Write half of a good answer and then nothing, until the client hangs up."""
    return asked.stream(written(asked.argument()), pause="hold")


def decline(asked: Asked) -> Sequence[Step]:
    """End as a model does that does not want to answer."""
    return asked.stream("I would rather not.", finish="content_filter")


def through(gate: Gate) -> Reply:
    """Answer well, the second half once the gate is open."""
    return lambda asked: asked.stream(written(asked.argument()), pause=gate)


class ModelServer(WireServer):
    """Answers ``good`` unless a script says otherwise. ``asked`` holds every request, oldest first."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self._scripts: dict[str, deque[Reply]] = {}

    def script(self, form: str, *replies: Reply) -> None:
        """Answer this form's next calls so, one reply each."""
        self._scripts.setdefault(form, deque()).extend(replies)

    def of(self, form: str) -> list[Asked]:
        """This form's calls so far."""
        return [asked for asked in self.asked if asked.form == form]

    def told(self) -> Usage:
        """What the answers said they cost, over all calls."""
        return sum((asked.told for asked in self.asked), Usage())

    def forget(self) -> dict[str, int]:
        """Start afresh; returns how many scripted replies nobody had asked for."""
        left = {form: len(replies) for form, replies in self._scripts.items() if replies}
        self.asked, self._scripts = [], {}
        return left

    def environment(self, model: str = "openai:test", key: str = "test-key") -> dict[str, str]:
        """What a worker needs to use this server for either provider."""
        return {
            "TRIPTYCH_MODEL": model,
            "OPENAI_BASE_URL": f"{self.url}/v1",
            "OPENAI_API_KEY": key,
            "ANTHROPIC_BASE_URL": self.url,
            "ANTHROPIC_API_KEY": key,
        }

    def steps_for(self, request: Request) -> Sequence[Step]:
        asked = Asked(request)
        steps = self.reply_for(asked)(asked)
        self.asked.append(asked)
        return steps

    def reply_for(self, asked: Asked) -> Reply:
        """What to answer; a subclass may look at what is asked."""
        replies = self._scripts.get(asked.form)
        return replies.popleft() if replies else good
