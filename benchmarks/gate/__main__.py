"""``python -m benchmarks.gate``: how well the gate catches what is wrong and lets pass what is not, as tables.

Exit codes: 0 no broken quote passed, no sound answer was rejected and no repair made a broken claim pass, 1 otherwise.
With ``--judge`` 0, or 2 where no judge can be asked.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from operator import attrgetter
from pathlib import Path

from benchmarks.gate import labelled, repairs, second, speed
from benchmarks.gate.figures import Outcome, Row, outcomes, table
from benchmarks.gate.mutations import SEED, cases
from benchmarks.gate.texts import shipped_texts
from orchestrator.cli.judge.opinion import judge_from_options
from orchestrator.errors import CallerError, WorldError


def main() -> int:
    """Judge the cases and print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="make bench-gate", description="The Evidence Gate on answers broken in known ways."
    )
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="a folder with wice/ and begin/, as they were published: measure level 2 on their development sets",
    )
    parser.add_argument(
        "--judge",
        type=int,
        nargs="?",
        const=20,
        metavar="N",
        help="instead: ask a model about N cases of each row that pass (default 20; 0: all of them), on the fleet of "
        "REDIS_URL or with a private worker",
    )
    parser.add_argument("--model", metavar="PROVIDER:NAME", help="that model, for a private worker")
    parser.add_argument("--show", action="store_true", help="print the cases that went wrong as JSON lines")
    arguments = parser.parse_args()
    made = list(cases(shipped_texts(), seed=SEED))
    judged = list(outcomes(made))
    if arguments.judge is not None:
        return _judged(judged, arguments.judge, arguments.model)
    print(f"{len(judged):,} cases of shipped texts, seed {SEED}\n")
    print("\n".join(markdown(judged)), end="\n\n")
    print("\n".join(repairs.markdown(made)), end="\n\n")
    print("\n".join(speed.lines(shipped_texts())), end="\n\n")
    if arguments.data:
        print("\n".join(labelled.markdown(arguments.data)))
    if arguments.show:
        for outcome in (o for o in judged if o.wrong):
            print(json.dumps(shown(outcome), ensure_ascii=False))
    return int(any(outcome.fatal for outcome in judged) or bool(repairs.made_to_pass(made)))


def _judged(judged: Sequence[Outcome], most: int, model: str | None) -> int:
    try:
        judge = judge_from_options(judge=True, model=model)
        assert judge is not None, "it was asked for"  # noqa: S101 - for mypy
        lines = list(second.markdown(second.sampled(judged, most), judge))
    except (CallerError, WorldError) as error:
        print(f"make bench-gate: {error}", file=sys.stderr)
        return 2
    print(f"judged by {', '.join(judge.models)}, seed {SEED}; {judge.usage.tokens:,} tokens\n")
    print("\n".join(lines))
    return 0


def markdown(judged: Sequence[Outcome]) -> Iterator[str]:
    """The two tables: mutations and their catch rates, harmless changes and their false-reject rates."""
    rows = table(judged)
    yield "| mutation | of the | cases en, ko | caught en | caught ko | strict en | strict ko |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    yield from _lines([row for row in rows if row.harmful])
    yield ""
    yield "| harmless change | of the | cases en, ko | rejected en | rejected ko | strict en | strict ko |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    yield from _lines([row for row in rows if not row.harmful])


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    kinds = dict.fromkeys((row.mutation, row.place) for row in rows)
    for mutation, place in kinds:
        found = {row.language: row for row in rows if (row.mutation, row.place) == (mutation, place)}
        counts = ", ".join(
            str(found[language].cases) if language in found else "-" for language in ("en", "ko")
        )
        rates = [
            f"{rate(found[language]):.1%}" if language in found else "-"
            for rate in (attrgetter("rate"), attrgetter("strict_rate"))
            for language in ("en", "ko")
        ]
        yield f"| {mutation} | {place} | {counts} | {' | '.join(rates)} |"


def shown(outcome: Outcome) -> dict[str, object]:
    """A case that went wrong, to be looked at."""
    return {
        "mutation": outcome.case.mutation,
        "place": outcome.case.place,
        "answer": outcome.case.answer.model_dump(exclude_unset=True),
        "findings": [f"{finding.reason}: {finding.detail}" for finding in outcome.report.findings],
    }


if __name__ == "__main__":
    sys.exit(main())
