"""``--judge``: a second opinion on claims, from the model of a fleet or of a private worker."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from orchestrator.contracts import Usage
    from orchestrator.contracts.judging import Opinion, SupportQuestion
    from orchestrator.local import PrivateFleet
    from orchestrator.settings import Settings

Judge = Annotated[
    bool,
    typer.Option(
        "--judge",
        help="Ask a model about every claim that holds: it fails where the model does not say that it is supported.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        metavar="PROVIDER:NAME",
        help="The judge's model, instead of TRIPTYCH_MODEL_JUDGE; not on a fleet, whose workers know theirs.",
    ),
]


def judge_from_options(*, judge: bool, model: str | None, tenant: str = "default") -> AskedJudge | None:
    """The judge that a command was told to ask, or ``None``. Raises ``InvalidInput`` and ``InvalidSettings``."""
    from orchestrator.errors import InvalidInput, InvalidSettings
    from orchestrator.settings import load_settings, require_keys
    from orchestrator.settings.places import JUDGE

    if not judge:
        if model:
            raise InvalidInput("--model", "is the judge's: add --judge, or leave it out")
        return None
    try:
        settings = load_settings(**({"model_judge": model} if model else {}))
    except InvalidSettings as error:
        if model and error.field == "TRIPTYCH_MODEL_JUDGE":
            raise InvalidInput("--model", error.problem) from None
        raise
    if settings.redis_url is not None:
        if model:
            raise InvalidInput(
                "--model",
                "goes unused: the fleet on REDIS_URL judges with what TRIPTYCH_MODEL_JUDGE or TRIPTYCH_MODEL is on "
                "its workers; leave it out, or unset REDIS_URL to judge on this machine",
            )
    elif settings.model_for(JUDGE) == "extractive":
        raise InvalidInput(
            "--judge",
            "needs a model, and the extractive engine is none; name one with --model, TRIPTYCH_MODEL_JUDGE or "
            "TRIPTYCH_MODEL (openai:NAME, anthropic:NAME), or leave --judge out",
        )
    else:
        require_keys(settings)
    return AskedJudge(settings, tenant)


class AskedJudge:
    """Asks a judge, and says so on stderr. A private worker runs for as long as that takes; without a claim, none."""

    def __init__(self, settings: Settings, tenant: str = "default") -> None:
        from orchestrator.contracts import Usage

        self._settings = settings
        self._tenant = tenant
        self.counts: Counter[str] = Counter()
        self.models: tuple[str, ...] = ()
        self.usage: Usage = Usage()

    def opinions(self, questions: Sequence[SupportQuestion]) -> list[Opinion]:
        """Ask all of them. Raises ``InvalidInput`` without a model, ``WorldError`` where nothing is answered."""
        from orchestrator.cli.shared.joining import join_fleet
        from orchestrator.cli.shared.output import counted, stderr_console
        from orchestrator.contracts.judging import Silence
        from orchestrator.errors import InvalidInput, WorldError
        from orchestrator.judging import ALONE_S, JudgeClient

        notes = stderr_console()
        private = self._settings.redis_url is None
        whom = self._settings.model_for("judge") if private else "the fleet's model"
        notes.print(f"A second opinion on {counted(len(questions), 'claim')}: asking {whom}")
        found: dict[int, Opinion] = {}
        with ExitStack() as stack:
            fleet = join_fleet(self._settings, stack)
            settings = fleet.settings if fleet else self._settings
            alone_s = None if fleet else ALONE_S
            client = JudgeClient(settings, tenant=self._tenant, alone_s=alone_s, look=_look(fleet))
            stack.enter_context(client)
            client.check()
            progress = stack.enter_context(_Progress(notes, len(questions)))
            for number, reply in client.ask(questions):
                opinion = reply.opinion
                if isinstance(opinion, Silence) and opinion.why == "no_model":
                    raise InvalidInput("--judge", opinion.detail)
                found[number] = opinion
                progress.advance()
            self.models, self.usage = tuple(client.models), client.usage
        opinions = [found[number] for number in range(len(questions))]
        self.counts = Counter(_word(opinion) for opinion in opinions)
        silent = [opinion for opinion in opinions if isinstance(opinion, Silence)]
        if len(silent) == len(opinions):
            raise WorldError(
                f"the judge answered nothing, so nothing is judged: {silent[-1].why}: {silent[-1].detail}"
            )
        said = ", ".join(f"{self.counts[word]:,} {word}" for word in ("supported", "refuted", "silent"))
        notes.print(f"{', '.join(self.models)}: {said}; {self.usage.tokens:,} tokens", soft_wrap=True)
        return opinions

    def as_json(self) -> dict[str, Any]:
        """Who was asked, how often it said what, and what that cost."""
        return {
            "models": list(self.models),
            "asked": self.counts.total(),
            **{word: self.counts[word] for word in ("supported", "refuted", "silent")},
            "usage": self.usage.model_dump(),
        }


def _word(opinion: Opinion) -> str:
    from orchestrator.contracts.judging import Support

    return opinion.verdict if isinstance(opinion, Support) else "silent"


class _Progress:
    """A bar where there is a terminal; otherwise ten lines at most."""

    def __init__(self, notes: Console, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("Judging"),
            BarColumn(),
            MofNCompleteColumn(),
            console=notes,
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._notes, self._total, self._done = notes, total, 0
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self) -> None:
        """One more is judged."""
        self._done += 1
        self._bar.advance(self._task)
        if self._bar.disable and self._done % max(1, -(-self._total // 10)) == 0:
            self._notes.print(f"{self._done}/{self._total} judged")


def _look(fleet: PrivateFleet | None) -> Callable[[], None]:
    """What to look at while answers are awaited: signals, and a private worker's death."""
    from orchestrator.cli.shared import interrupt

    def look() -> None:
        interrupt.check()
        if fleet is not None:
            fleet.check_worker()

    return look
