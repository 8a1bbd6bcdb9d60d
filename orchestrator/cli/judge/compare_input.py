"""What ``triptych compare`` is given: goals, arms, prices and each goal's evidence, refused where it is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import InvalidInput

if TYPE_CHECKING:
    from orchestrator.contracts import Passage
    from orchestrator.experiment import Arm, Goal
    from orchestrator.experiment.figures import Prices
    from orchestrator.settings import Settings

MAX_ARMS = 6
_PRICES = 3
_ARMS = "--arms"


def read_goals(file: Path) -> tuple[Goal, ...]:
    """Read them from a file, or from stdin (``-``). Raises ``InvalidInput``."""
    from orchestrator.experiment import parse_goals

    if str(file) == "-":
        return parse_goals(sys.stdin, "stdin")
    try:
        with file.open(encoding="utf-8") as lines:
            return parse_goals(lines, str(file))
    except OSError as error:
        raise InvalidInput("--goals", f"{file} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise InvalidInput("--goals", f"{file} is no UTF-8 text; write it as UTF-8") from None


def arms_of(names: str) -> tuple[Arm, ...]:
    """Read ``sequential,parallel/3``: modes, parallel with its sections. Raises ``InvalidInput``."""
    wanted = [name.strip() for name in names.split(",")]
    arms = [_arm(name) for name in wanted]
    if not 2 <= len(arms) <= MAX_ARMS:
        raise InvalidInput(
            _ARMS, f"takes 2 to {MAX_ARMS} modes, separated by commas; the first is the reference"
        )
    return tuple(
        arm
        if wanted.index(name) == n
        else arm.model_copy(update={"name": f"{name}-{wanted[: n + 1].count(name)}"})
        for n, (name, arm) in enumerate(zip(wanted, arms, strict=True))
    )


def _arm(name: str) -> Arm:
    from typing import cast, get_args

    from orchestrator.contracts import Mode
    from orchestrator.contracts.base import MOST_SECTIONS
    from orchestrator.experiment import Arm

    mode, slash, sections = name.partition("/")
    known = get_args(Mode)
    if mode not in known:
        raise InvalidInput(_ARMS, f"{mode[:80]!r} is no mode; there are {', '.join(known)}")
    counts = [str(count) for count in range(1, MOST_SECTIONS + 1)]
    if slash and mode != "parallel":
        raise InvalidInput(_ARMS, f"{name[:80]!r}: only parallel has sections, as in parallel/3")
    if slash and sections not in counts:
        raise InvalidInput(
            _ARMS, f"{name[:80]!r}: parallel is written in 1 to {MOST_SECTIONS} sections, as in parallel/3"
        )
    return Arm(name=name, mode=cast("Mode", mode), sections=int(sections) if slash else None)


def prices_of(text: str | None) -> Prices | None:
    """Read ``IN,OUT,CACHED``. Raises ``InvalidInput``."""
    from orchestrator.experiment.figures import Prices

    if text is None:
        return None
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != _PRICES or not all(0 <= value < float("inf") for value in values):
        raise InvalidInput("--prices", "takes three: of input, output and cached input, as in 0.25,2,0.025")
    return Prices(input=values[0], output=values[1], cached=values[2])


def evidence_of(
    settings: Settings, goals: Sequence[Goal], docs: Sequence[Path], corpus: str | None, *, quiet: bool
) -> dict[str, tuple[Passage, ...]]:
    """Each goal's passages: its own, or what is found once in the documents. Raises ``InvalidInput``."""
    from orchestrator.cli.shared.documents import corpus_for
    from orchestrator.contracts import TaskSpec
    from orchestrator.corpus import Corpus
    from orchestrator.language import detect_language
    from orchestrator.routing.planning import PASSAGES_PER_JOB, outline

    found = {goal.id: goal.passages for goal in goals}
    searching = [goal for goal in goals if not goal.passages]
    if not searching:
        if docs or corpus:
            raise InvalidInput("--docs", "go unused: every goal brings its passages; leave them out")
        return found
    documents = Corpus.open(settings.home, corpus_for(settings, docs, corpus, quiet=quiet))
    for goal in searching:
        spec = TaskSpec(task_id="compare", goal=goal.goal, constraints=goal.constraints, scope=goal.scope)
        queries = outline(spec, goal.language or detect_language(goal.goal)).search_queries
        found[goal.id] = tuple(hit.passage for hit in documents.search(queries, PASSAGES_PER_JOB))
    return found


def fingerprint(parts: Iterable[str]) -> str:
    """What tells two lists of texts apart."""
    import hashlib

    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
